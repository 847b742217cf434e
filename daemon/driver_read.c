/* SPDX-License-Identifier: MIT */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver_check.h"
#include "ini.h"
#include "nearest.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum {
	TOKENS_MAX = 16,  /* of one row: five fields, and more options than there are */
	MODEL_NA_MAX = 8, /* patterns of [model]'s na */
	MODEL_KEYS_MAX = 24,
	BELOW_MAX = 1000000000, /* highest ratio threshold */
};

enum section { SECTION_UNKNOWN, SECTION_MODEL, SECTION_BLOCK, SECTION_SCALE, SECTION_REGISTERS };

struct pattern {
	uint64_t value;
	unsigned n_digits;
};

/* The value of an na key or option. */
struct na {
	bool given, automatic;
	size_t n;
	struct pattern pattern[MODEL_NA_MAX];
};

/* What a row says that can only be settled when the whole file has been read. */
struct note {
	struct na na;
	bool own_provenance;
	char scale[DRIVER_NAME_MAX + 1]; /* "" when the weight is a number */
};

struct reader {
	struct driver *d;
	struct err *e;
	struct na na; /* of [model] */
	enum section section;
	unsigned section_line;
	bool section_faulty;		    /* a line of it was refused */
	unsigned key_lines[MODEL_KEYS_MAX]; /* of the section's keys; 0 = not seen */
	unsigned above_line;
	unsigned model_line, registers_line;
	unsigned quantity_lines[Q_COUNT]; /* first row of each quantity, good or bad */
	bool rows_lost;			  /* too many rows have been complained of */
	char allowed[160];		  /* text built by a setter */
	char guess[64];			  /* text built by guess() */
	/* the row being read */
	struct driver_row *row;
	struct note *note;
	struct note notes[DRIVER_ROWS_MAX];
};

/* A setter takes one value. It returns NULL, or what would have been allowed. */
typedef const char *setter_fn(struct reader *r, const char *value);

/* Numbers and words */

/* A whole number, decimal or 0x hexadecimal, nothing around it. */
static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
	unsigned base = 10;
	uint64_t value = 0;

	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	}
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF", *digit = strchr(digits, *text);
		unsigned worth = digit == NULL ? 16 : (unsigned)(digit - digits) % 16;

		if (worth >= base || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)worth, &value) || value > max)
			return false;
	}
	*out = value;
	return true;
}

/* An exact decimal such as 0.01 as mantissa x 10^exponent, the n bytes of text and nothing around it. */
static bool parse_decimal(const char *text, size_t n, int64_t *mantissa, int32_t *exponent)
{
	bool point = false, digit_last = false;
	int64_t value = 0;
	int32_t power = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '.' && digit_last && !point) {
			point = true;
			digit_last = false;
			continue;
		}
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, (int64_t)10, &value) ||
		    __builtin_add_overflow(value, (int64_t)(text[i] - '0'), &value))
			return false;
		digit_last = true;
		power -= point;
	}
	for (; value != 0 && value % 10 == 0; power++)
		value /= 10;
	*mantissa = value;
	*exponent = value == 0 ? 0 : power;
	return digit_last;
}

/* A number of base units of 63 bits: decimal x unit. */
static bool parse_amount(const char *text, size_t n, int64_t unit_mantissa, int32_t unit_exponent, int64_t *out)
{
	int64_t mantissa, value;
	int32_t exponent;

	if (!parse_decimal(text, n, &mantissa, &exponent) || __builtin_mul_overflow(mantissa, unit_mantissa, &value))
		return false;
	for (exponent += unit_exponent; exponent < 0; exponent++) {
		if (value % 10 != 0)
			return false;
		value /= 10;
	}
	for (; exponent > 0; exponent--)
		if (__builtin_mul_overflow(value, (int64_t)10, &value))
			return false;
	*out = value;
	return true;
}

/* Index of word among the first n of words, or -1. */
static int find_word(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return (int)i;
	return -1;
}

static bool parse_bool(const char *value, bool *out)
{
	static const char *const words[] = {"no", "yes"};
	int i = find_word(value, words, COUNT_OF(words));

	*out = i == 1;
	return i >= 0;
}

static bool parse_provenance(const char *value, enum driver_provenance *out)
{
	for (enum driver_provenance p = DRIVER_VENDOR_TABLE; p <= DRIVER_INFERRED; p++) {
		if (strcmp(value, driver_provenance_text(p)) == 0) {
			*out = p;
			return true;
		}
	}
	return false;
}

/* " ('NAME'?)" for an unknown name that looks like a mistyped one, else "". */
static const char *guess(struct reader *r, const struct nearest *near)
{
	r->guess[0] = '\0';
	if (near->name != NULL && near->distance > 0)
		snprintf(r->guess, sizeof(r->guess), " ('%s'?)", near->name);
	return r->guess;
}

static const char *set_text(struct reader *r, const char *value, char *out, size_t out_bytes)
{
	size_t n = strlen(value);

	if (n > 0 && n < out_bytes) {
		memcpy(out, value, n + 1);
		return NULL;
	}
	snprintf(r->allowed, sizeof(r->allowed), "a text of 1 to %zu bytes", out_bytes - 1);
	return r->allowed;
}

static bool is_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= DRIVER_NAME_MAX &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

/* Two whole numbers with a '-' between, or one for both. */
static bool parse_range(const char *value, uint64_t max, uint64_t *low, uint64_t *high)
{
	const char *dash = strchr(value, '-');
	char text[8];

	if (dash == NULL)
		return parse_number(value, max, low) && parse_number(value, max, high);
	if (dash - value >= (ptrdiff_t)sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(dash - value), value);
	return parse_number(text, max, low) && parse_number(dash + 1, max, high) && *low <= *high;
}

