# SPDX-License-Identifier: MIT
"""How much the store writes and keeps and how fast it answers: bench_store feeds it without meters, at full speed."""

import re

from common import BUILD, MODEL, Bench, run

QUICK = ("--minutes", "30", "--days", "2", "--retain", "11")


def store(quick):
    with Bench() as b:
        out = run(BUILD / "tests/bench/bench_store", "--dir", b.dir, *(QUICK if quick else ()))
    for line in out.splitlines():
        name, value, unit = line.split("\t")
        if not name.endswith(".rows"):
            yield name, float(value), unit


def requests(_):
    """The planned requests of a full reading of one meter."""
    text = run(BUILD / "tally", "models", MODEL)
    for name, n in re.findall(r"^(energy and tariffs|power|everything): (\d+) request", text, re.MULTILINE):
        yield "requests." + name.replace(" ", "_"), float(n), "1"
