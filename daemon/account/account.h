/* SPDX-License-Identifier: MIT */
/* account.h - readings in; lives, quality and intervals out. The rules of the account:
 *
 *   - Consumption is only ever the difference of two readings inside one life of a counter.
 *   - Each reading is either good, and continues from an earlier good one, or false. A new life that nobody announced
 * is possible, but rare. Of all explanations of the last readings the account follows the most plausible one
 *     (explain.h): as few runs of false readings as possible, as few new lives, and no two good readings of a life that
 *     are further apart than the meter can deliver. A run of false readings leaves nothing, however long it was. A
 *     reset or an exchange that nobody announced is noticed when the new readings have continued for long enough.
 *   - Between any two good readings of a life a counter rises by no more than 1.25 times its highest power gives in the
 *     time between them, two seconds and two steps of the register. A reading is where it was read, which is later than
 *     its slot; time that ran twice since the clock was set back counts twice; and a reading whose clock is not known
 * to be right may lie as far away as the time since it was.
 *   - A result is emitted when the reading after it has a successor, which may show that it was false; or, after three
 *     periods without one, as it is. When another explanation becomes the most plausible one, what was emitted is taken
 *     back and emitted again: intervals with is_revised, then revised() with the span. A decision is final after a day
 *     or ten readings, whichever is later. No decision closes the line of the newest readings while the most plausible
 *     explanation calls them false. Another name of a meter makes all final that has been given out. Another length of
 *     the intervals or another time zone makes nothing final: intervals are cut by time (calendar.h).
 *   - After three such changes within a day two meters seem to answer: nothing is emitted until one explanation has
 * held for an hour.
 *   - A fall that is plausible across the register's modulus is a rollover and is counted through. A fall within
 *     back_step is ignored: the higher value is kept until the counter passes it.
 *   - What passed between two good readings is spread over the time between them. The value at the end of an interval
 * is interpolated and rounded down, so the sum over any span is exact in whole base units.
 *   - Where a finer and a coarser register of a quantity are read in turns, they agree when they differ by less than
 *     a step of the coarser one, modulo the lower of their turn-overs. Then nothing passed, and the higher value is
 *     kept: only what exceeds it counts.
 *   - Nothing that lies before what has been counted is counted again.
 *   - A reading far from the last one counted comes from a clock that may be wrong. It is not counted until readings
 *     have continued from there for an hour. If the clock has then gone back, new lives begin: what was counted is
 * kept, even where it lies in the future, and no interval is counted twice.
 *
 * What cannot be known, by any rule, from the readings of one counter:
 *
 *   - that a meter without a serial number was exchanged or reset, and nobody announced it, when the first value after
 *     it could have been reached by the old register too: at once, or across its modulus, or after a pause. The
 *     difference is counted. Nor when the new register reaches within forty readings what the old one could have come
 *     to: then the readings between may have been false.
 *   - that a life was one, when it began and nobody announced it, ended within forty readings, and the line before
 *     it did not return either. It may have been a run of false readings before one reset; then it does not count.
 *   - that false readings are false when they last longer than a decision stays open, or never end: they are a new
 * life. So are those that are not over when a meter gets another name. Nor that readings are good when they last
 * as long and are then followed by the old line.
 *   - which of two lines is right while both stay plausible, as when two meters answer in turns, or values are off by a
 *     constant for about as long as they are right. In general: where something else than the truth is no more of a
 *     surprise than it, by the costs of explain.c. A value may be off by so little, or stand still for so long, that
 *     to call the readings beside it false explains as much.
 *   - that a reading is false when it lies between its neighbours, or above them by no more than the meter delivers
 *     before the next one. No sum depends on it, only the share of the intervals beside it. The same of a run of false
 *     readings: where another run, no longer than it, explains as much, one or the other was false.
 *   - that the first readings of a life are false, or the last ones of a line that ends. Those after a run of false
 *     readings prove it only when there are more of them than that run has. A meter that is read under another name
 *     begins with its last good reading, as far as that is known then.
 *   - what passed between the last good reading before a reset, an exchange without figures or an end of a life, and
 * the first one after it. Nothing is counted; the event has both readings.
 *   - how many times a register has turned over in a gap. Once at most is counted, and only if less than half of its
 *     modulus has passed.
 *   - when consumption happened inside a gap or a run of false readings. It is spread evenly, and estimated.
 *   - how long the program did not run, when the clock shows less afterwards than it should. Good readings that need
 *     that time to have passed are false until the line can have come so far; then the sum is right again.
 *
 * Pure: no I/O, no clock, no logging. Memory is taken for a counter that a meter shows for the first time, and when its
 * explanations need more than ever before. One thread. Times are Unix seconds UTC. Values are whole base units, or
 * whole parts of one where a count or a pulse weighs no whole number of them; lives, intervals and reports are always
 * in whole base units.
 *
 * The same readings in the same order give the same account, so it can be rebuilt from them. The order is that of their
 * arrival: once the clock has jumped back by more than ACCOUNT_BACK_S and proved itself, that is no longer the order of
 * their slots. */
