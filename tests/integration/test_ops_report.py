# SPDX-License-Identifier: MIT
"""tally report: consumption of a month, a day or any span, from the views."""

import csv
import datetime
import io
import re
import sqlite3
import subprocess
import unittest
import zoneinfo

from opssite import OpsSite
from simsite import BUILD, SOURCE
from terminal import Terminal

# Local days in Europe/Paris around the change of clocks: the 25th has 25 hours.
DAYS = (("2026-10-24", 1792792800, 1792879200), ("2026-10-25", 1792879200, 1792969200),
        ("2026-10-26", 1792969200, 1793055600))
MONTH = "2026-10"
# Wh (and ml) of each day; together the month.
MAIN = (24000001, 25000002, 24000003)
GAS = (1500000, 0, 250000)
T1, T3 = (20000001, 20000001, 20000001), (4000000, 5000001, 4000002)


class TestReport(OpsSite):
    HEAD = f"; time zone {OpsSite.ZONE} (from tallyd.ini)"  # behind the span

    def setUp(self):
        super().setUp()
        self.run_for_a_while()
        db = sqlite3.connect(self.db_path)
        with db:
            # Literal days in the place of the views, with the columns of the contract.
            for view, columns in (("daily", "day, meter, quantity, value, unit, coverage, base_value"),
                                  ("monthly", "month, meter, quantity, value, unit, coverage, base_value"),
                                  ("interval", "time, ts, meter, quantity, duration_s, value, unit, quality, base_value"),
                                  ("counter", "meter, quantity, unit, per, base_unit"),
                                  ("local_span", "kind, name, from_ts, until_ts")):
                db.execute(f"DROP VIEW {view}")
                db.execute(f"CREATE TABLE {view} ({columns})")
            for quantity in ("active_energy_import", "active_energy_import_t1", "active_energy_import_t3"):
                db.execute("INSERT INTO counter VALUES ('e44', ?, 'kWh', 1000, 'Wh')", (quantity,))
            db.execute("INSERT INTO counter VALUES ('gas', 'volume', 'm3', 1000000, 'ml')")
            for i, day in enumerate(DAYS):
                self.put_day(db, *day)
                self.put(db, "daily", day[0], 1.0, MAIN[i], GAS[i], T1[i], T3[i])
            db.execute("INSERT INTO local_span VALUES ('month', ?, 1790805600, 1793487600)", (MONTH,))
            self.put(db, "monthly", MONTH, 0.0967, sum(MAIN), sum(GAS), sum(T1), sum(T3))
            for hour in range(25):
                wh = 1000002 if hour == 0 else 1000000
                db.execute("INSERT INTO interval VALUES ('', ?, 'e44', 'active_energy_import', 3600, ?, 'kWh', ?, ?)",
                           (DAYS[1][1] + 3600 * hour, wh / 1000, "estimated" if hour == 3 else "measured", wh))
        db.close()

    @staticmethod
    def put_day(db, name, from_ts, until_ts):
        db.execute("INSERT INTO local_span VALUES ('day', ?, ?, ?)", (name, from_ts, until_ts))

    def put_local_day(self, db, day):
        begin = datetime.datetime.combine(day, datetime.time(), zoneinfo.ZoneInfo(self.ZONE))
        end = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time(), zoneinfo.ZoneInfo(self.ZONE))
        self.put_day(db, str(day), int(begin.timestamp()), int(end.timestamp()))

    @staticmethod
    def put(db, view, name, coverage, main, gas, t1, t3):
        for meter, quantity, base, per, unit, covered in (
                ("e44", "active_energy_import", main, 1000, "kWh", coverage), ("gas", "volume", gas, 1000000, "m3", coverage / 2),
                ("e44", "active_energy_import_t1", t1, 1000, "kWh", coverage),
                ("e44", "active_energy_import_t3", t3, 1000, "kWh", coverage)):
            db.execute(f"INSERT INTO {view} VALUES (?, ?, ?, ?, ?, ?, ?)", (name, meter, quantity, base / per, unit, covered, base))

    def report(self, *arguments):
        ran = self.tally("report", *arguments)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        return ran.stdout.splitlines()

    def csv(self, *arguments, delimiter=","):
        ran = self.tally("report", "--csv", *arguments)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        return list(csv.DictReader(io.StringIO(ran.stdout), delimiter=delimiter))

    def test_a_month_is_reported(self):
        lines = self.report("--month", "2026-10")
        self.assertEqual(lines[0], "2026-10; time zone Europe/Paris (from tallyd.ini)")
        self.assertEqual(lines[2].split(), ["METER", "IMPORT", "kWh", "OTHER", "COVERED"])
        self.assertEqual(lines[3].split(), ["e44", "73000.006", "9", "%"])
        self.assertEqual(lines[4].split(), ["gas", "1.750", "m3", "4", "%"])
        self.assertEqual(len(lines), 5)

    def test_a_day_of_25_hours_is_reported(self):
        lines = self.report("--day", "2026-10-25", "--meter", "e44")
        self.assertEqual((lines[0], lines[3].split()), (f"2026-10-25{self.HEAD}", ["e44", "25000.002", "100", "%"]))

    def test_days_add_up_to_the_month(self):
        row, gas = self.csv("--from", "2026-10-24", "--to", "2026-10-26")
        self.assertEqual((row["from"], row["to"], row["meter"], row["active_import_kwh"]),
                         ("2026-10-24", "2026-10-26", "e44", "73000.006"))
        self.assertEqual(row["coverage"], "1")
        self.assertEqual((gas["other"], gas["other_unit"], gas["coverage"]), ("1.75", "m3", "0.5"))
        shown = self.sql("SELECT sum(value) AS kwh FROM daily WHERE meter = 'e44' AND quantity = 'active_energy_import'")
        self.assertEqual(float(row["active_import_kwh"]), round(shown[0]["kwh"], 3))

    def test_a_month_never_looks_more_complete_than_it_is(self):
        db = sqlite3.connect(self.db_path)
        with db:
            db.execute("UPDATE monthly SET coverage = 0.9997")
        db.close()
        row = self.csv("--month", "2026-10")[0]
        self.assertEqual((row["from"], row["to"], row["coverage"]), ("2026-10-01", "2026-10-31", "0.999"))
        self.assertEqual(self.report("--month", "2026-10")[3].split()[-2:], ["99", "%"])

    def test_a_span_that_is_not_over_is_covered_up_to_now(self):
        now = datetime.datetime.now(zoneinfo.ZoneInfo(self.ZONE))
        yesterday, today, tomorrow = (str(now.date() + datetime.timedelta(days=n)) for n in (-1, 0, 1))
        db = sqlite3.connect(self.db_path)
        with db:
            for day in (yesterday, today):
                self.put_local_day(db, datetime.date.fromisoformat(day))
                self.put(db, "daily", day, 1.0, 1000, 1000000, 1000, 0)
        db.close()
        lines = self.report("--from", yesterday, "--to", tomorrow)
        self.assertEqual(lines[0], f"{yesterday} to {tomorrow}, so far{self.HEAD}")
        self.assertEqual(lines[3].split(), ["e44", "2.000", "100", "%"])

    def test_a_span_without_an_end_is_covered_up_to_now(self):
        now = datetime.datetime.now(zoneinfo.ZoneInfo(self.ZONE))
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        yesterday = str(now.date() - datetime.timedelta(days=1))
        db = sqlite3.connect(self.db_path)
        with db:
            self.put_local_day(db, now.date() - datetime.timedelta(days=1))
            self.put_local_day(db, now.date())
            self.put(db, "daily", yesterday, 1.0, 1000, 1000000, 1000, 0)
            self.put(db, "daily", str(now.date()), (now - today) / datetime.timedelta(days=1), 1000, 1000000, 1000, 0)
        db.close()
        for arguments in ((), ("--tariffs",)):
            lines = self.report("--from", yesterday, "--meter", "e44", *arguments)
            self.assertIn(lines[0], (f"{yesterday} to {now.date()}{self.HEAD}", f"{yesterday} to {now.date()}, so far{self.HEAD}"))
            self.assertEqual(lines[3].split()[-2:], ["100", "%"], lines)

    def test_a_span_within_a_day_is_taken_from_the_intervals(self):
        row, = self.csv("--from", "2026-10-25T00:00", "--to", "2026-10-25T06:00")  # seven hours
        self.assertEqual((row["from"], row["to"]), ("2026-10-25T00:00:00+02:00", "2026-10-25T06:00:00+01:00"))
        self.assertEqual(row["active_import_kwh"], "7000.002")
        self.assertEqual(row["coverage"], "0.857")

    def test_an_interval_without_readings_is_shared_out_and_marked(self):
        row, = self.csv("--from", "2026-10-25T00:30", "--to", "2026-10-25T01:00:00")
        self.assertEqual((row["active_import_kwh"], row["coverage"], row["estimated"]), ("500.001", "0", "start"))
        rest, = self.csv("--from", "2026-10-25T00:00", "--to", "2026-10-25T00:30:00")
        self.assertEqual((rest["active_import_kwh"], rest["coverage"], rest["estimated"]), ("500.001", "0", "end"))
        lines = self.report("--from", "2026-10-25T00:30", "--to", "2026-10-25T05:00:00")
        self.assertEqual((lines[2].split()[-1], lines[3].split()[1:]), ("ESTIMATED", ["5500.001", "72", "%", "start"]))
        row, = self.csv("--tariffs", "--from", "2026-10-24T12:00:00", "--to", "2026-10-26T12:00:00")
        self.assertEqual((row["t1_kwh"], row["t3_kwh"], row["estimated"]), ("40000.002", "9000.002", "start, end"))

    def test_tariffs_are_reported_with_their_shares(self):
        lines = self.report("--month", "2026-10", "--tariffs")
        self.assertEqual(lines[2].split(), ["METER", "T1", "kWh", "T3", "kWh", "TOTAL", "kWh", "COVERED"])
        self.assertEqual(lines[3].split()[:4], ["e44", "60000.003", "13000.003", "73000.006"])
        self.assertEqual(len(lines), 4)
        row, = self.csv("--tariffs", "--day", "2026-10-25", "--decimal", ",", delimiter=";")
        self.assertEqual((row["t1_kwh"], row["t2_kwh"], row["t3_kwh"], row["total_kwh"]),
                         ("20000,001", "", "5000,001", "25000,002"))

    def test_a_report_for_spreadsheets_is_csv_with_the_mark_of_utf8(self):
        ran = self.tally("report", "--month", "2026-10", "--excel", "--decimal", ",")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertTrue(ran.stdout.startswith("\ufefffrom;to;meter;active_import_kwh;"))
        self.assertIn("2026-10-01;2026-10-31;e44;73000,006;", ran.stdout)

    def test_a_narrow_terminal_keeps_the_important_columns(self):
        shown, code = Terminal([BUILD / "tally", "-c", self.etc, "report", "--month", "2026-10"], columns=40).end()
        plain = shown.replace("\x1b[33m", "").replace("\x1b[0m", "")
        self.assertEqual(code, 0)
        self.assertLessEqual(max(map(len, plain.splitlines()[1:])), 40)
        self.assertIn("73000.006", plain)

    def test_a_span_without_consumption_is_reported(self):
        for arguments, span in ((("--month", "2001-01"), "2001-01"), (("--day", "2001-01-01"), "2001-01-01"),
                                (("--from", "2001-01-01", "--to", "2001-01-02"), "2001-01-01 to 2001-01-02")):
            ran = self.tally("report", *arguments)
            self.assertEqual((ran.returncode, ran.stdout, ran.stderr), (1, "", f"{span}: nothing was counted\n"))

    def test_the_first_minutes_of_a_new_site_are_explained(self):
        ran = self.tally("report")
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertRegex(ran.stderr, r"^\d{4}-\d\d(, so far)?: nothing was counted; an interval is counted when it has ended\n$")

    def test_the_examples_of_the_manual_run_as_printed(self):
        shown = subprocess.run(["mandoc", "-Tascii", "-Owidth=78", SOURCE / "daemon/tally.1"], capture_output=True, text=True)
        text = re.sub(".\b", "", shown.stdout).split("\nEXAMPLES\n")[1].split("\nSEE ALSO\n")[0]
        examples = re.findall(r"^ {11}(tally .*)$", text, re.M)
        self.assertEqual(len(examples), 4, text)
        for example in examples:
            ran = subprocess.run(["sh", "-c", f'tally() {{ {BUILD}/tally -c {self.etc} "$@"; }}; {example}'], cwd=self.dir,
                                 capture_output=True, text=True)
            self.assertNotIn("usage:", ran.stderr, example)
        self.assertIn(";", (self.dir / "oct.csv").read_text())
        self.assertIn('"main" is not in the database', ran.stderr)

    def test_wrong_usage_is_reported(self):
        for arguments, message in (
                (("--month", "last"), "--month last is not valid; write it like 2026-11"),
                (("--month", "2026-13"), "--month 2026-13 is not a valid time"),
                (("--day", "2026-11"), "--day 2026-11 is not valid; write it like 2026-11-21"),
                (("--month", "2026-10", "--day", "2026-10-01"), "use only one of --month, --day and --from"),
                (("--to", "2026-10-01"), "--to needs --from"),
                (("--delimiter", ";"), "--delimiter and --decimal are for CSV; add --csv"),
                (("--decimal", ","), "--delimiter and --decimal are for CSV; add --csv"),
                (("--from", "2026-10-02", "--to", "2026-10-01"), "--from must be before --to"),
                (("e44",), 'unexpected argument "e44"')):
            self.assert_tally_fails(("report", *arguments), 2, message)
        ran = self.tally("report", "--meter", "e4")
        self.assertEqual((ran.returncode, ran.stdout, ran.stderr), (1, "", '"e4" is not in the database; did you mean "e44"?\n'))


if __name__ == "__main__":
    unittest.main()
