# SPDX-License-Identifier: MIT
"""tally scan: the meters that answer on a line, and their identity."""

import unittest

from simsite import BUILD, Site, free_port
from terminal import Terminal


class TestScan(Site):
    def configure(self):
        self.port = free_port()
        self.write("etc/bus.d/line.ini", f"""
[bus]
transport = rtu
device = {self.dir}/tty
baud = 19200
[meter compressor]
model = countis-e43
address = 5
[meter pump]
model = countis-e23
address = 9
""")
        self.write("etc/bus.d/gateway.ini", f"""
[bus]
transport = tcp
host = 127.0.0.1
port = {self.port}
response_timeout = 300ms
[meter main]
model = countis-e43
address = 7
""")

        self.units_port = free_port()
        self.write("etc/bus.d/units.ini", f"[bus]\ntransport = tcp\nhost = 127.0.0.1\nport = {self.units_port}\n")
        self.busy_port = free_port()
        self.write("etc/bus.d/busy.ini", f"[bus]\ntransport = tcp\nhost = 127.0.0.1\nport = {self.busy_port}\n")

    def setUp(self):
        super().setUp()
        self.configure()
        self.start_sim(f"""
[bus line]
transport = rtu
path = {self.dir}/tty
baud = 19200
[bus gateway]
transport = tcp
port = {self.port}
[meter e43]
bus = line
model = countis-e43
address = 5
[meter e23]
bus = line
model = countis-e23
address = 17
[meter conto]
bus = line
model = conto-d4-s
address = 6
[meter pulses]
bus = line
model = conto-d4cr8
address = 12
turnaround = 20ms
[bus busy]
transport = tcp
port = {self.busy_port}
baud = 19200
gateway_timeout = 550ms
[meter far]
bus = busy
model = countis-e44
address = 7
[meter farther]
bus = busy
model = countis-e43
address = 9
[meter e44]
bus = gateway
model = countis-e44
address = 7
[bus units]
transport = tcp
port = {self.units_port}
[meter a10]
bus = units
model = diris-a10
address = 5
[meter a10-too]
bus = units
model = diris-a10
address = 6
product_name = Diris A10
[meter a14]
bus = units
model = diris-a14
address = 7
[meter a30]
bus = units
model = diris-a30
address = 8
product_name = DIRIS A-30
[meter a20]
bus = units
model = diris-a20
address = 9
[meter b30]
bus = units
model = diris-b30
address = 10
""")

    def test_the_scan_names_known_meters_models_and_serial_numbers(self):
        ran = self.tally("scan", "line", "--to", "18", "--timeout", "300ms")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        out = ran.stdout
        self.assertIn("addresses 1 to 18\n18 reads of at most 300 ms each: at most 5.", out)
        self.assertRegex(out, r"\n  5  Countis E43, serial [0-9A-F]{20}, firmware \d+\n     meter compressor, countis-e43\n")
        self.assertRegex(out, r"\n 17  Countis E23, serial .*\n     not in the configuration: model = countis-e23\n")
        for silent_about_itself in (6, 12):
            self.assertIn(f"\n{silent_about_itself:3}  does not identify itself (exception 2", out)
        self.assertIn("\n  9  no answer: meter pump, countis-e23\n", out)
        self.assertIn("\n4 answered\n", out)
        self.assertEqual(ran.stderr, "")

    def test_sections_are_written_for_the_file_of_the_bus(self):
        ran = self.tally("scan", "line", "--from", "5", "--to", "18", "--timeout", "500ms", "--sections")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(ran.stdout, r"^\n\[meter line-6\]\nmodel   = ; see its plate\naddress = 6\n"
                                     r"\n\[meter line-12\]\nmodel   = ; see its plate\naddress = 12\n"
                                     r"\n\[meter line-17\]\nmodel   = countis-e23\naddress = 17\n; serial [0-9A-F]{20}\n$")
        self.assertIn("\n4 answered\n2 without identification; see the type plate for one of conto-72-pt ", ran.stderr)
        self.assertIn("tally probe line 6 MODEL\n", ran.stderr)
        with open(self.etc / "bus.d/line.ini", "a") as f:
            f.write(ran.stdout.replace("; see its plate", "conto-d4-s\nct      = 1/1"))
        self.assertEqual(self.tally("check").returncode, 0)

    def test_an_echo_is_named(self):
        for kind in ("echo", "echo-cut"):
            self.control("fault", "e23", kind, "100%", "1")
            ran = self.tally("scan", "line", "--from", "17", "--to", "17", "--timeout", "400ms")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertIn("\n1 answered\n", ran.stdout)
            self.assertIn("the line returns each request as an echo", ran.stderr)

    def test_a_silent_address_is_asked_once(self):
        self.tally("scan", "line", "--from", "20", "--to", "22", "--timeout", "100ms")
        self.assertEqual(self.trace(), [])

    def test_a_model_that_is_not_the_configured_one_is_reported(self):
        ran = self.tally("scan", "gateway", "--from", "7", "--to", "8")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("meter main, but it is a countis-e44, not a countis-e43\n", ran.stdout)

    def test_measuring_units_are_named_as_far_as_their_tables_say(self):
        ran = self.tally("scan", "units", "--from", "5", "--to", "10")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        for address, name, models in ((5, "DIRIS A-10", "diris-a10"), (6, "Diris A10", "diris-a10"), (7, "Diris A14", "diris-a14"),
                                      (8, "DIRIS A-30", "diris-a30 or diris-a40"), (10, "Diris B30", "diris-b30")):
            self.assertRegex(ran.stdout, rf"\n{address:3}  {name}, serial .*\n     not in the configuration: model = {models}\n")
        self.assertIn("\n  9  does not identify itself (exception 2", ran.stdout)
        self.assertRegex(ran.stdout, r"\n1 without identification; see the type plate for one of .*\bdiris-a20\b.*\bnemo-d4-le\b")

    def test_the_section_of_a_device_with_several_loads_says_so(self):
        ran = self.tally("scan", "units", "--from", "10", "--to", "10", "--sections")
        self.assertRegex(ran.stdout, r"^\n\[meter units-10\]\nmodel   = diris-b30\naddress = 10\nload    = 1\n"
                                     r"; a section for each load that is used, 1 to 4\n; serial [0-9A-F]{20}\n$")
        with open(self.etc / "bus.d/units.ini", "a") as f:
            f.write(ran.stdout + ran.stdout.replace("units-10", "ovens").replace("load    = 1\n", "load    = 2\n"))
        self.assertEqual(self.tally("check").returncode, 0)
        ran = self.tally("scan", "units", "--from", "10", "--to", "10")
        self.assertIn("\n     meter units-10, diris-b30\n     meter ovens, diris-b30\n", ran.stdout)

    def test_a_device_that_fits_several_other_models_is_reported(self):
        with open(self.etc / "bus.d/units.ini", "a") as f:
            f.write("[meter hall]\nmodel = diris-a10\naddress = 8\n")
        ran = self.tally("scan", "units", "--from", "8", "--to", "8")
        self.assertIn("\n     meter hall, but it is a diris-a30 or diris-a40, not a diris-a10\n", ran.stdout)

    def test_a_line_without_an_answer_is_reported(self):
        ran = self.tally("scan", "line", "--from", "100", "--to", "101", "--timeout", "100ms")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("\n0 answered\n", ran.stdout)
        self.assertEqual(ran.stderr, f"""nothing answered. Check, in this order:
- that the meters have power
- that {self.dir}/tty is the port with the meters (ls -l /dev/serial/by-id lists adapters)
- that A and B are not swapped, and that there are terminations at both ends only
- speed and parity: tally scan line --bauds all --parities all
""")
        ran = self.tally("scan", "gateway", "--from", "100", "--to", "101")
        self.assertEqual((ran.returncode, ran.stdout.splitlines()[-1]), (1, "0 answered"))
        self.assertIn(f"- that port {self.port} of the gateway leads to this line, and that transport = tcp is what it speaks "
                      "there\n", ran.stderr)

    def test_a_garbled_answer_of_a_known_meter_is_one_line(self):
        self.control("fault", "e43", "bad-crc", "100%")
        ran = self.tally("scan", "line", "--from", "5", "--to", "6", "--timeout", "300ms")
        self.assertEqual([line for line in ran.stdout.splitlines() if line.startswith("  5")],
                         ["  5  garbled answer (bad CRC): wrong speed or parity, or two meters with this address; meter compressor"])
        self.assertIn("1 answered, 1 garbled\n", ran.stdout)

    def test_an_identity_without_an_answer_is_asked_again(self):
        self.control("fault", "e23", "exception-6", "100%", "1")
        self.control("fault", "e23", "silence", "100%", "1")
        ran = self.tally("scan", "line", "--from", "17", "--to", "17", "--timeout", "400ms")
        self.assertRegex(ran.stdout, r"\n 17  Countis E23, serial ")

    def test_a_gateway_that_is_busy_with_silent_addresses_is_waited_for(self):
        ran = self.tally("scan", "busy", "--from", "3", "--to", "9", "--timeout", "300ms")
        self.assertIn("7 reads of at most 600 ms each", ran.stdout)
        self.assertRegex(ran.stdout, r"\n  7  Countis E44, serial ")
        self.assertRegex(ran.stdout, r"\n  9  Countis E43, serial ")

    def test_a_sweep_finds_the_speed(self):
        path = self.etc / "bus.d/line.ini"
        path.write_text(path.read_text().replace("19200", "9600"))
        ran = self.tally("scan", "line", "--from", "5", "--to", "5", "--bauds", "all", "--timeout", "400ms")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        lines = ran.stdout.splitlines()
        found = next(i for i, line in enumerate(lines) if "Countis E43" in line)
        self.assertEqual(lines[found - 1], "19200 baud, parity none")
        self.assertIn("38400 baud, parity none", lines[found:])

    def test_a_port_in_use_is_refused(self):
        self.start_daemon()
        self.wait_rows("SELECT * FROM meter_status WHERE state = 'up'", 1)
        ran = self.tally("scan", "line")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("in use by ", ran.stderr)
        self.assertIn("; stop it first: systemctl stop tallyd\n", ran.stderr)
        ran = self.tally("probe", "compressor")
        self.assertEqual(ran.returncode, 1)
        self.assertRegex(ran.stderr, r"in use by tallyd \(pid \d+\); stop it first: systemctl stop tallyd\n")

    def test_wrong_usage_is_reported(self):
        for arguments, message in (
                (("scan",), "expected one BUS"),
                (("scan", "line", "gateway"), "expected one BUS"),
                (("scan", "line", "--form", "3"), 'unknown option "--form"; did you mean "--from"?'),
                (("scan", "line", "--from"), "--from needs a value"),
                (("scan", "line", "--from", "0"), "--from 0 is not valid; use 1 to 255"),
                (("scan", "line", "--from", "9", "--to", "5"), "--from 9 is above --to 5"),
                (("scan", "line", "--bauds", "9600,fast"), "--bauds fast is not valid; use 1200 to 460800"),
                (("scan", "line", "--parities", "mark"), "--parities mark is not valid; use none, even, odd"),
                (("scan", "line", "--timeout", "5"), "--timeout 5 is not valid; use 10ms to 60s"),
                (("scan", "gateway", "--bauds", "all"), "behind a gateway"),
                (("scna", "line"), 'unknown command "scna"; did you mean "scan"?')):
            self.assert_tally_fails(arguments, 2, message)
        ran = self.tally("scan", "lime")
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn('no bus "lime" in ', ran.stderr)
        self.assertIn('; did you mean "line"?', ran.stderr)

    def test_an_interrupted_scan_prints_the_found_meters(self):
        t = Terminal([BUILD / "tally", "-c", self.etc, "scan", "line", "--from", "5", "--timeout", "400ms"], columns=40)
        t.read_until(lambda shown: "address 20, 4 found" in shown)
        t.press(b"\x03")
        shown, code = t.end()
        self.assertEqual(code, 0, shown)
        self.assertRegex(shown, r"stopped at address \d+\n")
        self.assertIn("no answer: meter pump", shown)
        progress = [part for part in shown.split("\r\x1b[K") if part.startswith("address ")]
        self.assertGreater(len(progress), 10)
        self.assertLess(max(map(len, progress)), 40, "the progress line must not wrap")


if __name__ == "__main__":
    unittest.main()
