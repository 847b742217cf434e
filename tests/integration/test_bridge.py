# SPDX-License-Identifier: MIT
"""rtu-over-tcp through a foreign bridge: socat between a TCP port and the pseudo-terminal of the line."""

import unittest

from simsite import Site, free_port
from truth import Truth

METERS = (("e43", "countis-e43", 5), ("conto", "conto-d4-s", 248), ("last", "conto-d4-s", 255))


class TestBridge(Site):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        site = f"[bus line]\ntransport = rtu\npath = {self.dir}/tty\nbaud = 9600\n"
        bus = (f"[bus]\ntransport = rtu-over-tcp\nhost = 127.0.0.1\nport = {self.port}\nbaud = 9600\n"
               "energy_every = 3s\npower_every = 3s\n")
        for name, model, address in METERS:
            meter = f"[meter {name}]\nmodel = {model}\naddress = {address}\n"
            site += f"{meter}bus = line\nbase = 5 kW\npeak = 9 kW\n"
            bus += f"{meter}confirmed = yes\n" + ("ct = 1/1\n" if model == "conto-d4-s" else "")
        self.write("etc/bus.d/line.ini", bus)
        self.start_sim(site)
        self.start_bridge()

    def start_bridge(self):
        self.bridge = self.start("socat", f"TCP-LISTEN:{self.port},bind=127.0.0.1,reuseaddr",
                                 f"{self.dir}/tty,raw,echo=0,b9600", log="socat.log")

    def wait_all_read(self, n):
        last = max((row["ts"] for row in self.sql("SELECT max(ts) AS ts FROM energy HAVING count(*) > 0")), default=0)
        for name, _, _ in METERS:
            self.wait_rows("SELECT * FROM energy WHERE meter = ? AND ts > ?", n, name, last)

    def test_meters_behind_socat_are_read_and_read_again_when_it_returns(self):
        self.start_daemon()
        self.wait_all_read(2)
        self.bridge.terminate()
        self.bridge.wait()
        self.wait_rows("SELECT * FROM event WHERE subject = 'line' AND kind = 'bus-down'", 1)
        self.start_bridge()
        self.wait_rows("SELECT * FROM event WHERE subject = 'line' AND kind = 'bus-up'", 1)
        self.wait_all_read(2)
        self.assertEqual(self.stop_daemon(), 0)
        n_values, _, wrong = Truth(self.dir / "trace").check(self.db_path)
        self.assertEqual(wrong, [])
        self.assertGreater(n_values, 100)


if __name__ == "__main__":
    unittest.main()
