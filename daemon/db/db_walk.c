/* SPDX-License-Identifier: MIT */
#include "db_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TRUNK_LEAVES_AT = 8 };

/* Sets of pages, a bit each. */
static bool is_in(const unsigned char *set, uint32_t page)
{
	return set[page / 8] & 1U << page % 8;
}

static void put_in(unsigned char *set, uint32_t page)
{
	set[page / 8] |= (unsigned char)(1U << page % 8);
}

static bool is_inner(const struct db_page *p)
{
	return p->kind == DB_PAGE_TABLE_INNER || p->kind == DB_PAGE_INDEX_INNER;
}

static bool is_page(const struct db_walk_pages *p, uint32_t page)
{
	return page > 0 && page <= p->image->n_pages;
}

/* The pages below this one. bytes: one page for each level. Returns whether this one is a leaf. All leaves of a tree
 * are at the same depth, so of those beside each other one is read. */
static bool know_tree(struct db_walk_pages *p, uint32_t page, unsigned char *bytes, int depth)
{
	unsigned char *below = bytes + p->image->n_page_bytes;
	bool are_leaves = false;
	struct db_page at;

	if (!is_page(p, page) || is_in(p->known, page) || depth == DB_WALK_DEPTH)
		return false;
	put_in(p->known, page);
	if (db_image_read(p->image, page, bytes) != NULL ||
	    db_page_open(&at, bytes, p->image->n_page_bytes, page == 1) != NULL)
		return false;
	if (!is_inner(&at))
		return true;
	are_leaves = know_tree(p, at.right, below, depth + 1);
	for (unsigned i = 0; i < at.n_cells; i++) {
		uint32_t child = db_page_cell(&at, i).child;

		if (are_leaves && is_page(p, child))
			put_in(p->known, child);
		else
			are_leaves = know_tree(p, child, below, depth + 1);
	}
	return false;
}

