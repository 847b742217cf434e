# SPDX-License-Identifier: MIT
"""tally status: the state of every bus and meter with the reason, for people and for programs."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
import unittest

from simsite import BUILD, Site, wait_for
from terminal import Terminal

METER_COLUMNS = ("meter bus model address label serial state last_good failures requests timeouts crc_errors exceptions "
                 "latency_ms").split()
BUS_COLUMNS = "bus transport state busy_percent requests errors overruns round_ms".split()


class TestStatus(Site):
    NAME = "compressor-hall-a-north-side-second-floor"[:40]

    def setUp(self):
        super().setUp()
        self.write("etc/bus.d/line.ini", f"""
[bus]
transport = rtu
device = {self.dir}/tty
baud = 38400
energy_every = 1s
power_every = 1s
response_timeout = 200ms
[meter {self.NAME}]
model = countis-e43
address = 5
label = Air, "hall" A
[meter pump]
model = countis-e23
address = 9
""")

    def site(self, pump_model="countis-e23"):
        return f"""
[bus line]
transport = rtu
path = {self.dir}/tty
baud = 38400
[meter e43]
bus = line
model = countis-e43
address = 5
[meter e23]
bus = line
model = {pump_model}
address = 9
"""

    def start_all(self, **options):
        self.start_sim(self.site(**options))
        self.start_daemon()
        self.wait_rows("SELECT * FROM meter_status WHERE state = 'up'", 2)

    def status(self):
        ran = self.tally("status", "--json")
        return json.loads(ran.stdout), ran.returncode

    def test_all_up_is_exit_code_0(self):
        self.start_all()
        self.wait_rows("SELECT * FROM bus_status WHERE round_ms > 0", 1)
        ran = self.tally("status")
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertNotIn("\x1b", ran.stdout)
        lines = ran.stdout.splitlines()
        self.assertRegex(lines[0], r"^time zone \S+ \(.*\)$")
        self.assertEqual(lines[2].split(), ["BUS", "TRANSPORT", "STATE", "BUSY", "REQUESTS", "ERRORS", "OVERRUNS", "ROUND"])
        self.assertEqual(lines[3].split()[:3], ["line", "rtu", "up"])
        self.assertEqual(lines[6].split()[:5], [self.NAME, "line", "countis-e43", "5", "up"])
        self.assertIn('Air, "hall" A', lines[6])

    def test_json_has_the_values_of_the_views(self):
        self.start_all()
        self.assertEqual(self.stop_daemon(), 0)
        said, _ = self.status()
        for kind, view, columns, order in (("meters", "meter_status", METER_COLUMNS, "bus, address"),
                                           ("buses", "bus_status", BUS_COLUMNS, "bus")):
            rows = self.sql(f"SELECT * FROM {view} ORDER BY {order}")
            self.assertEqual([{c: row[c] for c in columns} for row in said[kind]], rows)
        self.assertEqual(said["database"], str(self.db_path))
        self.assertEqual(said["meters"][0]["label"], 'Air, "hall" A')

    def test_before_the_first_commit_there_are_no_figures(self):
        self.write("etc/tallyd.ini", self.tallyd_ini().replace("commit_interval = 1s", "commit_interval = 50s"))
        self.start_daemon()
        self.wait_rows("SELECT * FROM bus_status", 1)
        ran = self.tally("status")
        self.assertEqual(ran.returncode, 1, ran.stderr)
        self.assertRegex(ran.stdout, r"\n\nno figures yet, first commit in \d+ s\n$")

    def test_a_meter_with_garbled_answers_may_be_two(self):
        self.start_all()
        self.control("fault", "e23", "bad-crc", "100%")
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'pump' AND state = 'down' AND crc_errors > 1", 1)
        self.assertRegex(self.tally("status").stdout, r"\npump: .*bad CRC.*; garbled answers: two meters with one address\?\n")

    def test_an_echo_without_its_first_byte_is_named_and_no_fault(self):
        self.start_all()
        self.control("fault", "e23", "echo-cut", "100%")
        self.wait_rows("SELECT * FROM meter_report WHERE meter = 'pump' AND faults LIKE '%echo of the request%'", 1)
        rows = self.sql("SELECT state, failures, crc_errors FROM meter_report WHERE meter = 'pump'")
        self.assertEqual(rows, [{"state": "up", "failures": 0, "crc_errors": 0}])

    def test_the_time_zone_and_its_source_are_named(self):
        self.write("etc/tallyd.ini", self.tallyd_ini("timezone = Europe/Paris\n"))
        self.start_all()
        zone = "time zone Europe/Paris (from tallyd.ini)"
        self.assertEqual(self.tally("status").stdout.splitlines()[0], zone)
        self.assertEqual(self.tally("check").stdout.splitlines()[0], zone)
        self.assertRegex(self.log(), rf"tallyd .*: running; .*, {re.escape(zone)}\n")
        said, _ = self.status()
        self.assertEqual(list(said.items())[-2:], [("timezone", "Europe/Paris"), ("timezone_source", "tallyd.ini")])

    def test_a_meter_that_is_down_is_exit_code_1_with_the_reason(self):
        self.start_all()
        self.control("fault", "e23", "silence", "100%")
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'pump' AND state = 'down'", 1)
        ran = self.tally("status")
        self.assertEqual(ran.returncode, 1)
        self.assertRegex(ran.stdout, r"\npump: down: timeout \(")
        said, code = self.status()
        self.assertEqual((said["good"], code), (False, 1))

    def test_a_bus_that_is_down_is_reported_with_the_reason_in_place_of_its_meters(self):
        self.start_daemon()
        self.wait_rows("SELECT * FROM event WHERE subject = 'line' AND kind = 'bus-down'", 1)
        self.wait_rows("SELECT * FROM bus_status WHERE state = 'down'", 1)
        ran = self.tally("status")
        self.assertEqual(ran.returncode, 1)
        notes = ran.stdout.split("\n\n")[3]
        self.assertEqual(notes, f"bus line: down: port {self.dir}/tty does not exist; plug in the adapter; "
                                "retried until it is back\n")

    def test_failed_requests_are_counted_by_kind(self):
        self.start_all()
        before = sum(answer[2] == "exception" for answer in self.trace())
        self.control("fault", "e23", "exception-4", "100%", "1")
        wait_for(lambda: sum(answer[2] == "exception" for answer in self.trace()) == before + 1, "the exception")
        self.wait_rows("SELECT * FROM energy WHERE meter = 'pump'", len(self.sql("SELECT * FROM energy WHERE meter = 'pump'")) + 2)
        self.assertEqual(self.stop_daemon(), 0)
        # A busy machine may add timeouts.
        pump = self.sql("SELECT failures, faults FROM meter_faults WHERE meter = 'pump'")[0]
        self.assertRegex(pump["faults"], "^([0-9]+ timeouts?, )?1 exception$")
        self.assertRegex(self.tally("status").stdout,
                         rf"\npump: {pump['failures']} of [0-9]+ requests failed: {pump['faults']}\n")
        self.assertEqual(self.status()[0]["meters"][1]["faults"], pump["faults"])

    def test_a_model_that_is_not_the_configured_one_is_reported(self):
        self.start_sim(self.site(pump_model="countis-e24"))
        self.start_daemon()
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'pump' AND state = 'suspect'", 1)
        self.wait_rows("SELECT * FROM latest WHERE meter = 'pump' AND quality = 'suspect'", 1)
        ran = self.tally("status")
        self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
        self.assertRegex(ran.stdout, r"(?m)^pump .* suspect ")
        note = ('not a countis-e23: product_name is "Countis E24", expected "Countis E23"; write model = countis-e24; '
                "its readings are kept as suspect")
        self.assertIn(f"\npump: {note}\n", ran.stdout)
        self.assertEqual(self.sql("SELECT detail FROM event WHERE subject = 'pump' AND kind = 'identity-changed'"),
                         [{"detail": note}])
        said, code = self.status()
        self.assertEqual((said["good"], code), (False, 1))
        self.assertEqual([m["mismatch"] for m in said["meters"]],
                         ["", 'product_name is "Countis E24", expected "Countis E23"; write model = countis-e24'])

    def test_the_state_is_reported_even_while_a_bus_file_is_wrong(self):
        self.start_all()
        self.write("etc/bus.d/line.ini", "[bus]\ntransport = carrier-pigeon\n")
        said, code = self.status()
        self.assertEqual((said["good"], code), (True, 0))
        self.assertEqual(self.tally("check").returncode, 1)

    def test_a_daemon_that_does_not_run_is_reported(self):
        self.start_all()
        self.assertEqual(self.stop_daemon(), 0)
        past = time.time() - 7200
        for suffix in ("", "-wal"):
            if os.path.exists(f"{self.db_path}{suffix}"):
                os.utime(f"{self.db_path}{suffix}", (past, past))
        ran = self.tally("status")
        self.assertEqual(ran.returncode, 1)
        self.assertRegex(ran.stderr, r"tallyd is not running; this is the state of 2 h \d+ min ago")
        self.assertIn(self.NAME, ran.stdout)
        said, code = self.status()
        self.assertEqual((said["running"], said["good"], code), (False, False, 1))

    def test_the_end_of_the_daemon_is_reported_at_once(self):
        self.start_all()
        self.assertEqual(self.status()[0]["running"], True)
        self.daemon.kill()
        self.daemon.wait()
        ran = self.tally("status")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("tallyd is not running; this is the state of ", ran.stderr)
        said, code = self.status()
        self.assertEqual((said["running"], said["good"], code), (False, False, 1))

    def test_a_daemon_that_runs_and_writes_nothing_is_reported(self):
        self.start_all()
        self.daemon.send_signal(signal.SIGSTOP)
        past = time.time() - 7200
        for suffix in ("", "-wal"):
            os.utime(f"{self.db_path}{suffix}", (past, past))
        ran = self.tally("status")
        self.assertEqual(ran.returncode, 1)
        self.assertRegex(ran.stderr, r"tallyd is running but has written nothing for 2 h \d+ min")

    def test_a_second_daemon_on_the_same_database_is_refused(self):
        self.start_all()
        second = self.run_program("tallyd", "-c", self.etc)
        self.assertEqual(second.returncode, 1)
        self.assertIn(f"{self.db_path}: another tallyd (process {self.daemon.pid}) writes to it; stop that one, or "
                      "name another path in [store]",
                      second.stderr)
        n = len(self.sql("SELECT * FROM energy"))
        self.wait_rows("SELECT * FROM energy", n + 2)

    def test_the_table_fits_a_narrow_terminal_and_has_colours(self):
        self.start_all()
        command = [BUILD / "tally", "-c", self.etc, "status"]
        shown, code = Terminal(command, columns=40).end()
        self.assertEqual(code, 0, shown)
        self.assertIn("\x1b[32mup\x1b[0m", shown)
        plain = shown.replace("\x1b[32m", "").replace("\x1b[0m", "")
        self.assertLessEqual(max(len(line) for line in plain.splitlines()[1:]), 40)
        self.assertRegex(plain, r"\ncompressor-hall-a-nor[^ ]*~ +up")
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            shown, _ = Terminal(command, environment=environment).end()
            self.assertNotIn("\x1b", shown)

    def test_an_unreadable_database_is_reported(self):
        ran = self.tally("status")
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn("tallyd.db: No such file or directory; tallyd creates it when it starts", ran.stderr)

        self.db_path.write_bytes(b"no database, for sure not" * 100)
        ran = self.tally("status")
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn("file is not a database", ran.stderr)

        self.db_path.unlink()
        with sqlite3.connect(self.db_path) as db:
            db.execute("CREATE TABLE t (x)")
        db.close()
        ran = self.tally("status")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("is not a database of tallyd", ran.stderr)

    def test_a_newer_schema_is_read_and_an_older_one_is_refused_with_a_remedy(self):
        self.start_all()
        self.assertEqual(self.stop_daemon(), 0)
        for schema, is_read in ((9999, True), (1, False)):
            with sqlite3.connect(self.db_path) as db:
                db.execute(f"PRAGMA user_version = {schema}")
            db.close()
            ran = self.tally("status")
            self.assertEqual("pump" in ran.stdout, is_read, ran.stderr)
        self.assertRegex(ran.stderr, r"tallyd\.db: has schema 1, and this program needs \d+ or newer; start the tallyd of "
                                     r"this version, which updates it\n")

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_a_missing_read_permission_is_reported(self):
        self.start_all()
        self.db_path.chmod(0)
        self.assertIn("members of group tallyd may read it", self.tally("status").stderr)

    def test_an_output_that_cannot_be_written_is_reported(self):
        self.start_all()
        for arguments in (("status",), ("status", "--json"), ("models",), ("check",)):
            with self.subTest(arguments=arguments), open("/dev/full", "w") as full:
                ran = subprocess.run([BUILD / "tally", "-c", self.etc, *arguments], stdout=full, stderr=subprocess.PIPE,
                                     text=True)
                self.assertEqual(ran.returncode, 1)
                self.assertIn("not all of the output could be written: No space left on device", ran.stderr)

    def test_wrong_usage_is_reported(self):
        for arguments in (("status", "compressor"), ("status", "--jsn")):
            self.assert_tally_fails(arguments, 2, "usage: tally status")


class TestHelp(Site):
    def test_the_help_of_each_command_fits_a_screen(self):
        commands = [line.split()[0] for line in self.tally("--help").stdout.splitlines()
                    if line.startswith("  ") and not line.startswith("  -")]
        self.assertGreaterEqual(len(commands), 5)
        for command in commands:
            ran = self.tally(command, "--help")
            lines = ran.stdout.splitlines()
            self.assertEqual(ran.returncode, 0)
            self.assertTrue(lines[0].startswith(f"usage: tally {command}"), lines[0])
            self.assertLessEqual(len(lines), 24, command)
            self.assertLessEqual(max(map(len, lines)), 80, f"{command}: {max(lines, key=len)}")


if __name__ == "__main__":
    unittest.main()
