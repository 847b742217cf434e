/* SPDX-License-Identifier: MIT */
#include "codec.h"
#include "unit.h"

static struct driver_row row(enum driver_type type, uint8_t n_words)
{
	return (struct driver_row){.type = type, .n_words = n_words, .block = -1, .scale = -1};
}

static void expect_order(enum driver_order order, const struct driver_row *r, const uint16_t *words, int64_t multiplier,
			 int64_t expected)
{
	int64_t value = -99;

	assert_int_equal(codec_number(order, r, words, NULL, multiplier, &value), CODEC_OK);
	assert_true(value == expected);
}

static void expect(const struct driver_row *r, const uint16_t *words, int64_t multiplier, int64_t expected)
{
	expect_order(DRIVER_ABCD, r, words, multiplier, expected);
}

static void expect_status(const struct driver_row *r, const uint16_t *words, int64_t multiplier,
			  enum codec_status expected)
{
	int64_t value = -99;

	assert_int_equal(codec_number(DRIVER_ABCD, r, words, NULL, multiplier, &value), expected);
	assert_int_equal(value, -99);
}

static void expect_text(const struct driver_row *r, const uint16_t *words, const char *expected)
{
	char text[80];

	assert_int_equal(codec_text(DRIVER_ABCD, r, words, text, sizeof(text)), CODEC_OK);
	assert_string_equal(text, expected);
}

#define WORDS(...) ((const uint16_t[]){__VA_ARGS__})

TEST(a_value_may_be_a_part_of_one_word)
{
	struct driver_row r = row(DRIVER_U8_LOW, 1);

	expect(&r, WORDS(0xA1B2), 1, 0xB2);
	r.type = DRIVER_U8_HIGH;
	expect(&r, WORDS(0xA1B2), 1, 0xA1);
	r = (struct driver_row){.type = DRIVER_BIT, .n_words = 1, .bit_low = 15, .bit_high = 15};
	expect(&r, WORDS(0x8000), 1, 1);
	expect(&r, WORDS(0x7FFF), 1, 0);
	r = (struct driver_row){.type = DRIVER_BITS, .n_words = 1, .bit_low = 4, .bit_high = 7};
	expect(&r, WORDS(0x12C4), 1, 0xC);
	r.bit_low = 0;
	r.bit_high = 15;
	expect(&r, WORDS(0xFFFF), 1, 65535);
}

TEST(whole_numbers_of_every_width_are_decoded)
{
	struct driver_row u16 = row(DRIVER_U16, 1), s16 = row(DRIVER_S16, 1), u32 = row(DRIVER_U32, 2),
			  s32 = row(DRIVER_S32, 2), u64 = row(DRIVER_U64, 4), s64 = row(DRIVER_S64, 4);

	expect(&u16, WORDS(0xFFFF), 1, 65535);
	expect(&s16, WORDS(0xFFFF), 1, -1);
	expect(&s16, WORDS(0x8000), 1, -32768);
	expect(&s16, WORDS(0x7FFF), 1, 32767);
	expect(&u32, WORDS(0x8000, 0x0001), 1, 2147483649);
	expect(&u32, WORDS(0xFFFF, 0xFFFF), 1, 4294967295);
	expect(&s32, WORDS(0xFFFF, 0xFFFE), 1, -2);
	expect(&s32, WORDS(0x8000, 0x0000), 1, -2147483648);
	expect(&u64, WORDS(0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF), 1, INT64_MAX);
	expect(&s64, WORDS(0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF), 1, -1);
	expect(&s64, WORDS(0x8000, 0, 0, 1), 1, -INT64_MAX);
}

TEST(each_of_the_four_word_orders_is_decoded)
{
	struct driver_row u32 = row(DRIVER_U32, 2), u64 = row(DRIVER_U64, 4);

	expect_order(DRIVER_ABCD, &u32, WORDS(0x1122, 0x3344), 1, 0x11223344);
	expect_order(DRIVER_BADC, &u32, WORDS(0x2211, 0x4433), 1, 0x11223344);
	expect_order(DRIVER_CDAB, &u32, WORDS(0x3344, 0x1122), 1, 0x11223344);
	expect_order(DRIVER_DCBA, &u32, WORDS(0x4433, 0x2211), 1, 0x11223344);
	expect_order(DRIVER_ABCD, &u64, WORDS(0x1122, 0x3344, 0x5566, 0x7788), 1, 0x1122334455667788);
	expect_order(DRIVER_BADC, &u64, WORDS(0x2211, 0x4433, 0x6655, 0x8877), 1, 0x1122334455667788);
	expect_order(DRIVER_CDAB, &u64, WORDS(0x7788, 0x5566, 0x3344, 0x1122), 1, 0x1122334455667788);
	expect_order(DRIVER_DCBA, &u64, WORDS(0x8877, 0x6655, 0x4433, 0x2211), 1, 0x1122334455667788);
}

