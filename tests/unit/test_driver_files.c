/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec.h"
#include "driver.h"
#include "driver_text.h"
#include "err.h"
#include "plan.h"
#include "unit.h"

static void touch(const char *dir, const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
}

static void remove_files(const char *dir, const char *const *names, size_t n)
{
	char path[128];

	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

TEST(first_of_the_search_path_wins)
{
	static const char *const names[] = {"b.ini", "a.ini", ".h.ini", "c.txt", ".ini"};
	char first[] = "/tmp/test_driver.XXXXXX", second[] = "/tmp/test_driver.XXXXXX", path[128], expected[128];
	char *file, *shadowed, **list;

	assert_non_null(mkdtemp(first));
	assert_non_null(mkdtemp(second));
	touch(first, "b.ini");
	for (size_t i = 0; i < 5; i++)
		touch(second, names[i]);
	snprintf(path, sizeof(path), ":%s:/nonexistent::%s:", first, second);

	assert_int_equal(driver_find(path, "b", &file, &shadowed), 0);
	snprintf(expected, sizeof(expected), "%s/b.ini", first);
	assert_string_equal(file, expected);
	snprintf(expected, sizeof(expected), "%s/b.ini", second);
	assert_string_equal(shadowed, expected);
	free(file);
	free(shadowed);

	assert_int_equal(driver_find(path, "a", &file, &shadowed), 0);
	assert_null(shadowed);
	free(file);

	assert_int_equal(driver_find(path, "z", &file, &shadowed), -ENOENT);
	assert_null(file);
	assert_int_equal(driver_find(path, "../b", &file, &shadowed), -ENOENT);
	assert_int_equal(driver_find(path, "", &file, &shadowed), -ENOENT);

	list = driver_list(path);
	assert_non_null(list);
	assert_string_equal(list[0], "a");
	assert_string_equal(list[1], "b");
	assert_null(list[2]);
	for (size_t i = 0; list[i] != NULL; i++)
		free(list[i]);
	free(list);
	remove_files(first, names, 5);
	remove_files(second, names, 5);
}

/* Loads, plans, and decodes words of all zeros, all ones and a count up for every row without a fault. */
static void expect_usable(const char *path)
{
	static const uint16_t words[][32] = {
		{0},
		{0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF},
		{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	};
	unsigned all = DRIVER_ENERGY | DRIVER_POWER | DRIVER_IDENTITY | DRIVER_STATE;
	struct err e = {0};
	struct driver *d = driver_load(path, &e);
	struct plan *p;

	err_print(&e, stderr);
	assert_non_null(d);
	assert_int_equal(e.n_items, 0);
	p = plan_new(d, all, NULL, NULL);
	assert_non_null(p);
	assert_true(p->n_requests > 0);
	for (unsigned i = 0; i < p->n_requests; i++)
		assert_in_range(p->requests[i].n_words, 1, d->max_words);
	for (size_t i = 0; i < 3 * d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i / 3];
		int64_t value, multiplier = driver_multiplier(d, row, 1, 1, 1, 1);
		char text[80];

		assert_true(multiplier >= 1);
		codec_number(d->order, row, words[i % 3], &words[0][0], multiplier, &value);
		codec_text(d->order, row, words[i % 3], text, sizeof(text));
	}
	plan_free(p);
	driver_free(d);
	err_fini(&e);
}

TEST(every_shipped_table_loads_and_plans)
{
	char **list = driver_list(SOURCE_DIR "/drivers");
	char path[256];
	size_t n = 0;

	assert_non_null(list);
	for (; list[n] != NULL; n++) {
		snprintf(path, sizeof(path), "%s/drivers/%s.ini", SOURCE_DIR, list[n]);
		expect_usable(path);
		free(list[n]);
	}
	free(list);
	assert_true(n > 0);
}

TEST(template_loads_and_plans)
{
	expect_usable(SOURCE_DIR "/conf/driver-template.ini");
}

/* The text of a file, to be freed. */
static char *read_file(const char *path)
{
	char *text = calloc(1, 65536);
	FILE *f = fopen(path, "r");

	assert_non_null(text);
	assert_non_null(f);
	assert_in_range(fread(text, 1, 65535, f), 1, 65534);
	fclose(f);
	return text;
}

/* The n-th table of the manual, which is there. The caller frees it. */
static char *example_of_manual(unsigned n)
{
	char *manual = read_file(SOURCE_DIR "/daemon/tallyd-driver.5"), *text = manual, *end;

	do {
		text = strstr(text + 1, "[model]\nformat");
		assert_non_null(text);
	} while (n-- > 1);
	end = strstr(text, ".Ed\n");
	assert_non_null(end);
	text = strndup(text, (size_t)(end - text));
	assert_non_null(text);
	free(manual);
	return text;
}

static void expect_plan(const struct driver *d, unsigned groups, size_t n, const unsigned (*requests)[2])
{
	struct plan *p = plan_new(d, groups, NULL, NULL);

	assert_non_null(p);
	assert_int_equal(p->n_requests, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(p->requests[i].address, requests[i][0]);
		assert_int_equal(p->requests[i].n_words, requests[i][1]);
	}
	plan_free(p);
}

TEST(worked_examples_of_the_manual_load)
{
	char *first = example_of_manual(1), *second = example_of_manual(2);
	struct driver *sdm630 = parse_table(first), *blocks = parse_table(second);

	expect_plan(sdm630, DRIVER_POWER, 2, (const unsigned[][2]){{0, 72}, {234, 2}});
	expect_plan(sdm630, DRIVER_IDENTITY, 1, (const unsigned[][2]){{64512, 2}});
	expect_plan(blocks, DRIVER_POWER, 1, (const unsigned[][2]){{50520, 24}});
	expect_plan(blocks, DRIVER_ENERGY, 2, (const unsigned[][2]){{40020, 1}, {50946, 2}});
	driver_free(sdm630);
	driver_free(blocks);
	free(first);
	free(second);
}

/* The first example is part of the table among the example files. */
TEST(worked_example_of_the_manual_is_an_example_file)
{
	char *text = example_of_manual(1), *rest = strstr(text, "[registers]"), *line;
	struct driver *d;
	struct err e = {0};

	assert_non_null(rest);
	d = driver_load(SOURCE_DIR "/conf/examples/drivers/sdm630.ini", &e);
	assert_non_null(d);
	(void)strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		char name[64];
		const struct driver_row *row;
		unsigned address;

		assert_int_equal(sscanf(line, "%63s = %u", name, &address), 2);
		row = driver_row(d, (enum quantity)names_find(name));
		assert_non_null(row);
		assert_int_equal(row->address, address);
	}
	driver_free(d);
	err_fini(&e);
	free(text);
}

