/* SPDX-License-Identifier: MIT */
/* Words to values by whole numbers only. The words are joined to the bits of the value, then they are compared with the
 * "not available" patterns, and only then do they get a meaning: a magnitude and a sign, which times the multiplier
 * must fit 63 bits.
 *
 * IEEE floats take another way, since a float need not be a whole number of counts. A float is mantissa x 2^exponent
 * with a mantissa below 2^53, so mantissa x multiplier has at most 116 bits; that product is exact in two halves, and
 * only the last step, the shift by the exponent, rounds. No result depends on the processor's floating point. */
#include "codec.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A count as the meter keeps it. */
struct count {
	uint64_t magnitude;
	bool negative;
};

static const unsigned char month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

static uint64_t join_words(enum driver_order order, const uint16_t *words, unsigned n)
{
	bool last_first = order == DRIVER_CDAB || order == DRIVER_DCBA;
	bool low_first = order == DRIVER_BADC || order == DRIVER_DCBA;
	uint64_t value = 0;

	for (unsigned i = 0; i < n; i++) {
		uint16_t w = words[last_first ? n - 1 - i : i];

		if (low_first)
			w = (uint16_t)(w << 8 | w >> 8);
		value = value << 16 | w;
	}
	return value;
}

/* The value's own bits, at the low end. */
static uint64_t raw_bits(enum driver_order order, const struct driver_row *row, const uint16_t *words)
{
	switch (row->type) {
	case DRIVER_U8_LOW:
		return words[0] & 0xFF;
	case DRIVER_U8_HIGH:
		return words[0] >> 8;
	case DRIVER_BIT:
		return words[0] >> row->bit_low & 1;
	case DRIVER_BITS:
		return words[0] >> row->bit_low & ((1u << (row->bit_high - row->bit_low + 1)) - 1);
	case DRIVER_BCD:
		return join_words(DRIVER_ABCD, words, row->n_words);
	default:
		/* The order is that of the parts of a longer value: one word is always high byte first. */
		return row->n_words == 1 ? words[0] : join_words(order, words, row->n_words);
	}
}

static bool is_judged_by_word(enum driver_type type)
{
	return type == DRIVER_TEXT || type == DRIVER_CHARS || type == DRIVER_HEX || type == DRIVER_CLOCK;
}

static bool all_words_are(const struct driver_row *row, const uint16_t *words, uint64_t pattern)
{
	for (unsigned i = 0; i < row->n_words; i++)
		if (words[i] != pattern)
			return false;
	return true;
}

static bool is_na(enum driver_order order, const struct driver_row *row, const uint16_t *words)
{
	bool by_word = is_judged_by_word(row->type);
	uint64_t raw = by_word ? 0 : raw_bits(order, row, words);

	for (unsigned i = 0; i < row->n_na; i++)
		if (by_word ? all_words_are(row, words, row->na[i]) : raw == row->na[i])
			return true;
	return false;
}

static struct count from_twos_complement(uint64_t raw, unsigned bits)
{
	uint64_t sign = UINT64_C(1) << (bits - 1);

	if (!(raw & sign))
		return (struct count){raw, false};
	return (struct count){sign - (raw & (sign - 1)), true};
}

static enum codec_status from_bcd(uint64_t raw, unsigned n_words, uint64_t *out)
{
	uint64_t value = 0;

	for (unsigned i = n_words * 4; i-- > 0;) {
		unsigned digit = raw >> (4 * i) & 0xF;

		if (digit > 9)
			return CODEC_BAD;
		value = value * 10 + digit;
	}
	*out = value;
	return CODEC_OK;
}

