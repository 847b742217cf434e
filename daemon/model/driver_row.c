/* SPDX-License-Identifier: MIT */
/* A row is a quantity, five fields and options: split at blanks, then each field and option is set by a function of its
 * own, then what does not go together is refused. Only a row without a fault gets into the table; its quantity counts
 * as seen in any case, so that a fallback below it is not blamed for it. */
#include "driver_reader.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "digest.h"
#include "driver_check.h"
#include "err.h"
#include "inifile.h"
#include "nearest.h"

enum {
	TOKENS_MAX = 16, /* of one row: five fields, and more options than there are */
	ADD_MAX = UINT16_MAX,
};

/* [registers]: the five fields of a row */

static const char *set_address(struct driver_reader *r, const char *value)
{
	uint64_t n;

	if (!driver_word_number(value, UINT16_MAX, &n))
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

/* The words of makers for these types. */
static const struct {
	const char *theirs, *ours;
} maker_types[] = {
	{"uint8", "u8-low"},  {"byte", "u8-low"},  {"bool", "bit:0"},	{"int16", "s16"},  {"sint16", "s16"},
	{"uint16", "u16"},    {"word", "u16"},	   {"unsigned", "u16"}, {"int32", "s32"},  {"sint32", "s32"},
	{"uint32", "u32"},    {"dword", "u32"},	   {"long", "s32"},	{"ulong", "u32"},  {"int64", "s64"},
	{"sint64", "s64"},    {"uint64", "u64"},   {"qword", "u64"},	{"float", "f32"},  {"float32", "f32"},
	{"real", "f32"},      {"ieee754", "f32"},  {"single", "f32"},	{"double", "f64"}, {"float64", "f64"},
	{"string", "text:8"}, {"ascii", "text:8"}, {"utf8", "text:8"},
};

/* The types that are allowed instead of one. */
static const char *allow_types(struct driver_reader *r, const char *value)
{
	static const char all[] = "u8-low, u8-high, bit:0..15, bits:LOW-HIGH, u16, s16, u32, s32, u64, s64, f32, f64, "
				  "bcd:1..4, text:1..32, chars:1..32, hex:1..32, time2000, clock";

	for (size_t i = 0; i < COUNT_OF(maker_types); i++) {
		if (strcasecmp(value, maker_types[i].theirs) != 0)
			continue;
		snprintf(r->allowed, sizeof(r->allowed), "%s for a %s", maker_types[i].ours, value);
		return r->allowed;
	}
	return all;
}

static bool set_argument(struct driver_row *row, const struct type *type, const char *argument)
{
	uint64_t low, high;

	row->n_words = type->n_words;
	switch (type->argument) {
	case NO_ARGUMENT:
		return argument == NULL;
	case WORDS:
		if (argument == NULL || !driver_word_number(argument, type->n_words_max, &low) || low < 1)
			return false;
		row->n_words = (uint8_t)low;
		return true;
	case BIT:
		if (argument == NULL || !driver_word_number(argument, 15, &low))
			return false;
		row->bit_low = row->bit_high = (uint8_t)low;
		return true;
	case BITS:
		if (argument == NULL || strchr(argument, '-') == NULL || !driver_word_range(argument, 15, &low, &high))
			return false;
		row->bit_low = (uint8_t)low;
		row->bit_high = (uint8_t)high;
		return true;
	}
	return false;
}

static const char *set_type(struct driver_reader *r, const char *value)
{
	size_t n = strcspn(value, ":");

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (strlen(types[i].name) != n || strncmp(types[i].name, value, n) != 0)
			continue;
		r->row->type = types[i].type;
		if (set_argument(r->row, &types[i], value[n] == ':' ? value + n + 1 : NULL))
			return NULL;
	}
	return allow_types(r, value);
}

