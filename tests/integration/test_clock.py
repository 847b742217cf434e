# SPDX-License-Identifier: MIT
"""The clock of the computer is wrong or steps: no slot is stored twice, the step is an event, readings are marked.
libfaketime reads the daemon's clock from a file. It does not work together with the sanitizers, so the tests are
skipped there."""

import glob
import time
import unittest

from simsite import SANITIZED, Site

FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


@unittest.skipIf(SANITIZED or not FAKETIME, "no libfaketime beside a sanitizer")
class TestClock(Site):
    def set_clock(self, seconds):
        self.write("clock", f"{seconds:+d}s")

    def start_site(self, store="", seconds=0):
        self.write("etc/tallyd.ini", self.tallyd_ini(store))
        bus = self.write_gateway("[meter m]\nmodel = countis-e44\naddress = 5\n", power_every="0")
        self.start_sim(f"{bus}pace = no\n"
                       "[meter m]\nbus = gateway\nmodel = countis-e44\naddress = 5\n")
        self.start_timed(seconds)

    def start_timed(self, seconds):
        self.set_clock(seconds)
        self.start_daemon(env={"LD_PRELOAD": FAKETIME[0], "FAKETIME_TIMESTAMP_FILE": str(self.dir / "clock"),
                               "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"})

    def assert_no_slot_twice(self):
        self.assertEqual(self.sql("SELECT ts FROM energy GROUP BY ts, meter HAVING count(*) > 1"), [])

    def test_a_step_back_is_an_event_and_stores_no_slot_twice(self):
        self.start_site()
        self.wait_rows("SELECT * FROM energy", 4)
        self.set_clock(-600)
        event = self.wait_rows("SELECT * FROM event WHERE kind = 'clock-step'", 1)[0]
        self.assertRegex(event["detail"], r"^back by (599|600|601)\.")
        self.wait_rows(f"SELECT * FROM energy WHERE ts < {int(time.time()) - 300}", 2)
        self.assert_no_slot_twice()
        self.assertEqual(self.stop_daemon(), 0)

    def test_a_step_forward_is_an_event_and_leaves_a_gap(self):
        self.start_site("interval = 1min\n")
        self.wait_rows("SELECT * FROM energy", 2)
        self.set_clock(600)
        event = self.wait_rows("SELECT * FROM event WHERE kind = 'clock-step'", 1)[0]
        self.assertRegex(event["detail"], r"^forward by (599|600|601)\.")
        self.wait_rows(f"SELECT * FROM energy WHERE ts > {int(time.time()) + 500}", 2)
        self.assertEqual(self.sql("SELECT * FROM interval WHERE quality = 'measured' AND meter = 'm'"), [])
        self.assert_no_slot_twice()

    def test_readings_before_the_newest_one_are_kept_but_not_counted(self):
        self.start_site()
        self.wait_rows("SELECT * FROM energy", 2)
        self.assertEqual(self.stop_daemon(), 0)
        self.start_timed(-3600)
        self.wait_rows("SELECT * FROM energy WHERE quality = 'suspect'", 2)
        self.assertIn("clock: not trusted yet", self.log())
        self.set_clock(0)
        newest = int(time.time())
        self.wait_rows(f"SELECT * FROM energy WHERE quality = 'good' AND ts > {newest}", 2)
        self.assert_no_slot_twice()

    def test_a_clock_that_was_never_set_is_not_trusted(self):
        self.start_site(seconds=-int(time.time()) + 86400)
        self.wait_rows("SELECT * FROM energy WHERE quality = 'unsynchronised' AND time LIKE '1970-01-02T%'", 2)


if __name__ == "__main__":
    unittest.main()
