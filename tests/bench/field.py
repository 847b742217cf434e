# SPDX-License-Identifier: MIT
"""tallyd beside the alternatives that people use: collectd's modbus plugin, and a poller written in an afternoon.

All three read the same 39 values of the same simulated meters in the same period, at the same time. Each runs three
times: on a gateway without pacing (processor time, memory, bytes written), on a healthy line of its own at 9600 baud
(time of a round), and on a line of its own at 38400 baud where two of six meters are dead (slots of the healthy
ones)."""

import csv
import pathlib
import re
import sqlite3
import statistics
import time

from common import HERE, MODEL, SOURCE, Bench, cpu_s, free_port, resident_mb, written_bytes

GATEWAY = {"meters": 10, "period": 1}
LINE = {"meters": 3, "period": 10, "baud": 9600}
DEAD = {"meters": 6, "period": 10, "baud": 38400, "dead": (2, 5)}
FULL = {"meters": 30, "period": 10, "baud": 38400, "dead": range(3, 31, 3), "contact": 15}
COLLECTD = pathlib.Path("/usr/sbin/collectd")
CONTENDERS = ["tallyd", "collectd", "naive"] if COLLECTD.exists() else ["tallyd", "naive"]  # run installs collectd
COLLECTD_TYPES = {"u32": "Uint32", "s32": "Int32", "u16": "Uint16"}


def kept_quantities():
    rows = [line.split() for line in (SOURCE / "drivers/NAMES").read_text().splitlines()]
    return {row[0] for row in rows if row and not row[0].startswith(";") and row[6] != "-"}


def values_of_model():
    """(name, address, type, scale) of the energies and powers that tallyd keeps. Others read a byte as its word."""
    kept = kept_quantities()
    values = []
    for line in (SOURCE / "drivers" / f"{MODEL}.ini").read_text().splitlines():
        m = re.match(r"(\w+)\s+= (\d+) (\S+)\s+(\S+)\s+(\S+)\s+(energy|power)\b(.*)", line)
        if m and m[1] in kept and "fallback" not in m[7]:
            values.append((m[1], m[2], "u16" if m[3] == "u8-low" else m[3], m[4]))
    return values


def collectd_conf(directory, values, port_lines, units, period_s):
    text = (f'BaseDir "{directory}"\nPIDFile "{directory}/pid"\nTypesDB "/usr/share/collectd/types.db"\n'
            f'Interval {period_s}\nLoadPlugin csv\nLoadPlugin modbus\n'
            f'<Plugin csv>\nDataDir "{directory}/csv"\nStoreRates false\n</Plugin>\n<Plugin modbus>\n')
    for name, address, kind, scale in values:
        text += (f'<Data "{name}">\nRegisterBase {address}\nRegisterType {COLLECTD_TYPES[kind]}\nType gauge\n'
                 f'Instance "{name}"\nScale {scale}\n</Data>\n')
    text += f'<Host "site">\n{port_lines}Interval {period_s}\n'
    for unit in units:
        text += f'<Slave {unit}>\nInstance "{unit}"\n' + "".join(f'Collect "{v[0]}"\n' for v in values) + "</Slave>\n"
    return text + "</Host>\n</Plugin>\n"


