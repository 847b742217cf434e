/* SPDX-License-Identifier: MIT */
#include "frame.h"
#include "unit.h"

static const struct frame_query query = {
	.unit = 5, .function = 3, .address = 0xc652, .n_words = 2, .transaction = 0x1234};

static const uint8_t answer[] = {0x05, 0x03, 0x04, 0x00, 0x01, 0xe2, 0x40, 0xa7, 0x63};

TEST(a_request_for_32_bit_registers_counts_registers)
{
	const struct frame_query q = {.unit = 1, .function = 3, .address = 100, .n_words = 8, .per_count = 2};
	uint8_t request[FRAME_REQUEST_TCP];

	assert_int_equal(frame_put_rtu(&q, request), FRAME_REQUEST_RTU);
	assert_memory_equal(request, "\x01\x03\x00\x64\x00\x04", 6);
	assert_int_equal(frame_put_tcp(&q, request), FRAME_REQUEST_TCP);
	assert_memory_equal(request, "\x00\x00\x00\x00\x00\x06\x01\x03\x00\x64\x00\x04", 12);
}

TEST(the_crc_of_a_published_frame_is_right)
{
	static const uint8_t bytes[] = {0x01, 0x03, 0x00, 0x00, 0x00, 0x0a};

	assert_int_equal(frame_crc(bytes, sizeof(bytes)), 0xcdc5);
}

TEST(a_request_has_its_literal_bytes)
{
	static const uint8_t rtu[] = {0x05, 0x03, 0xc6, 0x52, 0x00, 0x02, 0x58, 0xd6};
	static const uint8_t tcp[] = {0x12, 0x34, 0x00, 0x00, 0x00, 0x06, 0x05, 0x03, 0xc6, 0x52, 0x00, 0x02};
	uint8_t out[FRAME_REQUEST_TCP];

	assert_int_equal(frame_put_rtu(&query, out), 8);
	assert_memory_equal(out, rtu, 8);
	assert_int_equal(frame_put_tcp(&query, out), 12);
	assert_memory_equal(out, tcp, 12);
}

TEST(the_words_give_the_length_of_an_answer)
{
	assert_int_equal(frame_answer_rtu(query.n_words), sizeof(answer));
}

TEST(the_speed_gives_the_time_of_an_exchange)
{
	/* 9600 baud, 11 bits: 3.5 characters 4011 us, 17 characters 19480 us */
	assert_int_equal(frame_exchange_us(2, 30, 9600, 11), 4011 + 19480 + 30000);
	assert_int_equal(frame_exchange_us(2, 30, 38400, 10), 1750 + 4428 + 30000);
	/* A turnaround is at least the silence. */
	assert_int_equal(frame_exchange_us(2, 0, 9600, 11), 4011 + 19480 + 4011);
}

TEST(every_beginning_of_an_answer_is_partial)
{
	for (size_t n = 0; n < sizeof(answer); n++)
		assert_int_equal(frame_look_rtu(&query, answer, n).kind, FRAME_PARTIAL);
	assert_int_equal(frame_look_rtu(&query, answer, sizeof(answer)).kind, FRAME_ANSWER);
}

TEST(every_damaged_bit_is_detected)
{
	uint8_t bytes[sizeof(answer)];
	enum frame_kind kind;

	for (size_t bit = 0; bit < 8 * sizeof(answer); bit++) {
		for (size_t i = 0; i < sizeof(answer); i++)
			bytes[i] = answer[i];
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		kind = frame_look_rtu(&query, bytes, sizeof(bytes)).kind;
		assert_true(kind == FRAME_UNKNOWN || kind == FRAME_PARTIAL);
		kind = frame_after_silence(&query, bytes, sizeof(bytes));
		assert_true(kind == FRAME_CRC || kind == FRAME_WRONG_LENGTH);
	}
}

TEST(noise_before_the_answer_is_skipped)
{
	static const uint8_t bytes[] = {0x00, 0xff, 0x00, 0x05, 0x03, 0x04, 0x00, 0x01, 0xe2, 0x40, 0xa7, 0x63};
	struct frame_look look = frame_look_rtu(&query, bytes, sizeof(bytes));

	assert_int_equal(look.kind, FRAME_ANSWER);
	assert_int_equal(look.used, 12);
	assert_int_equal(look.n_frame, 9);
	assert_ptr_equal(look.data, bytes + 6);
}

