/* SPDX-License-Identifier: MIT */
#include "driver_check.h"

#include <stdio.h>
#include <string.h>

#include "driver.h"
#include "err.h"
#include "plan.h"

enum { ADDRESSES = 65536 };

static const char *name_of(const struct driver_row *row)
{
	return names_get(row->quantity)->name;
}

static uint32_t row_end(const struct driver *d, const struct driver_row *row)
{
	return row->address + driver_row_span(d, row);
}

static bool overlap(uint32_t start, uint32_t end, uint32_t start2, uint32_t end2)
{
	return start < end2 && start2 < end;
}

void driver_check_blocks(const struct driver *d, struct err *e)
{
	for (size_t i = 0; i < d->n_blocks; i++) {
		const struct driver_block *b = &d->blocks[i];

		if (d->long_addressed && b->n_words % 2 != 0)
			err_add(e, d->file, b->line,
				"block %s has %u words; use an even number where an address has 32 bits", b->name,
				b->n_words);
		if (driver_block_end(d, b) > ADDRESSES)
			err_add(e, d->file, b->line,
				"block %s is out of range: it ends at address %u; use addresses up to %d", b->name,
				driver_block_end(d, b) - 1, ADDRESSES - 1);
		for (size_t j = 0; j < i; j++) {
			const struct driver_block *other = &d->blocks[j];

			if (b->function == other->function &&
			    overlap(b->address, driver_block_end(d, b), other->address, driver_block_end(d, other)))
				err_add(e, d->file, b->line,
					"block %s (%u to %u) overlaps block %s (%u to %u, line %u); put each address "
					"in one block at most",
					b->name, b->address, driver_block_end(d, b) - 1, other->name, other->address,
					driver_block_end(d, other) - 1, other->line);
		}
	}
}

static void check_place(const struct driver *d, const struct driver_row *row, struct err *e)
{
	uint32_t end = row_end(d, row);

	for (size_t i = 0; i < d->n_blocks; i++) {
		const struct driver_block *b = &d->blocks[i];

		if (driver_block_overlaps(d, b, row) && (row->address < b->address || end > driver_block_end(d, b)))
			err_add(e, d->file, row->line,
				"%s (addresses %u to %u) is half in block %s (%u to %u, line %u); put it wholly in one "
				"block or in none",
				name_of(row), row->address, end - 1, b->name, b->address, driver_block_end(d, b) - 1,
				b->line);
	}
}

static void check_length(const struct driver *d, const struct driver_row *row, struct err *e)
{
	if (row_end(d, row) > ADDRESSES)
		err_add(e, d->file, row->line, "%s is out of range: it ends at address %u; use addresses up to %d",
			name_of(row), row_end(d, row) - 1, ADDRESSES - 1);
	if (row->n_words > d->max_words)
		err_add(e, d->file, row->line, "%s is too long (%u words); use at most max_words, %u", name_of(row),
			row->n_words, d->max_words);
}

/* The part of one word that the row means, as a mask; all of it for longer types. */
static unsigned used_bits(const struct driver_row *row)
{
	switch (row->type) {
	case DRIVER_U8_LOW:
		return 0x00FF;
	case DRIVER_U8_HIGH:
		return 0xFF00;
	case DRIVER_BIT:
		return 1u << row->bit_low;
	case DRIVER_BITS:
		return ((2u << row->bit_high) - 1) & ~((1u << row->bit_low) - 1);
	default:
		return 0xFFFF;
	}
}

static bool may_share(const struct driver_row *a, const struct driver_row *b)
{
	if (a->quantity == b->quantity && !a->is_rest && !b->is_rest)
		return true; /* one of them is a fallback: they are never read together */
	return a->address == b->address && a->n_words == 1 && b->n_words == 1 && !(used_bits(a) & used_bits(b));
}

