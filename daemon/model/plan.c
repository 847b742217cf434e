/* SPDX-License-Identifier: MIT */
/* The rows that are wanted become cells: spans of words that must come in one piece, a value or a sign word, in the
 * order of their addresses. Of two neighbouring cells it is known whether one request may hold both; that settles it
 * for longer runs too, for a request may reach from one cell to another when each step between them is allowed and the
 * whole is no longer than max_words.
 *
 * The requests are chosen from left to right: the best cover of the first i + 1 cells is the best cover of the first k
 * cells and one request for the rest, for the k that parts the fewest values from their signs, then gives the fewest
 * requests and then the fewest words. Requests never share a word, so the best covers of the beginnings are all that
 * needs to be remembered, and the result is the cheapest of all plans, not just a good one. test_plan.c compares it
 * with every plan of many small random tables.
 *
 * Where answers do not say what they answer, a second request of the same word count costs a fence (link.h). So a
 * request is given spare words where the table has some, and the others are put in an order in which the fewest
 * neighbours are equal: the most frequent count that may follow comes next.
 *
 * A plan is one block of memory: struct, items, requests. */
#include "plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

_Static_assert((int)PLAN_ROWS_MAX == (int)DRIVER_ROWS_MAX, "a set has room for every row");

enum {
	CELLS_MAX = 3 * DRIVER_ROWS_MAX, /* a value, a sign word and a power of ten of each row */
	SPARE_MAX = 4,
};

/* Words that are wanted together: the value of one or more rows, or a word beside it. */
struct cell {
	uint32_t start, end; /* places of addresses (driver_place()), end exclusive */
	uint16_t n_words;
	int block; /* index into driver->blocks, or -1 */
	bool alone;
};

struct cells {
	size_t n;
	struct cell cell[CELLS_MAX];
	bool joined[CELLS_MAX];	  /* cell i and i + 1 may be in one request */
	uint16_t from[CELLS_MAX]; /* the request that ends with cell i begins with this one */
	size_t n_pairs;
	struct {
		uint16_t value, beside; /* cells of a row, and of its sign, its power of ten or its rest */
		bool is_rest;
	} pair[2 * DRIVER_ROWS_MAX];
};

void plan_rows_add(struct plan_rows *set, unsigned row)
{
	set->bits[row / 64] |= UINT64_C(1) << (row % 64);
}

bool plan_rows_has(const struct plan_rows *set, unsigned row)
{
	return set->bits[row / 64] >> (row % 64) & 1;
}

static bool is_alone(const struct driver *d, const struct driver_row *row)
{
	return row->alone || (d->byte_addressed && row->n_words == 1);
}

static bool in_set(const struct plan_rows *set, size_t row)
{
	return set != NULL && plan_rows_has(set, (unsigned)row);
}

static uint32_t row_start(const struct driver_row *row)
{
	return driver_place(row->function, row->address);
}

static uint32_t row_end(const struct driver *d, const struct driver_row *row)
{
	return row_start(row) + driver_row_span(d, row);
}

static uint32_t sign_start(const struct driver_row *row)
{
	return driver_place(row->function, row->sign_address);
}

static uint32_t ten_start(const struct driver_row *row)
{
	return driver_place(row->function, row->ten_address);
}

static uint32_t block_start(const struct driver_block *b)
{
	return driver_place(b->function, b->address);
}

static uint32_t block_end(const struct driver *d, const struct driver_block *b)
{
	return block_start(b) + driver_block_end(d, b) - b->address;
}

static int block_of(const struct driver *d, uint32_t place)
{
	for (size_t i = 0; i < d->n_blocks; i++) {
		const struct driver_block *b = &d->blocks[i];

		if (place >= block_start(b) && place < block_end(d, b))
			return (int)i;
	}
	return -1;
}

static bool overlap(uint32_t start, uint32_t end, uint32_t start2, uint32_t end2)
{
	return start < end2 && start2 < end;
}

static bool row_overlaps(const struct driver *d, const struct driver_row *row, uint32_t start, uint32_t end)
{
	return overlap(row_start(row), row_end(d, row), start, end);
}

static bool sign_overlaps(const struct driver_row *row, uint32_t start, uint32_t end)
{
	return row->has_sign && sign_start(row) >= start && sign_start(row) < end;
}

static bool ten_overlaps(const struct driver_row *row, uint32_t start, uint32_t end)
{
	return row->has_ten && ten_start(row) >= start && ten_start(row) < end;
}

