# SPDX-License-Identifier: MIT
"""The site that several tests run: an RTU line with three models, a gateway with one."""

from simsite import Site, free_port


class SampleSite(Site):
    def site(self, port):
        return f"""
[bus line]
transport = rtu
path = {self.dir}/tty
baud = 9600
[bus gateway]
transport = tcp
port = {port}
[meter e43]
bus = line
model = countis-e43
address = 5
tariffs = 00:00 2, 06:00 1, 22:00 2
base = 4 kW
peak = 30 kW
[meter conto]
bus = line
model = conto-d4-s
address = 6
ct = 100/5
base = 2 kW
[meter pulses]
bus = line
model = conto-d4cr8
address = 12
input_1 = 36000
input_2 = 72000
turnaround = 20ms
[meter e44]
bus = gateway
model = countis-e44
address = 7
base = 20 kW
pf = -0.8
tariffs = 00:00 3
"""

    def configure(self, port):
        periods = "energy_every = 3s\npower_every = 3s\n"
        self.write("etc/bus.d/line.ini", f"""
[bus]
transport = rtu
device = {self.dir}/tty
baud = 9600
{periods}
[meter e43]
model = countis-e43
address = 5
[meter conto]
model = conto-d4-s
address = 6
ct = 100/5
confirmed = yes
[meter pulses]
model = conto-d4cr8
address = 12
confirmed = yes
[input lighting]
concentrator = pulses
input = 1
pulse = 10 Wh
offset = 81234.5 kWh
[input gas]
concentrator = pulses
input = 2
pulse = 0.01 m3
""")
        self.write("etc/bus.d/gateway.ini", f"""
[bus]
transport = tcp
host = 127.0.0.1
port = {port}
{periods}
[meter e44]
model = countis-e44
address = 7
""")

    def start_site(self):
        port = free_port()
        self.configure(port)
        self.start_sim(self.site(port))
        self.start_daemon()
