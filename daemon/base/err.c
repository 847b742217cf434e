/* SPDX-License-Identifier: MIT */
#include "err.h"

#include <stdarg.h>
#include <stdlib.h>

#include "text.h"

static char *item_text(const char *file, unsigned line, const char *fmt, va_list args)
{
	char *message = NULL, *text = NULL;
	int n;

	if (vasprintf(&message, fmt, args) < 0)
		return NULL;
	if (file == NULL)
		return message;
	if (line == 0)
		n = asprintf(&text, "%s: %s", file, message);
	else
		n = asprintf(&text, "%s:%u: %s", file, line, message);
	free(message);
	return n < 0 ? NULL : text;
}

static void append_item(struct err *e, struct err_item item)
{
	struct err_item *items;

	if (!item.warning)
		e->n_errors++;
	if (item.text == NULL) {
		e->out_of_memory = true;
		return;
	}
	text_clean(item.text);
	items = reallocarray(e->items, e->n_items + 1, sizeof(*items));
	if (items == NULL) {
		free(item.text);
		e->out_of_memory = true;
		return;
	}
	e->items = items;
	items[e->n_items++] = item;
}

void err_add(struct err *e, const char *file, unsigned line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	append_item(e, (struct err_item){item_text(file, line, fmt, args), false});
	va_end(args);
}

void err_warn(struct err *e, const char *file, unsigned line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	append_item(e, (struct err_item){item_text(file, line, fmt, args), true});
	va_end(args);
}

void err_demote(struct err *e, size_t first)
{
	for (size_t i = first; i < e->n_items; i++) {
		e->n_errors -= !e->items[i].warning;
		e->items[i].warning = true;
	}
}

void err_out_of_memory(struct err *e)
{
	e->out_of_memory = true;
	err_add(e, NULL, 0, "out of memory");
}

void err_move(struct err *dst, struct err *src)
{
	for (size_t i = 0; i < src->n_items; i++) {
		append_item(dst, src->items[i]);
		if (!src->items[i].warning)
			src->n_errors--;
	}
	dst->n_errors += src->n_errors;
	dst->out_of_memory |= src->out_of_memory;
	src->n_items = 0;
	err_fini(src);
}

void err_print(const struct err *e, FILE *out)
{
	for (size_t i = 0; i < e->n_items; i++)
		fprintf(out, "%s%s\n", e->items[i].warning ? "warning: " : "", e->items[i].text);
	if (e->n_errors > 0 && e->n_items == 0)
		fprintf(out, "out of memory\n");
}

void err_fini(struct err *e)
{
	for (size_t i = 0; i < e->n_items; i++)
		free(e->items[i].text);
	free(e->items);
	*e = (struct err){0};
}