static bool is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_of_month(unsigned year, unsigned month)
{
	return month_days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* Seconds since 2000-01-01T00:00:00 of day, month, year, hour, minute, second. */
static enum codec_status from_clock(const uint16_t *w, uint64_t *out)
{
	unsigned year = w[2] < 100 ? 2000u + w[2] : w[2];
	uint64_t days = 0;

	if (year < 2000 || year > 2999 || w[1] < 1 || w[1] > 12 || w[0] < 1 || w[0] > days_of_month(year, w[1]) ||
	    w[3] > 23 || w[4] > 59 || w[5] > 59)
		return CODEC_BAD;
	for (unsigned y = 2000; y < year; y++)
		days += is_leap(y) ? 366 : 365;
	for (unsigned m = 1; m < w[1]; m++)
		days += days_of_month(year, m);
	days += w[0] - 1u;
	*out = days * 86400 + w[3] * 3600u + w[4] * 60u + w[5];
	return CODEC_OK;
}

/* The whole number that the words of any type but text and float hold. */
static enum codec_status read_count(enum driver_order order, const struct driver_row *row, const uint16_t *words,
				    struct count *out)
{
	*out = (struct count){0, false};
	switch (row->type) {
	case DRIVER_S16:
	case DRIVER_S32:
	case DRIVER_S64:
		*out = from_twos_complement(raw_bits(order, row, words), row->n_words * 16u);
		return CODEC_OK;
	case DRIVER_BCD:
		return from_bcd(raw_bits(order, row, words), row->n_words, &out->magnitude);
	case DRIVER_CLOCK:
		return from_clock(words, &out->magnitude);
	case DRIVER_F32:
	case DRIVER_F64:
	case DRIVER_TEXT:
	case DRIVER_CHARS:
	case DRIVER_HEX:
		return CODEC_BAD;
	default:
		out->magnitude = raw_bits(order, row, words);
		return CODEC_OK;
	}
}

static enum codec_status scale_count(const struct count *count, int64_t multiplier, int64_t *out)
{
	int64_t value;

	if (count->magnitude > INT64_MAX || __builtin_mul_overflow((int64_t)count->magnitude, multiplier, &value))
		return CODEC_RANGE;
	*out = count->negative ? -value : value;
	return CODEC_OK;
}

/* a x b in two halves; not every machine that the daemon runs on has 128-bit integers. */
static void multiply(uint64_t a, uint64_t b, uint64_t *high, uint64_t *low)
{
	uint64_t a0 = a & UINT32_MAX, a1 = a >> 32, b0 = b & UINT32_MAX, b1 = b >> 32;
	uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
	uint64_t middle2 = a0 * b1 + (middle & UINT32_MAX);

	*high = a1 * b1 + (middle >> 32) + (middle2 >> 32);
	*low = a * b;
}

/* (high:low) / 2^shift, rounded half up; shift 1..127, the top bit of high unused. */
static void shift_right(uint64_t *high, uint64_t *low, unsigned shift)
{
	uint64_t half_low = shift <= 64 ? UINT64_C(1) << (shift - 1) : 0;

	if (shift > 64)
		*high += UINT64_C(1) << (shift - 65);
	else if (__builtin_add_overflow(*low, half_low, low))
		++*high;
	if (shift >= 64) {
		*low = *high >> (shift - 64);
		*high = 0;
		return;
	}
	*low = *low >> shift | *high << (64 - shift);
	*high >>= shift;
}

/* mantissa x 2^exponent x multiplier, rounded half away from zero; mantissa below 2^53. */
static enum codec_status scale_binary(uint64_t mantissa, int exponent, int64_t multiplier, uint64_t *out)
{
	uint64_t high, low;

	multiply(mantissa, (uint64_t)multiplier, &high, &low);
	if (exponent < -127) {
		high = low = 0;
	} else if (exponent < 0) {
		shift_right(&high, &low, (unsigned)-exponent);
	} else if (low != 0 && exponent > 0) {
		if (exponent > 62 || low > (uint64_t)INT64_MAX >> exponent)
			return CODEC_RANGE;
		low <<= exponent;
	}
	if (high != 0 || low > INT64_MAX)
		return CODEC_RANGE;
	*out = low;
	return CODEC_OK;
}

/* IEEE 754: sign, exponent_bits, fraction_bits from the top. */
static enum codec_status from_float(uint64_t raw, unsigned exponent_bits, unsigned fraction_bits, int64_t multiplier,
				    int64_t *out)
{
	int exponent_max = (1 << exponent_bits) - 1, bias = exponent_max >> 1;
	int exponent = (int)(raw >> fraction_bits) & exponent_max;
	uint64_t fraction = raw & ((UINT64_C(1) << fraction_bits) - 1), magnitude;
	enum codec_status status;

	if (exponent == exponent_max)
		return CODEC_NOT_FINITE;
	if (exponent == 0)
		exponent = 1; /* subnormal: no hidden bit */
	else
		fraction |= UINT64_C(1) << fraction_bits;
	status = scale_binary(fraction, exponent - bias - (int)fraction_bits, multiplier, &magnitude);
	if (status != CODEC_OK)
		return status;
	*out = raw >> (exponent_bits + fraction_bits) & 1 ? -(int64_t)magnitude : (int64_t)magnitude;
	return CODEC_OK;
}

/* Sign words are 0, 1 or 2 (unity, inductive, capacitive); anything else is none. A value that is negative by itself
 * beside a sign word contradicts the table. */
static enum codec_status apply_sign(const struct driver_row *row, const uint16_t *sign, struct count *count)
{
	if (!row->has_sign)
		return CODEC_OK;
	if (sign == NULL || count->negative || (*sign > 2 && *sign != row->sign_value))
		return CODEC_BAD;
	count->negative = *sign == row->sign_value;
	return CODEC_OK;
}

static enum codec_status apply_add(const struct driver_row *row, struct count *count)
{
	int64_t value;

	if (row->add == 0)
		return CODEC_OK;
	if (count->magnitude > INT64_MAX)
		return CODEC_RANGE;
	value = count->negative ? -(int64_t)count->magnitude : (int64_t)count->magnitude;
	if (__builtin_add_overflow(value, row->add, &value))
		return CODEC_RANGE;
	count->negative = value < 0;
	count->magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
	return CODEC_OK;
}

enum codec_status codec_number(enum driver_order order, const struct driver_row *row, const uint16_t *words,
			       const uint16_t *sign, int64_t multiplier, int64_t *out)
{
	enum codec_status status;
	struct count count;

	assert(multiplier >= 1);
	if (is_na(order, row, words))
		return CODEC_NA;
	if (row->type == DRIVER_F32) {
		status = from_float(raw_bits(order, row, words), 8, 23, multiplier, out);
	} else if (row->type == DRIVER_F64) {
		status = from_float(raw_bits(order, row, words), 11, 52, multiplier, out);
	} else {
		status = read_count(order, row, words, &count);
		if (status == CODEC_OK)
			status = apply_sign(row, sign, &count);
		if (status == CODEC_OK)
			status = apply_add(row, &count);
		if (status == CODEC_OK)
			status = scale_count(&count, multiplier, out);
	}
	if (status == CODEC_OK && row->is_negated)
		*out = -*out;
	return status;
}

static void append_char(char *out, size_t out_bytes, size_t *used, unsigned c)
{
	if (*used + 1 < out_bytes)
		out[(*used)++] = c >= 0x20 && c < 0x7F ? (char)c : '?';
}

static void write_characters(const struct driver_row *row, const uint16_t *words, char *out, size_t out_bytes)
{
	unsigned per_word = row->type == DRIVER_TEXT ? 2 : 1;
	size_t used = 0;

	for (unsigned i = 0; i < row->n_words * per_word; i++) {
		unsigned c = words[i / per_word];

		if (per_word == 2)
			c = i % 2 == 0 ? c >> 8 : c & 0xFF;
		if (c == 0)
			break;
		append_char(out, out_bytes, &used, c);
	}
	while (used > 0 && out[used - 1] == ' ')
		used--;
	out[used] = '\0';
}

static void write_hex(const struct driver_row *row, const uint16_t *words, char *out, size_t out_bytes)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t used = 0;

	for (unsigned i = 0; i < row->n_words * 4u; i++)
		append_char(out, out_bytes, &used, (unsigned char)digits[words[i / 4] >> (12 - i % 4 * 4) & 0xF]);
	out[used] = '\0';
}