#ifndef TALLY_ACCOUNT_H
#define TALLY_ACCOUNT_H

#include "account_meter.h"
#include "reading.h"

/* When a reading was taken. */
struct account_when {
	int64_t slot_s, delay_ms;
	bool unsynchronised; /* the clock was not known to be right */
};

/* One counter's value in a reading. */
struct account_value {
	enum quantity quantity;
	int64_t value;
	int64_t parts;	/* of a base unit, that it is in; 0 = those of the limit */
	bool is_coarse; /* of the coarser register */
	bool suspect;	/* out: not counted */
};

/* Take the mark of a counter of m. Returns false, with *out unchanged, when the counter has no counted value: then
 * whatever comes begins a life. */
bool account_get_mark(const struct account_meter *m, const struct account_counter *c, struct account_mark *out);

/* How a value, in the counter's parts, agrees with the last one counted; one of a slot that was already taken does.
 * back_ms: all that the clock was set back by until now. power_mw: the highest active power since the last value, -1 =
 * not known. */
enum reading_doubt account_judge(const struct account_mark *mark, const struct account_when *when, int64_t back_ms,
				 int64_t value, bool is_coarse, int64_t power_mw);

/* Take one reading's counters. Readings of a meter come in the order of their slots; one that does not is marked
 * suspect as a whole, one whose slot was taken before is skipped. Where the clock is unsynchronised, its intervals are
 * estimated, and more is possible. values[].suspect is filled. 0, or -ENOMEM: nothing was taken.
 * A value beyond INT64_MAX / 8, either way, is suspect: no difference or sum of values overflows. */
int account_feed(struct account *a, struct account_meter *m, const struct account_when *when,
		 struct account_value *values, size_t n_values);

/* How the values of a reading may continue what has been counted. */
enum account_way {
	ACCOUNT_AS_USUAL,    /* each by no more than the highest rate of its counter: as those of the same meter do */
	ACCOUNT_AS_POSSIBLE, /* by no more than the meter can deliver */
	ACCOUNT_IN_NEW_LIFE, /* that, after readings that did not follow on, as if they were another meter's */
};

/* Whether those of a reading that comes next do. *any: some of them have a life, or such readings, to be compared with.
 */
bool account_continues(const struct account *a, const struct account_meter *m, const struct account_when *when,
		       const struct account_value *values, size_t n_values, enum account_way way, bool *any);

/* Two meters seem to answer, as is known from elsewhere (detail): nothing is counted until that has not been said for
 * ACCOUNT_PROOF_S. Reported once. */
void account_doubt(struct account *a, struct account_meter *m, int64_t slot_s, const char *detail);

/* Another meter answers to this name. Times are Unix seconds, figures whole base units. */
struct account_exchange {
	int64_t slot_s;	  /* of the old meter's last moment; before what has been counted: the end of that */
	bool may_be_late; /* readings that did not follow on and have come already are the new meter's */
	bool has_final, has_initial;
	int64_t final;	 /* the last value of the old meter, counted up to slot_s */
	int64_t initial; /* the first value of the new one, counted from */
	bool is_forced;	 /* figures count although they cannot be right */
};

