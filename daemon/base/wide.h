/* SPDX-License-Identifier: MIT */
/* wide.h - products that may be wider than 64 bits, also on processors without such a type. Pure. */
#ifndef TALLY_WIDE_H
#define TALLY_WIDE_H

#include <stdint.h>

/* a * b / c, exact, rounded towards zero; b >= 0, c > 0. A result that does not fit becomes INT64_MAX or -INT64_MAX. */
int64_t wide_muldiv(int64_t a, int64_t b, int64_t c);

#endif
