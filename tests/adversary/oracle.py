# SPDX-License-Identifier: MIT
"""Hold the database of a site against what really flowed. It shares no code with the account, and knows nothing of how that
decides: only which readings were good, of which line, and what flowed.

For every counter each good reading has the sum that must have been counted by then: differences of good readings of one
line, added up; nothing where another line begins. So at the end of an interval that has a good reading of its own the sum of
all intervals is known exactly; elsewhere it lies between those of the good readings around it. What cannot be known in
principle (account.h) is decided here from the scenario alone, as a doubt about the sums of a span, and counted in `excluded`. Each doubt has its item there.

Where what was counted is not what flowed, there is one more question: whether the readings themselves say so. Of two lines
that both stay plausible nobody knows which is right. So cheapest.py looks for an explanation that costs no more than the
truth does, and the account is held against that one in the same way: each sum, each event, and each day outside of the
spans where it differs from the truth. Those spans are counted as excused."""

import bisect
import copy
import dataclasses
import datetime
import itertools
import sqlite3
import zoneinfo

import cheapest
from models import MWS_PER_WH

LEFT_OUT = 10  # what happened in the last readings of a site
SLACK_S = 3  # by which the time of a reading may be wrong
DAY = 86400
LATE = 7 * DAY  # an exchange may be reported so late
GLITCH = 42  # readings: false ones of so many must leave nothing
MOST_WAYS = 64
EXCUSED = "two lines both plausible"

SUMS = ("interval", "daily", "monthly", "meter_life")


