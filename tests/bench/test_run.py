#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run succeeds and prints its lines. The values of the figures are not tested here."""

import os
import pathlib
import subprocess
import unittest

RUN = pathlib.Path(__file__).resolve().with_name("run")


class TestRun(unittest.TestCase):
    def figures(self, *options):
        done = subprocess.run([RUN, "--quick", "--build", os.environ["TALLY_BUILD"], *options], text=True,
                              stdout=subprocess.PIPE, check=True)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def test_every_line_has_a_figure_its_value_unit_limit_and_verdict(self):
        lines = self.figures()
        for line in lines:
            self.assertEqual(len(line), 5, line)
            float(line[1])
            self.assertRegex(line[3], r"^(-|(<|<=|=|>=) [0-9.]+)$", line)
            self.assertIn(line[4], ("pass", "fail"), line)
        groups = {line[0].split(".")[0] for line in lines}
        self.assertLessEqual({"line", "gateway", "field", "scale", "truth", "store", "query", "retention", "requests"},
                             groups)

    def test_only_selects_a_group_or_the_figures_that_begin_with_a_name(self):
        self.assertEqual([line[0] for line in self.figures("--only", "requests")],
                         ["requests.energy_and_tariffs", "requests.power", "requests.everything"])
        self.assertEqual([line[0] for line in self.figures("--only", "requests.every")], ["requests.everything"])


if __name__ == "__main__":
    unittest.main()
