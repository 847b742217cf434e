# SPDX-License-Identifier: MIT
"""A simulated site and the programs that run on it, for the integration tests.

Tests wait for conditions (wait_for), never for time, and observe through SQL, the log and exit codes."""

import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ.get("TALLY_BUILD", "build/dev")).resolve()
SOURCE = pathlib.Path(os.environ.get("TALLY_SOURCE", ".")).resolve()
SANITIZED = "TALLY_SANITIZE:STRING=\n" not in (BUILD / "CMakeCache.txt").read_text()
PATIENCE_S = 120  # longest time of every wait; a wait that takes longer fails the test


def wait_for(condition, what, patience_s=PATIENCE_S):
    """Call condition() until its value is true; returns that value."""
    deadline = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"timed out after {patience_s} s waiting for {what}")
        time.sleep(0.05)


_held_ports = []


def free_port():
    """A port that stays free for a listener that sets SO_REUSEADDR: it is held until the test ends, so that no other program
    and no connection gets it."""
    s = socket.socket()
    _held_ports.append(s)
    s.bind(("127.0.0.1", 0))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return s.getsockname()[1]


class Site(unittest.TestCase):
    """Base of the tests: a temporary folder, and helpers that start programs and end them."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tally-"))
        self.etc = self.dir / "etc"
        (self.etc / "bus.d").mkdir(parents=True)
        self.db_path = self.dir / "tallyd.db"
        self.processes = []
        self.sim = self.daemon = None
        self.write("etc/tallyd.ini", self.tallyd_ini())

    def tearDown(self):
        for p in reversed(self.processes):
            if p.poll() is None:
                p.kill()
            p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def tallyd_ini(self, store=""):
        return (f"[store]\npath = {self.db_path}\ncommit_interval = 1s\n{store}"
                f"[drivers]\npath = {SOURCE}/drivers\n")

    def write(self, name, text):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    # programs

    def start(self, *command, log, env=None):
        out = open(self.dir / log, "ab")
        p = subprocess.Popen([str(c) for c in command], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                             env={**os.environ, **(env or {})})
        out.close()
        self.processes.append(p)
        return p

    def log(self, name="tallyd.log"):
        path = self.dir / name
        return path.read_text(errors="replace") if path.exists() else ""

    def write_gateway(self, meters, power_every="1s", port=None):
        """Write the bus file of these meters behind a gateway, which are read every second. meters may begin with more
        keys of the bus. Returns the section of the bus for start_sim()."""
        port = port or free_port()
        self.write("etc/bus.d/gateway.ini", "[bus]\ntransport = tcp\nhost = 127.0.0.1\n"
                                            f"port = {port}\nenergy_every = 1s\npower_every = {power_every}\n{meters}")
        return f"[bus gateway]\ntransport = tcp\nport = {port}\n"

    def start_sim(self, site, seed=1, drivers=f"{SOURCE}/drivers"):
        """Start the simulator. A section [site] with control, trace, drivers and seed is put before site, which may begin
        with more keys of that section."""
        head = (f"[site]\ncontrol = {self.dir}/control\ntrace = {self.dir}/trace\n"
                f"drivers = {drivers}\nseed = {seed}\n")
        path = self.write("site.ini", head + site)
        self.sim = self.start(BUILD / "tally-sim", path, log="sim.log")
        wait_for(lambda: "\nready\n" in "\n" + self.log("sim.log") or self.sim.poll() is not None, "the simulator")
        self.assertIsNone(self.sim.poll(), self.log("sim.log"))

    def command_sim(self, *command):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(self.dir / "control"))
            s.sendall((" ".join(command) + "\n").encode())
            s.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := s.recv(65536):
                answer += chunk
        return answer.decode()

    def control(self, *command):
        answer = self.command_sim(*command)
        self.assertTrue(answer.startswith("ok"), answer)
        return answer

    def start_daemon(self, *options, env=None):
        self.daemon = self.start(BUILD / "tallyd", "-c", self.etc, *options, log="tallyd.log", env=env)

    def stop_daemon(self):
        """Send SIGTERM. Returns the exit code."""
        self.daemon.send_signal(signal.SIGTERM)
        code = self.daemon.wait(timeout=PATIENCE_S)
        self.processes.remove(self.daemon)
        return code

    def run_program(self, name, *arguments):
        return subprocess.run([str(BUILD / name), *map(str, arguments)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE_S)

    def tally(self, *arguments):
        return self.run_program("tally", "-c", self.etc, *arguments)

    def assert_tally_fails(self, arguments, code, message):
        """The command exits with code, prints message to standard error and nothing to standard output."""
        with self.subTest(arguments=arguments):
            ran = self.tally(*arguments)
            self.assertEqual((ran.returncode, ran.stdout), (code, ""), ran.stderr)
            self.assertIn(message, ran.stderr)

    # database

    def sql(self, statement, *values):
        """Rows as dictionaries; [] while the database or the table does not exist yet."""
        try:
            db = sqlite3.connect(f"file:{self.db_path}?mode=ro", uri=True, timeout=10)
        except sqlite3.OperationalError:
            return []
        try:
            db.row_factory = sqlite3.Row
            return [dict(r) for r in db.execute(statement, values)]
        except sqlite3.OperationalError as e:
            if "no such table" in str(e) or "unable to open" in str(e):
                return []
            raise
        finally:
            db.close()

    def wait_rows(self, statement, n, *values):
        """Wait until the statement returns n rows or more. Returns them."""
        def enough():
            if self.daemon is not None:
                self.assertIsNone(self.daemon.poll(), self.log())
            rows = self.sql(statement, *values)
            return rows if len(rows) >= n else None
        return wait_for(enough, f"{n} rows of {statement}")

    def slots(self, meter):
        """The slots in which the energies of the meter were stored."""
        return [r["ts"] for r in self.sql("SELECT ts FROM energy WHERE meter = ? ORDER BY ts", meter)]

    # truth

    def trace(self):
        """The answers of the simulator: (wall_ms, meter, status, {quantity: base units})."""
        answers = []
        for line in self.log("trace").splitlines(keepends=True):
            if not line.endswith("\n"):
                break
            wall_ms, meter, _, status, *values = line.split()
            pairs = (v.split("=", 1) for v in values)
            answers.append((int(wall_ms), meter, status, dict(pairs)))
        return answers

    def truth_in(self, meter, ts, until):
        """The last value that the simulator sent of each quantity of the meter in [ts, until)."""
        sent = {}
        for wall_ms, name, status, values in self.trace():
            if name == meter and status == "ok" and ts * 1000 <= wall_ms < until * 1000:
                sent.update(values)
        return sent

    COLUMNS = {
        "energy": {"active_import_kwh": ("active_energy_import", 1000), "active_export_kwh": ("active_energy_export", 1000),
                   "reactive_import_kvarh": ("reactive_energy_import", 1000),
                   "reactive_export_kvarh": ("reactive_energy_export", 1000), "apparent_kvah": ("apparent_energy", 1000)},
        "power": {"active_power_w": ("active_power", 1000), "reactive_power_var": ("reactive_power", 1000),
                  "apparent_power_va": ("apparent_power", 1000), "power_factor": ("power_factor", 1000),
                  "frequency_hz": ("frequency", 1000), "voltage_l1_v": ("voltage_l1", 1000),
                  "voltage_l2_v": ("voltage_l2", 1000), "voltage_l3_v": ("voltage_l3", 1000),
                  "voltage_l12_v": ("voltage_l12", 1000), "voltage_l23_v": ("voltage_l23", 1000),
                  "voltage_l31_v": ("voltage_l31", 1000), "current_l1_a": ("current_l1", 1000),
                  "current_l2_a": ("current_l2", 1000), "current_l3_a": ("current_l3", 1000),
                  "current_n_a": ("current_n", 1000), "active_power_l1_w": ("active_power_l1", 1000),
                  "active_power_l2_w": ("active_power_l2", 1000), "active_power_l3_w": ("active_power_l3", 1000)},
    }

    def assert_same(self, shown, quantity, per, truth, where):
        sent = truth.get(quantity)
        if sent is None or sent == "na":
            self.assertIsNone(shown, f"{where} {quantity}: stored {shown}, the meter sent {sent}")
        else:
            self.assertIsNotNone(shown, f"{where} {quantity}: not stored, the meter sent {sent}")
            self.assertEqual(round(shown * per), int(sent), f"{where} {quantity}")

    def assert_rows_true(self, view, period_s, meters):
        """Assert that every value of the view is the value that the meter sent in that slot, and that none is missing.
        Returns the number of values. Only good readings are checked: a busy machine makes some late, and those belong
        to a slot that is over."""
        n = 0
        for row in self.sql(f"SELECT * FROM {view} WHERE quality = 'good'"):
            if row["meter"] not in meters:
                continue
            truth = self.truth_in(row["meter"], row["ts"], row["ts"] + period_s)
            for column, (quantity, per) in self.COLUMNS[view].items():
                self.assert_same(row[column], quantity, per, truth, f"{view} {row['meter']} {row['time']}")
                n += row[column] is not None
        return n

    def assert_tariffs_true(self, period_s, meters):
        n = 0
        for row in self.sql("SELECT t.* FROM tariff_energy t JOIN energy e USING (ts, meter) WHERE e.quality = 'good'"):
            if row["meter"] not in meters:
                continue
            truth = self.truth_in(row["meter"], row["ts"], row["ts"] + period_s)
            where = f"tariff_energy {row['meter']} {row['time']}"
            self.assert_same(row["active_import_kwh"], f"active_energy_import_t{row['tariff']}", 1000, truth, where)
            self.assertEqual(row["in_force"], int(truth["tariff"] == str(row["tariff"])), where)
            n += 1
        return n
