/* SPDX-License-Identifier: MIT */
#include "driver.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "value.h"

static const char suffix[] = ".ini";

void driver_free(struct driver *d)
{
	if (d == NULL)
		return;
	free(d->file);
	free(d);
}

/* The next directory of a search path, "" ones left out, as a length; 0 at the end. */
static size_t next_dir(const char **path)
{
	*path += strspn(*path, ":");
	return strcspn(*path, ":");
}

int driver_find(const char *search_path, const char *name, char **file, char **shadowed)
{
	const char *dir = search_path;
	char *path;
	size_t n;

	*file = *shadowed = NULL;
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
		return -ENOENT;
	for (; *shadowed == NULL && (n = next_dir(&dir)) > 0; dir += n) {
		if (asprintf(&path, "%.*s/%s%s", (int)n, dir, name, suffix) < 0)
			goto out_of_memory;
		if (access(path, F_OK) != 0)
			free(path);
		else if (*file == NULL)
			*file = path;
		else
			*shadowed = path;
	}
	return *file != NULL ? 0 : -ENOENT;
out_of_memory:
	free(*file);
	*file = NULL;
	return -ENOMEM;
}

/* A NULL-ended list of strings that grows. */
struct names {
	char **name;
	size_t n;
};

static int add_name(struct names *names, const char *name, size_t n_bytes)
{
	char **grown = reallocarray(names->name, names->n + 2, sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	names->name = grown;
	names->name[names->n + 1] = NULL;
	names->name[names->n] = strndup(name, n_bytes);
	if (names->name[names->n] == NULL)
		return -ENOMEM;
	names->n++;
	return 0;
}

static int add_names_of_dir(struct names *names, const char *dir, size_t n)
{
	char *path = strndup(dir, n);
	struct dirent *entry;
	DIR *stream = NULL;
	int rc = -ENOMEM;

	if (path == NULL)
		goto out;
	rc = 0;
	stream = opendir(path);
	while (stream != NULL && rc == 0 && (entry = readdir(stream)) != NULL) {
		size_t n_bytes = strlen(entry->d_name);

		if (entry->d_name[0] != '.' && n_bytes > strlen(suffix) &&
		    strcmp(entry->d_name + n_bytes - strlen(suffix), suffix) == 0)
			rc = add_name(names, entry->d_name, n_bytes - strlen(suffix));
	}
out:
	if (stream != NULL)
		closedir(stream);
	free(path);
	return rc;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void drop_doubles(struct names *names)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->n; i++) {
		if (kept > 0 && strcmp(names->name[kept - 1], names->name[i]) == 0)
			free(names->name[i]);
		else
			names->name[kept++] = names->name[i];
	}
	names->name[kept] = NULL;
	names->n = kept;
}

char **driver_list(const char *search_path)
{
	struct names names = {calloc(1, sizeof(char *)), 0};
	const char *dir = search_path;
	size_t n;

	if (names.name == NULL)
		return NULL;
	for (; (n = next_dir(&dir)) > 0; dir += n)
		if (add_names_of_dir(&names, dir, n) != 0)
			goto out_of_memory;
	qsort(names.name, names.n, sizeof(names.name[0]), compare_names);
	drop_doubles(&names);
	return names.name;
out_of_memory:
	for (size_t i = 0; i < names.n; i++)
		free(names.name[i]);
	free(names.name);
	return NULL;
}

const struct driver_row *driver_row(const struct driver *d, enum quantity q)
{
	for (size_t i = 0; i < d->n_rows; i++)
		if (d->rows[i].quantity == q)
			return &d->rows[i];
	return NULL;
}

uint32_t driver_place(uint8_t function, uint16_t address)
{
	return (function == 4 ? (uint32_t)DRIVER_PLACES : 0) + address;
}

unsigned driver_addresses(const struct driver *d, unsigned n_words)
{
	return d->byte_addressed ? n_words * 2 : d->long_addressed ? n_words / 2 : n_words;
}

unsigned driver_words(const struct driver *d, unsigned n_addresses)
{
	return d->byte_addressed ? n_addresses / 2 : d->long_addressed ? n_addresses * 2 : n_addresses;
}

const struct driver_row *driver_rest(const struct driver *d, const struct driver_row *row)
{
	for (const struct driver_row *other = row + 1; other < d->rows + d->n_rows && !row->is_rest; other++)
		if (other->quantity == row->quantity)
			return other->is_rest ? other : NULL;
	return NULL;
}

