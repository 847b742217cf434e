# SPDX-License-Identifier: MIT
"""What happens to a whole site, apart from the accidents of its meters: to the clock, the configuration, the names, the serial
numbers. Each happens at one tick of the site. They are drawn from a source of their own, so that a site without them is the
same as before there were any."""

DAY = 86400


class Change:
    kind = ""

    def begin(self, site):
        """It happens now, before the readings of this tick, while the program runs."""


class Clock(Change):
    """The clock of the box is set, while the program runs or is stopped."""

    kind = "clock step"

    def begin(self, site):
        rng = site.more
        step = rng.choice((3, 61, 300, 1000, 3600, 7200, rng.randrange(3, DAY - 3600)))
        if rng.random() < 0.5:  # less than a day in all: a clock further back begins new lives
            site.step_s = -min(step, max(3, site.slot + DAY - 7200 - site.newest_slot()))
        else:
            site.step_s = step * rng.choice((1, 1, 1, 20))
        if rng.random() < 0.4:
            self.kind = "clock step while stopped"
            site.pause(1 + rng.randrange(8))


class Offset(Change):
    """The offset of inputs is corrected while the program is stopped."""

    kind = "offset while stopped"

    def begin(self, site):
        meters = [m for m in site.meters if m.device.model.pulses]
        if meters:
            site.more.choice(meters).offset += site.more.randrange(1000)
            site.write_conf()
            site.pause(1 + site.more.randrange(8))


class Zone(Change):
    kind = "time zone"

    def begin(self, site):
        site.zone = site.more.choice([z for z in site.ZONES if z != site.zone])
        site.zones.append((site.slot, site.zone))
        site.write_conf()
        site.pause(site.more.choice((0, 1, 20)))  # a reload does not change it


class Interval(Change):
    """Another length of the intervals."""

    kind = "interval length"

    def begin(self, site):
        site.interval_s = site.more.choice((300, 600, 900, 1800, 3600))
        site.longest_s = max(site.longest_s, site.interval_s)
        site.change_conf()


WEIGHTS = ((Clock, 3), (Offset, 2), (Zone, 2), (Interval, 2))
