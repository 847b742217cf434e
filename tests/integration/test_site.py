# SPDX-License-Identifier: MIT
"""From simulated lines to rows: every stored value equals the value that the meter sent in that slot."""

import unittest

from simsite import Site, free_port


class TestSite(Site):
    def site(self, port):
        return f"""
[bus line]
transport = rtu
path = {self.dir}/tty
baud = 9600
[bus gateway]
transport = tcp
port = {port}
[meter e43]
bus = line
model = countis-e43
address = 5
tariffs = 00:00 2, 06:00 1, 22:00 2
base = 4 kW
peak = 30 kW
[meter conto]
bus = line
model = conto-d4-s
address = 6
ct = 100/5
base = 2 kW
[meter pulses]
bus = line
model = conto-d4cr8
address = 12
input_1 = 36000
input_2 = 72000
turnaround = 20ms
[meter e44]
bus = gateway
model = countis-e44
address = 7
base = 20 kW
peak = 40 kW
pf = -0.8
tariffs = 00:00 3
"""

    def configure(self, port):
        periods = "energy_every = 3s\npower_every = 3s\n"
        self.write("etc/bus.d/line.ini", f"""
[bus]
transport = rtu
device = {self.dir}/tty
baud = 9600
{periods}
[meter e43]
model = countis-e43
address = 5
[meter conto]
model = conto-d4-s
address = 6
ct = 100/5
confirmed = yes
[meter pulses]
model = conto-d4cr8
address = 12
confirmed = yes
[input lighting]
concentrator = pulses
input = 1
pulse = 10 Wh
offset = 81234.5 kWh
[input gas]
concentrator = pulses
input = 2
pulse = 0.01 m3
""")
        self.write("etc/bus.d/gateway.ini", f"""
[bus]
transport = tcp
host = 127.0.0.1
port = {port}
{periods}
[meter e44]
model = countis-e44
address = 7
""")

    def start_site(self):
        port = free_port()
        self.configure(port)
        self.start_sim(self.site(port))
        self.start_daemon()

    def test_every_stored_value_equals_the_simulators_truth(self):
        self.start_site()
        for meter in ("e43", "conto", "e44"):
            self.wait_rows("SELECT * FROM energy WHERE meter = ?", 4, meter)
        self.assertEqual(self.stop_daemon(), 0)
        meters = ("e43", "conto", "e44")
        self.assertGreater(self.assert_rows_true("energy", 3, meters), 20)
        self.assertGreater(self.assert_rows_true("power", 3, meters), 100)
        self.assertGreater(self.assert_tariffs_true(3, ("e43", "e44")), 20)
        self.assertRegex(self.control("stats"), r"(?m)^bus line .* bad=0 crowded=0 .* wrong_speed=0 ")
        leading = self.sql("SELECT max(power_factor) AS pf FROM power WHERE meter = 'e44'")
        self.assertLess(leading[0]["pf"], 0)

    def sent_since(self, meter, quantity, ts):
        return [int(values[quantity]) for wall_ms, name, status, values in self.trace()
                if name == meter and status == "ok" and quantity in values and wall_ms >= ts * 1000]

    def test_a_pulse_input_is_a_meter_of_its_own(self):
        self.start_site()
        rows = self.wait_rows("SELECT * FROM pulse WHERE meter = 'lighting'", 3)
        self.wait_rows("SELECT * FROM pulse WHERE meter = 'gas'", 3)
        self.assertEqual(self.stop_daemon(), 0)
        for row in rows:
            pulses = row["pulses"]
            if row["quality"] == "good":
                self.assertEqual(pulses, int(self.truth_in("pulses", row["ts"], row["ts"] + 3)["pulses_1"]))
            else:  # read after its slot, on a busy machine
                self.assertIn(pulses, self.sent_since("pulses", "pulses_1", row["ts"]))
            self.assertEqual((row["concentrator"], row["input"], row["unit"]), ("pulses", 1, "kWh"))
            self.assertEqual(round(row["value"] * 1000), 81234500 + 10 * pulses)
            energy = self.sql("SELECT * FROM energy WHERE meter = 'lighting' AND ts = ?", row["ts"])
            self.assertEqual(round(energy[0]["active_import_kwh"] * 1000), 81234500 + 10 * pulses)
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
