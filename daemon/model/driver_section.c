/* SPDX-License-Identifier: MIT */
#include "driver_reader.h"

#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "err.h"
#include "inifile.h"
#include "nearest.h"

enum { BELOW_MAX = 1000000000 }; /* highest ratio threshold */

/* [model] */

static const char *set_format(struct driver_reader *r, const char *value)
{
	(void)r;
	return strcmp(value, "1") == 0 ? NULL : "1";
}

static const char *set_title(struct driver_reader *r, const char *value)
{
	return driver_word_text(r, value, r->d->title, sizeof(r->d->title));
}

static const char *set_vendor(struct driver_reader *r, const char *value)
{
	return driver_word_text(r, value, r->d->vendor, sizeof(r->d->vendor));
}

static const char *set_source(struct driver_reader *r, const char *value)
{
	return driver_word_text(r, value, r->d->source, sizeof(r->d->source));
}

static const char *set_verified(struct driver_reader *r, const char *value)
{
	return driver_word_text(r, value, r->d->verified, sizeof(r->d->verified));
}

static const char *set_provenance(struct driver_reader *r, const char *value)
{
	if (driver_word_provenance(value, &r->d->provenance))
		return NULL;
	return "vendor table, transcription, driver, sibling, inferred";
}

static const char *set_function(struct driver_reader *r, const char *value)
{
	uint64_t n;

	if (!driver_word_number(value, 4, &n) || n < 3)
		return "3 or 4";
	r->d->function = (uint8_t)n;
	return NULL;
}

static const char *set_word_order(struct driver_reader *r, const char *value)
{
	static const char *const words[] = {"abcd", "badc", "cdab", "dcba"};
	int i = driver_word_find(value, words, COUNT_OF(words));

	if (i < 0)
		return "abcd, badc, cdab, dcba";
	r->d->order = (enum driver_order)i;
	return NULL;
}

static const char *set_addressing(struct driver_reader *r, const char *value)
{
	static const char *const words[] = {"word", "byte"};
	int i = driver_word_find(value, words, COUNT_OF(words));

	if (i < 0)
		return "word or byte";
	r->d->byte_addressed = i == 1;
	return NULL;
}

static const char *set_max_words(struct driver_reader *r, const char *value)
{
	uint64_t n;

	if (!driver_word_number(value, DRIVER_WORDS_MAX, &n) || n < 1)
		return "1 to 125";
	r->d->max_words = (uint16_t)n;
	return NULL;
}

static const char *set_gaps(struct driver_reader *r, const char *value)
{
	return driver_word_bool(value, &r->d->gaps) ? NULL : "yes or no";
}

static const char *set_ratios(struct driver_reader *r, const char *value)
{
	return driver_word_bool(value, &r->d->ratios) ? NULL : "yes or no";
}

static const char *set_baud(struct driver_reader *r, const char *value)
{
	static const uint32_t known[] = {300,	1200,  2400,   4800,   9600,   19200,
					 38400, 57600, 115200, 230400, 460800, 921600};
	const char *allowed = "speeds among 300 1200 2400 4800 9600 19200 38400 57600 115200 230400 460800 921600, "
			      "each once";
	char item[INIFILE_LINE_BYTES_MAX + 1];
	struct driver *d = r->d;

	d->n_bauds = 0;
	while (driver_word_next(&value, item, sizeof(item))) {
		uint64_t baud;
		bool good = false;

		if (d->n_bauds == DRIVER_BAUDS_MAX || !driver_word_number(item, UINT32_MAX, &baud))
			return allowed;
		for (size_t i = 0; i < COUNT_OF(known); i++)
			good |= known[i] == baud;
		for (size_t i = 0; i < d->n_bauds; i++)
			good &= d->bauds[i] != baud;
		if (!good)
			return allowed;
		d->bauds[d->n_bauds++] = (uint32_t)baud;
	}
	return d->n_bauds > 0 ? NULL : allowed;
}

static const char *set_addresses(struct driver_reader *r, const char *value)
{
	uint64_t low, high;

	if (!driver_word_range(value, DRIVER_UNIT_MAX, &low, &high) || low < 1)
		return "LOW-HIGH with 1 to 255";
	r->d->address_min = (uint16_t)low;
	r->d->address_max = (uint16_t)high;
	return NULL;
}

static const char *set_segment_max(struct driver_reader *r, const char *value)
{
	uint64_t n;

	if (!driver_word_number(value, 255, &n) || n < 1)
		return "1 to 255";
	r->d->segment_max = (uint16_t)n;
	return NULL;
}

static const char *set_turnaround(struct driver_reader *r, const char *value)
{
	size_t n = strspn(value, "0123456789.");
	const char *unit = value + n + strspn(value + n, " ");
	int64_t ms;

	if ((strcmp(unit, "ms") != 0 && strcmp(unit, "s") != 0) ||
	    !driver_word_amount(value, n, (struct value_decimal){1, strcmp(unit, "s") == 0 ? 3 : 0}, &ms) || ms > 10000)
		return "0ms to 10s, in whole milliseconds";
	r->d->turnaround_ms = (uint32_t)ms;
	return NULL;
}

