/* SPDX-License-Identifier: MIT */
/* The option table, the files below conf/ and tallyd.ini(5) must say the same. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_file.h"
#include "conf_load.h"
#include "err.h"
#include "option.h"
#include "unit.h"

static char *read_file(const char *path)
{
	char *text = calloc(1, 1 << 18);
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 18) - 1, f) > 0);
	fclose(f);
	return text;
}

/* The default to expect in files: that of a package, not of a build that looks into its own source tree too. */
static const char *default_of(const struct option *o)
{
	const struct option *bus;

	if (o->section == OPTION_DRIVERS)
		return "/etc/tallyd/drivers:/usr/share/tallyd/drivers";
	if (!o->inherited)
		return o->fallback;
	bus = option_find(OPTION_BUS, o->name);
	return bus->fallback;
}

TEST(table_fits_the_files)
{
	size_t n;

	option_table(&n);
	assert_true(n <= OPTION_ROWS_MAX);
}

TEST(each_key_is_in_the_table_once)
{
	size_t n;
	const struct option *o = option_table(&n);

	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(option_find(o[i].section, o[i].name), &o[i]);
}

TEST(each_default_is_allowed)
{
	union {
		struct conf conf;
		struct conf_bus bus;
		struct conf_meter meter;
		struct option_input input;
	} target;
	struct err e = {0};
	size_t n;
	const struct option *o = option_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (o[i].fallback == NULL)
			continue;
		memset(&target, 0, sizeof(target));
		assert_true(option_set(&o[i], o[i].fallback, &target, "default", 0, &e));
		if (o[i].type == OPTION_TEXT)
			free(*(char **)(void *)((char *)&target + o[i].offset));
	}
	assert_int_equal(e.n_items, 0);
}

TEST(meters_inherit_what_buses_have)
{
	size_t n;
	const struct option *o = option_table(&n), *bus;

	for (size_t i = 0; i < n; i++) {
		if (!o[i].inherited)
			continue;
		bus = option_find(OPTION_BUS, o[i].name);
		assert_non_null(bus);
		assert_int_equal(o[i].type, bus->type);
		assert_int_equal(o[i].min, bus->min);
		assert_int_equal(o[i].max, bus->max);
		assert_int_equal(o[i].zero, bus->zero);
	}
}

/* Reference files: each line of a key is "NAME = VALUE" or ";NAME = VALUE". */

struct reference {
	unsigned seen[OPTION_ROWS_MAX]; /* by row of the option table */
	enum option_section section;
};

static void take_header(struct reference *r, const char *line)
{
	const char *word;

	for (int kind = 0; kind < OPTION_SECTION_COUNT; kind++) {
		word = option_section_text(kind);
		if (strncmp(line + 1, word, strlen(word)) == 0 && strchr(" ]", line[1 + strlen(word)]) != NULL)
			r->section = kind;
	}
}

static void take_key(struct reference *r, const char *line)
{
	char name[64], value[256] = "";
	const struct option *o;
	const char *expected;
	size_t n;

	assert_true(sscanf(line, "%63[a-z0-9_] = %255[^\n]", name, value) >= 1);
	o = option_find(r->section, name);
	if (o == NULL)
		fail_msg("[%s] %s stands in conf/ but not in the option table", option_section_text(r->section), name);
	r->seen[o - option_table(&n)]++;
	expected = default_of(o);
	if (expected != NULL)
		assert_string_equal(value, expected);
}

static void take_reference(struct reference *r, char *text)
{
	char *rest = text;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		if (*line == ';' && (islower((unsigned char)line[1]) || line[1] == '['))
			line++;
		if (*line == '[')
			take_header(r, line);
		else if (islower((unsigned char)*line))
			take_key(r, line);
	}
}

TEST(reference_files_have_every_key_at_its_default)
{
	struct reference r = {.section = OPTION_SECTION_COUNT};
	char *main_text = read_file(SOURCE_DIR "/conf/tallyd.ini");
	char *bus_text = read_file(SOURCE_DIR "/conf/bus.d/example.ini.sample");
	size_t n;
	const struct option *o = option_table(&n);

	take_reference(&r, main_text);
	take_reference(&r, bus_text);
	for (size_t i = 0; i < n; i++)
		if (r.seen[i] != 1)
			fail_msg("[%s] %s stands %u times in conf/", option_section_text(o[i].section), o[i].name,
				 r.seen[i]);
	free(main_text);
	free(bus_text);
}

/* Load texts that must be free of errors and of warnings. */
static struct conf *load_clean(const char *main_text, const char *bus_text)
{
	struct conf_text main = {"tallyd.ini", main_text, strlen(main_text)};
	struct conf_text bus = {"example.ini", bus_text, strlen(bus_text)};
	struct err e = {0};
	struct conf *c = conf_parse("/etc/tallyd", &main, &bus, 1, &e);

	err_print(&e, stderr);
	assert_int_equal(e.n_items, 0);
	assert_non_null(c);
	err_fini(&e);
	return c;
}