class Place:
    """One of the three places, with the three contenders on it."""

    def __init__(self, bench, name, keys, ports):
        self.bench, self.name, self.keys, self.ports = bench, name, keys, ports
        self.units = range(1, keys["meters"] + 1)
        self.values = values_of_model()
        self.processes = {}

    def directory(self, contender):
        path = self.bench.dir / f"{contender}-{self.name}"
        path.mkdir(exist_ok=True)
        return path

    def start(self):
        for contender in CONTENDERS:
            self.processes[contender] = getattr(self, "start_" + contender)(self.ports[contender])

    def start_tallyd(self, port):
        keys = ({"transport": "tcp", "host": "127.0.0.1", "port": port} if isinstance(port, int) else
                {"transport": "rtu", "device": port, "baud": self.keys["baud"]})
        etc = self.bench.configure(f"tallyd-{self.name}", [("b", keys, len(self.units))], self.keys["period"])
        return self.bench.start_tallyd(etc)

    def start_collectd(self, port):
        directory = self.directory("collectd")
        lines = (f'Address "127.0.0.1"\nPort "{port}"\n' if isinstance(port, int) else
                 f'Device "{port}"\nBaudrate {self.keys["baud"]}\n')
        conf = directory / "collectd.conf"
        conf.write_text(collectd_conf(directory, self.values, lines, self.units, self.keys["period"]))
        return self.bench.start(COLLECTD, "-f", "-C", conf, log=f"collectd-{self.name}.log")

    def start_naive(self, port):
        directory = self.directory("naive")
        (directory / "values").write_text("".join(" ".join(v) + "\n" for v in self.values))
        where = ["--tcp", port] if isinstance(port, int) else ["--serial", port, self.keys["baud"]]
        return self.bench.start("/usr/bin/python3", "-B", HERE / "naive_poller.py", directory / "readings.db",
                                directory / "values", self.keys["period"], *self.units, *where,
                                log=f"naive-{self.name}.log")

    def stop(self):
        self.bench.stop(*self.processes.values())

    def stored(self, contender, units):
        """Values that the contender has stored of these units."""
        return getattr(self, "stored_" + contender)(units)

    def stored_tallyd(self, units):
        db = sqlite3.connect(self.directory("tallyd") / "tallyd.db")
        tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'reading_%'")]
        total = 0
        for table in tables:
            columns = [r[1] for r in db.execute(f"PRAGMA table_info({table})")]
            counts = " + ".join(f"count({c})" for c in columns if c not in ("id", "meter", "delay_ms", "quality"))
            names = ", ".join(f"'b-{u}'" for u in units)
            total += db.execute(f"SELECT {counts} FROM {table} WHERE meter IN "
                                f"(SELECT id FROM meter WHERE name IN ({names}))").fetchone()[0]
        db.close()
        return total

    def stored_collectd(self, units):
        wanted = {f"modbus-{u}" for u in units}
        return sum(sum(1 for row in csv.reader(path.open()) if row[0] != "epoch")
                   for path in self.directory("collectd").glob("csv/site/*/*") if path.parent.name in wanted)

    def stored_naive(self, units):
        db = sqlite3.connect(self.directory("naive") / "readings.db")
        n = db.execute(f"SELECT count(*) FROM readings WHERE meter IN ({', '.join(map(str, units))})").fetchone()[0]
        db.close()
        return n


