/* SPDX-License-Identifier: MIT */
/* driver_text.h - register tables as texts in a test: taken, refused with these errors, taken with this warning. */
#ifndef DRIVER_TEXT_H
#define DRIVER_TEXT_H

#include <stddef.h>

#define HEAD "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = driver\n"
#define ROWS HEAD "[registers]\n" /* rows begin in line 8 */

/* The table, which has no error; its path is dir/test.ini. The caller frees it. */
struct driver *parse_table(const char *text);

/* The table is refused with each error of the list, in its order, and no other. */
void expect_errors(const char *text, const char *const *expected, size_t n);
#define EXPECT_ERRORS(text, ...)                                                                                       \
	expect_errors(text, (const char *const[]){__VA_ARGS__},                                                        \
		      sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* The table is taken, with this one warning. */
void expect_warning(const char *text, const char *warning);

#endif