def text_of(slot):
    return datetime.datetime.fromtimestamp(slot, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclasses.dataclass
class Violation:
    bound: str  # (a) to (e) of the contract
    meter: str
    quantity: str
    slot: int
    text: str

    def __str__(self):
        return f"({self.bound}) {self.meter} {self.quantity} {text_of(self.slot)}: {self.text}"


@dataclasses.dataclass
class Good:
    """A good reading and what must have been counted up to it."""

    slot: int
    at: int  # when it was read, really
    known_at: int
    value: int
    sum: int
    flow: int
    late: int
    lost: int  # mW x s that must not be counted up to here
    index: int  # of counter.shown


@dataclasses.dataclass
class Doubt:
    """Where the account may have taken something for something else, as nobody can know: the sum is in excess from then on."""

    what: str
    since: int  # slot
    until: int
    least: int  # of the excess, base units
    most: int


class Truth:
    """What must have been counted of one counter."""

    def __init__(self, counter):
        self.counter = counter
        self.goods = []
        self.changes = []  # (good before, good after, what may be counted between them)
        self.doubts = []
        self.shares = []  # what is excluded, but changes no sum
        self.max_w = counter.max_w
        shown = [(i, s) for i, s in enumerate(counter.shown) if s.kept and s.good]
        total = lost = effective = counted = 0
        for (i, s), before in zip(shown, [None] + [s for _, s in shown]):
            if before is not None and before.line == s.line:
                # a coarse value below the last one counted counts nothing
                effective = max(effective, s.counted)
                total += effective - counted
            elif before is not None:
                figures = [b for b in counter.breaks if before.slot < b.slot <= s.slot and b.final is not None]
                known = figures[0].final - before.value + s.value - figures[0].initial if len(figures) == 1 else 0
                total += known
                lost += s.flow - before.flow - known * MWS_PER_WH
            if before is None or before.line != s.line:
                effective = s.counted
            counted = effective
            good = Good(s.slot, s.at, s.known_at, s.value, total, s.flow, s.late, lost, i)
            if before is not None and before.line != s.line:
                self.changes.append((self.goods[-1], good))
            self.goods.append(good)
        self.slots = [good.slot for good in self.goods]
        self.find_zones([s for s in counter.shown if s.kept])
        self.find_hidden_time()
        self.kept = [s for s in counter.shown if s.kept]
        self.places = [s.slot for s in self.kept]
        if self.goods:
            self.find_false_beginnings()
            self.find_false_ends()
            self.find_short_lives()
            self.find_unannounced()
    def doubt(self, what, since, until, least, most):
        if least < 0 or most > 0:
            self.doubts.append(Doubt(what, since, until, least, most))

    def find_false_beginnings(self):
        """The first readings of a line are false: a life begins with them. It ends when the line has proved itself, and what
        they rose by may be counted."""
        for before, after in [(None, self.goods[0])] + self.changes:
            since = before.slot if before is not None else 0
            run = [s for s in self.kept if since < s.slot < after.slot and not s.good]
            if run:
                chain = run + [after] if before is None or self.is_announced(before, after) else [before] + run + [after]
                self.doubt("the first reading of a life is false", since, after.slot + 2 * DAY, 0, self.rises(chain))

    def find_false_ends(self):
        """A line ends after a run of false readings, and has not come back for longer than the run was: the line may have
        gone where the run did, and what came after it be false."""
        for before, after in self.changes + [(self.goods[-1], None)]:
            first = max([self.goods[0].slot] + [c.slot for _, c in self.changes if c.slot <= before.slot])
            k = bisect.bisect_left(self.places, after.slot) if after is not None else len(self.places)
            end = k
            while k > 0 and self.kept[k - 1].slot > first and end - k <= 2 * GLITCH:
                k -= 1
                if self.kept[k].good or (k > 0 and not self.kept[k - 1].good):
                    continue
                run = self.run_at(k)
                if end - k - len(run) > len(run):
                    continue
                low = self.goods[bisect.bisect_left(self.slots, run[0].slot) - 1]
                self.doubt("a line ends before it has proved that the readings before were false", low.slot,
                           (after or before).slot + 2 * DAY, low.sum - before.sum, self.rises([low] + run))

    def run_at(self, k):
        """The false readings from place k on."""
        end = k
        while end < len(self.kept) and not self.kept[end].good:
            end += 1
        return self.kept[k:end]

    def find_short_lives(self):
        """A life that nobody announced is no longer than a run of false readings may be, and the old line does not come back
        after it either."""
        for (before, begin), (end, after) in zip(self.changes, self.changes[1:]):
            n = bisect.bisect_right(self.places, end.slot) - bisect.bisect_left(self.places, begin.slot)
            if n <= GLITCH and not self.is_announced(before, begin):
                self.doubt("a life that nobody announced is no longer than a glitch", before.slot, after.slot + 2 * DAY,
                           begin.sum - end.sum, 0)

    def find_unannounced(self):
        """The first value of an unannounced life follows on from the old line. Or the new line passes the old one so soon, as
        after a run of false readings no longer than a glitch."""
        for before, after in self.changes:
            if self.is_announced(before, after):
                continue
            excess = self.could_follow(before, after)
            if excess is not None:
                self.doubt("first value of an unannounced life follows on from the old line", before.slot, after.slot,
                           min(0, excess), max(0, excess))
                continue
            k, m = bisect.bisect_left(self.places, before.slot), bisect.bisect_left(self.places, after.slot)
            pairs = [(a, b) for a in self.goods if self.places[max(0, k - GLITCH)] <= a.slot <= before.slot
                     for b in self.goods[bisect.bisect_left(self.slots, after.slot):]
                     if b.slot <= self.places[min(len(self.places) - 1, m + GLITCH)]]
            excesses = [excess - (b.sum - a.sum) for a, b in pairs
                        if bisect.bisect_left(self.places, b.slot) - bisect.bisect_left(self.places, a.slot) <= GLITCH + 1
                        for excess in (self.could_follow(a, b),) if excess is not None]
            if excesses:
                self.doubt("unannounced life passes the old line within forty readings", before.slot - DAY,
                           after.slot + 2 * DAY, min(0, *excesses), max(0, *excesses))

    def has_doubt(self, since, until):
        return any(d.since < until and since <= d.until for d in self.doubts)

    def is_announced(self, before, after):
        return all(is_announced(self.counter, b) for b in find_breaks(self.counter, before, after))

    def rises(self, chain):
        """No more can be counted of these readings, whichever of them are good."""
        steps = [self.could_follow(a, b) or 0 for a, b in zip(chain, chain[1:])]
        return sum(steps) + max([self.could_follow(chain[0], b) or 0 for b in chain[1:]] + [0])

    def find_zones(self, kept):
        """Where another run of false readings, no longer than the one that there was, explains as much: of a run that is too
        high the first values may be good and the readings after it false, of one that is too low the readings before it
        may be false and its last values good. No sum beyond them depends on it, only the share of the intervals there."""
        self.zones = {}  # slot of a good reading before: slot of the one after
        place = {good.slot: k for k, good in enumerate(self.goods)}
        k = 0
        while k < len(kept):
            if kept[k].good:
                k += 1
                continue
            run = []
            while k < len(kept) and not kept[k].good:
                run.append(kept[k])
                k += 1
            if k == len(kept) or kept[k].slot not in place or place[kept[k].slot] == 0:
                continue
            self.note_zone(run, place[kept[k].slot])

    def find_hidden_time(self):
        """The clock was set back while the program was stopped, and nothing shows by how much: more may have passed than
        seems possible, and then good readings are false, until the line can have come so far. The sum is right again then."""
        for k, (before, after) in enumerate(zip(self.goods, self.goods[1:])):
            if after.at - after.known_at <= before.at - before.known_at + SLACK_S:
                continue
            pairs = [(i, j) for i, a in enumerate(self.goods[:k + 1]) if a.slot >= before.slot - DAY
                     for j, b in enumerate(self.goods[k + 1:], k + 1) if b.slot <= after.slot + DAY
                     and b.sum - a.sum == b.value - a.value > self.most(b.known_at - a.known_at)]
            if pairs:  # any of these may be false
                begin, end = min(i for i, _ in pairs) - 1, max(j for _, j in pairs) + 1
                self.zones[self.goods[max(begin, 0)].slot] = self.goods[min(end, len(self.goods) - 1)].slot
                self.shares.append("clock set back while stopped, by more than anybody knows")

    def note_zone(self, run, after):
        """run: false readings between the goods after - 1 and after."""
        begin, end = after - 1, after
        n = len(run)
        for m in range(n + 1):  # goods after the run that would be false
            if after + m < len(self.goods) and any(self.lies_between(after - 1, f, after + m) for f in run[max(0, m - 1):]):
                end = after + m
        for m in range(n + 1):  # goods before it
            if after - 1 - m >= 0 and any(self.lies_between(after - 1 - m, f, after) for f in run[:n + 1 - m]):
                begin = after - 1 - m
        if (begin, end) != (after - 1, after):
            self.zones[self.goods[begin].slot] = self.goods[end].slot
            self.shares.append("share of intervals: another run of false readings explains as much")

    def lies_between(self, before, shown, after):
        """Whether a value can follow one good reading and be followed by another one, both of the same line."""
        low, high = self.goods[before], self.goods[after]
        if high.sum - low.sum != high.value - low.value:
            return False
        return (low.value <= shown.value <= high.value and
                shown.value - low.value <= self.most(shown.at - low.at) and
                high.value - shown.value <= self.most(high.at - shown.at))

    def most(self, seconds):
        """The most that can pass, base units."""
        step = max(self.counter.row.step, self.counter.row.coarse)
        return self.max_w * 5 * (seconds + SLACK_S) // 4 // 3600 + 2 * step + 1

    def is_in_zone(self, at):
        return any(begin < at < end for begin, end in self.zones.items())

    def around(self, at):
        """The last good reading up to a time and the first one from it on; None = there is none."""
        for begin, end in self.zones.items():
            if begin < at < end:
                return self.goods[bisect.bisect_left(self.slots, begin)], self.goods[bisect.bisect_left(self.slots, end)]
        k = bisect.bisect_left(self.slots, at)
        after = self.goods[k] if k < len(self.goods) else None
        if after is not None and after.slot == at:
            return after, after
        return self.goods[k - 1] if k > 0 else None, after

    def could_follow(self, before, after):
        """What the old line would have counted if the first value of the new line were its own; None: it cannot be."""
        rise = after.value - before.value
        modulus = self.counter.row.modulus
        for candidate in (rise, rise + modulus if modulus else rise):
            if 0 <= candidate <= self.most(after.at - before.at):
                return candidate
        return None


def find_breaks(counter, before, after):
    """The breaks between two good readings."""
    return [b for b in counter.breaks if before.slot < b.slot <= after.slot]


def is_announced(counter, b):
    """Without figures an exchange may be the late report of one that nobody had announced."""
    if b.final is not None or not b.is_announced or "serial" in b.kind:
        return b.is_announced
    return not any(c.slot < b.slot <= c.slot + LATE and not c.is_announced for c in counter.breaks)


def check_sums(site, counter, truth, intervals, violations):
    """(a), (d): the sum of the intervals at the end of each."""
    if not truth.goods:
        return
    doubts = truth.doubts
    kept = [s for s in counter.shown if s.kept]
    end = kept[-LEFT_OUT].slot if len(kept) > LEFT_OUT else 0
    total, last_end, excess = 0, truth.goods[0].slot, None  # excess: once it has shown itself
    for (start, duration, value, _), following in zip(intervals, intervals[1:] + [None]):
        at = start + duration
        total += value or 0
        if following is not None and following[0] < at:
            violations.append(Violation("a", counter.name, counter.quantity, at,
                                        f"its interval and the one that begins at {text_of(following[0])} overlap"))
            return
        if at > end or at <= truth.goods[0].slot:
            continue
        last_end = at
        before, after = truth.around(at)
        low, high = before.sum, after.sum if after is not None else before.sum
        if any(d.since < at <= d.until for d in doubts):
            excess = None
        elif excess is None and low == high:
            excess = total - low
            least, most = (sum(d.least for d in doubts if d.until < at), sum(d.most for d in doubts if d.until < at))
            excess = min(max(excess, least), most)
        if excess is not None:
            low, high = low + excess, high + excess
        else:
            low += sum(d.least for d in doubts if d.since < at)
            high += sum(d.most for d in doubts if d.since < at)
        if not low <= total <= high:
            violations.append(Violation(
                "a", counter.name, counter.quantity, at, f"counted {total}, must be {low}" +
                (f" to {high}" if high > low else "") + f"; off by {total - (low if total < low else high)}"))
            return
    if last_end + 2 * site.longest_s < end:
        violations.append(Violation("a", counter.name, counter.quantity, last_end, f"nothing is counted up to {end}"))


def days_of(site, until):
    """(day, first second, first second of the next one), of whole days that one zone only has hours of."""
    zones = [zoneinfo.ZoneInfo(name) for _, name in site.zones]
    since = [max(at, site.start) for at, _ in site.zones] + [max(until, site.start)]
    names = [[datetime.datetime.fromtimestamp(at, zone).date() for at in span]
             for zone, span in zip(zones, zip(since, since[1:]))]  # first and last day
    for k, (zone, (first, last)) in enumerate(zip(zones, names)):
        for day in (first + datetime.timedelta(days=n) for n in range(1, (last - first).days)):
            if not any(a <= day <= b for other, (a, b) in enumerate(names) if other != k):
                yield day.isoformat(), midnight(day, zone), midnight(day + datetime.timedelta(days=1), zone)


def midnight(day, zone):
    return int(datetime.datetime.combine(day, datetime.time(), zone).timestamp())


def at_midnight(site, counter, truth, at, step, estimated):
    """What has flowed and may be counted up to here, and how far what is counted may be from it; mW x s."""
    low, high = truth.around(at)
    if low is high:
        return low.flow - low.late - low.lost, step * MWS_PER_WH + low.late
    # what must not be counted: as much of the time around a new line as lies before midnight
    least, most = low.flow - low.lost, high.flow - high.lost
    net = least if low.lost != high.lost else min(max(counter.flow_at(at) - low.lost, least), most)
    if not estimated(at) and not truth.is_in_zone(at):
        if counter.has_tick(at):  # there was to be a reading: what is spread because it is missing must be marked
            return net, step * MWS_PER_WH
        truth.shares.append("end of a day between the slots of two readings")
    return net, most - least


def check_days(site, counter, truth, days, estimated, violations):
    """(c): what was counted in each day against what flowed in it."""
    if not truth.goods:
        return
    step = max(s.row.coarse if s.coarse else s.row.step for s in counter.shown)
    kept = [s for s in counter.shown if s.kept]
    last = kept[-LEFT_OUT].slot if len(kept) > LEFT_OUT else 0
    for day, begin, end in days_of(site, last):
        if begin < truth.goods[0].slot or end > truth.goods[-1].slot or truth.has_doubt(begin, end):
            continue
        (net_before, slack_before), (net, slack) = (at_midnight(site, counter, truth, at, step, estimated) for at in (begin, end))
        flowed, counted = net - net_before, days.get(day, 0) * MWS_PER_WH
        allowed = slack_before + slack + 2 * step * MWS_PER_WH
        if abs(counted - flowed) > allowed:
            violations.append(Violation(
                "c", counter.name, counter.quantity, end - 1, f"{day}: counted {counted // MWS_PER_WH}, flowed "
                f"{flowed / MWS_PER_WH:.3f}, allowed {allowed / MWS_PER_WH:.3f}"))


def shown_text(value):
    return f"{value // 1000}.{value % 1000:03d}"


def check_events(counter, truth, events, lives, violations):
    """(b): an event with both readings."""
    kept = [s for s in counter.shown if s.kept]
    end = kept[-LEFT_OUT].slot if len(kept) > LEFT_OUT else 0
    for before, after in truth.changes:
        if after.slot > end or truth.has_doubt(before.slot, after.slot) or any(b.final is not None or b.kind == "another name"
                                   for b in find_breaks(counter, before, after)):
            continue
        both = [shown_text(before.value), shown_text(after.value)]
        named = any(all(v in detail for v in both) for subject, detail in events if subject == counter.name)
        in_life = any(until == before.value and since == after.value
                      for (name, q, since, until) in lives if name == counter.name and q == counter.quantity)
        if not named and not in_life:
            violations.append(Violation("b", counter.name, counter.quantity, after.slot,
                                        f"no event and no life has both readings, {both[0]} and {both[1]}"))


def read_sums(site):
    """All that a rebuild must give again. Of a meter whose order to rename it came late not how well it is known: only the
    rebuild finds both parts of the interval in which its name has changed."""
    joined = {c.name for c in site.counters if c.is_joined}
    db = sqlite3.connect(f"file:{site.folder}/t.db?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        return {view: sorted(repr(tuple(v for k, v in zip(row.keys(), row)
                                        if row["meter"] not in joined or k not in ("quality", "coverage")))
                             for row in db.execute(f"SELECT * FROM {view}")) for view in SUMS}
    finally:
        db.close()


