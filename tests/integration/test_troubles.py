# SPDX-License-Identifier: MIT
"""The troubles that a meter has for a while, one after the other: not a watt-hour is lost or invented."""

import unittest

from simsite import Site, wait_for

ENERGIES = "50700-51299"  # every register of an energy, the coarser ones too


class TestTroubles(Site):
    def start_site(self):
        self.write("etc/tallyd.ini", self.tallyd_ini("interval = 1s\n"))
        bus = self.write_gateway("response_timeout = 500ms\n[meter m]\nmodel = countis-e44\naddress = 5\n")
        # 600 kW are a kilowatt-hour, the step of the coarser registers, in six seconds
        self.start_sim(f"{bus}pace = no\n[meter m]\nbus = gateway\nmodel = countis-e44\naddress = 5\nbase = 600 kW\n"
                       "peak = 600 kW\nct_primary = 1000\nct_secondary = 5\nserial_number = 11112222\n"
                       "active_energy_import = 5000.12 kWh\n")
        self.start_daemon()
        self.wait_good(5)

    def wait_good(self, n):
        """Wait for n good readings from now on."""
        last = max(self.slots("m"), default=0)
        return self.wait_rows("SELECT * FROM energy WHERE quality = 'good' AND ts > ? ORDER BY ts", n, last)

    def wait_event(self, kind, n=1):
        return [row["detail"] for row in
                self.wait_rows("SELECT detail FROM event WHERE subject = 'm' AND kind = ? ORDER BY ts", n, kind)]

    def begin_trouble(self, kind, *registers):
        self.control("fault", "m", kind, "100%", "1", "1h", *registers)
        name = kind.rstrip("0123456789-")
        wait_for(lambda: f" {name}=" in self.command_sim("stats"), kind)

    def end_trouble(self, kind):
        self.control("fault", "m", kind, "0%")

    def read_coarsely_for_a_while(self):
        self.begin_trouble("coarse-only")
        self.assertIn("refuses active_energy_import at 50946", self.wait_event("register-refused")[0])
        self.wait_rows("SELECT * FROM trouble WHERE subject = 'm' AND kind = 'register-refused'", 1)
        self.assertIn("\nm: refuses active_energy_import at 50946, ", self.tally("status").stdout)
        self.wait_rows("SELECT DISTINCT active_import_wh FROM energy WHERE active_import_wh % 1000 = 0", 4)
        self.end_trouble("coarse-only")
        self.assertIn("active_energy_import at 50946", self.wait_event("register-back")[0])
        wait_for(lambda: self.sql("SELECT * FROM trouble") == [], "the end of the trouble")
        self.wait_good(5)

    def refuse_energies_for_a_while(self):
        n_back = len(self.wait_event("register-back"))
        self.begin_trouble("refuse-3", ENERGIES)
        self.wait_event("register-refused", 2)
        last, = self.sql("SELECT max(ts) AS ts FROM power")
        self.wait_rows("SELECT * FROM power WHERE quality = 'good' AND ts > ?", 5, last["ts"])
        self.end_trouble("refuse-3")
        self.wait_event("register-back", n_back + 1)
        self.wait_good(5)

    def restart_with_a_serial_number_of_zeros(self):
        self.assertEqual(self.stop_daemon(), 0)
        self.control("fault", "m", "serial-of-zeros", "100%", "1", "1h")
        self.start_daemon()
        wait_for(lambda: " serial-of-zeros=" in self.command_sim("stats"), "the zeros")
        self.wait_good(5)
        self.end_trouble("serial-of-zeros")

    def show_false_counters_for_a_while(self, kind):
        n = len(self.sql("SELECT * FROM event WHERE subject = 'm' AND kind = 'implausible'"))
        self.begin_trouble(kind)
        self.wait_event("implausible", n + 1)
        last, = self.sql("SELECT max(ts) AS ts FROM energy")
        self.wait_rows("SELECT * FROM energy WHERE ts > ?", 3, last["ts"])
        self.end_trouble(kind)
        self.wait_good(12)

    def test_nothing_is_lost_or_invented_by_any_of_them(self):
        self.start_site()
        self.read_coarsely_for_a_while()
        self.refuse_energies_for_a_while()
        self.restart_with_a_serial_number_of_zeros()
        self.show_false_counters_for_a_while("stale-register")
        self.show_false_counters_for_a_while("zeros-after-restart")
        self.wait_good(15)
        self.assertEqual(self.stop_daemon(), 0)

        good = {row["ts"]: row["active_import_wh"] for row in
                self.sql("SELECT * FROM energy WHERE quality = 'good' AND active_import_wh > 5000000 ORDER BY ts")}
        intervals = self.sql("SELECT ts, base_value FROM interval WHERE quantity = 'active_energy_import' ORDER BY ts")
        ends = [row["ts"] + 1 for row in intervals if row["ts"] + 1 in good]
        first, last = min(good), max(ends)
        self.assertGreater(last, max(good) - 10)
        counted = sum(row["base_value"] or 0 for row in intervals if first <= row["ts"] < last)
        self.assertEqual(counted, good[last] - good[first])
        self.assertEqual(self.sql("SELECT reason FROM meter_life WHERE quantity = 'active_energy_import'"),
                         [{"reason": "first"}])
        self.assertEqual(self.sql("SELECT kind, detail FROM event WHERE kind IN "
                                  "('reset', 'rollover', 'meter-replaced', 'identity-changed', 'two-meters')"), [])
        self.assertEqual(self.sql("SELECT serial FROM meter_status"), [{"serial": "00000000000011112222"}])


if __name__ == "__main__":
    unittest.main()
