/* SPDX-License-Identifier: MIT */
/* Each key is a row of a table: its name, the function that sets it, and its default as one would write it. The default
 * is set by the same function when the section begins, and the key in the file then sets it again.
 *
 * A block or scale with a faulty line is taken out of the table again at its end (a scale keeps its name, without
 * steps), so that rows are not judged by half of one. */
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
	return "vendor table, transcription, driver, sibling or inferred";
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
		return "abcd, badc, cdab or dcba";
	r->d->order = (enum driver_order)i;
	return NULL;
}

static const char *set_addressing(struct driver_reader *r, const char *value)
{
	static const char *const words[] = {"word", "byte", "long", "long-counted"};
	int i = driver_word_find(value, words, COUNT_OF(words));

	if (i < 0)
		return "word, byte, long or long-counted";
	r->d->byte_addressed = i == 1;
	r->d->long_addressed = i >= 2;
	r->d->counts_longs = i == 3;
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

static const char *set_loads(struct driver_reader *r, const char *value)
{
	uint64_t n;

	if (!driver_word_number(value, DRIVER_LOADS_MAX, &n) || n < 1)
		return "1 to 64";
	r->d->n_loads = (uint8_t)n;
	return NULL;
}

static const char *set_stride(struct driver_reader *r, const char *value)
{
	uint64_t n;

	if (!driver_word_number(value, UINT16_MAX, &n))
		return "0 to 65535, decimal or 0x hexadecimal";
	r->d->stride = (uint16_t)n;
	return NULL;
}

static const char *set_ratios(struct driver_reader *r, const char *value)
{
	return driver_word_bool(value, &r->d->ratios) ? NULL : "yes or no";
}

static const char *set_baud(struct driver_reader *r, const char *value)
{
	static const uint32_t known[] = {300,	1200,  2400,   4800,   9600,   19200,
					 38400, 57600, 115200, 230400, 460800, 921600};
	const char *allowed =
		"speeds among 300 1200 2400 4800 9600 19200 38400 57600 115200 230400 460800 921600, each once";
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
		return "LOW-HIGH within 1 to 255";
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

/* A time up to 10 s. Returns false where value is none. */
static bool read_ms(const char *value, uint32_t *out)
{
	size_t n = strspn(value, "0123456789.");
	const char *unit = value + n + strspn(value + n, " ");
	int64_t ms;

	if ((strcmp(unit, "ms") != 0 && strcmp(unit, "s") != 0) ||
	    !driver_word_amount(value, n, (struct value_decimal){1, strcmp(unit, "s") == 0 ? 3 : 0}, &ms) || ms > 10000)
		return false;
	*out = (uint32_t)ms;
	return true;
}

static const char *set_turnaround(struct driver_reader *r, const char *value)
{
	return read_ms(value, &r->d->turnaround_ms) ? NULL : "0ms to 10s in whole milliseconds";
}

static const char *set_shortest_pulse(struct driver_reader *r, const char *value)
{
	return read_ms(value, &r->d->shortest_pulse_ms) ? NULL : "0ms to 10s in whole milliseconds, 0ms if unknown";
}

static const char *set_max_power(struct driver_reader *r, const char *value)
{
	static const char *const units[] = {"", "W", "kW", "MW"};
	static const struct value_decimal watts[] = {{1, 0}, {1, 0}, {1, 3}, {1, 6}};
	size_t n = strspn(value, "0123456789.");
	int unit = driver_word_find(value + n + strspn(value + n, " "), units, COUNT_OF(units));

	if (unit < 0 || !driver_word_amount(value, n, watts[unit], &r->d->max_power_w))
		return "a power in W, kW or MW that is whole in W, or 0 if unknown";
	return NULL;
}

static const char *set_model_na(struct driver_reader *r, const char *value)
{
	return driver_word_na(value, &r->na);
}

/* [block NAME] */

static struct driver_block *current_block(struct driver_reader *r)
{
	return &r->d->blocks[r->d->n_blocks - 1];
}

static const char *set_block_address(struct driver_reader *r, const char *value)
{
	uint64_t n;

	if (!driver_word_number(value, UINT16_MAX, &n))
		return "0 to 65535, decimal or 0x hexadecimal";
	current_block(r)->address = (uint16_t)n;
	return NULL;
}

static const char *set_block_words(struct driver_reader *r, const char *value)
{
	uint64_t n;

	if (!driver_word_number(value, UINT16_MAX, &n) || n < 1)
		return "1 to 65535";
	current_block(r)->n_words = (uint16_t)n;
	return NULL;
}

static const char *set_block_function(struct driver_reader *r, const char *value)
{
	uint64_t n;

	if (!driver_word_number(value, 4, &n) || n < 3)
		return "3 or 4";
	current_block(r)->function = (uint8_t)n;
	return NULL;
}

static const char *set_block_gaps(struct driver_reader *r, const char *value)
{
	return driver_word_bool(value, &current_block(r)->gaps) ? NULL : "yes or no";
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
	{"loads", set_loads, .fallback = "1"},
	{"stride", set_stride, .fallback = "0"},
	{"ratios", set_ratios, .fallback = "no"},
	{"baud", set_baud, .describes = true},
	{"addresses", set_addresses, .fallback = "1-247", .describes = true},
	{"segment_max", set_segment_max, .fallback = "64", .describes = true},
	{"turnaround", set_turnaround, .fallback = "30ms"},
	{"max_power", set_max_power, .fallback = "0"},
	{"shortest_pulse", set_shortest_pulse, .fallback = "0ms"},
	{"na", set_model_na, .fallback = "none"},
};

static const struct key block_keys[] = {
	{"address", set_block_address, .required = true},
	{"words", set_block_words, .required = true},
	{"gaps", set_block_gaps, .fallback = "yes"},
	{"function", set_block_function, .required = false},
};

_Static_assert(COUNT_OF(model_keys) <= MODEL_KEYS_MAX, "key_lines has room for every key");

static void list_keys(const struct key *keys, size_t n_keys, char *out, size_t out_bytes)
{
	size_t used = 0;

	for (size_t i = 0; i < n_keys && used < out_bytes; i++)
		used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", i > 0 ? ", " : "", keys[i].name);
}

static void mark_faulty(struct driver_reader *r)
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
	err_add(r->e, r->d->file, line, "unknown key %s in [%s]%s; use %s", name, section, driver_word_guess(r, &near),
		list);
	mark_faulty(r);
}

static void read_key(struct driver_reader *r, const struct key *keys, size_t n_keys, const char *section,
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
		err_add(r->e, r->d->file, line, "duplicate key %s in [%s] (first in line %u); use it once", name,
			section, r->key_lines[i]);
		mark_faulty(r);
		return;
	}
	r->key_lines[i] = line;
	r->key_digests[i] = digest_unspaced(DIGEST_EMPTY, value);
	allowed = keys[i].set(r, value);
	if (allowed != NULL) {
		if (*value == '\0')
			err_add(r->e, r->d->file, line, "%s has no value; use %s", name, allowed);
		else
			err_add(r->e, r->d->file, line, "%s = %s is not valid%s; use %s", name, value,
				driver_word_guess_in(r, value, allowed), allowed);
		mark_faulty(r);
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
static uint64_t add_key_digests(const struct driver_reader *r, const struct key *keys, size_t n_keys, uint64_t d)
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
		err_add(r->e, r->d->file, r->section_line, "key %s is missing in [%s]", keys[i].name, section);
		mark_faulty(r);
	}
}

