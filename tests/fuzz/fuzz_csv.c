/* SPDX-License-Identifier: MIT */
/* fuzz_csv.c - rows of any texts, read again by the rules of RFC 4180, are the same texts. Input: a byte that chooses
 * the delimiter, then fields that end with a NUL; a field that begins with the byte 1 begins a row. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Read a field of the file, and compare it. Returns what follows. */
static const char *read_field(const char *at, const char *field)
{
	bool is_quoted = *at == '"';

	at += is_quoted;
	for (; *field != '\0'; field++) {
		require(*at == *field);
		at += *at == '"' && is_quoted ? 2 : 1;
	}
	if (is_quoted)
		require(*at++ == '"');
	return at;
}

static void check(const char *file, char delimiter, const char *fields, size_t n)
{
	bool is_first = true;

	for (const char *field = fields; field < fields + n; field += strlen(field) + 1) {
		if (*field == 1) {
			require(strncmp(file, "\r\n", 2) == 0);
			file += 2;
			is_first = true;
			continue;
		}
		if (!is_first)
			require(*file++ == delimiter);
		is_first = false;
		file = read_field(file, field);
	}
	require(*file == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char delimiters[] = {',', ';', '|', ':', '\t'};
	char *fields, *file = NULL;
	struct csv csv = {0};
	size_t n_file = 0;

	if (n == 0)
		return 0;
	fields = calloc(n, 1);
	csv.out = open_memstream(&file, &n_file);
	if (fields != NULL && csv.out != NULL) {
		memcpy(fields, data + 1, n - 1);
		csv.delimiter = delimiters[data[0] % sizeof(delimiters)];
		csv_complete(&csv);
		for (const char *field = fields; field < fields + n; field += strlen(field) + 1) {
			if (*field == 1)
				csv_end_row(&csv);
			else
				csv_put_text(&csv, field);
		}
	}
	if (csv.out != NULL)
		fclose(csv.out);
	if (fields != NULL && file != NULL)
		check(file, csv.delimiter, fields, n);
	free(file);
	free(fields);
	return 0;
}
