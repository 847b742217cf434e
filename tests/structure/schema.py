#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""schema.py SOURCE - the steps of the schema are numbered from 1, each number once and none left out.

A database that has taken step N never takes another step N. Exits 1 with the numbers that are wrong."""

import collections
import pathlib
import re
import sys

STEP = re.compile(r"(\d{4})-[a-z0-9-]+\.sql")


def wrong_numbers(names):
    """One line for each number that several steps have, or none, and for each name that is no step's."""
    steps = collections.defaultdict(list)
    found = []
    for name in sorted(names):
        step = STEP.fullmatch(name)
        if step is None:
            found.append(f"{name}: name it NNNN-what-it-adds.sql")
        else:
            steps[int(step.group(1))].append(name)
    for number in range(1, max(steps, default=0) + 1):
        if len(steps[number]) > 1:
            found.append(f"{number:04}: several steps have this number: {', '.join(steps[number])}; the one that is not on "
                         "main yet takes the next free one")
        elif not steps[number]:
            found.append(f"{number:04}: no step has this number; give it to the last one")
    return found


def test_itself():
    assert wrong_numbers(["0001-a.sql", "0002-b-c.sql"]) == []
    assert [line[:4] for line in wrong_numbers(["0001-a.sql", "0003-b.sql", "0003-c.sql", "4.sql"])] == ["4.sq", "0002", "0003"]


def main():
    test_itself()
    found = wrong_numbers(p.name for p in (pathlib.Path(sys.argv[1]) / "schema").glob("*.sql"))
    for line in found:
        print(f"schema/{line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
