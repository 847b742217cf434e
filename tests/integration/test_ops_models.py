# SPDX-License-Identifier: MIT
"""tally models: the register tables, as an installer reads them."""

import unittest

from simsite import BUILD, SOURCE, Site
from terminal import Terminal


class TestModels(Site):
    def test_every_model_is_listed_with_its_provenance(self):
        ran = self.tally("models")
        lines = ran.stdout.splitlines()
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertEqual(lines[0].split(), ["MODEL", "VENDOR", "PROVENANCE", "VERIFIED", "TITLE"])
        self.assertEqual({line.split()[0] for line in lines[1:]}, {p.stem for p in (SOURCE / "drivers").glob("*.ini")})

    def test_the_models_of_a_maker_are_listed_together(self):
        for model, vendor in (("zz-1", "alpha"), ("aa-1", "Beta"), ("bb-2", "Alpha"), ("cc-1", "Gamma"), ("aa-2", "beta")):
            self.write(f"own/{model}.ini", (SOURCE / "drivers/countis-e43.ini").read_text()
                       .replace("= Socomec\n", f"= {vendor}\n"))
        self.write("etc/tallyd.ini", f"[drivers]\npath = {self.dir}/own\n")
        self.assertEqual([line.split()[:2] for line in self.tally("models").stdout.splitlines()[1:]],
                         [["bb-2", "Alpha"], ["zz-1", "alpha"], ["aa-1", "Beta"], ["aa-2", "beta"], ["cc-1", "Gamma"]])

    def test_a_model_is_shown_with_its_addresses_and_the_weight_of_a_count(self):
        ran = self.tally("models", "countis-e13")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("line:       address 1 to 247, function 3, speeds: 1200 2400 4800 9600", ran.stdout)
        self.assertRegex(ran.stdout, r"\nactive_energy_import +50946  0xC702  u32 +0.01 kWh +energy +sibling\n")
        self.assertRegex(ran.stdout, r"\nactive_power +50536  0xC568  s32 +10 W +power ")
        self.assertRegex(ran.stdout, r"\nproduct_name +50058  0xC38A  text:8 +identity ")
        ran = self.tally("models", "conto-d4-s", "--baud", "19200")
        self.assertRegex(ran.stdout, r"\noperating_time +840  0x0348  u32 +1 s ")
        self.assertIn("\n@power depends on the product of the transformer ratios, CT x VT\n"
                      "  below 5000      0.01\n  else            1\n", ran.stdout)
        self.assertIn(" ms at 19200 baud\n", ran.stdout)

    def test_drivers_path_is_used_even_with_a_wrong_configuration(self):
        self.write("own/countis-e43.ini", (SOURCE / "drivers/countis-e43.ini").read_text()
                   .replace("Socomec COUNTIS E43", "Ours"))
        self.write("etc/tallyd.ini", f"[store]\ncommit_intervall = 1s\n[drivers]\npath = {self.dir}/own\n")
        ran = self.tally("models")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertEqual(ran.stdout.splitlines()[1].split(), ["countis-e43", "Socomec", "transcription", "none", "Ours"])

    def test_models_are_listed_without_a_configuration(self):
        ran = self.run_program("tally", "-c", self.dir / "none", "models")
        self.assertIn("countis-e43", ran.stdout + ran.stderr)

    def test_the_table_fits_a_narrow_terminal(self):
        shown, code = Terminal([BUILD / "tally", "-c", self.etc, "models"], columns=40).end()
        self.assertEqual(code, 0)
        self.assertLessEqual(max(map(len, shown.splitlines())), 40)

    def test_wrong_usage_is_reported(self):
        for arguments, code, message in ((("--baud", "x"), 2, "--baud x is not valid; use 300 to 4000000"),
                                         (("a", "b"), 2, 'unexpected argument "b" after MODEL'),
                                         (("countis-e34x",), 1, '; did you mean "countis-e34"?'),
                                         (("abacus",), 1, '"tally models" lists all')):
            self.assert_tally_fails(("models", *arguments), code, message)


if __name__ == "__main__":
    unittest.main()