static const char *set_max_power(struct driver_reader *r, const char *value)
{
	static const char *const units[] = {"", "W", "kW", "MW"};
	static const struct value_decimal watts[] = {{1, 0}, {1, 0}, {1, 3}, {1, 6}};
	size_t n = strspn(value, "0123456789.");
	int unit = driver_word_find(value + n + strspn(value + n, " "), units, COUNT_OF(units));

	if (unit < 0 || !driver_word_amount(value, n, watts[unit], &r->d->max_power_w))
		return "a power in W, kW or MW, in whole W; 0 = unknown";
	return NULL;
}

static const char *set_model_na(struct driver_reader *r, const char *value)
{
	return driver_word_na(value, &r->na);
}

/* [block NAME] */

static struct driver_block *block(struct driver_reader *r)
{
	return &r->d->blocks[r->d->n_blocks - 1];
}

static const char *set_block_address(struct driver_reader *r, const char *value)
{
	uint64_t n;

	if (!driver_word_number(value, UINT16_MAX, &n))
		return "0 to 65535, decimal or 0x hexadecimal";
	block(r)->address = (uint16_t)n;
	return NULL;
}

static const char *set_block_words(struct driver_reader *r, const char *value)
{
	uint64_t n;

	if (!driver_word_number(value, UINT16_MAX, &n) || n < 1)
		return "1 to 65535";
	block(r)->n_words = (uint16_t)n;
	return NULL;
}

static const char *set_block_gaps(struct driver_reader *r, const char *value)
{
	return driver_word_bool(value, &block(r)->gaps) ? NULL : "yes or no";
}

struct key {
	const char *name;
	driver_setter *set;
	bool required;
	const char *fallback; /* default as one would write it; NULL = none */
	bool describes;	      /* it changes nothing in how a meter is read: not in the digest */
};

static const struct key model_keys[] = {
	{"format", set_format, .required = true},
	{"title", set_title, .required = true, .describes = true},
	{"vendor", set_vendor, .required = true, .describes = true},
	{"source", set_source, .required = true, .describes = true},
	{"provenance", set_provenance, .required = true},
	{"verified", set_verified, .fallback = "none", .describes = true},
	{"function", set_function, .fallback = "3"},
	{"word_order", set_word_order, .fallback = "abcd"},
	{"addressing", set_addressing, .fallback = "word"},
	{"max_words", set_max_words, .fallback = "125"},
	{"gaps", set_gaps, .fallback = "no"},
	{"ratios", set_ratios, .fallback = "no"},
	{"baud", set_baud, .describes = true},
	{"addresses", set_addresses, .fallback = "1-247", .describes = true},
	{"segment_max", set_segment_max, .fallback = "64", .describes = true},
	{"turnaround", set_turnaround, .fallback = "30ms"},
	{"max_power", set_max_power, .fallback = "0"},
	{"na", set_model_na, .fallback = "none"},
};

static const struct key block_keys[] = {
	{"address", set_block_address, .required = true},
	{"words", set_block_words, .required = true},
	{"gaps", set_block_gaps, .fallback = "yes"},
};

_Static_assert(COUNT_OF(model_keys) <= MODEL_KEYS_MAX, "key_lines has room for every key");

static void list_keys(const struct key *keys, size_t n_keys, char *out, size_t out_bytes)
{
	size_t used = 0;

	for (size_t i = 0; i < n_keys && used < out_bytes; i++)
		used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", i > 0 ? ", " : "", keys[i].name);
}

static void fault(struct driver_reader *r)
{
	r->section_faulty = true;
}

static void refuse_key(struct driver_reader *r, const struct key *keys, size_t n_keys, const char *section,
		       const char *name, unsigned line)
{
	struct nearest near;
	char list[256];

	nearest_begin(&near, name);
	for (size_t i = 0; i < n_keys; i++)
		nearest_consider(&near, keys[i].name);
	list_keys(keys, n_keys, list, sizeof(list));
	err_add(r->e, r->d->file, line, "unknown key '%s' in [%s]%s, allowed: %s", name, section,
		driver_word_guess(r, &near), list);
	fault(r);
}

static void take_key(struct driver_reader *r, const struct key *keys, size_t n_keys, const char *section,
		     const char *name, const char *value, unsigned line)
{
	const char *allowed;
	size_t i = 0;

	while (i < n_keys && strcmp(keys[i].name, name) != 0)
		i++;
	if (i == n_keys) {
		refuse_key(r, keys, n_keys, section, name, line);
		return;
	}
	if (r->key_lines[i] != 0) {
		err_add(r->e, r->d->file, line, "key '%s' again (first in line %u), allowed: once in [%s]", name,
			r->key_lines[i], section);
		fault(r);
		return;
	}
	r->key_lines[i] = line;
	r->key_digests[i] = digest_unspaced(DIGEST_EMPTY, value);
	allowed = keys[i].set(r, value);
	if (allowed != NULL) {
		err_add(r->e, r->d->file, line, "%s '%s', allowed: %s", name, value, allowed);
		fault(r);
	}
}

