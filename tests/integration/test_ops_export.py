# SPDX-License-Identifier: MIT
"""tally export: every view, any span, as CSV."""

import csv
import datetime
import io
import math
import os
import re
import sqlite3
import subprocess
import unittest
import zoneinfo

from opssite import OpsSite
from simsite import BUILD, SANITIZED, SOURCE

VIEWS = {
    "energy": "time ts meter active_import_kwh active_export_kwh reactive_import_kvarh reactive_export_kvarh apparent_kvah "
              "quality active_import_wh active_export_wh reactive_import_varh reactive_export_varh apparent_vah suspect",
    "tariff_energy": "time ts meter tariff active_import_kwh reactive_import_kvarh in_force active_import_wh "
                     "reactive_import_varh",
    "power": "time ts meter active_power_w reactive_power_var apparent_power_va power_factor frequency_hz voltage_l1_v "
             "voltage_l2_v voltage_l3_v voltage_l12_v voltage_l23_v voltage_l31_v current_l1_a current_l2_a current_l3_a "
             "current_n_a active_power_l1_w active_power_l2_w active_power_l3_w quality",
    "pulse": "time ts meter concentrator input pulses value unit quality kind",
    "latest": "meter quantity obis value unit time ts age_s quality",
    "interval": "time ts meter quantity duration_s value unit quality base_value base_unit",
    "interval_energy": "time ts meter duration_s active_import_kwh active_export_kwh reactive_import_kvarh "
                       "reactive_export_kvarh quality active_import_wh active_export_wh reactive_import_varh "
                       "reactive_export_varh apparent_vah apparent_kvah volume_m3 heat_kwh suspect heat_wh",
    "daily": "day meter quantity value unit coverage base_value base_unit",
    "monthly": "month meter quantity value unit coverage base_value base_unit",
    "monthly_tariff": "month meter tariff active_import_kwh reactive_import_kvarh active_import_wh "
                      "reactive_import_varh",
    "register": "day meter quantity value unit read_time base_value base_unit",
    "meter_status": "meter bus model address label serial state last_good failures requests timeouts crc_errors exceptions "
                    "latency_ms",
    "bus_status": "bus transport state busy_percent requests errors overruns round_ms",
    "event": "time ts subject kind detail",
}


# Rounded to what is known.
ROUNDED = {"coverage": lambda v: math.floor(v * 1000 + 1e-9) / 1000, "latency_ms": lambda v: float(round(v)),
           "busy_percent": lambda v: round(v, 1)}