static void write_time(uint64_t seconds, char *out, size_t out_bytes)
{
	uint64_t days = seconds / 86400;
	unsigned year = 2000, month = 1, rest = (unsigned)(seconds % 86400);

	for (; days >= (is_leap(year) ? 366u : 365u); year++)
		days -= is_leap(year) ? 366 : 365;
	for (; days >= days_of_month(year, month); month++)
		days -= days_of_month(year, month);
	snprintf(out, out_bytes, "%04u-%02u-%02uT%02u:%02u:%02u", year, month, (unsigned)days + 1, rest / 3600,
		 rest / 60 % 60, rest % 60);
}

static enum codec_status write_number(enum driver_order order, const struct driver_row *row, const uint16_t *words,
				      char *out, size_t out_bytes)
{
	enum codec_status status;
	struct count count;

	status = read_count(order, row, words, &count);
	if (status != CODEC_OK)
		return status;
	if (row->type == DRIVER_CLOCK || row->type == DRIVER_TIME_2000)
		write_time(count.magnitude, out, out_bytes);
	else
		snprintf(out, out_bytes, "%s%" PRIu64, count.negative ? "-" : "", count.magnitude);
	return CODEC_OK;
}

/* Whether each byte of a text up to its first NUL, or of other words, is one of these. Of characters the low byte. */
static bool has_only(const struct driver_row *row, const uint16_t *words, const char *bytes, size_t n_bytes)
{
	bool is_text = row->type == DRIVER_TEXT || row->type == DRIVER_CHARS;

	for (unsigned i = 0; i < 2U * row->n_words; i++) {
		uint8_t byte = (uint8_t)(i % 2 == 0 ? words[i / 2] >> 8 : words[i / 2]);

		if (row->type == DRIVER_CHARS && i % 2 == 0)
			continue;
		if (is_text && byte == '\0')
			return true;
		if (memchr(bytes, byte, n_bytes) == NULL)
			return false;
	}
	return true;
}

