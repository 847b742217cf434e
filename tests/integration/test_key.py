# SPDX-License-Identifier: MIT
"""The values of a meter mean something else, or come from another place, after a reload or a restart."""

import signal
import unittest

from simsite import Site, wait_for

RELOADED = "tallyd: configuration reloaded"


class TestKey(Site):
    def reload(self):
        n = self.log().count(RELOADED)
        self.daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: self.log().count(RELOADED) > n, RELOADED)

    def start_contos(self, meters):
        """A gateway with two Contos of 1000 and 9000 kWh at addresses 1 and 2."""
        self.write("etc/tallyd.ini", self.tallyd_ini("interval = 1s\n"))
        self.gateway = self.write_gateway(meters, power_every="0")
        self.start_sim(self.gateway + "".join(
            f"[meter conto{address}]\nbus = gateway\nmodel = conto-d4-s\naddress = {address}\nbase = 2 kW\n"
            f"active_energy_import = {kwh} kWh\n" for address, kwh in ((1, 1000), (2, 9000))))
        self.start_daemon()

    def rewrite(self, meters):
        path = self.dir / "etc/bus.d/gateway.ini"
        head = path.read_text().split("[meter")[0]
        path.write_text(head + meters)

    @staticmethod
    def meters(press=1, oven=2, ct="ct = 1/1\n"):
        return "".join(f"[meter {name}]\nmodel = conto-d4-s\naddress = {address}\nconfirmed = yes\n{ct}"
                       for name, address in (("press", press), ("oven", oven)))

    def wait_lives(self, meter, reasons):
        self.wait_rows("SELECT * FROM meter_life WHERE meter = ? AND quantity = 'active_energy_import'", len(reasons),
                       meter)
        lives = self.sql("SELECT reason FROM meter_life WHERE meter = ? AND quantity = 'active_energy_import' "
                         "ORDER BY since", meter)
        self.assertEqual([life["reason"] for life in lives], reasons)

    def counted_wh(self, meter):
        return self.sql("SELECT total(active_import_wh) AS wh FROM interval_energy WHERE meter = ?", meter)[0]["wh"]

    def wait_good(self, meter, n):
        last = max((row["ts"] for row in self.sql("SELECT ts FROM energy WHERE meter = ?", meter)), default=0)
        self.wait_rows("SELECT * FROM energy WHERE meter = ? AND ts > ? AND quality = 'good'", n, meter, last)

    def test_exchanged_addresses_are_corrected_by_a_reload_and_count_no_jump(self):
        self.start_contos(self.meters())
        self.wait_good("press", 3)
        self.wait_good("oven", 3)
        self.rewrite(self.meters(press=2, oven=1))
        self.reload()
        for meter in ("press", "oven"):
            self.wait_lives(meter, ["first", "replaced"])
            self.wait_good(meter, 4)
            # The meters differ by 8000 kWh; 2 kW make less than a kWh in this time.
            self.assertLess(self.counted_wh(meter), 1000)
        self.assertEqual(self.sql("SELECT subject, detail FROM event WHERE kind = 'key-changed' AND subject = 'press'"),
                         [{"subject": "press", "detail": "bus gateway address 1 -> bus gateway address 2; a new life begins, "
                                                         "tally replace --undo press takes that back"}])

    def test_a_ratio_written_while_the_daemon_is_stopped_counts_no_jump(self):
        self.start_contos(self.meters())
        self.wait_good("press", 3)
        self.assertEqual(self.stop_daemon(), 0)
        self.rewrite(self.meters(ct="ct = 400/5\n"))
        self.start_daemon()
        self.wait_lives("press", ["first", "replaced"])
        self.wait_good("press", 4)
        self.assertLess(self.counted_wh("press"), 10000)
        details = self.sql("SELECT detail FROM event WHERE kind = 'key-changed' AND subject = 'press'")
        self.assertTrue(details[0]["detail"].startswith("ct 1/1 -> 400/5; a new life begins"), details)

    def test_a_missing_ct_keeps_the_values_and_counts_them_when_it_is_written_as_1_to_1(self):
        self.start_contos(self.meters(ct=""))
        self.wait_rows("SELECT * FROM energy WHERE meter = 'press' AND quality = 'suspect'", 3)
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'press' AND state = 'suspect'", 1)
        self.assertEqual(self.sql("SELECT DISTINCT reason FROM suspect_reading"), [{"reason": "ct missing"}])
        self.assertEqual(self.sql("SELECT * FROM meter_life"), [])
        check = self.tally("check")
        self.assertEqual(check.returncode, 1)
        self.assertIn("key ct is missing in [meter press], a conto-d4-s; use the ratio of its transformers", check.stderr)
        first = self.sql("SELECT min(ts) AS ts, active_import_wh AS wh FROM energy WHERE meter = 'press'")[0]
        self.rewrite(self.meters())
        self.reload()
        self.wait_good("press", 3)
        self.assertEqual(self.sql("SELECT * FROM suspect_reading"), [])
        self.wait_lives("press", ["first"])
        life = self.sql("SELECT from_value FROM meter_life WHERE meter = 'press' AND quantity = 'active_energy_import'")
        self.assertEqual(life[0]["from_value"] * 1000, first["wh"])

    def test_a_meter_with_a_serial_number_that_moves_to_another_bus_continues(self):
        self.write("etc/tallyd.ini", self.tallyd_ini("interval = 1s\n"))
        meter = "[meter press]\nmodel = countis-e44\naddress = 5\n"
        bus = self.write_gateway("response_timeout = 200ms\n" + meter, power_every="0")
        self.start_sim(f"{bus}[meter press]\nbus = gateway\nmodel = countis-e44\naddress = 5\nbase = 2 kW\n"
                       "serial_number = 11112222\nactive_energy_import = 5000 kWh\n")
        self.start_daemon()
        self.wait_good("press", 3)
        path = self.dir / "etc/bus.d/gateway.ini"
        path.rename(self.dir / "etc/bus.d/cellar.ini")
        self.reload()
        self.wait_good("press", 4)
        self.wait_lives("press", ["first"])
        details = self.wait_rows("SELECT detail FROM event WHERE kind = 'key-changed' ORDER BY ts", 2)
        self.assertIn("so it is the same meter and its values count", details[-1]["detail"])


if __name__ == "__main__":
    unittest.main()