/* One item of a list that blanks or commas divide, copied to item; false at its end. */
static bool next_item(const char **list, char *item, size_t item_bytes)
{
	size_t n;

	*list += strspn(*list, " \t,");
	n = strcspn(*list, " \t,");
	snprintf(item, item_bytes, "%.*s", (int)n, *list);
	*list += n;
	return n > 0;
}

static const char *parse_na(const char *value, struct na *na)
{
	char item[INI_LINE_BYTES_MAX + 1];

	*na = (struct na){.given = true};
	if (strcmp(value, "none") == 0)
		return NULL;
	na->automatic = strcmp(value, "auto") == 0;
	if (na->automatic)
		return NULL;
	while (next_item(&value, item, sizeof(item))) {
		struct pattern *p = &na->pattern[na->n];

		if (na->n == MODEL_NA_MAX || strncmp(item, "0x", 2) != 0 || strlen(item) > 18 ||
		    !parse_number(item, UINT64_MAX, &p->value))
			return "none, auto, or up to 8 patterns such as 0xFFFF divided by commas";
		p->n_digits = (unsigned)strlen(item) - 2;
		na->n++;
	}
	return na->n > 0 ? NULL : "none, auto, or patterns such as 0xFFFF";
}

/* [model] */

static const char *set_format(struct reader *r, const char *value)
{
	(void)r;
	return strcmp(value, "1") == 0 ? NULL : "1";
}

static const char *set_title(struct reader *r, const char *value)
{
	return set_text(r, value, r->d->title, sizeof(r->d->title));
}

static const char *set_vendor(struct reader *r, const char *value)
{
	return set_text(r, value, r->d->vendor, sizeof(r->d->vendor));
}

static const char *set_source(struct reader *r, const char *value)
{
	return set_text(r, value, r->d->source, sizeof(r->d->source));
}

static const char *set_verified(struct reader *r, const char *value)
{
	return set_text(r, value, r->d->verified, sizeof(r->d->verified));
}

static const char *set_provenance(struct reader *r, const char *value)
{
	if (parse_provenance(value, &r->d->provenance))
		return NULL;
	return "vendor table, transcription, driver, sibling, inferred";
}

static const char *set_function(struct reader *r, const char *value)
{
	uint64_t n;

	if (!parse_number(value, 4, &n) || n < 3)
		return "3 or 4";
	r->d->function = (uint8_t)n;
	return NULL;
}

static const char *set_word_order(struct reader *r, const char *value)
{
	static const char *const words[] = {"abcd", "badc", "cdab", "dcba"};
	int i = find_word(value, words, COUNT_OF(words));

	if (i < 0)
		return "abcd, badc, cdab, dcba";
	r->d->order = (enum driver_order)i;
	return NULL;
}

static const char *set_addressing(struct reader *r, const char *value)
{
	static const char *const words[] = {"word", "byte"};
	int i = find_word(value, words, COUNT_OF(words));

	if (i < 0)
		return "word or byte";
	r->d->byte_addressed = i == 1;
	return NULL;
}

static const char *set_max_words(struct reader *r, const char *value)
{
	uint64_t n;

	if (!parse_number(value, DRIVER_WORDS_MAX, &n) || n < 1)
		return "1 to 125";
	r->d->max_words = (uint16_t)n;
	return NULL;
}

static const char *set_gaps(struct reader *r, const char *value)
{
	return parse_bool(value, &r->d->gaps) ? NULL : "yes or no";
}

static const char *set_ratios(struct reader *r, const char *value)
{
	return parse_bool(value, &r->d->ratios) ? NULL : "yes or no";
}

