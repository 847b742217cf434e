# SPDX-License-Identifier: MIT
"""The completion of the shell and the manual page agree with the options of tally."""

import re
import subprocess
import unittest

from simsite import BUILD, SOURCE, Site


class TestCompletion(Site):
    def setUp(self):
        super().setUp()
        self.write("etc/bus.d/workshop.ini", """
[bus]
transport = tcp
host = 127.0.0.1
[meter main]
model = countis-e44
address = 7
 [ meter  pulses ]
model = conto-d4cr8
address = 12
confirmed = yes
[input gas]
concentrator = pulses
input = 1
pulse = 0.01 m3
""")

    def completed(self, *words):
        script = (f'. {SOURCE}/daemon/tally/tally.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tally; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        ran = subprocess.run(["bash", "-c", script, "bash", BUILD / "tally", *words], capture_output=True, text=True)
        self.assertEqual(ran.stderr, "")
        return ran.stdout.split()

    def commands(self):
        return [line.split()[0] for line in self.tally("--help").stdout.splitlines()
                if line.startswith("  ") and not line.startswith("  -")]

    def options(self, command):
        """Long options of the command, as its help has them."""
        return {o for o in re.findall(r"(?<!\S)--[a-z]+", self.tally(command, "--help").stdout) if o != "--help"}

    def test_commands_are_completed(self):
        self.assertEqual(set(self.completed("")) - {"-c", "--help", "--version"}, set(self.commands()))
        self.assertEqual(self.completed("sta"), ["status"])

    def test_the_options_of_each_command_are_completed(self):
        for command in self.commands():
            with self.subTest(command=command):
                self.assertEqual(set(self.completed(command, "--")) - {"--help"}, self.options(command))

    def test_the_names_of_the_configuration_are_completed(self):
        c = ("-c", str(self.etc))
        self.assertEqual(self.completed(*c, "probe", ""), ["main", "pulses", "workshop"])
        self.assertEqual(self.completed(*c, "probe", "workshop", "7", "countis-e2"),
                         ["countis-e23", "countis-e24", "countis-e27", "countis-e28"])
        self.assertEqual(self.completed(*c, "scan", "w"), ["workshop"])
        self.assertEqual(self.completed(*c, "replace", "g"), ["gas"])
        self.assertEqual(self.completed(*c, "report", "--meter", ""), ["main", "pulses", "gas"])
        self.assertEqual(self.completed(*c, "export", "month"), ["monthly", "monthly_tariff", "monthly_gas"])
        self.assertEqual(self.completed(*c, "models", "conto-d4-s"), ["conto-d4-s", "conto-d4-sh"])
        self.assertEqual(self.completed("-c", str(self.dir / "e")), [str(self.etc)])

    def test_the_manual_has_every_command_and_option(self):
        manual = (SOURCE / "daemon/tally.1").read_text()
        for command in self.commands():
            self.assertIn(f".It Ic {command}", manual)
            for option in self.options(command):
                self.assertRegex(manual, rf"Fl -{option[2:]}\b")

    def test_the_manual_names_every_view(self):
        manual = (SOURCE / "daemon/tally.1").read_text()
        for view in re.findall(r"\w+", self.tally("export", "--help").stdout.split("VIEW is ")[1].split(".\n")[0]):
            if view != "or":
                self.assertRegex(manual, rf"\b{view}\b")


if __name__ == "__main__":
    unittest.main()
