# SPDX-License-Identifier: MIT
"""tally rebuild: the account made again from the kept readings, and compared with the one in the database."""

import random
import signal
import sqlite3
import subprocess
import time
import unittest

from opssite import OpsSite
from simsite import BUILD

ACCOUNT = ("SELECT * FROM kept_interval WHERE quality <> 2 ORDER BY ts, meter", "SELECT * FROM day_energy ORDER BY day, meter",
           "SELECT * FROM month_energy ORDER BY month, meter", "SELECT * FROM life ORDER BY meter, quantity, from_ts",
           "SELECT * FROM kept_register ORDER BY ts, meter, quantity")


class TestRebuild(OpsSite):
    def setUp(self):
        super().setUp()
        self.write("etc/tallyd.ini", self.tallyd_ini(f"timezone = {self.ZONE}\ninterval = 1s\n"))

    def run_for_some_intervals(self):
        self.start_sim(self.site)
        self.start_daemon()
        self.wait_rows("SELECT * FROM interval WHERE meter = 'e44' AND quantity = 'active_energy_import' "
                       "AND value IS NOT NULL", 6)

    def account(self):
        return [self.sql(statement) for statement in ACCOUNT]

    def change(self, statement):
        db = sqlite3.connect(self.db_path)
        with db:
            self.assertGreater(db.execute(statement).rowcount, 0)
        db.close()

    def test_the_account_of_a_running_daemon_is_what_its_readings_give(self):
        self.run_for_some_intervals()
        ran = self.tally("rebuild")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), ran.stdout)
        self.assertRegex(ran.stdout, r"nothing differs in \d+ intervals of \d+ meters and inputs\n$")
        self.assertIsNone(self.daemon.poll())
        self.assertEqual(sorted(p.name for p in self.db_path.parent.glob("*.rebuild*")), [])

    def test_what_differs_is_shown_and_stays_until_a_recount(self):
        self.run_for_some_intervals()
        self.assertEqual(self.stop_daemon(), 0)
        right = self.account()
        self.change("UPDATE month_energy SET active_energy_import = active_energy_import + 51000 "
                    "WHERE meter = (SELECT id FROM meter WHERE name = 'e44')")
        self.change("UPDATE kept_interval SET active_energy_import = active_energy_import + 51000 "
                    "WHERE meter = (SELECT id FROM meter WHERE name = 'e44') AND ts = "
                    "(SELECT min(ts) FROM kept_interval WHERE active_energy_import IS NOT NULL)")
        wrong = self.account()
        ran = self.tally("rebuild")
        self.assertEqual((ran.returncode, ran.stderr), (1, ""))
        self.assertRegex(ran.stdout, r"\ne44 +\d{4}-\d\d +active_energy_import +\d+\.\d+ +\d+\.\d+ +-51\.000 +kWh\n")
        self.assertRegex(ran.stdout, r"\ne44: 1 intervals differ, from ")
        self.assertEqual(self.account(), wrong)
        ran = self.tally("rebuild", "--recount")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertIn(" -51.000 ", ran.stdout)
        self.assertEqual(self.account(), right)
        self.assertEqual({r["kind"] for r in self.sql("SELECT kind FROM revision WHERE meter = 'e44' "
                                                      "AND reason = 'recounted by tally rebuild'")}, {"interval", "month"})
        self.assertEqual(len(self.sql("SELECT * FROM event WHERE kind = 'recounted'")), 1)
        ran = self.tally("rebuild", "--recount")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertIn("nothing differs", ran.stdout)
        self.assertEqual(len(self.sql("SELECT * FROM event WHERE kind = 'recounted'")), 1)
        self.start_daemon()
        self.wait_rows("SELECT * FROM interval WHERE meter = 'e44' AND value IS NOT NULL", 20)

    def test_a_recount_needs_the_daemon_to_be_stopped(self):
        self.run_for_some_intervals()
        self.assert_tally_fails(("rebuild", "--recount"), 1, "a recount needs tallyd to be stopped")
        self.assertIsNone(self.daemon.poll())

    def test_a_recount_that_is_killed_leaves_the_old_account_or_the_new_one(self):
        self.run_for_some_intervals()
        self.assertEqual(self.stop_daemon(), 0)
        right = self.account()
        self.change("UPDATE kept_interval SET active_energy_import = active_energy_import + 7")
        wrong = self.account()
        seed = random.randrange(1 << 32)
        print(f"SEED={seed}", flush=True)
        chance = random.Random(seed)
        for _ in range(20):
            p = subprocess.Popen([BUILD / "tally", "-c", self.etc, "rebuild", "--recount"], stdout=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, 0.2))
            p.send_signal(signal.SIGKILL)
            p.wait()
            account = self.account()
            self.assertIn(account, (wrong, right))
            self.assertEqual(self.sql("PRAGMA integrity_check")[0]["integrity_check"], "ok")
            if account == right:
                self.change("UPDATE kept_interval SET active_energy_import = active_energy_import + 7")
        self.assertEqual(self.tally("rebuild", "--recount").returncode, 0)
        self.assertEqual(self.account(), right)

    def test_what_a_killed_run_left_is_removed_by_the_next(self):
        self.run_for_some_intervals()
        left = self.db_path.with_name(self.db_path.name + ".rebuild")
        left.write_bytes(b"half of a copy")
        self.assertEqual(self.tally("rebuild").returncode, 0)
        self.assertFalse(left.exists())

    def test_the_copy_may_be_in_another_folder(self):
        self.run_for_some_intervals()
        folder = self.dir / "stick"
        folder.mkdir()
        self.assertEqual(self.tally("rebuild", "--scratch", folder).returncode, 0)
        self.assertEqual(list(folder.iterdir()), [])
        self.assert_tally_fails(("rebuild", "--scratch", self.dir / "none"), 1, "none")

    def test_wrong_usage_is_reported(self):
        self.assert_tally_fails(("rebuild", "e44"), 2, 'unexpected argument "e44"')
        self.assert_tally_fails(("rebuild", "--recount", "--scratch", "/tmp"), 2, "use it without --scratch")
        self.assert_tally_fails(("rebuild",), 1, "tallyd creates it at its first start")


if __name__ == "__main__":
    unittest.main()