static const char *set_baud(struct reader *r, const char *value)
{
	static const uint32_t known[] = {300,	1200,  2400,   4800,   9600,   19200,
					 38400, 57600, 115200, 230400, 460800, 921600};
	const char *allowed = "speeds among 300 1200 2400 4800 9600 19200 38400 57600 115200 230400 460800 921600, "
			      "each once";
	char item[INI_LINE_BYTES_MAX + 1];
	struct driver *d = r->d;

	d->n_bauds = 0;
	while (next_item(&value, item, sizeof(item))) {
		uint64_t baud;
		bool good = false;

		if (d->n_bauds == DRIVER_BAUDS_MAX || !parse_number(item, UINT32_MAX, &baud))
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

static const char *set_addresses(struct reader *r, const char *value)
{
	uint64_t low, high;

	if (!parse_range(value, 255, &low, &high) || low < 1)
		return "LOW-HIGH with 1 to 255";
	r->d->address_min = (uint16_t)low;
	r->d->address_max = (uint16_t)high;
	return NULL;
}

static const char *set_segment_max(struct reader *r, const char *value)
{
	uint64_t n;

	if (!parse_number(value, 255, &n) || n < 1)
		return "1 to 255";
	r->d->segment_max = (uint16_t)n;
	return NULL;
}

static const char *set_turnaround(struct reader *r, const char *value)
{
	size_t n = strspn(value, "0123456789.");
	const char *unit = value + n + strspn(value + n, " ");
	int64_t ms;

	if ((strcmp(unit, "ms") != 0 && strcmp(unit, "s") != 0) ||
	    !parse_amount(value, n, 1, strcmp(unit, "s") == 0 ? 3 : 0, &ms) || ms > 10000)
		return "0ms to 10s, in whole milliseconds";
	r->d->turnaround_ms = (uint32_t)ms;
	return NULL;
}

static const char *set_max_power(struct reader *r, const char *value)
{
	static const char *const units[] = {"", "W", "kW", "MW"};
	static const int32_t exponents[] = {0, 0, 3, 6};
	size_t n = strspn(value, "0123456789.");
	int unit = find_word(value + n + strspn(value + n, " "), units, COUNT_OF(units));

	if (unit < 0 || !parse_amount(value, n, 1, exponents[unit], &r->d->max_power_w))
		return "a power in W, kW or MW, in whole W; 0 = unknown";
	return NULL;
}

static const char *set_model_na(struct reader *r, const char *value)
{
	return parse_na(value, &r->na);
}

/* [block NAME] */

static struct driver_block *block(struct reader *r)
{
	return &r->d->blocks[r->d->n_blocks - 1];
}

static const char *set_block_address(struct reader *r, const char *value)
{
	uint64_t n;

	if (!parse_number(value, UINT16_MAX, &n))
		return "0 to 65535, decimal or 0x hexadecimal";
	block(r)->address = (uint16_t)n;
	return NULL;
}

static const char *set_block_words(struct reader *r, const char *value)
{
	uint64_t n;

	if (!parse_number(value, UINT16_MAX, &n) || n < 1)
		return "1 to 65535";
	block(r)->n_words = (uint16_t)n;
	return NULL;
}

static const char *set_block_gaps(struct reader *r, const char *value)
{
	return parse_bool(value, &block(r)->gaps) ? NULL : "yes or no";
}

struct key {
	const char *name;
	setter_fn *set;
	bool required;
};

static const struct key model_keys[] = {
	{"format", set_format, true},
	{"title", set_title, true},
	{"vendor", set_vendor, true},
	{"source", set_source, true},
	{"provenance", set_provenance, true},
	{"verified", set_verified, false},
	{"function", set_function, false},
	{"word_order", set_word_order, false},
	{"addressing", set_addressing, false},
	{"max_words", set_max_words, false},
	{"gaps", set_gaps, false},
	{"ratios", set_ratios, false},
	{"baud", set_baud, false},
	{"addresses", set_addresses, false},
	{"segment_max", set_segment_max, false},
	{"turnaround", set_turnaround, false},
	{"max_power", set_max_power, false},
	{"na", set_model_na, false},
};

static const struct key block_keys[] = {
	{"address", set_block_address, true},
	{"words", set_block_words, true},
	{"gaps", set_block_gaps, false},
};

_Static_assert(COUNT_OF(model_keys) <= MODEL_KEYS_MAX, "key_lines has room for every key");

static void list_keys(const struct key *keys, size_t n_keys, char *out, size_t out_bytes)
{
	size_t used = 0;

	for (size_t i = 0; i < n_keys && used < out_bytes; i++)
		used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", i > 0 ? ", " : "", keys[i].name);
}

static void fault(struct reader *r)
{
	r->section_faulty = true;
}

static void refuse_key(struct reader *r, const struct key *keys, size_t n_keys, const char *section, const char *name,
		       unsigned line)
{
	struct nearest near;
	char list[256];

	nearest_begin(&near, name);
	for (size_t i = 0; i < n_keys; i++)
		nearest_consider(&near, keys[i].name);
	list_keys(keys, n_keys, list, sizeof(list));
	err_add(r->e, r->d->file, line, "unknown key '%s' in [%s]%s, allowed: %s", name, section, guess(r, &near),
		list);
	fault(r);
}

static void take_key(struct reader *r, const struct key *keys, size_t n_keys, const char *section, const char *name,
		     const char *value, unsigned line)
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
	allowed = keys[i].set(r, value);
	if (allowed != NULL) {
		err_add(r->e, r->d->file, line, "%s '%s', allowed: %s", name, value, allowed);
		fault(r);
	}
}

static void check_required(struct reader *r, const struct key *keys, size_t n_keys, const char *section)
{
	for (size_t i = 0; i < n_keys; i++) {
		if (!keys[i].required || r->key_lines[i] != 0)
			continue;
		err_add(r->e, r->d->file, r->section_line, "no key '%s' in [%s], required", keys[i].name, section);
		fault(r);
	}
}

/* [scale NAME] */

static struct driver_scale *scale(struct reader *r)
{
	return &r->d->scales[r->d->n_scales - 1];
}

/* The threshold of key "below N" or "above"; 0 when it is neither, or not above the step before. */
static int64_t threshold(struct reader *r, const char *name)
{
	const struct driver_scale *s = scale(r);
	uint64_t n;

	if (strcmp(name, "above") == 0)
		return INT64_MAX;
	if (strncmp(name, "below ", 6) != 0 || !parse_number(name + 6 + strspn(name + 6, " "), BELOW_MAX, &n) || n < 2)
		return 0;
	return s->n_steps > 0 && (int64_t)n <= s->steps[s->n_steps - 1].below ? 0 : (int64_t)n;
}

static void take_step(struct reader *r, const char *name, const char *value, unsigned line)
{
	struct driver_scale *s = scale(r);
	int64_t below = threshold(r, name), mantissa = 0;
	int32_t exponent = 0;
	bool room = s->n_steps < DRIVER_SCALE_STEPS_MAX, weight;

	weight = parse_decimal(value, strlen(value), &mantissa, &exponent) && mantissa > 0;
	if (r->above_line != 0)
		err_add(r->e, r->d->file, line, "'%s' after 'above' (line %u), allowed: 'above' once and last", name,
			r->above_line);
	else if (below == 0)
		err_add(r->e, r->d->file, line,
			"key '%s' in [scale %s], allowed: 'below N' with N from 2 to %d, ascending, then 'above'", name,
			s->name, BELOW_MAX);
	else if (!room)
		err_add(r->e, r->d->file, line, "step '%s', allowed: up to %d steps", name, DRIVER_SCALE_STEPS_MAX);
	if (!weight)
		err_add(r->e, r->d->file, line, "weight '%s', allowed: a decimal above 0, such as 0.01 or 1000", value);
	if (below == INT64_MAX && r->above_line == 0)
		r->above_line = line;
	if (below == 0 || !room || !weight) {
		fault(r);
		return;
	}
	s->steps[s->n_steps].below = below;
	s->steps[s->n_steps].mantissa = mantissa;
	s->steps[s->n_steps].exponent = exponent;
	s->n_steps++;
}

static void end_scale(struct reader *r)
{
	if (r->above_line == 0) {
		err_add(r->e, r->d->file, r->section_line, "no key 'above' in [scale %s], required", scale(r)->name);
		fault(r);
	}
	/* Rows that use a scale with faults are not judged by it. */
	if (r->section_faulty)
		scale(r)->n_steps = 0;
}

/* [registers]: the five fields of a row */

static const char *set_address(struct reader *r, const char *value)
{
	uint64_t n;

	if (!parse_number(value, UINT16_MAX, &n))
		return "0 to 65535, decimal or 0x hexadecimal";
	r->row->address = (uint16_t)n;
	return NULL;
}

enum argument { NO_ARGUMENT, WORDS, BIT, BITS };

static const struct type {
	const char *name;
	enum driver_type type;
	enum argument argument;
	uint8_t n_words, n_words_max; /* of types with a number of words: the highest */
} types[] = {
	{"u8-low", DRIVER_U8_LOW, NO_ARGUMENT, 1, 1},
	{"u8-high", DRIVER_U8_HIGH, NO_ARGUMENT, 1, 1},
	{"bit", DRIVER_BIT, BIT, 1, 1},
	{"bits", DRIVER_BITS, BITS, 1, 1},
	{"u16", DRIVER_U16, NO_ARGUMENT, 1, 1},
	{"s16", DRIVER_S16, NO_ARGUMENT, 1, 1},
	{"u32", DRIVER_U32, NO_ARGUMENT, 2, 2},
	{"s32", DRIVER_S32, NO_ARGUMENT, 2, 2},
	{"u64", DRIVER_U64, NO_ARGUMENT, 4, 4},
	{"s64", DRIVER_S64, NO_ARGUMENT, 4, 4},
	{"f32", DRIVER_F32, NO_ARGUMENT, 2, 2},
	{"f64", DRIVER_F64, NO_ARGUMENT, 4, 4},
	{"bcd", DRIVER_BCD, WORDS, 1, 4},
	{"text", DRIVER_TEXT, WORDS, 1, 32},
	{"chars", DRIVER_CHARS, WORDS, 1, 32},
	{"hex", DRIVER_HEX, WORDS, 1, 32},
	{"time2000", DRIVER_TIME_2000, NO_ARGUMENT, 2, 2},
	{"clock", DRIVER_CLOCK, NO_ARGUMENT, 6, 6},
};

static bool set_argument(struct driver_row *row, const struct type *type, const char *argument)
{
	uint64_t low, high;

	row->n_words = type->n_words;
	switch (type->argument) {
	case NO_ARGUMENT:
		return argument == NULL;
	case WORDS:
		if (argument == NULL || !parse_number(argument, type->n_words_max, &low) || low < 1)
			return false;
		row->n_words = (uint8_t)low;
		return true;
	case BIT:
		if (argument == NULL || !parse_number(argument, 15, &low))
			return false;
		row->bit_low = row->bit_high = (uint8_t)low;
		return true;
	case BITS:
		if (argument == NULL || strchr(argument, '-') == NULL || !parse_range(argument, 15, &low, &high))
			return false;
		row->bit_low = (uint8_t)low;
		row->bit_high = (uint8_t)high;
		return true;
	}
	return false;
}

static const char *set_type(struct reader *r, const char *value)
{
	size_t n = strcspn(value, ":");

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (strlen(types[i].name) != n || strncmp(types[i].name, value, n) != 0)
			continue;
		r->row->type = types[i].type;
		if (set_argument(r->row, &types[i], value[n] == ':' ? value + n + 1 : NULL))
			return NULL;
	}
	return "u8-low u8-high bit:0..15 bits:LOW-HIGH u16 s16 u32 s32 u64 s64 f32 f64 bcd:1..4 text:1..32 "
	       "chars:1..32 hex:1..32 time2000 clock";
}

