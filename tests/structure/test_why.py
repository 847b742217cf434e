# SPDX-License-Identifier: MIT
""".ci/why names the tests that failed and their first errors."""

import pathlib
import subprocess
import tempfile
import unittest

WHY = pathlib.Path(__file__).resolve().parents[2] / ".ci/why"

LOG = """Start testing: Nov 30 17:36 UTC
----------------------------------------------------------
75/179 Testing: unit/link
75/179 Test: unit/link
Output:
----------------------------------------------------------
[       OK ] a_hang_up_of_the_port_closes_the_link
<end of output>
Test Passed.
71/179 Testing: unit/bus
Output:
----------------------------------------------------------
[ RUN      ] a_timeout_ends_a_job
[  ERROR   ] --- 0x9 != 0
[   LINE   ] --- tests/unit/test_bus.c:401: error: Failure!
[  FAILED  ] a_timeout_ends_a_job
<end of output>
Test Failed.
146/179 Testing: integration/test_dead_third
Output:
----------------------------------------------------------
Traceback (most recent call last):
    self.assertEqual(dead_third.lost(result, "before"), 0)
AssertionError: 6 != 0
FAILED (failures=1)
<end of output>
Test Failed.
148/179 Testing: integration/test_faults
Output:
----------------------------------------------------------
test_every_fault_on_every_transport ...
<end of output>
Test Failed.
"""


class TestWhy(unittest.TestCase):
    def test_each_test_that_failed_is_named_with_its_first_error(self):
        with tempfile.NamedTemporaryFile("w") as log:
            log.write(LOG)
            log.flush()
            ran = subprocess.run([WHY, log.name], capture_output=True, text=True, check=True)
        self.assertEqual(ran.stdout, "unit/bus: 0x9 != 0\n"
                                     "integration/test_dead_third: AssertionError: 6 != 0\n"
                                     "integration/test_faults: it printed no error; it may have run out of time\n")


if __name__ == "__main__":
    unittest.main()
