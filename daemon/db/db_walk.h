/* SPDX-License-Identifier: MIT */
/* db_walk.h - read one table of a damaged file, from its newest row to its oldest: every row on a page that is sound.
 *
 * A table is a tree of pages; its rows are on the leaves, in the order of their keys. The walk goes down it from the
 * right and looks at each page by itself (db_page.h), so a page that is lost costs its own rows and no other. A page is
 * lost when it cannot be read, when it is not sound, or when it has keys that do not belong between those above it: an
 * older page, or one of another table. Each is reported with its number and the reason.
 *
 * A lost page may have been an inner one, whose children nothing leads to any more. They are still in the file: a leaf
 * that no sound page leads to, whose keys lie in the gap that a lost page has left. So behind the tree, if it has gaps,
 * comes a second pass over all pages that nobody has. Whose leaf it is, only its shape says. It is taken if no other
 * table or index has this shape: the same kind of tree and number of columns.
 *
 * What is invented: nothing. Pages on the list of free pages are not taken, and a page is taken once.
 *
 * Nothing is written. Memory is allocated when a walk is begun. One thread. */
#ifndef TALLY_DB_WALK_H
#define TALLY_DB_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db_image.h"
#include "db_page.h"

enum {
	DB_WALK_DEPTH = 20, /* of a tree */
	DB_WALK_GAPS = 64,  /* of a table; further ones widen the last */
};

/* The pages of a file that a tree leads to, or the list of free pages. */
struct db_walk_pages {
	const struct db_image *image;
	unsigned char *known; /* a bit each */
};

enum db_walk_found {
	DB_WALK_ROW,	 /* rowid, values and n_values of the walk */
	DB_WALK_LOST,	 /* lost_page and reason; call again */
	DB_WALK_NOTHING, /* a page that has nothing of this table; call again */
	DB_WALK_END,
};

struct db_walk_level {
	struct db_page page;
	unsigned n_left;    /* of its cells, and the right child of an inner one; those above were walked */
	bool is_row_next;   /* an inner page of an index: a row of its own comes next */
	int64_t above, max; /* a rowid is greater than above and at most max */
};

struct db_walk_gap {
	int64_t above, max;
};

/* Others read rowid, values, n_values, lost_page and reason; only db_walk.c writes. */
struct db_walk {
	struct db_walk_pages *pages;
	uint32_t root;
	bool has_rowid;
	int n_columns; /* of a row of this shape; 0: leaves that nothing leads to are left */
	bool is_begun, is_done;
	unsigned char *bytes;  /* of the levels */
	unsigned char *walked; /* a bit for each page that was gone down to */
	int depth;	       /* of the levels that are in use */
	struct db_walk_level levels[DB_WALK_DEPTH];
	size_t n_gaps;
	struct db_walk_gap gaps[DB_WALK_GAPS];
	uint32_t stray;	    /* the page that the second pass has reached, 0 = it has not begun */
	unsigned char *row; /* one that does not fit on its page */

	int64_t rowid;
	int n_values;
	struct db_page_value values[DB_PAGE_VALUES_MAX];
	uint32_t lost_page;
	const char *reason;
};

/* Find the pages that the trees with these roots lead to, and those that are free. 0 or -ENOMEM;
 * db_walk_pages_free() is due either way. */
int db_walk_pages_find(struct db_walk_pages *p, const struct db_image *image, const uint32_t *roots, size_t n_roots);
void db_walk_pages_free(struct db_walk_pages *p);

/* pages must outlive the walk. n_columns: see above. Returns 0 or -ENOMEM; db_walk_fini() is due either way. */
int db_walk_init(struct db_walk *w, struct db_walk_pages *pages, uint32_t root, bool has_rowid, int n_columns);

void db_walk_fini(struct db_walk *w);

/* Begin again at the newest row. */
void db_walk_rewind(struct db_walk *w);

/* Read on. */
enum db_walk_found db_walk_next(struct db_walk *w);

#endif