static const char *set_scale(struct reader *r, const char *value)
{
	struct driver_row *row = r->row;

	row->scale = -1;
	row->mantissa = 1;
	row->exponent = 0;
	if (strcmp(value, "-") == 0)
		return NULL;
	if (value[0] == '@' && is_name(value + 1)) {
		snprintf(r->note->scale, sizeof(r->note->scale), "%s", value + 1);
		return NULL;
	}
	if (parse_decimal(value, strlen(value), &row->mantissa, &row->exponent) && row->mantissa > 0)
		return NULL;
	return "a decimal above 0 such as 0.01 or 1000, @NAME of a [scale NAME], or - for texts and times";
}

static const char *set_unit(struct reader *r, const char *value)
{
	struct driver_row *row = r->row;
	int64_t mantissa = 1;
	int32_t exponent = 0;

	if (!names_unit(row->quantity, value, &mantissa, &exponent)) {
		names_units(row->quantity, r->allowed, sizeof(r->allowed));
		return r->allowed;
	}
	if (__builtin_mul_overflow(row->mantissa, mantissa, &row->mantissa))
		return "a unit and a scale whose product has 63 bits";
	row->exponent += exponent;
	return NULL;
}

static const char *set_group(struct reader *r, const char *value)
{
	static const char *const words[] = {"energy", "power", "identity", "state"};
	int i = find_word(value, words, COUNT_OF(words));

	if (i < 0)
		return "energy, power, identity, state";
	r->row->group = (enum driver_group)(1 << i);
	return NULL;
}

