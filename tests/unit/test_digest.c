/* SPDX-License-Identifier: MIT */
#include "digest.h"
#include "unit.h"

TEST(the_digest_is_the_published_one)
{
	/* FNV-1a of the bytes "a" 00 and 01 00 00 00 00 00 00 00. */
	assert_true(digest_text(DIGEST_EMPTY, "a") == UINT64_C(0x089be207b544f1e4));
	assert_true(digest_whole(DIGEST_EMPTY, 1) == UINT64_C(0x89cd31291d2aefa4));
}

TEST(the_end_of_a_text_makes_a_difference)
{
	assert_true(digest_text(digest_text(DIGEST_EMPTY, "ab"), "c") !=
		    digest_text(digest_text(DIGEST_EMPTY, "a"), "bc"));
	assert_true(digest_text(DIGEST_EMPTY, "") != DIGEST_EMPTY);
}

TEST(order_and_sign_make_a_difference)
{
	assert_true(digest_whole(digest_whole(DIGEST_EMPTY, 1), 2) != digest_whole(digest_whole(DIGEST_EMPTY, 2), 1));
	assert_true(digest_whole(DIGEST_EMPTY, -1) != digest_whole(DIGEST_EMPTY, 1));
	assert_true(digest_whole(DIGEST_EMPTY, INT64_C(1) << 56) != digest_whole(DIGEST_EMPTY, 0));
}

TEST(blanks_make_no_difference_where_they_are_left_out)
{
	assert_true(digest_unspaced(DIGEST_EMPTY, " 30\tms ") == digest_text(DIGEST_EMPTY, "30ms"));
	assert_true(digest_unspaced(DIGEST_EMPTY, "30ms") != digest_unspaced(DIGEST_EMPTY, "30s"));
}

UNIT_MAIN(NULL, NULL)