TEST(the_word_order_leaves_single_words_and_bcd_alone)
{
	struct driver_row u16 = row(DRIVER_U16, 1), s16 = row(DRIVER_S16, 1), bcd = row(DRIVER_BCD, 2);

	expect_order(DRIVER_DCBA, &u16, WORDS(0x1234), 1, 0x1234);
	expect_order(DRIVER_BADC, &s16, WORDS(0xFFFE), 1, -2);
	expect_order(DRIVER_DCBA, &bcd, WORDS(0x1234, 0x5678), 1, 12345678);
}

TEST(scaling_is_exact_and_checked)
{
	struct driver_row u32 = row(DRIVER_U32, 2), u64 = row(DRIVER_U64, 4), s64 = row(DRIVER_S64, 4);

	expect(&u32, WORDS(0x3B9A, 0xC9FF), 10, 9999999990); /* 999,999,999 x 10 Wh */
	expect(&u32, WORDS(0xFFFF, 0xFFFF), 1000000, 4294967295000000);
	expect(&s64, WORDS(0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE), INT64_MAX / 2, -(INT64_MAX - 1));
	expect_status(&u32, WORDS(0xFFFF, 0xFFFF), INT64_C(2147483650), CODEC_RANGE);
	expect_status(&u64, WORDS(0x8000, 0, 0, 0), 1, CODEC_RANGE);
	expect_status(&s64, WORDS(0x8000, 0, 0, 0), 1, CODEC_RANGE);
	expect_status(&s64, WORDS(0x8000, 0, 0, 1), 2, CODEC_RANGE);
}

TEST(a_sign_word_gives_the_sign)
{
	struct driver_row r = row(DRIVER_U32, 2);
	int64_t value = -99;
	uint16_t sign;

	r.has_sign = true;
	r.sign_value = 2;
	sign = 2;
	assert_int_equal(codec_number(DRIVER_ABCD, &r, WORDS(0, 98), &sign, 10, &value), CODEC_OK);
	assert_int_equal(value, -980);
	for (sign = 0; sign < 2; sign++) {
		assert_int_equal(codec_number(DRIVER_ABCD, &r, WORDS(0, 98), &sign, 10, &value), CODEC_OK);
		assert_int_equal(value, 980);
	}
	sign = 3;
	value = -99;
	assert_int_equal(codec_number(DRIVER_ABCD, &r, WORDS(0, 98), &sign, 10, &value), CODEC_BAD);
	assert_int_equal(value, -99);
	r.sign_value = 1;
	sign = 2;
	assert_int_equal(codec_number(DRIVER_ABCD, &r, WORDS(0, 98), &sign, 10, &value), CODEC_OK);
	assert_int_equal(value, 980);
	r.sign_value = 0xFFFF;
	sign = 0xFFFF;
	assert_int_equal(codec_number(DRIVER_ABCD, &r, WORDS(0, 98), &sign, 10, &value), CODEC_OK);
	assert_int_equal(value, -980);
}

TEST(a_meter_mounted_the_wrong_way_round_has_the_other_sign)
{
	struct driver_row whole = {.type = DRIVER_S16, .n_words = 1, .is_negated = true};
	struct driver_row real = {.type = DRIVER_F32, .n_words = 2, .is_negated = true};
	int64_t value;

	assert_int_equal(codec_number(DRIVER_ABCD, &whole, (const uint16_t[]){0xFFFE}, NULL, 10, &value), CODEC_OK);
	assert_int_equal(value, 20);
	assert_int_equal(codec_number(DRIVER_ABCD, &real, (const uint16_t[]){0x4020, 0x0000}, NULL, 1000, &value),
			 CODEC_OK);
	assert_int_equal(value, -2500);
}

TEST(a_negative_value_beside_a_sign_word_is_refused)
{
	struct driver_row r = row(DRIVER_S16, 1);
	uint16_t sign = 1;
	int64_t value = -99;

	r.has_sign = true;
	r.sign_value = 1;
	assert_int_equal(codec_number(DRIVER_ABCD, &r, WORDS(0xFFFF), &sign, 1, &value), CODEC_BAD);
	assert_int_equal(value, -99);
	assert_int_equal(codec_number(DRIVER_ABCD, &r, WORDS(1), NULL, 1, &value), CODEC_BAD);
}

