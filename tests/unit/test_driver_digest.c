/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "driver.h"
#include "driver_text.h"
#include "unit.h"

static const char digested[] =
	"[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = driver\nratios = yes\n"
	"[block one]\naddress = 0\nwords = 20\n"
	"[block two]\naddress = 40\nwords = 20\n"
	"[scale s]\nbelow 50 = 0.01\nabove = 1\n"
	"[registers]\n"
	"active_energy_import = 0 u32 @s kWh energy modulus=1000000kWh na=0xFFFFFFFF\n"
	"voltage_l1 = 40 u16 0.1 V power alone\n"
	"active_power = 42 s16 1 W power\n"
	"serial_number = 44 text:4 - - identity expect=\"A 1\"\n";

/* Whether the table above means the same after a text of it was changed. */
static bool means_the_same(const char *old, const char *new)
{
	const char *at = strstr(digested, old);
	struct driver *before = parse_table(digested), *after;
	char text[sizeof(digested) + 192];
	bool same;

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - digested), digested, new, at + strlen(old));
	after = parse_table(text);
	same = before->digest == after->digest;
	driver_free(before);
	driver_free(after);
	return same;
}

TEST(comments_blanks_and_order_do_not_change_the_digest)
{
	assert_true(means_the_same("", ""));
	assert_true(means_the_same("[model]", "; seen\n\n[model] ; here"));
	assert_true(means_the_same("0 u32 @s kWh", "0\tu32   @s kWh"));
	assert_true(means_the_same("format = 1\ntitle = T\n", "title = T\nformat=1\n"));
	assert_true(means_the_same("address = 0\nwords = 20\n", "words = 20\naddress = 0\n"));
	assert_true(means_the_same("modulus=1000000kWh na=0xFFFFFFFF", "na=0xFFFFFFFF modulus=1000000kWh"));
	assert_true(means_the_same("[block one]\naddress = 0\nwords = 20\n[block two]\naddress = 40\nwords = 20\n"
				   "[scale s]\nbelow 50 = 0.01\nabove = 1\n",
				   "[scale s]\nbelow  50 = 0.01\nabove = 1\n"
				   "[block one]\naddress = 0\nwords = 20\n[block two]\naddress = 40\nwords = 20\n"));
}

TEST(defaults_that_are_written_do_not_change_the_digest)
{
	assert_true(means_the_same(
		"ratios = yes\n",
		"ratios = yes\nfunction = 3\nword_order = abcd\naddressing = word\n"
		"max_words = 125\ngaps = no\nturnaround = 30 ms\nmax_power = 0\nshortest_pulse = 0ms\nna = none\n"));
	assert_true(means_the_same("words = 20\n", "words = 20\ngaps = yes\n"));
}

TEST(what_only_describes_does_not_change_the_digest)
{
	assert_true(means_the_same("title = T\n", "title = U\n"));
	assert_true(means_the_same("vendor = V\n", "vendor = W\n"));
	assert_true(means_the_same("source = S\n", "source = T\nverified = 2026\n"));
	assert_true(means_the_same("ratios", "baud = 9600\naddresses = 1-99\nsegment_max = 31\nratios"));
	assert_true(means_the_same("[block one]", "[block first]"));
}

TEST(keys_of_a_table_change_the_digest)
{
	static const char *const keys[] = {"function = 4",     "word_order = cdab", "addressing = byte",
					   "max_words = 124",  "gaps = yes",	    "turnaround = 31ms",
					   "max_power = 1 kW", "na = auto",	    "shortest_pulse = 40ms"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s\nratios", keys[i]);
		assert_false(means_the_same("ratios", text));
	}
	assert_false(means_the_same("provenance = driver", "provenance = inferred"));
	assert_false(means_the_same("address = 40", "address = 39"));
	assert_false(means_the_same("words = 20", "words = 21"));
	assert_false(means_the_same("words = 20", "words = 20\ngaps = no"));
	assert_false(means_the_same("below 50", "below 51"));
	assert_false(means_the_same("0.01", "0.02"));
	assert_false(means_the_same("above = 1", "above = 2"));
	assert_false(means_the_same("above = 1", "below 60 = 1\nabove = 1"));
}

TEST(rows_of_a_table_change_the_digest)
{
	assert_false(means_the_same("active_power =", "active_power_l1 ="));
	assert_false(means_the_same("= 42", "= 43"));
	assert_false(means_the_same("s16", "u16"));
	assert_false(means_the_same("s16 1 W", "s16 2 W"));
	assert_false(means_the_same("1 W power", "1 kW power"));
	assert_false(means_the_same("1 W power", "1 W energy"));
	assert_false(means_the_same("active_power = 42 s16 1 W power\n", ""));
	assert_false(means_the_same("active_power = 42 s16 1 W power\n",
				    "active_power = 42 s16 1 W power\nactive_power = 43 s16 1 W power fallback\n"));
	assert_false(means_the_same("voltage_l1 = 40 u16 0.1 V power alone\nactive_power = 42 s16 1 W power\n",
				    "active_power = 42 s16 1 W power\nvoltage_l1 = 40 u16 0.1 V power alone\n"));
}

TEST(options_of_a_row_change_the_digest)
{
	static const char *const options[] = {"alone", "na=0x7FFF", "sign=43", "provenance=inferred"};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "s16 1 W power %s", options[i]);
		assert_false(means_the_same("s16 1 W power", text));
	}
	assert_false(means_the_same(" alone", ""));
	assert_false(means_the_same("modulus=1000000kWh", "modulus=2000000kWh"));
	assert_false(means_the_same("modulus=1000000kWh", "back_step=1kWh modulus=1000000kWh"));
	assert_false(means_the_same("na=0xFFFFFFFF", "na=0x7FFFFFFF"));
	assert_false(means_the_same("A 1", "A1"));
}

UNIT_MAIN(NULL, NULL)
