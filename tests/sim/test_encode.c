/* SPDX-License-Identifier: MIT */
#include "encode.h"
#include "unit.h"

static const struct encode_weight one = {1, 0, 1}, ten = {10, 0, 1};

static struct driver_row row_of(enum driver_type type, uint8_t n_words)
{
	return (struct driver_row){.type = type, .n_words = n_words, .scale = -1, .mantissa = 1};
}

/* Asserts that value is encoded in these two words. Returns the value that a reader finds in them. */
static int64_t assert_words(enum driver_order order, enum driver_type type, struct encode_weight weight,
			    int64_t modulus, int64_t value, uint16_t first, uint16_t second)
{
	struct driver_row row = row_of(type, 2);
	uint16_t w[2];
	int64_t shown;

	assert_true(encode_number(order, &row, weight, modulus, value, w, &shown));
	assert_int_equal(w[0], first);
	assert_int_equal(w[1], second);
	return shown;
}

TEST(a_u32_is_encoded_in_every_word_order)
{
	assert_words(DRIVER_ABCD, DRIVER_U32, one, 0, 0x12345678, 0x1234, 0x5678);
	assert_words(DRIVER_CDAB, DRIVER_U32, one, 0, 0x12345678, 0x5678, 0x1234);
	assert_words(DRIVER_BADC, DRIVER_U32, one, 0, 0x12345678, 0x3412, 0x7856);
	assert_words(DRIVER_DCBA, DRIVER_U32, one, 0, 0x12345678, 0x7856, 0x3412);
}

TEST(a_counter_is_rounded_down_to_counts_and_wraps)
{
	const int64_t modulus = 1000000000;

	/* 999999999 counts of 10 */
	assert_int_equal(assert_words(DRIVER_ABCD, DRIVER_U32, ten, modulus, INT64_C(9999999999), 0x3B9A, 0xC9FF),
			 INT64_C(9999999990));
	assert_int_equal(assert_words(DRIVER_ABCD, DRIVER_U32, ten, modulus, INT64_C(10000000019), 0, 1), 10);
}

TEST(a_gauge_is_rounded_half_away_from_zero)
{
	struct driver_row row = row_of(DRIVER_S16, 1);
	uint16_t w;
	int64_t shown;

	assert_true(encode_number(DRIVER_ABCD, &row, ten, 0, -25, &w, &shown));
	assert_int_equal(shown, -30);
	assert_int_equal(w, 0xFFFD);
	assert_true(encode_number(DRIVER_ABCD, &row, ten, 0, 24, &w, &shown));
	assert_int_equal(w, 2);
}

TEST(a_value_that_does_not_fit_becomes_not_available)
{
	struct driver_row row = row_of(DRIVER_S16, 1);
	uint16_t w;
	int64_t shown;

	row.n_na = 1;
	row.na[0] = 0x7FFF;
	assert_false(encode_number(DRIVER_ABCD, &row, one, 0, 32768, &w, &shown));
	assert_int_equal(w, 0x7FFF);
	assert_false(encode_number(DRIVER_ABCD, &row, one, 0, 32767, &w, &shown));
	assert_true(encode_number(DRIVER_ABCD, &row, one, 0, 32766, &w, &shown));
	assert_true(encode_number(DRIVER_ABCD, &row, one, 0, -32768, &w, &shown));
	assert_int_equal(w, 0x8000);
}

TEST(a_part_of_a_word_sets_only_its_bits)
{
	struct driver_row high = row_of(DRIVER_U8_HIGH, 1), bits = row_of(DRIVER_BITS, 1);
	uint16_t w;
	int64_t shown;

	encode_number(DRIVER_ABCD, &high, one, 0, 0xA5, &w, &shown);
	assert_int_equal(w, 0xA500);
	bits.bit_low = 4;
	bits.bit_high = 6;
	encode_number(DRIVER_ABCD, &bits, one, 0, 5, &w, &shown);
	assert_int_equal(w, 0x50);
}

TEST(bcd_has_its_most_significant_digits_first)
{
	assert_words(DRIVER_CDAB, DRIVER_BCD, one, 0, 12345678, 0x1234, 0x5678);
}

TEST(a_float_shows_the_nearest_float)
{
	assert_int_equal(assert_words(DRIVER_ABCD, DRIVER_F32, one, 0, 16777217, 0x4B80, 0), 16777216);
}

