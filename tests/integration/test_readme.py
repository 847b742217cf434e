# SPDX-License-Identifier: MIT
"""The README is correct: its commands run, its configuration is good, its table of models has exactly the drivers."""

import re
import subprocess
import unittest
from collections import Counter

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

    def line_of_the_table(self, model):
        """What the README should say of a model."""
        shown = self.tally("models", model).stdout
        title, provenance = (re.search(pattern, shown, re.M)[1] for pattern in (rf"^{re.escape(model)}: (.*)$", r"^provenance: ([a-z ]+);"))
        rows = re.findall(r"^(\w+) +\d+  0x[0-9A-F]{4} .* (?:energy|power|identity|state) +([a-z ]+)", shown, re.M)
        weaker = Counter(of for _, of in rows if of != provenance)
        requests = dict(re.findall(r"^(energy and tariffs|power|everything): (\d+) request", shown, re.M))
        table = [provenance] + [f"{n} row{'s' * (n > 1)} {of}" for of, n in weaker.most_common()]
        asked = [requests.get(what, "0") for what in ("energy and tariffs", "power", "everything")]
        return f"| `{model}` | {title} | {', '.join(table)} | {len({q for q, _ in rows})} | {', '.join(asked)} |"

    def test_the_table_of_models_agrees_with_the_drivers_and_is_by_maker(self):
        expected = {}
        for line in self.tally("models").stdout.splitlines()[1:]:
            model, vendor = line.split()[:2]
            expected.setdefault(vendor, []).append(self.line_of_the_table(model))
        models = README[README.index("## Models"):README.index("## Limits")]
        makers = re.findall(r"^### (\w+)\n\n\| model .*\n\|-.*\n((?:\| .*\n)+)", models, re.M)
        self.assertEqual({maker: lines.splitlines() for maker, lines in makers}, expected)
        self.assertEqual([maker for maker, _ in makers], list(expected))

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
