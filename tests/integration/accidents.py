# SPDX-License-Identifier: MIT
"""A site with a line, drawn from a seed, and a programme of accidents for it: troubles of the line and of the meters,
several at once, kills, reloads, exchanges. What happens in it is counted in rounds: a round is over when the meters have
been asked in another second."""

import dataclasses
import random
import re
import signal
import time

from simsite import SOURCE, Site, free_port, wait_for

# The ratio of the transformers: of a meter that knows it, of one that takes it from the bus file, or none.
OWN_RATIO, GIVEN_RATIO = "ct_primary = 400\nct_secondary = 5\n", "ct = 400/5\n"
RATIO = 80
MODELS = {"countis-e13": "", "countis-e23": "", "countis-e27": "", "countis-e33": "", "countis-e43": OWN_RATIO,
          "countis-e44": OWN_RATIO, "diris-a14": OWN_RATIO, "conto-d4-s": GIVEN_RATIO, "conto-72-pt": GIVEN_RATIO,
          "conto-d4-d": ""}
PULSES = "conto-d4cr8"
MOST_PULSES = 90000  # an hour
INPUTS = (("light", "pulse = 10 Wh\n", 10), ("gas", "pulse = 0.01 m3\nkind = gas\n", 10000),
          ("water", "pulse = 1 l\nkind = water\n", 1000))  # name, keys, base units of a pulse

WARM_UP = 12  # rounds before the first accident: what a line is shows only after some readings
SPAN = 16  # rounds in which accidents begin
LONGEST = 7  # rounds of an accident
QUIET = 13  # rounds after the last one: what happened in the last ten readings is left out
RELOADED = "tallyd: configuration reloaded"


@dataclasses.dataclass
class Meter:
    name: str
    model: str
    address: int
    watts: int  # at its bottom
    inputs: tuple = ()
    has_serial: bool = False
    has_coarse: bool = False
    swaps: list = dataclasses.field(default_factory=list)  # Swap
    busy_until: int = 0  # the round from which its counters may be false again


@dataclasses.dataclass
class Swap:
    """An exchange of the meter. wall_ms: between which times."""

    from_ms: int
    until_ms: int
    before: dict  # what it showed
    after: dict
    has_figures: bool = False
    second: int = None  # with an answer of neither: after the last reading of the old meter, not after the first of the new


@dataclasses.dataclass
class Accident:
    """begin and end are called in rounds of the programme; end may be None."""

    round: int
    rounds: int
    text: str
    begin: object
    end: object = None


