/* SPDX-License-Identifier: MIT */
/* explain_pack.h - the explanations of one counter (explain.h) as bytes, the same on every processor: a few for each
 * reading that is kept, because most readings are like those before them. Pure; one thread. */
#ifndef TALLY_EXPLAIN_PACK_H
#define TALLY_EXPLAIN_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "explain.h"

enum { EXPLAIN_PACKED_MAX = 160 + EXPLAIN_NODES_MAX * 72 }; /* bytes */

/* Everything as bytes; out has EXPLAIN_PACKED_MAX. Returns how many. */
size_t explain_pack(const struct explain *x, uint8_t *out);

/* Take what was packed, in place of everything. 0; -EINVAL: these bytes are no explanation; -ENOMEM. x is empty then.
 */
int explain_unpack(struct explain *x, const uint8_t *in, size_t n);

#endif
