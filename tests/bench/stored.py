# SPDX-License-Identifier: MIT
"""How much the store writes and keeps and how fast it answers: bench_store feeds it without meters, at full speed."""

import re
import statistics
import subprocess
import time

from common import BUILD, MODEL, Bench, run

QUICK = ("--minutes", "30", "--days", "2", "--retain", "11")

# Spans of the year in the database of the queries, from one inside an interval to one inside another.
REPORTS = {"query.report_of_a_month": ("--month", "2025-02"),
           "query.report_of_a_year": ("--from", "2025-01-01T10:07", "--to", "2025-12-31T22:13"),
           "query.report_of_tariffs": ("--from", "2025-01-01T10:07", "--to", "2025-12-31T22:13", "--tariffs")}


def store(quick):
    with Bench() as b:
        out = run(BUILD / "tests/bench/bench_store", "--keep", "--dir", b.dir, *(QUICK if quick else ()))
        etc = b.write("etc/tallyd.ini", f"[store]\npath = {b.dir}/bench-query.db\ntimezone = Europe/Paris\n").parent
        reports = {name: statistics.median(time_report(etc, options) for _ in range(5)) for name, options in REPORTS.items()}
    for line in out.splitlines():
        name, value, unit = line.split("\t")
        if not name.endswith(".rows"):
            yield name, float(value), unit
    for name, took_s in reports.items():
        yield name, 1000 * took_s, "ms"


def time_report(etc, options):
    """How long "tally report" takes, as a process of its own."""
    start = time.monotonic()
    subprocess.run([BUILD / "tally", "-c", etc, "report", "--csv", *options], stdout=subprocess.DEVNULL, check=False)
    return time.monotonic() - start


def requests(_):
    """The planned requests of a full reading of one meter."""
    text = run(BUILD / "tally", "models", MODEL)
    for name, n in re.findall(r"^(energy and tariffs|power|everything): (\d+) request", text, re.MULTILINE):
        yield "requests." + name.replace(" ", "_"), float(n), "1"
