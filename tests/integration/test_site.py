# SPDX-License-Identifier: MIT
"""Simulated lines to rows: every stored value equals what the meter said in its slot."""

import unittest

from samplesite import SampleSite


class TestSite(SampleSite):
    def test_every_stored_value_equals_the_simulators_truth(self):
        self.start_site()
        for meter in ("e43", "conto", "e44"):
            self.wait_rows("SELECT * FROM energy WHERE meter = ?", 4, meter)
        self.assertEqual(self.stop_daemon(), 0)
        meters = ("e43", "conto", "e44")
        self.assertGreater(self.assert_rows_true("energy", 3, meters), 20)
        self.assertGreater(self.assert_rows_true("power", 3, meters), 100)
        self.assertGreater(self.assert_tariffs_true(3, ("e43", "e44")), 20)
        leading = self.sql("SELECT max(power_factor) AS pf FROM power WHERE meter = 'e44'")
        self.assertLess(leading[0]["pf"], 0)

    def test_pulse_input_is_a_meter_of_its_own(self):
        self.start_site()
        rows = self.wait_rows("SELECT * FROM pulse WHERE meter = 'lighting'", 3)
        self.wait_rows("SELECT * FROM pulse WHERE meter = 'gas'", 3)
        self.assertEqual(self.stop_daemon(), 0)
        for row in rows:
            said = int(self.truth_in("pulses", row["ts"], row["ts"] + 3)["pulses_1"])
            self.assertEqual((row["concentrator"], row["input"], row["pulses"], row["unit"]), ("pulses", 1, said, "kWh"))
            self.assertEqual(round(row["value"] * 1000), 81234500 + 10 * said)
            energy = self.sql("SELECT * FROM energy WHERE meter = 'lighting' AND ts = ?", row["ts"])
            self.assertEqual(round(energy[0]["active_import_kwh"] * 1000), 81234500 + 10 * said)
        for row in self.sql("SELECT * FROM pulse WHERE meter = 'gas'"):
            self.assertEqual((row["unit"], round(row["value"] * 100)), ("m3", row["pulses"]))
        self.assertEqual(self.sql("SELECT * FROM energy WHERE meter = 'gas'"), [])

    def test_no_slot_is_stored_twice_after_a_restart(self):
        self.start_site()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'e44'", 2)
        self.assertEqual(self.stop_daemon(), 0)
        self.start_daemon()
        n = len(self.sql("SELECT * FROM energy WHERE meter = 'e44'"))
        self.wait_rows("SELECT * FROM energy WHERE meter = 'e44'", n + 2)
        self.assertEqual(self.sql("SELECT ts, meter FROM energy GROUP BY ts, meter HAVING count(*) > 1"), [])


if __name__ == "__main__":
    unittest.main()
