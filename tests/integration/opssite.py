# SPDX-License-Identifier: MIT
"""A small site that has run for a while, and its database: the start of the tests of tally's reports."""

from simsite import Site


class OpsSite(Site):
    ZONE = "Europe/Paris"

    def setUp(self):
        super().setUp()
        self.write("etc/tallyd.ini", self.tallyd_ini(f"timezone = {self.ZONE}\n"))
        bus = self.write_gateway("""
[meter e44]
model = countis-e44
address = 7
label = Main; "hall" A, 2,5 MW
[meter pulses]
model = conto-d4cr8
address = 12
confirmed = yes
[input gas]
concentrator = pulses
input = 2
pulse = 0.01 m3
""")
        self.site = bus + """
[meter e44]
bus = gateway
model = countis-e44
address = 7
base = 20 kW
tariffs = 00:00 3
[meter pulses]
bus = gateway
model = conto-d4cr8
address = 12
input_2 = 72000
turnaround = 2ms
"""

    def run_for_a_while(self):
        """Start, wait for some readings of each kind, stop the daemon."""
        self.start_sim(self.site)
        self.start_daemon()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'e44'", 4)
        self.wait_rows("SELECT * FROM pulse WHERE meter = 'gas'", 4)
        self.assertEqual(self.stop_daemon(), 0)