/* Whether the row has its sign, its power of ten or its rest among these words. */
static bool beside_overlaps(const struct driver *d, const struct driver_row *row, uint32_t start, uint32_t end)
{
	const struct driver_row *rest = driver_rest(d, row);

	return sign_overlaps(row, start, end) || ten_overlaps(row, start, end) ||
	       (rest != NULL && row_overlaps(d, rest, start, end));
}

/* Words that must not be read on the way to others: those read alone, and those the meter lacks. */
static bool is_barred(const struct driver *d, const struct plan_rows *missing, uint32_t start, uint32_t end)
{
	for (size_t i = 0; i < d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i];

		if (row_overlaps(d, row, start, end) && (is_alone(d, row) || in_set(missing, i)))
			return true;
		if (d->byte_addressed && (sign_overlaps(row, start, end) || ten_overlaps(row, start, end)))
			return true;
		if (in_set(missing, i) && beside_overlaps(d, row, start, end))
			return true;
	}
	return false;
}

/* First address from start on that no row names, at most end. */
static uint32_t known_until(const struct driver *d, uint32_t start, uint32_t end)
{
	uint32_t at = start;

	for (size_t i = 0; i < d->n_rows && at < end; i++) {
		const struct driver_row *row = &d->rows[i];

		if (row_overlaps(d, row, at, at + 1))
			at = row_end(d, row);
		else if (sign_overlaps(row, at, at + 1) || ten_overlaps(row, at, at + 1))
			at++;
		else
			continue;
		i = (size_t)-1; /* from the first row again */
	}
	return at < end ? at : end;
}

static bool crosses_block(const struct driver *d, uint32_t start, uint32_t end)
{
	for (size_t i = 0; i < d->n_blocks; i++) {
		const struct driver_block *b = &d->blocks[i];

		if (overlap(start, end, block_start(b), block_end(d, b)))
			return true;
	}
	return false;
}

/* Whether a request may read the words from start to end besides those of the block (or -1) that it is in. */
static bool may_cross(const struct driver *d, const struct plan_rows *missing, int block, uint32_t start, uint32_t end)
{
	bool known;

	if (start == end)
		return true;
	if (is_barred(d, missing, start, end))
		return false;
	known = known_until(d, start, end) == end;
	if (block >= 0)
		return known || d->blocks[block].gaps;
	return (known || d->gaps) && !crosses_block(d, start, end);
}

/* Whether one request may hold both cells, a before b, and the words between. */
static bool may_join(const struct driver *d, const struct plan_rows *missing, const struct cell *a,
		     const struct cell *b)
{
	return !a->alone && !b->alone && a->block == b->block && a->start / DRIVER_PLACES == b->start / DRIVER_PLACES &&
	       driver_addresses(d, driver_words(d, b->start - a->end)) == b->start - a->end &&
	       may_cross(d, missing, a->block, a->end, b->start);
}

static bool splits_row(const struct driver *d, uint32_t place)
{
	for (size_t i = 0; i < d->n_rows; i++)
		if (row_start(&d->rows[i]) < place && place < row_end(d, &d->rows[i]))
			return true;
	return false;
}

/* How many words behind its last cell a request of n_words may read too: the fewest, 0 = none. */
static uint16_t spare_words(const struct driver *d, const struct plan_rows *missing, const struct cell *last,
			    uint32_t n_words)
{
	uint32_t step = d->long_addressed ? 2 : 1;

	for (uint32_t n = step; n <= SPARE_MAX && n_words + n <= d->max_words && !last->alone; n += step) {
		uint32_t end = last->end + driver_addresses(d, n);

		if (end % DRIVER_PLACES < driver_addresses(d, n) ||
		    (last->block >= 0 && end > block_end(d, &d->blocks[last->block])))
			break;
		if (may_cross(d, missing, last->block, last->end, end) && !splits_row(d, end))
			return (uint16_t)n;
	}
	return 0;
}

/* Put a cell in its place by address; the same words once. */
static void add_cell(struct cells *c, struct cell cell)
{
	size_t i = c->n;

	for (; i > 0 && c->cell[i - 1].start >= cell.start; i--) {
		if (c->cell[i - 1].start == cell.start) {
			c->cell[i - 1].alone |= cell.alone;
			return;
		}
	}
	memmove(&c->cell[i + 1], &c->cell[i], (c->n - i) * sizeof(c->cell[0]));
	c->cell[i] = cell;
	c->n++;
}

