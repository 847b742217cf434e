# SPDX-License-Identifier: MIT
"""The cheapest explanation of the readings of a counter, found by looking at all of them. It shares no code with the account.

A reading is good and follows an earlier good one, or begins a life, or is false. An explanation is the good readings in
their order. What each costs is what daemon/account/explain.c says in its opening comment; here is the rule as it is
computed, in bits:

    a run of false readings            4, and 3/64 for each of them, 6/64 more for one that rises plausibly from the one
                                       before; twice as much for all that is beyond 2 bits
    it fits the line again in between  4 more: two runs
    a life                             6, its nearness to the ends of the lines before, and how far from 0 it begins
    a shock                            two thirds of the binary logarithm of the excess over twice the highest rate of
                                       the line, 8 x 2/3 at most: of a rise to a good reading, of the first false
                                       reading of a run, and of each one against the false one before it
    a steep rise                       that excess too, 3/2 at most
    a turn-over                        2
    a register that stood still, and leaps by more than passes in the time since it was last read: 2
    more than the meter can deliver (T2): impossible

Nothing is pruned except what already costs more than the truth does, and no decision is ever final. So what is found
here shows what the readings themselves say: where it costs less than the truth, nobody can know the truth."""

import dataclasses
import itertools
import math

RUN, FALSE, RISES, SHORT, LIFE, WRAP, STILL, STEEP = 4, 3 / 64, 6 / 64, 2, 6, 2, 2, 1.5
SHOCK_MOST, SHOCK_SHARE, RANGE_BITS = 8, 2 / 3, 17
YOUNG = 10  # readings of the first life before there are shocks of its line
SLACK_MS = 2000
NONE = -math.inf  # no rate
LABELS = 4  # paths that are kept to each reading: the next step depends a little on the way there
APART = 6  # readings: two places where explanations differ are one span unless so many between are the same
IMPOSSIBLE = 60  # bits; what the truth costs where it is more than the meter can deliver
MARGIN = 1 / 4  # bits; the account computes logarithms only so well


@dataclasses.dataclass
class Reading:
    slot: int
    ms: int  # when it was read, as far as the program knows
    unsure_ms: int
    value: int
    step: int
    is_coarse: bool
    coarse_step: int
    modulus: int
    per_ms: float  # 1.25 x the highest power
    doubt: float = 0  # sums over all readings up to this one, as if all were false
    shock: float = 0
    rate: float = NONE  # highest of the true line up to here


@dataclasses.dataclass
class Path:
    """An explanation up to a good reading."""

    at: int
    is_life: bool
    before: "Path | None"
    value: int
    slot: int
    ms: int
    amount: int = 0
    cost: float = 0
    over: float = 0  # base units above what the highest power gives
    rate: float = NONE
    excess: float = 0
    young: int = 0
    is_coarse: bool = False
    life: int = 0  # where it began
    ends: tuple = ()  # last values of the lives before
    leaps: tuple = ()  # values that the line leapt from


def cost_of_doubt(doubt):
    return doubt if doubt <= SHORT else 2 * doubt - SHORT


def step_of(a, b):
    return max(a.step, b.step, b.coarse_step if a.is_coarse or b.is_coarse else 0)


def rate_of(step, amount, seconds):
    return math.log2((amount - step) / max(1, seconds)) if amount > step else NONE


def rate_after(rate, seconds):
    return rate - seconds / 86400


def excess_of(step, rate, known):
    if rate == NONE:
        return 0
    return min(max(rate - max(known, math.log2(2 * step / 60)) - 1, 0), SHOCK_MOST)


def shock_between(start, reading, step, seconds, known):
    """Of a value that lies so far from another one, or from 0."""
    by_line = excess_of(step, rate_of(step, abs(reading.value - start), seconds), known)
    by_zero = excess_of(step, rate_of(step, reading.value, seconds), NONE)
    return SHOCK_SHARE * min(by_line, by_zero)


def nearness(step, a, b):
    low, high = min(a, b), max(a, b)
    bits = max(RANGE_BITS + math.log2(step), math.log2(high) if high else 0) - math.log2(max(high - low, step))
    magnitudes = math.log2(max(high, step)) - math.log2(max(low, step))
    if magnitudes > 0:
        bits = min(bits, math.log2(RANGE_BITS / magnitudes))
    return max(0, bits)


