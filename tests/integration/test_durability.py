# SPDX-License-Identifier: MIT
"""The database under stress: a full disk, a lock, damage, a reader of another user, kill -9."""

import contextlib
import grp
import json
import os
import pathlib
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import unittest

from simsite import SOURCE, Site, wait_for

METERS = ("north", "south")
KILLS = int(os.environ.get("TALLY_KILLS", "10"))


class Durability(Site):
    """Two meters behind a gateway, read every second."""

    def start_site(self, store=""):
        self.write("etc/tallyd.ini", self.tallyd_ini(store))
        bus = self.write_gateway("""
[meter north]
model = countis-e44
address = 1
[meter south]
model = countis-e44
address = 2
""")
        self.start_sim(bus + """
[meter north]
bus = gateway
model = countis-e44
address = 1
base = 40 kW
tariffs = 00:00 1
[meter south]
bus = gateway
model = countis-e44
address = 2
base = 20 kW
tariffs = 00:00 2
""")
        self.start_daemon()


    def wait_answers(self, n):
        """Wait until the simulator has given n more answers to each meter."""
        before = {m: sum(a[1] == m for a in self.trace()) for m in METERS}
        wait_for(lambda: all(sum(a[1] == m for a in self.trace()) >= before[m] + n for m in METERS), f"{n} answers")

    def assert_no_slot_lost(self, since):
        """Assert that each meter has a row for every second since then in which it has answered with its energy."""
        for meter in METERS:
            slots = self.slots(meter)
            later = [t for t in slots if t >= since]
            self.assertGreater(len(later), 3, meter)
            missing = set(range(later[0], later[-1] + 1)) - set(later)
            answered = {a[0] // 1000 for a in self.trace() if a[1] == meter and "active_energy_import" in a[3]}
            self.assertEqual(missing & answered, set(), meter)

    def assert_sound(self):
        self.assertEqual(self.sql("PRAGMA integrity_check"), [{"integrity_check": "ok"}])


class TestRefusedWrites(Durability):
    def test_a_lock_of_another_program_loses_nothing(self):
        self.start_site()
        since = self.wait_rows("SELECT ts FROM energy WHERE meter = 'north' ORDER BY ts", 2)[-1]["ts"]
        other = sqlite3.connect(self.db_path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        wait_for(lambda: "wait in memory" in self.log(), "the daemon to report the lock")
        self.assertIn(f"locked by process {os.getpid()}", self.log())
        said = json.loads(self.tally("status", "--json").stdout)
        self.assertEqual((said["running"], said["stopped"], said["good"]), (True, True, False))
        self.assertIn("tallyd is running but cannot write", self.tally("status").stderr)
        held = len(self.slots("north"))
        self.wait_answers(10)
        self.assertEqual(len(self.slots("north")), held)
        other.execute("ROLLBACK")
        other.close()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'north'", held + 4)
        wait_for(lambda: "writing again" in self.log(), "the daemon to report that it writes again")
        self.assertEqual(self.log().count("wait in memory"), 1)
        self.assertEqual(self.sql("SELECT kind FROM event WHERE kind LIKE 'database-%' ORDER BY ts, rowid"),
                         [{"kind": "database-stopped"}, {"kind": "database-writes"}])
        self.assertIs(json.loads(self.tally("status", "--json").stdout)["stopped"], False)
        self.assertEqual(self.stop_daemon(), 0)
        self.assert_no_slot_lost(since)
        self.assert_sound()

    def test_readings_that_are_lost_at_the_end_because_of_a_lock_are_reported_once(self):
        self.start_site()
        self.wait_rows("SELECT ts FROM energy WHERE meter = 'north'", 2)
        other = sqlite3.connect(self.db_path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        wait_for(lambda: "wait in memory" in self.log(), "the daemon to report the lock")
        self.assertEqual(self.stop_daemon(), 1)
        other.close()
        self.assertEqual(len(re.findall(r"database: .* locked.*; \d+ readings are lost", self.log())), 1, self.log())
        self.assertEqual(self.log().count("are lost"), 1)
        self.assert_sound()

    def test_a_limit_on_the_size_of_files_is_a_full_disk(self):
        self.start_site()
        since = self.wait_rows("SELECT ts FROM energy WHERE meter = 'north' ORDER BY ts", 2)[-1]["ts"]
        _, hard = resource.prlimit(self.daemon.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.daemon.pid, resource.RLIMIT_FSIZE, (4096, hard))
        wait_for(lambda: "wait in memory" in self.log() or self.daemon.poll() is not None, "the limit to be reported")
        self.assertRegex(self.log(), r"no file may be longer here \(limit on the size of files\).* wait in memory")
        resource.prlimit(self.daemon.pid, resource.RLIMIT_FSIZE, (hard, hard))
        wait_for(lambda: "writing again" in self.log(), "the daemon to report that it writes again")
        self.wait_answers(4)
        self.assertEqual(self.stop_daemon(), 0)
        self.assert_no_slot_lost(since)
        self.assert_sound()

    @contextlib.contextmanager
    def mount_disk(self, options):
        """A file system for the database, which ends with all programs of the test."""
        disk = self.dir / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], capture_output=True).returncode:
            self.skipTest("no file system can be mounted here")
        try:
            self.db_path = disk / "tallyd.db"
            yield disk
        finally:
            for p in self.processes:
                p.kill()
                p.wait()
            subprocess.run(["umount", "-l", disk], check=True)

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount a file system")
    def test_a_full_disk_loses_nothing_once_there_is_room_again(self):
        with self.mount_disk("size=6m") as disk:
            self.start_site()
            since = self.wait_rows("SELECT ts FROM energy WHERE meter = 'north' ORDER BY ts", 2)[-1]["ts"]
            filler = open(disk / "filler", "wb", buffering=0)
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                pass
            filler.close()
            wait_for(lambda: "wait in memory" in self.log(), "the daemon to report the full disk")
            self.assertRegex(self.log(), "full")
            self.wait_answers(10)
            held = len(self.slots("north"))
            (disk / "filler").unlink()
            self.wait_rows("SELECT * FROM energy WHERE meter = 'north'", held + 4)
            self.assertEqual(self.stop_daemon(), 0)
            self.assert_no_slot_lost(since)
            self.assert_sound()

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount a file system")
    def test_a_read_only_disk_is_reported_at_the_start(self):
        with self.mount_disk("ro"):
            self.start_site()
            self.assertNotEqual(self.daemon.wait(timeout=60), 0)
            self.assertIn("Read-only file system", self.log())


class TestAway(Durability):
    """The file is moved, removed or replaced while the daemon runs."""

    def test_what_was_held_is_in_a_file_that_was_moved_and_the_next_start_makes_another(self):
        self.start_site()
        since = self.wait_rows("SELECT ts FROM energy WHERE meter = 'north' ORDER BY ts", 3)[0]["ts"]
        path, moved = self.db_path, self.db_path.with_name("moved.db")
        path.rename(moved)
        self.assertEqual(self.daemon.wait(timeout=60), 1, self.log())
        self.assertIn(f"database: {path} was moved to {moved} while tallyd had it open", self.log())
        self.assertNotIn("are lost", self.log())
        self.assertEqual(pathlib.Path(f"{path}-wal").stat().st_size, 0)
        self.db_path = moved
        self.assert_no_slot_lost(since)
        self.assert_sound()
        self.assertEqual(len(self.sql("SELECT * FROM event WHERE kind = 'database-away'")), 1)
        self.db_path = path
        self.start_daemon()
        self.wait_rows("SELECT * FROM event WHERE kind = 'database-away' AND detail LIKE '%a new one was made%'", 1)
        self.assertEqual(self.stop_daemon(), 0)

    def test_a_copy_that_was_put_in_its_place_is_continued_by_the_next_start(self):
        self.start_site()
        self.wait_rows("SELECT ts FROM energy WHERE meter = 'north'", 3)
        copy = self.dir / "copy.db"
        self.assertEqual(self.tally("backup", str(copy)).returncode, 0)
        copy.rename(self.db_path)
        self.assertEqual(self.daemon.wait(timeout=60), 1, self.log())
        self.assertIn(f"database: {self.db_path} was replaced by another file while tallyd had it open", self.log())
        n = len(self.slots("north"))
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'north'", n + 2)
        self.assertEqual(self.stop_daemon(), 0)
        self.assert_sound()


    def test_a_copy_that_was_written_over_it_is_continued_alone(self):
        self.start_site()
        self.wait_rows("SELECT ts FROM energy WHERE meter = 'north'", 3)
        copy = self.dir / "copy.db"
        self.assertEqual(self.tally("backup", str(copy)).returncode, 0)
        path, self.db_path = self.db_path, copy
        copied = self.slots("north")
        self.db_path = path
        self.wait_rows("SELECT ts FROM energy WHERE meter = 'north'", len(copied) + 3)
        path.write_bytes(copy.read_bytes())
        self.assertEqual(self.daemon.wait(timeout=60), 1, self.log())
        self.assertIn(f"database: {path} was overwritten by another program, as cp does, while tallyd had it open",
                      self.log())
        self.assertEqual(self.slots("north"), copied)
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'north'", len(copied) + 2)
        self.wait_rows("SELECT * FROM event WHERE kind = 'database-away' AND detail LIKE '%-wal'", 1)
        self.assertEqual(self.stop_daemon(), 0)
        self.assert_sound()


class TestDamage(Durability):
    def test_a_damaged_file_is_put_aside_and_the_daemon_keeps_running(self):
        self.start_site()
        for meter in METERS:
            self.wait_rows("SELECT * FROM energy WHERE meter = ?", 8, meter)
        self.assertEqual(self.stop_daemon(), 0)
        before = set(self.slots("north"))
        size = self.sql("PRAGMA page_size")[0]["page_size"]
        page = self.sql("SELECT max(pageno) AS n FROM dbstat WHERE name = 'reading_power' AND pagetype = 'leaf'")[0]["n"]
        with open(self.db_path, "r+b") as f:
            f.seek((page - 1) * size)
            f.write(os.urandom(size))
        self.start_daemon()
        rows = self.wait_rows("SELECT * FROM event WHERE kind = 'database-recovered'", 1)
        self.assertEqual(rows[0]["subject"], "tallyd")
        self.wait_rows("SELECT * FROM energy WHERE meter = 'south'", 12)
        self.assertEqual(len(list(self.dir.glob("tallyd.db.damaged-*Z"))), 1)
        self.assertEqual(self.stop_daemon(), 0)
        self.assertLessEqual(before, set(self.slots("north")))
        self.assertGreater(self.assert_rows_true("energy", 1, METERS), 20)
        self.assertGreater(self.assert_rows_true("power", 1, METERS), 20)
        self.assert_sound()


class TestReader(Durability):
    """A member of the group reads with the sqlite3 shell while the daemon writes; other users cannot."""

    NAME = f"tallytest{os.getpid() % 10000}"

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can make a user")
        if not shutil.which("useradd") or not shutil.which("runuser"):
            self.skipTest("useradd or runuser is missing")
        subprocess.run(["groupadd", self.NAME], check=True)
        self.addCleanup(subprocess.run, ["groupdel", "-f", self.NAME], capture_output=True)
        for user, group in ((self.NAME + "r", self.NAME), (self.NAME + "o", "nogroup")):
            subprocess.run(["useradd", "-M", "-d", "/nonexistent", "-g", group, user], check=True)
            self.addCleanup(subprocess.run, ["userdel", user], capture_output=True)
        # Like the StateDirectory of the service: the folder belongs to the daemon, and the group may read it.
        folder = self.dir / "lib"
        folder.mkdir()
        os.chmod(self.dir, 0o755)
        os.chown(folder, 0, grp.getgrnam(self.NAME).gr_gid)
        os.chmod(folder, 0o2750)
        self.db_path = folder / "tallyd.db"

    def shell(self, user, statement):
        return subprocess.run(["runuser", "-u", user, "--", "sqlite3", self.db_path, statement], capture_output=True,
                              text=True, timeout=60)

    def assert_reads(self):
        got = self.shell(self.NAME + "r", "SELECT count(*) > 0, count(DISTINCT meter) FROM energy")
        self.assertEqual((got.stdout, got.stderr), ("1|2\n", ""))

    def test_a_member_of_the_group_reads_and_cannot_write(self):
        self.start_site()
        for meter in METERS:
            self.wait_rows("SELECT * FROM energy WHERE meter = ?", 2, meter)
        n = len(self.slots("north"))
        while len(self.slots("north")) < n + 3:
            self.assert_reads()
        refused = self.shell(self.NAME + "r", "DELETE FROM event_log")
        self.assertIn("readonly", refused.stderr)
        stranger = self.shell(self.NAME + "o", "SELECT * FROM energy")
        self.assertIn("unable to open", stranger.stderr)
        self.assertEqual(self.stop_daemon(), 0)
        self.assert_reads()
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'north'", n + 5)
        self.assert_reads()

    def test_the_statements_of_the_schema_page_run(self):
        text = (SOURCE / "schema" / "README.md").read_text()
        statements = re.findall(r"```sql\n(.*?)```", text, re.S)
        self.assertGreaterEqual(len(statements), 5)
        self.start_site("interval = 1min\n")
        for meter in METERS:
            self.wait_rows("SELECT * FROM energy WHERE meter = ?", 2, meter)
        for statement in statements:
            got = self.shell(self.NAME + "r", statement)
            self.assertEqual((got.returncode, got.stderr), (0, ""), statement)
        views = {r["name"] for r in self.sql("SELECT name FROM sqlite_schema WHERE type = 'view'")}
        listed = set(re.findall(r"^\| `(\w+)` \|", text, re.M))
        self.assertLessEqual(listed, views)
        contract = {"energy", "tariff_energy", "power", "pulse", "latest", "interval", "interval_energy", "daily",
                    "monthly", "monthly_tariff", "meter_status", "bus_status", "event"}
        self.assertLessEqual(contract, listed)


class TestKill(Durability):
    def watch(self, seen, stop):
        """Remember the committed rows, as a reader sees them who reads all the time."""
        while not stop.is_set():
            try:
                seen.update((r["ts"], r["meter"], r["active_import_kwh"]) for r in
                            self.sql("SELECT ts, meter, active_import_kwh FROM energy ORDER BY ts DESC LIMIT 40"))
            except sqlite3.Error:
                pass
            stop.wait(0.02)

    def kill_after(self, n_rows, seconds):
        """Kill the daemon so many seconds after it has committed n_rows. Returns the rows that a reader has seen."""
        seen, stop = set(), threading.Event()
        watcher = threading.Thread(target=self.watch, args=(seen, stop))
        watcher.start()
        self.wait_rows("SELECT * FROM energy", len(self.sql("SELECT * FROM energy")) + n_rows)
        try:
            self.daemon.wait(timeout=seconds)
            self.fail(self.log())
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        stop.set()
        watcher.join()
        self.processes.remove(self.daemon)
        return seen

    ACCOUNT = ("SELECT ts, meter, duration_s, quality, active_energy_import, apparent_energy FROM kept_interval "
               "WHERE quality < 2 ORDER BY ts, meter",
               "SELECT * FROM day_energy ORDER BY day, meter", "SELECT * FROM day_tariff ORDER BY day, meter",
               "SELECT * FROM month_energy ORDER BY month, meter", "SELECT * FROM month_tariff ORDER BY month, meter",
               "SELECT meter, quantity, from_ts, from_raw FROM life ORDER BY meter, quantity, from_ts")

    def test_nothing_committed_is_lost_or_stored_twice(self):
        seed = int(os.environ.get("TALLY_SEED", random.randrange(1 << 32)))
        print(f"seed {seed}, {KILLS} kills", file=sys.stderr)
        chance = random.Random(seed)
        seen = set()
        self.start_site("interval = 1min\n")
        for n in range(KILLS):
            # While it starts, or in the middle of its work, however long the machine takes to get there.
            seen |= self.kill_after(chance.choice((0, 1, 4)), chance.uniform(0, 2))
            self.assert_sound()
            there = {(r["ts"], r["meter"], r["active_import_kwh"]) for r in
                     self.sql("SELECT ts, meter, active_import_kwh FROM energy")}
            self.assertEqual(seen - there, set(), f"kill {n}: lost")
            self.assertEqual(self.sql("SELECT ts, meter FROM energy GROUP BY 1, 2 HAVING count(*) > 1"), [])
            self.start_daemon()
        self.wait_rows("SELECT * FROM energy", len(seen) + 4)
        self.wait_rows("SELECT * FROM energy WHERE quality = 'good'", 2 * KILLS + 1)
        self.assertEqual(self.stop_daemon(), 0)
        self.assertGreater(self.assert_rows_true("energy", 1, METERS), 2 * KILLS)
        self.assertEqual(self.sql("SELECT * FROM event WHERE kind = 'database-recovered'"), [])
        self.assert_account_equals_a_rebuild()

    def assert_account_equals_a_rebuild(self):
        self.sim.kill()
        self.sim.wait()
        kept = [self.sql(s) for s in self.ACCOUNT]
        self.assertGreater(sum(map(len, kept)), 0)
        db = sqlite3.connect(self.db_path)
        db.execute("INSERT INTO setting (name, value) VALUES ('rebuild', 'wanted')")
        db.commit()
        db.close()
        self.start_daemon()
        wait_for(lambda: self.sql("SELECT count(*) AS n FROM setting WHERE name = 'rebuild'")[0]["n"] == 0, "a rebuild")
        self.assertEqual(self.stop_daemon(), 0)
        for statement, rows in zip(self.ACCOUNT, kept):
            self.assertEqual(self.sql(statement), rows, statement)


if __name__ == "__main__":
    unittest.main()