TEST(a_negative_value_becomes_a_magnitude_and_a_sign_word)
{
	struct driver_row row = row_of(DRIVER_U32, 2), sector = row_of(DRIVER_U16, 1);
	uint16_t w[2];
	int64_t shown;

	row.has_sign = sector.has_sign = true;
	row.sign_value = 1;
	sector.sign_value = 2;
	assert_true(encode_number(DRIVER_ABCD, &row, ten, 0, -1230, w, &shown));
	assert_int_equal(shown, -1230);
	assert_int_equal(w[0], 0);
	assert_int_equal(w[1], 123);
	assert_int_equal(encode_sign(&row, -1230), 1);
	assert_int_equal(encode_sign(&row, 1230), 0);
	assert_int_equal(encode_sign(&sector, -900), 2);
	assert_int_equal(encode_sign(&sector, 900), 1);
	assert_int_equal(encode_sign(&sector, 1000), 0);
}

TEST(what_a_reader_adds_is_taken_off)
{
	struct driver_row row = row_of(DRIVER_U16, 1);
	uint16_t w;
	int64_t shown;

	row.add = 1;
	assert_true(encode_number(DRIVER_ABCD, &row, one, 0, 8, &w, &shown));
	assert_int_equal(shown, 8);
	assert_int_equal(w, 7);
	assert_false(encode_number(DRIVER_ABCD, &row, one, 0, 0, &w, &shown));
}

TEST(the_weight_depends_on_the_transformer_ratios)
{
	static struct driver d = {.n_scales = 1};
	struct driver_row row = row_of(DRIVER_U32, 2);
	struct encode_weight w;

	d.scales[0].n_steps = 2;
	d.scales[0].steps[0].below = 10;
	d.scales[0].steps[0].mantissa = 1;
	d.scales[0].steps[0].exponent = -2;
	d.scales[0].steps[1].below = INT64_MAX;
	d.scales[0].steps[1].mantissa = 1;
	row.scale = 0;
	row.exponent = 3;
	w = encode_weight(&d, &row, 49, 5, 1, 1); /* 9.8 */
	assert_int_equal(w.exponent, 1);
	w = encode_weight(&d, &row, 50, 5, 1, 1);
	assert_int_equal(w.exponent, 3);
}

TEST(the_modulus_comes_from_the_row_the_meter_or_the_type)
{
	static const struct driver d = {.parts = 1};
	struct driver_row row = row_of(DRIVER_U32, 2);

	assert_int_equal(encode_modulus(&d, &row, ten, 0), INT64_C(4294967296));
	row.moduli[0].amount = 12340;
	assert_int_equal(encode_modulus(&d, &row, ten, 0), 1234);
	row.moduli[1] = (struct driver_modulus){.amount = 10000, .in_counts = true};
	assert_int_equal(encode_modulus(&d, &row, ten, 0), 10000);
	row.modulus_read = true;
	assert_int_equal(encode_modulus(&d, &row, ten, INT64_C(9999999995)), 1000000000);
}

TEST(a_counter_may_be_finer_than_a_base_unit)
{
	static const struct encode_weight tenth = {1, -1, 1}, second = {1, 0, 3600};
	struct driver_row row = row_of(DRIVER_U32, 2);
	uint16_t w[2];
	int64_t shown;

	assert_true(encode_number(DRIVER_ABCD, &row, tenth, 100000000, 1234567, w, &shown));
	assert_int_equal(w[0] << 16 | w[1], 12345670);
	assert_int_equal(shown, 1234567);
	assert_true(encode_number(DRIVER_ABCD, &row, second, 4000000, 1200, w, &shown));
	assert_int_equal(w[0] << 16 | w[1], 320000);
	assert_int_equal(shown, 88);
}

TEST(a_serial_number_fills_its_digits_from_the_right)
{
	static const uint16_t expected[] = {0x0000, 0x0012, 0xAB34};
	struct driver_row row = row_of(DRIVER_HEX, 3);
	uint16_t w[3];
	char shown[33];

	encode_text(DRIVER_ABCD, &row, "12aB34", w, shown, sizeof(shown));
	assert_memory_equal(w, expected, sizeof(expected));
	assert_string_equal(shown, "00000012AB34");
}

TEST(a_text_has_one_or_two_characters_per_word)
{
	struct driver_row two = row_of(DRIVER_TEXT, 2), single = row_of(DRIVER_CHARS, 2);
	uint16_t w[2];
	char shown[33];

	encode_text(DRIVER_ABCD, &two, "E44", w, shown, sizeof(shown));
	assert_int_equal(w[0], 0x4534);
	assert_int_equal(w[1], 0x3420);
	encode_text(DRIVER_ABCD, &single, "SOCO", w, shown, sizeof(shown));
	assert_int_equal(w[0], 'S');
	assert_int_equal(w[1], 'O');
	assert_string_equal(shown, "SO");
}

UNIT_MAIN(NULL, NULL)