static void add_value(struct cells *c, const struct driver *d, const struct driver_row *row)
{
	add_cell(c, (struct cell){
			    .start = row_start(row),
			    .end = row_end(d, row),
			    .n_words = row->n_words,
			    .block = row->block,
			    .alone = is_alone(d, row),
		    });
}

/* A word beside the value. */
static void add_word(struct cells *c, const struct driver *d, uint32_t place)
{
	add_cell(c, (struct cell){
			    .start = place,
			    .end = place + 1,
			    .n_words = 1,
			    .block = block_of(d, place),
			    .alone = d->byte_addressed,
		    });
}

/* All cells of a row: its value and what is beside it. */
static void add_row(struct cells *c, const struct driver *d, const struct driver_row *row)
{
	const struct driver_row *rest = driver_rest(d, row);

	add_value(c, d, row);
	if (row->has_sign)
		add_word(c, d, sign_start(row));
	if (row->has_ten)
		add_word(c, d, ten_start(row));
	if (rest != NULL)
		add_value(c, d, rest);
}

/* The rows to read: of each quantity in the groups the first that is not missing. */
static struct plan_rows choose_rows(const struct driver *d, unsigned groups, const struct plan_rows *missing)
{
	struct plan_rows chosen = {{0}};
	bool have[Q_COUNT] = {false};

	for (unsigned i = 0; i < d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i];

		if (have[row->quantity] || in_set(missing, i) || row->is_rest)
			continue;
		have[row->quantity] = true;
		if (row->group & groups)
			plan_rows_add(&chosen, i);
	}
	return chosen;
}

/* Whether the cell begins where the value or the sign of a row of the starts does. */
static bool must_start(const struct driver *d, const struct plan_rows *starts, const struct cell *cell)
{
	for (size_t i = 0; starts != NULL && i < d->n_rows; i++)
		if (in_set(starts, i) && (row_start(&d->rows[i]) == cell->start ||
					  sign_overlaps(&d->rows[i], cell->start, cell->start + 1) ||
					  ten_overlaps(&d->rows[i], cell->start, cell->start + 1)))
			return true;
	return false;
}

static uint16_t cell_at(const struct cells *c, uint32_t place)
{
	uint16_t i = 0;

	while (c->cell[i].start != place)
		i++;
	return i;
}

static void add_pair(struct cells *c, uint32_t value, uint32_t beside, bool is_rest)
{
	c->pair[c->n_pairs].value = cell_at(c, value);
	c->pair[c->n_pairs].beside = cell_at(c, beside);
	c->pair[c->n_pairs++].is_rest = is_rest;
}

static void collect_pairs(const struct driver *d, const struct plan_rows *chosen, struct cells *c)
{
	c->n_pairs = 0;
	for (unsigned i = 0; i < d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i], *rest = driver_rest(d, row);

		if (!plan_rows_has(chosen, i))
			continue;
		if (row->has_sign)
			add_pair(c, row_start(row), sign_start(row), false);
		if (row->has_ten)
			add_pair(c, row_start(row), ten_start(row), false);
		if (rest != NULL)
			add_pair(c, row_start(row), row_start(rest), true);
	}
}

/* The cell where a request begins if it has to at cell i: in front of a value and its rest that are on both sides. */
static size_t move_cut(const struct cells *c, size_t i)
{
	size_t cut = i;

	for (size_t k = 0; k < c->n_pairs; k++) {
		size_t value = c->pair[k].value, rest = c->pair[k].beside, low = value < rest ? value : rest;

		if (c->pair[k].is_rest && low < i && (value >= i || rest >= i) && low < cut)
			cut = low;
	}
	return cut;
}

static void collect_cells(const struct driver *d, const struct plan_rows *chosen, const struct plan_rows *missing,
			  const struct plan_rows *starts, struct cells *c)
{
	c->n = 0;
	for (unsigned i = 0; i < d->n_rows; i++)
		if (plan_rows_has(chosen, i))
			add_row(c, d, &d->rows[i]);
	collect_pairs(d, chosen, c);
	for (size_t i = 0; i + 1 < c->n; i++)
		c->joined[i] = may_join(d, missing, &c->cell[i], &c->cell[i + 1]);
	for (size_t i = 1; i < c->n; i++) {
		size_t cut = move_cut(c, i);

		if (cut > 0 && must_start(d, starts, &c->cell[i]))
			c->joined[cut - 1] = false;
	}
}