def check(site):
    """The violations of one site, what was excluded, and the spans that are excused."""
    violations, excluded, excused = [], [], []
    db = sqlite3.connect(f"file:{site.folder}/t.db?mode=ro", uri=True)
    intervals, days = {}, {}
    for meter, q, start, duration, value, quality in db.execute(
            "SELECT meter, quantity, ts, duration_s, base_value, quality FROM interval ORDER BY ts + duration_s"):
        intervals.setdefault((meter, q), []).append((start, duration, value, quality))
    for day, meter, q, value in db.execute("SELECT day, meter, quantity, base_value FROM daily"):
        days.setdefault((meter, q), {})[day] = value or 0
    events = list(db.execute("SELECT subject, detail FROM event"))
    lives = find_lives(db)
    suspects, begins = {}, {}
    for meter, q, slot in db.execute("SELECT meter, quantity, ts FROM suspect_reading"):
        suspects.setdefault((meter, q), set()).add(slot)
    for meter, q, slot in db.execute("SELECT meter, quantity, since_ts FROM meter_life"):
        begins.setdefault((meter, q), set()).add(slot)
    db.close()
    for counter in site.counters:
        key = (counter.name, counter.quantity)
        truth = Truth(counter)
        counted = Counted(intervals.get(key, []), days.get(key, {}), events, lives, suspects.get(key, set()), begins.get(key, set()))
        wrong = counted.check(site, counter, truth, truth)
        if wrong:
            spans = find_excuse(site, counter, truth, counted)
            wrong = [] if spans else wrong
            excused += [f"{counter.name} {counter.quantity} {text_of(since)} to {text_of(until)}" for since, until in spans]
        violations += wrong
        excluded += [d.what for d in truth.doubts] + truth.shares
    return violations, excluded, excused