class Series:
    """The readings of one counter from one certain beginning of a life to the next one."""

    def __init__(self, shown):
        self.shown = shown
        self.readings = []
        sure_ms = None
        for s in shown:
            ms = (s.known_at - s.delay_ms // 1000) * 1000 + s.delay_ms
            if not s.unsure or sure_ms is None:
                sure_ms = ms
            self.readings.append(Reading(s.slot, ms, ms - sure_ms, s.value, s.row.step, s.coarse, s.row.coarse, s.row.modulus,
                                         s.max_w * 1.25 / 3_600_000))
        self.truth = self.true_path()
        self.note_rates()
        self.add_up()
        self.true_cost = self.cost(self.truth)

    def true_path(self):
        """(place, whether a life begins) of the good readings. A series begins with its first one, whatever that is."""
        path, line = [(0, True)], self.shown[0].line if self.shown[0].good else None
        for i, s in enumerate(self.shown[1:], 1):
            if s.good:
                path.append((i, s.line != line))
                line = s.line
        return path

    def note_rates(self):
        path = self.begin()
        steps = iter(self.truth[1:] + [(None, None)])
        place, is_life = next(steps)
        for i, r in enumerate(self.readings):
            if i == place:
                path = self.live(path, i) if is_life else self.follow(path, i) or self.live(path, i)
                place, is_life = next(steps)
            r.rate = rate_after(path.rate, r.slot - path.slot)

    def add_up(self):
        for a, b in zip(self.readings, self.readings[1:]):
            plausible = 0 < b.value - a.value <= b.per_ms * (b.ms - a.ms + SLACK_MS + b.unsure_ms) + 2 * step_of(a, b)
            b.doubt = a.doubt + FALSE + (RISES if plausible else 0)
            b.shock = a.shock + shock_between(a.value, b, step_of(b, b), b.slot - a.slot, a.rate)

    def begin(self):
        r = self.readings[0]
        return Path(0, True, None, r.value, r.slot, r.ms, over=-r.per_ms * r.unsure_ms, young=YOUNG, is_coarse=r.is_coarse)

    # One step, without the cost of false readings between.

    def follow(self, path, i):
        """The path with reading i as the next good one; None: it cannot be."""
        r = self.readings[i]
        last = Reading(path.slot, path.ms, 0, path.value, r.step, path.is_coarse, r.coarse_step, r.modulus, r.per_ms)
        step = step_of(last, r)
        amount, value, is_coarse, wrap = r.value - path.value, r.value, r.is_coarse, 0
        room = r.per_ms * (max(0, r.ms - path.ms) + SLACK_MS + r.unsure_ms) + 2 * step - path.over
        if (path.is_coarse or r.is_coarse) and (-step < amount < 0 or (r.modulus and amount > r.modulus - step)):
            amount, value, is_coarse = 0, path.value, path.is_coarse or r.is_coarse
        elif amount < 0:
            amount += r.modulus
            wrap = WRAP
            if amount < 0 or not r.modulus or path.value >= r.modulus or amount >= r.modulus / 2:
                return None
        if amount > room:
            return None
        seconds = r.slot - path.slot
        rate, known = rate_of(step, amount, seconds), rate_after(path.rate, seconds)
        least = math.log2(2 * r.step / 60)
        excess = excess_of(step, rate, known) if known != NONE else 0
        known = known if known != NONE else least
        cost = path.cost + wrap
        surprise = min(excess, STEEP) + (0 if path.young else SHOCK_SHARE * excess)
        cost += surprise
        if path.excess > 0 and rate != NONE and rate + 1 > path.rate:
            cost -= path.excess
        over = max(path.over + amount - r.per_ms * (r.ms - path.ms), -r.per_ms * r.unsure_ms)
        leaps = path.leaps + (path.value,) if excess > 0 else path.leaps
        return Path(i, False, path, value, r.slot, r.ms, amount, cost, over, max(rate, known), surprise,
                    max(0, path.young - 1), is_coarse, path.life, path.ends, leaps)

    def live(self, path, i):
        """The path with a life that begins at reading i."""
        r = self.readings[i]
        ends = path.ends + (path.value,)
        near = max(nearness(r.step, value, r.value) for value in ends + path.leaps)
        cost = path.cost + LIFE + near + shock_between(0, r, r.step, r.slot - self.readings[i - 1].slot, NONE)
        return Path(i, True, path, r.value, r.slot, r.ms, 0, cost, -r.per_ms * r.unsure_ms,
                    rate_after(path.rate, r.slot - path.slot), 0, path.young, r.is_coarse, i, ends)

    def stand_still(self, path, before):
        """The register has shown the same as before: perhaps it was read from a memory, and the line is still there."""
        return dataclasses.replace(before, at=path.at, before=path.before, is_life=path.is_life, amount=path.amount,
                                   cost=path.cost + STILL)

    # What false readings cost.

    def walk(self, path, most):
        """All ways to go on from a path: (next reading, cost so far, whether it can follow). One that costs more is left out."""
        extra, has_left = path.cost, False
        last = self.readings[path.at]
        for i in range(path.at + 1, len(self.readings)):
            r = self.readings[i]
            cost = extra
            if i > path.at + 1:
                cost += RUN + cost_of_doubt(self.readings[i - 1].doubt - last.doubt)
                cost += self.readings[i - 1].shock - self.readings[path.at + 1].shock
            if cost > most:
                return
            next_path = self.follow(path, i)
            if next_path is not None:
                next_path.cost += cost - path.cost
            yield i, cost, next_path
            if i == path.at + 1 and (next_path is None or path.young == 0):
                extra += shock_between(path.value, r, r.coarse_step if path.is_coarse or r.is_coarse else r.step,
                                       r.slot - last.slot, path.rate)
            if next_path is not None and has_left:
                extra += RUN
            has_left = next_path is None
        yield len(self.readings), extra if path.at == len(self.readings) - 1 else (
            extra + RUN + cost_of_doubt(self.readings[-1].doubt - last.doubt) + self.readings[-1].shock -
            self.readings[path.at + 1].shock), None

    def cost(self, places):
        """What an explanation costs: [(place, whether a life begins)]. None: it is impossible."""
        best = self.retrace(places)
        return min((path.cost for path in best), default=None)

    def retrace(self, places):
        """The paths through these readings, with their costs; the last of each is the whole."""
        paths = [self.begin()]
        for place, is_life in places[1:] + [(len(self.readings), False)]:
            reached = []
            for path in paths:
                for i, cost, follower in self.walk(path, math.inf):
                    if i < place:
                        continue
                    if i == len(self.readings):
                        reached.append(dataclasses.replace(path, cost=cost))
                    elif is_life:
                        reached.append(self.live(dataclasses.replace(path, cost=cost), i))
                        reached[-1].before = path
                    elif follower is not None:
                        reached.append(follower)
                        if follower.value == path.value:
                            reached.append(self.stand_still(follower, path))
                    break
            paths = sorted(reached, key=lambda path: path.cost)[:LABELS]
        return paths

    def find(self, most):
        """The cheapest explanation that costs no more than this: its places, or None."""
        kept = [[] for _ in self.readings]
        kept[0] = [self.begin()]
        best, least = None, most
        for at in range(len(self.readings)):
            fewest = sorted(kept[at], key=lambda path: path.cost)
            chosen = []
            for path in fewest:
                if len(chosen) < LABELS and not any(
                        c.life == path.life and c.ms == path.ms and c.value == path.value and c.rate >= path.rate for c in chosen):
                    chosen.append(path)
            kept[at] = []
            for path in chosen:
                fits = []
                for i, cost, follower in self.walk(path, least):
                    if i == len(self.readings):
                        if cost <= least:
                            best, least = path, cost
                        break
                    if follower is None:
                        life = self.live(dataclasses.replace(path, cost=cost), i)
                        life.before = path
                        if life.cost <= least:
                            kept[i].append(life)
                        continue
                    # no explanation calls readings false that fit
                    if any(self.follow(fit, i) is not None for fit in fits):
                        fits = fits[-3:] + [follower]
                        continue
                    fits = fits[-3:] + [follower]
                    if follower.cost <= least:
                        kept[i].append(follower)
                        if follower.value == path.value and follower.cost + STILL <= least:
                            kept[i].append(self.stand_still(follower, path))
        return None if best is None else [(at, is_life) for at, is_life, _ in steps_of(best)]


def find_ways(shown):
    """Explanations of these readings, of which the first begins a life for certain: the truth, then those that cost no more.
    Each is ([(place, whether a life begins, what passed before it)], [(slot before, slot after) of what differs])."""
    series = Series(shown)
    path = series.retrace(series.truth)
    ways = [(steps_of(path[0]) if path else [], [])]
    most = (path[0].cost if path else IMPOSSIBLE) + MARGIN
    found = series.find(most)
    if found is None:
        return ways
    truth, other = dict(series.truth), dict(found)
    spans = find_spans(truth, other)
    for n in range(1, len(spans) + 1):  # as few as possible
        for chosen in itertools.combinations(spans, n):
            inside = {at for low, high in chosen for at in range(low, high + 1)}
            mixed = sorted([(at, life) for at, life in truth.items() if at not in inside] +
                           [(at, life) for at, life in other.items() if at in inside])
            path = series.retrace(mixed)
            if path and path[0].cost <= most:
                ways.append((steps_of(path[0]), [slots_around(shown, truth, other, low, high) for low, high in chosen]))
    return ways


def find_spans(truth, other):
    """(first place, last place) where they differ."""
    spans = []
    for at in sorted(at for at in truth.keys() | other.keys() if truth.get(at) != other.get(at)):
        if spans and at - spans[-1][1] <= APART:
            spans[-1][1] = at
        else:
            spans.append([at, at])
    return spans[:4]


def slots_around(shown, truth, other, low, high):
    """The last good reading of both before a span, and the first one after it."""
    common = truth.keys() & other.keys()
    before, after = [at for at in common if at < low], [at for at in common if at > high]
    return shown[max(before, default=0)].slot, shown[min(after, default=len(shown) - 1)].slot


def steps_of(path):
    steps = []
    while path is not None:
        steps.append((path.at, path.is_life, path.amount))
        path = path.before
    return steps[::-1]
