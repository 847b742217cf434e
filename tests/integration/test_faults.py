# SPDX-License-Identifier: MIT
"""Every fault on every transport: no wrong value, the right counter, the right state, recovery without a restart.

The site has some lines of each transport, since one line would spend minutes waiting for all meters that do not answer. Each
fault has a meter on one of them, and each line two healthy meters."""

import unittest

from simsite import Site, free_port, wait_for
from truth import Truth

TRANSPORTS = ("rtu", "tcp", "rtu-over-tcp")
N_LINES = 6  # of each transport
EXCEPTIONS = tuple(f"exception-{code}" for code in (1, 2, 3, 4, 6, 10, 11))
# Where frames do not name their request, the late answer of another meter can arrive in place of a missing answer.
LATE = "|answer of another unit"
# The reason that the log gives for a meter that always has this fault; "" = it is still read, "|" = it may be read.
REASONS = {
    "silence": "timeout" + LATE,
    "late": "timeout" + LATE,
    "short": "timeout|bad CRC|answer of the wrong length" + LATE,
    "long": "answer of the wrong length",
    "bad-crc": "bad CRC|timeout|answer of another unit|answer with another function|answer of the wrong length",
    "wrong-unit": "answer of another unit",
    "wrong-function": "answer with another function",
    "noise-before": "|",
    "noise-after": "|",
    "twice": "",
    "echo": "",
    "dribble": "",
    **{kind: kind.replace("-", " ") for kind in EXCEPTIONS},
}
ON_TCP = {
    "bad-crc": "exception 11",  # from the gateway
    "wrong-transaction": "answer to another transaction|timeout",
    "noise-after": "",
}
ON_RTU_FRAMES = {"echo-cut": ""}
ON_SOCKETS = {"reset": "line closed", "close": "line closed", "close-after-answer": ""}
# Faults of the whole line.
OF_LINES = {"rtu": ("mute", "unplug"), "tcp": ("mute", "reboot"), "rtu-over-tcp": ("mute", "reboot")}
# What a meter does rather than its line: test_reread.py, and the tests that are named after the kinds.
TESTED_ELSEWHERE = ("wild", "serial-of-zeros", "coarse-only", "stale-register",
                    "zeros-after-restart")
COUNTED_AS = {"long": "answer of the wrong length", "wrong-unit": "answer of another unit",
              "wrong-function": "answer with another function", "wrong-transaction": "answer to another transaction",
              "reset": "line closed", "close": "line closed", "echo": "echo of the request",
              "echo-cut": "echo of the request"}
DELAYS = {"late": "600ms", "dribble": "1ms"}


def reasons(transport):
    return {**REASONS, **(ON_TCP if transport == "tcp" else ON_RTU_FRAMES), **(ON_SOCKETS if transport != "rtu" else {})}


