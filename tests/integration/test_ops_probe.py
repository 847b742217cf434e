# SPDX-License-Identifier: MIT
"""tally probe: what the installer sees of a meter beside its display."""

import unittest

from simsite import Site


class TestProbe(Site):
    def setUp(self):
        super().setUp()
        bus = self.write_gateway("response_timeout = 200ms\nretries = 0\n"
                                 "[meter wrong]\nmodel = countis-e43\naddress = 4\n"
                                 "[meter right]\nmodel = countis-e04\naddress = 5\n"
                                 "[meter pulses]\nmodel = conto-d4cr8\naddress = 12\nconfirmed = yes\n"
                                 "[input gas]\nconcentrator = pulses\ninput = 2\npulse = 0.01 m3\n")
        self.start_sim(bus + "pace = no\n" + "".join(
            f"[meter {name}]\nbus = gateway\nmodel = {model}\naddress = {address}\n"
            for name, model, address in (("e04", "countis-e04", 4), ("e04b", "countis-e04", 5),
                                         ("conto", "conto-d4-s", 6), ("d4cr8", "conto-d4cr8", 12),
                                         ("b30", "diris-b30", 7))))

    def test_a_meter_of_another_model_fails_the_probe(self):
        for arguments in (("wrong",), ("gateway", "4", "countis-e43")):
            ran = self.tally("probe", *arguments)
            self.assertEqual(ran.returncode, 1, ran.stdout)
            self.assertRegex(ran.stderr, r'^(wrong|probe): not a countis-e43: '
                                         r'product_name is "[^"]*", expected "Countis E43"; write model = countis-e\d\d( or countis-e\d\d)*\n$')
        ran = self.tally("probe", "right")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), ran.stdout)

    def test_missing_ratios_are_requested(self):
        ran = self.tally("probe", "gateway", "6", "conto-d4-s")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertIn("\nct and vt are 1/1: if the meter has transformers, first set their ratios in "
                      f"{self.etc}/bus.d/gateway.ini\n", ran.stdout)
        self.assertNotIn("ct and vt", self.tally("probe", "right").stdout)

    def test_words_of_a_rest_and_of_a_sign_are_beside_those_of_the_value(self):
        self.control("load", "b30", "0")
        self.control("set", "b30", "active_energy_import", "1234567 Wh")
        self.control("set", "conto", "active_power", "-1500 W")
        ran = self.tally("probe", "gateway", "7", "diris-b30")
        self.assertRegex(ran.stdout, r"\nactive_energy_import +19843 0x4D83  0000 04D2 \+ 1626 +1234.567 kWh +vendor table\n")
        ran = self.tally("probe", "gateway", "6", "conto-d4-s")
        self.assertRegex(ran.stdout, r"\nactive_power +\d+ 0x[0-9A-F]{4}  0002 49F0 sign 0001 +-1500.000 W ")

    def test_requests_after_a_silence_are_reported_as_not_asked(self):
        ran = self.tally("probe", "gateway", "77", "countis-e04")
        self.assertEqual(ran.returncode, 1)
        self.assertEqual(ran.stdout.count("not asked"), 3, ran.stdout)

    def test_what_came_beside_an_answer_is_named(self):
        self.control("fault", "e04b", "echo", "100%")
        ran = self.tally("probe", "right")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), ran.stdout)
        self.assertRegex(ran.stdout, r"\nfunction 3 .* ms  answered, dropped: echo of the request\n")

    def test_names_that_cannot_be_probed_get_a_hint(self):
        for arguments, message in ((("gas",), '"gas" is a pulse input; use its meter "pulses"\n'),
                                   (("rigth",), f'no meter "rigth" in {self.etc}; did you mean "right"?\n'),
                                   (("gateway", "5", "countis-e444"), '; did you mean "countis-e44"?\n')):
            self.assert_tally_fails(("probe", *arguments), 1, message)


if __name__ == "__main__":
    unittest.main()