static const char *set_scale(struct driver_reader *r, const char *value)
{
	struct driver_row *row = r->row;
	struct value_decimal weight;

	row->scale = -1;
	row->mantissa = 1;
	row->exponent = 0;
	if (strcmp(value, "-") == 0)
		return NULL;
	if (value[0] == '@' && driver_word_is_name(value + 1)) {
		snprintf(r->note->scale, sizeof(r->note->scale), "%s", value + 1);
		return NULL;
	}
	if (!driver_word_decimal(value, strlen(value), &weight) || weight.mantissa == 0)
		return "a decimal above 0 such as 0.01 or 1000, @NAME of a [scale NAME], or - for texts and times";
	row->mantissa = weight.mantissa;
	row->exponent = weight.exponent;
	return NULL;
}

static const char *set_unit(struct driver_reader *r, const char *value)
{
	struct driver_row *row = r->row;
	const struct names_unit *unit = names_unit(row->quantity, value);

	if (unit == NULL) {
		names_units(row->quantity, r->allowed, sizeof(r->allowed));
		return r->allowed;
	}
	if (__builtin_mul_overflow(row->mantissa, unit->worth.mantissa, &row->mantissa))
		return "a unit and a scale whose product has 63 bits";
	row->exponent += unit->worth.exponent;
	row->per = unit->per;
	return NULL;
}

static const char *set_group(struct driver_reader *r, const char *value)
{
	static const char *const words[] = {"energy", "power", "identity", "state"};
	int i = driver_word_find(value, words, COUNT_OF(words));

	if (i < 0)
		return "energy, power, identity or state";
	r->row->group = (enum driver_group)(1 << i);
	return NULL;
}

/* [registers]: options */

static const char *set_alone(struct driver_reader *r, const char *value)
{
	(void)value;
	r->row->alone = true;
	return NULL;
}

static const char *set_fallback(struct driver_reader *r, const char *value)
{
	(void)value;
	r->row->fallback = true;
	return NULL;
}

static const char *set_optional(struct driver_reader *r, const char *value)
{
	(void)value;
	r->row->optional = true;
	return NULL;
}

static const char *set_shared(struct driver_reader *r, const char *value)
{
	(void)value;
	r->row->shared = true;
	return NULL;
}

static const char *set_rest(struct driver_reader *r, const char *value)
{
	(void)value;
	r->row->is_rest = true;
	return NULL;
}

/* A small whole number with or without '-'. */
static bool read_ten(const char *text, int8_t *out)
{
	bool is_negative = text[0] == '-';
	uint64_t n;

	if (!driver_word_number(text + is_negative, 9, &n))
		return false;
	*out = (int8_t)(is_negative ? -(int)n : (int)n);
	return true;
}

static const char *set_exponent(struct driver_reader *r, const char *value)
{
	static const char allowed[] = "ADDRESS:LOW..HIGH with powers of ten from -9 to 9, such as 0x100:-3..3";
	size_t n = strcspn(value, ":");
	const char *dots = strstr(value, "..");
	char address[8], low[4];
	uint64_t number;

	if (value[n] != ':' || n >= sizeof(address) || dots == NULL ||
	    (size_t)(dots - value - (ptrdiff_t)n) > sizeof(low))
		return allowed;
	snprintf(address, sizeof(address), "%.*s", (int)n, value);
	snprintf(low, sizeof(low), "%.*s", (int)(dots - value - (ptrdiff_t)n - 1), value + n + 1);
	if (!driver_word_number(address, UINT16_MAX, &number) || !read_ten(low, &r->row->ten_low) ||
	    !read_ten(dots + 2, &r->row->ten_high) || r->row->ten_low > r->row->ten_high)
		return allowed;
	r->row->has_ten = true;
	r->row->ten_address = (uint16_t)number;
	return NULL;
}

static const char *set_function(struct driver_reader *r, const char *value)
{
	uint64_t n;

	if (!driver_word_number(value, 4, &n) || n < 3)
		return "3 or 4";
	r->row->function = (uint8_t)n;
	return NULL;
}

static const char *set_na(struct driver_reader *r, const char *value)
{
	return driver_word_na(value, &r->note->na);
}