unsigned driver_row_span(const struct driver *d, const struct driver_row *row)
{
	return driver_addresses(d, row->n_words);
}

uint32_t driver_block_end(const struct driver *d, const struct driver_block *b)
{
	return b->address + driver_addresses(d, b->n_words);
}

bool driver_block_overlaps(const struct driver *d, const struct driver_block *b, const struct driver_row *row)
{
	return row->function == b->function && row->address < driver_block_end(d, b) &&
	       b->address < row->address + driver_row_span(d, row);
}

int64_t driver_row_counts(const struct driver_row *row)
{
	int64_t n = 1;

	switch (row->type) {
	case DRIVER_U8_LOW:
	case DRIVER_U8_HIGH:
		return 1 << 8;
	case DRIVER_BIT:
	case DRIVER_BITS:
		return 1 << (row->bit_high - row->bit_low + 1);
	case DRIVER_U16:
	case DRIVER_U32:
		return INT64_C(1) << (16 * row->n_words);
	case DRIVER_BCD:
		for (unsigned i = 0; i < row->n_words; i++)
			n *= 10000;
		return n;
	default:
		return 0;
	}
}

int64_t driver_modulus(const struct driver_row *row, size_t i, int64_t multiplier)
{
	struct driver_modulus modulus = row->moduli[i];
	int64_t value;

	if (i == 0 && modulus.amount == 0)
		modulus = (struct driver_modulus){.amount = driver_row_counts(row), .in_counts = true};
	if (!modulus.in_counts)
		return modulus.amount;
	if (row->has_ten)
		return 0;
	return __builtin_mul_overflow(modulus.amount, multiplier, &value) ? 0 : value;
}

/* The next letter or digit of text at or after *at, in lower case, or '\0' at its end; *at moves behind it. */
static int next_letter(const char *text, size_t *at)
{
	while (text[*at] != '\0' && !isalnum((unsigned char)text[*at]))
		++*at;
	return text[*at] != '\0' ? tolower((unsigned char)text[(*at)++]) : '\0';
}

bool driver_row_expects(const struct driver_row *row, const char *text)
{
	size_t at = 0, expected_at = 0;
	int expected;

	if (row->type < DRIVER_TEXT)
		return strcmp(text, row->expect) == 0;
	while ((expected = next_letter(row->expect, &expected_at)) != '\0')
		if (next_letter(text, &at) != expected)
			return false;
	return true;
}

/* The weight of one count: mantissa x 10^exponent / per base units. */
struct weight {
	int64_t mantissa; /* 0 = more than 63 bits */
	int32_t exponent;
	int64_t per;
};

/* At one step of the row's scale, where it has one. */
static struct weight weight_at(const struct driver *d, const struct driver_row *row, size_t step)
{
	struct weight w = {row->mantissa, row->exponent + (row->has_ten ? row->ten_low : 0),
			   row->per > 1 ? row->per : 1};
	const struct driver_scale *scale;

	if (row->scale >= 0) {
		scale = &d->scales[row->scale];
		w.exponent += scale->steps[step].exponent;
		if (__builtin_mul_overflow(w.mantissa, scale->steps[step].mantissa, &w.mantissa))
			w.mantissa = 0;
	}
	value_reduce(&w.mantissa, &w.per);
	return w;
}

/* The fewest parts of a base unit that make the weight a whole number of them; 0: more than DRIVER_PARTS_MAX. */
static int64_t parts_of(struct weight w)
{
	for (; w.exponent > 0 && w.per > 1; w.exponent--) {
		int64_t ten = 10;

		value_reduce(&ten, &w.per);
	}
	for (; w.exponent < 0 && w.per <= DRIVER_PARTS_MAX * INT64_C(1000); w.exponent++) {
		w.per *= 10;
		value_reduce(&w.mantissa, &w.per);
	}
	return w.mantissa > 0 && w.exponent >= 0 && w.per <= DRIVER_PARTS_MAX ? w.per : 0;
}

int64_t driver_parts(const struct driver *d, enum quantity q)
{
	int64_t parts = 1;

	for (const struct driver_row *row = d->rows; row < d->rows + d->n_rows; row++) {
		size_t n_steps = row->scale >= 0 ? d->scales[row->scale].n_steps : 1;

		for (size_t i = 0; i < n_steps && row->quantity == q && names_has_parts(q); i++) {
			int64_t more = parts_of(weight_at(d, row, i)), rest = parts;

			if (more == 0)
				continue;
			value_reduce(&rest, &more);
			if (parts * more <= DRIVER_PARTS_MAX)
				parts *= more;
		}
	}
	return parts;
}

