/* SPDX-License-Identifier: MIT */
/* fuzz_codec.c - decodes any words as a value of any type. There must be a status, and a value only with CODEC_OK.
 * Floats are compared with the machine's own arithmetic where that is precise enough.
 * Input, one byte each: type, order, number of words, low bit, high bit, number of patterns, sign word given (its low
 * bit), room for the text; two bytes each: sign value, sign word; eight bytes each: multiplier, one pattern; two bytes
 * each: words. All high byte first; zeros past the end. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

enum { WORDS_MAX = 32, TEXT_MAX = 160 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct input {
	const uint8_t *data;
	size_t n;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static uint64_t read_number(struct input *in, unsigned n_bytes)
{
	uint64_t value = 0;

	while (n_bytes-- > 0) {
		value <<= 8;
		if (in->n > 0) {
			value |= *in->data++;
			in->n--;
		}
	}
	return value;
}

/* The number of words that the loader gives a row of this type. */
static uint8_t words_of(enum driver_type type, uint8_t wanted)
{
	switch (type) {
	case DRIVER_U32:
	case DRIVER_S32:
	case DRIVER_F32:
	case DRIVER_TIME_2000:
		return 2;
	case DRIVER_U64:
	case DRIVER_S64:
	case DRIVER_F64:
		return 4;
	case DRIVER_CLOCK:
		return 6;
	case DRIVER_BCD:
		return (uint8_t)(1 + wanted % 4);
	case DRIVER_TEXT:
	case DRIVER_CHARS:
	case DRIVER_HEX:
		return (uint8_t)(1 + wanted % WORDS_MAX);
	default:
		return 1;
	}
}

/* A float times a multiplier of up to 2^10 is exact in 64 bits of mantissa. */
static void check_float(const struct driver_row *row, const uint16_t *words, int64_t multiplier,
			enum codec_status status, int64_t value)
{
#if LDBL_MANT_DIG >= 64
	uint64_t bits = 0;
	long double x;
	double f64;
	float f32;

	if (status == CODEC_NA || multiplier > 1024)
		return;
	for (unsigned i = 0; i < row->n_words; i++)
		bits = bits << 16 | words[i];
	memcpy(&f32, &(uint32_t){(uint32_t)bits}, sizeof(f32));
	memcpy(&f64, &bits, sizeof(f64));
	x = row->type == DRIVER_F32 ? (long double)f32 : (long double)f64;
	require(isfinite(x) == (status != CODEC_NOT_FINITE));
	if (!isfinite(x))
		return;
	x = roundl(x * (long double)multiplier);
	require((status == CODEC_RANGE) == (fabsl(x) >= 0x1p63L));
	require(status == CODEC_RANGE || (long double)value == x);
#else
	(void)row, (void)words, (void)multiplier, (void)status, (void)value;
#endif
}

static void check_text(enum driver_order order, const struct driver_row *row, const uint16_t *words, size_t room)
{
	char text[TEXT_MAX + 1];
	enum codec_status status;
	size_t length;

	memset(text, 0x55, sizeof(text));
	status = codec_text(order, row, words, text, room);
	length = strnlen(text, room);
	require(length < room && text[room] == 0x55 && (status == CODEC_OK || length == 0));
	for (size_t i = 0; i < length; i++)
		require(text[i] >= 0x20 && text[i] < 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct input in = {data, n};
	struct driver_row row = {.block = -1, .scale = -1};
	enum driver_order order;
	uint16_t words[WORDS_MAX], sign;
	int64_t multiplier, value = INT64_MIN;
	enum codec_status status;
	size_t room;
	bool sign_given;

	row.type = (enum driver_type)(read_number(&in, 1) % (DRIVER_CLOCK + 1));
	order = (enum driver_order)(read_number(&in, 1) % 4);
	row.n_words = words_of(row.type, (uint8_t)read_number(&in, 1));
	row.bit_low = (uint8_t)(read_number(&in, 1) % 16);
	row.bit_high = (uint8_t)(row.bit_low + read_number(&in, 1) % (16u - row.bit_low));
	row.n_na = (uint8_t)(read_number(&in, 1) % 2);
	sign_given = read_number(&in, 1) & 1;
	row.has_sign = sign_given;
	room = 1 + read_number(&in, 1) % TEXT_MAX;
	row.sign_value = (uint16_t)read_number(&in, 2);
	sign = (uint16_t)read_number(&in, 2);
	multiplier = (int64_t)(read_number(&in, 8) & INT64_MAX);
	multiplier += multiplier == 0;
	row.na[0] = read_number(&in, 8);
	for (size_t i = 0; i < WORDS_MAX; i++)
		words[i] = (uint16_t)read_number(&in, 2);

	status = codec_number(order, &row, words, sign_given ? &sign : NULL, multiplier, &value);
	require(status <= CODEC_RANGE && (status == CODEC_OK) == (value != INT64_MIN));
	require(codec_status_text(status)[0] != '\0');
	if ((row.type == DRIVER_F32 || row.type == DRIVER_F64) && order == DRIVER_ABCD)
		check_float(&row, words, multiplier, status, value);
	check_text(order, &row, words, room);
	return 0;
}
