# SPDX-License-Identifier: MIT
"""The cheapest explanation of the readings of a counter, as far as it is found. It shares no code with the account.

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

Left out is what costs more than the truth does. To each reading LABELS paths are kept, and of the readings that can follow
one a few, so it may miss a cheaper explanation; then less is excused. Where what is found costs less than the truth, at
the end or when a decision becomes final, nobody can know the truth."""

import bisect
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
FINAL_S, FINAL_READINGS = 86400, 10
HOPELESS = 25  # bits
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

    def accidents(self):
        """Places of the first and last readings of runs of false readings, and of lives."""
        good = {at for at, _ in self.truth}
        edges = {at for at, is_life in self.truth if is_life}
        edges |= {at for at in range(1, len(self.shown)) if (at in good) != (at - 1 in good)}
        return sorted(edges - {0})

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

    # What false readings cost.

    def walk(self, path, most, n):
        """All ways to go on from a path: (next reading, cost so far, whether it can follow). One that costs more is left out.
        The last one is the end of the readings."""
        extra, has_left, still = path.cost, False, path.at
        is_first = path.is_life or path.before.value != path.value
        for i in range(path.at + 1, n + 1):
            r = self.readings[i] if i < n else None
            cost = extra + self.run(path.at, i)
            if still > path.at:
                leap = self.readings[still + 1].shock - self.readings[still].shock if i > still + 1 else 0
                cost = min(cost, path.cost + STILL + leap + self.run(still, i))
            if cost > most:
                return
            follower = self.follow(path, i) if r is not None else None
            if follower is not None:
                follower.cost += cost - path.cost
            yield i, cost, follower
            if r is None:
                return
            if is_first and still == i - 1 and follower is not None and r.value == path.value:
                still = i
            if i == path.at + 1 and (follower is None or path.young == 0):
                extra += shock_between(path.value, r, step_of(self.readings[path.at], r), r.slot - path.slot, path.rate)
            if follower is not None and has_left:
                extra += RUN
            has_left = follower is None

    def run(self, at, until):
        """The cost of the false readings between two places; none: 0."""
        if until <= at + 1:
            return 0
        return (RUN + cost_of_doubt(self.readings[until - 1].doubt - self.readings[at].doubt) +
                self.readings[until - 1].shock - self.readings[at + 1].shock)

    def cost(self, places, until=None):
        """What an explanation costs: [(place, whether a life begins)]. None: it is impossible."""
        best = self.retrace(places, until)
        return min((path.cost for path in best), default=None)

    def retrace(self, places, until=None):
        """The paths through these readings, with their costs; the last of each is the whole."""
        paths, n = [self.begin()], until or len(self.readings)
        for place, is_life in [(at, life) for at, life in places[1:] if at < n] + [(n, False)]:
            reached = []
            for path in paths:
                for i, cost, follower in self.walk(path, math.inf, n):
                    if i < place:
                        continue
                    if i == n:
                        reached.append(dataclasses.replace(path, cost=cost))
                    elif is_life:
                        reached.append(self.live(dataclasses.replace(path, cost=cost), i))
                        reached[-1].before = path
                    elif follower is not None:
                        reached.append(follower)
                    break
            paths = sorted(reached, key=lambda path: path.cost)[:LABELS]
        return paths

    def find(self, most, until=None, decided=()):
        """The cheapest explanation that costs no more than this: its places, or None. until: of the readings before this place.
        decided: it begins with these places, and what they are."""
        n = until or len(self.readings)
        fixed, open_from = dict(decided), max((at for at, _ in decided), default=-1)
        following = dict(zip([at for at, _ in decided], [at for at, _ in decided[1:]]))
        kept = [[] for _ in self.readings]
        kept[0] = [self.begin()]
        best, least = None, most
        for at in range(n):
            if at <= open_from and at not in fixed:
                continue
            fewest = sorted(kept[at], key=lambda path: path.cost)
            chosen = []
            for path in fewest:
                if at in fixed and at > 0 and path.is_life != fixed[at]:
                    continue
                if len(chosen) < LABELS and not any(
                        c.life == path.life and c.ms == path.ms and c.value == path.value and c.rate >= path.rate for c in chosen):
                    chosen.append(path)
            kept[at] = []
            for path in chosen:
                fits = []
                for i, cost, follower in self.walk(path, least, n):
                    if i == n:
                        if at >= open_from:
                            best, least = path, cost
                        break
                    if at < open_from and i != following[at]:
                        continue
                    if follower is None:
                        life = self.live(dataclasses.replace(path, cost=cost), i)
                        life.before = path
                        if life.cost <= least:
                            kept[i].append(life)
                        continue
                    # no explanation calls readings false that fit
                    is_passed = any(self.follow(fit, i) is not None for fit in fits)
                    if fits and fits[-1].value == follower.value == path.value:
                        fits[-1] = follower  # of a register that stands still the last one
                    elif len(fits) < 6:
                        fits.append(follower)
                    else:
                        fits[3:] = fits[4:] + [follower]
                    if is_passed:
                        continue
                    if follower.cost <= least:
                        kept[i].append(follower)
        return None if best is None else [(at, is_life) for at, is_life, _ in steps_of(best)]