class FullLine:
    """tallyd alone on a line of 30 meters of which every third is dead."""

    def __init__(self, bench):
        self.bench, self.started_s = bench, time.time()
        keys = {"transport": "rtu", "device": bench.dir / "full", "baud": FULL["baud"]}
        self.etc = bench.configure("tallyd-full", [("full", keys, FULL["meters"])], FULL["period"])
        self.process = bench.start_tallyd(self.etc)

    def stop(self):
        self.stopped_s = time.time()
        self.bench.stop(self.process)

    def slots_read(self):
        """Share of the healthy meters' energies and powers that were stored, of the slots that began and ended after the
        first contact. The first contact identifies all 30 meters once and waits ten seconds for the dead ones."""
        period_s = FULL["period"]
        first_s = (int(self.started_s + FULL["contact"]) // period_s + 1) * period_s
        until_s = int(self.stopped_s) // period_s * period_s
        healthy = [f"'full-{u}'" for u in range(1, FULL["meters"] + 1) if u not in FULL["dead"]]
        db = sqlite3.connect(self.etc / "tallyd.db")
        rows = sum(db.execute(f"SELECT count(*) FROM {view} WHERE ts >= {first_s} AND ts < {until_s} "
                              f"AND meter IN ({', '.join(healthy)})").fetchone()[0] for view in ("energy", "power"))
        db.close()
        return rows / (2 * len(healthy) * (until_s - first_s) // period_s)


def make_places(b):
    """The simulator with its eight buses, and the places."""
    port = free_port()
    paths = {(c, place): b.dir / f"port-{c}-{place}" for c in CONTENDERS for place in ("line", "dead")}
    buses = [("gateway", {"transport": "tcp", "port": port, "pace": "no"}, GATEWAY["meters"])]
    for (contender, place), path in paths.items():
        keys = LINE if place == "line" else DEAD
        buses.append((f"{contender}-{place}", {"transport": "rtu", "path": path, "baud": keys["baud"]}, keys["meters"]))
    buses.append(("full", {"transport": "rtu", "path": b.dir / "full", "baud": FULL["baud"]}, FULL["meters"]))
    b.simulate(buses, trace=True)
    for meter in [f"{c}-dead-{unit}" for c in CONTENDERS for unit in DEAD["dead"]] + [f"full-{u}" for u in FULL["dead"]]:
        b.control("fault", meter, "silence", "100%")
    return (Place(b, "gateway", GATEWAY, dict.fromkeys(CONTENDERS, port)),
            Place(b, "line", LINE, {c: paths[c, "line"] for c in CONTENDERS}),
            Place(b, "dead", DEAD, {c: paths[c, "dead"] for c in CONTENDERS}))


def watch(place, windows, window_s):
    """Processor seconds of each contender in each window; after the last window its memory and the bytes it wrote."""
    seen = {c: {"cpu": []} for c in CONTENDERS}
    pids = {c: place.processes[c].pid for c in CONTENDERS}
    due = time.monotonic()
    for _ in range(windows):
        before = {c: cpu_s(pid) for c, pid in pids.items()}
        due += window_s
        time.sleep(max(0, due - time.monotonic()))
        for c, pid in pids.items():
            seen[c]["cpu"].append(cpu_s(pid) - before[c])
    for c, pid in pids.items():
        seen[c].update(resident_mb=resident_mb(pid), written=written_bytes(pid))
    return seen


def rounds_of(b, prefix):
    """Seconds that each round of a line took, from the trace: a long pause separates two rounds."""
    times = [wall_ms for wall_ms, meter, _, _ in b.trace() if meter.startswith(prefix)]
    rounds = [[]]
    for before, now in zip([times[0]] + times, times):
        if now - before > 1500:
            rounds.append([])
        rounds[-1].append(now)
    # The trace has the end of each request; the mean time of one request is added for the first.
    whole = rounds[1:-1] or rounds
    return [(r[-1] - r[0]) / 1000 * len(r) / max(1, len(r) - 1) for r in whole]


def side_by_side(quick):
    windows, window_s = (1, 4) if quick else (5, 12)
    with Bench() as b:
        gateway, line, dead = places = make_places(b)
        started = time.monotonic()
        if quick:
            places = (gateway,)
        else:
            full = FullLine(b)
        for place in places:
            place.start()
        time.sleep(1 if quick else 3)
        seen = watch(gateway, windows, window_s)
        slots = (time.monotonic() - started) / DEAD["period"]
        if not quick:
            full.stop()
        for place in places:
            place.stop()
        yield from of_gateway(gateway, seen, windows * window_s)
        if quick:
            return
        yield from of_lines(b, dead, int(slots))
        yield "dead.slots_read", full.slots_read(), "1"


def of_gateway(place, seen, watched_s):
    wanted = len(place.units) * len(place.values) / place.keys["period"]
    per_value = {}
    for c in CONTENDERS:
        stored = place.stored(c, place.units)
        # All of them ran a little longer than they were watched, so they may have stored more than was due.
        share = min(1.0, stored / (wanted * watched_s))
        n_values = max(1, wanted * share * watched_s / len(seen[c]["cpu"]))
        per_value[c] = statistics.median(seen[c]["cpu"]) / n_values * 1e6
        yield f"field.{c}.values_kept_up", share, "1"
        yield f"field.{c}.cpu_per_value", per_value[c], "us"
        yield f"field.{c}.resident", seen[c]["resident_mb"], "MB"
        yield f"field.{c}.written_per_value", seen[c]["written"] / max(1, stored), "bytes"
    for c in CONTENDERS[1:]:
        yield f"field.cpu_of_{c}", per_value["tallyd"] / per_value[c], "1"


def of_lines(b, dead, slots):
    for c in CONTENDERS:
        yield f"field.{c}.round_9600", statistics.median(rounds_of(b, f"{c}-line-")), "s"
    healthy = [u for u in dead.units if u not in DEAD["dead"]]
    for c in CONTENDERS:
        stored = dead.stored(c, healthy)
        share = stored / (len(healthy) * len(dead.values) * slots)
        yield f"field.{c}.slots_read_beside_dead", min(1.0, share), "1"

