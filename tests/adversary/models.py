# SPDX-License-Identifier: MIT
"""Kinds of meters that the sites have: what their registers can show, written down here and not read from the tables."""

import dataclasses

MWS_PER_WH = 3_600_000  # energy inside a device is kept in mW x s, so that no load is lost


@dataclasses.dataclass(frozen=True)
class Row:
    """One counter of a model."""

    quantity: str
    step: int  # base units for each count
    modulus: int  # base units, 0 = the register never turns over in a test
    coarse: int = 0  # step of the register that is read where the device lacks the finer one; 0 = there is none


@dataclasses.dataclass(frozen=True)
class Model:
    name: str
    rows: tuple
    max_w: int
    has_serial: bool = False
    counter_max: int = 0  # the device reports the highest value of its counters
    ct: int = 0  # primary current of its transformers / 5 A; 0 = it applies its ratios itself
    pulses: bool = False  # a concentrator: its counters are inputs, a step is a pulse
    table: str = ""  # its register table, where that is not a shipped one


TABLE = """[model]
format      = 1
title       = A meter of the test
vendor      = Nobody
source      = none
provenance  = vendor table
verified    = none
baud        = 9600
addresses   = 1-247
segment_max = 64
max_power   = {max_w} W
na          = none

[registers]
"""

QUANTITIES = ("active_energy_import", "reactive_energy_import", "active_energy_export")
UNITS = {"active_energy_import": "Wh", "active_energy_export": "Wh", "reactive_energy_import": "varh",
         "reactive_energy_export": "varh"}


def draw_own(rng, name):
    """A model with a table of its own."""
    step = rng.choice((1, 1, 10, 100, 1000))
    max_w = rng.choice((5_000, 20_000, 60_000, 100_000, 640_000, 1_200_000))
    digits = rng.choice((0, 0, 0, 6, 7, 8))
    modulus = 10 ** digits * step if digits else 0
    if modulus and modulus < 40 * max_w:  # it must not turn over in a day
        modulus *= 100
    quantities = QUANTITIES[:rng.choice((1, 1, 1, 2, 3))]
    rows, text, address = [], TABLE.format(max_w=max_w), 0
    for q in quantities:
        option = f" modulus={modulus}{UNITS[q]}" if modulus else ""
        text += f"{q} = {address} u32 {step} {UNITS[q]} energy{option}\n"
        address += 2
        rows.append(Row(q, step, modulus or 2 ** 32 * step))
    text += f"active_power = {address} u32 1 W power\n"
    has_serial = rng.random() < 0.5
    if has_serial:
        text += f"serial_number = {address + 2} hex:4 - - identity\n"
    return Model(name, tuple(rows), max_w, has_serial, table=text)


def draw_shipped(rng):
    """A shipped model; its figures are those of its table."""
    kind = rng.randrange(5)
    if kind == 0:
        return Model("countis-e43", (Row("active_energy_import", 10, 10 ** 10, 1000),
                                     Row("reactive_energy_import", 10, 10 ** 10, 1000),
                                     Row("reactive_energy_export", 1000, 10 ** 10)), 10_400_000, True)
    if kind == 1:
        return Model("countis-e23", (Row("active_energy_import", 10, 10 ** 10, 1000),), 69_200, True,
                     counter_max=10 ** 10 - 10)
    if kind == 2:
        modulus = rng.choice((10 ** 9, 10 ** 10))
        return Model("countis-e03", (Row("active_energy_import", 10, modulus, 1000),
                                     Row("active_energy_export", 10, modulus)), 8_500, True)
    if kind == 3:
        ct = rng.choice((1, 20, 80, 400))
        step = step_of_ratio(ct)
        return Model("conto-d4-s", (Row("active_energy_import", step, 10 ** 8 * step),
                                    Row("reactive_energy_import", step, 10 ** 8 * step)), 5_200 * ct, ct=ct)
    weights = [rng.choice((1, 10, 100, 1000)) for _ in range(rng.choice((1, 2, 3)))]
    # 25 pulses a second at most
    return Model("conto-d4cr8", tuple(Row(f"pulses_{k + 1}", w, 10 ** 9 * w) for k, w in enumerate(weights)),
                 90_000 * min(weights), pulses=True)


def step_of_ratio(ct):
    """Wh for each count of a Conto."""
    return 10 if ct < 10 else 100 if ct < 100 else 1000


def draw(rng, name):
    return draw_own(rng, name) if rng.random() < 0.7 else draw_shipped(rng)
