/* SPDX-License-Identifier: MIT */
#include "driver_reader.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "inifile.h"
#include "nearest.h"
#include "text.h"

bool driver_word_number(const char *text, uint64_t max, uint64_t *out)
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

bool driver_word_decimal(const char *text, size_t n, struct value_decimal *out)
{
	struct value_decimal d;
	const char *rest;

	if (*text == '-' || value_decimal(text, &d, &rest) != VALUE_OK || rest != text + n)
		return false;
	for (; d.mantissa != 0 && d.mantissa % 10 == 0; d.exponent++)
		d.mantissa /= 10;
	if (d.mantissa == 0)
		d.exponent = 0;
	*out = d;
	return true;
}

bool driver_word_amount(const char *text, size_t n, struct value_decimal unit, int64_t *out)
{
	struct value_decimal d;

	if (!driver_word_decimal(text, n, &d))
		return false;
	d.exponent += unit.exponent;
	return value_multiply(d, unit.mantissa, out) == VALUE_OK;
}

int driver_word_find(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return (int)i;
	return -1;
}

bool driver_word_bool(const char *value, bool *out)
{
	static const char *const words[] = {"no", "yes"};
	int i = driver_word_find(value, words, COUNT_OF(words));

	*out = i == 1;
	return i >= 0;
}

bool driver_word_provenance(const char *value, enum driver_provenance *out)
{
	for (enum driver_provenance p = DRIVER_VENDOR_TABLE; p <= DRIVER_INFERRED; p++) {
		if (strcmp(value, driver_provenance_text(p)) == 0) {
			*out = p;
			return true;
		}
	}
	return false;
}

const char *driver_word_guess(struct driver_reader *r, const struct nearest *near)
{
	return text_did_you_mean(near, " (did you mean ", "?)", r->guess, sizeof(r->guess));
}

static void to_lower(char *out, size_t n, const char *text, size_t length)
{
	size_t i = 0;

	for (; i < length && i + 1 < n; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	out[i] = '\0';
}

const char *driver_word_guess_in(struct driver_reader *r, const char *value, const char *allowed)
{
	char written[32], word[32];
	/* half of the letters of a short value may be anything: that is no likeness */
	size_t nearest = strlen(value) / 2 + 1, n;

	r->guess[0] = '\0';
	if (strchr(value, ' ') != NULL)
		return r->guess;
	to_lower(written, sizeof(written), value, strlen(value));
	for (; *allowed != '\0'; allowed += n + strspn(allowed + n, " ,:;")) {
		size_t distance;

		n = strcspn(allowed, " ,:;");
		to_lower(word, sizeof(word), allowed, n);
		distance = nearest_distance(written, word);
		if (n == strlen(value) && strncmp(allowed, value, n) == 0) {
			r->guess[0] = '\0'; /* it is not the word that is wrong */
			return r->guess;
		}
		if (distance >= nearest || (n < 2 && distance > 0) || !isalpha((unsigned char)word[0]))
			continue;
		nearest = distance;
		snprintf(r->guess, sizeof(r->guess), " (did you mean %.*s?)", (int)n, allowed);
	}
	return r->guess;
}

const char *driver_word_text(struct driver_reader *r, const char *value, char *out, size_t out_bytes)
{
	size_t n = strlen(value);

	if (n > 0 && n < out_bytes) {
		memcpy(out, value, n + 1);
		return NULL;
	}
	snprintf(r->allowed, sizeof(r->allowed), "a text of 1 to %zu bytes", out_bytes - 1);
	return r->allowed;
}

bool driver_word_is_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= DRIVER_NAME_MAX &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

bool driver_word_range(const char *value, uint64_t max, uint64_t *low, uint64_t *high)
{
	const char *dash = strchr(value, '-');
	char text[8];

	if (dash == NULL)
		return driver_word_number(value, max, low) && driver_word_number(value, max, high);
	if (dash - value >= (ptrdiff_t)sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(dash - value), value);
	return driver_word_number(text, max, low) && driver_word_number(dash + 1, max, high) && *low <= *high;
}

bool driver_word_next(const char **list, char *item, size_t item_bytes)
{
	size_t n;

	*list += strspn(*list, " \t,");
	n = strcspn(*list, " \t,");
	snprintf(item, item_bytes, "%.*s", (int)n, *list);
	*list += n;
	return n > 0;
}

const char *driver_word_na(const char *value, struct driver_na *na)
{
	char item[INIFILE_LINE_BYTES_MAX + 1];

	*na = (struct driver_na){.given = true};
	if (strcmp(value, "none") == 0)
		return NULL;
	na->automatic = strcmp(value, "auto") == 0;
	if (na->automatic)
		return NULL;
	while (driver_word_next(&value, item, sizeof(item))) {
		struct driver_pattern *p = &na->pattern[na->n];

		if (na->n == MODEL_NA_MAX || strncmp(item, "0x", 2) != 0 || strlen(item) > 18 ||
		    !driver_word_number(item, UINT64_MAX, &p->value))
			return "none, auto, or up to 8 patterns such as 0xFFFF separated by commas";
		p->n_digits = (unsigned)strlen(item) - 2;
		na->n++;
	}
	return na->n > 0 ? NULL : "none, auto, or patterns such as 0xFFFF";
}