static void check_overlaps(const struct driver *d, const struct driver_row *row, struct err *e)
{
	for (const struct driver_row *other = d->rows; other < row; other++) {
		if (row->function != other->function ||
		    !overlap(row->address, row_end(d, row), other->address, row_end(d, other)) || may_share(row, other))
			continue;
		err_add(e, d->file, row->line,
			"%s (addresses %u to %u) overlaps %s (%u to %u, line %u); rows may share a word only for "
			"different bits of it",
			name_of(row), row->address, row_end(d, row) - 1, name_of(other), other->address,
			row_end(d, other) - 1, other->line);
	}
}

/* Both are of one moment, and one cannot be without the other. */
static void check_rest(const struct driver *d, const struct driver_row *row, struct err *e)
{
	const struct driver_row *rest = driver_rest(d, row);

	if (rest == NULL)
		return;
	if (rest->function != row->function || rest->group != row->group || rest->optional != row->optional ||
	    rest->shared != row->shared || row->has_ten || rest->add != 0 || row->add != 0)
		err_add(e, d->file, rest->line,
			"%s is the rest of the row in line %u and differs from it in function, group, shared or "
			"optional, or "
			"goes with add or exponent; use the same, without add and exponent",
			name_of(rest), row->line);
	else if (rest->has_sign != row->has_sign ||
		 (row->has_sign && (rest->sign_address != row->sign_address || rest->sign_value != row->sign_value)))
		err_add(e, d->file, rest->line,
			"%s has another sign word than the row in line %u; use the same for both", name_of(rest),
			row->line);
	else if (!plan_reads_together(d, row))
		err_add(e, d->file, rest->line,
			"%s (address %u) and its rest (address %u) are not read in one request; put both in one block, "
			"or in "
			"none with gaps = yes, not further from each other than max_words",
			name_of(row), row->address, rest->address);
}

/* The words beside the value in a table of longer registers. */
static void check_long(const struct driver *d, const struct driver_row *row, struct err *e)
{
	if (!d->long_addressed)
		return;
	if (row->n_words % 2 != 0)
		err_add(e, d->file, row->line,
			"%s has %u word%s; use types of 32 or 64 bits where an address has 32 bits", name_of(row),
			row->n_words, row->n_words == 1 ? "" : "s");
	if (row->has_sign || row->has_ten)
		err_add(e, d->file, row->line, "option '%s' of %s is for tables of words; use another register",
			row->has_sign ? "sign" : "exponent", name_of(row));
}

/* A word beside the value, of this kind: it is no part of a row, and each load has it. */
static void check_word(const struct driver *d, const struct driver_row *row, const char *kind, uint16_t address,
		       struct err *e)
{
	for (size_t i = 0; i < d->n_rows; i++) {
		const struct driver_row *other = &d->rows[i];

		if (row->function == other->function && address >= other->address && address < row_end(d, other))
			err_add(e, d->file, row->line,
				"%s word %u of %s lies in %s (%u to %u, line %u); use a word of its own", kind, address,
				name_of(row), name_of(other), other->address, row_end(d, other) - 1, other->line);
	}
	if (!row->shared && address + (d->n_loads - 1u) * d->stride >= ADDRESSES)
		err_add(e, d->file, row->line,
			"%s word of %s is out of range in load %u: address %u; use a smaller stride", kind,
			name_of(row), d->n_loads, address + (d->n_loads - 1u) * d->stride);
}

static void check_words(const struct driver *d, const struct driver_row *row, struct err *e)
{
	if (row->has_sign)
		check_word(d, row, "sign", row->sign_address, e);
	if (row->has_ten)
		check_word(d, row, "exponent", row->ten_address, e);
}

