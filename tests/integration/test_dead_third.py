# SPDX-License-Identifier: MIT
"""The short form of dead_third.py: a third of the meters dies, the healthy ones keep every slot that fits."""

import unittest

import dead_third

METERS, BAUD, PERIOD_S, SLOTS = 9, 38400, 2, 6


class TestDeadThird(unittest.TestCase):
    def test_healthy_meters_keep_every_slot_that_fits(self):
        result = dead_third.run(METERS, BAUD, PERIOD_S, SLOTS)
        dead_third.report(result, METERS, PERIOD_S)
        self.assertLess(result["round_s"], PERIOD_S)
        self.assertEqual(dead_third.lost(result, "before"), 0)
        self.assertEqual(dead_third.lost(result, "after"), 0)
        # Three timeouts of a second, once: two slots of two seconds.
        self.assertLessEqual(dead_third.lost(result, "while"), 2 * 6)


if __name__ == "__main__":
    unittest.main()
