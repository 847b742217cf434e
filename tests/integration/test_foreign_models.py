# SPDX-License-Identifier: MIT
"""Meters of other makers, read with the tables of conf/examples/drivers from slaves that hold their words."""

import unittest

from simsite import SOURCE, Site, free_port

HERE = SOURCE / "tests/integration"
EXAMPLES = SOURCE / "conf/examples/drivers"


class TestForeignModels(Site):
    def setUp(self):
        super().setUp()
        self.write("etc/tallyd.ini", self.tallyd_ini().replace(f"{SOURCE}/drivers", f"{EXAMPLES}:{SOURCE}/drivers"))

    def read(self, model, unit, *meters, image=None):
        """Start a slave with the image of the model, and the daemon; meters: further lines of each [meter m0] [meter m1] ..."""
        port = free_port()
        self.start("/usr/bin/python3", HERE / "foreign_slave.py", image or HERE / f"{model}.image", unit, "tcp", port,
                   log="slave.log")
        self.write("etc/bus.d/line.ini", f"[bus]\ntransport = tcp\nhost = 127.0.0.1\nport = {port}\nenergy_every = 1s\n"
                                         "power_every = 1s\nresponse_timeout = 200ms\nretries = 0\n" + "".join(
                                             f"[meter m{i}]\nmodel = {model}\naddress = {unit}\n{more}"
                                             for i, more in enumerate(meters)))
        check = self.tally("check")
        self.assertEqual((check.returncode, check.stderr), (0, ""))
        self.start_daemon()

    def latest(self, meter, n):
        """All newest values of a meter, once there are n of them."""
        rows = self.wait_rows(f"SELECT * FROM latest WHERE meter = '{meter}'", n)
        self.assertEqual({r["quality"] for r in rows}, {"good"})
        return {r["quantity"]: r["value"] for r in rows}

    def test_an_sdm630_is_read_with_functions_3_and_4(self):
        self.read("sdm630", 1, "")
        self.assertEqual(self.latest("m0", 59), {
            "voltage_l1": 231.5, "voltage_l2": 230.25, "voltage_l3": 229.75, "current_l1": 10.5, "current_l2": 0.125,
            "current_l3": 100, "active_power_l1": 2300, "active_power_l2": -28.5, "active_power_l3": 22975,
            "apparent_power_l1": 2430.75, "apparent_power_l2": 28.75, "apparent_power_l3": 22975, "reactive_power_l1": 786,
            "reactive_power_l2": 0, "reactive_power_l3": -12.5, "power_factor_l1": 0.938, "power_factor_l2": -1,
            "power_factor_l3": 1, "active_power": 25246.5, "apparent_power": 25434.5, "reactive_power": 773.5,
            "power_factor": 0.984, "frequency": 50.016, "active_power_demand": 20000, "active_power_demand_max": 61234.5,
            "voltage_l12": 400.5, "voltage_l23": 399.25, "voltage_l31": 401, "current_n": 0.5, "thd_voltage_l1": 2.5,
            "thd_voltage_l2": 2.25, "thd_voltage_l3": 2.75, "thd_current_l1": 12.5, "thd_current_l3": 7,
            "active_energy_import": 16383.998, "active_energy_export": 0.25, "reactive_energy_import": 1024.5,
            "reactive_energy_export": 0.125, "apparent_energy": 16500, "active_energy_total": 16384.25,
            "reactive_energy_total": 1024.625, "active_energy_import_l1": 8000.5, "active_energy_import_l2": 0.5,
            "active_energy_import_l3": 8383, "active_energy_export_l1": 0, "active_energy_export_l2": 0.25,
            "active_energy_export_l3": 0, "active_energy_total_l1": 8000.5, "active_energy_total_l2": 0.75,
            "active_energy_total_l3": 8383, "reactive_energy_import_l1": 1000, "reactive_energy_import_l2": 24.5,
            "reactive_energy_import_l3": 0, "reactive_energy_export_l1": 0, "reactive_energy_export_l2": 0,
            "reactive_energy_export_l3": 0.125, "reactive_energy_total_l1": 1000, "reactive_energy_total_l2": 24.5,
            "reactive_energy_total_l3": 0.125})
        status = self.wait_rows("SELECT * FROM meter_status WHERE state = 'up'", 1)[0]
        self.assertEqual(status["serial"], "00BC614E")
        self.assertEqual(self.stop_daemon(), 0)

    def test_an_iem3255_is_read_with_64_bits_and_floats(self):
        self.read("iem3255", 1, "")
        self.assertEqual(self.latest("m0", 24), {
            "current_l1": 125.5, "current_l2": 124.75, "voltage_l12": 400.5, "voltage_l23": 399.5, "voltage_l31": 401.25,
            "voltage_l1": 231.25, "voltage_l2": 230.5, "voltage_l3": 231, "active_power_l1": 28500, "active_power_l2": 28250,
            "active_power_l3": -1500, "active_power": 55250, "reactive_power": 7500, "apparent_power": 55750,
            "frequency": 49.984, "active_energy_import": 123456789.012, "active_energy_export": 0.001,
            "reactive_energy_import": 4294967.296, "active_energy_import_partial": 65.536, "reactive_energy_import_partial": 0,
            "active_energy_import_l1": 41152263.004, "active_energy_import_l2": 41152263.004,
            "active_energy_import_l3": 41152263.004, "tariff": 2})
        status = self.wait_rows("SELECT * FROM meter_status WHERE state = 'up'", 1)[0]
        self.assertEqual(status["serial"], "0A1B2C3D")
        self.assertEqual(self.stop_daemon(), 0)

    def test_the_loads_of_a_diris_b10l_are_meters_with_one_address(self):
        self.read("diris-b10l", 5, "", "load = 3\n")
        self.assertEqual(self.latest("m0", 2), {"active_energy_import": 123456.789, "reactive_energy_import": 0.0})
        self.assertEqual(self.latest("m1", 2), {"active_energy_import": 18014398509.481, "reactive_energy_import": 99.999})
        registers = {(r["meter"], r["quantity"]): r["registers"] for r in self.sql("SELECT * FROM key")}
        self.assertEqual(registers["m0", "active_energy_import"], "4099 u64 abcd x 1 1/10 Wh")
        self.assertEqual(registers["m1", "active_energy_import"], "4227 u64 abcd x 1 1/10 Wh")
        self.assertEqual(self.stop_daemon(), 0)

    def test_another_load_ends_the_lives_of_the_counters(self):
        self.read("diris-b10l", 5, "")
        self.latest("m0", 2)
        self.assertEqual(self.stop_daemon(), 0)
        bus = (self.etc / "bus.d/line.ini").read_text()
        self.write("etc/bus.d/line.ini", bus + "load = 3\n")
        self.start_daemon()
        events = self.wait_rows("SELECT * FROM event WHERE kind = 'key-changed'", 1)
        self.assertIn("register of active_energy_import 4099 u64 abcd x 1 1/10 Wh -> 4227 u64", events[0]["detail"])
        self.wait_rows("SELECT * FROM energy WHERE active_import_kwh > 18000000000 AND quality = 'good'", 3)
        self.assertEqual(self.sql("SELECT * FROM interval WHERE value > 0"), [])
        self.assertEqual(self.stop_daemon(), 0)

    def test_invert_ends_the_lives_of_the_counters_that_change_places(self):
        self.read("sdm630", 1, "")
        self.latest("m0", 59)
        self.assertEqual(self.stop_daemon(), 0)
        self.write("etc/bus.d/line.ini", (self.etc / "bus.d/line.ini").read_text() + "invert = yes\n")
        self.start_daemon()
        event = self.wait_rows("SELECT * FROM event WHERE kind = 'key-changed'", 1)[0]
        self.assertIn("register of active_energy_export 74 f32 abcd x 1000 Wh -> 72 f32 abcd x 1000 Wh", event["detail"])
        self.assertNotIn("active_energy_total", event["detail"])
        self.wait_rows("SELECT * FROM energy WHERE active_export_kwh > 16000 AND quality = 'good'", 3)
        self.assertEqual(self.sql("SELECT * FROM interval WHERE value > 0"), [])
        self.assertEqual(self.stop_daemon(), 0)

    def test_a_meter_mounted_the_wrong_way_round_exports(self):
        self.read("sdm630", 1, "invert = yes\n")
        values = self.latest("m0", 58)
        self.assertEqual({q: values[q] for q in ("active_energy_import", "active_energy_export", "active_energy_export_l1",
                                                 "active_power", "active_power_l2", "power_factor", "active_energy_total")},
                         {"active_energy_import": 0.25, "active_energy_export": 16383.998, "active_energy_export_l1": 8000.5,
                          "active_power": -25246.5, "active_power_l2": 28.5, "power_factor": 0.984,
                          "active_energy_total": 16384.25})
        self.assertNotIn("active_power_demand_max", values)
        self.assertEqual(self.stop_daemon(), 0)

    def test_a_value_in_two_registers_and_weights_in_registers_are_read(self):
        self.write("etc/tallyd.ini", self.tallyd_ini().replace(f"{SOURCE}/drivers", f"{self.etc}/drivers"))
        self.write("etc/drivers/split.ini", "[model]\nformat = 1\ntitle = Split\nvendor = V\nsource = S\nprovenance = driver\n"
                                            "gaps = yes\n[registers]\n"
                                            "active_energy_import = 0 u32 1 kWh energy\n"
                                            "active_energy_import = 8 u16 0.1 Wh energy rest\n"
                                            "active_energy_export = 2 u32 1 Wh energy exponent=4:0..3\n"
                                            "active_power = 20 s16 1 W power exponent=22:-1..3\n")
        self.write("split.image", "0 0000 3039 0000 0007 0002 0000 0000 0000 1A85\n20 FF38 0000 FFFF\n")
        self.read("split", 1, "", image=self.dir / "split.image")
        self.assertEqual(self.latest("m0", 3),
                         {"active_energy_import": 12345.678, "active_energy_export": 0.7, "active_power": -20})
        registers = {r["quantity"]: r["registers"] for r in self.sql("SELECT * FROM key")}
        self.assertEqual(registers, {
            "active_energy_import": "0 u32 abcd x 10000 1/10 Wh, rest 8 u16 x 1 1/10 Wh",
            "active_energy_export": "2 u32 abcd x 1 Wh x 10^0..3 at 4"})
        self.assertRegex(self.tally("models", "split").stdout, r"(?m)^active_energy_export .* 0\.001 kWh x 10\^0\.\.3 ")
        self.assertEqual(self.stop_daemon(), 0)

    def test_a_device_without_a_unit_address_has_address_0(self):
        self.read("iem3255", 0, "")
        self.wait_rows("SELECT * FROM energy WHERE quality = 'good'", 2)
        self.assertEqual(self.tally("probe", "line", "0", "iem3255").returncode, 0)
        self.assertEqual(self.stop_daemon(), 0)


if __name__ == "__main__":
    unittest.main()
