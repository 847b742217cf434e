# SPDX-License-Identifier: MIT
"""Root runs the commands that write files in a folder of another user, who plants links there and renames what he finds:
nothing outside that folder changes. And no command writes over a file that is tallyd's own."""

import os
import random
import sqlite3
import subprocess
import sys
import unittest

from opssite import OpsSite
from simsite import BUILD, wait_for

NOBODY = 65534
SEED = int(os.environ.get("TALLY_SEED", random.SystemRandom().randrange(1 << 30)))

# FOLDER VICTIM SEED LINKS: the user. Each round one name is linked to the victim, or to its folder, or two names of the
# folder change places.
ADVERSARY = r"""
import os, random, sys
folder, victim, seed, n = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
os.chdir(folder)
chance = random.Random(seed)
names = [base + end for base in ("out.csv", "copy.db", "tallyd.db.rebuild", "later.db")
         for end in ("", ".part", "-wal", "-shm", "-journal")] + ["sub"]
print("planting", flush=True)
for _ in range(n):
    found = [name for name in os.listdir(".") if not name.startswith("tallyd.db") or "rebuild" in name]
    try:
        what = chance.randrange(4)
        if what == 0 and found:
            os.rename(chance.choice(found), chance.choice(names))
        elif what == 1 and found:
            name = chance.choice(found)
            os.symlink(victim, name + ".new")
            os.rename(name + ".new", name)
        elif what == 2:
            os.symlink(chance.choice((victim, os.path.dirname(victim))), chance.choice(names))
        elif found:
            os.unlink(chance.choice(found))
    except OSError:
        pass
"""


@unittest.skipIf(os.geteuid() != 0, "only root can work in the folder of another user with more rights than his")
class TestPlanted(OpsSite):
    def setUp(self):
        super().setUp()
        self.run_for_a_while()
        self.victim = self.dir / "kept" / "victim"
        self.victim.parent.mkdir()
        self.victim.write_text("SQLite format 3\0 and what root has written" + "." * 4000)
        self.victim.parent.chmod(0o755)
        self.dir.chmod(0o755)
        self.theirs = self.dir / "theirs"
        self.theirs.mkdir()

    def give_away(self):
        for path in [self.theirs, *self.theirs.iterdir()]:
            os.chown(path, NOBODY, NOBODY)

    def victims(self):
        return {path.name: (path.read_bytes(), path.stat().st_mode, path.stat().st_uid)
                for path in self.victim.parent.iterdir()}

    def plant(self):
        """The user at work."""
        process = subprocess.Popen(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", sys.executable,
                                    "-c", ADVERSARY, self.theirs, self.victim, str(SEED), "1000000"],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "planting\n")
        return process

    def run_under_attack(self, *commands):
        print(f"seed {SEED}")
        before = self.victims()
        process = self.plant()
        codes = []
        for _ in range(15):
            for command in commands:
                codes.append(self.tally(*command).returncode)
                self.assertEqual(self.victims(), before, command)
        self.assertIsNone(process.poll(), "the user had finished before the commands")
        self.assertNotIn(2, codes)

    def test_exports_and_backups_lead_nowhere_else(self):
        self.give_away()
        self.run_under_attack(("export", "energy", "--output", self.theirs / "out.csv"),
                              ("export", "energy", "--output", self.theirs / "sub" / "out.csv"),
                              ("backup", self.theirs / "copy.db"),
                              ("backup", self.theirs / "sub" / "copy.db"))

    def test_a_rebuild_leads_nowhere_else(self):
        for path in self.dir.glob("tallyd.db*"):
            path.rename(self.theirs / path.name)
        self.db_path = self.theirs / "tallyd.db"
        ini = self.etc / "tallyd.ini"
        ini.write_text(ini.read_text().replace(str(self.dir / "tallyd.db"), str(self.db_path)))
        for path in (self.etc, self.etc / "bus.d"):
            path.chmod(0o755)
        self.give_away()
        ran = self.tally("rebuild")
        self.assertIn(ran.returncode, (0, 1), ran.stderr)
        self.assertEqual({path.stat().st_uid for path in self.theirs.iterdir()}, {NOBODY})
        self.run_under_attack(("rebuild",), ("rebuild", "--recount"))


class TestOwnFiles(OpsSite):
    def test_no_file_of_tallyd_is_written_over(self):
        self.run_for_a_while()
        own = [self.db_path.with_name(self.db_path.name + end) for end in
               ("", "-wal", "-shm", "-journal", ".damaged", ".damaged-20260101T000000Z", ".damaged-20260101T000000Z-wal",
                ".before-0022", ".rebuild", ".rebuild-wal", ".lock")]
        own += [self.etc / "tallyd.ini", self.etc / "bus.d" / "gateway.ini", self.etc / "bus.d" / "new.ini"]
        before = {path: path.read_bytes() if path.exists() else None for path in own}
        for path in own:
            for command in (("export", "energy", "--output", path), ("backup", path)):
                with self.subTest(command=command):
                    ran = self.tally(*command)
                    self.assertEqual((ran.returncode, ran.stdout), (2 if command[0] == "export" else 1, ""))
                    self.assertIn(" is " if command[0] == "export" else ": is ", ran.stderr)
                    self.assertIn("; name another file", ran.stderr)
        # the shared memory of readers may change
        after = {path: path.read_bytes() if path.exists() else None for path in own}
        del before[own[2]], after[own[2]]
        self.assertEqual(after, before)

    def test_an_export_does_not_replace_another_database(self):
        other = self.dir / "other.db"
        with sqlite3.connect(other) as db:
            db.execute("CREATE TABLE t (x)")
        db.close()
        self.run_for_a_while()
        ran = self.tally("export", "energy", "--output", other)
        self.assertEqual((ran.returncode, ran.stdout), (2, ""))
        self.assertIn(f"--output {other} is a database; name another file\n", ran.stderr)


if __name__ == "__main__":
    unittest.main()
