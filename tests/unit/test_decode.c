/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "decode.h"
#include "err.h"
#include "plan.h"
#include "unit.h"

#define HEAD "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = driver\n"

/* The first item of the plan that reads the energies of a table, decoded from the words of its answers. */
static enum codec_status decode(const char *table, const uint16_t *words, int64_t *value)
{
	struct err e = {0};
	struct driver *d = driver_parse("test.ini", table, strlen(table), &e);
	int64_t multipliers[8];
	enum codec_status status;
	struct plan *p;

	err_print(&e, stderr);
	assert_non_null(d);
	p = plan_new(d, DRIVER_ENERGY, NULL, NULL);
	assert_non_null(p);
	for (size_t i = 0; i < d->n_rows; i++)
		multipliers[i] = driver_multiplier(d, &d->rows[i], 1, 1, 1, 1);
	*value = -1;
	status = decode_number(d, &p->items[0], words, multipliers, value);
	plan_free(p);
	driver_free(d);
	err_fini(&e);
	return status;
}

static void assert_value(const char *table, const uint16_t *words, int64_t expected)
{
	int64_t value;

	assert_int_equal(decode(table, words, &value), CODEC_OK);
	assert_int_equal(value, expected);
}

static void assert_none(const char *table, const uint16_t *words, enum codec_status expected)
{
	int64_t value;

	assert_int_equal(decode(table, words, &value), expected);
	assert_int_equal(value, -1);
}

#define SPLIT                                                                                                          \
	HEAD "na = auto\n[registers]\nactive_energy_import = 0 u32 1 kWh energy\n"                                     \
	     "active_energy_import = 2 u16 0.1 Wh energy rest\n"

TEST(whole_and_rest_are_added)
{
	/* 12345 kWh and 678.9 Wh, in tenths of a Wh */
	assert_value(SPLIT, (const uint16_t[]){0, 12345, 6789}, 123456789);
	assert_value(SPLIT, (const uint16_t[]){0, 0, 9999}, 9999);
}

TEST(without_the_rest_there_is_no_value)
{
	assert_none(SPLIT, (const uint16_t[]){0, 12345, 0xFFFF}, CODEC_NA);
	assert_none(SPLIT, (const uint16_t[]){0xFFFF, 0xFFFF, 6789}, CODEC_NA);
}

TEST(high_and_low_words_may_be_apart)
{
	static const char table[] = HEAD "gaps = yes\n[registers]\nactive_energy_import = 9 s16 65536 Wh energy\n"
					 "active_energy_import = 0 u16 1 Wh energy rest\n";

	assert_value(table, (const uint16_t[]){0xFFFF, 0, 0, 0, 0, 0, 0, 0, 0, 2}, 196607);
	assert_value(table, (const uint16_t[]){0xFFFE, 0, 0, 0, 0, 0, 0, 0, 0, 0xFFFF}, -2);
}

TEST(a_sign_word_is_that_of_whole_and_rest)
{
	static const char table[] = HEAD "[registers]\nactive_energy_import = 0 u16 1 kWh energy sign=2\n"
					 "active_energy_import = 1 u16 1 Wh energy rest sign=2\n";

	assert_value(table, (const uint16_t[]){0, 500, 1}, -500);
	assert_value(table, (const uint16_t[]){3, 500, 1}, -3500);
	assert_value(table, (const uint16_t[]){3, 500, 0}, 3500);
}

#define WEIGHTED HEAD "[registers]\nactive_energy_import = 0 u32 1 Wh energy exponent=2:-1..3\n"

TEST(the_value_is_times_the_power_of_ten_in_the_register)
{
	assert_value(WEIGHTED, (const uint16_t[]){0, 1234, 0xFFFF}, 1234);
	assert_value(WEIGHTED, (const uint16_t[]){0, 1234, 0}, 12340);
	assert_value(WEIGHTED, (const uint16_t[]){0, 1234, 3}, 12340000);
}

TEST(a_power_of_ten_that_the_table_does_not_allow_leaves_no_value)
{
	assert_none(WEIGHTED, (const uint16_t[]){0, 1234, 4}, CODEC_BAD);
	assert_none(WEIGHTED, (const uint16_t[]){0, 1234, 0xFFFE}, CODEC_BAD);
}

UNIT_MAIN(NULL, NULL)
