#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Foreign clients, pymodbus and mbpoll, read tally-sim over a pseudo-terminal and over TCP.

usage: test_sim.py TALLY_SIM DRIVERS
"""
import fcntl
import inspect
import os
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusException

SIM, DRIVERS = sys.argv[1:3]
PATIENCE_S = 60

SITE = """
[site]
drivers = {drivers}
seed = 11
hold = 1h
[bus hall]
transport = rtu
path = {dir}/hall
baud = {baud}
[bus gw]
transport = tcp
[bus serial-server]
transport = rtu-over-tcp
baud = 38400
[meter e43]
bus = hall
model = countis-e43
address = 5
base = 500 W
peak = 15 kW
pf = -0.9
active_energy_import = 123456.78 kWh
tariff = 2
lacks = 50944-51008
[meter d4]
bus = hall
model = conto-d4-s
address = 9
base = -5 kW
peak = -5 kW
pulses_1 = 1
[meter counts]
bus = hall
model = conto-d4cr8
address = 12
turnaround = 50ms
pulses_1 = 999999990
[meter e44]
bus = gw
model = countis-e44
address = 1
active_energy_import = 9999999990 Wh
[meter remote]
bus = serial-server
model = countis-e44
address = 3
"""


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError("timed out waiting for " + what)


def lines_of(path):
    with open(path) as f:
        return f.read().splitlines()


def u32(registers, at=0):
    return registers[at] << 16 | registers[at + 1]


def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def ask(call, address, unit, **what):
    """Call this method of a client of pymodbus. Each generation has another name for the unit, and the newer ones raise what
    the older ones return."""
    name = next(name for name in ("slave", "device_id") if name in inspect.signature(call).parameters)
    try:
        return call(address, **what, **{name: unit})
    except ModbusException as e:
        return e


class Site(unittest.TestCase):
    baud = 9600
    extra = ""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.dir = self.folder.name
        with open(self.dir + "/site.ini", "w") as f:
            f.write(SITE.format(drivers=DRIVERS, dir=self.dir, baud=self.baud) + self.extra)
        self.sim = subprocess.Popen(
            [SIM, "--trace", self.dir + "/trace", "--socket", self.dir + "/control", self.dir + "/site.ini"],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop)
        self.places = {}
        for line in self.sim.stdout:
            words = line.split()
            if words == ["ready"]:
                break
            self.places[words[1]] = words[2:]
        else:
            self.fail("no ready line")

    def stop(self):
        self.sim.terminate()
        code = self.sim.wait()
        self.sim.stdout.close()
        self.folder.cleanup()
        self.assertEqual(code, 0)

    def control(self, *words, good=True):
        done = subprocess.run([SIM, "--control", self.dir + "/control", *words], capture_output=True, text=True)
        self.assertEqual(done.returncode == 0, good, done.stderr)
        return done.stdout if good else done.stderr

    def truth(self, meter, *options):
        lines = self.control("truth", meter, *options).split()
        return {name: value for name, value in (line.split("=") for line in lines)}

    def stats(self, kind, name):
        for line in self.control("stats").splitlines():
            words = line.split()
            if words[:2] == [kind, name]:
                return {key: int(value) for key, value in (word.split("=") for word in words[2:])}
        self.fail("no stats of " + name)

    def serial(self, timeout=PATIENCE_S):
        client = ModbusSerialClient(self.dir + "/hall", baudrate=self.baud, timeout=timeout, retries=0)
        self.assertTrue(client.connect())
        self.addCleanup(client.close)
        return client

    def tcp(self, timeout=PATIENCE_S):
        client = ModbusTcpClient(self.places["gw"][1], port=int(self.places["gw"][2]), timeout=timeout, retries=0)
        self.assertTrue(client.connect())
        self.addCleanup(client.close)
        return client

    def connect(self, bus):
        s = socket.create_connection((self.places[bus][1], int(self.places[bus][2])), timeout=PATIENCE_S)
        self.addCleanup(s.close)
        return s


class Reading(Site):
    def test_rtu_answers_with_the_truth(self):
        client, truth = self.serial(), self.truth("e43")
        registers = ask(client.read_holding_registers, 50512, 5, count=62).registers
        self.assertEqual(len(registers), 62)
        self.assertEqual(u32(registers, 2) * 10, int(truth["voltage_l12"]))
        self.assertEqual(u32(registers, 14) * 10, int(truth["frequency"]))
        power = struct.unpack(">i", struct.pack(">HH", *registers[24:26]))[0]
        self.assertEqual(power * 10000, int(truth["active_power"]))
        factor = struct.unpack(">i", struct.pack(">HH", *registers[30:32]))[0]
        self.assertEqual(factor, int(truth["power_factor"]))
        self.assertLess(factor, 0)

    def test_several_meters_share_the_line(self):
        client = self.serial()
        for _ in range(3):
            self.assertEqual(u32(ask(client.read_holding_registers, 769, 12, count=16).registers), 999999990)
            self.assertEqual(ask(client.read_holding_registers, 0x0347, 9, count=1).registers, [1])
            self.assertEqual(u32(ask(client.read_holding_registers, 50770, 5, count=2).registers), 123456)
        self.assertEqual(self.stats("meter", "e43")["answers"], 3)

    def test_missing_registers_and_invalid_requests_are_refused(self):
        client = self.serial()
        self.assertEqual(ask(client.read_holding_registers, 50946, 5, count=2).exception_code, 2)
        self.assertEqual(ask(client.read_holding_registers, 50560, 5, count=20).exception_code, 2)
        self.assertEqual(ask(client.read_input_registers, 50770, 5, count=2).exception_code, 1)
        self.assertEqual(ask(client.write_register, 40481, 5, value=1).exception_code, 1)

    def test_tcp_answers_and_the_gateway_refuses_unknown_units(self):
        client = self.tcp()
        registers = ask(client.read_holding_registers, 50944, 1, count=65).registers
        self.assertEqual(u32(registers, 2), 999999999)
        self.assertEqual(ask(client.read_holding_registers, 50944, 77, count=65).exception_code, 11)
        self.assertEqual(self.stats("bus", "gw")["unknown"], 1)

    def test_mbpoll_reads_over_rtu_and_tcp(self):
        for words in (["-m", "rtu", "-b", "9600", "-P", "none", "-a", "5", self.dir + "/hall"],
                      ["-m", "tcp", "-p", self.places["gw"][2], "-a", "1", "127.0.0.1"]):
            done = subprocess.run(["mbpoll", "-0", "-1", "-o", "10", "-t", "4", "-r", "50000", "-c", "4", *words],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            letters = re.findall(r"\[5000\d\]:\s+(\d+)", done.stdout)
            self.assertEqual("".join(chr(int(x)) for x in letters), "SOCO")

    def test_rtu_over_tcp_carries_frames_with_a_crc(self):
        s = self.connect("serial-server")
        request = bytes([3, 3]) + struct.pack(">HH", 50000, 4)
        s.sendall(request + crc(request))
        answer = b""
        while len(answer) < 13:
            answer += s.recv(100)
        self.assertEqual(answer[:3], bytes([3, 3, 8]))
        self.assertEqual(answer[3:11], b"\0S\0O\0C\0O")
        self.assertEqual(answer[11:], crc(answer[:11]))

    def test_a_request_at_another_speed_gets_no_answer(self):
        client = ModbusSerialClient(self.dir + "/hall", baudrate=19200, timeout=1, retries=0)
        client.connect()
        self.addCleanup(client.close)
        self.assertTrue(ask(client.read_holding_registers, 50770, 5, count=2).isError())
        wait_for(lambda: self.stats("bus", "hall")["wrong_speed"] == 1, "a frame at the wrong speed")

    def test_an_answer_takes_its_time_on_the_wire(self):
        """The wire sets the lower bound. There is no upper bound, because the machine may be busy."""
        client = self.serial()
        start = time.monotonic()
        ask(client.read_holding_registers, 50512, 5, count=62)
        self.assertGreaterEqual(time.monotonic() - start, (8 + 129) * 10 / 9600 + 0.030)

    def test_the_trace_has_every_request_and_the_true_values(self):
        client = self.serial()
        ask(client.read_holding_registers, 50770, 5, count=2)
        ask(client.read_holding_registers, 50946, 5, count=2)
        lines = lines_of(self.dir + "/trace")
        self.assertRegex(lines[0], r"^\d{13} e43 3:50770\+2 ok active_energy_import=123456000$")
        self.assertRegex(lines[1], r"^\d{13} e43 3:50946\+2 exception-2$")


class Port(Site):
    GET_EXCLUSIVE = 0x80045440  # TIOCGEXCL

    def is_exclusive(self, fd):
        return fcntl.ioctl(fd, self.GET_EXCLUSIVE, struct.pack("i", 0)) != struct.pack("i", 0)

    def test_exclusive_use_ends_when_the_user_closes_the_port(self):
        watching = os.open(self.dir + "/hall", os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, watching)
        user = os.open(self.dir + "/hall", os.O_RDWR | os.O_NOCTTY)
        fcntl.ioctl(user, termios.TIOCEXCL)
        self.assertTrue(self.is_exclusive(watching))
        os.close(user)
        wait_for(lambda: not self.is_exclusive(watching), "the port to be free")


class Control(Site):
    def test_values_are_set_and_released(self):
        client = self.serial()
        self.control("set", "e43", "frequency", "49.87 Hz")
        self.assertEqual(u32(ask(client.read_holding_registers, 50526, 5, count=2).registers), 4987)
        self.control("set", "e43", "frequency", "na")
        self.assertEqual(u32(ask(client.read_holding_registers, 50526, 5, count=2).registers), 0xFFFFFFFF)
        self.assertEqual(self.truth("e43")["frequency"], "na")
        self.control("set", "e43", "frequency", "auto")
        self.assertIn(u32(ask(client.read_holding_registers, 50526, 5, count=2).registers), range(4997, 5004))

    def test_a_counter_wraps(self):
        client = self.tcp()
        self.control("set", "e44", "active_energy_import", "10000000030")
        self.assertEqual(u32(ask(client.read_holding_registers, 50946, 1, count=2).registers), 3)
        self.assertEqual(self.truth("e44")["active_energy_import"], "30")
        self.assertEqual(self.truth("e44", "exact")["active_energy_import"], "10000000030")

    def test_a_swapped_meter_has_another_serial_number_and_other_counters(self):
        before = self.truth("e44")
        self.control("swap", "e44", "4711")
        after = self.truth("e44")
        self.assertEqual(after["serial_number"], "4711".rjust(len(after["serial_number"]), "0"))
        self.assertNotEqual(before["active_energy_import"], after["active_energy_import"])

    def test_an_invalid_command_is_refused(self):
        self.assertIn("no such meter", self.control("truth", "e99", good=False))
        self.assertIn("no such quantity", self.control("set", "e43", "colour", "1", good=False))
        self.assertIn("no such fault on this transport", self.control("fault", "hall", "reset", "1%", good=False))
        self.assertIn("no such command", self.control("dance", good=False))
        self.assertIn("usage: truth", self.control("truth", good=False))


class Faults(Site):
    READ = (50770, 2)

    def read(self, client, meter):
        return ask(client.read_holding_registers, self.READ[0], meter, count=self.READ[1])

    def test_each_fault_prevents_a_good_answer_and_is_counted(self):
        fd = self.raw_port()
        request = bytes([5, 3]) + struct.pack(">HH", *self.READ)
        request += crc(request)
        good = bytes([5, 3, 4]) + struct.pack(">I", 123456)
        good += crc(good)
        for kind in ("silence", "short", "long", "bad-crc", "wrong-unit", "wrong-function", "dribble"):
            with self.subTest(kind=kind):
                self.control("fault", "e43", kind, "100%", "1", "50ms")
                os.write(fd, request)
                wait_for(lambda: self.stats("meter", "e43").get(kind) == 1, "the fault")
                got = self.read_until_silent({"silence": 0, "dribble": len(good)}.get(kind, 1))
                self.assertEqual(got == b"", kind == "silence")
                self.assertEqual(got == good, kind == "dribble")
        os.write(fd, request)
        self.assertEqual(self.read_until_silent(len(good)), good)

    def raw_port(self):
        fd = os.open(self.dir + "/hall", os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, fd)
        subprocess.run(["stty", "-F", self.dir + "/hall", str(self.baud), "raw", "-echo"], check=True)
        return fd

    def read_until_silent(self, at_least):
        """That many bytes, and all after them until the line has been silent for 0.4 s, longer than inside any answer."""
        got = b""
        with open(self.dir + "/hall", "rb", buffering=0) as port:
            while select.select([port], [], [], 0.4 if len(got) >= at_least else PATIENCE_S)[0]:
                got += port.read(500)
        return got

    def test_an_exception_has_the_chosen_code(self):
        client = self.tcp()
        for code in (4, 6, 10, 11):
            self.control("fault", "e44", "exception-%d" % code, "100%", "1")
            self.assertEqual(self.read(client, 1).exception_code, code)

    def test_a_wrong_transaction_comes_with_a_complete_answer(self):
        s = self.connect("gw")
        self.control("fault", "e44", "wrong-transaction", "100%", "1")
        s.sendall(bytes.fromhex("123400000006 01 03") + struct.pack(">HH", *self.READ))
        answer = s.recv(100)
        self.assertEqual(len(answer), 13)
        self.assertNotEqual(answer[:2], b"\x12\x34")

    def test_a_late_answer_arrives_after_that_of_the_next_request(self):
        s = self.connect("gw")
        self.control("fault", "e44", "late", "100%", "1", "300ms")
        s.sendall(bytes.fromhex("000100000006 01 03") + struct.pack(">HH", *self.READ))
        s.sendall(bytes.fromhex("000200000006 01 03") + struct.pack(">HH", *self.READ))
        answers = b""
        while len(answers) < 26:
            answers += s.recv(100)
        self.assertEqual((answers[1], answers[14]), (2, 1))

    def test_noise_and_echo_come_with_a_good_answer(self):
        fd = self.raw_port()
        request = bytes([5, 3]) + struct.pack(">HH", *self.READ)
        request += crc(request)
        for kind in ("noise-before", "noise-after", "echo", "echo-cut"):
            with self.subTest(kind=kind):
                self.control("fault", "e43", kind, "100%", "1")
                os.write(fd, request)
                got = b""
                while crc(got[-9:-2]) != got[-2:] and crc(got[:7]) != got[7:9] or len(got) < 10:
                    got += os.read(fd, 100)
                self.assertIn(bytes([5, 3, 4]), got)
                if kind == "echo":
                    self.assertEqual(got[:8], request)
                elif kind == "echo-cut":
                    self.assertEqual(got[:7], request[1:])
                self.read_until_silent(0)

    def test_an_answer_comes_twice(self):
        fd = self.raw_port()
        request = bytes([5, 3]) + struct.pack(">HH", *self.READ)
        request += crc(request)
        good = bytes([5, 3, 4]) + struct.pack(">I", 123456)
        good += crc(good)
        for delay in ("0ms", "50ms"):
            with self.subTest(delay=delay):
                self.control("fault", "e43", "twice", "100%", "1", delay)
                os.write(fd, request)
                self.assertEqual(self.read_until_silent(2 * len(good)), good + good)
                os.write(fd, request)
                self.assertEqual(self.read_until_silent(len(good)), good)

    def test_the_second_answer_has_the_transaction_of_the_first(self):
        s = self.connect("gw")
        self.control("fault", "e44", "twice", "100%", "1", "0ms")
        s.sendall(bytes.fromhex("123400000006 01 03") + struct.pack(">HH", *self.READ))
        answers = b""
        while len(answers) < 26:
            answers += s.recv(100)
        self.assertEqual(answers[:13], answers[13:])
        self.assertEqual(answers[:2], b"\x12\x34")

    def test_a_connection_is_closed_before_or_after_the_answer(self):
        requests = {"gw": bytes.fromhex("000100000006 01 03") + struct.pack(">HH", *self.READ),
                    "serial-server": bytes([3, 3]) + struct.pack(">HH", *self.READ)}
        requests["serial-server"] += crc(requests["serial-server"])
        for bus, meter in (("gw", "e44"), ("serial-server", "remote")):
            for kind, delay in (("close", "0ms"), ("close-after-answer", "0ms"), ("close-after-answer", "20ms")):
                with self.subTest(bus=bus, kind=kind, delay=delay):
                    s = self.connect(bus)
                    self.control("fault", meter, kind, "100%", "1", delay)
                    s.sendall(requests[bus])
                    got = b""
                    while more := s.recv(100):
                        got += more
                    self.assertEqual(len(got), {"close": 0}.get(kind, 13 if bus == "gw" else 9))

    def test_a_meter_has_a_trouble_until_it_is_taken_away(self):
        client = self.tcp()
        fine, coarse, serial = (50946, 2), (50770, 2), (50008, 4)
        read = lambda at: ask(client.read_holding_registers, at[0], 1, count=at[1])
        good = [read(at).registers for at in (fine, coarse, serial)]
        self.control("fault", "e44", "refuse-3", "100%", "1", "1h", "50770-50771")
        self.assertEqual(read(coarse).exception_code, 3)
        self.assertEqual(read(fine).registers, good[0])
        self.control("fault", "e44", "refuse-3", "0%")
        self.assertEqual(read(coarse).registers, good[1])
        self.control("fault", "e44", "coarse-only", "100%", "1", "1h")
        self.assertEqual(read(fine).exception_code, 2)
        self.assertEqual(read(coarse).registers, good[1])
        self.control("fault", "e44", "coarse-only", "0%")
        self.control("fault", "e44", "serial-of-zeros", "100%", "1", "1h")
        self.assertEqual(read(serial).registers, [0, 0, 0, 0])
        self.control("fault", "e44", "serial-of-zeros", "0%")
        self.control("set", "e44", "active_energy_import", "50 kWh")
        self.control("fault", "e44", "stale-register", "100%", "1", "1h")
        self.assertEqual([read(fine).registers, read(coarse).registers], good[:2])
        self.control("fault", "e44", "stale-register", "0%")
        self.control("fault", "e44", "zeros-after-restart", "100%", "1", "1h")
        self.assertEqual(u32(read(fine).registers), 0)
        self.control("fault", "e44", "zeros-after-restart", "0%")
        self.assertEqual(u32(read(fine).registers), 5000)
        self.assertEqual(read(serial).registers, good[2])
        self.assertGreaterEqual(self.stats("meter", "e44")["coarse-only"], 1)

    def test_a_trouble_ends_with_its_time(self):
        client = self.tcp()
        self.control("fault", "e44", "refuse-2", "100%", "1", "300ms")
        self.assertEqual(self.read(client, 1).exception_code, 2)
        wait_for(lambda: not self.read(client, 1).isError(), "the register")

    def test_a_reset_closes_the_connection(self):
        for bus, meter in (("gw", "e44"), ("serial-server", "remote")):
            with self.subTest(bus=bus):
                s = self.connect(bus)
                self.control("fault", meter, "reset", "100%", "1")
                request = bytes([3, 3]) + struct.pack(">HH", *self.READ)
                s.sendall(bytes.fromhex("000100000006 01 03") + request[2:] if bus == "gw" else request + crc(request))
                with self.assertRaises(ConnectionResetError):
                    s.recv(100)

    def listens(self, port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    def test_a_rebooted_gateway_returns_at_the_same_port(self):
        self.assertFalse(self.read(self.tcp(), 1).isError())
        self.control("reboot", "gw", "1min")
        port = int(self.places["gw"][2])
        self.assertFalse(self.listens(port))
        self.control("reboot", "gw", "0")
        wait_for(lambda: self.listens(port), "the gateway")
        self.assertFalse(self.read(self.tcp(), 1).isError())

    def test_a_mute_bus_accepts_connections_and_sends_nothing(self):
        self.control("mute", "gw", "1min")
        self.assertTrue(self.read(self.tcp(timeout=1), 1).isError())
        self.control("mute", "gw", "0")
        self.assertFalse(self.read(self.tcp(), 1).isError())

    def test_an_unplugged_adapter_returns_at_the_same_path(self):
        client = self.serial(timeout=1)
        self.assertFalse(self.read(client, 5).isError())
        self.control("unplug", "hall", "1min")
        self.assertFalse(os.path.lexists(self.dir + "/hall"))
        self.control("unplug", "hall", "0")
        wait_for(lambda: os.path.exists(self.dir + "/hall"), "the adapter")
        self.assertFalse(self.read(self.serial(), 5).isError())

    def test_connections_beyond_the_limit_are_closed(self):
        kept = [self.connect("gw") for _ in range(8)]
        s = self.connect("gw")
        self.assertEqual(s.recv(10), b"")
        self.assertEqual(self.stats("bus", "gw")["refused"], 1)
        self.assertEqual(len(kept), 8)


class Program(unittest.TestCase):
    def run_sim(self, *words):
        return subprocess.run([SIM, *words], capture_output=True, text=True)

    def test_the_exit_code_is_2_for_wrong_usage_and_1_for_errors(self):
        self.assertEqual(self.run_sim().returncode, 2)
        self.assertEqual(self.run_sim("--no-such-option").returncode, 2)
        self.assertEqual(self.run_sim("--version").returncode, 0)
        self.assertEqual(self.run_sim("/nonexistent.ini").returncode, 1)
        self.assertEqual(self.run_sim("--control", "/nonexistent", "stats").returncode, 1)

    def test_a_file_at_the_path_of_a_bus_is_not_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/hall", "w") as f:
                f.write("mine")
            with open(folder + "/site.ini", "w") as f:
                f.write("[site]\ndrivers = %s\n[bus hall]\ntransport = rtu\npath = %s/hall\n" % (DRIVERS, folder))
            done = self.run_sim(folder + "/site.ini")
            self.assertEqual(done.returncode, 1)
            self.assertIn("site.ini:3: bus hall: ", done.stderr)
            self.assertEqual(lines_of(folder + "/hall")[0], "mine")

    def test_the_program_removes_its_link_when_it_ends(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/site.ini", "w") as f:
                f.write("[site]\ndrivers = %s\n[bus hall]\ntransport = rtu\npath = %s/hall\n" % (DRIVERS, folder))
            sim = subprocess.Popen([SIM, folder + "/site.ini"], stdout=subprocess.PIPE, text=True)
            self.assertEqual(sim.stdout.readline(), "bus hall rtu %s/hall\n" % folder)
            self.assertTrue(os.path.islink(folder + "/hall"))
            sim.terminate()
            self.assertEqual(sim.wait(), 0)
            sim.stdout.close()
            self.assertFalse(os.path.lexists(folder + "/hall"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
