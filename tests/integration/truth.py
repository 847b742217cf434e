# SPDX-License-Identifier: MIT
"""Compares every stored value with the values that the simulator sent.

A value is true when the simulator sent it for that quantity of that meter between the start of the slot and the time
when the reading was complete. The tables are read directly, because they hold whole base units like the trace, or parts
of them in a row that says how many make one; and because they name the values of a coarser register."""

import bisect
import sqlite3

SLOT = "(r.id >> 14)"  # the slot of a row r of a table of readings
NO_QUANTITIES = ("ts", "id", "meter", "delay_ms", "quality", "suspect", "coarse", "parts")
SLACK_MS = 50  # between the sim's clock at a request and the daemon's at the answer, both rounded
FALSE_COUNTERS = ("stale-register", "zeros-after-restart")  # with these the counters in the trace are not what was counted


def is_counter(quantity):
    return "energy" in quantity or quantity.startswith("pulses_") or quantity == "operating_time"


class Truth:
    """sent and false: (meter, quantity) -> ([wall_ms], [value]), both in the order of the trace. sent is what the registers
    of the meter held, false what it showed in their place in a trouble."""

    def __init__(self, trace_path):
        self.requests = 0
        self.faults = {}
        self.sent = {}
        self.false = {}
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
                known = self.false if status in FALSE_COUNTERS and is_counter(quantity) else self.sent
                times, sent = known.setdefault((meter, quantity), ([], []))
                times.append(int(wall_ms))
                sent.append(int(value))

    @staticmethod
    def has(known, meter, quantity, from_ms, until_ms, value):
        times, sent = known.get((meter, quantity), ((), ()))
        first = bisect.bisect_left(times, from_ms)
        last = bisect.bisect_right(times, until_ms)
        return value in sent[first:last]

    def is_true(self, row, quantity):
        return self.has(self.sent, row.meter, quantity, row.from_ms, row.until_ms, row.values[quantity])

    def is_false(self, row, quantity):
        """Whether the meter showed the value in a trouble; is_true() may hold too."""
        return self.has(self.false, row.meter, quantity, row.from_ms, row.until_ms, row.values[quantity])

    def check(self, db_path):
        """The number of values in the database, the number of rows, and a line for each value that the meter did not show."""
        n_values = n_rows = 0
        wrong = []
        for row in read_rows(db_path):
            n_rows += 1
            n_values += len(row.values)
            wrong += [f"{row}: {quantity} = {value}" for quantity, value in row.values.items()
                      if not self.is_true(row, quantity) and not self.is_false(row, quantity)]
        return n_values, n_rows, wrong


class Row:
    """One row of a table of readings."""

    def __init__(self, table, meter, row):
        self.table, self.meter, self.slot, self.delay_ms = table, meter, row["id"] >> 14, row["delay_ms"]
        self.from_ms, self.until_ms = self.slot * 1000 - SLACK_MS, self.slot * 1000 + self.delay_ms + SLACK_MS
        columns = [key for key in row.keys() if key not in NO_QUANTITIES]
        parts = row["parts"] or 1 if "parts" in row.keys() else 1
        coarse = row["coarse"] or 0 if "coarse" in row.keys() else 0
        # base units
        self.values = {q: row[q] if parts == 1 or q == "tariff" else row[q] / parts for q in columns if row[q] is not None}
        self.coarse = {q for k, q in enumerate(columns) if coarse >> k & 1}  # those of a coarser register

    def __str__(self):
        return f"{self.table} {self.meter} {self.slot} +{self.delay_ms} ms"


def read_rows(db_path):
    """Every row of every table of readings, each table in the order of the slots."""
    db = sqlite3.connect(f"file:{db_path}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    names = {row["id"]: row["name"] for row in db.execute("SELECT id, name FROM meter")}
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'reading_%'")]
    for table in tables:
        for row in db.execute(f"SELECT * FROM {table} ORDER BY id"):
            yield Row(table, names[row["meter"]], row)
    db.close()
