# SPDX-License-Identifier: MIT
"""A meter that is silent, sends exceptions, returns or has old firmware, beside a meter that is read all the time."""

import unittest

from simsite import Site


class TestMeters(Site):
    def start_site(self, sick="", faults=()):
        """Two COUNTIS behind a gateway without pacing: a sick one, with these lines in its section, and a well one."""
        bus = self.write_gateway("response_timeout = 200ms\n[meter sick]\nmodel = countis-e44\naddress = 5\n"
                                 "[meter well]\nmodel = countis-e43\naddress = 6\n", power_every="0")
        self.start_sim(f"{bus}pace = no\n"
                       f"[meter sick]\nbus = gateway\nmodel = countis-e44\naddress = 5\ntariffs = 00:00 3\n{sick}\n"
                       "[meter well]\nbus = gateway\nmodel = countis-e43\naddress = 6\n")
        for fault in faults:
            self.control("fault", "sick", fault, "100%")
        self.start_daemon()

    def test_a_silent_meter_gets_no_row_and_the_others_are_read(self):
        self.start_site(faults=["silence"])
        self.wait_rows("SELECT * FROM energy WHERE meter = 'well'", 3)
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'sick' AND state = 'never' AND timeouts > 0", 1)
        self.assertEqual(self.sql("SELECT * FROM energy WHERE meter = 'sick'"), [])
        self.assertEqual(self.stop_daemon(), 0)

    def test_an_exception_makes_no_row(self):
        self.start_site(faults=["exception-4"])
        self.wait_rows("SELECT * FROM meter_status WHERE meter = 'sick' AND exceptions > 0", 1)
        self.wait_rows("SELECT * FROM energy WHERE meter = 'well'", 2)
        self.assertEqual(self.sql("SELECT * FROM energy WHERE meter = 'sick'"), [])

    def test_a_meter_that_returns_is_read_again(self):
        self.start_site()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'sick'", 1)
        self.control("fault", "sick", "silence", "100%")
        self.wait_rows("SELECT * FROM event WHERE subject = 'sick' AND kind = 'meter-down'", 1)
        self.control("fault", "sick", "silence", "0%")
        self.wait_rows("SELECT * FROM event WHERE subject = 'sick' AND kind = 'meter-up'", 2)
        n = len(self.sql("SELECT * FROM energy WHERE meter = 'sick'"))
        self.wait_rows("SELECT * FROM energy WHERE meter = 'sick'", n + 2)

    def test_old_firmware_falls_back_to_the_coarser_register(self):
        self.start_site(sick="lacks = 50944-51008, 51200-51249")
        self.wait_rows("SELECT * FROM event WHERE subject = 'sick' AND kind = 'register-missing'", 1)
        rows = self.wait_rows("SELECT * FROM energy WHERE meter = 'sick' AND active_import_kwh IS NOT NULL", 2)
        self.assertEqual(rows[-1]["active_import_kwh"], int(rows[-1]["active_import_kwh"]))
        self.wait_rows("SELECT * FROM tariff_energy WHERE meter = 'sick' AND tariff = 3 AND in_force = 1", 1)


if __name__ == "__main__":
    unittest.main()
