# SPDX-License-Identifier: MIT
"""One site, drawn from a seed: meters, loads, accidents, and what happens to the program. It gives the script that
store_script plays, and keeps what really flowed and what each reading really is."""

import bisect
import dataclasses
import datetime
import random
import zoneinfo

import changes
import models
from models import MWS_PER_WH

DAY = 86400
WARM_UP = 25  # readings before the first accident: what a line is shows only after some of them
QUIET = 12  # readings after the last accident, and a day: then its decisions are final


class Register:
    """One counter of a device."""

    def __init__(self, rng, row, max_w):
        self.row = row
        self.max_mw = max_w * 1000
        self.base_mw = self.max_mw >> rng.randrange(12)
        self.load_mw = self.mean_mw = self.base_mw  # the mean of the coming tick
        # it has counted for some months
        wh = rng.randrange(10 ** rng.randrange(4, 9)) + self.base_mw // 1000 * rng.randrange(1000, 20000)
        wh %= row.modulus
        if row.modulus < 2 ** 32 and rng.random() < 0.3:
            wh = row.modulus - 1 - rng.randrange(max_w * 30) % row.modulus  # it turns over soon
        self.start(wh)

    def start(self, wh):
        self.mws = wh * MWS_PER_WH
        self.line = object()  # readings with the same one follow on from each other

    def advance(self, rng, seconds):
        """Let a tick of so many seconds pass; returns what flowed, mW x s."""
        flowed = self.mean_mw * seconds
        self.mws += flowed
        if rng.random() < 0.02:
            self.load_mw = self.draw_load(rng)
        self.mean_mw = min(self.load_mw * rng.randrange(90, 111) // 100, self.max_mw)
        return flowed

    def draw_load(self, rng):
        if rng.random() < 0.15:
            return 0
        return min(self.max_mw, self.base_mw * (1 << rng.randrange(7)) // 10)

    def read(self, ahead_ms=0):
        """What it counts and what it shows, base units, ahead_ms after now."""
        counted = (self.mws + self.mean_mw * ahead_ms // 1000) // MWS_PER_WH // self.row.step * self.row.step
        return counted, counted % self.row.modulus


class Device:
    """What answers at an address."""

    def __init__(self, rng, model, number):
        self.model = model
        self.serial = f"A{number:04d}" if model.has_serial else None
        # under a ratio that is too small by the whole range of ratios its power must be possible too
        max_w = model.max_w // 64 if model.ct else model.max_w
        self.registers = {row.quantity: Register(rng, row, max_w) for row in model.rows}

    def reset(self, rng):
        for register in self.registers.values():
            wh = rng.randrange(100) if rng.random() < 0.7 else rng.randrange(10 ** rng.randrange(4, 9))
            register.start(wh * register.row.step)


@dataclasses.dataclass
class Shown:
    """One reading of one counter, as the account gets it."""

    slot: int  # by the clock of the box
    at: int  # when it was read, really
    known_at: int  # and as the program knows it: by the clock, and all that it knows that was set back by
    delay_ms: int
    value: int
    counted: int  # what its register has counted since it was new
    flow: int  # mW x s that have flowed at this name since the beginning, when it was read
    late: int  # of it, mW x s since the slot
    line: object
    good: bool
    row: models.Row  # as the configuration has it
    max_w: int
    unsure: bool  # the clock was not known to be right
    why: str = ""  # the accident that it is part of
    coarse: bool = False
    kept: bool = True  # False: it waited when the process was killed, or its slot is not after the one before


class Counter:
    """One counter of one name in the configuration: all its readings, and what flowed."""

    def __init__(self, name, quantity, row, max_w):
        self.name, self.quantity = name, quantity
        self.row = row  # as the configuration has it
        self.max_w = max_w
        self.line = object()  # its key: another one begins another line
        self.shown = []
        self.flow = 0
        self.flows = []  # (slot, flow) of every tick, with or without a reading
        self.breaks = []  # Break
        self.is_joined = False  # an order to rename it came late
        self.handovers = []  # (place in shown, the counter of the name before, how many it had shown and taken over, line)

    def has_usual_rise(self, n, period):
        """Whether what flowed in the last tick is no more than in another one of n before. (Nothing may be hidden there: all
        slots have followed each other.)"""
        last = self.flows[-n - 2:]
        if len(last) < 10 or any(b - a != period for (a, _), (b, _) in zip(last, last[1:])):
            return False
        rises = [b - a for (_, a), (_, b) in zip(last, last[1:])]
        return rises[-1] <= max(rises[:-1])

    def shown_by(self, register):
        """What a register shows by the configuration."""
        return register.read()[1] * self.row.step // register.row.step

    def has_tick(self, at):
        k = bisect.bisect_left(self.flows, (at,))
        return k < len(self.flows) and self.flows[k][0] == at

    def flow_at(self, at):
        """What had flowed at a time, mW x s; a fraction where it lies between two ticks."""
        k = bisect.bisect_left(self.flows, (at,))
        if k == 0:
            return self.flows[0][1]
        if k == len(self.flows):
            return self.flows[-1][1]
        (a, below), (b, above) = self.flows[k - 1], self.flows[k]
        return below + (above - below) * (at - a) / (b - a)


@dataclasses.dataclass
class Break:
    """Another line begins: nothing is counted from the last reading before to the first one after it, except figures."""

    slot: int  # of the tick where it happened
    kind: str
    is_announced: bool
    final: int | None = None  # base units, of the counter
    initial: int | None = None


class Meter:
    def __init__(self, name, address, device, period):
        self.name = name
        self.bus, self.address = "hall", address
        self.device = device
        self.is_mute = False  # it does not report its serial number
        self.period = period
        model = device.model
        self.ct = model.ct  # in the configuration
        self.offset = 0
        self.counters = {}
        for row in model.rows:
            of = (f"{name}-{row.quantity}", "active_energy_import") if model.pulses else (name, row.quantity)
            self.counters[row.quantity] = Counter(*of, row, 90_000 * row.step if model.pulses else model.max_w)
        self.accidents = []
        self.readings = []  # lists of (Counter, Shown), as they came

    def is_in_trouble(self, tick, readings):
        """Whether an accident is so near."""
        return any(a.first - readings <= tick < a.first + a.length + readings for a in self.accidents)

    def is_quiet(self, site):
        """Its counters have just risen by no more than they did before, all readings of the last hours were good, and the
        next ones are."""
        hours = 12 * 3600 // self.period
        return not self.is_in_trouble(site.tick, 50) and all(
            c.has_usual_rise(hours, site.period) for c in self.counters.values())

    def start_line(self):
        """Its key is another one."""
        for counter in self.counters.values():
            counter.line = object()

    def set_ratio(self, ct):
        """Configure another ratio: another key."""
        self.ct = ct
        for q, counter in self.counters.items():
            step = models.step_of_ratio(ct)
            counter.row = models.Row(q, step, 10 ** 8 * step)
            counter.max_w = 5_200 * ct


# Accidents. Each is about one or all counters of a meter, for readings [first, first + length) of the site's ticks.


class Accident:
    kind = ""
    is_single = False

    def __init__(self, site, meter, first, length):
        self.first, self.length = first, 1 if self.is_single else length
        quantities = list(meter.counters)
        self.quantities = quantities if site.rng.random() < 0.5 else [site.rng.choice(quantities)]
        self.memory = {}

    def begin(self, site, meter):
        """It happens now, before the reading of tick first."""

    def show(self, site, counter, value):
        """The value that is read in place of this one; None: no answer."""
        return value


class Flip(Accident):
    """One bit of the register is read wrongly."""

    kind = "flipped bit"
    is_single = True

    def show(self, site, counter, value):
        step = counter.row.step
        return (value // step ^ 1 << site.rng.randrange(21)) * step


class Torn(Accident):
    """The words of a register belong to different moments."""

    kind = "torn read"
    is_single = True

    def show(self, site, counter, value):
        shift = 65536 * counter.row.step
        return value - shift if site.rng.random() < 0.5 and value >= shift else value + shift


class Off(Accident):
    """Values are off by a constant."""

    sign = 1

    def show(self, site, counter, value):
        if counter not in self.memory:
            bits = site.rng.randrange(21)
            self.memory[counter] = ((1 << bits) + site.rng.randrange(1 << bits)) * counter.row.step
        return max(0, value + self.sign * self.memory[counter])


class High(Off):
    kind = "too high"


class Low(Off):
    kind = "too low"
    sign = -1


class Zeros(Accident):
    """The meter has restarted and its counters are not loaded yet."""

    kind = "zeros"

    def show(self, site, counter, value):
        return 0


class Stale(Accident):
    """A gateway answers from its memory."""

    kind = "stale value"

    def show(self, site, counter, value):
        if counter not in self.memory:
            before = [s.value for s in counter.shown[-20:] if s.good]
            self.memory[counter] = site.rng.choice(before) if before else value
        return self.memory[counter]


class Foreign(Accident):
    """The register of another unit answers."""

    kind = "foreign register"

    def show(self, site, counter, value):
        if counter not in self.memory:
            row = dataclasses.replace(counter.row)
            self.memory[counter] = Register(site.rng, row, site.rng.choice((5000, 60000, 640000)))
        register = self.memory[counter]
        register.advance(site.rng, site.period)
        return register.read()[1]


class Noise(Accident):
    """Single wrong reads, now and then."""

    kind = "noise"

    def show(self, site, counter, value):
        if site.rng.random() < 0.8:
            return value
        return site.rng.choice((0, site.rng.randrange(2 ** 32) * counter.row.step, value // 2))


class Gap(Accident):
    """No answer."""

    kind = "gap"

    def show(self, site, counter, value):
        return None


class Coarse(Accident):
    """The finer register is refused, the coarser one is read."""

    kind = "coarse register"

    def begin(self, site, meter):
        self.quantities = [q for q in self.quantities if meter.counters[q].row.coarse]


class Unsynchronised(Accident):
    """The clock of the box is not known to be right."""

    kind = "unsynchronised"


class Ratio(Accident):
    """The ratio of the transformers was wrong in the configuration, and is corrected. Or the offset of inputs is."""

    kind = "ratio or offset"
    is_single = True

    def begin(self, site, meter):
        model = meter.device.model
        if not site.is_up or not (model.ct or model.pulses):
            return
        if model.ct:
            meter.set_ratio(site.rng.choice([ct for ct in (1, 20, 80, 400) if ct != meter.ct]))
            site.start_line(meter)
        else:
            meter.offset += site.rng.randrange(1000)
        site.change_conf()


class Reset(Accident):
    """The counters of the device begin somewhere else. Nobody says so."""

    kind = "reset"
    is_single = True

    def begin(self, site, meter):
        meter.device.reset(site.rng)
        site.note_break(meter, self.kind, False)


class Exchange(Accident):
    """Another device has the address. Its serial number says so, or somebody does, at once or late, or nobody."""

    kind = "exchange"
    is_single = True

    def begin(self, site, meter):
        old = meter.device.registers
        meter.device = site.new_device(meter.device.model)
        model = meter.device.model
        # a concentrator has no figures of its own
        ways = ("at once", "late", "unannounced") if model.pulses else ("at once", "late", "with figures", "unannounced")
        how = "serial" if model.has_serial else site.rng.choice(ways)
        at = site.slot - 1
        final = initial = "-"
        if how == "with figures":
            # of the first counter, as it is configured
            final, initial = (next(iter(meter.counters.values())).shown_by(next(iter(registers.values())))
                              for registers in (old, meter.device.registers))
        if how == "serial":
            if site.is_up:
                site.report_identity(meter)
        elif how == "late":
            site.later(1 + site.rng.randrange(30), lambda: site.order(meter, at, final, initial))
        elif how != "unannounced":
            site.order(meter, at, final, initial)
        self.kind = f"exchange, {how}"
        site.note_break(meter, self.kind, how != "unannounced")
        if how == "with figures":
            counter = next(iter(meter.counters.values()))
            counter.breaks[-1].final, counter.breaks[-1].initial = final, initial


WEIGHTS = ((Flip, 3), (Torn, 2), (High, 4), (Low, 4), (Zeros, 4), (Stale, 3), (Foreign, 4), (Noise, 2), (Gap, 3),
           (Reset, 3), (Exchange, 3), (Coarse, 3), (Unsynchronised, 1), (Ratio, 3))


def choose(weights, kinds):
    """Those of the kinds, with their weights. One of weight 0 happens only where it is asked for."""
    if kinds is None:
        return [(kind, weight) for kind, weight in weights if weight > 0]
    return [(kind, max(1, weight)) for kind, weight in weights if kind.__name__.lower() in kinds]


class Site:
    ZONES = ("UTC", "Europe/Paris", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")

    def __init__(self, seed, folder, source, kinds=None):
        self.seed = seed
        self.kinds = choose(WEIGHTS, kinds)
        self.rng = rng = random.Random(seed)
        self.more = random.Random(f"{seed} changes")
        self.folder, self.source = folder, source
        self.script = []
        self.waiting = []  # readings since the last commit
        self.todo = []  # (tick, what)
        self.zone = rng.choice(self.ZONES)
        self.zones = [(0, self.zone)]  # slot from which it holds
        self.interval_s = self.longest_s = rng.choice((900, 900, 900, 900, 300, 600, 1800, 3600))
        self.period, days = rng.choice(((900, 6), (900, 5), (900, 4), (900, 4), (300, 3), (600, 4), (60, 2.2)))
        self.n_ticks = int(days * DAY / self.period)
        self.start = self.draw_start()
        self.slot = self.now = self.start  # by the clock of the box, and really
        self.step_s = 0  # the clock is set by so much before the next slot
        self.written = self.past = 0  # newest slot in the database, and when the program started
        self.newest_ms = 0  # when that reading was taken
        self.known_ms = 0  # all that the clock was set back by since then, as far as the program knows
        self.written_known_ms = 0  # the same, as far as it is stored
        self.back_s = 0  # and since the beginning
        self.behind_ms = 0  # so far the clock was set back before the program started, as far as it can know
        self.tick = 0
        self.devices = self.n_confs = 0
        self.hosts = {"hall": "127.0.0.1", "cellar": "127.0.0.1"}
        self.kill_in_doubt = 0  # share of ticks after a false reading at which it is killed
        self.calm_until = 0  # nothing happens to the program up to this tick
        self.is_up = False
        self.commit_every = rng.choice((1, 5, 20, 60))
        self.trouble = rng.choice((0, 0, 0.002, 0.01))  # kills, restarts and reloads for each tick
        self.models = [models.draw(rng, f"own-{k}") for k in range(rng.choice((1, 1, 2)))]
        n_meters = 1 if self.period < 300 else rng.choice((1, 1, 2, 3))
        self.meters = [Meter(f"m{k}", k + 1, self.new_device(rng.choice(self.models)), self.period)
                       for k in range(n_meters)]
        for meter in self.meters:
            self.draw_accidents(meter)
        self.counters = [c for m in self.meters for c in m.counters.values()]  # of all names
        self.changes = []  # that have happened
        self.draw_changes(choose(changes.WEIGHTS, kinds))

    def draw_start(self):
        """A local midnight and some hours, often before the clocks change or a month ends."""
        day = self.rng.choice((datetime.date(2025, 3, 28), datetime.date(2025, 10, 24), datetime.date(2025, 1, 30),
                               datetime.date(2025, 4, 4), datetime.date(2025, 6, 10), datetime.date(2025, 12, 30)))
        at = datetime.datetime.combine(day, datetime.time(), zoneinfo.ZoneInfo(self.zone))
        return int(at.timestamp()) + self.rng.randrange(DAY // self.period) * self.period

    def draw_accidents(self, meter):
        rng = self.rng
        n = rng.choice((0, 1, 1, 1, 2, 2, 3, 4)) if self.kinds else 0
        last = self.n_ticks - DAY // self.period - QUIET - 40
        longest = min(40, DAY // 2 // self.period)
        at = WARM_UP + rng.randrange(max(1, last - WARM_UP))
        at = min(at, WARM_UP + rng.randrange(100)) if n > 1 else at
        for _ in range(n):
            kind = rng.choices(*zip(*self.kinds))[0]
            if at >= last:
                break
            accident = kind(self, meter, at, 1 + rng.randrange(longest))
            meter.accidents.append(accident)
            at += accident.length + QUIET + rng.randrange(150)

    def draw_changes(self, weights):
        rng = self.more
        last = self.n_ticks - DAY // self.period - QUIET - 40
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3)) if weights else 0):
            change = rng.choices(*zip(*weights))[0]()
            self.when_up(WARM_UP + rng.randrange(last - WARM_UP), lambda change=change: self.begin_change(change))

    def begin_change(self, change):
        self.changes.append(change)
        change.begin(self)

    # What accidents do to the site.

    def new_device(self, model):
        self.devices += 1
        return Device(self.rng, model, self.devices)

    def start_line(self, meter):
        """Its key is another one."""
        meter.start_line()
        self.note_break(meter, "key", True)

    def hand_over(self, meter, name):
        """The meter is read under another name from now on."""
        known = {(c.name, c.quantity): c for c in self.counters}
        meter.name = name
        for q, old in meter.counters.items():
            new = known.get((name, old.quantity))
            if new is None:
                new = Counter(name, old.quantity, old.row, old.max_w)
                new.line = old.line
                self.counters.append(new)
            else:
                new.line = object()
                new.row, new.max_w = old.row, old.max_w
                new.breaks.append(Break(self.slot, "another name", True))
            new.flow, new.flows = old.flow, list(old.flows)
            new.handovers.append((len(new.shown), old, len(old.shown), len(old.handovers), new.line))
            meter.counters[q] = new
        self.change_conf()

    def join(self, meter, old_name):
        """The order that this meter is the one that had the old name comes late."""
        if any(not c.handovers or c.handovers[-1][1].name != old_name for c in meter.counters.values()):
            return  # it has had other names since
        self.script.append(f"rename {old_name} {meter.name}")
        for counter in meter.counters.values():
            old = counter.handovers[-1][1]
            counter.is_joined = True
            counter.handovers = old.handovers
            counter.shown[:0] = old.shown
            counter.breaks[:0] = old.breaks
            self.counters.remove(old)
        self.change_conf()

    def speak(self, meter):
        """The meter reports its serial number."""
        meter.is_mute = False
        if self.is_up:
            self.report_identity(meter)

    def note_break(self, meter, kind, is_announced):
        for counter in meter.counters.values():
            counter.breaks.append(Break(self.slot, kind, is_announced))

    def later(self, ticks, what):
        self.todo.append((self.tick + ticks, what))

    def when_up(self, ticks, what):
        """Do it so much later, when the program runs."""
        self.later(ticks, lambda: what() if self.is_up else self.when_up(1, what))

    def pause(self, ticks):
        """The program is stopped for so long."""
        self.script.append("stop")
        self.note_written()
        self.is_up = False
        if ticks == 0:
            self.begin()
        else:
            self.later(ticks, self.begin)

    def order(self, meter, at, final, initial):
        if not self.is_up:
            self.later(1, lambda: self.order(meter, at, final, initial))
            return
        self.script.append(f"replace {meter.name} {at} {final} {initial}")

    def report_identity(self, meter):
        if meter.device.serial is not None and not meter.is_mute:
            self.script.append(f"serial {meter.name} {meter.device.serial}")

    # The files.

    def write_files(self):
        self.write_conf()

    def write_conf(self):
        """Write the configuration as it is now, into a folder of its own."""
        self.n_confs += 1
        (self.conf_folder / "bus.d").mkdir(parents=True)
        (self.conf_folder / "drivers").mkdir()
        for model in self.models:
            if model.table:
                (self.conf_folder / "drivers" / f"{model.name}.ini").write_text(model.table)
        (self.conf_folder / "tallyd.ini").write_text(
            f"[store]\npath = {self.folder}/t.db\ndurability = normal\ninterval = {self.interval_s}s\n"
            f"timezone = {self.zone}\n[drivers]\npath = {self.conf_folder}/drivers:{self.source}/drivers\n")
        for bus in {meter.bus for meter in self.meters}:
            (self.conf_folder / "bus.d" / f"{bus}.ini").write_text(self.bus_text(bus))

    def bus_text(self, bus):
        text = f"[bus]\ntransport = tcp\nhost = {self.hosts[bus]}\nport = {502 + (bus == 'cellar')}\nenergy_every = {self.period}s\n"
        for meter in [m for m in self.meters if m.bus == bus]:
            model = meter.device.model
            text += f"[meter {meter.name}]\nmodel = {model.name}\naddress = {meter.address}\n"
            if model.name.startswith("conto"):
                text += "confirmed = yes\n"
            if model.ct:
                text += f"ct = {meter.ct * 5}/5\n"
            if model.pulses:
                for number, counter in enumerate(meter.counters.values()):
                    text += (f"[input {counter.name}]\nconcentrator = {meter.name}\ninput = {number + 1}\n"
                             f"pulse = {counter.row.step} Wh\noffset = {meter.offset} Wh\n")
        return text

    @property
    def conf_folder(self):
        return self.folder / f"conf-{self.n_confs}"

    def change_conf(self):
        """Write the files again, and let the program take them: by a reload or a restart."""
        self.write_conf()
        if self.rng.random() < 0.5:
            self.script.append(f"reload {self.conf_folder}")
        else:
            self.script.append("stop")
            self.note_written()
            self.is_up = False
            self.begin()
        self.note_written()

    # The run of time.

    def make(self):
        """Make the script of everything."""
        self.script.append(f"clock {self.start - 5}")
        self.begin()
        for self.tick in range(self.n_ticks):
            if self.tick > 0:
                self.pass_time()
            self.note_flow()
            self.make_trouble()
            due = [t for t in self.todo if t[0] <= self.tick]
            self.todo = [t for t in self.todo if t[0] > self.tick]
            for _, what in due:
                what()
            for meter in self.meters:
                for accident in meter.accidents:
                    if accident.first == self.tick:
                        accident.begin(self, meter)
                if self.is_up:
                    self.read(meter)
            self.script.append(f"clock {self.slot + self.period // 2}")
            if self.is_up and self.rng.random() < 1 / self.commit_every:
                self.commit()
        self.begin()
        self.commit()
        for meter in self.meters:
            drop_repeated(meter)
        for counter, firsts in [(c, find_firsts(c)) for c in self.counters]:
            for place, shown in reversed(firsts):
                counter.shown.insert(place, shown)

    def pass_time(self):
        """Until the next slot. A step of the clock moves that."""
        seconds = self.period
        if self.step_s == 0:
            self.slot += self.period
        else:
            passed = self.period * 3 // 4
            before, after = self.slot + passed, self.slot + passed + self.step_s
            self.script.append(f"clock {before}")
            if self.behind_ms > 0:
                self.behind_ms = max(0, self.behind_ms - self.step_s * 1000)
            elif self.step_s < 0 and self.is_up:
                self.note_back(before * 1000, -self.step_s * 1000)
            self.script.append(f"clock {after}")
            self.slot = after // self.period * self.period + self.period
            seconds = passed + self.slot - after
            self.step_s = 0
        self.now += seconds
        for meter in self.meters:
            for q, register in meter.device.registers.items():
                counter = meter.counters[q]
                flowed = register.advance(self.rng, seconds)
                counter.flow += flowed * counter.row.step // register.row.step

    def note_back(self, at_ms, back_ms):
        """The program knows that the clock was set back."""
        self.script.append(f"back {at_ms} {back_ms}")
        self.known_ms += back_ms
        self.back_s += back_ms // 1000

    def forget_back(self):
        """It was killed before it had stored that."""
        self.back_s -= (self.known_ms - self.written_known_ms) // 1000
        self.known_ms = self.written_known_ms

    def newest_slot(self):
        return max(counter.flows[-1][0] for meter in self.meters for counter in meter.counters.values())

    def note_flow(self):
        for meter in self.meters:
            for counter in meter.counters.values():
                # of a time that comes twice, the first time
                if not counter.flows or self.slot > counter.flows[-1][0]:
                    counter.flows.append((self.slot, counter.flow))

    def make_trouble(self):
        if not self.is_up:
            return
        what = self.rng.choice(("kill", "kill", "stop", "reload")) if self.rng.random() < self.trouble else None
        if self.kill_in_doubt > 0 and self.is_in_doubt() and self.more.random() < self.kill_in_doubt:
            what = "kill"
        if what is None or self.tick <= self.calm_until:
            return
        self.script.append(f"reload {self.conf_folder}" if what == "reload" else what)
        if what == "kill":
            for shown in self.waiting:
                shown.kept = False
            self.forget_back()
        self.note_written()
        if what == "reload":
            return
        self.is_up = False
        self.later(self.rng.choice((0, 0, 1, 3, 20)), self.begin)

    def is_in_doubt(self):
        """One of the last readings was false."""
        return any(not s.good for m in self.meters for c in m.counters.values() for s in c.shown[-4:])

    def begin(self):
        if self.is_up:
            return
        self.script.append(f"start {self.conf_folder}")
        self.is_up = True
        self.past = self.written
        self.behind_ms = self.newest_ms - self.known_ms - self.slot * 1000
        if self.behind_ms < 2000:
            self.behind_ms = 0
        for meter in self.meters:
            self.report_identity(meter)

    def commit(self):
        self.script.append("commit")
        self.note_written()

    def note_written(self):
        """Nothing waits any more."""
        for shown in self.waiting:
            if shown.kept and shown.slot > self.written:
                self.written, self.newest_ms, self.known_ms = shown.slot, 0, 0
            if shown.kept and shown.slot == self.written:
                self.newest_ms = max(self.newest_ms, shown.slot * 1000 + shown.delay_ms)
        self.waiting = []
        self.written_known_ms = self.known_ms

    def read(self, meter):
        delay_ms = self.rng.choice((120, 120, 120, 500, 3000, self.period * 600))
        quality = "late" if delay_ms * 2 > self.period * 1000 else "good"
        # as the program itself finds out (intake.h)
        if self.slot + delay_ms / 1000 + 2 < self.past:
            quality = "unsynchronised"
        elif self.behind_ms > 0:
            self.note_back(self.newest_ms, self.behind_ms)
            self.behind_ms = 0
        words, reading = [], []
        for q, counter in meter.counters.items():
            register = meter.device.registers[q]
            counted, right = (v * counter.row.step // register.row.step for v in register.read(delay_ms))
            value, why, is_coarse = right, "", False
            for accident in meter.accidents:
                if accident.first <= self.tick < accident.first + accident.length and q in accident.quantities:
                    value = accident.show(self, counter, value)
                    why = accident.kind
                    is_coarse |= isinstance(accident, Coarse)
                    quality = "unsynchronised" if isinstance(accident, Unsynchronised) else quality
                    if value is None:
                        break
            if value is None:
                continue
            late = register.mean_mw * delay_ms // 1000 * counter.row.step // register.row.step
            good = value == right
            if is_coarse and good:
                value, counted = (v // counter.row.coarse * counter.row.coarse for v in (value, counted))
            delay_s = delay_ms // 1000
            shown = Shown(self.slot, self.now + delay_s, self.slot + self.back_s + delay_s, delay_ms, value, counted, counter.flow + late, late, (register.line, counter.line),
                          good, counter.row, counter.max_w, quality == "unsynchronised", why, is_coarse)
            counter.shown.append(shown)
            self.waiting.append(shown)
            reading.append((counter, shown))
            mark = "~" if is_coarse else ""
            words.append(f"{q}{mark}={value // counter.row.step if meter.device.model.pulses else value}")
        if words:
            meter.readings.append(reading)
            if meter.device.model.counter_max:
                words.append(f"counter_max={meter.device.model.counter_max}")
            self.script.append(f"reading {meter.name} {self.slot} {quality} {delay_ms} {' '.join(words)}")


def drop_repeated(meter):
    """Only readings whose slot is after the one before count. An input is a meter of its own."""
    last = {}
    for reading in meter.readings:
        for counter, shown in reading:
            shown.kept &= shown.slot > last.get(counter if meter.device.model.pulses else meter, 0)
        for counter, shown in reading:
            if shown.kept:
                last[counter if meter.device.model.pulses else meter] = shown.slot


def find_firsts(counter):
    """Where a name took over, its first reading is the last one of the name before: (place in shown, reading)."""
    found = []
    for place, old, n, n_before, line in counter.handovers:
        last = find_last(old, n, n_before)
        if last is not None:
            found.append((place, dataclasses.replace(last, line=(last.line[0], line))))
    return found


def find_last(counter, n, n_handovers):
    """The last reading of a name of the first n; of one without any, that of the name that it had taken over from."""
    last = [s for s in counter.shown[:n] if s.kept and s.good][-1:]
    if not last and n_handovers > 0:
        _, old, n, n_before, _ = counter.handovers[n_handovers - 1]
        return find_last(old, n, n_before)
    return last[0] if last else None
