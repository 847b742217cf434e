# SPDX-License-Identifier: MIT
"""The README is correct: its commands run, its configuration is good, its table of models has exactly the drivers."""

import re
import subprocess
import unittest

from simsite import SOURCE, Site

README = (SOURCE / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


class TestReadme(Site):
    def test_the_table_of_models_lists_exactly_the_drivers(self):
        models = README[README.index("## Models"):README.index("## Limits")]
        listed = set(re.findall(r"^\| `([^`]+)` \|", models, re.M))
        drivers = {p.stem for p in (SOURCE / "drivers").glob("*.ini")}
        self.assertEqual(listed, drivers)

    def test_the_table_of_models_agrees_with_the_drivers(self):
        listed = dict(re.findall(r"^\| `([^`]+)` \| [^|]+ \| ([a-z ]+?)(?:, [^|]*)? \|", README, re.M))
        models = self.tally("models")
        for line in models.stdout.splitlines()[1:]:
            name = line.split()[0]
            self.assertIn(f" {listed[name]} ", line)

    def test_the_sample_configuration_is_good(self):
        daemon, bus = blocks("ini")[:2]
        self.write("etc/tallyd.ini", daemon + f"[drivers]\npath = {SOURCE}/drivers\n")
        self.write("etc/bus.d/workshop.ini", bus)
        check = self.tally("check")
        self.assertEqual(check.returncode, 0, check.stderr)
        # Nobody has plugged in that adapter here.
        self.assertRegex(check.stderr, r"^warning: \S+: device = \S+ is not there now; .*\n$")

    def test_the_demo_runs_and_every_sql_statement_returns_rows_on_its_database(self):
        demo = subprocess.run([SOURCE / "demo", "--seconds", "18", "--dir", self.dir / "demo"], capture_output=True,
                              text=True, timeout=500)
        self.assertEqual(demo.returncode, 0, demo.stdout + demo.stderr)
        self.db_path = self.dir / "demo/tallyd.db"
        for statement in blocks("sql"):
            # A new database of a healthy site has no silent meter and no last month.
            statement = statement.replace("state <> 'up'", "state = 'up'").replace("'start of month', '-1 day'", "'+0 day'")
            self.assertTrue(self.sql(statement), statement)


if __name__ == "__main__":
    unittest.main()