static uint32_t read_32(const unsigned char *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The list of free pages begins in the header: each trunk has the next trunk, a number, and so many leaves. */
static void know_free(struct db_walk_pages *p, unsigned char *bytes)
{
	uint32_t trunk = db_image_read(p->image, 1, bytes) == NULL ? read_32(bytes + 32) : 0;

	while (is_page(p, trunk) && !is_in(p->known, trunk) && db_image_read(p->image, trunk, bytes) == NULL) {
		uint32_t n = read_32(bytes + 4);

		put_in(p->known, trunk);
		for (uint32_t i = 0; i < n && TRUNK_LEAVES_AT + 4 * (i + 1) <= p->image->n_page_bytes; i++)
			if (is_page(p, read_32(bytes + TRUNK_LEAVES_AT + 4 * i)))
				put_in(p->known, read_32(bytes + TRUNK_LEAVES_AT + 4 * i));
		trunk = read_32(bytes);
	}
}

int db_walk_pages_find(struct db_walk_pages *p, const struct db_image *image, const uint32_t *roots, size_t n_roots)
{
	unsigned char *bytes = malloc((size_t)DB_WALK_DEPTH * image->n_page_bytes);

	*p = (struct db_walk_pages){.image = image, .known = calloc(image->n_pages / 8 + 1, 1)};
	if (bytes == NULL || p->known == NULL) {
		free(bytes);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n_roots; i++)
		know_tree(p, roots[i], bytes, 0);
	know_free(p, bytes);
	free(bytes);
	return 0;
}

void db_walk_pages_free(struct db_walk_pages *p)
{
	free(p->known);
	p->known = NULL;
}

int db_walk_init(struct db_walk *w, struct db_walk_pages *pages, uint32_t root, bool has_rowid, int n_columns)
{
	*w = (struct db_walk){.pages = pages, .root = root, .has_rowid = has_rowid, .n_columns = n_columns};
	w->bytes = malloc((size_t)DB_WALK_DEPTH * pages->image->n_page_bytes);
	w->walked = calloc(pages->image->n_pages / 8 + 1, 1);
	return w->bytes != NULL && w->walked != NULL ? 0 : -ENOMEM;
}

void db_walk_fini(struct db_walk *w)
{
	free(w->bytes);
	free(w->walked);
	free(w->row);
	*w = (struct db_walk){.is_done = true};
}

void db_walk_rewind(struct db_walk *w)
{
	if (w->walked != NULL)
		memset(w->walked, 0, w->pages->image->n_pages / 8 + 1);
	w->is_begun = w->is_done = false;
	w->depth = 0;
	w->n_gaps = 0;
	w->stray = 0;
}

static void add_gap(struct db_walk *w, int64_t above, int64_t max)
{
	if (w->n_gaps < DB_WALK_GAPS)
		w->gaps[w->n_gaps++] = (struct db_walk_gap){above, max};
	else
		/* the walk goes down, so this one is below */
		w->gaps[DB_WALK_GAPS - 1].above = above;
}

static enum db_walk_found lose(struct db_walk *w, uint32_t page, const char *reason, int64_t above, int64_t max)
{
	add_gap(w, above, max);
	w->lost_page = page;
	w->reason = reason;
	return DB_WALK_LOST;
}

/* Have all rows of a page of a table their place between these? Above INT64_MIN lies everything. */
static bool is_between(const struct db_page *p, int64_t above, int64_t max)
{
	if (p->n_cells == 0)
		return true;
	return (above == INT64_MIN || db_page_cell(p, 0).rowid > above) && db_page_cell(p, p->n_cells - 1).rowid <= max;
}

/* What keeps this page, which is sound, from its place in the tree? NULL: nothing. */
static const char *judge(const struct db_walk *w, const struct db_page *p, int64_t above, int64_t max)
{
	bool is_table = p->kind == DB_PAGE_TABLE_INNER || p->kind == DB_PAGE_TABLE_LEAF;

	if (is_table != w->has_rowid)
		return "it belongs to another table";
	if (is_table && !is_between(p, above, max))
		return "its rows belong to another place";
	return NULL;
}

/* Go down to a page. DB_WALK_NOTHING: it is the lowest level now. */
static enum db_walk_found enter(struct db_walk *w, uint32_t page, int64_t above, int64_t max)
{
	const struct db_image *image = w->pages->image;
	unsigned char *bytes = w->bytes + (size_t)w->depth * image->n_page_bytes;
	struct db_walk_level *l = &w->levels[w->depth];
	const char *reason;

	if (w->depth == DB_WALK_DEPTH)
		return lose(w, page, "the tree is too deep", above, max);
	if (is_page(w->pages, page) && is_in(w->walked, page))
		return lose(w, page, "another page leads to it too", above, max);
	reason = db_image_read(image, page, bytes);
	if (is_page(w->pages, page))
		put_in(w->walked, page);
	if (reason == NULL)
		reason = db_page_open(&l->page, bytes, image->n_page_bytes, page == 1);
	if (reason == NULL)
		reason = judge(w, &l->page, above, max);
	if (reason != NULL)
		return lose(w, page, reason, above, max);
	l->n_left = l->page.n_cells + is_inner(&l->page);
	l->is_row_next = false;
	l->above = above;
	l->max = max;
	w->depth++;
	return DB_WALK_NOTHING;
}

/* Read the row of a cell. DB_WALK_NOTHING: it is none. */
static enum db_walk_found read_row(struct db_walk *w, const struct db_page_cell *c)
{
	const unsigned char *row = c->payload;

	if (c->n_local < c->n_payload) {
		/* no row of ours is as long as that */
		unsigned char *more = c->n_payload < 1 << 20 ? realloc(w->row, (size_t)c->n_payload) : NULL;

		if (more == NULL)
			return DB_WALK_NOTHING;
		w->row = more;
		memcpy(more, c->payload, c->n_local);
		if (!db_image_read_overflow(w->pages->image, c->overflow, more + c->n_local,
					    (size_t)c->n_payload - c->n_local))
			return DB_WALK_NOTHING;
		row = more;
	}
	w->rowid = c->rowid;
	w->n_values = db_page_row(row, (size_t)c->n_payload, w->values);
	return w->n_values > 0 ? DB_WALK_ROW : DB_WALK_NOTHING;
}

/* The row of cell i of the lowest level; a row that is none is lost by itself. */
static enum db_walk_found read_cell(struct db_walk *w, const struct db_walk_level *l, unsigned i)
{
	struct db_page_cell c = db_page_cell(&l->page, i);
	enum db_walk_found found = read_row(w, &c);

	if (found == DB_WALK_ROW)
		return found;
	w->lost_page = c.overflow;
	w->reason = c.overflow != 0 ? "a row that continues there is lost" : "a row is lost";
	return DB_WALK_LOST;
}

/* Take the next child or row of an inner page. */
static enum db_walk_found descend(struct db_walk *w, struct db_walk_level *l)
{
	unsigned n = l->page.n_cells, i;
	int64_t max = l->max, above = l->above;

	if (l->is_row_next) {
		l->is_row_next = false;
		return read_cell(w, l, l->n_left - 1);
	}
	i = --l->n_left;
	/* of an index, each cell has a row between its child and the next one */
	l->is_row_next = l->page.kind == DB_PAGE_INDEX_INNER && i > 0;
	if (l->page.kind == DB_PAGE_TABLE_INNER) {
		if (i < n)
			max = db_page_cell(&l->page, i).rowid;
		if (i > 0)
			above = db_page_cell(&l->page, i - 1).rowid;
	}
	return enter(w, i == n ? l->page.right : db_page_cell(&l->page, i).child, above, max);
}

static bool is_in_gap(const struct db_walk *w, const struct db_page *p)
{
	for (size_t i = 0; i < w->n_gaps; i++)
		if (!w->has_rowid || is_between(p, w->gaps[i].above, w->gaps[i].max))
			return true;
	return false;
}

/* Is every row of a leaf of this table's shape? */
static bool has_shape(struct db_walk *w, const struct db_page *p)
{
	for (unsigned i = 0; i < p->n_cells; i++) {
		struct db_page_cell c = db_page_cell(p, i);

		if (read_row(w, &c) != DB_WALK_ROW || w->n_values != w->n_columns)
			return false;
	}
	return p->n_cells > 0;
}

/* Look at the next page that nothing leads to. */
static enum db_walk_found take_stray(struct db_walk *w)
{
	const struct db_image *image = w->pages->image;
	struct db_walk_level *l = &w->levels[0];
	enum db_page_kind leaf = w->has_rowid ? DB_PAGE_TABLE_LEAF : DB_PAGE_INDEX_LEAF;
	uint32_t page = ++w->stray;

	if (w->n_gaps == 0 || w->n_columns == 0 || page > image->n_pages) {
		w->is_done = true;
		return DB_WALK_END;
	}
	if (is_in(w->pages->known, page) || db_image_read(image, page, w->bytes) != NULL || w->bytes[0] != leaf ||
	    db_page_open(&l->page, w->bytes, image->n_page_bytes, page == 1) != NULL || !is_in_gap(w, &l->page) ||
	    !has_shape(w, &l->page))
		return DB_WALK_NOTHING;
	l->n_left = l->page.n_cells;
	l->is_row_next = false;
	w->depth = 1;
	return DB_WALK_NOTHING;
}

enum db_walk_found db_walk_next(struct db_walk *w)
{
	enum db_walk_found found;

	if (w->is_done)
		return DB_WALK_END;
	if (!w->is_begun) {
		w->is_begun = true;
		found = enter(w, w->root, INT64_MIN, INT64_MAX);
		if (found != DB_WALK_NOTHING)
			return found;
	}
	while (w->depth > 0) {
		struct db_walk_level *l = &w->levels[w->depth - 1];

		if (l->n_left == 0) {
			w->depth--;
			continue;
		}
		if (!is_inner(&l->page))
			return read_cell(w, l, --l->n_left);
		found = descend(w, l);
		if (found != DB_WALK_NOTHING)
			return found;
	}
	return take_stray(w);
}