/* [registers]: options */

static const char *set_alone(struct reader *r, const char *value)
{
	(void)value;
	r->row->alone = true;
	return NULL;
}

static const char *set_fallback(struct reader *r, const char *value)
{
	(void)value;
	r->row->fallback = true;
	return NULL;
}

static const char *set_na(struct reader *r, const char *value)
{
	return parse_na(value, &r->note->na);
}

static const char *set_sign(struct reader *r, const char *value)
{
	const char *colon = strchrnul(value, ':');
	uint64_t address, negative = 1;
	char text[8];

	snprintf(text, sizeof(text), "%.*s", (int)(colon - value), value);
	if (colon - value >= (ptrdiff_t)sizeof(text) || !parse_number(text, UINT16_MAX, &address) ||
	    (*colon == ':' && !parse_number(colon + 1, UINT16_MAX, &negative)))
		return "ADDRESS or ADDRESS:VALUE, each 0 to 65535";
	r->row->has_sign = true;
	r->row->sign_address = (uint16_t)address;
	r->row->sign_value = (uint16_t)negative;
	return NULL;
}

/* NUMBER and UNIT glued; the unit may be left out where the quantity has none. */
static const char *counter_amount(struct reader *r, const char *value, int64_t *out)
{
	const struct names_row *quantity = names_get(r->row->quantity);
	size_t n = strspn(value, "0123456789.");
	const char *unit = value + n;
	int64_t mantissa;
	int32_t exponent;

	if (quantity->kind != NAMES_COUNTER)
		return "counters only";
	if (*unit == '\0' && strcmp(quantity->unit, "1") == 0)
		unit = "1";
	if (names_unit(r->row->quantity, unit, &mantissa, &exponent) &&
	    parse_amount(value, n, mantissa, exponent, out) && *out > 0)
		return NULL;
	snprintf(r->allowed, sizeof(r->allowed), "a number above 0 and its unit without a blank, in whole %s",
		 quantity->unit);
	return r->allowed;
}

static const char *set_modulus(struct reader *r, const char *value)
{
	r->row->modulus_read = strcmp(value, "read") == 0;
	if (r->row->modulus_read)
		return names_is_counter(r->row->quantity) ? NULL : "counters only";
	return counter_amount(r, value, &r->row->modulus);
}

static const char *set_back_step(struct reader *r, const char *value)
{
	return counter_amount(r, value, &r->row->back_step);
}

static const char *set_row_provenance(struct reader *r, const char *value)
{
	r->note->own_provenance = parse_provenance(value, &r->row->provenance);
	return r->note->own_provenance ? NULL : "\"vendor table\", transcription, driver, sibling, inferred";
}

static const char *set_expect(struct reader *r, const char *value)
{
	if (names_get(r->row->quantity)->kind != NAMES_IDENTITY)
		return "identity quantities only";
	return set_text(r, value, r->row->expect, sizeof(r->row->expect));
}

static const struct option {
	const char *name;
	setter_fn *set;
	bool has_value;
} options[] = {
	{"alone", set_alone, false},
	{"fallback", set_fallback, false},
	{"na", set_na, true},
	{"sign", set_sign, true},
	{"modulus", set_modulus, true},
	{"back_step", set_back_step, true},
	{"provenance", set_row_provenance, true},
	{"expect", set_expect, true},
};

static const struct field {
	const char *name;
	setter_fn *set;
} fields[] = {
	{"address", set_address}, {"type", set_type}, {"scale", set_scale}, {"unit", set_unit}, {"group", set_group},
};

/* Split text (which is changed) at blanks outside double quotes, and drop the quotes. Returns the number of tokens,
 * TOKENS_MAX + 1 when there are more, or -1 when a quote is not closed. */
static int split(char *text, char **tokens)
{
	bool quoted = false;
	int n = 0;

	for (;;) {
		char *to;

		text += strspn(text, " \t");
		if (*text == '\0')
			return n;
		if (n == TOKENS_MAX)
			return n + 1;
		tokens[n++] = to = text;
		for (; *text != '\0' && (quoted || (*text != ' ' && *text != '\t')); text++) {
			if (*text == '"')
				quoted = !quoted;
			else
				*to++ = *text;
		}
		if (quoted)
			return -1;
		text += *text != '\0';
		*to = '\0';
	}
}

static void refuse_option(struct reader *r, const char *name, const char *value)
{
	struct nearest near;

	nearest_begin(&near, name);
	for (size_t i = 0; i < COUNT_OF(options); i++)
		nearest_consider(&near, options[i].name);
	err_add(r->e, r->d->file, r->row->line,
		"option '%s%s%s' of %s%s, allowed: alone fallback na=.. sign=.. modulus=.. back_step=.. provenance=.. "
		"expect=..",
		name, value != NULL ? "=" : "", value != NULL ? value : "", names_get(r->row->quantity)->name,
		guess(r, &near));
}

static bool take_option(struct reader *r, char *token, unsigned *seen)
{
	struct driver_row *row = r->row;
	char *value = strchr(token, '=');
	const char *name = names_get(row->quantity)->name, *allowed;
	size_t i = 0;

	if (value != NULL)
		*value++ = '\0';
	while (i < COUNT_OF(options) && strcmp(options[i].name, token) != 0)
		i++;
	if (i == COUNT_OF(options) || options[i].has_value != (value != NULL)) {
		refuse_option(r, token, value);
		return false;
	}
	if (*seen >> i & 1) {
		err_add(r->e, r->d->file, row->line, "option '%s' of %s again, allowed: once", token, name);
		return false;
	}
	*seen |= 1u << i;
	allowed = options[i].set(r, value);
	if (allowed != NULL)
		err_add(r->e, r->d->file, row->line, "%s '%s' of %s, allowed: %s", token, value, name, allowed);
	return allowed == NULL;
}

