# SPDX-License-Identifier: MIT
"""A renamed meter keeps all its rows: ledger_rename.c handles every table that has rows of a meter."""

import pathlib
import re
import sqlite3
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
OF_A_METER = {"meter", "meter_id", "concentrator", "other_id"}


class TestRenameTables(unittest.TestCase):
    def test_every_table_with_rows_of_a_meter_is_handled(self):
        db = sqlite3.connect(":memory:")
        db.create_function("squeezed", -1, lambda *values: b"")
        for step in sorted((SOURCE / "schema").glob("[0-9]*.sql")):
            db.executescript(step.read_text())
        code = (SOURCE / "daemon/ledger/ledger_rename.c").read_text()
        handled = set(re.findall(r"UPDATE (?:OR \w+ )?(\w+) SET", code))
        for prefix, names in (("reading_", "readings"), ("day_", "sums"), ("month_", "sums")):
            listed = re.search(rf"{names}\[\] = {{(.*?)}};", code, re.S).group(1)
            handled |= {prefix + name for name in re.findall(r'"(\w+)"', listed)}
        handled |= set(re.findall(r'join_sums\(db, r, "(\w+)"', code))
        tables = {name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' "
                                               "AND name NOT LIKE 'sqlite_%'")
                  if OF_A_METER & {row[1] for row in db.execute(f"PRAGMA table_info({name})")}}
        self.assertGreater(len(tables), 20)
        self.assertEqual(tables - handled, set())


if __name__ == "__main__":
    unittest.main()