@dataclasses.dataclass
class Counted:
    """What the database says of one counter."""

    rows: list
    days: dict
    events: list
    lives: list
    suspects: set  # slots of the readings that were not counted
    begins: set  # slots of the first readings of lives

    def explanation(self, shown):
        """(place, whether a life begins) of the readings that were taken for good."""
        good = [at for at, s in enumerate(shown) if at == 0 or s.slot not in self.suspects]
        return [(at, at == 0 or shown[at].slot in self.begins) for at in good]

    def check(self, site, counter, truth, explained):
        """The violations. truth: what flowed. explained: by what the sums and lives must be."""
        violations = []
        is_estimated = {start: quality == "estimated" for start, _, _, quality in self.rows}
        ends = {start + duration: quality == "estimated" for start, duration, _, quality in self.rows}
        check_sums(site, counter, explained, self.rows, violations)
        check_days(site, counter, truth, self.days, lambda at: is_estimated.get(at) or ends.get(at), violations)
        check_events(counter, explained, self.events, self.lives, violations)
        return violations


def find_excuse(site, counter, truth, counted):
    """The spans where an explanation that costs no more than the truth differs from it, if all else is as that one says."""
    kept = truth.kept
    breaks = [b for before, after in truth.changes if truth.is_announced(before, after)
              for b in find_breaks(counter, before, after)]
    begins = sorted({0} | {bisect.bisect_left(truth.places, b.slot) for b in breaks})
    ways = [cheapest.find_ways(kept[a:b], counted.explanation(kept[a:b]))
            for a, b in zip(begins, begins[1:] + [len(kept)])]
    doubts = truth.doubts
    for way in combine(ways):
        spans = [span for _, found in way for span in found]
        explained = Truth(explain(counter, kept, [(a + at, *rest) for a, (steps, _) in zip(begins, way) for at, *rest in steps]))
        explained.doubts = doubts
        truth.doubts = doubts + [Doubt(EXCUSED, since, until, 0, 0) for since, until in spans]
        wrong = counted.check(site, counter, truth, explained)
        truth.doubts = doubts
        if not wrong:
            return spans
    return []


