# SPDX-License-Identifier: MIT
"""The daemon as a service: its messages to the service manager, its reload, its end, and no listening sockets."""

import os
import pathlib
import re
import signal
import socket
import time
import unittest

from simsite import Site, free_port, wait_for

PERIODS = "energy_every = 1s\npower_every = 0\n"


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.lines = []

    def receive(self):
        while True:
            try:
                self.lines += self.socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self.lines

    def wait(self, line, n=1):
        wait_for(lambda: self.receive().count(line) >= n, f"{n} times {line} in {self.lines}")

    def close(self):
        self.socket.close()


class TestService(Site):
    def setUp(self):
        super().setUp()
        self.manager = None

    def tearDown(self):
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC"):
            os.environ.pop(name, None)
        if self.manager is not None:
            self.manager.close()
        super().tearDown()

    def start_managed(self, watchdog_us=None):
        self.manager = Manager(self.dir / "notify")
        os.environ["NOTIFY_SOCKET"] = str(self.dir / "notify")
        if watchdog_us is not None:
            os.environ["WATCHDOG_USEC"] = str(watchdog_us)
        self.start_daemon()

    def gateway(self, name, port, meters, extra=""):
        text = f"[bus]\ntransport = tcp\nhost = 127.0.0.1\nport = {port}\n{PERIODS}{extra}"
        for meter, address in meters:
            text += f"[meter {meter}]\nmodel = countis-e44\naddress = {address}\n"
        self.write(f"etc/bus.d/{name}.ini", text)

    def start_gateways(self):
        """Two simulated gateways: left with one meter, right with two, of which only the first is configured."""
        self.left, self.right = free_port(), free_port()
        site = f"[bus left]\ntransport = tcp\nport = {self.left}\n[bus right]\ntransport = tcp\nport = {self.right}\n"
        for bus, meter, address in (("left", "a", 1), ("right", "b", 2), ("right", "c", 3)):
            site += f"[meter {meter}]\nbus = {bus}\nmodel = countis-e44\naddress = {address}\nbase = 5 kW\n"
        self.start_sim(site)
        self.gateway("left", self.left, [("a", 1)])
        self.gateway("right", self.right, [("b", 2)])

    def reload(self, line="tallyd: configuration reloaded"):
        n = self.log().count(line)
        self.daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: self.log().count(line) > n or self.daemon.poll() is not None, line)
        self.assertIsNone(self.daemon.poll(), self.log())


    def assert_no_gap(self, meter):
        slots = self.slots(meter)
        self.assertEqual(slots, list(range(slots[0], slots[-1] + 1)), f"{meter}: {self.log()}")

    # the service manager

    def test_the_manager_gets_ready_status_watchdog_and_stopping(self):
        self.start_gateways()
        self.start_managed(watchdog_us=200000)
        self.manager.wait("READY=1")
        self.manager.wait("STATUS=2 of 2 buses and 2 of 2 meters up")
        self.manager.wait("WATCHDOG=1", 3)
        self.control("fault", "b", "silence", "100%")
        self.manager.wait("STATUS=2 of 2 buses and 1 of 2 meters up")
        self.processes.remove(self.sim)
        self.sim.kill()
        self.sim.wait()
        self.manager.wait("STATUS=0 of 2 buses and 0 of 2 meters up")
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'a' AND state = 'suspect'", 1)
        self.assertEqual(self.stop_daemon(), 0)
        self.assertIn("STOPPING=1", self.manager.receive())

    def test_the_manager_gets_the_reload(self):
        self.start_gateways()
        self.start_managed()
        self.manager.wait("READY=1")
        before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.reload()
        self.manager.wait("READY=1", 2)
        lines = self.manager.lines
        reloading_us = int(next(l for l in lines if l.startswith("MONOTONIC_USEC=")).split("=")[1])
        self.assertGreaterEqual(reloading_us, before_us)
        self.assertLess(lines.index("RELOADING=1"), len(lines) - 1 - lines[::-1].index("READY=1"))

    def test_runs_without_a_manager(self):
        self.start_gateways()
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'a'", 1)
        self.assertEqual(self.stop_daemon(), 0)

    # reload

    def test_an_unchanged_bus_loses_no_slot_over_ten_reloads(self):
        self.start_gateways()
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'a'", 2)
        for i in range(10):
            # The other bus changes each time: its timeout, and one of its meters is added or removed.
            meters = [("b", 2), ("c", 3)] if i % 2 else [("b", 2)]
            self.gateway("right", self.right, meters, f"response_timeout = {900 + i}ms\n")
            self.reload()
            n = len(self.slots("a"))
            self.wait_rows("SELECT * FROM energy WHERE meter = 'a'", n + 1)
        self.wait_rows("SELECT * FROM energy WHERE meter = 'c'", 1)
        self.assertEqual(self.stop_daemon(), 0)
        self.assert_no_gap("a")
        self.assertGreater(len(self.slots("a")), 10)
        self.assertEqual(self.log().count("bus left: starting"), 1)
        self.assertEqual(len(self.sql("SELECT * FROM event WHERE kind = 'configuration-reloaded'")), 10)

    def test_an_unchanged_meter_loses_no_slot_when_its_bus_changes(self):
        self.start_gateways()
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'b'", 2)
        for i in range(4):
            self.gateway("right", self.right, [("b", 2), ("c", 3)] if i % 2 else [("b", 2)])
            self.reload()
            self.wait_rows("SELECT * FROM energy WHERE meter = 'b'", len(self.slots("b")) + 2)
        self.assertEqual(self.stop_daemon(), 0)
        self.assert_no_gap("b")
        self.assertEqual(len(self.sql("SELECT * FROM event WHERE subject = 'b' AND kind = 'meter-up'")), 1)

    def test_a_removed_bus_ends_and_its_history_stays(self):
        self.start_gateways()
        self.start_daemon()
        rows = self.wait_rows("SELECT * FROM energy WHERE meter = 'b'", 2)
        (self.etc / "bus.d/right.ini").unlink()
        self.reload()
        self.assertIn("1 unchanged, 0 changed, 1 removed, 0 added", self.log())
        kept = self.sql("SELECT * FROM energy WHERE meter = 'b'")
        self.assertGreaterEqual(len(kept), len(rows))
        self.wait_rows("SELECT * FROM energy WHERE meter = 'a'", len(self.slots("a")) + 2)
        self.assertEqual(self.sql("SELECT * FROM bus_status WHERE bus = 'right'"), [])
        self.gateway("right", self.right, [("b", 2)])
        self.reload()
        self.assertIn("1 unchanged, 0 changed, 0 removed, 1 added", self.log())
        self.wait_rows("SELECT * FROM energy WHERE meter = 'b'", len(kept) + 1)
        self.assertEqual(self.stop_daemon(), 0)

    def test_a_bad_reload_reports_all_errors_and_keeps_the_old_configuration(self):
        self.start_gateways()
        self.start_managed()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'b'", 1)
        good = (self.etc / "bus.d/right.ini").read_text()
        self.write("etc/bus.d/right.ini", good.replace("address = 2", "address = 999").replace("tcp", "pigeon"))
        self.write("etc/tallyd.ini", self.tallyd_ini() + "[log]\nlevel = loud\n")
        self.reload("tallyd: configuration not reloaded")
        for text in ("pigeon", "999", "loud"):
            self.assertIn(text, self.log())
        self.manager.wait("STATUS=2 of 2 buses and 2 of 2 meters up; "
                          "the new configuration has errors, the old one is in force")
        self.wait_rows("SELECT * FROM energy WHERE meter = 'b'", len(self.slots("b")) + 2)
        self.assertEqual(self.sql("SELECT * FROM event WHERE kind = 'configuration-reloaded'"), [])
        self.write("etc/bus.d/right.ini", good)
        self.write("etc/tallyd.ini", self.tallyd_ini())
        self.reload()
        self.assertIn("2 unchanged, 0 changed, 0 removed, 0 added", self.log())
        self.assertEqual(self.stop_daemon(), 0)
        self.assert_no_gap("a")
        self.assert_no_gap("b")

    def test_a_reload_changes_the_settings_that_it_can_and_reports_the_others(self):
        self.start_gateways()
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'a'", 1)
        store = "durability = normal\ntimezone = Asia/Tokyo\ninterval = 1min\nkeep_readings = 30d\n"
        ini = self.tallyd_ini(store).replace("commit_interval = 1s", "commit_interval = 100ms")
        self.write("etc/tallyd.ini", ini.replace("tallyd.db", "other.db") + "[log]\nlevel = error\n")
        self.daemon.send_signal(signal.SIGHUP)
        self.wait_rows("SELECT * FROM event WHERE kind = 'configuration-reloaded'", 1)
        for key in ("path", "durability", "timezone"):
            self.assertRegex(self.log(), rf"tallyd.ini: {key} of \[store\] has changed; restart tallyd")
        self.assertEqual(self.log().count("; restart tallyd"), 3)
        self.assertEqual(self.sql("SELECT name, value FROM setting WHERE name IN ('interval_s', 'timezone')"),
                         [{"name": "interval_s", "value": "60"}, {"name": "timezone", "value": "Etc/UTC"}])
        # At level error the reload itself is not logged.
        self.assertNotIn("configuration reloaded", self.log())
        self.assertFalse((self.dir / "other.db").exists())
        self.assertEqual(self.stop_daemon(), 0)

    def test_a_time_zone_that_changed_while_the_daemon_was_stopped_is_an_event(self):
        changed = "SELECT subject, detail FROM event WHERE kind = 'timezone-changed'"
        self.start_gateways()
        self.write("etc/tallyd.ini", self.tallyd_ini("timezone = Asia/Tokyo\n"))
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'a'", 1)
        self.assertEqual(self.stop_daemon(), 0)
        self.assertEqual(self.sql(changed), [])
        self.write("etc/tallyd.ini", self.tallyd_ini("timezone = Europe/Paris\n"))
        for _ in range(2):  # the second start changes nothing
            n = len(self.slots("a"))
            self.start_daemon()
            self.wait_rows("SELECT * FROM energy WHERE meter = 'a'", n + 1)
            self.assertEqual(self.stop_daemon(), 0)
            self.assertEqual(self.sql(changed), [
                {"subject": "tallyd", "detail": "time zone was Asia/Tokyo, is now Europe/Paris (from tallyd.ini)"}])
            self.assertEqual(self.sql("SELECT value FROM setting WHERE name = 'timezone'"), [{"value": "Europe/Paris"}])

    def test_many_reloads_at_once_end_with_the_configuration_in_the_files(self):
        self.start_gateways()
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'b'", 1)
        for i in range(20):
            self.gateway("right", self.right, [("b", 2), ("c", 3)], f"response_timeout = {500 + i}ms\n")
            self.daemon.send_signal(signal.SIGHUP)
        self.wait_rows("SELECT * FROM energy WHERE meter = 'c'", 2)
        self.assertEqual(self.stop_daemon(), 0)
        self.assert_no_gap("a")

    # the end

    def silent_buses(self, n):
        """Listeners that accept connections and send nothing, and a pseudo-terminal without a reader."""
        listeners = []
        for i in range(n):
            s = socket.create_server(("127.0.0.1", 0))
            listeners.append(s)
            self.addCleanup(s.close)
            self.gateway(f"silent-{i}", s.getsockname()[1], [(f"s{i}-{k}", k) for k in range(1, 4)],
                         "response_timeout = 55s\nretries = 3\n")
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        self.write("etc/bus.d/silent-line.ini", f"[bus]\ntransport = rtu\ndevice = {os.ttyname(slave)}\n"
                   f"response_timeout = 55s\n{PERIODS}[meter s]\nmodel = countis-e44\naddress = 1\n")
        return listeners

    def test_many_silent_buses_end_together(self):
        self.start_gateways()
        listeners = self.silent_buses(20)
        self.start_daemon()
        for s in listeners:
            connection, _ = s.accept()
            self.addCleanup(connection.close)
            self.assertNotEqual(connection.recv(1), b"")
        self.wait_rows("SELECT * FROM energy WHERE meter = 'a'", 2)
        begin = time.monotonic()
        self.assertEqual(self.stop_daemon(), 0)
        took = time.monotonic() - begin
        print(f"ended with 21 silent buses in {took:.2f} s")
        # No reading is lost: the slot of the simulator's last answer is stored.
        last = max(ms for ms, meter, status, _ in self.trace() if meter == "a" and status == "ok") // 1000
        self.assertGreaterEqual(self.slots("a")[-1], last - 1)
        # A request that the end of the daemon interrupts does not count against its meter.
        self.assertEqual(self.sql("SELECT * FROM event WHERE kind = 'meter-down'"), [])
        self.assertNotIn("suspect", self.log())

    def test_the_daemon_ends_cleanly_during_a_reload(self):
        self.start_gateways()
        self.silent_buses(3)
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'a'", 1)
        for i in range(3):
            (self.etc / f"bus.d/silent-{i}.ini").unlink()
        self.daemon.send_signal(signal.SIGHUP)
        self.assertEqual(self.stop_daemon(), 0)

    # nothing listens

    def sockets_of(self, pid):
        inodes = set()
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(fd))
            except FileNotFoundError:
                continue
            if match:
                inodes.add(match.group(1))
        return inodes

    def test_nothing_listens(self):
        self.start_gateways()
        self.start_managed()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'a'", 1)
        self.wait_rows("SELECT * FROM energy WHERE meter = 'b'", 1)
        inodes = self.sockets_of(self.daemon.pid)
        self.assertGreaterEqual(len(inodes), 2, "the connections to the gateways")
        for table in ("tcp", "tcp6"):
            for line in pathlib.Path(f"/proc/{self.daemon.pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[9] in inodes:
                    self.assertNotEqual(fields[3], "0A", f"listens on {fields[1]}")
        for table, column in (("udp", 9), ("udp6", 9), ("raw", 9), ("unix", 6)):
            for line in pathlib.Path(f"/proc/{self.daemon.pid}/net/{table}").read_text().splitlines()[1:]:
                self.assertNotIn(line.split()[column], inodes, f"{table}: {line}")


if __name__ == "__main__":
    unittest.main()
