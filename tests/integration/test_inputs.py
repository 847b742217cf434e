# SPDX-License-Identifier: MIT
"""Electricity, heat, gas and water from two concentrators, from the pulses on the line to the report."""

import csv
import fractions
import io
import unittest

from simsite import Site

METERS = """
[meter pulses]
model = conto-d4cr8
address = 12
confirmed = yes
[meter plant]
model = countis-ci
address = 13
confirmed = yes
[input lighting]
concentrator = pulses
input = 1
pulse = 3200 imp/kWh
[input gas]
concentrator = pulses
input = 2
pulse = 0.01 m3
kind = gas
calorific = 11.187654 kWh/m3
offset = 10482.37 m3
[input water]
concentrator = pulses
input = 3
pulse = 5 imp/l
kind = water
[input office-heat]
concentrator = pulses
input = 4
pulse = 1 kWh
kind = heat
[input boiler]
concentrator = plant
input = 1
pulse = 0.001 GJ
[input cellar]
concentrator = plant
input = 2
pulse = 1 Mcal
"""

SIM = """
[meter pulses]
bus = gateway
model = conto-d4cr8
address = 12
input_1 = 72000
input_2 = 36000
input_3 = 54000
input_4 = 18000
turnaround = 2ms
[meter plant]
bus = gateway
model = countis-ci
address = 13
input_1 = 36000
input_2 = 72000
turnaround = 2ms
"""

# Base units of a pulse: Wh or ml.
WEIGHTS = {"lighting": fractions.Fraction(1000, 3200), "gas": 10000, "water": 200, "office-heat": 1000,
           "boiler": fractions.Fraction(10 ** 6, 3600), "cellar": 1163}


class TestInputs(Site):
    def run_for_a_while(self):
        self.write("etc/tallyd.ini", self.tallyd_ini("interval = 1s\ntimezone = Europe/Paris\n"))
        self.start_sim(self.write_gateway(METERS) + SIM)
        checked = self.tally("check")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.start_daemon()
        for meter in WEIGHTS:
            self.wait_rows(f"SELECT * FROM interval WHERE meter = '{meter}' AND quality = 'measured' AND value > 0", 5)
        self.assertEqual(self.stop_daemon(), 0)

    def test_every_input_is_counted_exactly_and_reported_as_what_it_is(self):
        self.run_for_a_while()
        self.intervals_are_pulses_times_weight()
        self.report_has_heat_beside_electricity()
        self.gas_has_its_heat_beside_its_volume()

    def intervals_are_pulses_times_weight(self):
        for meter, weight in WEIGHTS.items():
            with self.subTest(meter=meter):
                pulses = {r["ts"]: r["pulses"] for r in self.sql(f"SELECT ts, pulses FROM pulse WHERE meter = '{meter}'")}
                rows = self.sql(f"SELECT ts, base_value FROM interval WHERE meter = '{meter}' AND base_value IS NOT NULL "
                                "ORDER BY ts")
                whole = [r for r in rows if r["ts"] in pulses and r["ts"] + 1 in pulses]
                self.assertGreater(len(whole), 3)
                for r in whole:
                    before, after = (int(pulses[r["ts"] + i] * weight) for i in (0, 1))
                    self.assertEqual(r["base_value"], after - before)

    def report_has_heat_beside_electricity(self):
        report = self.tally("report", "--csv")
        rows = {r["meter"]: r for r in csv.DictReader(io.StringIO(report.stdout))}
        self.assertEqual([(m, r["kind"]) for m, r in rows.items()],
                         [("lighting", "electricity"), ("boiler", "heat"), ("cellar", "heat"), ("office-heat", "heat"),
                          ("gas", "gas"), ("water", "water")])
        self.assertEqual([m for m, r in rows.items() if r["active_import_kwh"]], ["lighting"])
        self.assertEqual([m for m, r in rows.items() if r["heat_kwh"]], ["boiler", "cellar", "office-heat", "gas"])
        self.assertEqual({m: r["other_unit"] for m, r in rows.items() if r["other"]}, {"gas": "m3", "water": "l"})
        for meter, column, quantity in (("boiler", "heat_kwh", "heat"), ("lighting", "active_import_kwh", "active_energy_import")):
            counted = self.sql(f"SELECT sum(base_value) AS wh FROM monthly WHERE meter = '{meter}' AND quantity = '{quantity}'")
            self.assertEqual(float(rows[meter][column]), counted[0]["wh"] / 1000)

    def gas_has_its_heat_beside_its_volume(self):
        month = self.sql("SELECT volume_ml, heat_wh FROM monthly_gas")[0]
        self.assertEqual(month["heat_wh"], month["volume_ml"] * 11187654 // 10 ** 9)
        shown = self.sql("SELECT sum(heat_kwh) AS kwh FROM interval_energy WHERE meter = 'gas'")[0]["kwh"]
        self.assertAlmostEqual(shown, month["volume_ml"] * 11.187654e-6, places=6)
        row = next(r for r in csv.DictReader(io.StringIO(self.tally("report", "--csv", "--meter", "gas").stdout)))
        self.assertEqual((float(row["other"]), float(row["heat_kwh"])),
                         (month["volume_ml"] / 10 ** 6, month["heat_wh"] / 1000))


if __name__ == "__main__":
    unittest.main()
