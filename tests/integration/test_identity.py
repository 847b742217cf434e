# SPDX-License-Identifier: MIT
"""A meter that is not the model of the configuration, and another meter at the same address."""

import unittest

from simsite import Site, wait_for

MODEL = "countis-e44"


class TestIdentity(Site):
    def start_site(self, **shown):
        self.write("etc/tallyd.ini", self.tallyd_ini("interval = 1s\n"))
        bus = self.write_gateway(f"response_timeout = 200ms\n[meter m]\nmodel = {MODEL}\naddress = 5\n"
                                 f"[meter other]\nmodel = {MODEL}\naddress = 6\n", power_every="0")
        self.start_sim(f"{bus}pace = no\n" + "".join(
            f"[meter {name}]\nbus = gateway\nmodel = {MODEL}\naddress = {address}\nbase = 2 kW\nserial_number = {serial}\n"
            f"active_energy_import = 5000 kWh\n{lines}" for name, address, serial, lines in (
                ("m", 5, 11112222, "".join(f"{key} = {value}\n" for key, value in shown.items())),
                ("other", 6, 33334444, ""))))
        self.start_daemon()

    def go_down_and_return(self, *command):
        """The meter is silent until it is down, then gets this command, then answers again."""
        self.control("fault", "m", "silence", "100%")
        self.wait_rows("SELECT * FROM event WHERE subject = 'm' AND kind = 'meter-down'", 1)
        self.control(*command)
        self.control("fault", "m", "silence", "0%")
        self.wait_rows("SELECT * FROM event WHERE subject = 'm' AND kind = 'meter-up'", 2)

    def identity_events(self, n):
        return [row["detail"] for row in
                self.wait_rows("SELECT * FROM event WHERE subject = 'm' AND kind = 'identity-changed' ORDER BY ts", n)]

    def test_a_meter_of_another_maker_is_suspect_until_the_right_one_is_back(self):
        self.start_site(maker="ACME")
        reason = 'not a countis-e44: maker is "ACME", expected "SOCO"; its readings are kept as suspect'
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'm' AND state = 'suspect'", 1)
        self.wait_rows("SELECT * FROM energy WHERE meter = 'm' AND quality = 'suspect'", 2)
        self.assertEqual(self.identity_events(1), [reason])
        status = self.tally("status")
        self.assertEqual(status.returncode, 1, status.stdout + status.stderr)
        self.assertIn(f"\nm: {reason}\n", status.stdout)
        self.assertEqual(self.sql("SELECT * FROM meter_life WHERE meter = 'm'"), [])
        self.wait_rows("SELECT * FROM meter_life WHERE meter = 'other'", 1)

        self.go_down_and_return("set", "m", "maker", "SOCO")
        self.assertEqual(self.identity_events(2), [reason, "is a countis-e44 again; its readings count"])
        self.wait_rows("SELECT * FROM energy WHERE meter = 'm' AND quality = 'good'", 2)
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'm' AND state = 'up'", 1)
        status = self.tally("status")
        self.assertEqual(status.returncode, 0, status.stdout + status.stderr)

    def test_a_meter_replaced_between_two_readings_begins_a_new_life_of_every_counter(self):
        self.start_site()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'm' AND quality = 'good'", 2)
        self.control("swap", "m", "99887766")
        self.wait_rows("SELECT * FROM event WHERE subject = 'm' AND kind = 'meter-replaced'", 1)
        self.wait_rows("SELECT * FROM meter_life WHERE meter = 'm' AND reason = 'replaced'", 8)
        ends = self.sql("SELECT quantity, from_value, until_value FROM meter_life WHERE meter = 'm' AND reason = 'first'")
        # 2 kW for some seconds make less than 0.2 kWh.
        self.assertEqual([end for end in ends if end["until_value"] - end["from_value"] > 0.2], [])
        self.assertEqual(self.sql("SELECT * FROM energy WHERE meter = 'm' AND quality = 'suspect'"), [])
        self.assertEqual(self.stop_daemon(), 0)

    def test_a_serial_number_of_zeros_changes_nothing(self):
        self.start_site()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'm' AND quality = 'good'", 2)
        self.go_down_and_return("fault", "m", "serial-of-zeros", "100%", "1", "1h")
        wait_for(lambda: "serial-of-zeros=" in self.command_sim("stats"), "the zeros")
        self.control("fault", "m", "serial-of-zeros", "0%")
        last, = self.sql("SELECT max(ts) AS ts FROM energy WHERE meter = 'm'")
        self.wait_rows("SELECT * FROM energy WHERE meter = 'm' AND quality = 'good' AND ts > ?", 2, last["ts"])
        self.assertEqual(self.sql("SELECT * FROM event WHERE kind IN ('identity-changed', 'meter-replaced', 'reset')"), [])
        self.assertEqual(self.sql("SELECT serial FROM meter_status WHERE meter = 'm'"),
                         [{"serial": "00000000000011112222"}])
        lives = self.sql("SELECT reason FROM meter_life WHERE meter = 'm' AND quantity = 'active_energy_import'")
        self.assertEqual(lives, [{"reason": "first"}])

    def test_another_meter_of_the_model_begins_a_new_life(self):
        old, new = "00000000000011112222", "00000000000099887766"
        self.start_site()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'm' AND quality = 'good'", 2)
        self.go_down_and_return("swap", "m", "99887766")
        self.assertEqual(self.identity_events(1), [f"serial number {new} was {old}"])
        replaced = self.wait_rows("SELECT detail FROM event WHERE subject = 'm' AND kind = 'meter-replaced'", 1)
        self.assertEqual(replaced, [{"detail": f"serial number was {old}, is now {new}"}])
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'm' AND state = 'up' AND serial = ?", 1, new)

        lives = self.wait_rows("SELECT * FROM meter_life WHERE meter = 'm' AND quantity = 'active_energy_import' "
                               "ORDER BY since", 2)
        self.assertEqual([life["reason"] for life in lives], ["first", "replaced"])
        self.assertAlmostEqual(lives[0]["until_value"], 5000, delta=1)
        shown = self.wait_rows("SELECT * FROM energy WHERE meter = 'm' AND quality = 'good' AND time >= ? ORDER BY ts", 2,
                               lives[1]["since"])
        self.assertEqual(shown[0]["active_import_kwh"], lives[1]["from_value"])
        self.assertGreater(abs(lives[1]["from_value"] - lives[0]["until_value"]), 100)
        # The difference between the two counters is not consumption; 2 kW make less than 1 kWh in this time.
        passed = self.sql("SELECT sum(active_import_wh) AS wh FROM interval_energy WHERE meter = 'm'")
        self.assertLess(passed[0]["wh"], 1000)


if __name__ == "__main__":
    unittest.main()