TEST(other_bytes_before_the_answer_are_not_skipped)
{
	static const uint8_t bytes[] = {0x7e, 0x05, 0x03, 0x04, 0x00, 0x01, 0xe2, 0x40, 0xa7, 0x63};

	assert_int_equal(frame_look_rtu(&query, bytes, sizeof(bytes)).kind, FRAME_UNKNOWN);
	assert_int_equal(frame_after_silence(&query, bytes, sizeof(bytes)), FRAME_CRC);
}

TEST(noise_alone_is_no_answer)
{
	static const uint8_t bytes[] = {0x00, 0x00, 0xff, 0xff, 0x00};

	assert_int_equal(frame_look_rtu(&query, bytes, sizeof(bytes)).kind, FRAME_PARTIAL);
	assert_int_equal(frame_after_silence(&query, bytes, sizeof(bytes)), FRAME_NOISE);
}

TEST(an_echo_comes_before_the_answer)
{
	static const uint8_t bytes[] = {0x05, 0x03, 0xc6, 0x52, 0x00, 0x02, 0x58, 0xd6, 0x05};
	struct frame_look look = frame_look_rtu(&query, bytes, sizeof(bytes));

	for (size_t n = 0; n < 8; n++)
		assert_int_equal(frame_look_rtu(&query, bytes, n).kind, FRAME_PARTIAL);
	assert_int_equal(look.kind, FRAME_ECHO);
	assert_int_equal(look.used, 8);
}

TEST(an_echo_may_lack_its_first_bytes_or_have_them_wrong)
{
	static const struct {
		uint8_t bytes[9];
		size_t n, used;
	} cases[] = {
		{{0x03, 0xc6, 0x52, 0x00, 0x02, 0x58, 0xd6, 0x05}, 8, 7},
		{{0x52, 0x00, 0x02, 0x58, 0xd6}, 5, 5},
		{{0x7e, 0x03, 0xc6, 0x52, 0x00, 0x02, 0x58, 0xd6, 0x05}, 9, 8},
		{{0x00, 0x03, 0xc6, 0x52, 0x00, 0x02, 0x58, 0xd6}, 8, 8},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame_look look = frame_look_rtu(&query, cases[i].bytes, cases[i].n);

		assert_int_equal(look.kind, FRAME_ECHO);
		assert_int_equal(look.used, cases[i].used);
	}
	/* Too little is left of it. */
	assert_int_equal(frame_look_rtu(&query, (const uint8_t[]){0x00, 0x02, 0x58, 0xd6}, 4).kind, FRAME_UNKNOWN);
}

TEST(an_echo_on_tcp_is_the_request_itself)
{
	static const uint8_t bytes[] = {0x12, 0x34, 0, 0, 0, 6, 0x05, 0x03, 0xc6, 0x52, 0x00, 0x02, 0x12};
	struct frame_look look = frame_look_tcp(&query, bytes, sizeof(bytes));

	assert_int_equal(look.kind, FRAME_ECHO);
	assert_int_equal(look.used, 12);
}

TEST(each_foreign_frame_has_its_kind)
{
	static const struct {
		uint8_t bytes[11];
		size_t n;
		enum frame_kind kind;
	} cases[] = {
		{{0x06, 0x03, 0x04, 0x00, 0x01, 0xe2, 0x40, 0x94, 0x63}, 9, FRAME_WRONG_UNIT},
		{{0x05, 0x04, 0x04, 0x00, 0x01, 0xe2, 0x40, 0xa6, 0xd4}, 9, FRAME_WRONG_FUNCTION},
		{{0x05, 0x03, 0x02, 0x00, 0x01, 0x88, 0x44}, 7, FRAME_WRONG_LENGTH},
		{{0x05, 0x03, 0x06, 0x00, 0x01, 0xe2, 0x40, 0x00, 0x00, 0x19, 0xd9}, 11, FRAME_WRONG_LENGTH},
		{{0x05, 0x83, 0x02, 0x81, 0x30}, 5, FRAME_EXCEPTION},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame_look look = frame_look_rtu(&query, cases[i].bytes, cases[i].n);

		assert_int_equal(look.kind, cases[i].kind);
		assert_int_equal(look.used, cases[i].n);
	}
}

