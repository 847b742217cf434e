# SPDX-License-Identifier: MIT
"""An allocation that fails anywhere is an error with a message, never a crash."""

import os
import random
import subprocess
import unittest

from opssite import OpsSite
from simsite import BUILD, wait_for

SHIM = BUILD / "tests/integration/librefuse_memory.so"
PLACES = int(os.environ.get("TALLY_PLACES", "25"))  # tried of each command; 0: all


@unittest.skipUnless(SHIM.exists(), "a sanitizer has allocations of its own")
class TestMemory(OpsSite):
    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
        print(f"SEED={seed}")
        self.random = random.Random(seed)

    def environment(self, at):
        """That of a program whose allocation number at fails; 0: none, and their number is written to a file."""
        env = {**os.environ, "LD_PRELOAD": str(SHIM)}
        env.update({"REFUSE_AT": str(at)} if at else {"REFUSE_COUNT": str(self.dir / "count")})
        return env

    def run_tally(self, at, arguments):
        return subprocess.run([BUILD / "tally", "-c", self.etc, *arguments], env=self.environment(at),
                              capture_output=True, text=True, timeout=60)

    def run_daemon(self, at):
        """Start the daemon and end it when it runs. Its exit code."""
        (self.dir / "tallyd.log").unlink(missing_ok=True)
        daemon = self.start(BUILD / "tallyd", "-c", self.etc, log="tallyd.log", env=self.environment(at))
        wait_for(lambda: daemon.poll() is not None or "running" in self.log(), "the daemon to run or to end")
        daemon.terminate()
        code = daemon.wait(timeout=60)
        self.processes.remove(daemon)
        return code

    def places(self):
        """Of the allocations that were counted, those that shall fail."""
        n = int((self.dir / "count").read_text())
        self.assertGreater(n, 20)
        return range(1, n + 1) if PLACES == 0 else sorted(self.random.sample(range(1, n + 1), min(n, PLACES)))

    def test_each_command_survives_an_allocation_that_fails(self):
        self.run_for_a_while()
        # not check: it asks for users, and glibc itself ends then
        for arguments in (("status",), ("status", "--json"), ("report", "--csv"), ("export", "energy"),
                          ("models",), ("probe", "e44"), ("replace", "e44", "--force")):
            self.run_tally(0, arguments)
            for at in self.places():
                ran = self.run_tally(at, arguments)
                self.assertIn(ran.returncode, (0, 1, 2), f"tally {arguments}, allocation {at}: {ran.stderr}")
                self.assertTrue(ran.returncode == 0 or ran.stdout + ran.stderr, f"tally {arguments}, allocation {at}")

    def test_the_daemon_survives_an_allocation_that_fails(self):
        self.start_sim(self.site)
        self.assertEqual(self.run_daemon(0), 0)
        for at in self.places():
            code = self.run_daemon(at)
            # 78 would be for good: the service does not try again after it
            self.assertIn(code, (0, 1), f"allocation {at}: {self.log()}")
            if code == 1:
                self.assertRegex(self.log(), "<3>.*memory", f"allocation {at}")


if __name__ == "__main__":
    unittest.main()
