/* SPDX-License-Identifier: MIT */
#include "ledger_key.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "digest.h"

static void add(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Add a text to a list with commas; a list that is too long is cut. */
static void add(char *out, size_t size, const char *fmt, ...)
{
	size_t n = strlen(out);
	va_list args;

	if (n > 0)
		n += (size_t)snprintf(out + n, size - n, ", ");
	if (n >= size)
		return;
	va_start(args, fmt);
	vsnprintf(out + n, size - n, fmt, args);
	va_end(args);
}

static bool is_ratio(uint32_t primary, uint32_t secondary, uint32_t other_primary, uint32_t other_secondary)
{
	return (uint64_t)primary * other_secondary == (uint64_t)other_primary * secondary;
}

/* "10 Wh", "5/16 Wh"; of: the quantity is another one too, "10 Wh of heat" */
static void format_pulse(const struct ledger_key *k, bool of, char *out, size_t n)
{
	const char *unit = names_get(k->pulse_of)->unit;
	char per[24] = "";

	if (k->pulse_per != 1)
		snprintf(per, sizeof(per), "/%lld", (long long)k->pulse_per);
	snprintf(out, n, "%lld%s %s%s%s", (long long)k->pulse_weight, per, unit, of ? " of " : "",
		 of ? names_get(k->pulse_of)->name : "");
}

static unsigned compare_meanings(const struct ledger_key *was, const struct ledger_key *is, char *words)
{
	bool is_other = is->pulse_per != 0 && was->pulse_of != is->pulse_of;
	char pulse_was[100], pulse_is[100];
	unsigned changed = 0;

	if (!is_ratio(was->ct_primary, was->ct_secondary, is->ct_primary, is->ct_secondary)) {
		changed = LEDGER_KEY_MEANING;
		add(words, LEDGER_KEY_WORDS_MAX, "ct %u/%u -> %u/%u", was->ct_primary, was->ct_secondary,
		    is->ct_primary, is->ct_secondary);
	}
	if (!is_ratio(was->vt_primary, was->vt_secondary, is->vt_primary, is->vt_secondary)) {
		changed = LEDGER_KEY_MEANING;
		add(words, LEDGER_KEY_WORDS_MAX, "vt %u/%u -> %u/%u", was->vt_primary, was->vt_secondary,
		    is->vt_primary, is->vt_secondary);
	}
	if (was->pulse_weight != is->pulse_weight || was->pulse_per != is->pulse_per || is_other) {
		changed = LEDGER_KEY_MEANING;
		/* the base unit says which, unless both are in Wh */
		is_other = is_other && strcmp(names_get(was->pulse_of)->unit, names_get(is->pulse_of)->unit) == 0;
		format_pulse(was, is_other, pulse_was, sizeof(pulse_was));
		format_pulse(is, is_other, pulse_is, sizeof(pulse_is));
		add(words, LEDGER_KEY_WORDS_MAX, "pulse %s -> %s", pulse_was, pulse_is);
	}
	return changed;
}

static bool is_same_place(const struct ledger_key *was, const struct ledger_key *is)
{
	return strcmp(was->model, is->model) == 0 && strcmp(was->bus, is->bus) == 0 && was->address == is->address;
}

static unsigned compare_places(const struct ledger_key *was, const struct ledger_key *is, char *words)
{
	unsigned changed = 0;

	/* one that is in the same place is the same one under another name */
	bool is_other = was->concentrator != is->concentrator && !is_same_place(was, is);

	if (is_other || was->input != is->input) {
		changed = LEDGER_KEY_PLACE;
		add(words, LEDGER_KEY_WORDS_MAX, "concentrator %s input %u -> concentrator %s input %u",
		    was->concentrator_name, was->input, is->concentrator_name, is->input);
	}
	/* the places of two concentrators are no change of one */
	if (is_other)
		return changed;
	if (strcmp(was->model, is->model) != 0) {
		changed = LEDGER_KEY_PLACE;
		add(words, LEDGER_KEY_WORDS_MAX, "model %s -> %s", was->model, is->model);
	}
	if (strcmp(was->bus, is->bus) != 0 || was->address != is->address) {
		changed = LEDGER_KEY_PLACE;
		add(words, LEDGER_KEY_WORDS_MAX, "bus %s address %u -> bus %s address %u", was->bus, was->address,
		    is->bus, is->address);
	}
	return changed;
}

unsigned ledger_key_compare(const struct ledger_key *was, const struct ledger_key *is, char words[LEDGER_KEY_WORDS_MAX])
{
	unsigned changed;

	words[0] = '\0';
	changed = compare_meanings(was, is, words);
	return changed | compare_places(was, is, words);
}

/* Of one count, in the parts of a base unit that its quantity is counted in. */
static int64_t weight_of(const struct driver *d, const struct driver_row *row, const struct ledger_key *ratios)
{
	return driver_multiplier(d, row, ratios->ct_primary, ratios->ct_secondary, ratios->vt_primary,
				 ratios->vt_secondary) /
	       driver_finer(d, row->quantity);
}

void ledger_key_registers(const struct driver *d, enum quantity q, const struct ledger_key *ratios, int64_t parts,
			  char out[LEDGER_REGISTERS_MAX])
{
	char type[DRIVER_TYPE_TEXT_MAX], part[24] = "", order[8], sign[48], ten[48], function[16];

	out[0] = '\0';
	if (parts > 1)
		snprintf(part, sizeof(part), "1/%lld ", (long long)parts);
	for (size_t i = 0; i < d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i];

		if (row->quantity != q)
			continue;
		driver_row_type_text(row, type);
		order[0] = sign[0] = ten[0] = function[0] = '\0';
		if (row->function != d->function)
			snprintf(function, sizeof(function), "function %u ", row->function);
		if (row->has_ten)
			snprintf(ten, sizeof(ten), " x 10^0..%d at %u", row->ten_high - row->ten_low, row->ten_address);
		if (row->n_words > 1)
			snprintf(order, sizeof(order), " %s", driver_order_text(d->order));
		if (row->has_sign)
			snprintf(sign, sizeof(sign), ", negative if %u is %u", row->sign_address, row->sign_value);
		add(out, LEDGER_REGISTERS_MAX, "%s%s%u %s%s x %lld %s%s%s%s", row->is_rest ? "rest " : "", function,
		    row->address, type, order, (long long)weight_of(d, row, ratios), part, names_get(q)->unit, ten,
		    sign);
	}
}

int64_t ledger_key_meaning(const struct driver *d, const struct ledger_key *ratios, const struct account_limits *limits)
{
	uint64_t digest = DIGEST_EMPTY;
	char registers[LEDGER_REGISTERS_MAX];

	for (int q = 0; q < Q_COUNT; q++) {
		const struct account_limit *l = &limits->of[q];

		if (driver_row(d, (enum quantity)q) == NULL || !names_is_counter((enum quantity)q))
			continue;
		ledger_key_registers(d, (enum quantity)q, ratios, l->parts, registers);
		digest = digest_text(digest_text(digest, names_get((enum quantity)q)->name), registers);
		digest = digest_whole(digest_whole(digest, l->step), l->per_hour);
		digest = digest_whole(digest_whole(digest, l->back_step), l->modulus_read);
		digest = digest_whole(digest_whole(digest, l->coarse_step), l->fold);
		for (size_t i = 0; i < EXPLAIN_MODULI_MAX; i++)
			digest = digest_whole(digest, l->moduli[i]);
	}
	return digest != 0 ? (int64_t)digest : 1;
}