def combine(ways):
    """One way of each, and not the first one of all. Finding a way takes long: those come first that differ in one place."""
    known = [[next(way)] for way in ways]
    firsts = [way[0] for way in known]
    for k, way in enumerate(ways):
        for other in way:
            known[k].append(other)
            yield firsts[:k] + [other] + firsts[k + 1:]
    for combined in itertools.islice(itertools.product(*known), 1, MOST_WAYS):
        if sum(way is not first for way, first in zip(combined, firsts)) > 1:
            yield list(combined)


def explain(counter, kept, steps):
    """The counter as if exactly these readings were good: (place, whether a life begins, what passed before it)."""
    shown = [dataclasses.replace(s, good=False) for s in kept]
    line, total = None, 0
    for at, is_life, amount in steps:
        line = object() if is_life else line
        total = kept[at].value if is_life else total + amount
        shown[at] = dataclasses.replace(kept[at], good=True, line=line, counted=total)
    result = copy.copy(counter)
    result.shown = shown
    return result


def find_lives(db):
    """(meter, quantity, first value, last value of the life before), base units."""
    rows = list(db.execute("SELECT meter, quantity, since, from_value, until_value FROM meter_life ORDER BY since"))
    found = []
    last = {}
    for meter, q, _, first, until in rows:
        if (meter, q) in last and last[meter, q] is not None:
            found.append((meter, q, round(first * 1000), round(last[meter, q] * 1000)))
        last[meter, q] = until
    return found


def check_rebuild(before, after):
    """(e)."""
    for view in SUMS:
        gone = [r for r in before[view] if r not in set(after[view])]
        new = [r for r in after[view] if r not in set(before[view])]
        if gone or new:
            return [Violation("e", view, "", 0, f"{len(gone)} rows before the rebuild, {len(new)} after it differ: "
                              f"{(gone + ['-'])[0]} and {(new + ['-'])[0]}")]
    return []