static const char *set_sign(struct driver_reader *r, const char *value)
{
	const char *colon = strchrnul(value, ':');
	uint64_t address, negative = 1;
	char text[8];

	snprintf(text, sizeof(text), "%.*s", (int)(colon - value), value);
	if (colon - value >= (ptrdiff_t)sizeof(text) || !driver_word_number(text, UINT16_MAX, &address) ||
	    (*colon == ':' && !driver_word_number(colon + 1, UINT16_MAX, &negative)))
		return "ADDRESS or ADDRESS:VALUE, each 0 to 65535";
	r->row->has_sign = true;
	r->row->sign_address = (uint16_t)address;
	r->row->sign_value = (uint16_t)negative;
	return NULL;
}

static const char counters_only[] = "it with counters only";

/* NUMBER and UNIT glued; the unit may be left out where the quantity has none. */
static bool read_amount(const struct driver_reader *r, const char *value, struct driver_amount *out)
{
	size_t n = strspn(value, "0123456789.");
	const char *text = value + n;
	const struct names_unit *unit;

	if (*text == '\0' && strcmp(names_get(r->row->quantity)->unit, "1") == 0)
		text = "1";
	unit = names_unit(r->row->quantity, text);
	if (unit == NULL || !driver_word_decimal(value, n, &out->number) || out->number.mantissa == 0 ||
	    __builtin_mul_overflow(out->number.mantissa, unit->worth.mantissa, &out->number.mantissa))
		return false;
	out->number.exponent += unit->worth.exponent;
	out->per = unit->per;
	return true;
}

/* "8digits": the register shows so many decimal digits. */
static bool read_digits(const char *item, struct driver_modulus *out)
{
	static const char word[] = "digits";
	size_t n = strlen(item), n_word = sizeof(word) - 1;
	char number[4];
	uint64_t digits;

	if (n <= n_word || n - n_word >= sizeof(number) || strcmp(item + n - n_word, word) != 0)
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)(n - n_word), item);
	if (!driver_word_number(number, 18, &digits) || digits < 1)
		return false;
	*out = (struct driver_modulus){.amount = 1, .in_counts = true};
	while (digits-- > 0)
		out->amount *= 10;
	return true;
}

static const char *set_modulus(struct driver_reader *r, const char *value)
{
	char item[INIFILE_LINE_BYTES_MAX + 1];
	bool is_good = true;
	size_t n = 0;

	if (!names_is_counter(r->row->quantity))
		return counters_only;
	r->row->modulus_read = strcmp(value, "read") == 0;
	while (!r->row->modulus_read && driver_word_next(&value, item, sizeof(item))) {
		if (n == DRIVER_MODULI_MAX)
			return "up to 4 values separated by commas";
		if (!read_digits(item, &r->row->moduli[n]) && !read_amount(r, item, &r->note->moduli[n]))
			is_good = false;
		n++;
	}
	if (r->row->modulus_read || (n > 0 && is_good))
		return NULL;
	snprintf(r->allowed, sizeof(r->allowed),
		 "read, or up to 4 values separated by commas: 1digits to 18digits, or a number above 0 and its unit "
		 "without a blank, such as 1000%s",
		 names_get(r->row->quantity)->unit);
	return r->allowed;
}

static const char *set_back_step(struct driver_reader *r, const char *value)
{
	if (!names_is_counter(r->row->quantity))
		return counters_only;
	if (read_amount(r, value, &r->note->back_step))
		return NULL;
	snprintf(r->allowed, sizeof(r->allowed), "a number above 0 and its unit without a blank, such as 10%s",
		 names_get(r->row->quantity)->unit);
	return r->allowed;
}

static const char *set_row_provenance(struct driver_reader *r, const char *value)
{
	r->note->own_provenance = driver_word_provenance(value, &r->row->provenance);
	return r->note->own_provenance ? NULL : "\"vendor table\", transcription, driver, sibling or inferred";
}

static const char *set_expect(struct driver_reader *r, const char *value)
{
	size_t i = 0;

	if (names_get(r->row->quantity)->kind != NAMES_IDENTITY)
		return "it with identity quantities only";
	/* Nothing else is compared. */
	while (value[i] != '\0' && !isalnum((unsigned char)value[i]))
		i++;
	if (i > 0 && value[i] == '\0')
		return "a text with a letter or a digit";
	return driver_word_text(r, value, r->row->expect, sizeof(r->row->expect));
}

