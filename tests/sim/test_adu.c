/* SPDX-License-Identifier: MIT */
#include "adu.h"
#include "unit.h"

TEST(the_crc_of_a_published_frame_is_right)
{
	static const uint8_t request[] = {0x01, 0x03, 0x00, 0x00, 0x00, 0x0A};

	assert_int_equal(adu_crc(request, sizeof(request)), 0xCDC5); /* C5 CD on the wire */
}

TEST(an_rtu_request_is_parsed)
{
	static const uint8_t bytes[] = {0x05, 0x03, 0xC7, 0x02, 0x00, 0x02, 0x59, 0x3B};
	struct adu f;

	assert_int_equal(adu_rtu_request_length(bytes, 2), 8);
	assert_true(adu_rtu_parse(bytes, sizeof(bytes), &f));
	assert_int_equal(f.unit, 5);
	assert_int_equal(f.n_pdu, 5);
	assert_int_equal(f.pdu[1], 0xC7);
}

TEST(an_rtu_frame_with_a_wrong_bit_is_rejected)
{
	static const uint8_t bytes[] = {0x05, 0x03, 0xC7, 0x03, 0x00, 0x02, 0x59, 0x3B};
	struct adu f;

	assert_false(adu_rtu_parse(bytes, sizeof(bytes), &f));
	assert_false(adu_rtu_parse(bytes, 3, &f));
}

TEST(the_function_code_gives_the_length_of_a_request)
{
	static const uint8_t write_many[] = {5, 16, 0xE1, 0x00, 0, 6, 12}, odd[] = {5, 65, 0, 0, 0, 0, 0};

	assert_int_equal(adu_rtu_request_length(write_many, 6), 0);
	assert_int_equal(adu_rtu_request_length(write_many, 7), 21);
	assert_int_equal(adu_rtu_request_length(odd, 7), 0);
}

TEST(an_rtu_answer_gets_its_crc)
{
	static const uint8_t expected[] = {0x05, 0x83, 0x02, 0x81, 0x30};
	struct adu f = {.unit = 5, .n_pdu = 2, .pdu = {0x83, 0x02}};
	uint8_t out[ADU_TCP_MAX];

	assert_int_equal(adu_build(&f, out), 5);
	assert_memory_equal(out, expected, sizeof(expected));
}

TEST(a_tcp_frame_is_parsed_once_it_is_complete)
{
	static const uint8_t bytes[] = {0x12, 0x34, 0, 0, 0, 6, 9, 3, 0x03, 0x01, 0, 2, 0x12};
	struct adu f;

	assert_int_equal(adu_tcp_parse(bytes, 11, &f), 0);
	assert_int_equal(adu_tcp_parse(bytes, 13, &f), 12);
	assert_int_equal(f.transaction, 0x1234);
	assert_int_equal(f.unit, 9);
	assert_int_equal(f.n_pdu, 5);
}

TEST(a_tcp_frame_of_another_protocol_is_rejected)
{
	static const uint8_t protocol[] = {0, 1, 0, 1, 0, 6, 9, 3, 0, 0, 0, 1};
	static const uint8_t length[] = {0, 1, 0, 0, 1, 0, 9, 3, 0, 0, 0, 1};
	struct adu f;

	assert_int_equal(adu_tcp_parse(protocol, sizeof(protocol), &f), -1);
	assert_int_equal(adu_tcp_parse(length, sizeof(length), &f), -1);
}

TEST(a_tcp_answer_keeps_its_transaction_and_carries_its_length)
{
	static const uint8_t expected[] = {0xAB, 0xCD, 0, 0, 0, 5, 7, 3, 2, 0x12, 0x34};
	struct adu f = {.tcp = true, .transaction = 0xABCD, .unit = 7, .n_pdu = 4, .pdu = {3, 2, 0x12, 0x34}};
	uint8_t out[ADU_TCP_MAX];

	assert_int_equal(adu_build(&f, out), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
}

UNIT_MAIN(NULL, NULL)
