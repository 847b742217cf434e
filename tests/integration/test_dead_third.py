# SPDX-License-Identifier: MIT
"""A short run of dead_third.py: a third of the meters dies, and the healthy ones lose no slot afterwards."""

import unittest

import dead_third

# Most of each period is free, for a machine that is busy with something else.
METERS, BAUD, PERIOD_S, SLOTS = 6, 38400, 5, 3


class TestDeadThird(unittest.TestCase):
    def test_healthy_meters_lose_slots_only_while_the_dead_ones_are_detected(self):
        result = dead_third.run(METERS, BAUD, PERIOD_S, SLOTS)
        dead_third.report(result, METERS, PERIOD_S)
        self.assertLess(result["round_s"], PERIOD_S)
        self.assertEqual(dead_third.lost(result, "before"), 0)
        self.assertEqual(dead_third.lost(result, "after"), 0)
        # Two timeouts of one second, once, cover half a slot of each of four healthy meters.
        self.assertLessEqual(dead_third.lost(result, "while"), 4)


if __name__ == "__main__":
    unittest.main()
