# SPDX-License-Identifier: MIT
"""The tool reads the database by its views alone: each name after FROM or JOIN in daemon/tally is in tallyd-db(5)."""

import pathlib
import re
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TOKEN = re.compile(r'/\*.*?\*/|"((?:[^"\\]|\\.)*)"|\'(?:[^\'\\]|\\.)+\'|\s+|\w+|.', re.S)


def views():
    """The views that tallyd-db(5) promises, each of which the steps of the schema make."""
    made = set()
    for step in sorted((SOURCE / "schema").glob("[0-9]*.sql")):
        for verb, name in re.findall(r"^(CREATE|DROP) VIEW (\w+)", step.read_text(), re.M):
            (made.add if verb == "CREATE" else made.discard)(name)
    return made & set(re.findall(r"^\.Ss (\w+)$", (SOURCE / "daemon/tallyd-db.5").read_text(), re.M))


def strings(source):
    """The string literals of a C source, neighbours joined."""
    joined, texts = None, []
    for token in TOKEN.finditer(source):
        text = token.group()
        if text.startswith('"'):
            joined = (joined or "") + token.group(1)
        elif joined is not None and not text.isspace() and not text.startswith("/*"):
            texts.append(joined)
            joined = None
    return texts


class TestToolSql(unittest.TestCase):
    def test_strings_are_joined_and_comments_are_none(self):
        self.assertEqual(strings('f("SELECT a " /* "FROM t" */\n  "FROM b"); c = \'"\'; g("x\\"y");'),
                         ["SELECT a FROM b", 'x\\"y'])

    def test_every_source_of_rows_is_a_view(self):
        known, n_checked = views(), 0
        for path in sorted((SOURCE / "daemon/tally").glob("*.c")):
            source = path.read_text()
            for text in strings(source):
                for name in re.findall(r"\b(?:FROM|JOIN)\s+([^\s(]+)", text):
                    n_checked += 1
                    if name == "%s":  # one of a table of names
                        names = re.findall(r'^\t\{"(\w+)", BY_', source, re.M)
                        self.assertGreater(len(names), 1, f"{path.name}: {text}")
                        self.assertLessEqual(set(names), known, path.name)
                    else:
                        self.assertIn(name, known, f"{path.name}: {text}")
        self.assertGreater(n_checked, 8)

    def test_nothing_is_written_but_requests(self):
        for path in sorted((SOURCE / "daemon/tally").glob("*.c")):
            for text in strings(path.read_text()):
                written = re.findall(r"\b(?:INSERT INTO|REPLACE INTO|UPDATE|DELETE FROM)\s+(\w+)", text)
                self.assertLessEqual(set(written), {"request_log"} if path.name == "tally_request.c" else set(), path.name)


if __name__ == "__main__":
    unittest.main()