/* [scale NAME] */

static struct driver_scale *current_scale(struct driver_reader *r)
{
	return &r->d->scales[r->d->n_scales - 1];
}

/* The threshold of key "below N" or "above"; 0 when it is neither, or not above the step before. */
static int64_t read_threshold(struct driver_reader *r, const char *name)
{
	const struct driver_scale *s = current_scale(r);
	uint64_t n;

	if (strcmp(name, "above") == 0)
		return INT64_MAX;
	if (strncmp(name, "below ", 6) != 0 || !driver_word_number(name + 6 + strspn(name + 6, " "), BELOW_MAX, &n) ||
	    n < 2)
		return 0;
	return s->n_steps > 0 && (int64_t)n <= s->steps[s->n_steps - 1].below ? 0 : (int64_t)n;
}

static void read_step(struct driver_reader *r, const char *name, const char *value, unsigned line)
{
	struct driver_scale *s = current_scale(r);
	int64_t below = read_threshold(r, name);
	struct value_decimal weight = {0};
	bool room = s->n_steps < DRIVER_SCALE_STEPS_MAX, good_weight;

	good_weight = driver_word_decimal(value, strlen(value), &weight) && weight.mantissa > 0;
	if (r->above_line != 0)
		err_add(r->e, r->d->file, line, "key %s comes after above (line %u); use above once, as the last key",
			name, r->above_line);
	else if (below == 0)
		err_add(r->e, r->d->file, line,
			"key %s in [scale %s] is not valid; use below N with N from 2 to %d, ascending, then above",
			name, s->name, BELOW_MAX);
	else if (!room)
		err_add(r->e, r->d->file, line, "step %s is one too many; use at most %d", name,
			DRIVER_SCALE_STEPS_MAX);
	if (!good_weight)
		err_add(r->e, r->d->file, line, "%s = %s is not valid; use a decimal above 0, such as 0.01 or 1000",
			name, value);
	if (below == INT64_MAX && r->above_line == 0)
		r->above_line = line;
	if (below == 0 || !room || !good_weight) {
		mark_faulty(r);
		return;
	}
	r->scales_digest = digest_unspaced(digest_whole(r->scales_digest, below), value);
	s->steps[s->n_steps].below = below;
	s->steps[s->n_steps].mantissa = weight.mantissa;
	s->steps[s->n_steps].exponent = weight.exponent;
	s->n_steps++;
}

