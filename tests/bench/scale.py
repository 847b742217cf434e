# SPDX-License-Identifier: MIT
"""Many meters: 2000 behind 16 gateways and 250 on 8 lines, the cost of one meter among few and among many, the start."""

import re
import socket
import sqlite3
import statistics
import time

from common import BUILD, Bench, cpu_s, free_port, resident_mb, threads, wait_for

GATEWAYS = 16
PERIOD_S = 10


def gateways(name, n_meters, n_gateways):
    """Buses of a simulated site and of the configuration for it: gateways without pacing."""
    ports = [free_port() for _ in range(n_gateways)]
    share = n_meters // n_gateways
    site = [(f"{name}{i}", {"transport": "tcp", "port": port, "pace": "no"}, share) for i, port in enumerate(ports)]
    conf = [(f"{name}{i}", {"transport": "tcp", "host": "127.0.0.1", "port": port}, share)
            for i, port in enumerate(ports)]
    return site, conf


def query_value(etc, sql):
    db = sqlite3.connect(f"file:{etc}/tallyd.db?mode=ro", uri=True, timeout=10)
    try:
        return next(db.execute(sql), (0,))[0] or 0
    finally:
        db.close()


def wait_first_commit(etc):
    """Wait until identification is over and readings are in the database."""
    def there():
        return ((etc / "tallyd.db").exists()
                and query_value(etc, "SELECT count(*) FROM sqlite_master WHERE name = 'energy'")
                and query_value(etc, "SELECT ts FROM energy LIMIT 1"))
    return wait_for(there, f"readings in {etc}")


class Load:
    """One daemon on its gateways, and its processor time per meter and slot."""

    def __init__(self, bench, name, n_meters, n_gateways, period_s):
        self.bench, self.n_meters, self.period_s = bench, n_meters, period_s
        self.site, conf = gateways(name, n_meters, n_gateways)
        self.etc = bench.configure(f"etc-{name}", conf, period_s)
        self.cpu = []

    def start(self):
        self.process = self.bench.start_tallyd(self.etc)

    def begin(self):
        self.first_s = time.time()
        self.before = cpu_s(self.process.pid)
        self.pages = query_value(self.etc, "PRAGMA page_count")

    def window(self):
        now = cpu_s(self.process.pid)
        self.cpu.append(now - self.before)
        self.before = now

    def cost_us(self):
        """Per meter and slot; a window is one period."""
        return statistics.median(self.cpu) * 1e6 / self.n_meters

    def growth(self):
        """Bytes of the database per meter and slot since begin(), with the pages that are not in the file yet."""
        pages = query_value(self.etc, "PRAGMA page_count") - self.pages
        return pages * query_value(self.etc, "PRAGMA page_size") / self.n_meters / len(self.cpu)

    def commits_ms(self):
        return [int(ms) for ms in re.findall(r"committed in (\d+) ms", self.bench.log(f"{self.etc.name}.log"))]

    def missing(self):
        """Missing rows of whole slots since begin()."""
        newest = query_value(self.etc, "SELECT max(ts) FROM energy")
        oldest = int(self.first_s) // self.period_s * self.period_s
        n_slots = (newest - oldest) // self.period_s
        rows = query_value(self.etc, f"SELECT count(*) FROM energy WHERE ts >= {oldest} AND ts < {newest}")
        return n_slots * self.n_meters - rows


def many(quick):
    """2000 meters; at the same time 10, 100 and 500 with a daemon each, and 250 on 8 lines."""
    sizes = ((32, 2),) if quick else ((2000, GATEWAYS), (500, 4), (100, 2), (10, 1))
    period_s = 2 if quick else PERIOD_S
    with Bench() as b:
        loads = [Load(b, f"n{n}-", n, k, period_s) for n, k in sizes]
        lines = [(f"r{i}", {"transport": "rtu", "path": b.dir / f"line-{i}", "baud": 38400}, 2 if quick else 31 + (i < 2))
                 for i in range(8)]
        b.simulate([bus for load in loads for bus in load.site] + lines)
        etc = b.configure("etc-lines", [(n, {"transport": "rtu", "device": k["path"], "baud": 38400}, m)
                                        for n, k, m in lines], 2 if quick else 20, "2s")
        rtu = b.start_tallyd(etc)
        for load in loads:
            load.start()
        for load in loads:
            wait_first_commit(load.etc)
            load.begin()
        lines_cpu, lines_s = cpu_s(rtu.pid), time.monotonic()
        for _ in range(1 if quick else 5):
            time.sleep(period_s)
            for load in loads:
                load.window()
        wait_first_commit(etc)
        lines_cpu, lines_s = cpu_s(rtu.pid) - lines_cpu, time.monotonic() - lines_s
        yield from of_loads(loads)
        yield "scale.lines_250.processor", lines_cpu / lines_s * 100, "%"
        yield "scale.lines_250.resident", resident_mb(rtu.pid), "MB"
        yield "scale.lines_250.threads", threads(rtu.pid), "1"
        b.stop(rtu, *(load.process for load in loads))
        for load in loads:
            yield f"scale.{load.n_meters}.overruns", query_value(load.etc, "SELECT sum(overruns) FROM bus_status"), "1"
            yield f"scale.{load.n_meters}.missing", load.missing(), "rows"
        yield "scale.lines_250.overruns", query_value(etc, "SELECT sum(overruns) FROM bus_status"), "1"
        yield from start_up(b, loads[0].etc, 1 if quick else 5)


def of_loads(loads):
    for load in loads:
        name = f"scale.{load.n_meters}"
        yield f"{name}.cpu_per_meter_and_slot", load.cost_us(), "us"
        yield f"{name}.processor", statistics.median(load.cpu) / load.period_s * 100, "%"
        yield f"{name}.resident", resident_mb(load.process.pid), "MB"
        yield f"{name}.threads", threads(load.process.pid), "1"
        yield f"{name}.commit", statistics.median(load.commits_ms()), "ms"
        yield f"{name}.file_growth_per_meter_and_slot", load.growth(), "bytes"
    if len(loads) > 1:
        cost = {load.n_meters: load.cost_us() for load in loads}
        yield "scale.cost_of_2000_over_100", cost[2000] / cost[100], "1"


def start_up(b, etc, n_starts):
    """Time from exec to READY=1, on the database of the run before."""
    took = []
    path = b.dir / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(60)
        for _ in range(n_starts):
            start = time.monotonic()
            p = b.start("env", f"NOTIFY_SOCKET={path}", BUILD / "tallyd", "-c", etc, log="start.log")
            while b"READY=1" not in manager.recv(4096):
                pass
            took.append(time.monotonic() - start)
            b.stop(p)
    yield "scale.start_up", statistics.median(took) * 1000, "ms"
