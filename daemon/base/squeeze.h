/* SPDX-License-Identifier: MIT */
/* squeeze.h - pieces of bytes that resemble each other, in fewer bytes: what repeats earlier bytes of any piece is a
 * reference to them. The pieces come back in the same order, all from the first one on. The same on every processor.
 *
 * In the squeezed form there are runs: a byte with the number of literal bytes (high half) and of repeated ones (low
 * half: 0 = none, else 2 more); 15 in a half: a number as in pack.h follows that comes to it; the literal bytes; if
 * there are repeated ones, how far back the first of them is, 0 = as far as in the last run of this piece that had
 * some.
 *
 * Pure; takes all its room in the struct; one thread for each. */
#ifndef TALLY_SQUEEZE_H
#define TALLY_SQUEEZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SQUEEZE_PIECE_MAX = 20 * 1024, /* bytes of a piece */
	SQUEEZE_BACK_MAX =
		40 * 1024, /* of the pieces that can be referred to; those before are forgotten all at once */
	SQUEEZE_PLACES = 1024,
	SQUEEZE_TRIES = 8,
};

/* Bytes that n bytes need at most. */
#define SQUEEZE_ROOM(n) ((n) + (n) / 8 + 16)

struct squeeze {
	bool is_wrong; /* a piece could not be read: nothing after it can be */
	size_t n;
	size_t last_back; /* in the running piece, 0 = none yet */
	uint8_t bytes[SQUEEZE_BACK_MAX];
	/* by their first bytes: the last places at which such bytes were, 1 more; 0 = none */
	uint16_t places[SQUEEZE_PLACES][SQUEEZE_TRIES];
};

/* There are no pieces yet. */
void squeeze_begin(struct squeeze *s);

/* Squeeze the next piece of n bytes; out has SQUEEZE_ROOM(n). Returns the bytes that it needs. */
size_t squeeze_put(struct squeeze *s, const uint8_t *in, size_t n, uint8_t *out);

/* Read the next piece from n bytes. Returns the piece, valid until the next call, and *n_piece; NULL when these bytes
 * or earlier ones are none. */
const uint8_t *squeeze_get(struct squeeze *s, const uint8_t *in, size_t n, size_t *n_piece);

#endif