/* The fields and options of one row. Returns whether all of them are good. */
static bool take_fields(struct reader *r, char **tokens, int n_tokens)
{
	const char *name = names_get(r->row->quantity)->name;
	unsigned seen = 0;
	bool good = true;

	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		const char *allowed = fields[i].set(r, tokens[i]);

		if (allowed == NULL)
			continue;
		err_add(r->e, r->d->file, r->row->line, "%s '%s' of %s, allowed: %s", fields[i].name, tokens[i], name,
			allowed);
		good = false;
	}
	for (int i = COUNT_OF(fields); i < n_tokens; i++)
		good &= take_option(r, tokens[i], &seen);
	return good;
}

static bool is_text(enum driver_type type)
{
	return type == DRIVER_TEXT || type == DRIVER_CHARS || type == DRIVER_HEX;
}

static bool is_time(enum driver_type type)
{
	return type == DRIVER_TIME_2000 || type == DRIVER_CLOCK;
}

static bool is_whole_number(enum driver_type type)
{
	return type <= DRIVER_S64 && type != DRIVER_BIT;
}

/* Fields and options that are each good but do not go together. */
static bool check_row(struct reader *r, const char *type, const char *weight)
{
	const struct driver_row *row = r->row;
	const struct names_row *quantity = names_get(row->quantity);
	const char *found = NULL, *allowed = NULL;
	bool identity = quantity->kind == NAMES_IDENTITY, plain = is_text(row->type) || is_time(row->type);

	if (is_text(row->type) && !identity) {
		found = type;
		allowed = "a number's type, texts are for identity quantities";
	} else if ((row->type == DRIVER_F32 || row->type == DRIVER_F64) && identity) {
		found = type;
		allowed = "texts and whole numbers for identity quantities";
	} else if (strcmp(weight, "-") == 0 && !plain && !identity) {
		found = weight;
		allowed = "a decimal or @NAME for numbers";
	} else if (strcmp(weight, "-") != 0 && (plain || (identity && strcmp(weight, "1") != 0))) {
		found = weight;
		allowed = plain ? "- for texts and times" : "1 or - for identity quantities";
	} else if (row->has_sign && (identity || (!is_whole_number(row->type) && row->type != DRIVER_BCD))) {
		found = "sign";
		allowed = "sign= with whole numbers and bcd of a measured quantity";
	}
	if (found != NULL)
		err_add(r->e, r->d->file, row->line, "%s of %s '%s', allowed: %s",
			found == type	  ? "type"
			: found == weight ? "scale"
					  : "option",
			quantity->name, found, allowed);
	return found == NULL;
}

/* Whether the row's quantity may stand here. */
static bool check_repeat(struct reader *r)
{
	const struct driver_row *row = r->row;
	unsigned *first = &r->quantity_lines[row->quantity];
	const char *name = names_get(row->quantity)->name;
	bool good = (*first != 0) == row->fallback;

	if (*first != 0 && !row->fallback)
		err_add(r->e, r->d->file, row->line,
			"%s again (first in line %u), allowed: once, or again with the option 'fallback'", name,
			*first);
	if (*first == 0 && row->fallback)
		err_add(r->e, r->d->file, row->line,
			"'fallback' of %s without an earlier row, allowed: after the preferred row", name);
	if (*first == 0)
		*first = row->line;
	return good;
}

static void refuse_quantity(struct reader *r, const char *name, unsigned line)
{
	struct nearest near;

	nearest_begin(&near, name);
	for (int q = 0; q < Q_COUNT; q++)
		nearest_consider(&near, names_get((enum quantity)q)->name);
	err_add(r->e, r->d->file, line, "unknown quantity '%s'%s, allowed: the names of drivers/NAMES", name,
		guess(r, &near));
}

static void take_row(struct reader *r, const char *name, const char *value, unsigned line)
{
	char text[INI_LINE_BYTES_MAX + 1], *tokens[TOKENS_MAX];
	struct driver_row row = {.line = line, .block = -1, .scale = -1};
	struct note note = {.own_provenance = false};
	int quantity = names_find(name), n_tokens;
	bool good;

	snprintf(text, sizeof(text), "%s", value);
	n_tokens = split(text, tokens);
	if (quantity < 0)
		refuse_quantity(r, name, line);
	if (n_tokens < (int)COUNT_OF(fields) || n_tokens > TOKENS_MAX)
		err_add(r->e, r->d->file, line, "%s '%s', allowed: ADDRESS TYPE SCALE UNIT GROUP [OPTION ...]%s", name,
			value, n_tokens < 0 ? ", each \" closed" : "");
	if (quantity < 0)
		return;
	row.quantity = (enum quantity)quantity;
	r->row = &row;
	r->note = &note;
	good = n_tokens >= (int)COUNT_OF(fields) && n_tokens <= TOKENS_MAX && take_fields(r, tokens, n_tokens);
	if (good)
		good = check_row(r, tokens[1], tokens[2]);
	else if (r->quantity_lines[quantity] == 0)
		r->quantity_lines[quantity] = line;
	if (!good || !check_repeat(r))
		return;
	if (r->d->n_rows < DRIVER_ROWS_MAX) {
		r->notes[r->d->n_rows] = note;
		r->d->rows[r->d->n_rows++] = row;
	} else if (!r->rows_lost) {
		err_add(r->e, r->d->file, line, "row %d, allowed: up to %d rows", DRIVER_ROWS_MAX + 1, DRIVER_ROWS_MAX);
		r->rows_lost = true;
	}
}

