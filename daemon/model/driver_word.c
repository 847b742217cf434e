/* SPDX-License-Identifier: MIT */
#include "driver_reader.h"

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

bool driver_word_decimal(const char *text, size_t n, int64_t *mantissa, int32_t *exponent)
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

bool driver_word_amount(const char *text, size_t n, int64_t unit_mantissa, int32_t unit_exponent, int64_t *out)
{
	int64_t mantissa, value;
	int32_t exponent;

	if (!driver_word_decimal(text, n, &mantissa, &exponent) ||
	    __builtin_mul_overflow(mantissa, unit_mantissa, &value))
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
	return text_did_you_mean(near, " ('", "'?)", r->guess, sizeof(r->guess));
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
			return "none, auto, or up to 8 patterns such as 0xFFFF divided by commas";
		p->n_digits = (unsigned)strlen(item) - 2;
		na->n++;
	}
	return na->n > 0 ? NULL : "none, auto, or patterns such as 0xFFFF";
}
