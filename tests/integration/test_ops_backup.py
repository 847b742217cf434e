# SPDX-License-Identifier: MIT
"""tally backup and tally replace: commands of an operator on a database in use."""

import os
import shutil
import sqlite3
import subprocess
import unittest

from opssite import OpsSite
from simsite import BUILD, SOURCE, wait_for


class TestBackup(OpsSite):
    def test_a_copy_is_whole_while_the_daemon_writes(self):
        self.start_sim(self.site)
        self.start_daemon()
        before = len(self.wait_rows("SELECT * FROM energy", 3))
        copy = self.dir / "copy.db"
        for _ in range(2):  # the second replaces the first
            ran = self.tally("backup", copy)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertRegex(ran.stdout, rf"^{copy}: complete copy of .*tallyd.db, \d+ KiB\n$")
            with sqlite3.connect(f"file:{copy}?mode=ro", uri=True) as db:
                self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
                self.assertGreaterEqual(db.execute("SELECT count(*) FROM energy").fetchone()[0], before)
            db.close()
        self.assertEqual([p.name for p in self.dir.glob("copy.db*")], ["copy.db"])
        self.wait_rows("SELECT * FROM energy", before + 2)

    def test_a_database_that_cannot_be_copied_is_reported(self):
        ran = self.tally("backup", self.dir / "copy.db")
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn("tallyd.db: No such file", ran.stderr)
        self.run_for_a_while()
        letter = self.write("letter.txt", "Dear meter reader")
        ran = self.tally("backup", letter)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("letter.txt: already exists and is not a copy", ran.stderr)
        self.assertEqual(letter.read_text(), "Dear meter reader")
        ran = self.tally("backup", "/no-such-folder/copy.db")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("/no-such-folder/copy.db", ran.stderr)

    def test_a_database_in_use_is_not_replaced_by_its_copy(self):
        self.start_sim(self.site)
        self.start_daemon()
        before = len(self.wait_rows("SELECT * FROM energy", 3))
        inode = self.db_path.stat().st_ino
        (self.dir / "link.db").symlink_to(self.db_path)
        os.link(self.db_path, self.dir / "hard.db")
        for name in ("tallyd.db", "etc/../tallyd.db", "link.db", "hard.db"):
            ran = self.tally("backup", f"{self.dir}/{name}")
            self.assertEqual((ran.returncode, ran.stdout), (1, ""), name)
            self.assertEqual(ran.stderr, f"{self.dir}/{name}: is the database itself; name another file for the copy\n")
        self.assertEqual(self.db_path.stat().st_ino, inode)
        self.wait_rows("SELECT * FROM energy", before + 2)

    def test_the_database_of_another_daemon_is_not_replaced(self):
        self.run_for_a_while()
        other = self.dir / "other.db"
        self.db_path.rename(other)
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy", 1)
        ran = self.tally("backup", other)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("other.db: already exists and is not a copy", ran.stderr)

    def test_wrong_usage_is_reported(self):
        for arguments in (("backup",), ("backup", "a", "b"), ("backup", "--fast", "a")):
            self.assert_tally_fails(arguments, 2, "usage: tally backup FILE")


