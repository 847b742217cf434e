/* SPDX-License-Identifier: MIT */
/* fuzz_value.c - any text as each of the values that people write in ini files. What is read keeps its promises; a
 * duration, written again, is the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_decimal(const char *text, size_t n)
{
	int64_t numerator, denominator, whole;
	struct value_decimal d;
	const char *rest = text;

	if (value_decimal(text, &d, &rest) != VALUE_OK)
		return;
	require(rest > text && rest <= text + n);
	(void)value_multiply(d, 1000, &whole);
	for (int divides = 0; divides < 2; divides++)
		if (value_fraction(d, 3600, divides != 0, &numerator, &denominator) == VALUE_OK)
			require(numerator > 0 && denominator > 0);
}

static void check_duration(const char *text)
{
	char again[VALUE_DURATION_TEXT_MAX];
	int64_t ms, ms_again;

	if (value_duration(text, &ms) != VALUE_OK)
		return;
	value_duration_text(ms, again);
	if (ms >= 0)
		require(value_duration(again, &ms_again) == VALUE_OK && ms_again == ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint32_t primary, secondary;
	char *text = malloc(n + 1);
	int64_t whole;

	if (text == NULL)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	check_decimal(text, n);
	check_duration(text);
	(void)value_whole(text, &whole);
	if (value_ratio(text, &primary, &secondary) == VALUE_OK)
		require(primary > 0 && secondary > 0);
	if (value_is_name(text, 20))
		require(strlen(text) >= 1 && strlen(text) <= 20);
	free(text);
	return 0;
}