/* Sections */

static void end_section(struct reader *r)
{
	switch (r->section) {
	case SECTION_MODEL:
		check_required(r, model_keys, COUNT_OF(model_keys), "model");
		break;
	case SECTION_BLOCK:
		check_required(r, block_keys, COUNT_OF(block_keys), "block");
		/* Rows are not judged by a block with faults. */
		if (r->section_faulty)
			r->d->n_blocks--;
		break;
	case SECTION_SCALE:
		end_scale(r);
		break;
	default:
		break;
	}
	r->section = SECTION_UNKNOWN;
}

static void begin_once(struct reader *r, enum section section, unsigned *first, const char *name, unsigned line)
{
	if (*first != 0) {
		err_add(r->e, r->d->file, line, "section [%s] again (first in line %u), allowed: once", name, *first);
		return;
	}
	*first = line;
	r->section = section;
}

/* Whether a named section may begin: name good and not had, room for one more. */
static bool check_named(struct reader *r, const char *kind, const char *name, const char *had, unsigned had_line,
			bool room, size_t n_max, unsigned line)
{
	if (!is_name(name))
		err_add(r->e, r->d->file, line,
			"section [%s %s], allowed: a name of 1 to %d letters, digits, '.', '_', '-'", kind, name,
			DRIVER_NAME_MAX);
	else if (had != NULL)
		err_add(r->e, r->d->file, line, "section [%s %s] again (first in line %u), allowed: once", kind, name,
			had_line);
	else if (!room)
		err_add(r->e, r->d->file, line, "section [%s %s], allowed: up to %zu of them", kind, name, n_max);
	else
		return true;
	return false;
}

static void begin_block(struct reader *r, const char *name, unsigned line)
{
	struct driver *d = r->d;
	const struct driver_block *had = NULL;
	struct driver_block *b;

	for (size_t i = 0; i < d->n_blocks; i++)
		if (strcmp(d->blocks[i].name, name) == 0)
			had = &d->blocks[i];
	if (!check_named(r, "block", name, had != NULL ? had->name : NULL, had != NULL ? had->line : 0,
			 d->n_blocks < DRIVER_BLOCKS_MAX, DRIVER_BLOCKS_MAX, line))
		return;
	b = &d->blocks[d->n_blocks++];
	*b = (struct driver_block){.gaps = true, .line = line};
	snprintf(b->name, sizeof(b->name), "%s", name);
	r->section = SECTION_BLOCK;
}

static void begin_scale(struct reader *r, const char *name, unsigned line)
{
	struct driver *d = r->d;
	const struct driver_scale *had = NULL;
	struct driver_scale *s;

	for (size_t i = 0; i < d->n_scales; i++)
		if (strcmp(d->scales[i].name, name) == 0)
			had = &d->scales[i];
	if (!check_named(r, "scale", name, had != NULL ? had->name : NULL, had != NULL ? had->line : 0,
			 d->n_scales < DRIVER_SCALES_MAX, DRIVER_SCALES_MAX, line))
		return;
	s = &d->scales[d->n_scales++];
	*s = (struct driver_scale){.line = line};
	snprintf(s->name, sizeof(s->name), "%s", name);
	r->section = SECTION_SCALE;
}

/* What follows word and blanks in text, or NULL when text does not begin so. */
static const char *after_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(text, word, n) != 0 || (text[n] != ' ' && text[n] != '\t' && text[n] != '\0'))
		return NULL;
	return text + n + strspn(text + n, " \t");
}

static void begin_section(struct reader *r, const char *section, unsigned line)
{
	const char *name;

	end_section(r);
	memset(r->key_lines, 0, sizeof(r->key_lines));
	r->above_line = 0;
	r->section_line = line;
	r->section_faulty = false;
	if (strcmp(section, "model") == 0)
		begin_once(r, SECTION_MODEL, &r->model_line, section, line);
	else if (strcmp(section, "registers") == 0)
		begin_once(r, SECTION_REGISTERS, &r->registers_line, section, line);
	else if ((name = after_word(section, "block")) != NULL)
		begin_block(r, name, line);
	else if ((name = after_word(section, "scale")) != NULL)
		begin_scale(r, name, line);
	else
		err_add(r->e, r->d->file, line,
			"unknown section [%s], allowed: [model], [block NAME], [scale NAME], [registers]", section);
}

static void take_line(void *context, const char *section, const char *name, const char *value, unsigned line)
{
	struct reader *r = context;

	if (name == NULL) {
		begin_section(r, section, line);
		return;
	}
	switch (r->section) {
	case SECTION_MODEL:
		take_key(r, model_keys, COUNT_OF(model_keys), section, name, value, line);
		break;
	case SECTION_BLOCK:
		take_key(r, block_keys, COUNT_OF(block_keys), section, name, value, line);
		break;
	case SECTION_SCALE:
		take_step(r, name, value, line);
		break;
	case SECTION_REGISTERS:
		take_row(r, name, value, line);
		break;
	case SECTION_UNKNOWN:
		break; /* its header was refused; what it holds is not judged */
	}
}

/* What could not be settled line by line */

/* Bits of the value itself, of each word for texts and clocks. */
static unsigned width_of(const struct driver_row *row)
{
	if (row->type == DRIVER_U8_LOW || row->type == DRIVER_U8_HIGH)
		return 8;
	if (row->type == DRIVER_BIT || row->type == DRIVER_BITS)
		return row->bit_high - row->bit_low + 1u;
	return is_text(row->type) || row->type == DRIVER_CLOCK ? 16 : row->n_words * 16u;
}

