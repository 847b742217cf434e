/* SPDX-License-Identifier: MIT */
#include "encode.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { UNITY_POWER_FACTOR = 1000, SECTOR_CAPACITIVE = 2, SECTOR_INDUCTIVE = 1 };

static const int64_t seconds_1970_to_2000 = INT64_C(946684800);

struct encode_weight encode_weight(const struct driver *d, const struct driver_row *row, uint32_t ct_primary,
				   uint32_t ct_secondary, uint32_t vt_primary, uint32_t vt_secondary)
{
	const struct driver_scale *s;
	uint64_t primary = (uint64_t)ct_primary * vt_primary, secondary = (uint64_t)ct_secondary * vt_secondary;
	int ten = row->has_ten ? row->ten_low : 0; /* what the slave shows there */
	size_t i = 0;

	if (row->scale < 0)
		return (struct encode_weight){row->mantissa, row->exponent + ten, row->per};
	s = &d->scales[row->scale];
	while (i + 1 < s->n_steps && primary / secondary >= (uint64_t)s->steps[i].below)
		i++;
	return (struct encode_weight){s->steps[i].mantissa, s->steps[i].exponent + row->exponent + ten, row->per};
}

/* Width in bits of a whole-number type, 0 for the other types. */
static unsigned type_bits(const struct driver_row *row)
{
	switch (row->type) {
	case DRIVER_U8_LOW:
	case DRIVER_U8_HIGH:
		return 8;
	case DRIVER_BIT:
		return 1;
	case DRIVER_BITS:
		return row->bit_high - row->bit_low + 1u;
	case DRIVER_U16:
	case DRIVER_S16:
		return 16;
	case DRIVER_U32:
	case DRIVER_S32:
	case DRIVER_TIME_2000:
		return 32;
	case DRIVER_U64:
	case DRIVER_S64:
		return 64;
	default:
		return 0;
	}
}

static bool is_signed(enum driver_type type)
{
	return type == DRIVER_S16 || type == DRIVER_S32 || type == DRIVER_S64;
}

/* Number of counts that the row can show from 0 up; INT64_MAX where the number does not fit. */
static int64_t count_range(const struct driver_row *row)
{
	unsigned bits = type_bits(row) - (is_signed(row->type) ? 1 : 0);
	int64_t range = 1;

	if (row->type == DRIVER_BCD) {
		for (int i = 0; i < row->n_words * 4 && range < INT64_MAX / 10; i++)
			range *= 10;
		return range;
	}
	return type_bits(row) == 0 || bits >= 63 ? INT64_MAX : INT64_C(1) << bits;
}

/* A weight as a fraction; both from 1 on, because the reader rejects other tables. */
struct fraction {
	int64_t base_units, counts;
};

static struct fraction fraction_of(struct encode_weight w)
{
	struct fraction f = {w.mantissa, w.per > 1 ? w.per : 1};

	for (; w.exponent > 0; w.exponent--)
		f.base_units *= 10;
	for (; w.exponent < 0; w.exponent++) {
		if (f.base_units % 10 == 0)
			f.base_units /= 10;
		else
			f.counts *= 10;
	}
	return f;
}

int64_t encode_counts(struct encode_weight weight, int64_t value)
{
	struct fraction f = fraction_of(weight);

	return value * f.counts / f.base_units;
}

int64_t encode_rest(struct encode_weight weight, int64_t value)
{
	struct fraction f = fraction_of(weight);

	return value - encode_counts(weight, value) * f.base_units / f.counts;
}

int64_t encode_modulus(const struct driver *d, const struct driver_row *row, struct encode_weight weight,
		       int64_t counter_max)
{
	int64_t parts = d->parts > 1 && names_has_parts(row->quantity) ? d->parts : 1, highest = 0;

	if (row->type == DRIVER_F32 || row->type == DRIVER_F64)
		return 0;
	if (row->modulus_read)
		return encode_counts(weight, counter_max) + 1;
	for (size_t i = 0; i < DRIVER_MODULI_MAX; i++) {
		int64_t named = row->moduli[i].amount;

		if (!row->moduli[i].in_counts)
			named = encode_counts(weight, named) / parts;
		if (named > highest)
			highest = named;
	}
	return highest > 0 ? highest : count_range(row);
}