static uint32_t words_from_to(const struct driver *d, const struct cells *c, size_t first, size_t last)
{
	if (first == last)
		return c->cell[first].n_words;
	return driver_words(d, c->cell[last].end - c->cell[first].start);
}

/* By how much the number of pairs that are not in one request changes, when cell first is put
 * before those up to last: of values and rests, or of the others. */
static int parted_by(const struct cells *c, size_t first, size_t last, bool is_rest)
{
	int parted = 0;

	for (size_t i = 0; i < c->n_pairs; i++) {
		size_t value = c->pair[i].value, beside = c->pair[i].beside;
		size_t other = value == first ? beside : value;

		if (c->pair[i].is_rest == is_rest && (value == first || beside == first))
			parted += other > first && other <= last ? -1 : 1;
	}
	return parted;
}

/* The cost of a cover, what matters most first. */
struct cost {
	uint32_t n_torn;   /* values and rests without the other one in the same request: worth nothing */
	uint32_t n_parted; /* halves of pairs without the other one in the same request */
	uint32_t n_requests, n_words;
};

static bool is_cheaper(struct cost a, struct cost b)
{
	if (a.n_torn != b.n_torn)
		return a.n_torn < b.n_torn;
	if (a.n_parted != b.n_parted)
		return a.n_parted < b.n_parted;
	return a.n_requests != b.n_requests ? a.n_requests < b.n_requests : a.n_words < b.n_words;
}

/* The cheapest way to cover cells 0..i for each i in turn. Returns how many requests cover all, and in *n_words their
 * words. */
static size_t choose_requests(const struct driver *d, struct cells *c, uint32_t *n_words)
{
	struct cost best[CELLS_MAX + 1] = {{0}}; /* of the first i cells */

	for (size_t last = 0; last < c->n; last++) {
		int n_parted = 0, n_torn = 0;

		best[last + 1].n_torn = UINT32_MAX;
		for (size_t first = last + 1; first-- > 0;) {
			uint32_t words = words_from_to(d, c, first, last);
			struct cost cost = best[first];

			if (first < last && (!c->joined[first] || words > d->max_words))
				break;
			n_parted += parted_by(c, first, last, false);
			n_torn += parted_by(c, first, last, true);
			cost.n_parted += (uint32_t)n_parted;
			cost.n_torn += (uint32_t)n_torn;
			cost.n_requests++;
			cost.n_words += words;
			if (!is_cheaper(cost, best[last + 1]))
				continue;
			best[last + 1] = cost;
			c->from[last] = (uint16_t)first;
		}
	}
	*n_words = best[c->n].n_words;
	return best[c->n].n_requests;
}

/* From the last cell back to the first: the requests, in the order of their addresses. */
static void fill_requests(const struct driver *d, const struct cells *c, const struct plan_rows *missing,
			  bool has_starts, struct plan *p)
{
	uint32_t word = p->n_words;
	size_t end = c->n;

	for (unsigned i = p->n_requests; i-- > 0;) {
		size_t first = c->from[end - 1];
		uint32_t n_words = words_from_to(d, c, first, end - 1);

		word -= n_words;
		p->requests[i] = (struct plan_request){
			.function = c->cell[first].start < DRIVER_PLACES ? 3 : 4,
			.address = (uint16_t)c->cell[first].start,
			.n_words = (uint16_t)n_words,
			.word = (uint16_t)word,
			.per_count = d->counts_longs ? 2 : 1,
			.n_spare = has_starts ? 0 : spare_words(d, missing, &c->cell[end - 1], n_words),
		};
		end = first;
	}
}

/* Function and word count of a request: an answer of another form is not its own. */
static unsigned form_of(const struct plan_request *r)
{
	return (unsigned)r->function << 8 | r->n_words;
}

/* The form in which r is sent after a request of the form `before`, 0 = none was; 0 = that takes a fence. */
static unsigned form_after(unsigned before, const struct plan_request *r)
{
	if (form_of(r) != before)
		return form_of(r);
	return r->n_spare > 0 ? form_of(r) + r->n_spare : 0;
}

/* How many of the requests from the given one on are of its form and have no spare words, so that others must
 * stand between them. */
static unsigned count_equal(const struct plan *p, unsigned from, const struct plan_request *r)
{
	unsigned n = 0;

	for (unsigned i = from; i < p->n_requests && r->n_spare == 0; i++)
		n += p->requests[i].n_spare == 0 && form_of(&p->requests[i]) == form_of(r);
	return n;
}