class TestFaults(Site):
    def setUp(self):
        super().setUp()
        self.lines = {}  # line -> transport
        self.faulty = {}  # meter -> (transport, fault)
        self.healthy = []
        site = "speed = 60\n"
        for transport in TRANSPORTS:
            for i in range(N_LINES):
                site += self.add_line(transport, i)
        self.write("site.ini", site)
        self.site = site

    def add_line(self, transport, i):
        """Write the bus file of a line with every N_LINES-th fault of its transport. Returns its part of the site file."""
        line = transport.replace("rtu-over-tcp", "rot") + f"-{i + 1}"
        self.lines[line] = transport
        port = free_port()
        where = f"path = {self.dir}/tty-{line}" if transport == "rtu" else f"port = {port}"
        device = (f"device = {self.dir}/tty-{line}\nbaud = 38400" if transport == "rtu" else
                  f"host = 127.0.0.1\nport = {port}" + ("\nbaud = 38400" if transport != "tcp" else ""))
        site = f"[bus {line}]\ntransport = {transport}\n{where}\npace = no\n"
        bus = (f"[bus]\ntransport = {transport}\n{device}\nenergy_every = 2s\npower_every = 2s\n"
               "response_timeout = 300ms\n")
        kinds = list(reasons(transport))[i::N_LINES]
        for address, kind in enumerate(kinds + ["healthy-1", "healthy-2"], 1):
            name = f"{line}-{kind}"
            meter = f"[meter {name}]\nmodel = countis-e43\naddress = {address}\n"
            site += f"{meter}bus = {line}\nbase = 15 kW\npeak = 30 kW\nturnaround = 1ms\n"
            bus += meter
            if kind in kinds:
                self.faulty[name] = (transport, kind)
            else:
                self.healthy.append(name)
        self.write(f"etc/bus.d/{line}.ini", bus)
        return site

    def states(self):
        return {row["meter"]: row["state"] for row in self.sql("SELECT meter, state FROM meter_status")}

    def wait_all_up(self):
        def all_up():
            states = self.states()
            return len(states) == len(self.faulty) + len(self.healthy) and set(states.values()) == {"up"}
        wait_for(all_up, "all meters up", 150)

    def set_faults(self, rate):
        for name, (_, kind) in self.faulty.items():
            delay = (DELAYS[kind],) if kind in DELAYS and rate != "0%" else ()
            self.control("fault", name, kind, rate, *delay)

    def assert_settled(self):
        """Assert that the fault of each meter has made it down or left it up, and that the log has the reason."""
        def not_down():
            states = self.states()
            return [name for name, (transport, kind) in self.faulty.items()
                    if reasons(transport)[kind] not in ("", "|") and states.get(name) != "down"]
        try:
            wait_for(lambda: not not_down(), "the faulty meters to go down", 150)
        except AssertionError as e:
            self.fail(f"{e}: {not_down()}")
        for name, (transport, kind) in self.faulty.items():
            reason = reasons(transport)[kind]
            if reason not in ("", "|"):
                self.assertRegex(self.log(), f"meter {name}: down: ({reason})")
            if not reason:
                wait_for(lambda n=name: self.states()[n] == "up", f"{name} up")
                self.assertNotIn(f"meter {name}: down", self.log())

    def assert_counted(self):
        faults = {row["meter"]: row["faults"] for row in self.sql("SELECT * FROM meter_faults")}
        for row in self.sql("SELECT * FROM meter_status"):
            transport, kind = self.faulty.get(row["meter"], (None, "healthy"))
            if kind in ("silence", "late"):
                self.assertGreater(row["timeouts"], 0, row)
            elif kind.startswith("exception") or (kind, transport) == ("bad-crc", "tcp"):
                self.assertGreater(row["exceptions"], 0, row)
            elif kind == "bad-crc":
                self.assertGreater(row["crc_errors"], 0, row)
            elif kind in COUNTED_AS:
                self.assertRegex(faults[row["meter"]], rf"[1-9][0-9]* {COUNTED_AS[kind]}", row)
            elif kind == "healthy":
                self.assertEqual(row["exceptions"], 0, row)

    def rows_since(self, name, ts):
        return self.sql("SELECT * FROM energy WHERE meter = ? AND ts > ?", name, ts)

    def assert_all_are_read(self):
        """Wait for two further slots of each meter."""
        last = self.sql("SELECT max(ts) AS ts FROM energy")[0]["ts"]
        for name in list(self.faulty) + self.healthy:
            wait_for(lambda n=name: len(self.rows_since(n, last)) >= 2, f"new rows of {name}", 150)

    def interrupt_lines(self, commands):
        """Keep each line in the fault of its transport until it is reported down. Returns the bus-down events."""
        for line, transport in self.lines.items():
            self.control(commands[transport], line, "1h")
        events = [self.wait_rows("SELECT * FROM event WHERE subject = ? AND kind = 'bus-down'", 1, line)[0]
                  for line in self.lines]
        for line, transport in self.lines.items():
            self.control(commands[transport], line, "0")
        for line in self.lines:
            self.wait_rows("SELECT * FROM event WHERE subject = ? AND kind = 'bus-up'", 1, line)
        self.assertEqual(self.sql("SELECT * FROM event WHERE kind = 'meter-down'"), [])
        return events

    def assert_all_true(self):
        n_values, n_rows, wrong = Truth(self.dir / "trace").check(self.db_path)
        self.assertEqual(wrong, [])
        self.assertGreater(n_rows, 500)
        self.assertGreater(n_values, 5 * n_rows)

    def test_every_fault_that_a_transport_can_have_is_tested(self):
        self.start_sim(self.site)
        for transport in TRANSPORTS:
            meter = next(line for line in self.lines if self.lines[line] == transport) + "-healthy-1"
            names = self.command_sim("fault", meter, "?", "0%").rpartition(": ")[2].strip().split(", ")
            kinds = {name for name in names if not name.startswith("exception-")}
            fit = {kind for kind in kinds if self.command_sim("fault", meter, kind, "0%").startswith("ok")}
            tested = {*reasons(transport), *OF_LINES[transport], *TESTED_ELSEWHERE} - set(EXCEPTIONS)
            self.assertEqual(fit, tested, transport)

    def test_every_fault_on_every_transport(self):
        self.start_sim(self.site)
        self.start_daemon()
        self.wait_all_up()
        self.set_faults("100%")
        self.assert_settled()
        self.assert_counted()
        down = {row["subject"] for row in self.sql("SELECT subject FROM event WHERE kind = 'meter-down'")}
        self.assertEqual(down & set(self.healthy), set())
        first = self.sql("SELECT max(ts) AS ts FROM energy")[0]["ts"]
        for name in self.healthy:
            wait_for(lambda n=name: len(self.rows_since(n, first)) >= 3, f"new rows of {name}")
        self.set_faults("0%")
        self.wait_all_up()
        self.assert_all_are_read()
        self.assertEqual(self.stop_daemon(), 0)
        self.assert_all_true()
        self.assertEqual(self.sql("SELECT * FROM event WHERE kind LIKE 'bus-%'"), [])

    def test_a_line_that_disappears_is_down_but_its_meters_are_not(self):
        self.start_sim(self.site)
        self.start_daemon()
        self.wait_all_up()
        self.interrupt_lines({"rtu": "unplug", "tcp": "reboot", "rtu-over-tcp": "reboot"})
        self.assert_all_are_read()
        self.assertEqual(self.stop_daemon(), 0)
        self.assert_all_true()

    def test_a_line_that_becomes_silent_is_down_but_its_meters_are_not(self):
        self.start_sim(self.site)
        self.start_daemon()
        self.wait_all_up()
        for event in self.interrupt_lines(dict.fromkeys(TRANSPORTS, "mute")):
            self.assertRegex(event["detail"], r"none of \d+ meters answers")
        self.assert_all_are_read()
        self.assertEqual(self.stop_daemon(), 0)
        self.assert_all_true()


if __name__ == "__main__":
    unittest.main()