class TestReplace(OpsSite):
    def lives(self, meter):
        return self.sql("SELECT * FROM meter_life WHERE meter = ? AND quantity LIKE 'active_energy_import' OR "
                        "meter = ? AND quantity = 'volume' ORDER BY since", meter, meter)

    def test_a_running_daemon_begins_a_new_life(self):
        self.start_sim(self.site)
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'e44'", 3)
        self.wait_rows("SELECT * FROM meter_life WHERE meter = 'e44'", 1)
        self.control("fault", "e44", "silence", "100%")
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'e44' AND state <> 'up'", 1)
        last = self.sql("SELECT max(active_import_kwh) AS kwh FROM energy WHERE meter = 'e44'")[0]["kwh"]
        final = round(last * 1000) + 10
        ran = self.tally("replace", "e44", "--final", f"{final / 1000:.3f} kWh", "--initial", "0.5")
        self.assertEqual((ran.returncode, ran.stdout), (0, "e44: replaced; the new counter is used from now on\n"),
                         ran.stderr)
        self.wait_rows("SELECT * FROM event WHERE subject = 'e44' AND kind = 'meter-replaced'", 1)
        lives = wait_for(lambda: len(self.lives("e44")) >= 2 and self.lives("e44"), "the new life")
        self.assertEqual(round(lives[0]["until_value"] * 1000), final)
        self.assertEqual(lives[1]["from_value"], 0.5)

    def test_a_time_in_the_past_counts_again_what_came_since(self):
        self.start_sim(self.site)
        self.start_daemon()
        self.wait_rows("SELECT * FROM meter_life WHERE meter = 'e44'", 1)
        kept = self.wait_rows("SELECT time, ts FROM energy WHERE meter = 'e44' ORDER BY ts", 6)
        self.assert_tally_fails(("replace", "e44", "--at", "2099-01-01T00:00"), 2,
                                "--at 2099-01-01T00:00 is in the future; give when the meter was replaced")
        ran = self.tally("replace", "e44", "--at", kept[-1]["time"])
        self.assertEqual((ran.returncode, ran.stdout), (0, "e44: replaced; the new counter is used from now on\n"),
                         ran.stderr)
        lives = self.wait_rows("SELECT since, reason FROM meter_life WHERE meter = 'e44' AND "
                               "quantity = 'active_energy_import' ORDER BY since", 2)
        self.assertEqual(lives[1], {"since": kept[-1]["time"], "reason": "replaced"})
        ran = self.tally("replace", "e44", "--at", "2020-01-01T00:00")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("e44: refused, nothing was changed: what was counted of e44 up to ", ran.stderr)

    def test_an_impossible_final_value_is_refused_unless_it_is_forced(self):
        self.start_sim(self.site)
        self.start_daemon()
        self.wait_rows("SELECT * FROM meter_life WHERE meter = 'e44'", 1)
        self.control("fault", "e44", "silence", "100%")
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'e44' AND state <> 'up'", 1)
        last = self.sql("SELECT max(active_import_kwh) AS kwh FROM energy WHERE meter = 'e44'")[0]["kwh"]
        ran = self.tally("replace", "e44", "--final", f"{last - 1:.3f} kWh")
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertEqual(ran.stderr, f"e44: refused, nothing was changed: the final value {last - 1:.3f} kWh is below the "
                                     f"last reading {last:.3f} kWh; --force accepts it, and counts to the reading\n")
        self.assertEqual(len(self.lives("e44")), 1)
        ran = self.tally("replace", "e44", "--force", "--final", f"{last - 1:.3f} kWh")
        self.assertEqual((ran.returncode, ran.stdout), (0, "e44: replaced; the new counter is used from now on\n"),
                         ran.stderr)
        self.control("fault", "e44", "silence", "0%")
        lives = wait_for(lambda: len(self.lives("e44")) >= 2 and self.lives("e44"), "the new life")
        self.assertEqual(lives[0]["until_value"], last)
        requests = self.sql("SELECT what, state FROM request ORDER BY id")
        self.assertEqual([(r["what"], r["state"]) for r in requests],
                         [(f"replace e44 --final {last - 1:.3f} kWh", "refused"),
                          (f"replace e44 --final {last - 1:.3f} kWh --force", "done")])

    def test_a_replacement_that_was_none_is_taken_back(self):
        self.start_sim(self.site)
        self.start_daemon()
        self.wait_rows("SELECT * FROM meter_life WHERE meter = 'e44'", 1)
        self.assertEqual(self.tally("replace", "e44").returncode, 0)
        wait_for(lambda: len(self.lives("e44")) >= 2, "the new life")
        ran = self.tally("replace", "--undo", "e44")
        self.assertEqual((ran.returncode, ran.stdout), (0, "e44: taken back; the life before the replacement continues\n"),
                         ran.stderr)
        lives = self.lives("e44")
        self.assertEqual([(life["reason"], life["until"]) for life in lives], [("first", None)])
        ran = self.tally("replace", "--undo", "e44")
        self.assertEqual((ran.returncode, ran.stderr), (1, "e44: refused, nothing was changed: it has no replacement that "
                                                           "could be taken back\n"))

    def test_a_replaced_concentrator_lists_its_inputs(self):
        self.start_sim(self.site)
        self.start_daemon()
        self.wait_rows("SELECT * FROM meter_life WHERE meter = 'gas'", 1)
        ran = self.tally("replace", "pulses")
        self.assertEqual((ran.returncode, ran.stdout), (0, "pulses: replaced; new lives begin for its inputs gas\n"),
                         ran.stderr)
        wait_for(lambda: len(self.lives("gas")) >= 2, "the new life")

    def test_a_stopped_daemon_acts_when_it_starts(self):
        self.run_for_a_while()
        final = round(self.sql("SELECT max(value) AS m3 FROM pulse WHERE meter = 'gas'")[0]["m3"] + 0.01, 2)
        ran = self.tally("replace", "gas", "--final", f"{final} m3")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("gas: request saved; tallyd is not running, the verdict comes when it starts", ran.stdout)
        ran = self.tally("replace", "gas", "--final", "12.35 m3")
        self.assertEqual((ran.returncode, ran.stderr), (1, f"gas: \"replace gas --final {final} m3\" waits already; "
                                                           "start tallyd to carry it out first\n"))
        self.start_daemon()
        self.wait_rows("SELECT * FROM event WHERE subject = 'gas' AND kind = 'meter-replaced'", 1)
        self.assertEqual(self.stop_daemon(), 0)

    def test_an_invalid_request_changes_nothing(self):
        self.run_for_a_while()
        for arguments, code, message in (
                ((), 2, "expected one METER"),
                (("e44", "gas"), 2, "expected one METER"),
                (("e44", "--final"), 2, "--final needs a value"),
                (("e44", "--final", "many"), 2, "--final many is not valid; give what the counter showed, in kWh"),
                (("e44", "--undo", "--force"), 2, "--undo goes with no other option"),
                (("e44", "--final", "5 m3"), 2, "give what the counter showed, in kWh"),
                (("e44", "--initial", "-5"), 2, "give what the counter showed, in kWh"),
                (("gas", "--final", "5 kWh"), 2, "--final 5 kWh is not valid; give what the counter showed, in m3"),
                (("e45",), 1, 'no meter or input "e45" in '),
                (("gsa",), 1, '; did you mean "gas"?'),
                (("pulses", "--final", "5"), 1, "pulses counts pulses for its inputs; name an input")):
            self.assert_tally_fails(("replace", *arguments), code, message)
        self.assertEqual(self.sql("SELECT * FROM request"), [])

    def test_a_meter_that_the_database_does_not_have_yet_is_refused(self):
        self.run_for_a_while()
        self.write_gateway("[meter new]\nmodel = countis-e44\naddress = 9\n")
        ran = self.tally("replace", "new")
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn(f"new: not in {self.db_path} yet; start tallyd with this configuration first\n", ran.stderr)

    def let_others_read(self):
        """Let every user read the site. The source and the build may lie in a home that only its owner can enter: copy what
        is needed of them. Returns the tool."""
        shutil.copytree(SOURCE / "drivers", self.dir / "drivers")
        ini = self.etc / "tallyd.ini"
        ini.write_text(ini.read_text().replace(f"{SOURCE}/drivers", f"{self.dir}/drivers"))
        for path in [self.dir, self.etc, self.etc / "bus.d"]:
            path.chmod(0o755)
        return shutil.copy(BUILD / "tally", self.dir)

    def test_a_database_without_write_permission_is_reported(self):
        self.run_for_a_while()
        tally, prefix = BUILD / "tally", []
        if os.geteuid() == 0:
            prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            tally = self.let_others_read()
        for path in self.dir.glob("tallyd.db*"):
            path.chmod(0o444)
        ran = subprocess.run([*prefix, tally, "-c", self.etc, "replace", "e44"], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 1, ran.stdout)
        self.assertIn("nothing was changed; run it as root or as user tallyd", ran.stderr)


if __name__ == "__main__":
    unittest.main()