static void add_automatic_na(struct driver_row *row)
{
	unsigned width = width_of(row);

	switch (row->type) {
	case DRIVER_U16:
	case DRIVER_U32:
	case DRIVER_U64:
	case DRIVER_TIME_2000:
		row->na[row->n_na++] = UINT64_MAX >> (64 - width);
		break;
	case DRIVER_S16:
	case DRIVER_S32:
	case DRIVER_S64:
		row->na[row->n_na++] = UINT64_MAX >> (65 - width);
		break;
	default:
		break;
	}
}

/* A row's own patterns must all fit it; of the table's those that have its width apply. */
static void settle_na(struct reader *r, struct driver_row *row, const struct na *own)
{
	const struct na *na = own->given ? own : &r->na;
	unsigned width = width_of(row);

	if (na->automatic)
		add_automatic_na(row);
	for (size_t i = 0; i < na->n; i++) {
		const struct pattern *p = &na->pattern[i];
		bool fits = p->n_digits == (width + 3) / 4 && p->value <= UINT64_MAX >> (64 - width);

		if (!own->given && (!fits || width < 8))
			continue;
		if (fits && row->n_na < DRIVER_NA_MAX)
			row->na[row->n_na++] = p->value;
		else
			err_add(r->e, r->d->file, row->line,
				"pattern 0x%0*llX of %s, allowed: up to %d patterns of %u hexadecimal digits (%u bits)",
				(int)p->n_digits, (unsigned long long)p->value, names_get(row->quantity)->name,
				DRIVER_NA_MAX, (width + 3) / 4, width);
	}
}

static void settle_scale(struct reader *r, struct driver_row *row, const char *name)
{
	for (size_t i = 0; i < r->d->n_scales && row->scale < 0; i++)
		if (strcmp(r->d->scales[i].name, name) == 0)
			row->scale = (int8_t)i;
	if (row->scale < 0)
		err_add(r->e, r->d->file, row->line, "scale '@%s' of %s, allowed: the name of a [scale NAME] section",
			name, names_get(row->quantity)->name);
}

static void settle_rows(struct reader *r)
{
	for (size_t i = 0; i < r->d->n_rows; i++) {
		struct driver_row *row = &r->d->rows[i];
		const struct note *note = &r->notes[i];

		settle_na(r, row, &note->na);
		if (!note->own_provenance)
			row->provenance = r->d->provenance;
		if (note->scale[0] != '\0')
			settle_scale(r, row, note->scale);
		if (row->modulus_read && r->quantity_lines[Q_COUNTER_MAX] == 0)
			err_add(r->e, r->d->file, row->line,
				"modulus 'read' of %s, allowed: in a table with a row counter_max",
				names_get(row->quantity)->name);
	}
}

static void settle_sections(struct reader *r)
{
	if (r->model_line == 0)
		err_add(r->e, r->d->file, 1, "no section [model], required");
	if (r->registers_line == 0)
		err_add(r->e, r->d->file, 1, "no section [registers], required");
	else if (r->d->n_rows == 0 && r->e->n_errors == 0)
		err_add(r->e, r->d->file, r->registers_line, "no row in [registers], allowed: 1 to %d",
			DRIVER_ROWS_MAX);
}

static void set_name(struct driver *d, struct err *e)
{
	const char *slash = strrchr(d->file, '/'), *base = slash != NULL ? slash + 1 : d->file;
	size_t n = strlen(base), n_suffix = strlen(".ini");
	char name[DRIVER_NAME_MAX + 2];

	if (n > n_suffix && strcmp(base + n - n_suffix, ".ini") == 0)
		n -= n_suffix;
	snprintf(name, sizeof(name), "%.*s", (int)n, base);
	if (is_name(name))
		strcpy(d->name, name);
	else
		err_add(e, d->file, 0, "file name, allowed: a model name of 1 to %d letters, digits, '.', '_', '-'",
			DRIVER_NAME_MAX);
}

static struct driver *new_driver(const char *path)
{
	struct driver *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->function = 3;
	d->max_words = DRIVER_WORDS_MAX;
	d->address_min = 1;
	d->address_max = 247;
	d->segment_max = 64;
	d->turnaround_ms = 30;
	strcpy(d->verified, "none");
	d->file = strdup(path);
	if (d->file == NULL) {
		free(d);
		return NULL;
	}
	return d;
}

/* text NULL: read the file. */
static struct driver *read_driver(const char *path, const char *text, size_t n_bytes, struct err *e)
{
	struct driver *d = new_driver(path);
	struct reader *r = calloc(1, sizeof(*r));
	struct err own = {0};
	int error = 0;

	if (d == NULL || r == NULL) {
		err_add(&own, path, 0, "out of memory");
		goto out;
	}
	r->d = d;
	r->e = &own;
	set_name(d, &own);
	if (text != NULL)
		error = ini_read_text(path, text, n_bytes, take_line, r, &own);
	else
		error = ini_read(path, take_line, r, &own);
	if (error != 0)
		goto out;
	end_section(r);
	settle_rows(r);
	settle_sections(r);
	driver_check(d, &own);
out:
	if (own.n_errors > 0) {
		driver_free(d);
		d = NULL;
	}
	err_move(e, &own);
	free(r);
	return d;
}

struct driver *driver_load(const char *path, struct err *e)
{
	return read_driver(path, NULL, 0, e);
}

struct driver *driver_parse(const char *path, const char *text, size_t n_bytes, struct err *e)
{
	return read_driver(path, text, n_bytes, e);
}