int64_t driver_finer(const struct driver *d, enum quantity q)
{
	return names_has_parts(q) && d->parts > 1 ? d->parts / driver_parts(d, q) : 1;
}

int64_t driver_multiplier(const struct driver *d, const struct driver_row *row, uint32_t ct_primary,
			  uint32_t ct_secondary, uint32_t vt_primary, uint32_t vt_secondary)
{
	uint64_t primary = (uint64_t)ct_primary * vt_primary, secondary = (uint64_t)ct_secondary * vt_secondary;
	const struct driver_scale *scale = row->scale >= 0 ? &d->scales[row->scale] : NULL;
	int64_t parts = names_has_parts(row->quantity) && d->parts > 1 ? d->parts : 1, product;
	struct weight w;
	uint64_t limit;
	size_t i = 0;

	/* primary / secondary < below; a limit past 64 bits is above any primary. */
	while (scale != NULL && i + 1 < scale->n_steps &&
	       !__builtin_mul_overflow((uint64_t)scale->steps[i].below, secondary, &limit) && primary >= limit)
		i++;
	w = weight_at(d, row, i);
	if (w.mantissa == 0 ||
	    value_multiply((struct value_decimal){w.mantissa, w.exponent}, parts, &product) != VALUE_OK)
		return 0;
	return product % w.per == 0 ? product / w.per : 0;
}

int64_t driver_step(const struct driver *d, const struct driver_row *row, uint32_t ct_primary, uint32_t ct_secondary,
		    uint32_t vt_primary, uint32_t vt_secondary)
{
	const struct driver_row *rest = driver_rest(d, row);
	int64_t step =
		driver_multiplier(d, rest != NULL ? rest : row, ct_primary, ct_secondary, vt_primary, vt_secondary);

	for (int ten = row->ten_low; row->has_ten && ten < row->ten_high; ten++)
		if (__builtin_mul_overflow(step, INT64_C(10), &step))
			return 0;
	return step;
}

void driver_row_type_text(const struct driver_row *row, char out[DRIVER_TYPE_TEXT_MAX])
{
	static const char *const texts[] = {
		[DRIVER_U8_LOW] = "u8-low",
		[DRIVER_U8_HIGH] = "u8-high",
		[DRIVER_BIT] = "bit",
		[DRIVER_BITS] = "bits",
		[DRIVER_U16] = "u16",
		[DRIVER_S16] = "s16",
		[DRIVER_U32] = "u32",
		[DRIVER_S32] = "s32",
		[DRIVER_U64] = "u64",
		[DRIVER_S64] = "s64",
		[DRIVER_F32] = "f32",
		[DRIVER_F64] = "f64",
		[DRIVER_BCD] = "bcd",
		[DRIVER_TEXT] = "text",
		[DRIVER_CHARS] = "chars",
		[DRIVER_HEX] = "hex",
		[DRIVER_TIME_2000] = "time2000",
		[DRIVER_CLOCK] = "clock",
	};

	switch (row->type) {
	case DRIVER_BIT:
		snprintf(out, DRIVER_TYPE_TEXT_MAX, "%s:%u", texts[row->type], row->bit_low);
		break;
	case DRIVER_BITS:
		snprintf(out, DRIVER_TYPE_TEXT_MAX, "%s:%u-%u", texts[row->type], row->bit_low, row->bit_high);
		break;
	case DRIVER_TEXT:
	case DRIVER_CHARS:
	case DRIVER_HEX:
	case DRIVER_BCD:
		snprintf(out, DRIVER_TYPE_TEXT_MAX, "%s:%u", texts[row->type], row->n_words);
		break;
	default:
		snprintf(out, DRIVER_TYPE_TEXT_MAX, "%s", texts[row->type]);
	}
}

const char *driver_order_text(enum driver_order order)
{
	static const char *const texts[] = {"abcd", "badc", "cdab", "dcba"};

	return texts[order];
}

const char *driver_provenance_text(enum driver_provenance p)
{
	static const char *const texts[] = {"vendor table", "transcription", "driver", "sibling", "inferred"};

	return texts[p];
}
