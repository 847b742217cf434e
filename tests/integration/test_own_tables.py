# SPDX-License-Identifier: MIT
"""Register tables written for one site: of an unknown model, and in place of a shipped table."""

import re
import signal
import unittest

from simsite import SOURCE, Site, free_port, wait_for


class TestOwnTables(Site):
    def setUp(self):
        super().setUp()
        self.path = f"{self.etc}/drivers:{SOURCE}/drivers"
        self.write("etc/tallyd.ini", self.tallyd_ini().replace(f"{SOURCE}/drivers", self.path))
        self.port = free_port()

    def configure(self, *meters):
        """Write the bus file of these meters: (name, model, address)."""
        self.bus = self.write_gateway("response_timeout = 200ms\n" + "".join(
            f"[meter {name}]\nmodel = {model}\naddress = {address}\n" for name, model, address in meters), port=self.port)

    def simulate(self, *meters):
        self.start_sim(f"{self.bus}pace = no\n" + "".join(
            f"[meter {name}]\nbus = gateway\nmodel = {model}\naddress = {address}\nbase = 2 kW\n"
            for name, model, address in meters), drivers=self.path)

    def test_an_unknown_model_is_read_with_the_example_of_the_manual_and_no_build(self):
        manual = (SOURCE / "daemon/tallyd-driver.5").read_text()
        example = re.search(r"^\.Sh EXAMPLES\n.*?^\.Bd -literal -offset indent\n(.*?)^\.Ed$", manual, re.M | re.S)[1]
        known, added = ("mains", "countis-e44", 5), ("press", "example-44", 6)
        self.configure(known)
        self.assertNotIn("example-44", self.tally("models").stdout)
        self.simulate(known)
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'mains'", 1)

        self.write("etc/drivers/example-44.ini", example)
        self.sim.terminate()
        self.sim.wait()
        self.simulate(known, added)
        self.configure(known, added)
        check = self.tally("check")
        self.assertEqual((check.returncode, check.stderr), (0, ""))
        self.daemon.send_signal(signal.SIGHUP)
        self.wait_rows("SELECT * FROM energy WHERE meter = 'press' AND quality = 'good'", 3)
        self.wait_rows("SELECT * FROM power WHERE meter = 'press' AND quality = 'good'", 3)
        self.assertGreater(self.assert_rows_true("energy", 1, {"press"}), 2)
        self.assertGreater(self.assert_rows_true("power", 1, {"press"}), 8)
        status = self.wait_rows("SELECT * FROM meter_status WHERE meter = 'press' AND state = 'up'", 1)[0]
        self.assertIn(f"serial_number={status['serial']}\n", self.control("truth", "press"))
        self.assertEqual(self.stop_daemon(), 0)

    def test_check_names_all_faults_of_a_table_that_no_meter_uses_yet(self):
        self.configure(("mains", "countis-e44", 5))
        self.write("etc/drivers/new.ini", (SOURCE / "conf/examples/drivers/sdm630.ini").read_text().replace(
            "f32   1 Hz", "float 1 Hz").replace("current_n  ", "current_l4 ").replace("1 kvarh", "1 kVArh", 1))
        check = self.tally("check")
        path = f"warning: {self.etc}/drivers/new.ini"
        self.assertEqual(check.returncode, 0, check.stdout)
        self.assertRegex(check.stderr, rf"(?m)^{path}:\d+: type 'float' of frequency is not valid; use f32 for a float$")
        self.assertRegex(check.stderr, rf"(?m)^{path}:\d+: unknown quantity current_l4 \(did you mean current_l1\?\); ")
        self.assertRegex(check.stderr, rf"(?m)^{path}:\d+: unit 'kVArh' of reactive_energy_import is not valid \(did you mean kvarh\?\)")
        self.assertRegex(check.stderr, rf"(?m)^{path}: no meter uses this table yet$")

    def test_tally_models_lists_a_new_model_and_plans_its_requests(self):
        self.configure(("mains", "countis-e44", 5))
        self.write("etc/drivers/example-44.ini", (SOURCE / "conf/driver-template.ini").read_text())
        listed = self.tally("models")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertRegex(listed.stdout, r"(?m)^ *example-44 ")
        model = self.tally("models", "example-44")
        self.assertEqual(model.returncode, 0, model.stderr)
        self.assertIn(f"{self.etc}/drivers/example-44.ini", model.stdout)

    def test_counters_in_watt_seconds_and_in_tenths_are_read_and_shown_in_whole_watt_hours(self):
        tables = SOURCE / "tests/replay/tables"
        for name in "watt-second", "tenth-wh":
            self.write(f"etc/drivers/{name}.ini", (tables / f"{name}.ini").read_text())
        meters = ("press", "watt-second", 6), ("oven", "tenth-wh", 7)
        self.configure(*meters)
        self.assertRegex(self.tally("models", "watt-second").stdout, r"(?m)^active_energy_import .* 1/3600 Wh +energy")
        self.assertRegex(self.tally("models", "tenth-wh").stdout, r"(?m)^active_energy_import .* 0\.1 Wh +energy")
        self.simulate(*meters)
        self.start_daemon()
        for name, _, _ in meters:
            self.wait_rows(f"SELECT * FROM energy WHERE meter = '{name}'", 3)
        self.assertEqual(self.stop_daemon(), 0)
        self.assertGreater(self.assert_rows_true("energy", 1, {"press", "oven"}), 5)
        self.assertEqual(self.sql("SELECT * FROM event WHERE kind = 'implausible'"), [])

    def test_a_table_that_replaces_a_shipped_one_is_used_with_a_warning(self):
        own, shipped = f"{self.etc}/drivers/countis-e44.ini", f"{SOURCE}/drivers/countis-e44.ini"
        meter = ("mains", "countis-e44", 5)
        self.configure(meter)
        self.write("etc/drivers/countis-e44.ini", "[model]\nformat = 1\ntitle = Mine\nvendor = V\nsource = S\n"
                                                  "provenance = driver\n[block spare]\naddress = 50512\nwords = 62\n"
                                                  "[registers]\nactive_energy_export = 50952 u32 10 Wh energy\n")
        warnings = (f"warning: {own}: used instead of {shipped}, which has the same name\n",
                    f"warning: {own}:7: block spare (50512 to 50573) has no row in it\n")
        check = self.tally("check")
        self.assertEqual((check.returncode, sorted(check.stderr.splitlines(True))), (0, sorted(warnings)))
        self.simulate(meter)
        self.start_daemon()
        row = self.wait_rows("SELECT * FROM energy WHERE meter = 'mains'", 1)[0]
        self.assertIsNone(row["active_import_kwh"])
        self.assertIsNotNone(row["active_export_kwh"])
        wait_for(lambda: f"{own}: used instead of {shipped}" in self.log(), "the warning in the log")

    def test_reload_restarts_a_bus_for_a_changed_row_of_a_table_and_not_for_a_comment(self):
        table = ("[model]\nformat = 1\ntitle = Mine\nvendor = V\nsource = S\nprovenance = driver\n"
                 "[registers]\nactive_energy_import = 50946 u32 10 Wh energy\n")
        export = "active_energy_export = 50952 u32 10 Wh energy\n"
        meter = ("mains", "countis-e44", 5)
        self.configure(meter)
        self.simulate(meter)
        self.write("etc/drivers/countis-e44.ini", table)
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'mains'", 1)

        self.write("etc/drivers/countis-e44.ini", "; compared with the display\n" + table.replace(" = ", "="))
        self.daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: "1 unchanged, 0 changed" in self.log(), "the bus to continue")
        self.assertEqual(self.log().count("bus gateway: starting"), 1)

        self.write("etc/drivers/countis-e44.ini", table + export)
        self.daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: "0 unchanged, 1 changed" in self.log(), "the bus to begin again")
        self.wait_rows("SELECT * FROM energy WHERE meter = 'mains' AND active_export_kwh IS NOT NULL", 1)
        self.assertEqual(self.stop_daemon(), 0)


if __name__ == "__main__":
    unittest.main()
