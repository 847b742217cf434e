# SPDX-License-Identifier: MIT
"""Errors in the configuration: all are reported at once, each with file and line, the value found and the valid values;
the programs exit with the right code, and nothing is started."""

import os
import signal
import subprocess
import unittest

from simsite import BUILD, SOURCE, Site, free_port, wait_for

BUS = "[bus]\ntransport = rtu\ndevice = /dev/ttyUSB7\nbaud = 9600\n"
METER = "[meter m]\nmodel = countis-e43\naddress = 5\n"


class TestBadInput(Site):
    ABSENT = ("warning: DIR/bus.d/a.ini: device = /dev/ttyUSB7 is not there now; plug in the adapter "
              "(ls /dev/serial/by-id lists those that are)\n")

    def assert_refused(self, *messages):
        """tally check prints each message and exits 1; tallyd prints them too, exits 78 and makes no database."""
        check = self.tally("check")
        self.assertEqual(check.returncode, 1, check.stderr)
        daemon = self.run_program("tallyd", "-c", self.etc)
        self.assertEqual(daemon.returncode, 78, daemon.stderr)
        for message in messages:
            message = message.replace("DIR", str(self.etc))
            self.assertIn(message, check.stderr)
            self.assertIn(message, daemon.stderr)
        self.assertFalse(self.db_path.exists())

    def test_a_good_configuration_passes(self):
        self.write("etc/bus.d/a.ini", BUS + METER)
        check = self.tally("check")
        self.assertEqual((check.returncode, check.stderr), (0, self.ABSENT.replace("DIR", str(self.etc))))
        self.assertIn("bus a: rtu /dev/ttyUSB7, 9600 baud 8N1, 1 meter", check.stdout)
        self.assertIn("a round of everything: 4 requests, 0.36 s", check.stdout)

    def test_a_system_without_a_time_zone_gets_a_warning(self):
        self.write("etc/bus.d/a.ini", BUS + METER)
        without_etc = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs none /etc && exec "$@"', "-"]
        if subprocess.run([*without_etc, "true"], capture_output=True).returncode != 0:
            self.skipTest("this system gives nobody an /etc of his own")
        check = subprocess.run([*without_etc, BUILD / "tally", "-c", self.etc, "check"], capture_output=True, text=True)
        self.assertEqual((check.returncode, check.stderr),
                         (0, f"warning: {self.etc}/tallyd.ini: no time zone found in /etc/localtime or /etc/timezone; days "
                             "begin at midnight UTC; set timezone in [store]\n" + self.ABSENT.replace("DIR", str(self.etc))))
        self.assertEqual(check.stdout.splitlines()[0], "time zone UTC (no zone was found)")

    def test_pauses_around_requests_are_part_of_a_round(self):
        self.write("etc/bus.d/a.ini", BUS + "rs485_delay_before = 70ms\nrs485_delay_after = 30ms\n" + METER)
        self.assertIn("a round of everything: 4 requests, 0.76 s", self.tally("check").stdout)

    def test_a_store_path_that_can_never_work_is_refused(self):
        self.write("etc/bus.d/a.ini", BUS + METER)
        self.write("file", "")
        for path, message in (
                ("energy.db", "DIR/tallyd.ini:2: path = energy.db is not valid; use a path that begins with /"),
                (self.etc, "DIR/tallyd.ini:2: path = DIR is a folder; use the path of a file in it: DIR/tallyd.db"),
                (f"{self.etc}/new/", "DIR/tallyd.ini:2: path = DIR/new/ is a folder; use the path of a file in it: "
                                     "DIR/new/tallyd.db"),
                (f"{self.etc}/new/energy.db", "DIR/tallyd.ini: path = DIR/new/energy.db cannot be used: folder DIR/new is "
                                              "not there; make it: install -d -o tallyd -g tallyd DIR/new\n"),
                (f"{self.dir}/file/energy.db", "/file is no folder; use the path of a file in a folder")):
            self.write("etc/tallyd.ini", f"[store]\npath = {path}\n[drivers]\npath = {SOURCE}/drivers\n")
            with self.subTest(path=path):
                check = self.tally("check")
                self.assertEqual(check.returncode, 1, check.stdout)
                self.assertIn(message.replace("DIR", str(self.etc)), check.stderr)
                self.assertNotEqual(self.run_program("tallyd", "-c", self.etc).returncode, 0)

    def test_a_store_on_a_disk_that_is_not_writable_is_refused_with_the_drop_in_that_allows_it(self):
        read_only = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o ro none "$0" && exec "$@"', self.dir / "disk"]
        (self.dir / "disk").mkdir()
        if subprocess.run([*read_only, "true"], capture_output=True).returncode != 0:
            self.skipTest("this system gives nobody a mount of his own")
        self.write("etc/bus.d/a.ini", BUS + METER)
        self.write("etc/tallyd.ini", f"[store]\npath = {self.dir}/disk/tallyd.db\n[drivers]\npath = {SOURCE}/drivers\n")
        daemon = subprocess.run([*read_only, BUILD / "tallyd", "-c", self.etc], capture_output=True, text=True)
        self.assertEqual(daemon.returncode, 1)
        self.assertIn("disk cannot be written: Read-only file system; the service writes only where its unit allows it: put "
                      "the folder into ReadWritePaths= of a drop-in, as in database-elsewhere.conf", daemon.stderr)

    def test_a_header_without_its_end_and_a_key_without_a_value_are_refused(self):
        self.write("etc/bus.d/a.ini", BUS.replace("9600", "") + "[meter x\naddress = 4\n" + METER.replace("countis-e43", ";"))
        self.assert_refused("DIR/bus.d/a.ini:4: baud has no value; use 1200, ",
                            "DIR/bus.d/a.ini:5: ']' is missing after '[meter x'; write [meter x]\n",
                            "DIR/bus.d/a.ini:8: model has no value; use a model's name, as tally models lists them")

    def test_an_unknown_key_is_refused(self):
        self.write("etc/bus.d/a.ini", BUS + "speed = 9600\n" + METER)
        self.assert_refused("DIR/bus.d/a.ini:5: ", "speed")

    def test_an_unknown_section_is_refused(self):
        self.write("etc/bus.d/a.ini", BUS + METER + "[metre n]\naddress = 1\n")
        self.assert_refused("DIR/bus.d/a.ini:8: ", "[metre n]")

    def test_a_value_of_the_wrong_type_is_refused(self):
        self.write("etc/bus.d/a.ini", BUS + METER.replace("= 5", "= five"))
        self.assert_refused("DIR/bus.d/a.ini:7: ", "five")

    def test_two_meters_at_one_address_are_refused(self):
        self.write("etc/bus.d/a.ini", BUS + METER + METER.replace("meter m", "meter n"))
        self.assert_refused("DIR/bus.d/a.ini:10: ", "address = 5")

    def test_a_baud_rate_that_the_model_lacks_is_refused(self):
        self.write("etc/bus.d/a.ini", BUS.replace("9600", "57600") + METER)
        self.assert_refused("DIR/bus.d/a.ini:4: baud = 57600 is not valid", "use 4800, 9600, 19200 or 38400")

    def test_a_line_that_is_too_long_is_refused(self):
        self.write("etc/bus.d/a.ini", BUS + METER + "label = " + "x" * 300 + "\n")
        self.assert_refused("DIR/bus.d/a.ini:8: ", "198")

    def test_the_nearest_model_is_suggested_for_an_unknown_one(self):
        self.write("etc/bus.d/a.ini", BUS + METER.replace("e43", "e34x"))
        self.assert_refused("DIR/bus.d/a.ini:6: ", "countis-e34")

    def test_all_errors_are_reported_at_once(self):
        self.write("etc/bus.d/a.ini", BUS + "speed = 1\n" + METER.replace("= 5", "= 999"))
        self.write("etc/bus.d/b.ini", "[bus]\ntransport = carrier-pigeon\n")
        self.assert_refused("DIR/bus.d/a.ini:5: ", "DIR/bus.d/a.ini:8: ", "DIR/bus.d/b.ini:2: ")

    def test_a_directory_without_a_bus_is_refused(self):
        self.assert_refused("DIR/bus.d: ")

    def test_a_missing_directory_is_an_error(self):
        for name, code in (("tally", 1), ("tallyd", 78)):
            r = self.run_program(name, "-c", self.dir / "nowhere", *(["check"] if name == "tally" else []))
            self.assertEqual(r.returncode, code)
            self.assertIn(f"{self.dir}/nowhere", r.stderr)

    def test_a_driver_file_with_an_unknown_type_and_quantity_is_refused(self):
        drivers = self.dir / "drivers"
        self.write("drivers/odd.ini", "[model]\nformat = 1\ntitle = Odd\nvendor = V\nsource = S\n"
                                      "provenance = vendor table\n[registers]\nvoltage_l1 = 1 u33 1 V power\n"
                                      "voltage_l9 = 3 u16 1 V power\n")
        self.write("etc/tallyd.ini", self.tallyd_ini().replace(f"{SOURCE}/drivers", f"{drivers}:{SOURCE}/drivers"))
        self.write("etc/bus.d/a.ini", BUS + METER.replace("countis-e43", "odd"))
        self.assert_refused(f"{drivers}/odd.ini:8: ", "u33", f"{drivers}/odd.ini:9: ", "voltage_l9")

    def test_a_bad_driver_file_stops_only_its_own_meters(self):
        drivers = self.dir / "drivers"
        self.write("drivers/odd.ini", "[model]\nformat = 1\n")
        self.write("etc/tallyd.ini", self.tallyd_ini().replace(f"{SOURCE}/drivers", f"{drivers}:{SOURCE}/drivers"))
        port = free_port()
        self.write("etc/bus.d/a.ini", f"[bus]\ntransport = tcp\nhost = 127.0.0.1\nport = {port}\nenergy_every = 1s\n"
                   + METER + METER.replace("[meter m]", "[meter n]").replace("countis-e43", "odd").replace("5", "6"))
        self.assertEqual(self.tally("check").returncode, 1)
        self.assertEqual(self.tally("check", "--start").returncode, 0)
        self.start_sim(f"[bus b]\ntransport = tcp\nport = {port}\n[meter m]\nbus = b\nmodel = countis-e43\naddress = 5\n")
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'm'", 2)
        self.assertIn(f"{drivers}/odd.ini", self.log())
        self.assertEqual(self.sql("SELECT state FROM meter_status WHERE meter = 'n'"), [{"state": "never"}])
        self.daemon.send_signal(signal.SIGHUP)
        self.wait_rows("SELECT * FROM event WHERE kind = 'configuration-reloaded'", 1)

    def test_a_period_that_is_too_short_for_the_line_is_refused(self):
        meters = "".join(f"[meter m{i}]\nmodel = countis-e43\naddress = {i}\n" for i in range(1, 32))
        self.write("etc/bus.d/a.ini", BUS + "power_every = 5s\n" + meters)
        check = self.tally("check")
        self.assertEqual(check.returncode, 1)
        self.assertIn(f"{self.etc}/bus.d/a.ini:5: power_every = 5s is too short: a round takes 11.28 s; "
                      "write power_every = 12s or more", check.stderr)
        self.write("etc/bus.d/a.ini", BUS + meters + "power_every = 8s\n")
        self.assertIn(f"{self.etc}/bus.d/a.ini:98: power_every = 8s is too short: ", self.tally("check").stderr)

    def test_a_period_that_may_be_too_short_for_a_gateway_is_a_warning(self):
        meters = "".join(f"[meter m{i}]\nmodel = countis-e43\naddress = {i}\n" for i in range(1, 32))
        self.write("etc/bus.d/a.ini", "[bus]\ntransport = tcp\nhost = 127.0.0.1\npower_every = 1s\n" + meters)
        check = self.tally("check")
        self.assertEqual(check.returncode, 0)
        self.assertIn(f"warning: {self.etc}/bus.d/a.ini:4: power_every = 1s may be too short: a round takes about ",
                      check.stderr)

    def test_a_short_period_is_accepted_when_nothing_is_read_at_it(self):
        meters = "".join(f"[meter m{i}]\nmodel = conto-d4cr8\naddress = {i}\nconfirmed = yes\n" for i in range(1, 32))
        self.write("etc/bus.d/a.ini", BUS + "power_every = 1s\n" + meters)
        check = self.tally("check")
        self.assertEqual((check.returncode, check.stderr), (0, self.ABSENT.replace("DIR", str(self.etc))))
        self.assertIn("a round of everything: 31 requests, 10.87 s; shortest period 60 s", check.stdout)

    def test_the_speed_behind_a_gateway_determines_the_round(self):
        gateway = "[bus]\ntransport = tcp\nhost = 127.0.0.1\n"
        self.write("etc/bus.d/a.ini", gateway + METER)
        self.assertIn("a round of everything: 4 requests, 0.16 s (estimated)", self.tally("check").stdout)
        self.write("etc/bus.d/a.ini", gateway + "baud = 9600\n" + METER)
        self.assertIn("a round of everything: 4 requests, 0.40 s (estimated)", self.tally("check").stdout)

    def test_a_database_path_that_cannot_be_written_is_an_error(self):
        self.write("etc/bus.d/a.ini", BUS + METER)
        self.write("etc/tallyd.ini", f"[store]\npath = {self.dir}/missing/tallyd.db\n")
        daemon = self.run_program("tallyd", "-c", self.etc)
        self.assertEqual(daemon.returncode, 1)
        self.assertIn(f"{self.dir}/missing", daemon.stderr)

    def test_wrong_usage_exits_2(self):
        for program, *arguments in (("tallyd", "-x"), ("tallyd", "surplus"), ("tally",), ("tally", "fly"),
                                    ("tally", "check", "surplus"), ("tally", "probe"), ("tally", "models", "a", "b")):
            r = self.run_program(program, *arguments)
            self.assertEqual(r.returncode, 2, (program, arguments))
            self.assertNotEqual(r.stderr, "")

    def test_each_program_prints_its_version(self):
        for program in ("tallyd", "tally"):
            r = self.run_program(program, "--version")
            self.assertEqual(r.returncode, 0)
            self.assertRegex(r.stdout, rf"^{program} \d+\.\d+\.\d+\n$")

    def test_a_missing_port_is_reported_and_the_daemon_keeps_running(self):
        self.write("etc/bus.d/a.ini", BUS.replace("/dev/ttyUSB7", f"{self.dir}/no-port") + METER)
        self.start_daemon()
        wait_for(lambda: "no-port" in self.log(), "a line about the missing port")
        self.wait_rows("SELECT * FROM event WHERE subject = 'a' AND kind = 'bus-down'", 1)
        self.assertEqual(self.stop_daemon(), 0)


if __name__ == "__main__":
    unittest.main()