TEST(main_reference_changes_nothing_when_its_keys_are_set)
{
	char *text = read_file(SOURCE_DIR "/conf/tallyd.ini");
	char *bus = read_file(SOURCE_DIR "/conf/bus.d/example.ini.sample");
	char *drivers;
	struct conf *unset = load_clean(text, bus), *set;

	for (char *c = text; *c != '\0'; c++)
		if (*c == ';' && islower((unsigned char)c[1]))
			*c = ' ';
	/* The driver path of a package has no drivers in a test. */
	drivers = strstr(text, " path = /etc/tallyd/drivers");
	assert_non_null(drivers);
	*drivers = ';';
	set = load_clean(text, bus);
	assert_string_equal(set->store_path, unset->store_path);
	assert_int_equal(set->commit_interval_ms, unset->commit_interval_ms);
	assert_int_equal(set->durability, unset->durability);
	assert_int_equal(set->keep_readings_d, unset->keep_readings_d);
	assert_int_equal(set->interval_s, unset->interval_s);
	assert_string_equal(set->timezone, "Europe/Paris");
	assert_int_equal(set->log_level, unset->log_level);
	assert_true(conf_bus_equal(&set->buses[0], &unset->buses[0]));
	conf_free(set);
	conf_free(unset);
	free(text);
	free(bus);
}

/* Example sites */

static void assert_example(const char *dir, size_t n_buses, size_t n_meters, size_t n_inputs, const char *warning)
{
	struct err e = {0};
	struct conf *c = conf_load(dir, &e);
	size_t meters = 0, inputs = 0;

	err_print(&e, stderr);
	assert_int_equal(e.n_errors, 0);
	assert_int_equal(e.n_items, warning != NULL);
	if (warning != NULL)
		assert_non_null(strstr(e.items[0].text, warning));
	assert_non_null(c);
	for (size_t i = 0; i < c->n_buses; i++) {
		meters += c->buses[i].n_meters;
		inputs += c->buses[i].n_inputs;
	}
	assert_int_equal(c->n_buses, n_buses);
	assert_int_equal(meters, n_meters);
	assert_int_equal(inputs, n_inputs);
	conf_free(c);
	err_fini(&e);
}

TEST(example_sites_load)
{
	assert_example(SOURCE_DIR "/conf/examples/one-line", 1, 4, 0, NULL);
	assert_example(SOURCE_DIR "/conf/examples/three-lines-pulses", 3, 9, 4,
		       "meter pulses-1: the register table of a conto-d4cr8 is inferred and not confirmed");
	assert_example(SOURCE_DIR "/conf/examples/twenty-gateways", 20, 61, 1, NULL);
}

/* The manual page: ".Ss The [SECTION] section", in it ".It Ic KEY" and "Allowed: ... Default: ...". */

/* Copy the item of key o, blanks and line ends made one blank, to out. Returns false when the page lacks it. */
static bool find_item(const char *page, const struct option *o, char *out, size_t size)
{
	char mark[80];
	const char *start, *end, *item;
	size_t n = 0;

	snprintf(mark, sizeof(mark), ".Ss The [%s%s] section\n", option_section_text(o->section),
		 option_section_named(o->section) ? " NAME" : "");
	start = strstr(page, mark);
	assert_non_null(start);
	end = strstr(start, "\n.El\n");
	assert_non_null(end);
	snprintf(mark, sizeof(mark), "\n.It Ic %s\n", o->name);
	item = strstr(start, mark);
	if (item == NULL || item > end)
		return false;
	start = item + strlen(mark);
	item = strstr(start, "\n.It ");
	for (end = item != NULL && item < end ? item : end; start < end && n < size - 1; start++)
		if (!isspace((unsigned char)*start))
			out[n++] = *start;
		else if (n > 0 && out[n - 1] != ' ')
			out[n++] = ' ';
	out[n] = '\0';
	return true;
}

static void assert_item_says(const struct option *o, const char *item, const char *what, const char *value)
{
	char line[OPTION_ALLOWED_TEXT_MAX + 40];

	snprintf(line, sizeof(line), "%s: %s.", what, value);
	if (strstr(item, line) == NULL)
		fail_msg("tallyd.ini(5), [%s] %s: \"%s\" expected", option_section_text(o->section), o->name, line);
}

TEST(manual_has_every_key_with_range_default_and_example)
{
	char *page = read_file(SOURCE_DIR "/daemon/tallyd.ini.5");
	char item[4096], text[OPTION_ALLOWED_TEXT_MAX];
	size_t n;
	const struct option *o = option_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (!find_item(page, &o[i], item, sizeof(item)))
			fail_msg("tallyd.ini(5) lacks [%s] %s", option_section_text(o[i].section), o[i].name);
		option_allowed(&o[i], text);
		assert_item_says(&o[i], item, "Allowed", text);
		if (o[i].inherited)
			assert_item_says(&o[i], item, "Default", "as the bus");
		else if (o[i].required)
			assert_item_says(&o[i], item, "Default", "none, required");
		else if (o[i].type == OPTION_LABEL)
			assert_item_says(&o[i], item, "Default", "empty");
		else if (o[i].type == OPTION_RATIO)
			assert_non_null(strstr(item, "Default: 1/1"));
		else if (o[i].fallback != NULL)
			assert_item_says(&o[i], item, "Default", default_of(&o[i]));
		else
			assert_non_null(strstr(item, "Default: "));
		snprintf(text, sizeof(text), "Example: .Dl %s = ", o[i].name);
		assert_non_null(strstr(item, text));
	}
	free(page);
}

TEST(manual_has_no_key_that_is_none)
{
	char *page = read_file(SOURCE_DIR "/daemon/tallyd.ini.5");
	size_t n_options, n_items = 0;

	option_table(&n_options);
	for (const char *c = strstr(page, "\n.It Ic "); c != NULL; c = strstr(c + 1, "\n.It Ic "))
		n_items++;
	assert_int_equal(n_items, n_options);
	free(page);
}

UNIT_MAIN(NULL, NULL)