/* All zeros, all ones or all blanks are no serial number: a meter shows them while it starts, or was never given one.
 */
static bool is_no_serial(const struct driver_row *row, const uint16_t *words)
{
	if (has_only(row, words, "\xFF", 1))
		return true;
	switch (row->type) {
	case DRIVER_TEXT:
	case DRIVER_CHARS:
		return has_only(row, words, "0 ", 2);
	case DRIVER_HEX:
		return has_only(row, words, "\0", 1) || has_only(row, words, " ", 1);
	default:
		return has_only(row, words, "\0", 1);
	}
}

enum codec_status codec_text(enum driver_order order, const struct driver_row *row, const uint16_t *words, char *out,
			     size_t out_bytes)
{
	assert(out_bytes > 0);
	out[0] = '\0';
	if (is_na(order, row, words) || (row->quantity == Q_SERIAL_NUMBER && is_no_serial(row, words)))
		return CODEC_NA;
	switch (row->type) {
	case DRIVER_TEXT:
	case DRIVER_CHARS:
		write_characters(row, words, out, out_bytes);
		return CODEC_OK;
	case DRIVER_HEX:
		write_hex(row, words, out, out_bytes);
		return CODEC_OK;
	default:
		return write_number(order, row, words, out, out_bytes);
	}
}

const char *codec_status_text(enum codec_status s)
{
	switch (s) {
	case CODEC_OK:
		return "good";
	case CODEC_NA:
		return "not available";
	case CODEC_NOT_FINITE:
		return "not a finite number";
	case CODEC_BAD:
		return "not a value of this type";
	case CODEC_RANGE:
		return "out of range";
	}
	return "unknown status";
}
