#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""rooms.py SOURCE BUILD - hold daemon/ against the arrows of daemon/CMakeLists.txt.

Reports an include that no arrow allows, an arrow that no include uses or that the table of CONTRIBUTING.md has not, a
library header outside the rooms that may know it, a circle between files by includes or by symbols, and a public symbol
that no other file of the programs uses. A file is the pair NAME.c and NAME.h. Exits 1 when there is any."""

import pathlib
import re
import subprocess
import sys

SOURCE, BUILD = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
LIBRARIES = {"modbus.h": {"line"}, "pthread.h": {"line", "store"}, "sqlite3.h": {"db", "ledger", "store", "reader"},
             "ev.h": {"poll", "tallyd"}, "ini.h": {"base"}}
# Public so that tests and fuzzers reach them; the programs have no need of them.
FOR_TESTS = {"account_counter", "conf_parse", "db_migrate_add_functions", "db_text", "driver_parse", "frame_crc",
             "held_find_serial", "log_set_sink", "port_want_rs485", "store_abandon",
             "store_bounds_default", "store_meter_id", "store_rebuild", "store_set_bounds"}


def arrows():
    text = (SOURCE / "daemon/CMakeLists.txt").read_text()
    for name, rest in re.findall(r"^tally_room\((\w+)(.*)\)$", text, re.M):
        links = re.search(r"LINKS ([a-z ]*)", rest)
        yield name, set(links.group(1).split()) if links else set()


def described():
    """The arrows of the table in CONTRIBUTING.md, where every room may use base."""
    text = (SOURCE / "CONTRIBUTING.md").read_text()
    for name, uses in re.findall(r"^\| `(\w+)` \|.*\| ([a-z, ]+) \|$", text, re.M):
        yield name, (set() if uses == "nothing" else set(uses.split(", ")) | {"base"})


def circles(edges):
    """The groups of files that reach each other."""
    def reach(start):
        seen, todo = set(), [start]
        while todo:
            for to in edges.get(todo.pop(), ()):
                if to not in seen:
                    seen.add(to)
                    todo.append(to)
        return seen

    reached = {name: reach(name) for name in edges}
    return {frozenset(b for b in reached[a] if a in reached.get(b, ())) for a in edges if a in reached[a]}


def includes(links):
    room_of = {path.stem: path.parent.name for path in SOURCE.glob("daemon/*/*.[ch]")}
    edges, wrong = {}, []
    unused = {(room, to) for room in links for to in links[room] if to != "base"}
    for path in sorted(SOURCE.glob("daemon/*/*.[ch]")):
        room = path.parent.name
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'#include ["<]([\w/.]+)[">]', line)
            name = found and found.group(1)
            if name in LIBRARIES and room not in LIBRARIES[name] and '"' not in line:
                wrong.append(f"{path}:{number}: {name}: only {', '.join(sorted(LIBRARIES[name]))} may know it")
            stem = name and '"' in line and name.rsplit(".", 1)[0]
            if stem in room_of and stem != path.stem:
                edges.setdefault(path.stem, set()).add(stem)
                unused.discard((room, room_of[stem]))
                if room_of[stem] not in links[room] | {room}:
                    wrong.append(f"{path}:{number}: {name}: the room {room} has no arrow to {room_of[stem]}")
    wrong += [f"{room} has an arrow to {to} that no include uses" for room, to in sorted(unused)]
    return edges, wrong


def symbols():
    """Who defines which public symbol, and which symbols each file uses; files of tally-sim as users too."""
    defined, used = {}, {}
    sources = {path.name for path in [*SOURCE.glob("daemon/*/*.c"), *SOURCE.glob("tests/sim/*.c")]}
    for path in [*BUILD.glob("daemon/CMakeFiles/*.dir/**/*.o"), *BUILD.glob("tests/sim/CMakeFiles/simcore.dir/*.o")]:
        name = path.name.split(".")[0] if "daemon" in path.parts else f"sim:{path.name}"
        if path.stem not in sources and path.stem != "names_gen.c":
            continue
        for line in subprocess.run(["nm", "-P", path], capture_output=True, text=True, check=True).stdout.splitlines():
            symbol, kind = line.split()[:2]
            if kind in "TDBRC" and "daemon" in path.parts:
                defined[symbol] = name
            elif kind == "U":
                used.setdefault(name, set()).add(symbol)
    return defined, used


def main():
    links = dict(arrows())
    edges, wrong = includes(links)
    wrong += [f"CONTRIBUTING.md: the arrows of {room} are not those of daemon/CMakeLists.txt"
              for room, uses in links.items() if dict(described()).get(room) != uses]
    defined, used = symbols()
    calls = {name: {defined[s] for s in symbols if s in defined} - {name} for name, symbols in used.items()}
    wrong += [f"circle by includes: {', '.join(sorted(c))}" for c in circles(edges)]
    wrong += [f"circle by symbols: {', '.join(sorted(c))}" for c in circles(calls)]
    everywhere = set().union(*used.values())
    wrong += [f"{name}: {symbol}: no other file uses it" for symbol, name in sorted(defined.items())
              if symbol not in everywhere | FOR_TESTS and symbol != "main"]
    print("\n".join(wrong) or f"{len(links)} rooms, {sum(map(len, links.values()))} arrows, "
          f"{len(set(defined.values()))} files: no arrow up, no circle, nothing public without a user")
    return bool(wrong)


sys.exit(main())