class TestExport(OpsSite):
    def export(self, *arguments, delimiter=","):
        ran = subprocess.run([BUILD / "tally", "-c", self.etc, "export", *arguments], capture_output=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(ran.stderr, b"")
        text = ran.stdout.decode()
        self.assertEqual(text.count("\n"), text.count("\r\n"))
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        return rows[0], rows[1:]

    def test_every_view_is_exported_without_a_change(self):
        self.run_for_a_while()
        for view, columns in VIEWS.items():
            with self.subTest(view=view):
                header, rows = self.export(view, "--utc")
                self.assertEqual(header, columns.split())
                stored = self.sql(f"SELECT * FROM {view}")
                if view == "latest":
                    continue  # its ages grow
                for row in stored:
                    for column in ROUNDED.keys() & row.keys():
                        row[column] = None if row[column] is None else ROUNDED[column](row[column])
                as_text = sorted(["" if v is None else v if isinstance(v, str) else repr(v) for v in row.values()]
                                 for row in stored)
                for row in rows:
                    for i, column in enumerate(header):
                        if column in ("value", "coverage", "busy_percent", "latency_ms") or column.endswith(
                                ("_kwh", "_kvarh", "_kvah", "_w", "_v", "_a", "_hz", "_var", "_va", "_factor", "_m3")):
                            row[i] = repr(float(row[i])) if row[i] else ""
                self.assertEqual(sorted(rows), as_text)

    def test_every_documented_view_is_exported(self):
        self.run_for_a_while()
        page = (SOURCE / "daemon/tallyd-db.5").read_text()
        documented = re.findall(r"^\.Ss (.*)$", page[page.index(".Sh THE VIEWS"):page.index(".Sh EXAMPLES")], re.M)
        self.assertEqual(documented[:len(VIEWS)], list(VIEWS))
        for view in documented:
            with self.subTest(view=view):
                columns = [r["name"] for r in self.sql(f"SELECT name FROM pragma_table_info('{view}')")]
                self.assertEqual(self.export(view)[0], columns)
        header, rows = self.export("meter_life", "--meter", "gas")
        self.assertEqual([row[0] for row in rows], ["gas"])

    def test_a_spreadsheet_gets_text_serial_numbers_and_times_as_they_are(self):
        path = self.etc / "bus.d/gateway.ini"
        path.write_text(path.read_text().replace('Main; "hall"', '=1+1; "hall"'))
        self.run_for_a_while()
        ran = self.tally("export", "meter_status", "--excel", "--decimal", ",")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        text = ran.stdout
        self.assertTrue(text.startswith("\ufeffmeter;bus;"))
        e44, pulses = csv.reader(io.StringIO(text.split("\n", 1)[1], newline=""), delimiter=";")
        self.assertEqual(e44[4], "'=1+1; \"hall\" A, 2,5 MW")
        serial = self.sql("SELECT serial FROM meter_status WHERE meter = 'e44'")[0]["serial"]
        self.assertEqual(e44[5], f'="{serial}"' if re.fullmatch(r"\d[\d.,eE]*", serial) else serial)
        self.assertRegex(e44[12], r"^\d+$")
        header, rows = self.export("energy", "--excel")
        self.assertRegex(rows[0][0], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
        self.assertEqual(self.export("meter_status")[1][0][4], '=1+1; "hall" A, 2,5 MW')

    def test_times_have_the_offset_of_the_configured_zone(self):
        self.run_for_a_while()
        _, rows = self.export("energy")
        self.assertGreater(len(rows), 3)
        for row in rows:
            local = datetime.datetime.fromtimestamp(int(row[1]), zoneinfo.ZoneInfo(self.ZONE))
            self.assertEqual(row[0], local.isoformat())
        self.assertEqual([row[1] for row in rows], sorted(row[1] for row in rows))

    def test_a_spreadsheet_can_have_semicolons_and_decimal_commas(self):
        self.run_for_a_while()
        header, rows = self.export("energy", "--decimal", ",", delimiter=";")
        self.assertEqual(header, VIEWS["energy"].split())
        self.assertRegex(rows[0][3], r"^\d+(,\d+)?$")
        _, rows = self.export("meter_status", "--delimiter", "tab", delimiter="\t")
        self.assertEqual(rows[0][4], 'Main; "hall" A, 2,5 MW')

    def test_a_span_and_meters_select_rows(self):
        self.run_for_a_while()
        times = sorted({row["ts"] for row in self.sql("SELECT ts FROM pulse")})
        start, end = (datetime.datetime.fromtimestamp(t, zoneinfo.ZoneInfo(self.ZONE)) for t in (times[1], times[3]))
        for ends in ((start, end), (start.replace(tzinfo=None), end.replace(tzinfo=None))):
            arguments = ("--from", ends[0].isoformat(), "--to", ends[1].isoformat())
            _, rows = self.export("pulse", *arguments)
            self.assertEqual([int(row[1]) for row in rows], times[1:3])
        day = start.strftime("%Y-%m-%d")
        _, rows = self.export("pulse", "--from", day, "--to", end.strftime("%Y-%m"))
        self.assertEqual(len(rows), len(times))
        _, rows = self.export("pulse", "--to", "2020")
        self.assertEqual(rows, [])
        _, rows = self.export("event", "--meter", "e44", "--meter", "pulses")
        self.assertEqual({row[2] for row in rows}, {"e44", "pulses"})
        _, rows = self.export("daily", "--from", day, "--to", day, "--meter", "e44")
        self.assertEqual(len(rows), len(self.sql("SELECT * FROM daily WHERE meter = 'e44' AND day = ?", day)))

    def test_a_file_appears_when_it_is_complete(self):
        self.run_for_a_while()
        out = self.dir / "out.csv"
        out.write_text("what was there before")
        self.assertEqual(self.tally("export", "energy", "--output", out).returncode, 0)
        self.assertTrue(out.read_text().startswith("time,ts,meter"))
        self.assertEqual([path for path in self.dir.iterdir() if "part" in path.name], [])

    def test_a_full_disk_is_reported(self):
        self.run_for_a_while()
        with open("/dev/full", "w") as full:
            ran = subprocess.run([BUILD / "tally", "-c", self.etc, "export", "energy"], stdout=full,
                                 stderr=subprocess.PIPE, text=True)
        self.assertEqual(ran.returncode, 1)
        self.assertEqual(ran.stderr, "standard output: cannot be written completely: No space left on device\n"
                                     "standard output: the export is incomplete\n")
        ran = self.tally("export", "energy", "--output", "/dev/full")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("/dev/full: cannot be written completely: No space left on device", ran.stderr)

    def test_a_file_that_cannot_be_created_is_reported(self):
        self.run_for_a_while()
        ran = self.tally("export", "energy", "--output", self.dir / "no-such-folder/out.csv")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("No such file or directory", ran.stderr)

    def test_the_database_is_never_the_output(self):
        self.run_for_a_while()
        link = self.dir / "link.db"
        link.symlink_to(self.db_path)
        for path in (self.db_path, link):
            ran = self.tally("export", "energy", "--output", path)
            self.assertEqual(ran.returncode, 2)
            self.assertIn(f"--output {path} is the database itself; name another file\n", ran.stderr)
        self.assertGreater(len(self.sql("SELECT * FROM energy")), 0)

    def peak_kb(self, *arguments):
        """Peak memory of an export into nothing."""
        pid = os.fork()
        if pid == 0:
            null = os.open("/dev/null", os.O_WRONLY)
            os.dup2(null, 1)
            os.execv(BUILD / "tally", ["tally", "-c", str(self.etc), "export", *arguments])
        _, status, usage = os.wait4(pid, 0)
        self.assertEqual(status, 0)
        return usage.ru_maxrss

    def test_many_rows_need_no_more_memory_and_may_not_fit_the_disk(self):
        self.run_for_a_while()
        few = self.peak_kb("energy")
        with sqlite3.connect(self.db_path) as db:
            db.execute("WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 300000) "
                       "INSERT INTO reading_energy (id, meter, delay_ms, quality, active_energy_import) "
                       "SELECT value << 14, (SELECT id FROM meter WHERE name = 'e44'), 0, 0, value FROM n")
            db.execute("INSERT OR IGNORE INTO slot SELECT id >> 14 FROM reading_energy")
        db.close()
        if not SANITIZED:  # sanitizers keep a shadow of all memory
            self.assertLess(self.peak_kb("energy") - few, 8000)

        # Far more than the limit: the part that was written is removed again.
        out = self.dir / "out.csv"
        out.write_text("what was there before")
        ran = subprocess.run(["sh", "-c", 'ulimit -f 2000; trap "" XFSZ; exec "$@"', "sh", BUILD / "tally", "-c", self.etc,
                              "export", "energy", "--output", out], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("out.csv: cannot be written completely: File too large", ran.stderr)
        self.assertIn("out.csv: not written; the incomplete export is deleted", ran.stderr)
        self.assertEqual(out.read_text(), "what was there before")
        self.assertEqual([path for path in self.dir.iterdir() if "part" in path.name], [])

    def test_energy_is_the_default_and_the_directory_may_come_first_or_last(self):
        self.run_for_a_while()
        before = self.tally("export", "energy", "--utc")
        self.assertEqual(before.returncode, 0)
        for arguments in (("export", "-c", self.etc, "--utc"), ("export", "energy", "--utc", "-c", self.etc)):
            with self.subTest(arguments=arguments):
                after = self.run_program("tally", *arguments)
                self.assertEqual((after.returncode, after.stdout), (0, before.stdout))
        ran = self.run_program("tally", "check", "-c")
        self.assertEqual((ran.returncode, ran.stderr),
                         (2, 'tally check: unknown option "-c"\nusage: tally check [--start]; see "tally check --help"\n'))

    def test_wrong_usage_is_reported(self):
        self.run_for_a_while()
        for arguments, message in (
                (("energy", "power"), 'unexpected argument "power" after VIEW'),
                (("enrgy",), 'unknown view "enrgy"; did you mean "energy"?'),
                (("energy", "--from", "yesterday"), "--from yesterday is not a valid time; use 2026, 2026-11"),
                (("energy", "--from", "2026-11", "--to", "2026-10"), "--from must be before --to"),
                (("energy", "--from", "2026-03-29T02:30"),
                 "--from 2026-03-29T02:30: that hour does not exist on that day, when the clocks are set forward; use another, "
                 "such as 2026-03-29T03:30:00+02:00"),
                (("meter_status", "--from", "2026"), "meter_status has no time to select by; leave out --from and --to"),
                (("local_span", "--meter", "e44"), "local_span has no meter to select by; leave out --meter"),
                (("energy", "--delimiter", "x"), '--delimiter "x" is not valid; use'),
                (("energy", "--decimal", ";"), '--decimal ";" is not valid; use . or ,'),
                (("energy", "--ouput", "x"), 'unknown option "--ouput"; did you mean "--output"?')):
            self.assert_tally_fails(("export", *arguments), 2, message)
        ran = self.tally("export", "energy", "--meter", "e4")
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertEqual(ran.stderr, '"e4" is not in the database; did you mean "e44"?\n')


if __name__ == "__main__":
    unittest.main()