/* Put the n_words x 16 low bits of raw into words, in the table's order. */
static void put_words(enum driver_order order, uint64_t raw, unsigned n_words, uint16_t *words)
{
	for (unsigned i = 0; i < n_words; i++) {
		unsigned place = order == DRIVER_CDAB || order == DRIVER_DCBA ? i : n_words - 1 - i;
		uint16_t word = (uint16_t)(raw >> (16 * i));

		if (n_words > 1 && (order == DRIVER_BADC || order == DRIVER_DCBA))
			word = (uint16_t)((word & 0xFF) << 8 | word >> 8);
		words[place] = word;
	}
}

static void put_raw(enum driver_order order, const struct driver_row *row, uint64_t raw, uint16_t *words)
{
	switch (row->type) {
	case DRIVER_U8_LOW:
		words[0] = (uint16_t)(raw & 0xFF);
		return;
	case DRIVER_U8_HIGH:
		words[0] = (uint16_t)(raw << 8);
		return;
	case DRIVER_BIT:
	case DRIVER_BITS:
		words[0] = (uint16_t)(raw << row->bit_low);
		return;
	case DRIVER_BCD:
		put_words(DRIVER_ABCD, raw, row->n_words, words);
		return;
	default:
		put_words(order, raw, row->n_words, words);
	}
}

static uint64_t to_bcd(uint64_t value)
{
	uint64_t bcd = 0;

	for (unsigned shift = 0; value > 0 && shift < 64; shift += 4, value /= 10)
		bcd |= value % 10 << shift;
	return bcd;
}

/* Day, month, year, hour, minute, second of Unix time in UTC. */
static void put_clock(int64_t unix_s, uint16_t *words)
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	words[0] = (uint16_t)tm.tm_mday;
	words[1] = (uint16_t)(tm.tm_mon + 1);
	words[2] = (uint16_t)(tm.tm_year + 1900);
	words[3] = (uint16_t)tm.tm_hour;
	words[4] = (uint16_t)tm.tm_min;
	words[5] = (uint16_t)tm.tm_sec;
}

/* Only floats are not exact: the value shown is that of the nearest float. */
static bool put_float(enum driver_order order, const struct driver_row *row, struct encode_weight weight, int64_t value,
		      uint16_t *words, int64_t *shown)
{
	long double per_count = (long double)weight.mantissa * powl(10.0L, weight.exponent) /
				(long double)(weight.per > 1 ? weight.per : 1);
	double wide = (double)((long double)value / per_count);
	float narrow = (float)wide;
	uint64_t raw = 0;
	uint32_t raw32;

	if (row->type == DRIVER_F64) {
		memcpy(&raw, &wide, sizeof(raw));
		*shown = llroundl((long double)wide * per_count);
	} else {
		memcpy(&raw32, &narrow, sizeof(raw32));
		raw = raw32;
		*shown = llroundl((long double)narrow * per_count);
	}
	put_words(order, raw, row->n_words, words);
	return true;
}

static int64_t rounded_quotient(int64_t value, int64_t by)
{
	return value < 0 ? -((-value + by / 2) / by) : (value + by / 2) / by;
}

static bool is_absent_pattern(const struct driver_row *row, uint64_t raw)
{
	for (unsigned i = 0; i < row->n_na; i++)
		if (row->na[i] == raw)
			return true;
	return false;
}

static bool fits(const struct driver_row *row, int64_t count)
{
	int64_t range = count_range(row);

	if (is_signed(row->type))
		return count < range && count >= -range;
	return count >= 0 && count < range;
}