TEST(a_frame_shorter_than_its_length_byte_has_the_wrong_length)
{
	static const uint8_t sealed[] = {0x05, 0x03, 0x04, 0x00, 0xf2, 0x28};

	assert_int_equal(frame_after_silence(&query, sealed, sizeof(sealed)), FRAME_WRONG_LENGTH);
	assert_int_equal(frame_after_silence(&query, answer, 6), FRAME_WRONG_LENGTH);
}

TEST(a_frame_of_an_unknown_function_is_recognised_by_its_crc)
{
	static const uint8_t bytes[] = {0x05, 0x11, 0x00, 0x00, 0x50, 0xed};

	assert_int_equal(frame_look_rtu(&query, bytes, sizeof(bytes)).kind, FRAME_UNKNOWN);
	assert_int_equal(frame_after_silence(&query, bytes, sizeof(bytes)), FRAME_WRONG_FUNCTION);
}

TEST(a_tcp_answer_ends_at_its_length)
{
	static const uint8_t bytes[] = {0x12, 0x34, 0x00, 0x00, 0x00, 0x07, 0x05,
					0x03, 0x04, 0x00, 0x01, 0xe2, 0x40, 0x99};
	struct frame_look look = frame_look_tcp(&query, bytes, sizeof(bytes));

	for (size_t n = 0; n < 13; n++)
		assert_int_equal(frame_look_tcp(&query, bytes, n).kind, FRAME_PARTIAL);
	assert_int_equal(look.kind, FRAME_ANSWER);
	assert_int_equal(look.used, 13);
	assert_ptr_equal(look.data, bytes + 9);
}

TEST(each_tcp_frame_has_its_kind)
{
	static const struct {
		uint8_t bytes[13];
		size_t n;
		enum frame_kind kind;
	} cases[] = {
		{{0x12, 0x35, 0, 0, 0, 7, 5, 3, 4, 0, 1, 0xe2, 0x40}, 13, FRAME_WRONG_TRANSACTION},
		{{0x12, 0x34, 0, 0, 0, 7, 6, 3, 4, 0, 1, 0xe2, 0x40}, 13, FRAME_WRONG_UNIT},
		{{0x12, 0x34, 0, 0, 0, 7, 5, 4, 4, 0, 1, 0xe2, 0x40}, 13, FRAME_WRONG_FUNCTION},
		{{0x12, 0x34, 0, 0, 0, 5, 5, 3, 2, 0, 1}, 11, FRAME_WRONG_LENGTH},
		{{0x12, 0x34, 0, 0, 0, 7, 5, 3, 2, 0, 1, 0xe2, 0x40}, 13, FRAME_WRONG_LENGTH},
		{{0x12, 0x34, 0, 0, 0, 3, 5, 0x83, 0x0b}, 9, FRAME_EXCEPTION},
		{{0x12, 0x34, 0, 1, 0, 7, 5, 3, 4, 0, 1, 0xe2, 0x40}, 13, FRAME_UNKNOWN},
		{{0x12, 0x34, 0, 0, 0, 2, 5, 3}, 8, FRAME_UNKNOWN},
		{{0x12, 0x34, 0, 0, 2, 0, 5, 3}, 8, FRAME_UNKNOWN},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(frame_look_tcp(&query, cases[i].bytes, cases[i].n).kind, cases[i].kind);
}

TEST(another_frame_or_a_few_bytes_may_follow_a_tcp_frame)
{
	static const uint8_t next[] = {0x12, 0x34, 0, 0, 0, 7, 5, 3, 4, 0, 1, 0xe2, 0x40};

	for (size_t n = 0; n <= sizeof(next); n++)
		assert_true(frame_may_follow_tcp(next, n));
	assert_true(frame_may_follow_tcp((const uint8_t[]){0xa7, 0x63, 0x11, 0x22}, 4));
	/* The frame before took its missing bytes from this one. */
	for (size_t lost = 1; lost < 7; lost++)
		assert_false(frame_may_follow_tcp(next + lost, sizeof(next) - lost));
}

UNIT_MAIN(NULL, NULL)