static void set_defaults(struct driver_reader *r, const struct key *keys, size_t n_keys)
{
	for (size_t i = 0; i < n_keys; i++) {
		if (keys[i].fallback != NULL)
			keys[i].set(r, keys[i].fallback);
		r->key_digests[i] = digest_unspaced(DIGEST_EMPTY, keys[i].fallback != NULL ? keys[i].fallback : "");
	}
}

/* d with the keys of the section that ends behind it, in the order of the table. */
static uint64_t add_keys(const struct driver_reader *r, const struct key *keys, size_t n_keys, uint64_t d)
{
	for (size_t i = 0; i < n_keys; i++)
		if (!keys[i].describes)
			d = digest_whole(digest_text(d, keys[i].name), (int64_t)r->key_digests[i]);
	return d;
}

static void check_required(struct driver_reader *r, const struct key *keys, size_t n_keys, const char *section)
{
	for (size_t i = 0; i < n_keys; i++) {
		if (!keys[i].required || r->key_lines[i] != 0)
			continue;
		err_add(r->e, r->d->file, r->section_line, "no key '%s' in [%s], required", keys[i].name, section);
		fault(r);
	}
}

void driver_model_begin(struct driver_reader *r)
{
	set_defaults(r, model_keys, COUNT_OF(model_keys));
}

void driver_model_key(struct driver_reader *r, const char *name, const char *value, unsigned line)
{
	take_key(r, model_keys, COUNT_OF(model_keys), "model", name, value, line);
}

void driver_model_end(struct driver_reader *r)
{
	check_required(r, model_keys, COUNT_OF(model_keys), "model");
	r->model_digest = add_keys(r, model_keys, COUNT_OF(model_keys), r->model_digest);
}

void driver_block_begin(struct driver_reader *r)
{
	set_defaults(r, block_keys, COUNT_OF(block_keys));
}

void driver_block_key(struct driver_reader *r, const char *section, const char *name, const char *value, unsigned line)
{
	take_key(r, block_keys, COUNT_OF(block_keys), section, name, value, line);
}

/* Rows are not judged by a block with faults. */
void driver_block_end(struct driver_reader *r)
{
	check_required(r, block_keys, COUNT_OF(block_keys), "block");
	r->blocks_digest = add_keys(r, block_keys, COUNT_OF(block_keys), r->blocks_digest);
	if (r->section_faulty)
		r->d->n_blocks--;
}

/* [scale NAME] */

static struct driver_scale *scale(struct driver_reader *r)
{
	return &r->d->scales[r->d->n_scales - 1];
}

/* The threshold of key "below N" or "above"; 0 when it is neither, or not above the step before. */
static int64_t threshold(struct driver_reader *r, const char *name)
{
	const struct driver_scale *s = scale(r);
	uint64_t n;

	if (strcmp(name, "above") == 0)
		return INT64_MAX;
	if (strncmp(name, "below ", 6) != 0 || !driver_word_number(name + 6 + strspn(name + 6, " "), BELOW_MAX, &n) ||
	    n < 2)
		return 0;
	return s->n_steps > 0 && (int64_t)n <= s->steps[s->n_steps - 1].below ? 0 : (int64_t)n;
}

void driver_scale_step(struct driver_reader *r, const char *name, const char *value, unsigned line)
{
	struct driver_scale *s = scale(r);
	int64_t below = threshold(r, name);
	struct value_decimal weight = {0};
	bool room = s->n_steps < DRIVER_SCALE_STEPS_MAX, good_weight;

	good_weight = driver_word_decimal(value, strlen(value), &weight) && weight.mantissa > 0;
	if (r->above_line != 0)
		err_add(r->e, r->d->file, line, "'%s' after 'above' (line %u), allowed: 'above' once and last", name,
			r->above_line);
	else if (below == 0)
		err_add(r->e, r->d->file, line,
			"key '%s' in [scale %s], allowed: 'below N' with N from 2 to %d, ascending, then 'above'", name,
			s->name, BELOW_MAX);
	else if (!room)
		err_add(r->e, r->d->file, line, "step '%s', allowed: up to %d steps", name, DRIVER_SCALE_STEPS_MAX);
	if (!good_weight)
		err_add(r->e, r->d->file, line, "weight '%s', allowed: a decimal above 0, such as 0.01 or 1000", value);
	if (below == INT64_MAX && r->above_line == 0)
		r->above_line = line;
	if (below == 0 || !room || !good_weight) {
		fault(r);
		return;
	}
	r->scales_digest = digest_unspaced(digest_whole(r->scales_digest, below), value);
	s->steps[s->n_steps].below = below;
	s->steps[s->n_steps].mantissa = weight.mantissa;
	s->steps[s->n_steps].exponent = weight.exponent;
	s->n_steps++;
}

void driver_scale_end(struct driver_reader *r)
{
	if (r->above_line == 0) {
		err_add(r->e, r->d->file, r->section_line, "no key 'above' in [scale %s], required", scale(r)->name);
		fault(r);
	}
	/* Rows that use a scale with faults are not judged by it. */
	if (r->section_faulty)
		scale(r)->n_steps = 0;
}
