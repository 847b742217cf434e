#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dead_third.py [METERS BAUD PERIOD_S SLOTS]: meters on one paced serial line, of which a third dies at the same time.

Prints the round that tally check computes for the line; how many slots of the healthy meters were stored before, during
and after the detection of the dead ones; and how much longer a healthy meter waited because of a dead one. Exit code 1
when a slot was lost that should have been stored."""

import math
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from simsite import Site, wait_for  # noqa: E402
from truth import SLOT  # noqa: E402

TIMEOUT_S = 1


class DeadThird(Site):
    def make_site(self, n, baud, period_s):
        site = f"[bus line]\ntransport = rtu\npath = {self.dir}/tty\nbaud = {baud}\n"
        bus = (f"[bus]\ntransport = rtu\ndevice = {self.dir}/tty\nbaud = {baud}\nenergy_every = {period_s}s\n"
               f"power_every = {period_s}s\nresponse_timeout = {TIMEOUT_S}s\n")
        for i in range(n):
            meter = f"[meter m{i}]\nmodel = countis-e43\naddress = {i + 1}\n"
            site += f"{meter}bus = line\nbase = 5 kW\npeak = 9 kW\n"
            bus += meter
        self.write("etc/bus.d/line.ini", bus)
        self.dead = [f"m{i}" for i in range(n) if i % 3 == 1]
        self.healthy = [f"m{i}" for i in range(n) if i % 3 != 1]
        return site

    def round_s(self):
        """The time of a round, as tally check computes it."""
        check = self.tally("check")
        self.assertEqual(check.returncode, 0, check.stderr)
        return float(re.search(r"a round of everything: \d+ requests, ([\d.]+) s", check.stdout).group(1))

    def newest(self):
        return max((row["ts"] for row in self.sql("SELECT max(ts) AS ts FROM energy HAVING count(*) > 0")), default=0)

    def wait_slots(self, n, period_s):
        """Wait until n more slots have been read and committed. Returns the first and the last of them."""
        first = self.newest() + period_s
        last = first + (n - 1) * period_s
        wait_for(lambda: self.newest() > last, f"slots up to {last}", 60 + 2 * n * period_s)
        return first, last

    def stored(self, first, last, period_s):
        """Of the healthy meters: rows stored, rows due, and the longest time from slot to answer of each."""
        rows = self.sql(f"SELECT m.name, r.delay_ms FROM reading_energy r JOIN meter m ON m.id = r.meter "
                        f"WHERE {SLOT} BETWEEN ? AND ?", first, last)
        rows = [r for r in rows if r["name"] in self.healthy]
        longest = {name: max((r["delay_ms"] for r in rows if r["name"] == name), default=0) for name in self.healthy}
        return len(rows), len(self.healthy) * ((last - first) // period_s + 1), longest

    def run_all(self, n, baud, period_s, slots):
        site = self.make_site(n, baud, period_s)
        result = {"round_s": self.round_s()}
        self.start_sim(site)
        self.start_daemon()
        wait_for(lambda: self.newest() > 0, "the first slot", 60 + 2 * period_s)
        before = self.wait_slots(slots, period_s)
        died = self.newest()
        for name in self.dead:
            self.control("fault", name, "silence", "100%")
        wait_for(lambda: len(self.sql("SELECT DISTINCT subject FROM event WHERE kind = 'meter-down'")) == len(self.dead),
                 "the dead meters to be down", 60 + 10 * period_s)
        found = self.newest()
        after = self.wait_slots(slots, period_s)
        self.assertEqual(self.stop_daemon(), 0)
        result["before"] = self.stored(*before, period_s)
        result["while"] = self.stored(died, found, period_s)
        result["after"] = self.stored(*after, period_s)
        return result

    def runTest(self):
        pass


def extra_delay_ms(result, phase):
    """How much later than its latest answer before a healthy meter answered, at most."""
    return max(after - before for before, after in zip(result["before"][2].values(), result[phase][2].values()))


def lost(result, phase):
    stored, due, _ = result[phase]
    return due - stored


def run(n, baud, period_s, slots):
    site = DeadThird()
    site.setUp()
    try:
        return site.run_all(n, baud, period_s, slots)
    finally:
        site.tearDown()


def report(result, n, period_s):
    print(f"{n} meters, a round takes {result['round_s']} s of {period_s} s")
    for phase in ("before", "while", "after"):
        stored, due, longest = result[phase]
        print(f"{phase:6}: {stored} of {due} rows, last answer {max(longest.values())} ms after its slot")
    print(f"extra delay of a healthy meter because of dead ones: during detection {extra_delay_ms(result, 'while')} ms, "
          f"afterwards {extra_delay_ms(result, 'after')} ms")


def main():
    n, baud, period_s, slots = (int(a) for a in sys.argv[1:5]) if len(sys.argv) > 4 else (30, 9600, 30, 20)
    result = run(n, baud, period_s, slots)
    report(result, n, period_s)
    # Each dead meter costs its timeout once. Each healthy meter may lose the slots that this time covers.
    may_lose = math.ceil(n / 3 * TIMEOUT_S / period_s) * len(result["before"][2])
    return 1 if lost(result, "before") or lost(result, "after") or lost(result, "while") > may_lose else 0


if __name__ == "__main__":
    sys.exit(main())