/* Sections */

void driver_section_init(struct driver_reader *r)
{
	r->model_digest = r->blocks_digest = r->scales_digest = DIGEST_EMPTY;
	/* Here and not at the header, so that a table without [model] has them too. */
	set_defaults(r, model_keys, COUNT_OF(model_keys));
}

/* Whether a section that is allowed once may begin. */
static bool check_once(struct driver_reader *r, unsigned *first, const char *name, unsigned line)
{
	if (*first != 0) {
		err_add(r->e, r->d->file, line, "duplicate section [%s] (first in line %u); use it once", name, *first);
		return false;
	}
	*first = line;
	return true;
}

/* Whether a named section may begin: the name is good and new, and there is room for one more. */
static bool check_named(struct driver_reader *r, const char *kind, const char *name, unsigned first_line, size_t n,
			size_t n_max, unsigned line)
{
	if (!driver_word_is_name(name))
		err_add(r->e, r->d->file, line,
			"section [%s %s] is not valid; use a name of 1 to %d letters, digits, '.', '_', '-'", kind,
			name, DRIVER_NAME_MAX);
	else if (first_line != 0)
		err_add(r->e, r->d->file, line, "duplicate section [%s %s] (first in line %u); use it once", kind, name,
			first_line);
	else if (n == n_max)
		err_add(r->e, r->d->file, line, "section [%s %s] is one too many; use at most %zu", kind, name, n_max);
	else
		return true;
	return false;
}

static void begin_block(struct driver_reader *r, const char *name, unsigned line)
{
	struct driver *d = r->d;
	unsigned first_line = 0;
	struct driver_block *b;

	for (size_t i = 0; i < d->n_blocks; i++)
		if (strcmp(d->blocks[i].name, name) == 0)
			first_line = d->blocks[i].line;
	if (!check_named(r, "block", name, first_line, d->n_blocks, DRIVER_BLOCKS_MAX, line))
		return;
	b = &d->blocks[d->n_blocks++];
	*b = (struct driver_block){.line = line};
	snprintf(b->name, sizeof(b->name), "%s", name);
	r->section = SECTION_BLOCK;
	set_defaults(r, block_keys, COUNT_OF(block_keys));
}

static void begin_scale(struct driver_reader *r, const char *name, unsigned line)
{
	struct driver *d = r->d;
	unsigned first_line = 0;
	struct driver_scale *s;

	for (size_t i = 0; i < d->n_scales; i++)
		if (strcmp(d->scales[i].name, name) == 0)
			first_line = d->scales[i].line;
	if (!check_named(r, "scale", name, first_line, d->n_scales, DRIVER_SCALES_MAX, line))
		return;
	s = &d->scales[d->n_scales++];
	*s = (struct driver_scale){.line = line};
	snprintf(s->name, sizeof(s->name), "%s", name);
	r->section = SECTION_SCALE;
	r->scales_digest = digest_text(r->scales_digest, name);
}

/* The text behind word and blanks, or NULL when text does not begin so. */
static const char *after_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(text, word, n) != 0 || (text[n] != ' ' && text[n] != '\t' && text[n] != '\0'))
		return NULL;
	return text + n + strspn(text + n, " \t");
}

/* Lines below a misspelt header are judged as those of the section that was meant, so that all faults come at once. */
static void refuse_section(struct driver_reader *r, const char *header, unsigned line)
{
	const char *guess = driver_word_guess_in(r, header, "model, registers");

	err_add(r->e, r->d->file, line, "unknown section [%s]%s; use [model], [block NAME], [scale NAME], [registers]",
		header, guess);
	if (strstr(guess, "model") != NULL) {
		r->has_meant_model = true;
		r->section = SECTION_MODEL;
	} else if (strstr(guess, "registers") != NULL) {
		r->has_meant_registers = true;
		r->section = SECTION_REGISTERS;
	}
}

