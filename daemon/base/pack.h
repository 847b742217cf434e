/* SPDX-License-Identifier: MIT */
/* pack.h - whole numbers as bytes: seven bits in each, the lowest first, the highest bit set where more follow. The
 * same on every processor. Pure; plain values; any thread. */
#ifndef TALLY_PACK_H
#define TALLY_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACK_MAX = 10 }; /* bytes of one number at most */

/* Append a number at to, which has room for PACK_MAX bytes. Returns the byte after it. */
uint8_t *pack_put(uint8_t *to, uint64_t v);

/* The same for numbers that are near 0 on both sides of it. */
uint8_t *pack_put_signed(uint8_t *to, int64_t v);

/* Bytes that are read from at on; end is the first byte after them. */
struct pack {
	const uint8_t *at, *end;
	bool is_wrong; /* a number did not end before end; it was 0 */
};

uint64_t pack_get(struct pack *p);
int64_t pack_get_signed(struct pack *p);

#endif