static const char *set_add(struct driver_reader *r, const char *value)
{
	bool is_negative = value[0] == '-';
	uint64_t n;

	if (!driver_word_number(value + is_negative, ADD_MAX, &n) || n == 0)
		return "a whole number from -65535 to 65535 other than 0";
	r->row->add = is_negative ? -(int32_t)n : (int32_t)n;
	return NULL;
}

static const struct option {
	const char *name;
	driver_setter *set;
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
	{"add", set_add, true},
	{"rest", set_rest, false},
	{"exponent", set_exponent, true},
	{"function", set_function, true},
	{"shared", set_shared, false},
	{"optional", set_optional, false},
};

static const struct field {
	const char *name;
	driver_setter *set;
} fields[] = {
	{"address", set_address}, {"type", set_type}, {"scale", set_scale}, {"unit", set_unit}, {"group", set_group},
};

/* Split text (which is changed) at blanks outside double quotes, and drop the quotes. Returns the number of tokens,
 * TOKENS_MAX + 1 when there are more, or -1 when a quote is not closed. */
static int split_tokens(char *text, char **tokens)
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

static void refuse_option(struct driver_reader *r, const char *name, const char *value)
{
	struct nearest near;
	char list[256];
	size_t n = 0;

	nearest_begin(&near, name);
	for (size_t i = 0; i < COUNT_OF(options); i++) {
		nearest_consider(&near, options[i].name);
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s%s", i > 0 ? ", " : "", options[i].name,
				      options[i].has_value ? "=.." : "");
	}
	err_add(r->e, r->d->file, r->row->line, "unknown option '%s%s%s' of %s%s; use %s", name,
		value != NULL ? "=" : "", value != NULL ? value : "", names_get(r->row->quantity)->name,
		driver_word_guess(r, &near), list);
}

/* An option, and its value in values ("" for one without). Returns whether it is good. */
static bool read_option(struct driver_reader *r, char *token, const char *values[COUNT_OF(options)])
{
	struct driver_row *row = r->row;
	char *value = strchr(token, '=');
	const char *name = names_get(row->quantity)->name, *allowed;
	size_t i = 0;

	if (value != NULL)
		*value++ = '\0';
	while (i < COUNT_OF(options) && strcmp(options[i].name, token) != 0)
		i++;
	if (i == COUNT_OF(options)) {
		refuse_option(r, token, value);
		return false;
	}
	if (options[i].has_value != (value != NULL)) {
		err_add(r->e, r->d->file, row->line, "option '%s%s%s' of %s is not valid; use %s%s", token,
			value != NULL ? "=" : "", value != NULL ? value : "", name, token, value != NULL ? "" : "=..");
		return false;
	}
	if (values[i] != NULL) {
		err_add(r->e, r->d->file, row->line, "duplicate option '%s' of %s; use it once", token, name);
		return false;
	}
	values[i] = value != NULL ? value : "";
	allowed = options[i].set(r, value);
	if (allowed != NULL)
		err_add(r->e, r->d->file, row->line, "%s '%s' of %s is not valid%s; use %s", token, value, name,
			driver_word_guess_in(r, value, allowed), allowed);
	return allowed == NULL;
}

/* The fields and options of one row, which are added to the digest, the options in the order of their table. Returns
 * whether all of them are good. */