class LineSite(Site):
    """Draws the site, runs the programme, and leaves the database and the trace."""

    def runTest(self):
        pass

    def draw(self, seed):
        self.seed = seed
        self.rng = random.Random(seed)
        self.transport = self.rng.choice(("rtu", "tcp", "rtu-over-tcp"))
        self.speed = self.rng.choice((1, 10, 60))
        self.meters = [self.draw_meter(k) for k in range(self.rng.randint(2, 6))]
        self.meters.append(Meter("pulses", PULSES, 100, 0, INPUTS[:self.rng.randint(1, 3)]))
        self.offsets = {name: 0 for name, _, _ in self.meters[-1].inputs}
        self.programme = []
        self.faults = {}  # (target, kind): options, of those that there are now
        kinds = [getattr(self, f"draw_{name}") for name in (
            "twice", "close", "stale", "zeros", "refusal", "coarse", "serial", "kill", "reload", "offset", "load", "swap",
            "replacement")]
        for kind in self.rng.choices(kinds, k=self.rng.randint(6, 12)):
            accident = kind(WARM_UP + self.rng.randrange(SPAN), self.rng.randint(1, LONGEST))
            if accident is not None:
                self.programme.append(accident)
        self.programme.sort(key=lambda accident: accident.round)

    def draw_meter(self, k):
        model = self.rng.choice(list(MODELS))
        table = (SOURCE / "drivers" / f"{model}.ini").read_text()
        most_w = float(re.search(r"^max_power += ([\d.]+) kW", table, re.M)[1]) * 1000 * (RATIO if MODELS[model] else 1)
        watts = int(most_w / self.speed / self.rng.choice((2, 3, 6, 20, 100)))
        return Meter(f"m{k}", model, 10 + k, max(watts, 1), has_serial="\nserial_number" in table,
                     has_coarse=" fallback" in table)

    def describe(self):
        """What this site is, in lines."""
        meters = ", ".join(f"{m.name} {m.model} {m.watts} W" for m in self.meters)
        return [f"seed {self.seed}: {self.transport}, {self.speed} times as fast, {meters}",
                *(f"  round {a.round}, for {a.rounds}: {a.text}" for a in self.programme)]

    # the files

    def write_tables(self):
        """The register tables of the models, for meters that are so quick that all of them are read each second."""
        for model in (*MODELS, PULSES):
            table = (SOURCE / "drivers" / f"{model}.ini").read_text()
            table = re.sub(r"^(baud +=).*", r"\1 115200", table, flags=re.M)
            self.write(f"drivers/{model}.ini", re.sub(r"^(turnaround +=).*", r"\1 1ms", table, flags=re.M))
        return f"{self.dir}/drivers:{SOURCE}/drivers"

    def bus_file(self):
        text = (f"[bus]\ntransport = {self.transport}\nenergy_every = 1s\npower_every = 1s\nresponse_timeout = 150ms\n")
        text += f"device = {self.dir}/line\n" if self.transport == "rtu" else f"host = 127.0.0.1\nport = {self.port}\n"
        text += "" if self.transport == "tcp" else "baud = 115200\n"
        for m in self.meters:
            ratio = MODELS.get(m.model) if MODELS.get(m.model) == GIVEN_RATIO else ""
            text += f"[meter {m.name}]\nmodel = {m.model}\naddress = {m.address}\nconfirmed = yes\n{ratio}"
            for k, (name, keys, _) in enumerate(m.inputs):
                unit = "kWh" if k == 0 else "m3"
                text += f"[input {name}]\nconcentrator = {m.name}\ninput = {k + 1}\n{keys}offset = {self.offsets[name]} {unit}\n"
        return text

    def site_file(self):
        text = f"speed = {self.speed}\n[bus line]\ntransport = {self.transport}\npace = no\ngateway_timeout = 50ms\n"
        text += f"path = {self.dir}/line\n" if self.transport == "rtu" else f"port = {self.port}\n"
        for m in self.meters:
            text += (f"[meter {m.name}]\nbus = line\nmodel = {m.model}\naddress = {m.address}\nturnaround = 0\n"
                     f"{MODELS.get(m.model, '')}base = {m.watts} W\npeak = {m.watts} W\n")
            for k in range(len(m.inputs)):
                text += f"input_{k + 1} = {MOST_PULSES // self.speed // self.rng.choice((2, 5, 20))}\n"
        return text

    # accidents

    def pick(self, at, rounds, fits=lambda meter: True):
        """A meter whose counters may be false or those of another one in these rounds, or None. After them it has as many
        good readings as it needs to show which ones were false."""
        fitting = [m for m in self.meters if fits(m) and m.busy_until <= at]
        if not fitting:
            return None
        meter = self.rng.choice(fitting)
        meter.busy_until = at + 2 * rounds + WARM_UP
        return meter

    def fault(self, at, rounds, target, kind, *options):
        """A fault of the simulator, from one round to another."""
        return Accident(at, rounds, f"{kind} {' '.join(options)} of {target}",
                        lambda: self.begin_fault(target, kind, *options), lambda: self.end_fault(target, kind))

    def begin_fault(self, target, kind, *options):
        self.control("fault", target, kind, *options)
        self.faults[target, kind] = options

    def end_fault(self, target, kind):
        self.control("fault", target, kind, "0%")
        self.faults.pop((target, kind), None)

    def trouble(self, at, rounds, meter, kind, *registers):
        return self.fault(at, rounds, meter.name, kind, "100%", "1", "1h", *registers) if meter is not None else None

    def draw_twice(self, at, rounds):
        return self.fault(at, rounds, "line", "twice", f"{self.rng.choice((5, 30, 100))}%", f"{self.rng.choice((0, 1, 3, 9))}ms")

    def draw_close(self, at, rounds):
        if self.transport == "rtu":
            return None
        return self.fault(at, rounds, "line", "close-after-answer", f"{self.rng.choice((5, 30, 100))}%",
                          f"{self.rng.choice((0, 1, 3))}ms")

    def draw_stale(self, at, rounds):
        return self.trouble(at, rounds, self.pick(at, rounds), "stale-register")

    def draw_zeros(self, at, rounds):
        return self.trouble(at, rounds, self.pick(at, rounds), "zeros-after-restart")

    def draw_refusal(self, at, rounds):
        kind = f"refuse-{self.rng.choice((2, 3, 4, 6))}"
        return self.trouble(at, rounds, self.rng.choice(self.meters), kind)

    def draw_coarse(self, at, rounds):
        return self.trouble(at, rounds, self.pick_any(lambda m: m.has_coarse), "coarse-only")

    def draw_serial(self, at, rounds):
        return self.trouble(at, rounds, self.pick(at, rounds, lambda m: m.has_serial), "serial-of-zeros")

    def pick_any(self, fits):
        fitting = [m for m in self.meters if fits(m)]
        return self.rng.choice(fitting) if fitting else None

    def draw_kill(self, at, _):
        seconds = self.rng.choice((0, 0, 1, 3))
        return Accident(at, 0, f"kill -9, and {seconds} s later another start", lambda: self.restart(self.kill, seconds))

    def draw_reload(self, at, _):
        return Accident(at, 0, "reload", self.reload)

    def draw_offset(self, at, _):
        name = self.rng.choice([name for name, _, _ in self.meters[-1].inputs])
        offset, stopped = self.rng.randrange(1, 100000), self.rng.random() < 0.5
        return Accident(at, 0, f"offset of {name} {offset} while tallyd {'is stopped' if stopped else 'runs'}",
                        lambda: self.change_offset(name, offset, stopped))

    def draw_load(self, at, _):
        meter, share = self.rng.choice(self.meters[:-1]), self.rng.choice((0, 0.1, 0.5, 1.5))
        return Accident(at, 0, f"load of {meter.name} {share} of what it was",
                        lambda: self.control("load", meter.name, f"{int(meter.watts * share)}W"))

    def draw_swap(self, at, _):
        meter, quiet = self.pick(at, WARM_UP, lambda m: m.has_serial), self.rng.random() < 0.5
        if meter is None:
            return None
        return Accident(at, 0, f"exchange of {meter.name}" + (", which is silent for a moment" if quiet else ""),
                        lambda: self.exchange(meter, quiet))

    def draw_replacement(self, at, rounds):
        meter, figures, late = self.pick(at, WARM_UP), self.rng.random() < 0.5, self.rng.random() < 0.5
        if meter is None:
            return None
        figures = figures and not meter.inputs and not (late and meter.has_serial)
        text = f"exchange of {meter.name}, reported {'later ' if late else ''}with{'' if figures else 'out'} figures"
        if late:
            return Accident(at, rounds, text, lambda: self.exchange(meter, True), lambda: self.report(meter, figures))
        return Accident(at, 0, text, lambda: self.replace(meter, figures))

    def start_daemon(self, *options, env=None):
        self.n_before_start = len(list(self.requests()))
        super().start_daemon(*options, env=env)

    def kill(self):
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()
        self.processes.remove(self.daemon)

    def restart(self, end, seconds=0):
        end()
        until = time.time() + seconds
        wait_for(lambda: time.time() >= until, "the next start")
        self.start_daemon()

    def wait_start(self):
        """Wait until the daemon reads meters: then it knows signals."""
        wait_for(lambda: len(list(self.requests())) > self.n_before_start, "requests of a daemon that has started")

    def reload(self):
        n = self.log().count(RELOADED)
        self.wait_start()
        self.daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: self.log().count(RELOADED) > n, RELOADED)

    def change_offset(self, name, offset, stopped):
        self.offsets[name] = offset
        if stopped:
            self.wait_start()
            self.assertEqual(self.stop_daemon(), 0, self.log())
        self.write("etc/bus.d/line.ini", self.bus_file())
        if stopped:
            self.start_daemon()
        else:
            self.reload()

    def silence(self, meter):
        """Let the meter be silent, and wait until it has been asked in a second of which no answer came. Returns that."""
        self.control("fault", meter.name, "silence", "100%")
        for (target, kind), options in self.faults.items():  # the fault that was added first happens
            if target in ("line", meter.name):
                self.control("fault", target, kind, *options)
        since = time.time()
        return wait_for(lambda: max((ms // 1000 for ms, name, status in self.requests() if name == meter.name
                                     and status == "silence" and ms // 1000 > since), default=0), f"the silence of {meter.name}")

    def shown(self, meter):
        """What the meter shows now: quantity -> base units."""
        pairs = (line.split("=", 1) for line in self.control("truth", meter.name).splitlines()[1:])
        return {quantity: int(value) for quantity, value in pairs if value.lstrip("-").isdigit()}

    def swap(self, meter):
        before, from_ms = self.shown(meter), int(time.time() * 1000)
        self.control("swap", meter.name, f"{self.rng.randrange(10 ** 8):08}")
        meter.swaps.append(Swap(from_ms, int(time.time() * 1000) + 1, before, self.shown(meter)))
        return meter.swaps[-1]

    def exchange(self, meter, quiet):
        second = self.silence(meter) if quiet else None
        self.swap(meter).second = second
        if quiet:
            self.control("fault", meter.name, "silence", "0%")

    def replace(self, meter, figures):
        """Exchange it and report that before the new meter is read."""
        second = self.silence(meter)
        self.swap(meter).second = second
        self.report(meter, figures)
        self.control("fault", meter.name, "silence", "0%")

    def report(self, meter, figures):
        swap = meter.swaps[-1]
        options = ["--at", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(swap.second))]
        if figures:
            for option, values in (("--final", swap.before), ("--initial", swap.after)):
                options += [option, f"{values['active_energy_import']} Wh"]
        ran = self.tally("replace", meter.name, *options)
        self.assertEqual(ran.returncode, 0, f"{options} {ran.stdout} {ran.stderr}")
        swap.has_figures = figures

    # the programme

    def requests(self):
        """(wall_ms, meter, status) of each request."""
        for line in self.log("trace").splitlines(keepends=True):
            if line.endswith("\n"):
                wall_ms, meter, _, status, *_ = line.split()
                yield int(wall_ms), meter, status

    def last_second(self):
        return max((ms // 1000 for ms, _, _ in self.requests()), default=0)

    def pass_round(self):
        second = self.last_second()

        def is_over():
            self.assertIsNone(self.daemon.poll(), self.log())
            return self.last_second() > second
        wait_for(is_over, "the next round")

    def run_programme(self):
        steps = [(a.round, 1, a.begin) for a in self.programme]
        steps += [(a.round + a.rounds, 0, a.end) for a in self.programme if a.end is not None]
        steps.sort(key=lambda step: step[:2])
        at = 0
        for step_round, _, step in steps:
            while at < step_round:
                self.pass_round()
                at += 1
            step()
        for _ in range(QUIET):
            self.pass_round()
        self.wait_good_readings()

    def wait_good_readings(self):
        """Wait until every counter that has been stored has enough readings after the last accident."""
        since = self.last_second() - QUIET

        def have_enough():
            self.assertIsNone(self.daemon.poll(), self.log())
            rows = self.sql("SELECT m.name, count(*) AS n FROM reading_energy r JOIN meter m ON m.id = r.meter "
                            "WHERE r.id >> 14 > ? AND r.active_energy_import IS NOT NULL GROUP BY 1", since)
            return sum(row["n"] >= QUIET for row in rows) == len(self.meters) - 1
        wait_for(have_enough, f"{QUIET} readings of each meter")

    def run_site(self):
        self.port = free_port()
        drivers = self.write_tables()
        self.write("etc/tallyd.ini", self.tallyd_ini("interval = 1s\n").replace(f"{SOURCE}/drivers", drivers))
        self.write("etc/bus.d/line.ini", self.bus_file())
        self.start_sim(self.site_file(), self.seed, drivers)
        checked = self.tally("check")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.start_daemon()
        wait_for(lambda: len({name for _, name, status in self.requests() if status == "ok"}) == len(self.meters), "all meters")
        self.run_programme()
        self.assertEqual(self.stop_daemon(), 0, self.log())
