# SPDX-License-Identifier: MIT
"""What was counted at a site of accidents.py, held against what its meters counted. It knows only which readings the
meters' registers really held, from the trace, and when meters were exchanged; it shares no code with the account."""

import dataclasses

from truth import Truth, is_counter, read_rows

LEFT_OUT = 10  # what happened in the last readings of a counter is not decided yet
FEW = 15  # so many steps of a counter may be false where a run of false readings is too low by no more than them


@dataclasses.dataclass
class Reading:
    """A reading of one counter that the meter really showed."""

    slot: int
    value: int
    line: int  # how many exchanges came before
    is_good: bool  # the register held the value
    sum: int = 0  # what must have been counted up to it
    least: int = None  # where another explanation of the readings is as good: what may have been counted at least
    most: int = None


def check(site):
    """A line for each violation, and how many values and sums were compared."""
    truth = Truth(site.dir / "trace")
    rows = list(read_rows(site.db_path))
    wrong, n = check_values(truth, rows)
    for name, quantity, readings in find_counters(site, truth, rows):
        n += check_sums(site, name, quantity, [r for r in readings if r.is_good], wrong)
        check_lives(site, name, quantity, readings, wrong)
    check_rebuild(site, wrong)
    return wrong, n


def check_values(truth, rows):
    """Each stored value, gauges too, is one that the meter showed in that slot."""
    wrong = [f"{row}: {quantity} = {value}, which the meter did not show" for row in rows
             for quantity, value in row.values.items() if not truth.is_true(row, quantity) and not truth.is_false(row, quantity)]
    return wrong, sum(len(row.values) for row in rows)


def find_counters(site, truth, rows):
    """(name, quantity, its readings) of each counter that intervals are made of."""
    counted = {(row["meter"], row["quantity"]) for row in site.sql("SELECT DISTINCT meter, quantity FROM interval")}
    for meter in site.meters:
        of_meter = sorted((row for row in rows if row.meter == meter.name), key=lambda row: row.slot)
        first_line = {}  # slot: the meter that answered first; what another one answered in that slot counts nowhere
        for row in of_meter:
            for quantity in filter(is_counter, row.values):
                first_line[row.slot] = min(first_line.get(row.slot, len(meter.swaps)), find_line(meter, row, quantity))
        inputs = {f"pulses_{k + 1}": (name, weight) for k, (name, _, weight) in enumerate(meter.inputs)}
        for quantity in sorted({q for row in of_meter for q in row.values if is_counter(q)}):
            name, weight = inputs.get(quantity, (meter.name, 1))
            readings = [Reading(row.slot, row.values[quantity] * weight, line, truth.is_true(row, quantity))
                        for row in of_meter if quantity in row.values
                        for line in (find_line(meter, row, quantity),) if line == first_line[row.slot]]
            counted_as = [q for n, q in counted if n == name and (q == quantity or quantity in inputs)]
            if counted_as and any(r.is_good for r in readings):
                add_up([r for r in readings if r.is_good], meter, quantity)
                find_doubts(readings)
                yield name, counted_as[0], readings


def find_line(meter, row, quantity):
    """Which of the meters that came one after the other has answered. Around an exchange the value decides."""
    value = row.values[quantity]
    return sum(swap.until_ms <= row.from_ms or (swap.from_ms <= row.until_ms and quantity in swap.after and
               abs(value - swap.after[quantity]) < abs(value - swap.before[quantity])) for swap in meter.swaps)


def add_up(goods, meter, quantity):
    """Give each its sum. A coarse value below what has been counted counts nothing."""
    counted = goods[0].value
    for before, good in zip(goods, goods[1:]):
        swaps = meter.swaps[before.line:good.line]
        good.sum = before.sum
        if len(swaps) == 1 and swaps[0].has_figures and quantity == "active_energy_import":
            good.sum += swaps[0].before[quantity] - counted
            counted = swaps[0].after[quantity]
        elif swaps:
            counted = good.value
        good.sum += max(counted, good.value) - counted
        counted = max(counted, good.value)


def find_doubts(readings):
    """A false reading that is too low by a few steps only can as well be good, and the good ones before it false: nobody knows
    when that passed, and the sum is right again at the next good reading after it."""
    for at, low in enumerate(readings):
        if low.is_good:
            continue
        before = [r for r in readings[:at] if r.is_good and r.line == low.line]
        higher = [r for r in before if r.value > low.value]
        reached = before[:len(before) - len(higher)]
        later = [r for r in readings[at:] if r.is_good]
        # a coarse value does not show it
        settled = next((k for k, r in enumerate(later) if not higher or r.value >= higher[-1].value), None)
        if settled is None or not reached or len({r.value for r in higher}) > FEW:
            continue
        for r in higher + later[:settled]:
            r.least = min(reached[-1].sum, r.sum if r.least is None else r.least)
            r.most = max(later[settled].sum, r.sum if r.most is None else r.most)


def check_sums(site, name, quantity, goods, wrong):
    """Up to each good reading exactly that is counted which the meter has counted since the first one. Returns how many were
    compared."""
    rows = site.sql("SELECT ts + duration_s AS until, base_value FROM interval WHERE meter = ? AND quantity = ? AND ts >= ? "
                    "ORDER BY ts", name, quantity, goods[0].slot)
    counted = n = at = 0
    for good in goods[:-LEFT_OUT]:
        while at < len(rows) and rows[at]["until"] <= good.slot:
            counted += rows[at]["base_value"] or 0
            at += 1
        n += 1
        if counted != good.sum and (good.least is None or not good.least <= counted <= good.most):
            wrong.append(f"{name} {quantity}: {counted} counted up to {good.slot}, the meter counted {good.sum}")
            break
    return n


def check_lives(site, name, quantity, readings, wrong):
    """A life for each meter, and no other."""
    lives = site.sql("SELECT reason, since_ts, from_base_value, until_ts, until_base_value FROM meter_life WHERE meter = ? AND "
                     "quantity = ? ORDER BY since_ts", name, quantity)
    if len(lives) != 1 + readings[-1].line:
        wrong.append(f"{name} {quantity}: {1 + readings[-1].line} meters, but these lives: {lives}")


def check_rebuild(site, wrong):
    """The kept readings and orders give the same account again, on a copy."""
    ran = site.tally("rebuild")
    if ran.returncode != 0 or "nothing differs" not in ran.stdout:
        wrong.append(f"tally rebuild: {ran.stdout}{ran.stderr}")