TEST(a_number_is_added_to_the_count_before_its_weight)
{
	struct driver_row r = row(DRIVER_U16, 1);

	r.add = 1;
	expect(&r, WORDS(0), 1, 1);
	expect(&r, WORDS(7), 1, 8);
	expect(&r, WORDS(0xFFFF), 1, 65536);
	r.n_na = 1;
	r.na[0] = 0xFFFF;
	expect_status(&r, WORDS(0xFFFF), 1, CODEC_NA);
	r.add = -40;
	expect(&r, WORDS(15), 1000, -25000);
	expect(&r, WORDS(61), 1000, 21000);
	r = row(DRIVER_S64, 4);
	r.add = -1;
	expect(&r, WORDS(0x8000, 0, 0, 2), 1, -INT64_MAX);
	expect_status(&r, WORDS(0x8000, 0, 0, 1), 1, CODEC_RANGE);
	expect_status(&r, WORDS(0x8000, 0, 0, 0), 1, CODEC_RANGE);
	r.add = 1;
	expect_status(&r, WORDS(0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF), 1, CODEC_RANGE);
}

TEST(the_pattern_of_not_available_is_as_wide_as_the_value)
{
	struct driver_row u16 = row(DRIVER_U16, 1), u32 = row(DRIVER_U32, 2), s32 = row(DRIVER_S32, 2),
			  u8 = row(DRIVER_U8_LOW, 1);
	int64_t value;

	u16.n_na = u32.n_na = s32.n_na = u8.n_na = 1;
	u16.na[0] = 0xFFFF;
	u32.na[0] = 0xFFFFFFFF;
	s32.na[0] = 0x7FFFFFFF;
	u8.na[0] = 0xFF;
	expect_status(&u16, WORDS(0xFFFF), 1, CODEC_NA);
	expect_status(&u32, WORDS(0xFFFF, 0xFFFF), 1, CODEC_NA);
	expect(&u32, WORDS(0xFFFF, 0), 1, 0xFFFF0000);
	expect(&u32, WORDS(0, 0xFFFF), 1, 0xFFFF);
	expect_status(&s32, WORDS(0x7FFF, 0xFFFF), 1, CODEC_NA);
	expect(&s32, WORDS(0xFFFF, 0xFFFF), 1, -1);
	expect_status(&u8, WORDS(0x12FF), 1, CODEC_NA);
	u32.na[0] = 0x12345678; /* compared after the word order */
	assert_int_equal(codec_number(DRIVER_CDAB, &u32, WORDS(0x5678, 0x1234), NULL, 1, &value), CODEC_NA);
}

TEST(each_of_several_patterns_means_not_available)
{
	struct driver_row r = row(DRIVER_U16, 1);

	r.n_na = 2;
	r.na[0] = 0x8000;
	r.na[1] = 0xFFFF;
	expect_status(&r, WORDS(0x8000), 1, CODEC_NA);
	expect_status(&r, WORDS(0xFFFF), 1, CODEC_NA);
	expect(&r, WORDS(0x7FFF), 1, 0x7FFF);
}

TEST(not_available_is_checked_before_the_sign)
{
	struct driver_row r = row(DRIVER_U16, 1);
	uint16_t sign = 0xFFFF;
	int64_t value;

	r.has_sign = true;
	r.sign_value = 1;
	r.n_na = 1;
	r.na[0] = 0xFFFF;
	assert_int_equal(codec_number(DRIVER_ABCD, &r, WORDS(0xFFFF), &sign, 1, &value), CODEC_NA);
}

TEST(an_f32_is_rounded_half_away_from_zero)
{
	struct driver_row r = row(DRIVER_F32, 2);

	expect(&r, WORDS(0x3F80, 0x0000), 1, 1);
	expect(&r, WORDS(0x4366, 0x8000), 1000, 230500);    /* 230.5 V in mV */
	expect(&r, WORDS(0x3F00, 0x0000), 1, 1);	    /* 0.5 */
	expect(&r, WORDS(0xBF00, 0x0000), 1, -1);	    /* -0.5 */
	expect(&r, WORDS(0x3EFF, 0xFFFF), 1, 0);	    /* the float below 0.5 */
	expect(&r, WORDS(0x3FC0, 0x0000), 1, 2);	    /* 1.5 */
	expect(&r, WORDS(0x4020, 0x0000), 1, 3);	    /* 2.5 */
	expect(&r, WORDS(0xC020, 0x0000), 1, -3);	    /* -2.5 */
	expect(&r, WORDS(0x0000, 0x0001), 1000000000, 0);   /* smallest subnormal */
	expect(&r, WORDS(0x8000, 0x0000), 1000, 0);	    /* -0 */
	expect(&r, WORDS(0x4B7F, 0xFFFF), 1, 16777215);	    /* 2^24 - 1 */
	expect(&r, WORDS(0x3DCC, 0xCCCD), 1000000, 100000); /* 0.1 */
	expect_order(DRIVER_CDAB, &r, WORDS(0x8000, 0x4366), 1000, 230500);
}