static bool read_fields(struct driver_reader *r, char **tokens, int n_tokens)
{
	const char *name = names_get(r->row->quantity)->name, *values[COUNT_OF(options)] = {NULL};
	uint64_t d = digest_text(r->rows_digest, name);
	bool good = true;

	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		const char *allowed = fields[i].set(r, tokens[i]);

		d = digest_text(d, tokens[i]);
		if (allowed == NULL)
			continue;
		err_add(r->e, r->d->file, r->row->line, "%s '%s' of %s is not valid%s; use %s", fields[i].name,
			tokens[i], name, driver_word_guess_in(r, tokens[i], allowed), allowed);
		good = false;
	}
	for (int i = COUNT_OF(fields); i < n_tokens; i++)
		good &= read_option(r, tokens[i], values);
	for (size_t i = 0; i < COUNT_OF(options); i++)
		if (values[i] != NULL)
			d = digest_text(digest_text(d, options[i].name), values[i]);
	r->rows_digest = d;
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
static bool check_row(struct driver_reader *r, const char *type, const char *weight)
{
	const struct driver_row *row = r->row;
	const struct names_row *quantity = names_get(row->quantity);
	const char *found = NULL, *allowed = NULL;
	bool identity = quantity->kind == NAMES_IDENTITY, plain = is_text(row->type) || is_time(row->type);

	if (is_text(row->type) && !identity) {
		found = type;
		allowed = "the type of a number, texts are for identity quantities";
	} else if ((row->type == DRIVER_F32 || row->type == DRIVER_F64) && identity) {
		found = type;
		allowed = "a text or a whole number for identity quantities";
	} else if (strcmp(weight, "-") == 0 && !plain && !identity) {
		found = weight;
		allowed = "a decimal or @NAME for numbers";
	} else if (strcmp(weight, "-") != 0 && (plain || (identity && strcmp(weight, "1") != 0))) {
		found = weight;
		allowed = plain ? "- for texts and times" : "1 or - for identity quantities";
	} else if (row->has_sign && (identity || (!is_whole_number(row->type) && row->type != DRIVER_BCD))) {
		found = "sign";
		allowed = "it with whole numbers and bcd of measured quantities";
	} else if ((row->has_ten || row->is_rest) && (plain || identity)) {
		found = row->has_ten ? "exponent" : "rest";
		allowed = "it with numbers of measured quantities";
	} else if (row->has_ten && row->is_rest) {
		found = "exponent";
		allowed = "it at rows without rest";
	} else if (row->add != 0 && (identity || quantity->kind == NAMES_COUNTER || row->has_sign ||
				     (!is_whole_number(row->type) && row->type != DRIVER_BCD))) {
		found = "add";
		allowed = "it with whole numbers and bcd of measured quantities, without sign; not with counters";
	}
	if (found != NULL)
		err_add(r->e, r->d->file, row->line, "%s '%s' of %s is not valid; use %s",
			found == type	  ? "type"
			: found == weight ? "scale"
					  : "option",
			found, quantity->name, allowed);
	return found == NULL;
}

/* In another group the value of a row would be read and not be used. A row of the group state does no harm there. */
static bool check_group(struct driver_reader *r, const char *group)
{
	const struct driver_row *row = r->row;
	const struct names_row *quantity = names_get(row->quantity);
	unsigned groups = DRIVER_ENERGY | DRIVER_POWER;
	const char *allowed = "energy or power";

	if (quantity->kind == NAMES_IDENTITY) {
		groups = DRIVER_IDENTITY;
		allowed = "identity";
	} else if (quantity->kind == NAMES_STATE && quantity->table[0] == '\0') {
		groups |= DRIVER_STATE;
		allowed = "state, energy or power";
	}
	if (row->group & groups)
		return true;
	if (row->group == DRIVER_STATE && quantity->kind != NAMES_IDENTITY) {
		err_warn(r->e, r->d->file, row->line,
			 "group 'state' of %s is read daily and stored nowhere; use %s to store it", quantity->name,
			 allowed);
		return true;
	}
	err_add(r->e, r->d->file, row->line, "group '%s' of %s is not valid; use %s", group, quantity->name, allowed);
	return false;
}

/* Whether the row's quantity may come here. */
static bool check_repeat(struct driver_reader *r)
{
	const struct driver_row *row = r->row;
	unsigned *first = &r->quantity_lines[row->quantity];
	const char *name = names_get(row->quantity)->name;
	bool good = (*first != 0) == (row->fallback || row->is_rest);

	if (row->is_rest && row->fallback) {
		err_add(r->e, r->d->file, row->line, "options 'rest' and 'fallback' of %s exclude each other; use one",
			name);
		return false;
	}
	if (*first != 0 && !good)
		err_add(r->e, r->d->file, row->line,
			"duplicate row %s (first in line %u); use it once, or add the option fallback", name, *first);
	if (*first == 0 && !good)
		err_add(r->e, r->d->file, row->line,
			row->is_rest
				? "option 'rest' of %s has no earlier row; write the row that it is the rest of first"
				: "option 'fallback' of %s has no earlier row; write the preferred row first",
			name);
	if (*first == 0)
		*first = row->line;
	return good;
}

