/* SPDX-License-Identifier: MIT */
/* owed.h - the answers that one unit may still send, and so the requests that could be mistaken for each other.
 *
 * RTU frames do not say which request they answer. Two things bring an answer to a request that it does not belong to:
 * a request that failed may be answered late, and an answer may be sent a second time, by a repeater, a radio modem or
 * a gateway. Both look like the answer to a later request of the same function and word count.
 *
 * A unit answers in the order it was asked, and a second answer comes before the next one. So an answer of a length
 * that nothing owed has is the answer to the request under way, nothing older comes after it, and from then on only
 * this answer may come once more. Hence a request whose answer is owed already must not be sent: another one comes
 * first, a fence, or the same one with a word more.
 *
 * A refusal has no length. Right after an answer it is the answer to the request under way and as good a fence as any.
 * Right after a refusal with the same code it may be that one again, and the answer may yet come; so a request that the
 * unit has answered before, if there is one, is read in between, and a refusal that stays in doubt leaves the answer
 * owed. If a request before failed, a refusal may be the late answer to that one: it proves nothing, not even that
 * anything was refused.
 *
 * An answer is owed for a minute; a unit that refuses every fence is not read in that time. On TCP the transaction and
 * a fresh connection do the same, and nothing is owed.
 *
 * struct owed is written by owed.c only. All zero: nothing is owed. No I/O, no clock of its own; one thread. */
#ifndef TALLY_OWED_H
#define TALLY_OWED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

struct owed {
	uint64_t counts[4]; /* bit of a function and a word count: an answer so long may come */
	bool has_failed;    /* a request was not answered, and nothing since has proved that its answer cannot come */
	uint8_t refusal;    /* exception code of the last answer, 0 = it was no refusal */
	int64_t until_us;   /* monotonic */
	/* The last request that was answered, and the last of another length; n_words 0 = none was. */
	struct plan_request good[2];
	struct plan_request longest; /* of those that were answered */
};

/* Forget what can no longer come. */
void owed_forget(struct owed *o, int64_t now_us);

/* The word count to send request r with: its own, or with its spare words (plan.h); 0 = a fence must come first. */
uint16_t owed_choose_count(const struct owed *o, const struct plan_request *r);

/* Whether r may be sent after the fence, or as it is after it was refused with its spare words. */
bool owed_may_send(const struct owed *o, const struct plan_request *r);

/* A request whose answer is not owed, to be sent before r: one that the unit has answered before, or of the n others,
 * which it is likely to accept, or else r, or the longest that it has answered, with another word count; where a
 * refusal is a fence too, the shortest of those. n_words 0 = there is none. */
struct plan_request owed_choose_fence(const struct owed *o, const struct plan_request *r,
				      const struct plan_request *others, size_t n);

/* Whether a refusal with this code may be one to an earlier request, so that the answer may yet come. */
bool owed_doubts_refusal(const struct owed *o, uint8_t exception);

/* The request for n_words at the place of r was sent, and was answered with words; was refused; was refused, unless
 * that was an earlier request; or was neither. */
void owed_note_answer(struct owed *o, const struct plan_request *r, uint16_t n_words, int64_t now_us);
void owed_note_refusal(struct owed *o, const struct plan_request *r, uint16_t n_words, uint8_t exception,
		       int64_t now_us);
void owed_note_doubt(struct owed *o, const struct plan_request *r, uint16_t n_words, int64_t now_us);
void owed_note_failure(struct owed *o, const struct plan_request *r, uint16_t n_words, int64_t now_us);

#endif
