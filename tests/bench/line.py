# SPDX-License-Identifier: MIT
"""Compares a round on a line with the time that the wire alone needs, and a gateway without a line with a bare loop."""

import contextlib
import os
import subprocess

from common import BUILD, Bench, figures_of, free_port, run

BAUDS = (4800, 9600, 19200, 38400)


def efficiency(quick):
    """All four speeds run at once: each is a process of its own that mostly waits, and the simulator is not busy."""
    full = {4800: 12, 9600: 31, 19200: 31, 38400: 31}
    meters, rounds = ({baud: 2 for baud in BAUDS}, 1) if quick else (full, 5)
    with Bench() as b, contextlib.ExitStack() as stack:
        def port(baud):
            return b.dir / f"line-{baud}"
        b.simulate([(f"l{baud}", {"transport": "rtu", "path": port(baud), "baud": baud}, meters[baud])
                    for baud in BAUDS])
        runs = {}
        for baud in BAUDS:
            keys = {"transport": "rtu", "device": port(baud), "baud": baud, "energy_every": "1h", "power_every": 0}
            etc = b.configure(f"etc-{baud}", [(f"l{baud}", keys, meters[baud])])
            runs[baud] = stack.enter_context(subprocess.Popen([BUILD / "tests/bench/rounds", etc, str(rounds)],
                                                              stdout=subprocess.PIPE, text=True))
        for baud in BAUDS:
            got = figures_of(runs[baud].communicate(timeout=300)[0])
            yield f"line.round_{baud}", got["ours.round"], "s"
            yield f"line.round_over_wire_{baud}", got["ours.round"] / got["wire.round"], "1"
            yield f"line.failed_requests_{baud}", got["failed"], "1"


def gateway(quick):
    """Requests per second through a gateway that answers at once, in turn with the bare loop: first with the gateway on
    one processor and both readers on another, then with all three on one. The processors are fixed because the
    scheduler would sometimes separate them and sometimes not, and the comparison would measure that choice."""
    places = sorted(os.sched_getaffinity(0))
    with Bench() as b:
        port = free_port()
        b.simulate([("g", {"transport": "tcp", "port": port, "pace": "no"}, 16)])
        os.sched_setaffinity(b.sim.pid, places[:1])
        etc = b.configure("etc-g", [("g", {"transport": "tcp", "host": "127.0.0.1", "port": port}, 16)])
        for name, place in (("gateway", places[-1]), ("gateway.on_one", places[0])):
            got = figures_of(run("taskset", "-c", place, BUILD / "tests/bench/rounds", "-b", etc, 5 if quick else 500))
            yield f"{name}.requests_per_second", got["ours.requests_per_second"], "1/s"
            yield f"{name}.libmodbus_requests_per_second", got["loop.requests_per_second"], "1/s"
            yield f"{name}.over_libmodbus", got["ours.requests_per_second"] / got["loop.requests_per_second"], "1"
            yield f"{name}.cpu_per_request", got["ours.cpu_per_request"], "us"
            yield f"{name}.libmodbus_cpu_per_request", got["loop.cpu_per_request"], "us"
            yield f"{name}.failed_requests", got["failed"], "1"