/* Whether every word of a name, divided by _, is one of the other's. */
static bool has_words(const char *name, const char *words)
{
	size_t n, n_here;

	for (; *words != '\0'; words += n + (words[n] == '_')) {
		const char *at = name;

		n = strcspn(words, "_");
		for (; *at != '\0'; at += n_here + (at[n_here] == '_')) {
			n_here = strcspn(at, "_");
			if (n_here == n && strncmp(at, words, n) == 0)
				break;
		}
		if (*at == '\0')
			return false;
	}
	return true;
}

/* The guess is the first name with all the words that were written, else the nearest one. */
static void refuse_quantity(struct driver_reader *r, const char *name, unsigned line)
{
	const char *first = NULL;
	struct nearest near;

	nearest_begin(&near, name);
	for (int q = 0; q < Q_COUNT; q++) {
		const char *known = names_get((enum quantity)q)->name;

		nearest_consider(&near, known);
		if (first == NULL && has_words(known, name))
			first = known;
	}
	if (first != NULL)
		snprintf(near.name, sizeof(near.name), "%s", first);
	err_add(r->e, r->d->file, line, "unknown quantity %s%s; use a name in drivers/NAMES", name,
		driver_word_guess(r, &near));
}

/* Complaints about an optional row, from item n_before of the list on, cost this row only. */
static void forgive(struct driver_reader *r, const struct driver_row *row, size_t n_before)
{
	if (r->e->n_items == n_before)
		return;
	err_demote(r->e, n_before);
	err_warn(r->e, r->d->file, row->line, "%s is optional and left out", names_get(row->quantity)->name);
}

void driver_row_init(struct driver_reader *r)
{
	r->rows_digest = DIGEST_EMPTY;
}

/* A row of a quantity that there is. Returns whether it is good: out is the row then. */
static bool read_row(struct driver_reader *r, const char *name, const char *value, char **tokens, int n_tokens)
{
	bool good;

	if (n_tokens < (int)COUNT_OF(fields) || n_tokens > TOKENS_MAX)
		err_add(r->e, r->d->file, r->row->line,
			"%s = %s is not valid; use ADDRESS TYPE SCALE UNIT GROUP [OPTION ...]%s", name, value,
			n_tokens < 0 ? ", and close each \"" : "");
	good = n_tokens >= (int)COUNT_OF(fields) && n_tokens <= TOKENS_MAX && read_fields(r, tokens, n_tokens);
	if (good) {
		good = check_row(r, tokens[1], tokens[2]);
		good &= check_group(r, tokens[4]);
	} else if (r->quantity_lines[r->row->quantity] == 0) {
		r->quantity_lines[r->row->quantity] = r->row->line;
	}
	return good && check_repeat(r);
}

void driver_row_read(struct driver_reader *r, const char *name, const char *value, unsigned line)
{
	char text[INIFILE_LINE_BYTES_MAX + 1], *tokens[TOKENS_MAX];
	struct driver_row row = {.line = line, .block = -1, .scale = -1};
	struct driver_note note = {.own_provenance = false};
	int quantity = names_find(name), n_tokens;
	size_t n_before = r->e->n_items;
	bool good;

	snprintf(text, sizeof(text), "%s", value);
	n_tokens = split_tokens(text, tokens);
	if (quantity < 0) {
		refuse_quantity(r, name, line);
		return;
	}
	row.quantity = (enum quantity)quantity;
	for (int i = 0; i < n_tokens && i < TOKENS_MAX; i++)
		row.optional |= strcmp(tokens[i], "optional") == 0;
	r->row = &row;
	r->note = &note;
	good = read_row(r, name, value, tokens, n_tokens);
	if (row.optional)
		forgive(r, &row, n_before);
	if (!good && row.is_rest)
		r->rest_lost[row.quantity] = true;
	if (!good)
		return;
	if (r->d->n_rows < DRIVER_ROWS_MAX) {
		r->notes[r->d->n_rows] = note;
		r->d->rows[r->d->n_rows++] = row;
	} else if (!r->rows_lost) {
		err_add(r->e, r->d->file, line, "row %d is one too many; use at most %d", DRIVER_ROWS_MAX + 1,
			DRIVER_ROWS_MAX);
		r->rows_lost = true;
	}
}

