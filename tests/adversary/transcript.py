# SPDX-License-Identifier: MIT
"""What happened at one site, for people: for each violation the readings around it, what flowed, what was counted, events."""

import datetime
import sqlite3

from models import MWS_PER_WH

AROUND = 45  # readings before and after a violation


def time_of(slot):
    return datetime.datetime.fromtimestamp(slot, datetime.timezone.utc).strftime("%m-%d %H:%M")


def write(site, violations, excluded, excused, out):
    print(f"seed {site.seed}: {site.zone}, intervals of {site.interval_s} s, readings each {site.period} s; files in "
          f"{site.folder}", file=out)
    for meter in site.meters:
        model = meter.device.model
        print(f"{meter.name}: {model.name}, at most {model.max_w} W, serial {meter.device.serial}", file=out)
        for row in model.rows:
            print(f"  {row.quantity}: step {row.step}, modulus {row.modulus}", file=out)
        for a in meter.accidents:
            print(f"  {time_of(site.start + a.first * site.period)} {a.kind}, {a.length} readings: "
                  f"{', '.join(a.quantities)}", file=out)
    for line in site.script:
        if line.split()[0] in ("kill", "stop", "reload", "start", "replace", "serial", "back", "rename"):
            print(f"  {line}", file=out)
    for what in sorted(set(excluded)):
        print(f"excluded: {what}", file=out)
    for span in excused:
        print(f"excused: {span}", file=out)
    db = sqlite3.connect(f"file:{site.folder}/t.db?mode=ro", uri=True)
    for at, subject, kind, detail in db.execute("SELECT ts, subject, kind, detail FROM event ORDER BY ts"):
        if kind not in ("gap",):
            print(f"  {time_of(at)} {subject} {kind}: {detail}", file=out)
    for violation in violations:
        print(violation, file=out)
    for violation in violations[:2]:
        write_readings(site, db, violation, out)
    db.close()


def write_readings(site, db, violation, out):
    counters = [c for c in site.counters
                if (c.name, c.quantity) == (violation.meter, violation.quantity)]
    if not counters:
        return
    counter = counters[0]
    sums, total = {}, 0
    for end, value in db.execute("SELECT ts + duration_s, base_value FROM interval WHERE meter = ? AND quantity = ? "
                                 "ORDER BY ts", (violation.meter, violation.quantity)):
        total += value or 0
        sums[end] = total
    suspects = {ts: reason for ts, reason in db.execute(
        "SELECT ts, reason FROM suspect_reading WHERE meter = ? AND quantity = ?",
        (violation.meter, violation.quantity))}
    print(f"{violation.meter} {violation.quantity}: slot, value, what really is there, flowed, counted", file=out)
    for s in counter.shown:
        if abs(s.slot - violation.slot) > AROUND * site.period:
            continue
        marks = " ".join(filter(None, ("" if s.good else f"FALSE ({s.why})", "" if s.kept else "LOST",
                                       f"suspect: {suspects[s.slot]}" if s.slot in suspects else "")))
        print(f"  {time_of(s.slot)} {s.slot} {s.value:>14} {s.counted % counter.row.modulus:>14} "
              f"{s.flow // MWS_PER_WH:>10} {sums.get(s.slot, ''):>10} {marks}", file=out)
