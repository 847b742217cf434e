/* SPDX-License-Identifier: MIT */
#include "pack.h"
#include "unit.h"

TEST(numbers_come_back_as_they_were)
{
	static const int64_t numbers[] = {0, 1, -1, 63, 64, -64, -65, 127, 128, 300, INT64_MAX, INT64_MIN};
	static const size_t bytes[] = {1, 1, 1, 1, 2, 1, 2, 2, 2, 2, 10, 10};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint8_t packed[PACK_MAX];
		struct pack p = {.at = packed, .end = pack_put_signed(packed, numbers[i])};

		assert_int_equal(p.end - packed, bytes[i]);
		assert_true(pack_get_signed(&p) == numbers[i]);
		assert_ptr_equal(p.at, p.end);
		assert_false(p.is_wrong);
		p = (struct pack){.at = packed, .end = pack_put(packed, (uint64_t)numbers[i])};
		assert_true(pack_get(&p) == (uint64_t)numbers[i]);
		assert_false(p.is_wrong);
	}
}

TEST(the_lowest_bits_come_first)
{
	uint8_t packed[PACK_MAX];

	assert_ptr_equal(pack_put(packed, 300), packed + 2);
	assert_int_equal(packed[0], 0xac);
	assert_int_equal(packed[1], 0x02);
}

TEST(a_number_that_is_cut_off_is_wrong)
{
	static const uint8_t packed[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};

	for (size_t n = 0; n <= sizeof(packed); n++) {
		struct pack p = {.at = packed, .end = packed + n};

		assert_int_equal(pack_get(&p), 0);
		assert_true(p.is_wrong);
	}
}

UNIT_MAIN(NULL, NULL)