/* Each load has its registers in the table, and a block those of all loads or of each. */
static void check_loads(const struct driver *d, const struct driver_row *row, struct err *e)
{
	uint32_t end = row_end(d, row) + (d->n_loads - 1u) * d->stride;

	if (d->n_loads < 2) {
		if (row->shared && names_get(row->quantity)->kind != NAMES_IDENTITY)
			err_add(e, d->file, row->line, "option 'shared' of %s has no meaning with one load; remove it",
				name_of(row));
		return;
	}
	if (!row->shared && end > ADDRESSES)
		err_add(e, d->file, row->line,
			"%s of load %u is out of range: it ends at address %u; use a smaller stride, or the option "
			"shared "
			"where all loads have one register",
			name_of(row), d->n_loads, end - 1);
	for (const struct driver_row *other = d->rows; other < row; other++)
		if (row->block >= 0 && other->block == row->block && other->shared != row->shared) {
			err_add(e, d->file, row->line,
				"%s is %s and %s (line %u) is %s, but both are in block %s; put them in two blocks",
				name_of(row), row->shared ? "shared" : "of each load", name_of(other), other->line,
				other->shared ? "shared" : "of each load", d->blocks[row->block].name);
			return;
		}
}

static void refuse_weight(const struct driver *d, const struct driver_row *row, struct err *e, const char *when,
			  const char *scale)
{
	const char *unit = names_get(row->quantity)->unit;

	if (names_has_parts(row->quantity))
		err_add(e, d->file, row->line,
			"scale of %s is too fine or too large%s%s; use counts that, together with those of the other "
			"counters, are whole numbers of 1/%d %s at the finest",
			name_of(row), when, scale, DRIVER_PARTS_MAX, unit);
	else
		err_add(e, d->file, row->line,
			"scale of %s loses digits%s%s: one count is not a whole number of %s; use whole numbers of %s "
			"from 1 to 9223372036854775807",
			name_of(row), when, scale, unit, unit);
}

/* One count must be a whole number of base units, or of driver.parts, at every step; each step is tried at its lowest
 * ratio. */
static void check_weight(const struct driver *d, const struct driver_row *row, struct err *e)
{
	const struct driver_scale *scale = row->scale >= 0 ? &d->scales[row->scale] : NULL;
	uint32_t ratio = 1;

	if (scale == NULL) {
		if (driver_multiplier(d, row, 1, 1, 1, 1) == 0)
			refuse_weight(d, row, e, "", "");
		return;
	}
	if (!d->ratios)
		err_add(e, d->file, row->line,
			"scale '@%s' of %s conflicts with ratios = no; set ratios = yes, then the bus file gives the "
			"ratios",
			scale->name, name_of(row));
	for (size_t i = 0; i < scale->n_steps; i++) {
		if (driver_multiplier(d, row, ratio, 1, 1, 1) == 0) {
			refuse_weight(d, row, e, " at a step of scale ", scale->name);
			return;
		}
		ratio = (uint32_t)scale->steps[i].below; /* not used after the last step */
	}
}

static void check_fallback(const struct driver *d, const struct driver_row *row, struct err *e)
{
	const struct driver_row *first = driver_row(d, row->quantity);

	if (row->fallback && first->group != row->group)
		err_add(e, d->file, row->line,
			"option 'fallback' of %s conflicts with the group in line %u; use the same group", name_of(row),
			first->line);
}

/* One of the moduli of a row whose count weighs so much; 0 where that depends on the ratios. */
static void check_one_modulus(const struct driver *d, const struct driver_row *row, size_t i, int64_t count,
			      struct err *e)
{
	const struct driver_modulus *modulus = &row->moduli[i];
	int64_t n_counts = driver_row_counts(row), n = modulus->amount;
	char multiple[24];

	/* in counts at the lowest power of ten; 0 = too many to be exceeded */
	for (int ten = row->ten_low; row->has_ten && ten < row->ten_high; ten++)
		if (__builtin_mul_overflow(n_counts, INT64_C(10), &n_counts))
			n_counts = 0;