/* The request that comes after the first n, the last of which has the form `before`: of those that need no fence, one
 * of the most frequent form, by address. */
static unsigned next_request(const struct plan *p, unsigned n, unsigned before)
{
	unsigned best = n, best_count = 0;

	for (unsigned i = n; i < p->n_requests; i++) {
		unsigned count = 1 + count_equal(p, n, &p->requests[i]);

		if (form_after(before, &p->requests[i]) != 0 && count > best_count) {
			best = i;
			best_count = count;
		}
	}
	return best;
}

static unsigned count_fences(const struct plan *p)
{
	unsigned before = 0, n = 0;

	for (unsigned i = 0; i < p->n_requests; i++) {
		before = form_after(before, &p->requests[i]);
		n += before == 0;
		if (before == 0)
			before = form_of(&p->requests[i]);
	}
	return n;
}

/* If neighbours are equal, put the requests in an order in which fewer are. */
static void part_equal(struct plan *p)
{
	unsigned before = 0;

	p->n_fences = (uint16_t)count_fences(p);
	for (unsigned i = 0; i < p->n_requests && p->n_fences > 0; i++) {
		unsigned next = next_request(p, i, before);
		struct plan_request r = p->requests[next];

		memmove(&p->requests[i + 1], &p->requests[i], (next - i) * sizeof(r));
		p->requests[i] = r;
		before = form_after(before, &r);
		if (before == 0)
			before = form_of(&r);
	}
	p->n_fences = (uint16_t)count_fences(p);
}

/* The request that brings the word at a place, and where it is in the words of the plan. Two one-word requests of a
 * byte-addressed table may begin at neighbouring addresses. */
static uint16_t request_of(const struct driver *d, const struct plan *p, uint32_t place, uint16_t *word)
{
	uint16_t i = 0;
	uint32_t offset = 0;

	for (; i < p->n_requests; i++) {
		uint32_t start = driver_place(p->requests[i].function, p->requests[i].address);

		offset = place - start;
		if (place >= start && driver_addresses(d, driver_words(d, offset)) == offset &&
		    driver_words(d, offset) < p->requests[i].n_words)
			break;
	}
	assert(i < p->n_requests);
	*word = (uint16_t)(p->requests[i].word + driver_words(d, offset));
	return i;
}

static void fill_items(const struct driver *d, const struct plan_rows *chosen, struct plan *p)
{
	struct plan_item *item = p->items;

	for (uint16_t i = 0; i < d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i], *rest = driver_rest(d, row);
		uint16_t word;

		if (!plan_rows_has(chosen, i))
			continue;
		item->row = i;
		item->request = request_of(d, p, row_start(row), &item->word);
		item->sign_request = item->ten_request = item->rest_request = item->request;
		item->sign_word = item->ten_word = item->rest_word = item->rest_row = -1;
		if (row->has_sign) {
			item->sign_request = request_of(d, p, sign_start(row), &word);
			item->sign_word = (int16_t)word;
		}
		if (row->has_ten) {
			item->ten_request = request_of(d, p, ten_start(row), &word);
			item->ten_word = (int16_t)word;
		}
		if (rest != NULL) {
			item->rest_request = request_of(d, p, row_start(rest), &word);
			item->rest_word = (int16_t)word;
			item->rest_row = (int16_t)(rest - d->rows);
		}
		item++;
	}
}

static uint16_t count_rows(const struct driver *d, const struct plan_rows *set)
{
	uint16_t n = 0;

	for (unsigned i = 0; i < d->n_rows; i++)
		n = (uint16_t)(n + plan_rows_has(set, i));
	return n;
}

struct plan *plan_new(const struct driver *d, unsigned groups, const struct plan_rows *missing,
		      const struct plan_rows *starts)
{
	struct plan_rows chosen = choose_rows(d, groups, missing);
	size_t n_items = count_rows(d, &chosen), n_requests;
	uint32_t n_words;
	struct cells c;
	struct plan *p;

	collect_cells(d, &chosen, missing, starts, &c);
	n_requests = choose_requests(d, &c, &n_words);
	p = calloc(1, sizeof(*p) + n_items * sizeof(p->items[0]) + n_requests * sizeof(p->requests[0]));
	if (p == NULL)
		return NULL;
	p->n_requests = (uint16_t)n_requests;
	p->n_items = (uint16_t)n_items;
	p->n_words = (uint16_t)n_words;
	p->items = (struct plan_item *)(p + 1);
	p->requests = (struct plan_request *)(p->items + n_items);
	fill_requests(d, &c, missing, starts != NULL && count_rows(d, starts) > 0, p);
	part_equal(p);
	fill_items(d, &chosen, p);
	return p;
}

