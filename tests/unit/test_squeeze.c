/* SPDX-License-Identifier: MIT */
#include "squeeze.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

struct both {
	struct squeeze put, get;
	uint8_t squeezed[SQUEEZE_ROOM(SQUEEZE_PIECE_MAX)];
};

static int setup(void **state)
{
	struct both *b = malloc(sizeof(*b));

	*state = b;
	squeeze_begin(&b->put);
	squeeze_begin(&b->get);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* Put a piece and read it again. Returns the bytes that it needed. */
static size_t there_and_back(struct both *b, const void *piece, size_t n)
{
	size_t n_squeezed = squeeze_put(&b->put, piece, n, b->squeezed), n_got;
	const uint8_t *got;

	assert_true(n_squeezed <= SQUEEZE_ROOM(n));
	got = squeeze_get(&b->get, b->squeezed, n_squeezed, &n_got);
	assert_non_null(got);
	assert_int_equal(n_got, n);
	assert_memory_equal(got, piece, n);
	return n_squeezed;
}

TEST_WITH(a_first_piece_is_literal, setup, teardown)
{
	struct both *b = *state;
	static const uint8_t expected[] = {0x30, 'a', 'b', 'c'};

	assert_int_equal(there_and_back(b, "abc", 3), sizeof(expected));
	assert_memory_equal(b->squeezed, expected, sizeof(expected));
	assert_int_equal(there_and_back(b, "", 0), 0);
}

TEST_WITH(what_an_earlier_piece_has_is_a_reference_to_it, setup, teardown)
{
	struct both *b = *state;
	/* one literal, five repeated, which begin six bytes back; two literals */
	static const uint8_t expected[] = {0x13, 'x', 6, 0x20, 'y', 'z'};

	there_and_back(b, "12345", 5);
	assert_int_equal(there_and_back(b, "x12345yz", 8), sizeof(expected));
	assert_memory_equal(b->squeezed, expected, sizeof(expected));
}

TEST_WITH(a_reference_as_far_back_as_the_one_before_does_not_say_so_again, setup, teardown)
{
	struct both *b = *state;
	/* five repeated, eleven bytes back; one literal, five repeated, as far back */
	static const uint8_t expected[] = {0x03, 11, 0x13, 'Y', 0};

	there_and_back(b, "abcdeXfghij", 11);
	assert_int_equal(there_and_back(b, "abcdeYfghij", 11), sizeof(expected));
	assert_memory_equal(b->squeezed, expected, sizeof(expected));
}

TEST_WITH(equal_bytes_are_references_to_themselves, setup, teardown)
{
	struct both *b = *state;
	static const uint8_t zeros[200], expected[] = {0x1f, 182, 1, 0, 1};

	assert_int_equal(there_and_back(b, zeros, sizeof(zeros)), sizeof(expected));
	assert_memory_equal(b->squeezed, expected, sizeof(expected));
}

TEST_WITH(random_pieces_come_back_however_many_there_are, setup, teardown)
{
	struct both *b = *state;
	static uint8_t piece[SQUEEZE_PIECE_MAX];
	unsigned random = 20261130;

	printf("seed %u\n", random);
	for (int i = 0; i < 300; i++) {
		size_t n = i % 20 == 0 ? SQUEEZE_PIECE_MAX - (size_t)i : (size_t)(rand_r(&random) % 400);

		for (size_t k = 0; k < n; k++)
			piece[k] = (uint8_t)(rand_r(&random) % (i % 3 == 0 ? 256 : 3));
		there_and_back(b, piece, n);
	}
}

TEST_WITH(nothing_is_read_after_bytes_that_are_no_piece, setup, teardown)
{
	struct both *b = *state;
	static const uint8_t cut_off[] = {0x50, 'a'}, too_far[] = {0x11, 'a', 2}, nowhere[] = {0x11, 'a', 0},
			     too_long[] = {0x1f, 0xff, 0xff, 0x7f, 'a', 1}, no_number[] = {0xf0, 0x80},
			     good[] = {0x10, 'a'};
	static const struct {
		const uint8_t *bytes;
		size_t n;
	} wrong[] = {{cut_off, sizeof(cut_off)},
		     {too_far, sizeof(too_far)},
		     {nowhere, sizeof(nowhere)},
		     {too_long, sizeof(too_long)},
		     {no_number, sizeof(no_number)}};
	size_t n;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		squeeze_begin(&b->get);
		assert_non_null(squeeze_get(&b->get, good, sizeof(good), &n));
		squeeze_begin(&b->get);
		assert_null(squeeze_get(&b->get, wrong[i].bytes, wrong[i].n, &n));
		assert_null(squeeze_get(&b->get, good, sizeof(good), &n));
	}
}

TEST_WITH(no_bytes_at_all_do_harm, setup, teardown)
{
	struct both *b = *state;
	uint8_t bytes[60];
	unsigned random = 7;
	size_t n;

	for (int i = 0; i < 20000; i++) {
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)(rand_r(&random) % (i % 2 == 0 ? 256 : 20));
		if (squeeze_get(&b->get, bytes, (size_t)(rand_r(&random) % 60), &n) == NULL)
			squeeze_begin(&b->get);
		else
			assert_true(n <= SQUEEZE_PIECE_MAX);
	}
}

UNIT_MAIN(NULL, NULL)