enum account_fit {
	ACCOUNT_FITS,
	ACCOUNT_NOTHING_COUNTED, /* there is a final value, but no reading to count it from */
	ACCOUNT_FINAL_TOO_LOW,
	ACCOUNT_FINAL_TOO_HIGH,
	ACCOUNT_INITIAL_TOO_LOW,
	ACCOUNT_INITIAL_TOO_HIGH,
};

/* Whether the figures of an exchange of counter q can be right. If not, *reading is the good reading that they do not
 * agree with, and *most is what can have passed between the two at most; whole base units. */
enum account_fit account_check_exchange(const struct account *a, const struct account_meter *m, enum quantity q,
					const struct account_exchange *x, int64_t *reading, int64_t *most);

/* After an exchange with an initial value and the first reading of the new meter: whether that can follow it. If not,
 * *reading and *most as in account_check_exchange(). */
enum account_fit account_check_first(const struct account_meter *m, enum quantity q, int64_t *reading, int64_t *most);

/* Exchange the meter: end the life of counter q (Q_COUNT: of every counter; then without figures); the next reading
 * begins a new one. A figure that cannot be right is counted only if it is forced, and one below the last reading
 * never. */
void account_replace(struct account *a, struct account_meter *m, enum quantity q, const struct account_exchange *x);

/* The meter that was read as from is read as to now. The lives of from end with their last good readings, and lives of
 * to begin with these: so what passes from here on counts once, and for to. 0 or -ENOMEM: nothing was done. */
int account_hand_over(struct account *a, struct account_meter *from, struct account_meter *to);

/* Whether the life of counter c (NULL: it has none) that began at life_s is the running one, and has a good reading
 * after since_s, unless nothing was read since then. */
bool account_has_life(const struct account_counter *c, int64_t life_s, int64_t since_s);

/* Whether an exchange at slot_s that is reported late was already noticed as a reset. Then the running life, which
 * began with that reset, is the new meter's, and final (or NULL) belongs to the life before. */
bool account_has_noticed(const struct account *a, const struct account_meter *m, enum quantity q, int64_t slot_s,
			 const int64_t *final);

/* Give to reconsidered() what the best explanations say of all readings that are not final yet. */
void account_reconsider(struct account *a, const struct account_meter *m);

/* Missing intervals that were emitted are void: they are emitted again, in the calendar that holds then. */
void account_void_missing(struct account_meter *m);

/* From here on the readings of m have counter q only: give out the running intervals of those whose lives have ended,
 * which no reading will end. */
void account_end_others(struct account *a, struct account_meter *m, enum quantity q);

/* Emit intervals that ended before now_s without a reading as missing, at most max of them. An interval counts as
 * missing two periods of the meter after its end. Before that, emit intervals that have waited for a successor for too
 * long: returns true when there were some, which no reading shows. */
bool account_report_missing(struct account *a, struct account_meter *m, int64_t now_s, size_t max);

/* The counter q of m; NULL when it has none. */
struct account_counter *account_counter(const struct account_meter *m, enum quantity q);

/* All of a counter as bytes, except its quantity, parts, living, and of given slot_s, raw and life_s; out has
 * ACCOUNT_PACKED_MAX. Returns how many. */
size_t account_pack(const struct account_counter *c, uint8_t *out);

/* Add a counter as it was saved: what account_pack() leaves out, and n bytes that it gave. Where these do not say what
 * is not final, or cannot be read, what was given out is final. 0 or -ENOMEM. */
int account_restore(const struct account *a, struct account_meter *m, const struct account_counter *counter,
		    const uint8_t *packed, size_t n);

/* Forget everything that readings gave; what the owner gave stays. */
void account_forget(struct account_meter *m);

/* Free the counters, not the struct. */
void account_fini(struct account_meter *m);

#endif
