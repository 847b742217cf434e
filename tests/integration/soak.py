#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""soak.py [TRANSACTIONS [SHARE]]: that many transactions, a share of them with faults of every kind, on all transports
at once and without a line speed; then every stored value is compared with the values that the simulator sent.

Runs in parts, so that the trace stays small. Prints a line after each part and the figures of the run at its end; exit
code 1 when a value was not true."""

import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from simsite import Site, free_port, wait_for  # noqa: E402
from truth import Truth  # noqa: E402

PART = 100000  # transactions of one part
LINES = ("rtu", "tcp", "rtu-over-tcp") * 3
MODELS = (("countis-e43", ""), ("countis-e44", ""), ("countis-e23", ""), ("conto-d4-s", "ct = 100/5\n"),
          ("conto-72-pt", "ct = 100/5\n"), ("countis-ci", ""))
METERS = 24  # of each line
# Faults of a single answer, some with another delay than the usual, and the much rarer faults that make the line unusable
# for a time.
KINDS = ("silence", "late", "short", "long", "bad-crc", "wrong-unit", "wrong-function", "wrong-transaction", "noise-before",
         "noise-after", "twice", "twice 0ms", "echo", "echo-cut", "dribble", "reset", "close", "close-after-answer",
         "close-after-answer 2ms", "exception-1", "exception-2", "exception-3", "exception-4", "exception-6",
         "exception-10", "exception-11")
RARE_KINDS = ("mute", "reboot", "unplug")
DELAYS = {"late": "130ms", "twice": "3ms", "dribble": "1ms", "mute": "400ms", "reboot": "300ms", "unplug": "300ms"}


def cpu_s(pid):
    """Processor time of a process so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Soak(Site):
    """One part: a fresh site and database."""

    def make_site(self, share):
        site = "speed = 60\n"
        for i, transport in enumerate(LINES):
            site += self.add_line(f"{transport.replace('-', '')}{i}", transport)
        each = share / len(KINDS)
        for name in KINDS + RARE_KINDS:
            rate = each if name in KINDS else each / 50
            kind, _, delay = name.partition(" ")
            delay = delay or DELAYS.get(kind)
            site += f"[fault {name.replace(' ', '-')}]\nkind = {kind}\nrate = {100 * rate:.4f}%\n"
            site += f"delay = {delay}\n" if delay else ""
        return site

    def add_line(self, name, transport):
        port = free_port()
        device = f"{self.dir}/{name}"
        site = f"[bus {name}]\ntransport = {transport}\npace = no\ngateway_timeout = 50ms\n"
        site += f"path = {device}\n" if transport == "rtu" else f"port = {port}\n"
        bus = f"[bus]\ntransport = {transport}\nenergy_every = 1s\npower_every = 1s\nresponse_timeout = 100ms\n"
        bus += f"device = {device}\n" if transport == "rtu" else f"host = 127.0.0.1\nport = {port}\n"
        bus += "" if transport == "tcp" else "baud = 19200\n"
        for k in range(METERS):
            model, ratios = MODELS[k % len(MODELS)]
            meter = f"[meter {name}-{k}]\nmodel = {model}\naddress = {k + 1}\n{ratios}"
            site += f"{meter}bus = {name}\nbase = 400 W\npeak = 800 W\nturnaround = 0\n"
            bus += f"{meter}confirmed = yes\n"
        self.write(f"etc/bus.d/{name}.ini", bus)
        return site

    def requests(self):
        answer = self.sql("SELECT sum(requests) AS n FROM bus_status")
        return answer[0]["n"] or 0 if answer else 0

    def run_part(self, n, seed, share):
        self.start_sim(self.make_site(share), seed)
        begun = time.monotonic()
        self.start_daemon()
        trace = self.dir / "trace"
        wait_for(lambda: self.daemon.poll() is not None or self.count_lines(trace) >= n, f"{n} transactions", 3600)
        self.assertIsNone(self.daemon.poll(), self.log())
        lasted = time.monotonic() - begun
        cpu = cpu_s(self.daemon.pid)
        self.assertEqual(self.stop_daemon(), 0, self.log())
        truth = Truth(trace)
        n_values, n_rows, wrong = truth.check(self.db_path)
        return {"requests": truth.requests, "faults": truth.faults, "values": n_values, "rows": n_rows, "wrong": wrong,
                "cpu_s": cpu, "lasted_s": lasted,
                "events": {row["kind"]: row["n"] for row in
                           self.sql("SELECT kind, count(*) AS n FROM event GROUP BY kind")}}

    def count_lines(self, trace):
        """Number of lines of the trace. Only the lines after the last count are read."""
        with open(trace, "rb") as f:
            self.counted_bytes = getattr(self, "counted_bytes", 0)
            self.counted = getattr(self, "counted", 0)
            f.seek(self.counted_bytes)
            while chunk := f.read(1 << 20):
                self.counted += chunk.count(b"\n")
                self.counted_bytes += len(chunk)
        time.sleep(0.2)
        return self.counted

    def runTest(self):
        pass


def add(total, part):
    for key, value in part.items():
        if isinstance(value, dict):
            for k, v in value.items():
                total.setdefault(key, {})[k] = total.get(key, {}).get(k, 0) + v
        else:
            total[key] = total[key] + value if key in total else value


def run(n, share, seed=1):
    """Run parts until there are n transactions. Returns the figures of all parts together."""
    total = {}
    while total.get("requests", 0) < n:
        site = Soak()
        site.setUp()
        try:
            add(total, site.run_part(min(PART, n - total.get("requests", 0)), seed, share))
        finally:
            site.tearDown()
        print(f"seed {seed}: {total['requests']} of {n} transactions in {total['lasted_s']:.0f} s, "
              f"{sum(total['faults'].values())} faults, {total['values']} values compared, "
              f"differences: {len(total['wrong'])}", file=sys.stderr)
        seed += 1
        if total["wrong"]:
            break
    return total


def report(total):
    n_faults = sum(total["faults"].values())
    print(f"{total['requests']} transactions in {total['lasted_s']:.0f} s, "
          f"{n_faults} faults ({100 * n_faults / total['requests']:.1f} %)")
    for kind, n in sorted(total["faults"].items()):
        print(f"  {kind:18} {n}")
    print(f"{total['rows']} rows and {total['values']} values compared, differences: {len(total['wrong'])}")
    for line in total["wrong"][:20]:
        print(f"  {line}")
    print(f"processor: {total['cpu_s']:.1f} s, {1e6 * total['cpu_s'] / total['requests']:.0f} us per transaction")
    print("events: " + ", ".join(f"{n} {kind}" for kind, n in sorted(total["events"].items())))


def main():
    total = run(int(sys.argv[1]) if len(sys.argv) > 1 else 1000000, float(sys.argv[2]) if len(sys.argv) > 2 else 0.055)
    report(total)
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
