# SPDX-License-Identifier: MIT
"""Register tables that somebody wrote for a site: a model that nobody knew, and one in the place of a shipped one."""

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
        """A gateway of these meters: (name, model, address)."""
        self.write("etc/bus.d/gateway.ini", f"[bus]\ntransport = tcp\nhost = 127.0.0.1\nport = {self.port}\n"
                                            "energy_every = 1s\npower_every = 1s\nresponse_timeout = 200ms\n" + "".join(
                       f"[meter {name}]\nmodel = {model}\naddress = {address}\n" for name, model, address in meters))

    def simulate(self, *meters):
        self.start_sim(f"[bus gateway]\ntransport = tcp\nport = {self.port}\npace = no\n" + "".join(
            f"[meter {name}]\nbus = gateway\nmodel = {model}\naddress = {address}\nbase = 2 kW\n"
            for name, model, address in meters), drivers=self.path)

    def test_unknown_model_is_read_from_the_example_of_the_manual_without_a_build(self):
        manual = (SOURCE / "daemon/tallyd-driver.5").read_text()
        example = re.search(r"^\.Sh EXAMPLES\n.*?^\.Bd -literal -offset indent\n(.*?)^\.Ed$", manual, re.M | re.S)[1]
        known, newcomer = ("mains", "countis-e44", 5), ("press", "example-44", 6)
        self.configure(known)
        self.assertNotIn("example-44", self.tally("models").stdout)
        self.simulate(known)
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'mains'", 1)

        self.write("etc/drivers/example-44.ini", example)
        self.sim.terminate()
        self.sim.wait()
        self.simulate(known, newcomer)
        self.configure(known, newcomer)
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

    def test_models_lists_the_newcomer_and_plans_its_requests(self):
        self.configure(("mains", "countis-e44", 5))
        self.write("etc/drivers/example-44.ini", (SOURCE / "conf/driver-template.ini").read_text())
        listed = self.tally("models")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertRegex(listed.stdout, r"(?m)^ *example-44 ")
        model = self.tally("models", "example-44")
        self.assertEqual(model.returncode, 0, model.stderr)
        self.assertIn(f"{self.etc}/drivers/example-44.ini", model.stdout)

    def test_table_that_shadows_a_shipped_one_is_used_and_told(self):
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
        wait_for(lambda: "1 go on, 0 changed" in self.log(), "the bus goes on")
        self.assertEqual(self.log().count("bus gateway: begins"), 1)

        self.write("etc/drivers/countis-e44.ini", table + export)
        self.daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: "0 go on, 1 changed" in self.log(), "the bus begins again")
        self.wait_rows("SELECT * FROM energy WHERE meter = 'mains' AND active_export_kwh IS NOT NULL", 1)
        self.assertEqual(self.stop_daemon(), 0)


if __name__ == "__main__":
    unittest.main()