void driver_section_begin(struct driver_reader *r, const char *header, unsigned line)
{
	const char *name;

	driver_section_end(r);
	memset(r->key_lines, 0, sizeof(r->key_lines));
	r->above_line = 0;
	r->section_line = line;
	r->section_faulty = false;
	if (strcmp(header, "model") == 0) {
		if (check_once(r, &r->model_line, header, line))
			r->section = SECTION_MODEL;
	} else if (strcmp(header, "registers") == 0) {
		if (check_once(r, &r->registers_line, header, line))
			r->section = SECTION_REGISTERS;
	} else if ((name = after_word(header, "block")) != NULL) {
		begin_block(r, name, line);
	} else if ((name = after_word(header, "scale")) != NULL) {
		begin_scale(r, name, line);
	} else {
		refuse_section(r, header, line);
	}
}

void driver_section_key(struct driver_reader *r, const char *header, const char *name, const char *value, unsigned line)
{
	switch (r->section) {
	case SECTION_MODEL:
		read_key(r, model_keys, COUNT_OF(model_keys), "model", name, value, line);
		break;
	case SECTION_BLOCK:
		read_key(r, block_keys, COUNT_OF(block_keys), header, name, value, line);
		break;
	case SECTION_SCALE:
		read_step(r, name, value, line);
		break;
	case SECTION_REGISTERS:
		driver_row_read(r, name, value, line);
		break;
	case SECTION_UNKNOWN:
		break; /* its header was refused; what is in it is not judged */
	}
}

void driver_section_end(struct driver_reader *r)
{
	char header[DRIVER_NAME_MAX + sizeof("block ")];

	switch (r->section) {
	case SECTION_MODEL:
		check_required(r, model_keys, COUNT_OF(model_keys), "model");
		r->model_digest = add_key_digests(r, model_keys, COUNT_OF(model_keys), r->model_digest);
		break;
	case SECTION_BLOCK:
		snprintf(header, sizeof(header), "block %s", current_block(r)->name);
		check_required(r, block_keys, COUNT_OF(block_keys), header);
		r->blocks_digest = add_key_digests(r, block_keys, COUNT_OF(block_keys), r->blocks_digest);
		/* Rows are not judged by a block with faults. */
		if (r->section_faulty)
			r->d->n_blocks--;
		break;
	case SECTION_SCALE:
		if (r->above_line == 0) {
			err_add(r->e, r->d->file, r->section_line, "key above is missing in [scale %s]",
				current_scale(r)->name);
			mark_faulty(r);
		}
		/* Rows that use a scale with faults are not judged by it. */
		if (r->section_faulty)
			current_scale(r)->n_steps = 0;
		break;
	default:
		break;
	}
	r->section = SECTION_UNKNOWN;
}

void driver_section_settle(struct driver_reader *r)
{
	struct driver *d = r->d;

	for (size_t i = 0; i < d->n_blocks; i++)
		if (d->blocks[i].function == 0)
			d->blocks[i].function = d->function;
	if ((d->n_loads > 1) == (d->stride > 0))
		return;
	err_add(r->e, d->file, r->model_line,
		d->n_loads > 1 ? "key stride is missing in [model]; use the number of addresses from a row of one load "
				 "to that of the next"
			       : "stride = %u has no meaning with one load; write loads = N too",
		d->stride);
}

void driver_section_complete(struct driver_reader *r)
{
	if (r->model_line == 0 && !r->has_meant_model)
		err_add(r->e, r->d->file, 1, "section [model] is missing");
	if (r->registers_line == 0 && !r->has_meant_registers)
		err_add(r->e, r->d->file, 1, "section [registers] is missing");
	else if (r->d->n_rows == 0 && r->e->n_errors == 0)
		err_add(r->e, r->d->file, r->registers_line, "rows are missing in [registers]; write 1 to %d",
			DRIVER_ROWS_MAX);
	if (r->d->ratios && r->d->n_scales == 0 && r->e->n_errors == 0)
		err_warn(r->e, r->d->file, r->model_line,
			 "ratios = yes changes no value without a section [scale NAME]; ct and vt only multiply "
			 "max_power");
}

uint64_t driver_section_digest(const struct driver_reader *r)
{
	uint64_t d = digest_whole(DIGEST_EMPTY, (int64_t)r->model_digest);

	d = digest_whole(d, (int64_t)r->blocks_digest);
	return digest_whole(d, (int64_t)r->scales_digest);
}