TEST(an_f32_outside_63_bits_is_refused)
{
	struct driver_row r = row(DRIVER_F32, 2);

	expect(&r, WORDS(0x5EFF, 0xFFFF), 1, INT64_C(0x7FFFFF8000000000));
	expect_status(&r, WORDS(0x5F00, 0x0000), 1, CODEC_RANGE); /* 2^63 */
	expect_status(&r, WORDS(0xDF00, 0x0000), 1, CODEC_RANGE); /* -2^63 */
	expect_status(&r, WORDS(0x7F7F, 0xFFFF), 1, CODEC_RANGE); /* the greatest */
	expect_status(&r, WORDS(0x5EFF, 0xFFFF), 1000, CODEC_RANGE);
}

TEST(an_f64_keeps_every_digit)
{
	struct driver_row r = row(DRIVER_F64, 4);

	expect(&r, WORDS(0x3FF0, 0, 0, 0), 1000, 1000);
	expect(&r, WORDS(0x4340, 0, 0, 0), 1, INT64_C(9007199254740992));
	expect(&r, WORDS(0x433F, 0xFFFF, 0xFFFF, 0xFFFF), 1000, INT64_C(9007199254740991000));
	expect(&r, WORDS(0x3F50, 0x624D, 0xD2F1, 0xA9FC), 1000, 1);		 /* 0.001 */
	expect(&r, WORDS(0xC09C, 0xD6E9, 0x78D4, 0xFDF4), 1000000, -1845728000); /* -1845.728 */
	expect(&r, WORDS(0, 0, 0, 1), INT64_MAX, 0);				 /* smallest subnormal */
	expect(&r, WORDS(0x3BF0, 0, 0, 0), INT64_MAX, 0);			 /* 2^-64: a hair below a half */
	expect(&r, WORDS(0x3BF0, 0, 0, 1), INT64_MAX, 1);			 /* a hair above */
	expect(&r, WORDS(0x3C00, 0, 0, 0), INT64_MAX, 1);
	expect_status(&r, WORDS(0x43E0, 0, 0, 0), 1, CODEC_RANGE);		     /* 2^63 */
	expect_status(&r, WORDS(0x7FEF, 0xFFFF, 0xFFFF, 0xFFFF), 1, CODEC_RANGE);    /* the greatest */
	expect_status(&r, WORDS(0x4340, 0, 0, 0), 1025, CODEC_RANGE);		     /* 2^53 x 1025 */
	expect_status(&r, WORDS(0x433F, 0xFFFF, 0xFFFF, 0xFFFF), 1025, CODEC_RANGE); /* just above 2^63 */
	expect_status(&r, WORDS(0x4330, 0, 0, 0), 4096, CODEC_RANGE);		     /* 2^64: its low half is 0 */
}

TEST(a_float_that_is_not_a_number_is_refused)
{
	struct driver_row f32 = row(DRIVER_F32, 2), f64 = row(DRIVER_F64, 4);

	expect_status(&f32, WORDS(0x7F80, 0), 1, CODEC_NOT_FINITE);
	expect_status(&f32, WORDS(0xFF80, 0), 1, CODEC_NOT_FINITE);
	expect_status(&f32, WORDS(0x7FC0, 0), 1, CODEC_NOT_FINITE);
	expect_status(&f32, WORDS(0xFFFF, 0xFFFF), 1, CODEC_NOT_FINITE);
	expect_status(&f64, WORDS(0x7FF0, 0, 0, 0), 1, CODEC_NOT_FINITE);
	expect_status(&f64, WORDS(0x7FF8, 0, 0, 1), 1, CODEC_NOT_FINITE);
}