void plan_free(struct plan *p)
{
	free(p);
}

bool plan_is_empty(const struct driver *d, unsigned groups, const struct plan_rows *missing)
{
	struct plan_rows chosen = choose_rows(d, groups, missing);

	return count_rows(d, &chosen) == 0;
}

bool plan_reads_together(const struct driver *d, const struct driver_row *row)
{
	struct plan_rows chosen = choose_rows(d, DRIVER_ENERGY | DRIVER_POWER, NULL);
	uint32_t n_words;
	struct cells c;

	if (!plan_rows_has(&chosen, (unsigned)(row - d->rows))) {
		chosen = (struct plan_rows){{0}};
		plan_rows_add(&chosen, (unsigned)(row - d->rows));
	}
	collect_cells(d, &chosen, NULL, NULL, &c);
	(void)choose_requests(d, &c, &n_words);
	for (size_t end = c.n; end > 0; end = c.from[end - 1])
		for (size_t i = 0; i < c.n_pairs; i++) {
			size_t first = c.from[end - 1], value = c.pair[i].value, beside = c.pair[i].beside;

			if (c.cell[beside].start == row_start(driver_rest(d, row)) &&
			    (value >= first && value < end) != (beside >= first && beside < end))
				return false;
		}
	return true;
}

/* Whether the request brings a word of the plan. No two requests share a place in the words of the plan. */
static bool brings_word(const struct plan_request *r, int word)
{
	return word >= r->word && word < r->word + r->n_words;
}

void plan_rows_at(const struct plan *p, const struct plan_request *r, struct plan_rows *out)
{
	*out = (struct plan_rows){{0}};
	for (unsigned i = 0; i < p->n_items; i++)
		if (brings_word(r, p->items[i].word) || brings_word(r, p->items[i].sign_word) ||
		    brings_word(r, p->items[i].ten_word) || brings_word(r, p->items[i].rest_word))
			plan_rows_add(out, p->items[i].row);
}

/* The cells of the plan that the request brings. */
static void collect_brought_cells(const struct driver *d, const struct plan *p, const struct plan_request *r,
				  struct cells *c)
{
	c->n = 0;
	for (unsigned i = 0; i < p->n_items; i++) {
		const struct driver_row *row = &d->rows[p->items[i].row];

		if (brings_word(r, p->items[i].word))
			add_value(c, d, row);
		if (brings_word(r, p->items[i].sign_word))
			add_word(c, d, sign_start(row));
		if (brings_word(r, p->items[i].ten_word))
			add_word(c, d, ten_start(row));
		if (brings_word(r, p->items[i].rest_word))
			add_value(c, d, driver_rest(d, row));
	}
}

/* The request for some of the cells that another request brings. */
static struct plan_request request_part(const struct driver *d, const struct cells *c, const struct plan_request *whole,
					size_t first, size_t last)
{
	return (struct plan_request){
		.function = whole->function,
		.address = (uint16_t)c->cell[first].start,
		.n_words = (uint16_t)words_from_to(d, c, first, last),
		.per_count = whole->per_count,
		.word = (uint16_t)(whole->word + driver_words(d, c->cell[first].start - driver_place(whole->function,
												     whole->address))),
	};
}

bool plan_split(const struct driver *d, const struct plan *p, const struct plan_request *whole,
		struct plan_request *first, struct plan_request *second)
{
	struct plan_rows rows;
	struct cells c;
	size_t n_first = 1;
	int64_t middle, nearest = INT64_MAX;

	plan_rows_at(p, whole, &rows);
	collect_brought_cells(d, p, whole, &c);
	if (c.n < 2 || count_rows(d, &rows) < 2)
		return false;
	middle = ((int64_t)c.cell[0].start + c.cell[c.n - 1].end) / 2;
	for (size_t i = 1; i < c.n; i++) {
		int64_t off = llabs(c.cell[i].start - middle);

		if (off < nearest) {
			nearest = off;
			n_first = i;
		}
	}
	*first = request_part(d, &c, whole, 0, n_first - 1);
	*second = request_part(d, &c, whole, n_first, c.n - 1);
	return true;
}
