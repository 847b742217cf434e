# SPDX-License-Identifier: MIT
"""Foreign slaves and a foreign master: pymodbus with a register image written by hand from the vendor's table."""

import subprocess
import unittest

from simsite import SOURCE, Site, free_port, wait_for

HERE = SOURCE / "tests/integration"

ENERGY = {"active_import_kwh": 9999999.98, "active_export_kwh": 0.1, "reactive_import_kvarh": 12345.67,
          "reactive_export_kvarh": None, "apparent_kvah": None}
POWER = {"active_power_w": -123450, "reactive_power_var": 45670, "apparent_power_va": 131620, "power_factor": -0.938,
         "frequency_hz": 50.02, "voltage_l1_v": 231.01, "voltage_l2_v": 230.55, "voltage_l3_v": 230.99,
         "voltage_l12_v": 400.12, "voltage_l23_v": 399.87, "voltage_l31_v": 401.05, "current_l1_a": 100.5,
         "current_l2_a": 99.001, "current_l3_a": 70000.123, "current_n_a": None, "active_power_l1_w": -41150,
         "active_power_l2_w": -41160, "active_power_l3_w": -41140}
TARIFFS = [(1, 1000000.0, 0), (2, 2000000.0, 0), (3, 2999999.99, 1), (4, 3999999.99, 0)]


class TestForeignSlave(Site):
    def start_slave(self, *place):
        return self.start("/usr/bin/python3", HERE / "foreign_slave.py", HERE / "countis-e44.image", 5, *place,
                          log="slave.log")

    def start_pty_pair(self):
        self.start("socat", f"pty,raw,echo=0,link={self.dir}/tty", f"pty,raw,echo=0,link={self.dir}/tty-slave",
                   log="socat.log")
        wait_for(lambda: (self.dir / "tty").exists() and (self.dir / "tty-slave").exists(), "socat's ptys")

    def configure(self, bus):
        self.write("etc/bus.d/line.ini", f"[bus]\n{bus}\nenergy_every = 2s\npower_every = 2s\n"
                                         "[meter e44]\nmodel = countis-e44\naddress = 5\n")

    def wait_values(self, view, expected):
        """Wait for a row with all the values, and assert that no row has another. A slave that is held up answers some
        requests too late: their values are missing."""
        def whole():
            rows = [{column: row[column] for column in expected} for row in self.sql(f"SELECT * FROM {view}")]
            for row in rows:
                self.assertEqual({**row, **{c: v for c, v in expected.items() if row[c] is None}}, expected)
            return expected in rows
        wait_for(whole, f"a whole row of {view}")

    def check_rows(self):
        self.wait_values("energy", ENERGY)
        self.wait_values("power", POWER)
        tariffs = self.wait_rows("SELECT * FROM tariff_energy ORDER BY ts, tariff", 4)[:4]
        self.assertEqual([(t["tariff"], t["active_import_kwh"], t["in_force"]) for t in tariffs], TARIFFS)
        self.wait_rows("SELECT * FROM energy WHERE quality = 'good'", 1)
        status = self.wait_rows("SELECT * FROM meter_status WHERE state = 'up'", 1)[0]
        self.assertEqual(status["serial"], "16123A40024100000000")
        self.assertEqual(self.stop_daemon(), 0)

    def test_an_rtu_slave_on_a_pty_pair_is_read(self):
        self.start_pty_pair()
        self.start_slave("rtu", self.dir / "tty-slave", 38400)
        self.configure(f"transport = rtu\ndevice = {self.dir}/tty\nbaud = 38400")
        self.start_daemon()
        self.check_rows()

    def test_a_tcp_slave_is_read(self):
        port = free_port()
        self.start_slave("tcp", port)
        self.configure(f"transport = tcp\nhost = localhost\nport = {port}")
        self.start_daemon()
        self.check_rows()

    def test_probe_prints_the_words_and_their_values(self):
        port = free_port()
        self.start_slave("tcp", port)
        self.configure(f"transport = tcp\nhost = 127.0.0.1\nport = {port}")
        probe = wait_for(lambda: (r := self.tally("probe", "e44")).returncode == 0 and r, "an answer to tally probe")
        for expected in (r"active_power +50536 0xC568 +FFFF CFC7 +-123450.000 W +vendor table",
                         r"active_energy_import +50946 0xC702 +3B9A C9FE +9999999.980 kWh +vendor table",
                         r"current_n +50534 0xC566 +FFFF FFFF +not available",
                         r"counter_max +36864 0x9000 +3B9A C9FF +9999999.990 kWh +vendor table",
                         r"active_energy_import_rollovers +36866 0x9002 +0003 +3 +vendor table",
                         r"active_energy_import_t3_rollovers +36873 0x9009 +0002 +2 +vendor table",
                         r"active_energy_import_t4_rollovers +36874 0x900A +00FF +not available",
                         r"product_name +50058 0xC38A .*Countis E44 "):
            self.assertRegex(probe.stdout, expected)
        by_address = self.tally("probe", "line", "5", "countis-e44")
        self.assertEqual(by_address.returncode, 0, by_address.stderr)

    def test_probe_refuses_a_port_in_use_and_names_its_user(self):
        self.start_pty_pair()
        self.start_slave("rtu", self.dir / "tty-slave", 38400)
        self.configure(f"transport = rtu\ndevice = {self.dir}/tty\nbaud = 38400")
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy", 1)
        probe = self.tally("probe", "e44")
        self.assertEqual(probe.returncode, 1)
        self.assertRegex(probe.stderr, r"bus line: port \S+ is in use by \w+ \(pid \d+\)")

    def test_probe_fails_when_the_meter_does_not_answer(self):
        port = free_port()
        self.start_slave("tcp", port)
        self.configure(f"transport = tcp\nhost = 127.0.0.1\nport = {port}\nresponse_timeout = 200ms\nretries = 0")
        wait_for(lambda: self.tally("probe", "e44").returncode == 0, "the slave")
        probe = self.tally("probe", "line", "9", "countis-e44")
        self.assertEqual(probe.returncode, 1)
        self.assertIn("probe: timeout", probe.stderr)

    def test_mbpoll_reads_the_same_words(self):
        """The image is right for a foreign master too."""
        port = free_port()
        self.start_slave("tcp", port)

        def poll():
            r = subprocess.run(["mbpoll", "-m", "tcp", "-p", str(port), "-a", "5", "-0", "-r", "50536", "-c", "2", "-1", "-o", "10",
                                "-t", "4:hex", "127.0.0.1"], capture_output=True, text=True)
            return r.stdout if r.returncode == 0 else None
        self.assertRegex(wait_for(poll, "mbpoll"), r"0xFFFF\s+\[50537\]:\s+0xCFC7")


if __name__ == "__main__":
    unittest.main()
