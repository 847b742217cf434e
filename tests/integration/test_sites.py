# SPDX-License-Identifier: MIT
"""Sites with several accidents at once, drawn from seeds: the real daemon on simulated lines counts what the meters count.

TALLY_SEED=N runs the site of that seed, TALLY_SITES=N so many from there, TALLY_JOBS=N of them at a time."""

import concurrent.futures
import os
import unittest

import counted
from accidents import LineSite
from simsite import SANITIZED

SEEDS = (518, 503, 509)  # tcp, rtu, rtu-over-tcp
if "TALLY_SEED" in os.environ:
    FIRST = int(os.environ["TALLY_SEED"])
    SEEDS = range(FIRST, FIRST + int(os.environ.get("TALLY_SITES", "1")))
JOBS = int(os.environ.get("TALLY_JOBS", "3"))


def run_seed(seed):
    """The site in lines, and what is wrong there."""
    site = LineSite()
    site.setUp()
    site.draw(seed)
    text = site.describe()
    try:
        site.run_site()
        wrong, n = counted.check(site)
        return text + [f"{n} values and sums compared"], wrong
    except AssertionError as e:
        return text, [str(e)]
    finally:
        site.tearDown()


class TestSites(unittest.TestCase):
    @unittest.skipIf(SANITIZED, "a sanitizer is too slow for meters that are read each second")
    def test_what_is_counted_is_what_the_meters_counted(self):
        n_wrong = 0
        with concurrent.futures.ProcessPoolExecutor(JOBS) as pool:
            for text, wrong in pool.map(run_seed, SEEDS):
                n_wrong += len(wrong) > 0
                print("\n".join(text + [f"WRONG: {line}" for line in wrong]), flush=True)
        self.assertEqual(n_wrong, 0)


if __name__ == "__main__":
    unittest.main()