def find_ways(shown, own=None):
    """Explanations of these readings, of which the first begins a life for certain: the truth, then those that cost no more.
    Each is ([(place, whether a life begins, what passed before it)], [(slot before, slot after) of what differs]). own: the
    explanation that the account gave, which is one more of them if it costs no more: there are more of them than the cheapest."""
    series = Series(shown)
    path = series.retrace(series.truth)
    yield (steps_of(path[0]) if path else [], [])
    most = (path[0].cost if path else IMPOSSIBLE) + MARGIN
    if own is not None:
        yield from find_mixed(series, own, most)
    found = series.find(most)
    if found is not None and found != own:
        yield from find_mixed(series, found, most)
    slots = [s.slot for s in shown]
    for at in series.accidents():
        until = max(bisect.bisect_right(slots, slots[at] + FINAL_S), at + FINAL_READINGS) + 1
        yield from find_decided(series, until, at + 1, own)


def find_mixed(series, found, most):
    """Where an explanation differs from the truth in several spans: it may be right in some."""
    truth, other = dict(series.truth), dict(found)
    spans = find_spans(truth, other)[:4]
    for n in range(1, len(spans) + 1):  # as few as possible
        for chosen in itertools.combinations(spans, n):
            inside = {at for low, high in chosen for at in range(low, high + 1)}
            mixed = sorted([(at, life) for at, life in truth.items() if at not in inside] +
                           [(at, life) for at, life in other.items() if at in inside])
            path = series.retrace(mixed)
            if path and path[0].cost <= most:
                yield steps_of(path[0]), [slots_around(series, other, low, high) for low, high in chosen]


def find_decided(series, until, before, own):
    """When the readings up to `until` were known, what was explained before a place became final. The truth may only be the
    cheapest after that: then what was the cheapest at that time remains, and all that comes after follows on from it."""
    if not 1 < until < len(series.readings):
        return
    cost = series.cost(series.truth, until)
    most = (cost if cost is not None else IMPOSSIBLE) + MARGIN
    truth = dict(series.truth)
    own_cost = series.cost(own, until) if own is not None else None
    for known in (series.find(most, until), own if own_cost is not None and own_cost <= most else None):
        decided = [(at, life) for at, life in known or [] if at < before]
        if not decided or decided == [(at, life) for at, life in series.truth if at < before]:
            continue
        path = series.find((series.true_cost if series.true_cost is not None else IMPOSSIBLE) + HOPELESS, None, decided)
        if path is not None:
            spans = find_spans(truth, dict(path))
            yield steps_of(series.retrace(path)[0]), [slots_around(series, dict(path), low, high) for low, high in spans]


def find_spans(truth, other):
    """(first place, last place) where they differ."""
    spans = []
    for at in sorted(at for at in truth.keys() | other.keys() if truth.get(at) != other.get(at)):
        if spans and at - spans[-1][1] <= APART:
            spans[-1][1] = at
        else:
            spans.append([at, at])
    return spans


def slots_around(series, other, low, high):
    """The slots of the last reading that is good by both before a span, and of the first one after it."""
    common, shown = dict(series.truth).keys() & other.keys(), series.shown
    before, after = [at for at in common if at < low], [at for at in common if at > high]
    return shown[max(before, default=0)].slot, shown[min(after, default=len(shown) - 1)].slot


def steps_of(path):
    steps = []
    while path is not None:
        steps.append((path.at, path.is_life, path.amount))
        path = path.before
    return steps[::-1]
