# SPDX-License-Identifier: MIT
"""Compares every stored value with the values that the simulator sent.

A value is true when the simulator sent it for that quantity of that meter between the start of the slot and the time
when the reading was complete. The tables are read directly, because they hold whole base units like the trace, or parts of them in a row that says how many make one."""

import bisect
import sqlite3

SLOT = "(r.id >> 14)"  # the slot of a row r of a table of readings
NO_QUANTITIES = ("ts", "id", "meter", "delay_ms", "quality", "suspect", "coarse", "parts")
SLACK_MS = 50  # between the sim's clock at a request and the daemon's at the answer, both rounded


class Truth:
    def __init__(self, trace_path):
        self.requests = 0
        self.faults = {}
        self.sent = {}  # (meter, quantity) -> ([wall_ms], [value]), both in the order of the trace
        with open(trace_path, encoding="ascii", errors="replace") as trace:
            for line in trace:
                if line.endswith("\n"):
                    self.read_line(line)

    def read_line(self, line):
        wall_ms, meter, _, status, *values = line.split()
        self.requests += 1
        if status != "ok":
            self.faults[status] = self.faults.get(status, 0) + 1
        for pair in values:
            quantity, value = pair.split("=", 1)
            if value not in ("na",) and (value.isdigit() or value[1:].isdigit()):
                times, sent = self.sent.setdefault((meter, quantity), ([], []))
                times.append(int(wall_ms))
                sent.append(int(value))

    def is_true(self, meter, quantity, from_ms, until_ms, value):
        times, sent = self.sent.get((meter, quantity), ((), ()))
        first = bisect.bisect_left(times, from_ms)
        last = bisect.bisect_right(times, until_ms)
        return value in sent[first:last]

    def check(self, db_path):
        """The number of values in the database, the number of rows, and a line for each value that is not true."""
        db = sqlite3.connect(f"file:{db_path}?mode=ro", uri=True)
        db.row_factory = sqlite3.Row
        names = {row["id"]: row["name"] for row in db.execute("SELECT id, name FROM meter")}
        n_values = n_rows = 0
        wrong = []
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'reading_%'")]
        for table in tables:
            for row in db.execute(f"SELECT {SLOT} AS ts, r.* FROM {table} r"):
                meter = names[row["meter"]]
                slot_s = row["id"] >> 14
                from_ms, until_ms = slot_s * 1000 - SLACK_MS, slot_s * 1000 + row["delay_ms"] + SLACK_MS
                parts = row["parts"] or 1 if "parts" in row.keys() else 1
                n_rows += 1
                for quantity in row.keys():
                    if quantity in NO_QUANTITIES or row[quantity] is None:
                        continue
                    n_values += 1
                    sent_as = row[quantity] if quantity == "tariff" else row[quantity] / parts
                    if not self.is_true(meter, quantity, from_ms, until_ms, sent_as):
                        wrong.append(f"{table} {meter} {slot_s} +{row['delay_ms']} ms: {quantity} = {row[quantity]}")
        db.close()
        return n_values, n_rows, wrong
