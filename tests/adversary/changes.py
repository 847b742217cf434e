# SPDX-License-Identifier: MIT
"""What happens to a whole site, apart from the accidents of its meters: to the clock, the configuration, the names, the serial
numbers. Each happens at one tick of the site. They are drawn from a source of their own, so that a site without them is the
same as before there were any."""

import dataclasses
import re

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
        site.write_conf()
        site.pause(site.more.choice((0, 1, 20)))  # a reload does not change it
        site.zones.append((site.written, site.zone))  # it holds after the last reading


class Interval(Change):
    """Another length of the intervals."""

    kind = "interval length"

    def begin(self, site):
        site.interval_s = site.more.choice((300, 600, 900, 1800, 3600))
        site.longest_s = max(site.longest_s, site.interval_s)
        site.change_conf()


class Moved(Change):
    """A meter has another place: a bus, an address, or a host, which is none. One with a serial number proves that it is the
    same one, unless it keeps that to itself for more than an hour."""

    kind = "place"

    def begin(self, site):
        rng = site.more
        meter = rng.choice(site.meters)
        what = rng.choice(("bus", "address", "host"))
        self.kind = f"place, {what}"
        if what == "host":
            site.hosts[meter.bus] = "127.0.0.2"
        elif what == "bus":
            meter.bus = "cellar" if meter.bus == "hall" else "hall"
        else:
            meter.address += 20
        proof = what == "host" or (meter.device.serial is not None and rng.random() < 0.8)
        if not proof:
            self.kind += ", not proved"
            site.start_line(meter)
        meter.is_mute = what != "host"
        site.change_conf()
        site.later(rng.randrange(1 + 2000 // site.period) if proof else 2 + 5400 // site.period,
                   lambda: site.speak(meter))


class Swapped(Change):
    """The addresses of two meters are exchanged in the configuration, and corrected later."""

    kind = "addresses exchanged"

    def begin(self, site):
        rng = site.more
        pairs = [(a, b) for a in site.meters for b in site.meters if a is not b and a.device.model is b.device.model
                 and a.ct == b.ct]
        if not pairs:
            return
        a, b = rng.choice(pairs)
        self.swap(site, a, b)
        site.when_up(6 + 7200 // site.period + rng.randrange(60), lambda: self.swap(site, a, b))

    def swap(self, site, a, b):
        a.bus, a.address, b.bus, b.address = b.bus, b.address, a.bus, a.address
        a.device, b.device = b.device, a.device
        for meter in (a, b):
            site.start_line(meter)
            meter.is_mute = True
        site.change_conf()
        for meter in (a, b):
            site.later(site.more.randrange(1 + 2000 // site.period), lambda meter=meter: site.speak(meter))


class Nothing(Change):
    """A meter reports a serial number that says nothing, or another one that is corrected before it is read."""

    kind = "serial noise"

    def begin(self, site):
        for meter in site.meters:
            if meter.device.serial is not None:
                site.script += [f"serial {meter.name} {text}" for text in
                                site.more.sample(("0", "0000000", "FFFFFFFF", "4294967295", "65535", "   "), 2)]
                if site.more.random() < 0.5:
                    site.script += [f"serial {meter.name} X1", f"serial {meter.name} {meter.device.serial}"]


class Renumbered(Change):
    """A meter has another serial number, or reports a wrong one for a while, and its counters continue."""

    kind = "serial number, counters continue"

    def begin(self, site):
        self.change(site, [m for m in site.meters if m.device.serial is not None],
                    site.more.choice((1, 1, 2)), site.more.randrange(1, 30))

    def change(self, site, meters, times, ticks):
        """So many times, with so many readings between."""
        meters = [m for m in meters if m.device.serial is not None and not m.is_mute and m.is_quiet(site)]
        if not meters or not site.is_up:
            return
        meter = site.more.choice(meters)
        meter.device.serial = f"B{site.tick}" if times == 1 or meter.device.serial[0] != "B" else f"A{site.tick}"
        site.report_identity(meter)
        site.calm_until = site.tick + 1
        site.later(1, site.commit)  # the next start asks the meter again, and it has become another one meanwhile
        if times > 1:
            site.later(ticks, lambda: self.change(site, [meter], times - 1, ticks))


class InTurns(Change):
    """The serial number of a meter changes with each reading: a device between answers in its place now and then."""

    kind = "serial number in turns"

    def begin(self, site):
        meters = [m for m in site.meters if m.device.serial is not None and not m.is_mute and m.is_quiet(site)]
        if meters and site.period <= 900:
            self.turn(site, site.more.choice(meters), site.more.randrange(3, 12))

    def turn(self, site, meter, times):
        if site.is_up and meter.is_quiet(site):  # with a leap at the same time it is another meter (T5)
            meter.device.serial = "C" + meter.device.serial if meter.device.serial[0] != "C" else meter.device.serial[1:]
            site.report_identity(meter)
            site.calm_until = site.tick + 1
        if times > 1:
            site.later(1, lambda: self.turn(site, meter, times - 1))


class Renamed(Change):
    """A meter or input gets another name in the configuration and keeps its history by an order; perhaps the old one again."""

    kind = "renamed"

    def begin(self, site):
        meter = site.more.choice(site.meters)
        counter = site.more.choice(list(meter.counters.values())) if meter.device.model.pulses else None
        old = counter.name if counter else meter.name
        self.rename(site, meter, counter, f"{old}-{site.tick}")
        if site.more.random() < 0.4:
            self.kind = "renamed and back"
            site.when_up(1 + site.more.randrange(150), lambda: self.rename(site, meter, counter, old))

    def rename(self, site, meter, counter, new):
        site.script.append(f"rename {counter.name if counter else meter.name} {new}")
        if counter:
            counter.name = new
        else:
            meter.name = new
            for c in meter.counters.values():
                c.name = c.name if meter.device.model.pulses else new
        site.change_conf()


class HandedOver(Change):
    """A meter gets another name without an order: the new name counts from its last reading on. Perhaps the old name comes
    back."""

    kind = "another name"

    def begin(self, site):
        meter = site.more.choice([m for m in site.meters if not m.device.model.pulses] or [None])
        if meter is not None and self.is_possible(site, meter):
            old = meter.name
            site.hand_over(meter, f"{old}-{site.tick}")
            self.follow(site, meter, old)

    @staticmethod
    def is_possible(site, meter):
        """While it is not decided which readings are good, nobody knows where the new name begins."""
        return not meter.is_in_trouble(site.tick, 50)

    def go_back(self, site, meter, old):
        if meter.name != old and self.is_possible(site, meter):
            site.hand_over(meter, old)

    def follow(self, site, meter, old):
        if site.more.random() < 0.5:
            self.kind = "another name, and back"
            site.when_up(1 + site.more.randrange(150), lambda: self.go_back(site, meter, old))


class JoinedLate(HandedOver):
    """And then the order comes. The interval in between stays estimated, until a rebuild finds both parts of it."""

    kind = "another name, ordered late"

    def follow(self, site, meter, old):
        changed = max(site.slot, site.newest_slot())  # the clock may have been set back
        site.when_up(1 + site.more.randrange(150), lambda: self.order(site, meter, old, changed))

    def order(self, site, meter, old, changed):
        """It is refused until the interval of the change has been given out."""
        if site.slot < changed + 2 * site.interval_s + 4 * site.period or not self.is_possible(site, meter):
            site.when_up(4, lambda: self.order(site, meter, old, changed))
        else:
            site.join(meter, old)


class KilledInDoubt(Change):
    """From now on the program is often killed soon after a false reading, before it is taken back."""

    kind = "kills after false readings"

    def begin(self, site):
        site.kill_in_doubt = 0.05


class Moduli(Change):
    """A register table names one more value at which a register may turn over."""

    kind = "several moduli"

    def begin(self, site):
        def add(row):
            step, modulus = int(row["step"]), int(row["modulus"]) * 10
            more = f"{modulus}{row['unit']}," if modulus // step < 2 ** 32 else ""  # its type shows no more
            return f"u32 {row['step']} {row['between']}modulus={more}{row['modulus']}{row['unit']}"

        site.models = [dataclasses.replace(m, table=re.sub(
            r"u32 (?P<step>\d+) (?P<between>.*)modulus=(?P<modulus>\d+)(?P<unit>\w+)$", add, m.table, flags=re.MULTILINE))
            for m in site.models]
        site.change_conf()


WEIGHTS = ((Clock, 3), (Offset, 2), (Zone, 2), (Interval, 2), (Moved, 2), (Swapped, 2), (Nothing, 2), (Renumbered, 2),
           (InTurns, 1),
           (Renamed, 2), (HandedOver, 2), (JoinedLate, 2), (KilledInDoubt, 2),
           (Moduli, 2))
