/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2, CUT_MIN = 4 };

struct row {
	char *cells[TABLE_COLUMNS_MAX];
	size_t coloured;
	enum table_colour colour;
};

struct table {
	const struct table_column *columns;
	size_t n_columns, n_rows, capacity;
	struct row *rows;
};

struct table *table_new(const struct table_column *columns, size_t n_columns)
{
	struct table *t = calloc(1, sizeof(*t));

	assert(n_columns > 0 && n_columns <= TABLE_COLUMNS_MAX);
	if (t == NULL)
		return NULL;
	t->columns = columns;
	t->n_columns = n_columns;
	return t;
}

static void free_cells(const struct table *t, struct row *row)
{
	for (size_t i = 0; i < t->n_columns; i++)
		free(row->cells[i]);
}

void table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_rows; i++)
		free_cells(t, &t->rows[i]);
	free(t->rows);
	free(t);
}

int table_add(struct table *t, const char *const *cells, size_t coloured, enum table_colour colour)
{
	struct row *row;

	if (t->n_rows == t->capacity) {
		size_t capacity = t->capacity == 0 ? 16 : 2 * t->capacity;
		struct row *rows = reallocarray(t->rows, capacity, sizeof(*rows));

		if (rows == NULL)
			return -ENOMEM;
		t->rows = rows;
		t->capacity = capacity;
	}
	row = &t->rows[t->n_rows];
	*row = (struct row){.coloured = coloured, .colour = colour};
	for (size_t i = 0; i < t->n_columns; i++) {
		row->cells[i] = strdup(cells[i] != NULL ? cells[i] : "");
		if (row->cells[i] == NULL) {
			free_cells(t, row);
			return -ENOMEM;
		}
	}
	t->n_rows++;
	return 0;
}

/* Characters of UTF-8 text: bytes that continue one do not count. */
static size_t text_width(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xC0) != 0x80;
	return n;
}

/* Bytes of the first n characters. */
static int bytes_of(const char *text, size_t n)
{
	const char *p = text;

	for (; *p != '\0'; p++) {
		if (((unsigned char)*p & 0xC0) == 0x80)
			continue;
		if (n == 0)
			break;
		n--;
	}
	return (int)(p - text);
}

/* widths: of the columns, 0 = left out. */
static size_t total_width(const struct table *t, const size_t *widths)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_columns; i++)
		if (widths[i] > 0)
			n += widths[i] + GAP;
	return n > 0 ? n - GAP : 0;
}

/* Leave out columns until a line has at most max characters, and cut the first one when that is not enough. */
static void fit_columns(const struct table *t, size_t *widths, size_t max)
{
	size_t excess, worst;

	while (total_width(t, widths) > max) {
		worst = t->n_columns;
		for (size_t i = 0; i < t->n_columns; i++)
			if (widths[i] > 0 && t->columns[i].drop_at > 0 &&
			    (worst == t->n_columns || t->columns[i].drop_at > t->columns[worst].drop_at))
				worst = i;
		if (worst == t->n_columns) {
			excess = total_width(t, widths) - max;
			widths[0] = widths[0] > excess + CUT_MIN ? widths[0] - excess : CUT_MIN;
			return;
		}
		widths[worst] = 0;
	}
}

static void print_cell(const char *text, size_t width, bool to_the_right, bool is_last, const char *colour, FILE *out)
{
	size_t n = text_width(text);
	bool is_cut = n > width;
	int padding = is_cut ? 0 : (int)(width - n);

	fprintf(out, "%*s%s%.*s%s%s", to_the_right ? padding : 0, "", colour, bytes_of(text, is_cut ? width - 1 : n),
		text, is_cut ? "~" : "", *colour != '\0' ? "\033[0m" : "");
	if (!to_the_right && !is_last)
		fprintf(out, "%*s", padding, "");
	if (!is_last)
		fprintf(out, "%*s", GAP, "");
}

/* row: NULL = the titles */
static void print_line(const struct table *t, const size_t *widths, const struct row *row, bool with_colours, FILE *out)
{
	static const char *const codes[] = {
		[TABLE_PLAIN] = "", [TABLE_GREEN] = "\033[32m", [TABLE_YELLOW] = "\033[33m", [TABLE_RED] = "\033[31m"};
	size_t last = 0;

	for (size_t i = 0; i < t->n_columns; i++)
		if (widths[i] > 0)
			last = i;
	for (size_t i = 0; i < t->n_columns; i++)
		if (widths[i] > 0)
			print_cell(row != NULL ? row->cells[i] : t->columns[i].title, widths[i],
				   t->columns[i].is_number, i == last,
				   row != NULL && with_colours && i == row->coloured ? codes[row->colour] : "", out);
	fprintf(out, "\n");
}

void table_print(const struct table *t, FILE *out, unsigned width, bool with_colours)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0}, n;

	for (size_t i = 0; i < t->n_columns; i++) {
		for (size_t k = 0; k < t->n_rows; k++) {
			n = text_width(t->rows[k].cells[i]);
			if (n > widths[i])
				widths[i] = n;
		}
		n = text_width(t->columns[i].title);
		if (widths[i] > 0 && n > widths[i])
			widths[i] = n;
	}
	if (width > 0)
		fit_columns(t, widths, width);
	print_line(t, widths, NULL, false, out);
	for (size_t i = 0; i < t->n_rows; i++)
		print_line(t, widths, &t->rows[i], with_colours, out);
}
