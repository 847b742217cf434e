# SPDX-License-Identifier: MIT
"""A disk that takes seconds for each write: the database lags behind, no slot is missed."""

import unittest

from simsite import Site, wait_for

METERS = ("north", "south")
SLOTS = 15


class SlowDisk(Site):

    def test_a_slow_disk_costs_no_slot(self):
        self.write("etc/tallyd.ini", self.tallyd_ini())
        bus = self.write_gateway("".join(f"[meter {m}]\nmodel = countis-e44\naddress = {i}\n"
                                         for i, m in enumerate(METERS, 1)))
        self.start_sim(bus + "".join(f"[meter {m}]\nbus = gateway\nmodel = countis-e44\naddress = {i}\nbase = 40 kW\n"
                                     for i, m in enumerate(METERS, 1)))
        self.start_daemon()
        for meter in METERS:
            self.wait_rows("SELECT ts FROM energy WHERE meter = ?", 1, meter)
        strace = self.start("strace", "-f", "-p", self.daemon.pid, "-e", "trace=fdatasync",
                            "-e", "inject=fdatasync:delay_enter=3s", log="strace.log")
        wait_for(lambda: "fdatasync" in self.log("strace.log"), "the first slow write")
        for meter in METERS:
            self.wait_rows("SELECT ts FROM energy WHERE meter = ?", SLOTS, meter)
        self.assertIn("database: a commit has been running for ", self.log())
        strace.terminate()
        strace.wait()
        self.assertEqual(self.stop_daemon(), 0)
        for meter in METERS:
            slots = self.slots(meter)
            self.assertEqual(slots, list(range(slots[0], slots[0] + len(slots))))


if __name__ == "__main__":
    unittest.main()
