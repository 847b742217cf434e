# SPDX-License-Identifier: MIT
"""A short run of soak.py: faults of every kind at once on all transports, and every stored value is true."""

import os
import unittest

import soak

TRANSACTIONS = int(os.environ.get("TALLY_SOAK", "15000"))
SEED = int(os.environ.get("TALLY_SEED", "1"))


class TestSoak(unittest.TestCase):
    def test_every_stored_value_was_sent_by_the_simulator(self):
        print(f"seed {SEED} (TALLY_SEED)")
        total = soak.run(TRANSACTIONS, 0.055, SEED)
        soak.report(total)
        self.assertEqual(total["wrong"], [])
        self.assertGreaterEqual(total["requests"], TRANSACTIONS)
        self.assertGreater(sum(total["faults"].values()), TRANSACTIONS // 40)
        self.assertGreater(total["values"], TRANSACTIONS)


if __name__ == "__main__":
    unittest.main()