TEST(a_bcd_digit_goes_up_to_9)
{
	struct driver_row one = row(DRIVER_BCD, 1), four = row(DRIVER_BCD, 4);

	expect(&one, WORDS(0x0095), 10, 950);
	expect(&four, WORDS(0x9999, 0x9999, 0x9999, 0x9999), 1, 9999999999999999);
	expect_status(&one, WORDS(0x00A0), 1, CODEC_BAD);
	expect_status(&four, WORDS(0xF000, 0, 0, 0), 1, CODEC_BAD);
}

TEST(texts_of_both_packings_are_decoded)
{
	struct driver_row text = row(DRIVER_TEXT, 6), chars = row(DRIVER_CHARS, 4);

	expect_text(&text, WORDS(0x436F, 0x756E, 0x7469, 0x7320, 0x4534, 0x3400), "Countis E44");
	expect_text(&text, WORDS(0x4162, 0x2020, 0x2020, 0x2020, 0x2020, 0x2020), "Ab");
	expect_text(&text, WORDS(0x4100, 0x4242, 0, 0, 0, 0), "A");
	expect_text(&text, WORDS(0x0741, 0xFF42, 0, 0, 0, 0), "?A?B");
	expect_text(&chars, WORDS('S', 'O', 'C', 'O'), "SOCO");
	expect_text(&chars, WORDS('S', 0x0153, ' ', 0), "S?");
	expect_status(&chars, WORDS('1', '2', '3', '4'), 1, CODEC_BAD);
}

TEST(a_hex_text_shows_every_byte)
{
	struct driver_row r = row(DRIVER_HEX, 3);

	expect_text(&r, WORDS(0x0012, 0xABCD, 0x0900), "0012ABCD0900");
}

TEST(a_number_can_be_decoded_as_text)
{
	struct driver_row u16 = row(DRIVER_U16, 1), s32 = row(DRIVER_S32, 2), u64 = row(DRIVER_U64, 4),
			  f32 = row(DRIVER_F32, 2);
	char text[16] = "before";

	expect_text(&u16, WORDS(100), "100");
	expect_text(&s32, WORDS(0xFFFF, 0xFFFB), "-5");
	expect_text(&u64, WORDS(0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF), "18446744073709551615");
	assert_int_equal(codec_text(DRIVER_ABCD, &f32, WORDS(0x3F80, 0), text, sizeof(text)), CODEC_BAD);
	assert_string_equal(text, "");
}

TEST(words_that_are_not_available_make_an_empty_text)
{
	struct driver_row r = row(DRIVER_HEX, 2);
	char text[16] = "before";

	r.n_na = 1;
	r.na[0] = 0xFFFF;
	assert_int_equal(codec_text(DRIVER_ABCD, &r, WORDS(0xFFFF, 0xFFFF), text, sizeof(text)), CODEC_NA);
	assert_string_equal(text, "");
	expect_text(&r, WORDS(0xFFFF, 0x0001), "FFFF0001");
}

static void expect_no_serial(enum driver_type type, uint8_t n_words, const uint16_t *words)
{
	struct driver_row r = row(type, n_words);
	char text[80] = "before";

	r.quantity = Q_SERIAL_NUMBER;
	assert_int_equal(codec_text(DRIVER_ABCD, &r, words, text, sizeof(text)), CODEC_NA);
	assert_string_equal(text, "");
}

TEST(a_serial_number_of_all_zeros_all_ones_or_all_blanks_is_none)
{
	struct driver_row hex = row(DRIVER_HEX, 2), text = row(DRIVER_TEXT, 2), u32 = row(DRIVER_U32, 2);

	expect_no_serial(DRIVER_U32, 2, WORDS(0, 0));
	expect_no_serial(DRIVER_U32, 2, WORDS(0xFFFF, 0xFFFF));
	expect_no_serial(DRIVER_BCD, 2, WORDS(0, 0));
	expect_no_serial(DRIVER_HEX, 2, WORDS(0, 0));
	expect_no_serial(DRIVER_HEX, 2, WORDS(0xFFFF, 0xFFFF));
	expect_no_serial(DRIVER_HEX, 2, WORDS(0x2020, 0x2020));
	expect_no_serial(DRIVER_TEXT, 2, WORDS(0, 0x4142));
	expect_no_serial(DRIVER_TEXT, 2, WORDS(0x3030, 0x3000));
	expect_no_serial(DRIVER_TEXT, 2, WORDS(0x2020, 0x2020));
	expect_no_serial(DRIVER_TEXT, 2, WORDS(0xFFFF, 0xFFFF));
	expect_no_serial(DRIVER_CHARS, 3, WORDS('0', '0', ' '));
	expect_no_serial(DRIVER_CHARS, 2, WORDS(0xFF, 0xFF));
	hex.quantity = text.quantity = u32.quantity = Q_SERIAL_NUMBER;
	expect_text(&hex, WORDS(0, 1), "00000001");
	expect_text(&text, WORDS(0x3030, 0x3031), "0001");
	expect_text(&u32, WORDS(0xFFFF, 0xFFFE), "4294967294");
	expect_text(&u32, WORDS(0x2020, 0x2020), "538976288");
}