	if (!modulus->in_counts) {
		if (count == 0)
			return;
		if (n % count != 0) {
			snprintf(multiple, sizeof(multiple), "%lld", (long long)count);
			err_add(e, d->file, row->line,
				"modulus of %s is not a whole number of counts; use a multiple of %s", name_of(row),
				d->parts > 1 ? "one count" : multiple);
			return;
		}
		n /= count;
	}
	if (n_counts > 0 && n > n_counts)
		err_add(e, d->file, row->line,
			"modulus of %s is out of range: it is %lld counts; use at most the %lld that its type can show",
			name_of(row), (long long)n, (long long)n_counts);
}

static void check_modulus(const struct driver *d, const struct driver_row *row, struct err *e)
{
	const struct driver_row *max = driver_row(d, Q_COUNTER_MAX);
	int64_t count = row->scale < 0 ? driver_multiplier(d, row, 1, 1, 1, 1) : 0;

	for (size_t i = 0; i < DRIVER_MODULI_MAX && row->moduli[i].amount > 0; i++)
		check_one_modulus(d, row, i, count, e);
	if (row->modulus_read && max != NULL && max->group != DRIVER_STATE)
		err_add(e, d->file, row->line,
			"modulus 'read' of %s conflicts with the group of row counter_max (line %u); use the group "
			"state there",
			name_of(row), max->line);
}

static void check_provenance(const struct driver *d, const struct driver_row *row, struct err *e)
{
	if (row->provenance < d->provenance)
		err_add(e, d->file, row->line, "provenance '%s' of %s is stronger than the table's; use '%s' or weaker",
			driver_provenance_text(row->provenance), name_of(row), driver_provenance_text(d->provenance));
}

static bool uses_block(const struct driver *d, const struct driver_block *b)
{
	for (size_t i = 0; i < d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i];

		if (row->block == b - d->blocks ||
		    (row->has_sign && row->function == b->function && row->sign_address >= b->address &&
		     row->sign_address < driver_block_end(d, b)))
			return true;
	}
	return false;
}

static bool uses_scale(const struct driver *d, size_t scale)
{
	for (size_t i = 0; i < d->n_rows; i++)
		if (d->rows[i].scale == (int)scale)
			return true;
	return false;
}

/* The account measures days by the totals. */
static void warn_no_total(const struct driver *d, struct err *e)
{
	const struct driver_row *beside = NULL;

	for (const struct driver_row *row = d->rows; row < d->rows + d->n_rows; row++) {
		if (row->quantity <= Q_APPARENT_ENERGY || row->quantity == Q_VOLUME || row->quantity == Q_HEAT)
			return;
		if (beside == NULL && names_is_counter(row->quantity) &&
		    strcmp(names_get(row->quantity)->table, "energy_other") == 0)
			beside = row;
	}
	if (beside != NULL)
		err_warn(e, d->file, beside->line,
			 "%s is there, but no total: days will have no coverage; call the one energy of a meter "
			 "active_energy_import",
			 name_of(beside));
}

void driver_check_unused(const struct driver *d, struct err *e)
{
	warn_no_total(d, e);
	for (size_t i = 0; i < d->n_blocks; i++)
		if (!uses_block(d, &d->blocks[i]))
			err_warn(e, d->file, d->blocks[i].line, "block %s (%u to %u) has no row in it",
				 d->blocks[i].name, d->blocks[i].address, driver_block_end(d, &d->blocks[i]) - 1);
	for (size_t i = 0; i < d->n_scales; i++)
		if (!uses_scale(d, i))
			err_warn(e, d->file, d->scales[i].line, "scale %s is used by no row", d->scales[i].name);
}

void driver_check_row(const struct driver *d, const struct driver_row *row, struct err *e)
{
	check_place(d, row, e);
	check_length(d, row, e);
	check_overlaps(d, row, e);
	check_words(d, row, e);
	check_rest(d, row, e);
	check_long(d, row, e);
	check_loads(d, row, e);
	check_weight(d, row, e);
	check_fallback(d, row, e);
	check_modulus(d, row, e);
	check_provenance(d, row, e);
}
