/* SPDX-License-Identifier: MIT */
/* round.h - the round under way on one bus, and the line behind it: when nobody answers, is it the line or the meter?
 *
 * A round asks meters and is over when the last of its jobs has come back. Other jobs, in the time that rounds leave,
 * are extra: never more than one at a time.
 *
 * A round in which nobody answers is not over yet (round_judge()). As long as there is a meter that was not asked in it
 * and answered when last asked, that one is asked too, as a witness. If there is none, one silent meter of the round is
 * asked once more. Only silence after that is the line's: the meters keep their state, and one of them in turn is asked
 * every ROUND_SILENT_PAUSE_MS until one answers. A round of a single meter without a witness proves nothing against the
 * line: silence is the meter's.
 *
 * The line is down while it is silent and while port or connection is lost. Each time it goes down is to be reported
 * once, and after a reload again, since the reason may be another.
 *
 * struct round and struct round_mark are written by round.c only. It counts and judges; it sees neither meters nor
 * jobs, asks nothing and reports nothing.
 * Plain values: no allocation, no I/O, no logging; the clocks are arguments. One thread. */
#ifndef TALLY_ROUND_H
#define TALLY_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROUND_SILENT_PAUSE_MS = 10000 };

/* All zero: no round yet, and a line about which nothing bad is known. */
struct round {
	uint64_t number;     /* of the last round; the first is 1 */
	int64_t started_us;  /* mono_us() */
	size_t n_open;	     /* jobs of the round under way */
	size_t n_asked;	     /* meters asked in it, witnesses too; 0 = it is over */
	size_t n_answered;   /* its jobs that brought an answer of any kind */
	bool is_rechecked;   /* nobody answered, and a witness or one of its meters was asked since */
	size_t n_extra_open; /* other jobs under way */
	uint32_t last_ms;    /* what the last whole round took */

	bool is_line_down; /* port or connection lost, or no meter answers */
	bool is_silent;	   /* the latter */
	bool is_reported;  /* that the line is down */
	int64_t ask_at_ms; /* while it is silent: wall time of the next question */
	size_t turn;	   /* which meter is asked then */
};

/* The part of a round that each meter carries. */
struct round_mark {
	uint64_t number;  /* of the last round in which it was asked, 0 = in none */
	bool is_of_round; /* its job counts for the round; else it is extra */
};

enum round_verdict {
	ROUND_OVER,	   /* somebody answered, or there is no line to judge: silence is the meters' */
	ROUND_ASK_WITNESS, /* nobody answered: ask the witness */
	ROUND_ASK_AGAIN,   /* nobody answered: ask one of the round's meters once more */
	ROUND_LINE_SILENT, /* nobody answered, not even then */
};

/* Go on with what old knew of the line and of its last round. Without meters there is no line that could be down. */
void round_inherit(struct round *r, const struct round *old, bool has_meters);

void round_begin(struct round *r, int64_t now_us);

/* A job of the meter was submitted: as its first in this round, as a witness, in the time that rounds leave, or as one
 * more job of the kind it had before. */
void round_add(struct round *r, struct round_mark *mark);
void round_add_witness(struct round *r, struct round_mark *mark);
void round_add_extra(struct round *r, struct round_mark *mark);
void round_add_job(struct round *r, const struct round_mark *mark);

/* The meter's job has come back; has_answer: with an answer of any kind, also a refusal. */
void round_take(struct round *r, const struct round_mark *mark, bool has_answer);

/* Whether the meter was asked in the last round. */
bool round_has(const struct round *r, const struct round_mark *mark);

/* The last job of the round has come back: note what it took. */
void round_note_time(struct round *r, int64_t now_us);

/* Judge a round of which no job is under way. has_line: port or connection is open. has_witness: a meter that was not
 * asked answered when last asked. */
enum round_verdict round_judge(const struct round *r, bool has_line, bool has_witness);

/* One of its meters is asked once more. */
void round_recheck(struct round *r);

void round_end(struct round *r);

/* Port or connection is lost; nobody answers on the line. Both return whether that is to be reported. */
bool round_lose_line(struct round *r);
bool round_silence_line(struct round *r, int64_t now_ms);

/* A meter has answered. Returns whether the line was down. */
bool round_raise_line(struct round *r);

/* On a silent line: the time for a question has come, and the next one is a pause away. Returns whether it has. */
bool round_take_pause(struct round *r, int64_t now_ms);

/* Which of n meters is asked on a silent line: one after the other. n is not 0. */
size_t round_take_turn(struct round *r, size_t n);

/* The wall clock was set back to now_ms. */
void round_clock_set_back(struct round *r, int64_t now_ms);

#endif
