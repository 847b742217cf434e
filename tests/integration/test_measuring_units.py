# SPDX-License-Identifier: MIT
"""Measuring units beside meters on one line: every stored value equals the value that the unit sent in that slot."""

import unittest

from simsite import Site
from truth import Truth

UNITS = ("diris-a10", "diris-a14", "diris-a20", "diris-a30", "diris-a40", "nemo-d4-le", "countis-e17", "countis-e18")
LOADS = (1, 2, 3, 4)


class TestMeasuringUnits(Site):
    def start_site(self):
        """Each unit at an address of its own, from 5 on, and the four loads of a DIRIS B-30 at 40."""
        meters = simulated = ""
        for address, model in enumerate(UNITS, 5):
            ratio = "ct = 100/5\n" if model == "nemo-d4-le" else ""
            meter = f"[meter {model}]\nmodel = {model}\naddress = {address}\n{ratio}"
            meters += f"{meter}confirmed = yes\n"
            simulated += f"{meter}bus = gateway\nbase = 2 kW\npeak = 2 kW\npf = -0.9\ntariffs = 00:00 2\ninput_1 = 7200\n"
        for load in LOADS:
            meter = f"[meter load-{load}]\nmodel = diris-b30\naddress = 40\nload = {load}\n"
            meters += meter
            simulated += f"{meter}bus = gateway\nbase = {load} kW\npeak = {load} kW\ntariffs = 00:00 {load + 4}\n"
        meters += "[input water]\nconcentrator = diris-a30\ninput = 1\npulse = 10 l\n"
        bus = self.write_gateway(meters, port=None)
        self.start_sim(f"{bus}pace = no\n{simulated}")
        self.start_daemon()

    def test_every_value_is_the_one_that_the_unit_sent(self):
        self.start_site()
        meters = [*UNITS, *(f"load-{load}" for load in LOADS)]
        for meter in meters:
            self.wait_rows(f"SELECT * FROM energy WHERE meter = '{meter}' AND active_import_kwh IS NOT NULL", 3)
            self.wait_rows(f"SELECT * FROM power WHERE meter = '{meter}' AND active_power_w IS NOT NULL", 3)
        self.wait_rows("SELECT * FROM pulse WHERE meter = 'water'", 2)
        self.assertEqual({row["state"] for row in self.sql("SELECT state FROM meter_status")}, {"up"})
        self.assertEqual(self.sql("SELECT * FROM event WHERE kind NOT IN ('meter-up', 'bus-up')"), [])
        self.assertEqual(self.stop_daemon(), 0)
        n_values, _, wrong = Truth(self.dir / "trace").check(self.db_path)
        self.assertEqual(wrong, [])
        self.assertGreater(n_values, 100 * len(meters))

    def test_the_loads_of_one_device_are_meters_of_their_own(self):
        self.start_site()
        for load in LOADS:
            power = self.wait_rows(f"SELECT * FROM power WHERE meter = 'load-{load}' AND active_power_w IS NOT NULL", 1)
            self.assertAlmostEqual(power[0]["active_power_w"], 1000 * load, delta=10 * load)
            # the meter numbers its tariffs from 0
            in_force = self.wait_rows(f"SELECT * FROM tariff_energy WHERE meter = 'load-{load}' AND in_force = 1", 1)
            self.assertEqual(in_force[0]["tariff"], load + 4)
        serials = self.wait_rows("SELECT serial FROM meter_status WHERE meter LIKE 'load-%' AND serial <> ''", 4)
        self.assertEqual(len({row["serial"] for row in serials}), 1)


if __name__ == "__main__":
    unittest.main()
