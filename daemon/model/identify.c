/* SPDX-License-Identifier: MIT */
/* Each table is tried in turn: its identity rows are read as the planner would read them, and each is compared with
 * what the row expects. The first expectation that is not met ends the try, so that most tables cost one short read. A
 * read that was made for an earlier table serves later ones too, good or refused. Tables that expect a maker come
 * first: they prove most. Only when none of them got a word out of the device are the others tried, which expect one or
 * two plain numbers.
 *
 * The table that has the most expectations met and none unmet is the model; when several are equal there, no model is
 * named, and the caller gets them all. */
#include "identify.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "plan.h"

enum { READS_MAX = 24 };

/* A read that was made. */
struct made {
	uint8_t function;
	uint16_t address, n_words;
	bool is_exact; /* addresses are no words: only the very same read is sure to be one */
	bool good;
	uint16_t words[DRIVER_WORDS_MAX];
};

struct asker {
	identify_read_fn *read;
	void *context;
	size_t n_made;
	struct made made[READS_MAX];
};

/* How well a device fits one table. */
struct fit {
	struct identity answers;
	unsigned n_said, n_met, n_unmet;
};

struct best {
	unsigned n_met, n_said;
	size_t n_fits;
	const struct driver *fits[IDENTITY_FITS_MAX];
};

const struct driver_row *identify_first_row(struct driver *const *drivers, size_t n, uint8_t *function)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < drivers[i]->n_rows; k++) {
			const struct driver_row *row = &drivers[i]->rows[k];

			if (row->quantity == Q_MAKER && row->expect[0] != '\0') {
				*function = row->function;
				return row;
			}
		}
	}
	return NULL;
}

bool identify_can_recognise(const struct driver *d)
{
	for (size_t i = 0; i < d->n_rows; i++)
		if (d->rows[i].expect[0] != '\0')
			return true;
	return false;
}

static bool expects_maker(const struct driver *d)
{
	const struct driver_row *row = driver_row(d, Q_MAKER);

	return row != NULL && row->expect[0] != '\0';
}

/* Whether the words of inner lie in outer. */
static bool contains(const struct made *outer, const struct made *inner)
{
	if (outer->function != inner->function)
		return false;
	if (outer->is_exact || inner->is_exact)
		return outer->address == inner->address && outer->n_words == inner->n_words;
	return outer->address <= inner->address && outer->address + outer->n_words >= inner->address + inner->n_words;
}

/* From an earlier read that has them, else from the device. Returns whether they were read. */
static bool read_words(struct asker *a, const struct driver *d, const struct plan_request *r, uint16_t *words)
{
	struct made wanted = {.function = r->function,
			      .address = r->address,
			      .n_words = r->n_words,
			      .is_exact = d->byte_addressed || d->long_addressed};
	struct made *m;

	for (size_t i = 0; i < a->n_made; i++) {
		m = &a->made[i];
		if (m->good && contains(m, &wanted)) {
			memcpy(words, &m->words[r->address - m->address], r->n_words * sizeof(*words));
			return true;
		}
		if (!m->good && contains(&wanted, m))
			return false;
	}
	if (a->n_made == READS_MAX)
		return false;
	m = &a->made[a->n_made++];
	*m = wanted;
	m->good = a->read(a->context, r->function, r->address, r->n_words, m->words) == 0;
	if (m->good)
		memcpy(words, m->words, r->n_words * sizeof(*words));
	return m->good;
}

static void set_text(struct identity *id, enum quantity q, const char *text)
{
	if (q == Q_MAKER)
		snprintf(id->maker, sizeof(id->maker), "%s", text);
	else if (q == Q_PRODUCT)
		snprintf(id->product, sizeof(id->product), "%s", text);
	else if (q == Q_PRODUCT_NAME)
		snprintf(id->name, sizeof(id->name), "%s", text);
	else if (q == Q_SERIAL_NUMBER)
		snprintf(id->serial, sizeof(id->serial), "%s", text);
	else if (q == Q_FIRMWARE_VERSION)
		snprintf(id->firmware, sizeof(id->firmware), "%s", text);
}

static void judge_row(const struct driver *d, const struct driver_row *row, const uint16_t *words, struct fit *f)
{
	char text[sizeof(f->answers.serial)];

	if (codec_text(d->order, row, words, text, sizeof(text)) != CODEC_OK) {
		f->n_unmet += row->expect[0] != '\0';
		return;
	}
	f->n_said++;
	set_text(&f->answers, row->quantity, text);
	if (row->expect[0] == '\0')
		return;
	if (driver_row_expects(row, text))
		f->n_met++;
	else
		f->n_unmet++;
}

/* Read and judge the identity rows of one table, until an expectation is not met. */
static int judge_table(const struct driver *d, struct asker *a, struct fit *f)
{
	struct plan *p = plan_new(d, DRIVER_IDENTITY, NULL, NULL);
	uint16_t words[DRIVER_WORDS_MAX];

	if (p == NULL)
		return -ENOMEM;
	for (unsigned r = 0; r < p->n_requests && f->n_unmet == 0; r++) {
		bool answered = read_words(a, d, &p->requests[r], words);

		for (unsigned i = 0; i < p->n_items; i++) {
			const struct driver_row *row = &d->rows[p->items[i].row];

			if (p->items[i].request != r)
				continue;
			if (answered)
				judge_row(d, row, &words[p->items[i].word - p->requests[r].word], f);
			else
				f->n_unmet += row->expect[0] != '\0';
		}
	}
	plan_free(p);
	return 0;
}

/* Judge one table, and keep it when none before fits better. */
static int consider_table(const struct driver *d, struct asker *a, struct best *best, struct identity *out)
{
	struct fit f = {0};

	if (judge_table(d, a, &f) != 0)
		return -ENOMEM;
	/* A sibling's table may name more rows than the model's own: the fullest answer is kept. */
	if (f.n_met > 0 && f.n_said > best->n_said) {
		best->n_said = f.n_said;
		*out = f.answers;
	}
	if (f.n_unmet > 0 || f.n_met == 0 || f.n_met < best->n_met)
		return 0;
	if (f.n_met > best->n_met)
		best->n_fits = 0;
	best->n_met = f.n_met;
	if (best->n_fits < IDENTITY_FITS_MAX)
		best->fits[best->n_fits++] = d;
	return 0;
}

int identify(struct driver *const *drivers, size_t n, identify_read_fn *read, void *context, struct identity *out)
{
	struct asker a = {.read = read, .context = context};
	struct best best = {0};

	*out = (struct identity){0};
	for (size_t i = 0; i < n; i++)
		if (expects_maker(drivers[i]) && consider_table(drivers[i], &a, &best, out) != 0)
			return -ENOMEM;
	/* A device whose maker is known is not asked for the others' one or two numbers at other places. */
	for (size_t i = 0; i < n && best.n_said == 0; i++)
		if (!expects_maker(drivers[i]) && identify_can_recognise(drivers[i]) &&
		    consider_table(drivers[i], &a, &best, out) != 0)
			return -ENOMEM;
	out->model = best.n_fits == 1 ? best.fits[0] : NULL;
	out->n_fits = best.n_fits;
	memcpy(out->fits, best.fits, sizeof(out->fits));
	return 0;
}