/* After the whole file */

/* Bits of the value itself, of each word for texts and clocks. */
static unsigned value_bits(const struct driver_row *row)
{
	if (row->type == DRIVER_U8_LOW || row->type == DRIVER_U8_HIGH)
		return 8;
	if (row->type == DRIVER_BIT || row->type == DRIVER_BITS)
		return row->bit_high - row->bit_low + 1u;
	return is_text(row->type) || row->type == DRIVER_CLOCK ? 16 : row->n_words * 16u;
}

static void add_automatic_na(struct driver_row *row)
{
	unsigned width = value_bits(row);

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
	case DRIVER_TEXT:
	case DRIVER_CHARS:
	case DRIVER_HEX:
	case DRIVER_CLOCK:
		row->na[row->n_na++] = UINT16_MAX; /* of every word */
		break;
	default:
		break;
	}
}

/* A row's own patterns must all fit it; of the table's those that have its width apply. */
static void set_patterns(struct driver_reader *r, struct driver_row *row, const struct driver_na *own)
{
	const struct driver_na *na = own->given ? own : &r->na;
	unsigned width = value_bits(row);

	if (na->automatic)
		add_automatic_na(row);
	for (size_t i = 0; i < na->n; i++) {
		const struct driver_pattern *p = &na->pattern[i];
		bool fits = p->n_digits == (width + 3) / 4 && p->value <= UINT64_MAX >> (64 - width);

		if (!own->given && (!fits || width < 8))
			continue;
		if (fits && row->n_na < DRIVER_NA_MAX)
			row->na[row->n_na++] = p->value;
		else
			err_add(r->e, r->d->file, row->line,
				"pattern 0x%0*llX of %s is not valid; use up to %d patterns of %u hexadecimal digits "
				"(%u bits)",
				(int)p->n_digits, (unsigned long long)p->value, names_get(row->quantity)->name,
				DRIVER_NA_MAX, (width + 3) / 4, width);
	}
}

static void find_scale(struct driver_reader *r, struct driver_row *row, const char *name)
{
	for (size_t i = 0; i < r->d->n_scales && row->scale < 0; i++)
		if (strcmp(r->d->scales[i].name, name) == 0)
			row->scale = (int8_t)i;
	if (row->scale < 0)
		err_add(r->e, r->d->file, row->line,
			"unknown scale '@%s' of %s; use the name of a [scale NAME] section", name,
			names_get(row->quantity)->name);
}

/* The parts of all counters of the table. Where they are more than there may be, a row has no whole weight, which is
 * refused. */
static void find_parts(struct driver *d)
{
	d->parts = 1;
	for (size_t i = 0; i < d->n_rows; i++) {
		int64_t more = driver_parts(d, d->rows[i].quantity), rest = d->parts;

		value_reduce(&rest, &more);
		if (d->parts * more <= DRIVER_PARTS_MAX)
			d->parts = (uint16_t)(d->parts * more);
	}
}

/* An amount in parts of a base unit. */
static void set_amount(struct driver_reader *r, const struct driver_row *row, const char *option,
		       const struct driver_amount *amount, int64_t *out)
{
	int64_t parts = names_has_parts(row->quantity) ? r->d->parts : 1;
	enum value_result result;

	if (amount->number.mantissa == 0)
		return;
	result = value_multiply(amount->number, parts, out);
	if (result == VALUE_OK && *out % amount->per != 0)
		result = VALUE_FRACTION;
	if (result == VALUE_OK)
		*out /= amount->per;
	else
		err_add(r->e, r->d->file, row->line, "%s of %s is %s", option, names_get(row->quantity)->name,
			result == VALUE_FRACTION ? "not a whole number of counts; use a multiple of one count"
						 : "out of range; use a smaller one");
}