bool encode_number(enum driver_order order, const struct driver_row *row, struct encode_weight weight, int64_t modulus,
		   int64_t value, uint16_t *words, int64_t *shown)
{
	struct fraction f = fraction_of(weight);
	int64_t count;
	unsigned bits = type_bits(row);
	uint64_t raw;

	*shown = 0;
	if (row->type == DRIVER_F32 || row->type == DRIVER_F64)
		return put_float(order, row, weight, value, words, shown);
	if (row->type == DRIVER_CLOCK) {
		put_clock(value, words);
		*shown = value;
		return true;
	}
	if (row->type == DRIVER_TIME_2000)
		value -= seconds_1970_to_2000;
	count = modulus > 0 ? encode_counts(weight, value) % modulus : rounded_quotient(value * f.counts, f.base_units);
	*shown = count * f.base_units / f.counts;
	count -= row->add;
	if (row->has_sign)
		count = llabs(count);
	raw = row->type == DRIVER_BCD ? to_bcd((uint64_t)count) : (uint64_t)count;
	if (bits > 0 && bits < 64)
		raw &= (UINT64_C(1) << bits) - 1;
	if (!fits(row, count) || is_absent_pattern(row, raw)) {
		*shown = 0;
		encode_absent(order, row, words);
		return false;
	}
	put_raw(order, row, raw, words);
	return true;
}

static bool is_text(enum driver_type type)
{
	return type == DRIVER_TEXT || type == DRIVER_CHARS || type == DRIVER_HEX || type == DRIVER_CLOCK;
}

bool encode_absent(enum driver_order order, const struct driver_row *row, uint16_t *words)
{
	uint64_t pattern = row->n_na > 0 ? row->na[0] : 0;

	if (is_text(row->type))
		for (unsigned i = 0; i < row->n_words; i++)
			words[i] = (uint16_t)pattern;
	else
		put_raw(order, row, pattern, words);
	return row->n_na > 0;
}

static unsigned hex_digit(char c)
{
	return isdigit((unsigned char)c)    ? (unsigned)(c - '0')
	       : isxdigit((unsigned char)c) ? (unsigned)(toupper((unsigned char)c) - 'A' + 10)
					    : 0;
}

/* The last digits of text, padded with zeros on the left to the row's width. */
static void put_hex(const struct driver_row *row, const char *text, uint16_t *words, char *shown, size_t shown_bytes)
{
	size_t n_digits = row->n_words * 4u, length = strlen(text), used = 0;

	memset(words, 0, row->n_words * sizeof(*words));
	for (size_t i = 0; i < n_digits; i++) {
		unsigned digit = i + length < n_digits ? 0 : hex_digit(text[i + length - n_digits]);

		words[i / 4] = (uint16_t)(words[i / 4] << 4 | digit);
		if (used + 1 < shown_bytes)
			shown[used++] = "0123456789ABCDEF"[digit];
	}
	shown[used] = '\0';
}

static void put_characters(const struct driver_row *row, const char *text, uint16_t *words, char *shown,
			   size_t shown_bytes)
{
	size_t per_word = row->type == DRIVER_TEXT ? 2 : 1, n = strlen(text), max = row->n_words * per_word;

	n = n > max ? max : n;
	for (size_t i = 0; i < row->n_words; i++) {
		unsigned first = i * per_word < n ? (unsigned char)text[i * per_word] : ' ';
		unsigned second = i * per_word + 1 < n ? (unsigned char)text[i * per_word + 1] : ' ';

		words[i] = (uint16_t)(per_word == 2 ? first << 8 | second : first);
	}
	while (n > 0 && text[n - 1] == ' ')
		n--; /* a reader cannot distinguish them from the padding */
	snprintf(shown, shown_bytes, "%.*s", (int)n, text);
}

void encode_text(enum driver_order order, const struct driver_row *row, const char *text, uint16_t *words, char *shown,
		 size_t shown_bytes)
{
	struct encode_weight one = {1, 0, 1};
	int64_t number;

	if (row->type == DRIVER_HEX) {
		put_hex(row, text, words, shown, shown_bytes);
	} else if (row->type == DRIVER_TEXT || row->type == DRIVER_CHARS) {
		put_characters(row, text, words, shown, shown_bytes);
	} else {
		encode_number(order, row, one, 0, strtoll(text, NULL, 10), words, &number);
		snprintf(shown, shown_bytes, "%" PRId64, number);
	}
}

uint16_t encode_sign(const struct driver_row *row, int64_t shown)
{
	if (shown < 0)
		return row->sign_value;
	if (row->sign_value == SECTOR_CAPACITIVE && shown < UNITY_POWER_FACTOR)
		return SECTOR_INDUCTIVE;
	return 0;
}
