/* SPDX-License-Identifier: MIT */
/* unit.h - cmocka tests that are named once. A file of tests is a row of TEST(a_behaviour) { ... } and ends in
 * UNIT_MAIN: each TEST puts a pointer to itself into a section of the program, which main() runs from end to end.
 * *state is what a setup function left there. */
#ifndef TALLY_UNIT_H
#define TALLY_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#define TEST_WITH(name, setup, teardown)                                                                               \
	static void name(void **state);                                                                                \
	static const struct CMUnitTest unit_##name = {#name, name, setup, teardown, NULL};                             \
	static const struct CMUnitTest *const unit_at_##name __attribute__((used, section("unit_tests"))) =            \
		&unit_##name;                                                                                          \
	static void name(void **state __attribute__((unused)))

#define TEST(name) TEST_WITH(name, NULL, NULL)

/* The linker's names for the ends of the section. */
extern const struct CMUnitTest *const __start_unit_tests[], *const __stop_unit_tests[];

static int unit_run(const char *group, CMFixtureFunction before, CMFixtureFunction after)
{
	size_t n = (size_t)(__stop_unit_tests - __start_unit_tests);
	struct CMUnitTest *tests = calloc(n, sizeof(*tests));
	int n_failed;

	if (tests == NULL)
		return EXIT_FAILURE;
	for (size_t i = 0; i < n; i++)
		tests[i] = *__start_unit_tests[i];
	n_failed = _cmocka_run_group_tests(group, tests, n, before, after);
	free(tests);
	return n_failed;
}

/* before, after: setup and teardown of the whole file, or NULL. */
#define UNIT_MAIN(before, after)                                                                                       \
	int main(void)                                                                                                 \
	{                                                                                                              \
		return unit_run(__FILE__, before, after);                                                              \
	}

#endif
