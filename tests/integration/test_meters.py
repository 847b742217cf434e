# SPDX-License-Identifier: MIT
"""A meter that is silent, refuses, comes back, or is of old firmware; the others go on."""

import unittest

from samplesite import SampleSite
from simsite import free_port


class TestMeters(SampleSite):
    def test_silent_meter_leaves_no_row_and_the_others_go_on(self):
        port = free_port()
        self.configure(port)
        self.start_sim(self.site(port))
        self.control("fault", "e43", "silence", "100%")
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'conto'", 3)
        self.wait_rows("SELECT * FROM energy WHERE meter = 'e44'", 3)
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'e43' AND state = 'never' AND timeouts > 0", 1)
        self.assertEqual(self.sql("SELECT * FROM energy WHERE meter = 'e43'"), [])
        self.assertEqual(self.stop_daemon(), 0)

    def test_exception_leaves_no_row(self):
        port = free_port()
        self.configure(port)
        self.start_sim(self.site(port))
        self.control("fault", "e44", "exception-4", "100%")
        self.start_daemon()
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'e44' AND exceptions > 0", 1)
        self.wait_rows("SELECT * FROM energy WHERE meter = 'e43'", 2)
        self.assertEqual(self.sql("SELECT * FROM energy WHERE meter = 'e44'"), [])

    def test_meter_that_comes_back_is_read_again(self):
        self.start_site()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'e43'", 1)
        self.control("fault", "e43", "silence", "100%")
        self.wait_rows("SELECT * FROM event WHERE subject = 'e43' AND kind = 'meter-down'", 1)
        self.control("fault", "e43", "silence", "0%")
        self.wait_rows("SELECT * FROM event WHERE subject = 'e43' AND kind = 'meter-up'", 2)
        n = len(self.sql("SELECT * FROM energy WHERE meter = 'e43'"))
        self.wait_rows("SELECT * FROM energy WHERE meter = 'e43'", n + 2)

    def test_old_firmware_falls_back_to_the_coarser_register(self):
        port = free_port()
        self.configure(port)
        self.start_sim(self.site(port).replace("[meter e44]", "[meter e44]\nlacks = 50944-51008, 51200-51249"))
        self.start_daemon()
        self.wait_rows("SELECT * FROM event WHERE subject = 'e44' AND kind = 'register-missing'", 1)
        rows = self.wait_rows("SELECT * FROM energy WHERE meter = 'e44' AND active_import_kwh IS NOT NULL", 2)
        self.assertEqual(rows[-1]["active_import_kwh"], int(rows[-1]["active_import_kwh"]))
        self.wait_rows("SELECT * FROM tariff_energy WHERE meter = 'e44' AND tariff = 3 AND in_force = 1", 1)


if __name__ == "__main__":
    unittest.main()
