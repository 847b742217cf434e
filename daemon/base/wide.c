/* SPDX-License-Identifier: MIT */
#include "wide.h"

/* a * b / c for a < c, by adding a / c once for each bit of b; the remainder stays below c. */
static uint64_t muldiv_bitwise(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t whole = 0, left = 0;

	for (int bit = 62; bit >= 0; bit--) {
		whole = 2 * whole + (2 * left >= c);
		left = 2 * left >= c ? 2 * left - c : 2 * left;
		if ((b >> bit & 1) == 0)
			continue;
		left += a;
		whole += left >= c;
		left -= left >= c ? c : 0;
	}
	return whole;
}

int64_t wide_muldiv(int64_t a, int64_t b, int64_t c)
{
	int64_t product, whole;

	if (!__builtin_mul_overflow(a, b, &product))
		return product / c;
	if (a < 0)
		return a == INT64_MIN ? -wide_muldiv(INT64_MAX, b, c) : -wide_muldiv(-a, b, c);
	if (__builtin_mul_overflow(a / c, b, &whole) ||
	    __builtin_add_overflow(whole, (int64_t)muldiv_bitwise((uint64_t)(a % c), (uint64_t)b, (uint64_t)c), &whole))
		return INT64_MAX;
	return whole;
}