/* Each word that the reader's message lists after "use" is in the manual. */
static void expect_in_manual(const char *manual, const char *text)
{
	struct err e = {0};
	char *list, *word;

	assert_null(driver_parse("test.ini", text, strlen(text), &e));
	list = strstr(e.items[0].text, "; use ") + strlen("; use ");
	while ((word = strsep(&list, ", ")) != NULL) {
		char item[64], other[64];

		word[strcspn(word, "=:.")] = '\0'; /* "na=..", "bit:0..15" */
		if (word[0] == '\0')
			continue;
		snprintf(item, sizeof(item), ".It Ic %s", word);
		snprintf(other, sizeof(other), " %s ", word);
		if (strstr(manual, item) == NULL && strstr(manual, other) == NULL)
			fail_msg("'%s' is not in the manual", word);
	}
	err_fini(&e);
}

TEST(manual_has_every_unit)
{
	char *manual = read_file(SOURCE_DIR "/daemon/tallyd-driver.5");
	char *lists = strstr(manual, ".It active energy\n.Cm "), *end = strstr(lists, ".It all others\n");

	*end = '\0';
	for (char *c = lists; *c != '\0'; c++)
		*c = *c == '\n' ? ' ' : *c;
	for (enum quantity q = 0; q < Q_COUNT; q++) {
		char units[128], *list = units, *unit, item[32];

		names_units(q, units, sizeof(units));
		while (strcmp(units, "-") != 0 && (unit = strsep(&list, ", ")) != NULL) {
			snprintf(item, sizeof(item), " %s ", unit);
			if (*unit != '\0' && strstr(lists, item) == NULL)
				fail_msg("unit %s of %s is not in the manual", unit, names_get(q)->name);
		}
	}
	free(manual);
}

TEST(manual_has_every_key_option_and_type)
{
	char *manual = read_file(SOURCE_DIR "/daemon/tallyd-driver.5");

	for (char *c = manual; *c != '\0'; c++)
		if (*c == '\n' && c[1] != '.')
			*c = ' ';
	expect_in_manual(manual, "[model]\nx = 1\n");
	expect_in_manual(manual, "[block a]\nx = 1\n");
	expect_in_manual(manual, ROWS "voltage_l1 = 0 u16 1 V power x\n");
	expect_in_manual(manual, ROWS "voltage_l1 = 0 x 1 V power\n");
	free(manual);
}

UNIT_MAIN(NULL, NULL)