TEST(a_text_is_cut_to_its_buffer)
{
	struct driver_row chars = row(DRIVER_CHARS, 4), hex = row(DRIVER_HEX, 2);
	char text[4];

	assert_int_equal(codec_text(DRIVER_ABCD, &chars, WORDS('S', 'O', 'C', 'O'), text, sizeof(text)), CODEC_OK);
	assert_string_equal(text, "SOC");
	assert_int_equal(codec_text(DRIVER_ABCD, &hex, WORDS(0x1234, 0x5678), text, sizeof(text)), CODEC_OK);
	assert_string_equal(text, "123");
	assert_int_equal(codec_text(DRIVER_ABCD, &hex, WORDS(0x1234, 0x5678), text, 1), CODEC_OK);
	assert_string_equal(text, "");
}

TEST(seconds_since_2000_are_decoded_as_a_time)
{
	struct driver_row r = row(DRIVER_TIME_2000, 2);

	expect(&r, WORDS(1, 0x517F), 1, 86399);
	expect_text(&r, WORDS(0, 0), "2000-01-01T00:00:00");
	expect_text(&r, WORDS(0x004E, 0xFBFF), "2000-02-29T21:51:59");
	expect_text(&r, WORDS(0x01E2, 0x84FF), "2000-12-31T23:59:59"); /* 31,622,399: day 366 */
	expect_text(&r, WORDS(0x01E2, 0x8500), "2001-01-01T00:00:00");
	expect_text(&r, WORDS(0xFFFF, 0xFFFF), "2136-02-07T06:28:15");
}

TEST(a_clock_of_six_words_is_decoded_as_a_time)
{
	struct driver_row r = row(DRIVER_CLOCK, 6);

	expect(&r, WORDS(1, 1, 0, 0, 0, 0), 1, 0);
	expect(&r, WORDS(1, 1, 2001, 0, 0, 1), 1, 366 * 86400 + 1);
	expect(&r, WORDS(29, 2, 24, 23, 59, 58), 1, 762566398);
	expect_text(&r, WORDS(29, 2, 24, 23, 59, 58), "2024-02-29T23:59:58");
	expect(&r, WORDS(31, 12, 24, 23, 59, 59), 1, 789004799);
	expect_text(&r, WORDS(31, 12, 24, 23, 59, 59), "2024-12-31T23:59:59");
	expect_text(&r, WORDS(1, 1, 25, 0, 0, 0), "2025-01-01T00:00:00");
	expect_text(&r, WORDS(1, 3, 24, 0, 0, 0), "2024-03-01T00:00:00");
	expect_text(&r, WORDS(31, 12, 2999, 0, 0, 0), "2999-12-31T00:00:00");
	expect_status(&r, WORDS(1, 1, 3000, 0, 0, 0), 1, CODEC_BAD);
	expect_status(&r, WORDS(1, 1, 100, 0, 0, 0), 1, CODEC_BAD);
	expect_status(&r, WORDS(29, 2, 23, 0, 0, 0), 1, CODEC_BAD);
	expect_status(&r, WORDS(29, 2, 2100, 0, 0, 0), 1, CODEC_BAD);
	expect_status(&r, WORDS(1, 13, 24, 0, 0, 0), 1, CODEC_BAD);
	expect_status(&r, WORDS(1, 0, 24, 0, 0, 0), 1, CODEC_BAD);
	expect_status(&r, WORDS(0, 1, 24, 0, 0, 0), 1, CODEC_BAD);
	expect_status(&r, WORDS(1, 1, 1999, 0, 0, 0), 1, CODEC_BAD);
	expect_status(&r, WORDS(1, 1, 24, 24, 0, 0), 1, CODEC_BAD);
	expect_status(&r, WORDS(1, 1, 24, 0, 60, 0), 1, CODEC_BAD);
	expect_status(&r, WORDS(1, 1, 24, 0, 0, 60), 1, CODEC_BAD);
}

UNIT_MAIN(NULL, NULL)
