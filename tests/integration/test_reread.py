# SPDX-License-Identifier: MIT
"""A counter that jumps is read again before it is stored, so that a single wrong answer is never visible."""

import unittest

from simsite import Site, wait_for


class TestReread(Site):
    def start_site(self):
        """A Conto, which cannot identify itself, so that only its counters are read again."""
        self.write("etc/tallyd.ini", self.tallyd_ini("interval = 1s\n"))
        bus = self.write_gateway("""
[meter board]
model = conto-d4-s
address = 1
ct = 5/5
confirmed = yes
""", power_every="0")
        self.start_sim(bus + """
[meter board]
bus = gateway
model = conto-d4-s
address = 1
ct = 5/5
base = 5 kW
active_energy_import = 1000 kWh
""")
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy", 2)

    def n_wild(self):
        return sum(answer[2] == "wild" for answer in self.trace())

    def make_wild(self, times):
        """Let that many answers be wild, beginning between two readings, and wait for the readings after them."""
        n = len(self.trace())
        wait_for(lambda: len(self.trace()) >= n + 3, "the end of a reading")
        self.control("fault", "board", "wild", "100%", str(times))
        wait_for(lambda: self.n_wild() == times, f"{times} wild answers")
        self.wait_rows("SELECT * FROM energy", len(self.sql("SELECT * FROM energy")) + 4)

    def test_a_single_wild_value_is_read_again_and_stored_correctly(self):
        self.start_site()
        self.make_wild(1)
        self.assertEqual(self.stop_daemon(), 0)
        self.assertEqual(self.sql("SELECT * FROM energy WHERE quality = 'suspect'"), [])
        self.assertEqual(self.sql("SELECT * FROM event WHERE kind IN ('implausible', 'reset')"), [])
        self.assertGreater(self.assert_rows_true("energy", 1, ("board",)), 6)
        slots = self.slots("board")
        self.assertEqual(slots, list(range(slots[0], slots[-1] + 1)))

    def test_a_value_that_stays_wild_is_kept_as_suspect_and_never_counted(self):
        self.start_site()
        self.make_wild(6)  # the three requests of a reading, twice
        self.assertEqual(self.stop_daemon(), 0)
        suspects = self.sql("SELECT * FROM energy WHERE quality = 'suspect'")
        self.assertEqual(len(suspects), 1, self.sql("SELECT * FROM event"))
        self.assertGreater(suspects[0]["active_import_kwh"], 1000000)
        events = self.sql("SELECT subject, detail FROM event WHERE kind = 'implausible'")
        self.assertEqual([row["subject"] for row in events], ["board"])
        self.assertRegex(events[0]["detail"], "^active_energy_import rose from 1000[.][0-9]{3} to [0-9.]+ kWh; at most")
        self.assertEqual(self.sql("SELECT * FROM event WHERE kind = 'reset'"), [])
        counted = self.sql("SELECT sum(base_value) AS wh FROM interval WHERE quantity = 'active_energy_import'")[0]["wh"]
        good = self.sql("SELECT max(active_import_wh) - min(active_import_wh) AS wh FROM energy "
                        "WHERE quality <> 'suspect'")[0]["wh"]
        self.assertEqual(counted, good)


if __name__ == "__main__":
    unittest.main()