static void set_amounts(struct driver_reader *r, struct driver_row *row, const struct driver_note *note)
{
	for (size_t i = 0; i < DRIVER_MODULI_MAX; i++)
		set_amount(r, row, "modulus", &note->moduli[i], &row->moduli[i].amount);
	set_amount(r, row, "back_step", &note->back_step, &row->back_step);
}

/* Give a row its values from the rest of the table. */
static void complete(struct driver_reader *r, struct driver_row *row, const struct driver_note *note)
{
	set_patterns(r, row, &note->na);
	if (!note->own_provenance)
		row->provenance = r->d->provenance;
	if (row->function == 0)
		row->function = r->d->function;
	if (names_get(row->quantity)->kind == NAMES_IDENTITY)
		row->shared = true;
	for (size_t k = 0; k < r->d->n_blocks; k++)
		if (driver_block_overlaps(r->d, &r->d->blocks[k], row))
			row->block = (int8_t)k;
	if (note->scale[0] != '\0')
		find_scale(r, row, note->scale);
	if (row->modulus_read && r->quantity_lines[Q_COUNTER_MAX] == 0)
		err_add(r->e, r->d->file, row->line,
			"row counter_max is missing for modulus 'read' of %s; add it in the group state",
			names_get(row->quantity)->name);
}

/* A value without its rest would be wrong: they go together. */
static void pair_faults(struct driver_reader *r)
{
	struct driver *d = r->d;

	for (size_t i = 0; i < d->n_rows; i++) {
		const struct driver_row *rest = driver_rest(d, &d->rows[i]);
		size_t k = rest != NULL ? (size_t)(rest - d->rows) : i;

		r->notes[i].faulty |= r->notes[k].faulty || (r->rest_lost[d->rows[i].quantity] && rest == NULL);
		r->notes[k].faulty |= r->notes[i].faulty;
	}
}

/* Take out the optional rows that are faulty. A fallback whose preferred row went is the preferred row now. */
static void drop_faulty(struct driver_reader *r)
{
	struct driver *d = r->d;
	bool seen[Q_COUNT] = {false};
	size_t n = 0;

	pair_faults(r);

	for (size_t i = 0; i < d->n_rows; i++) {
		struct driver_row *row = &d->rows[i];

		if (r->notes[i].faulty)
			continue;
		row->fallback = row->fallback && seen[row->quantity];
		seen[row->quantity] = true;
		r->notes[n] = r->notes[i];
		d->rows[n++] = *row;
	}
	d->n_rows = n;
}

/* Run a step on row i; the row is faulty if it is optional and the step complains. */
static void run_step(struct driver_reader *r, size_t i,
		     void (*step)(struct driver_reader *r, struct driver_row *row, const struct driver_note *note))
{
	struct driver_row *row = &r->d->rows[i];
	size_t n_before = r->e->n_items;

	step(r, row, &r->notes[i]);
	if (!row->optional)
		return;
	r->notes[i].faulty |= r->e->n_items > n_before;
	forgive(r, row, n_before);
}

static void check(struct driver_reader *r, struct driver_row *row, const struct driver_note *note)
{
	(void)note;
	driver_check_row(r->d, row, r->e);
}

void driver_row_complete(struct driver_reader *r)
{
	for (size_t i = 0; i < r->d->n_rows; i++)
		run_step(r, i, complete);
	drop_faulty(r);
	find_parts(r->d);
	for (size_t i = 0; i < r->d->n_rows; i++)
		run_step(r, i, set_amounts);
	drop_faulty(r);
}

void driver_row_check(struct driver_reader *r)
{
	for (size_t i = 0; i < r->d->n_rows; i++)
		run_step(r, i, check);
	drop_faulty(r);
}
