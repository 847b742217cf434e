# SPDX-License-Identifier: MIT
"""Shared by the measurements: a simulated site with configurations for it, and the kernel's figures of a process.

The site is that of the integration tests. The measured processes run beside the simulator, so only their own figures
are used: their processor clock, their memory and the bytes that the kernel wrote to disk for them."""

import pathlib
import resource
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from simsite import BUILD, SOURCE, Site, free_port, wait_for  # noqa: E402,F401

MODEL = "countis-e43"


class Bench(Site):
    """A site outside a test, used with "with"."""

    def __enter__(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
        self.setUp()
        return self

    def __exit__(self, *failure):
        self.tearDown()

    def simulate(self, buses, trace=False):
        """buses: list of (name, {key: value}, number of meters); meters are NAME-1, NAME-2 ... at address 1, 2 ..."""
        text = "[site]\nseed = 1\n" + f"control = {self.dir}/control\ndrivers = {SOURCE}/drivers\n"
        if trace:
            text += f"trace = {self.dir}/trace\n"
        for name, keys, n_meters in buses:
            text += section("bus " + name, keys)
            for i in range(1, n_meters + 1):
                text += section(f"meter {name}-{i}", {"bus": name, "model": MODEL, "address": i, "base": "5 kW"})
        path = self.write("site.ini", text)
        self.sim = self.start(BUILD / "tally-sim", path, log="sim.log")
        wait_for(lambda: "\nready\n" in "\n" + self.log("sim.log") or self.sim.poll() is not None, "the simulator")
        self.assertIsNone(self.sim.poll(), self.log("sim.log"))

    def configure(self, name, buses, period_s=0, commit="10s"):
        """A configuration directory for buses as above; energy and power are read every period_s."""
        etc = self.dir / name
        text = section("store", {"path": etc / "tallyd.db", "commit_interval": commit})
        self.write(f"{name}/tallyd.ini", text + section("drivers", {"path": SOURCE / "drivers"}))
        for bus, keys, n_meters in buses:
            every = {"energy_every": f"{period_s}s", "power_every": f"{period_s}s"} if period_s else {}
            text = section("bus", {**keys, **every})
            for i in range(1, n_meters + 1):
                text += section(f"meter {bus}-{i}", {"model": MODEL, "address": i})
            self.write(f"{name}/bus.d/{bus}.ini", text)
        return etc

    def start_tallyd(self, etc):
        return self.start(BUILD / "tallyd", "-v", "-c", etc, log=f"{etc.name}.log")

    def stop(self, *processes):
        for p in processes:
            self.assertIsNone(p.poll(), f"{p.args}: ended too early")
            p.terminate()
        for p in processes:
            try:
                p.wait(timeout=10)
            except subprocess.TimeoutExpired:
                p.kill()  # collectd finishes its current read first, which can take minutes of timeouts
                p.wait()
            self.processes.remove(p)


def section(name, keys):
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def cpu_s(pid):
    """Processor time of all threads, from the process's own clock; the number follows the kernel's CPUCLOCK macros."""
    return time.clock_gettime(~pid << 3 | 2)


def resident_mb(pid):
    return field(f"/proc/{pid}/status", "VmRSS:") / 1024


def threads(pid):
    return field(f"/proc/{pid}/status", "Threads:")


def written_bytes(pid):
    return field(f"/proc/{pid}/io", "write_bytes:")


def field(path, name):
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise KeyError(name)


def run(*command, **options):
    """Output of a program that must succeed."""
    return subprocess.run([str(c) for c in command], check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def figures_of(output):
    """{name: value} of lines "figure<TAB>value<TAB>unit"."""
    return {name: float(value) for name, value, _ in (line.split("\t") for line in output.splitlines())}
