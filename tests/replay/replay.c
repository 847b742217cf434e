/* SPDX-License-Identifier: MIT */
/* replay.c - compares one driver file with golden frames: replay DRIVER.ini FRAMES.txt
 * The frames and their values were worked out from the maker's table, not through this project's code. README.md in
 * this folder explains the format of a frame file. Exit 0 when everything agrees, 1 when something does not, 2 on wrong
 * usage. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "decode.h"
#include "driver.h"
#include "err.h"
#include "plan.h"

enum { FRAMES_MAX = 32, FRAME_BYTES_MAX = 256, WANTS_MAX = 160, TEXT_BYTES = 129 };

struct frame {
	uint8_t bytes[FRAME_BYTES_MAX];
	size_t n;
	unsigned line;
};

struct want {
	enum { WANT_NUMBER, WANT_NA, WANT_TEXT } kind;
	enum quantity quantity;
	int64_t value;
	char text[TEXT_BYTES];
	unsigned line;
	bool is_checked;
};

/* One case of the file: the requests, the meter's answers and the values in them. */
struct scene {
	unsigned line, groups;
	uint32_t ratios[4]; /* CT primary, CT secondary, VT primary, VT secondary */
	struct plan_rows missing;
	size_t n_frames, n_wants;
	struct frame requests[FRAMES_MAX], answers[FRAMES_MAX];
	struct want wants[WANTS_MAX];
};

static struct {
	const char *path;
	unsigned line, faults;
	const struct driver *table;  /* that of the first load */
	struct driver *of_load;	     /* of the scene's load, or NULL */
	const struct driver *driver; /* the one that holds now */
	struct plan_rows seen;	     /* rows that some case has decoded */
	struct scene scene;
	struct frame *frame; /* the frame that a continuation line adds to */
} state;

__attribute__((format(printf, 2, 3))) static void fault(unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s:%u: ", state.path, line);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	state.faults++;
}

static uint16_t crc16(const uint8_t *bytes, size_t n)
{
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
	}
	return crc;
}

static uint16_t word_at(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void frame_add(struct frame *f, char *text)
{
	for (char *save, *t = strtok_r(text, " \t", &save); t != NULL; t = strtok_r(NULL, " \t", &save)) {
		char *end;
		unsigned long byte = strtoul(t, &end, 16);

		if (*end != '\0' || strlen(t) != 2 || f->n == FRAME_BYTES_MAX) {
			fault(state.line, "'%s' is not a byte of two hexadecimal digits, or the frame is too long", t);
			return;
		}
		f->bytes[f->n++] = (uint8_t)byte;
	}
}

static void check_crc(const struct frame *f)
{
	if (f->n < 5)
		fault(f->line, "a frame of %zu bytes is too short", f->n);
	else if ((f->bytes[f->n - 2] | f->bytes[f->n - 1] << 8) != crc16(f->bytes, f->n - 2))
		fault(f->line, "the CRC is %02X %02X, should be %02X %02X", f->bytes[f->n - 2], f->bytes[f->n - 1],
		      crc16(f->bytes, f->n - 2) & 0xFF, crc16(f->bytes, f->n - 2) >> 8);
}

/* The case's exchange for one planned request, or -1. */
static int find_exchange(const struct plan_request *want)
{
	for (size_t i = 0; i < state.scene.n_frames; i++) {
		const struct frame *f = &state.scene.requests[i];

		if (f->n == 8 && f->bytes[1] == want->function && word_at(f->bytes + 2) == want->address &&
		    word_at(f->bytes + 4) == want->n_words)
			return (int)i;
	}
	return -1;
}

/* The planned requests must be exactly the frames of the case; their answers fill words. */
static bool match_requests(const struct plan *p, uint16_t *words)
{
	const struct scene *s = &state.scene;
	unsigned before = state.faults;

	if (p->n_requests != s->n_frames)
		fault(s->line, "%u requests are planned, the case has %zu", p->n_requests, s->n_frames);
	for (size_t i = 0; i < p->n_requests; i++) {
		const struct plan_request *q = &p->requests[i];
		int at = find_exchange(q);
		const struct frame *a = at < 0 ? NULL : &s->answers[at];

		if (a == NULL) {
			fault(s->line, "planned request %u of %u words at %u (0x%04X) is not in the case", q->function,
			      q->n_words, q->address, q->address);
			continue;
		}
		if (a->n != 5u + 2u * q->n_words || a->bytes[0] != s->requests[at].bytes[0] ||
		    a->bytes[1] != q->function || a->bytes[2] != 2 * q->n_words) {
			fault(a->line, "this is not an answer of %u words to the request above", q->n_words);
			continue;
		}
		for (unsigned w = 0; w < q->n_words; w++)
			words[q->word + w] = word_at(a->bytes + 3 + 2 * (size_t)w);
	}
	return state.faults == before;
}

static struct want *find_want(enum quantity q)
{
	for (size_t i = 0; i < state.scene.n_wants; i++)
		if (state.scene.wants[i].quantity == q)
			return &state.scene.wants[i];
	return NULL;
}

static void check_text(const struct driver_row *row, const uint16_t *words, const struct want *w)
{
	char text[TEXT_BYTES];
	enum codec_status status = codec_text(state.driver->order, row, words, text, sizeof(text));

	if (w->kind == WANT_TEXT ? status != CODEC_OK || strcmp(text, w->text) != 0 : status != CODEC_NA)
		fault(w->line, "%s is \"%s\" (%s)", names_get(w->quantity)->name, status == CODEC_OK ? text : "",
		      codec_status_text(status));
}

static void check_number(const struct plan_item *item, const uint16_t *words, const struct want *w)
{
	const uint32_t *k = state.scene.ratios;
	int64_t value = 0, weights[DRIVER_ROWS_MAX];
	enum codec_status status;

	for (size_t i = 0; i < state.driver->n_rows; i++)
		weights[i] = driver_multiplier(state.driver, &state.driver->rows[i], k[0], k[1], k[2], k[3]);
	status = decode_number(state.driver, item, words, weights, &value);

	if (w->kind == WANT_NUMBER ? status != CODEC_OK || value != w->value : status != CODEC_NA)
		fault(w->line, "%s is %lld (%s)", names_get(w->quantity)->name, (long long)value,
		      codec_status_text(status));
}

static void check_items(const struct plan *p, const uint16_t *words)
{
	for (size_t i = 0; i < p->n_items; i++) {
		const struct plan_item *item = &p->items[i];
		const struct driver_row *row = &state.driver->rows[item->row];
		const struct names_row *name = names_get(row->quantity);
		struct want *w = find_want(row->quantity);

		plan_rows_add(&state.seen, item->row);
		if (item->rest_row >= 0)
			plan_rows_add(&state.seen, (unsigned)item->rest_row);
		if (w == NULL) {
			fault(state.scene.line, "the line \"= %s ...\" is missing", name->name);
			continue;
		}
		w->is_checked = true;
		if (name->kind == NAMES_IDENTITY)
			check_text(row, words + item->word, w);
		else
			check_number(item, words, w);
	}
	for (size_t i = 0; i < state.scene.n_wants; i++)
		if (!state.scene.wants[i].is_checked)
			fault(state.scene.wants[i].line, "%s is not read in this case",
			      names_get(state.scene.wants[i].quantity)->name);
}

/* Check the case that has been read, if there is one, and begin an empty one. */
static void scene_run(void)
{
	struct scene *s = &state.scene;
	struct plan *p = NULL;
	uint16_t *words = NULL;

	if (s->line == 0)
		goto out;
	for (size_t i = 0; i < s->n_frames; i++) {
		check_crc(&s->requests[i]);
		check_crc(&s->answers[i]);
	}
	p = plan_new(state.driver, s->groups, &s->missing, NULL);
	if (p != NULL)
		words = calloc((size_t)p->n_words + 1, sizeof(*words));
	if (words == NULL) {
		fault(s->line, "out of memory");
		goto out;
	}
	if (match_requests(p, words))
		check_items(p, words);
out:
	free(words);
	plan_free(p);
	state.frame = NULL;
	*s = (struct scene){.ratios = {1, 1, 1, 1}};
	driver_free(state.of_load);
	state.of_load = NULL;
	state.driver = state.table;
}

static void line_groups(char *args)
{
	static const char *const names[] = {"energy", "power", "identity", "state"};

	for (char *save, *t = strtok_r(args, " ", &save); t != NULL; t = strtok_r(NULL, " ", &save)) {
		size_t i = 0;

		while (i < 4 && strcmp(t, names[i]) != 0)
			i++;
		if (i == 4)
			fault(state.line, "'%s' is not a group; use energy, power, identity or state", t);
		else
			state.scene.groups |= 1u << i;
	}
}

static void line_ratios(char *args)
{
	uint32_t *k = state.scene.ratios;

	if (sscanf(args, "%u/%u %u/%u", &k[0], &k[1], &k[2], &k[3]) != 4)
		fault(state.line, "'%s' is not a pair of ratios; use CT/CT VT/VT", args);
}

static void line_load(const char *args)
{
	unsigned long load = strtoul(args, NULL, 10);

	if (load < 1 || load > state.table->n_loads)
		fault(state.line, "the model has no load '%s'", args);
	else if (state.of_load == NULL)
		state.of_load = driver_variant(state.table, (unsigned)load, false);
	if (state.of_load != NULL)
		state.driver = state.of_load;
}

static void line_missing(char *args)
{
	for (char *save, *t = strtok_r(args, " ", &save); t != NULL; t = strtok_r(NULL, " ", &save)) {
		unsigned long address = strtoul(t, NULL, 0);
		bool is_found = false;

		for (unsigned i = 0; i < state.driver->n_rows; i++)
			if (state.driver->rows[i].address == address) {
				plan_rows_add(&state.scene.missing, i);
				is_found = true;
			}
		if (!is_found)
			fault(state.line, "the driver has no row at %s", t);
	}
}

static int64_t power_of_ten(int64_t n)
{
	int64_t power = 1;

	while (n-- > 0)
		power *= 10;
	return power;
}

/* Whether the row may begin again at exactly these values, such as "1000000000 Wh 10000000000 Wh" or "8 digits". */
static bool has_moduli(const struct driver_row *row, const char *values)
{
	size_t n = 0;
	int used;

	for (; *values != '\0'; values += used, n++) {
		char unit[16];
		int64_t value;
		bool in_counts;

		used = 0;
		if (sscanf(values, "%" SCNd64 " %15s %n", &value, unit, &used) != 2 || n == DRIVER_MODULI_MAX)
			return false;
		in_counts = strcmp(unit, "digits") == 0;
		if (!in_counts && strcmp(unit, names_get(row->quantity)->unit) != 0)
			return false;
		if (in_counts)
			value = power_of_ten(value);
		if (row->moduli[n].amount != value || row->moduli[n].in_counts != in_counts)
			return false;
	}
	return n == DRIVER_MODULI_MAX || row->moduli[n].amount == 0;
}

/* modulus QUANTITY read|width|VALUE UNIT ...: holds for every row of the quantity. */
static void line_modulus(char *args)
{
	char name[64] = "";
	int used = 0, n = sscanf(args, "%63s %n", name, &used), q = names_find(name);
	const char *values = args + used;
	bool read = strcmp(values, "read") == 0, width = strcmp(values, "width") == 0;

	if (q < 0 || n < 1 || *values == '\0' || driver_row(state.driver, q) == NULL) {
		fault(state.line, "'%s' is not a modulus; use QUANTITY read|width|VALUE UNIT ...", args);
		return;
	}
	for (size_t i = 0; i < state.driver->n_rows; i++) {
		const struct driver_row *row = &state.driver->rows[i];

		if (row->quantity == (enum quantity)q &&
		    (row->modulus_read != read || !has_moduli(row, read || width ? "" : values)))
			fault(state.line, "%s: the modulus of line %u is another one", name, row->line);
	}
}

/* A value as the driver gives it: in base units, or parts of them. */
static bool read_amount(enum quantity q, const char *text, const char *unit_text, int64_t *value)
{
	static const struct names_unit base = {.worth = {1, 0}, .per = 1};
	const struct names_unit *unit = strcmp(unit_text, names_get(q)->unit) == 0 ? &base : names_unit(q, unit_text);
	int64_t parts = names_has_parts(q) ? state.driver->parts : 1;
	struct value_decimal number;
	const char *rest;

	if (unit == NULL || value_decimal(text, &number, &rest) != VALUE_OK || *rest != '\0')
		return false;
	number.mantissa *= unit->worth.mantissa;
	number.exponent += unit->worth.exponent;
	if (value_multiply(number, parts, value) != VALUE_OK || *value % unit->per != 0)
		return false;
	*value /= unit->per;
	return true;
}

static void line_want(char *args)
{
	struct want *w = &state.scene.wants[state.scene.n_wants];
	char name[64] = "", value[32] = "", unit[16] = "";
	int n = sscanf(args, "%63s %31s %15s", name, value, unit), q = names_find(name);
	const char *quote = strchr(args, '"');

	if (q < 0 || n < 2 || state.scene.n_wants == WANTS_MAX) {
		fault(state.line, "'%s' is not a value; use QUANTITY VALUE UNIT, QUANTITY na or QUANTITY \"TEXT\"",
		      args);
		return;
	}
	*w = (struct want){.quantity = q, .line = state.line, .kind = quote != NULL ? WANT_TEXT : WANT_NUMBER};
	state.scene.n_wants++;
	if (quote != NULL) {
		snprintf(w->text, sizeof(w->text), "%.*s", (int)strcspn(quote + 1, "\""), quote + 1);
	} else if (strcmp(value, "na") == 0) {
		w->kind = WANT_NA;
	} else {
		if (!read_amount((enum quantity)q, value, unit, &w->value))
			fault(state.line, "%s %s is no value of %s in %u parts of a %s", value, unit, name,
			      state.driver->parts, names_get(q)->unit);
	}
}

static void line_frame(char *args, bool answer)
{
	struct scene *s = &state.scene;

	if (s->n_frames - answer >= FRAMES_MAX) {
		fault(state.line, answer ? "an answer without a request" : "more than %d requests", FRAMES_MAX);
		return;
	}
	state.frame = answer ? &s->answers[s->n_frames - 1] : &s->requests[s->n_frames++];
	if (state.frame->n > 0)
		fault(state.line, "a second answer to the same request");
	state.frame->line = state.line;
	frame_add(state.frame, args);
}

static void read_line(char *text)
{
	char *args = text + strcspn(text, " ");

	if (isspace((unsigned char)*text) && text[strspn(text, " \t")] != '\0' && state.frame != NULL) {
		frame_add(state.frame, text);
		return;
	}
	if (text[strspn(text, " \t")] == '\0' || *text == ';')
		return;
	if (*args != '\0')
		*args++ = '\0';
	if (strcmp(text, "case") == 0) {
		scene_run();
		state.scene.line = state.line;
	} else if (strcmp(text, "modulus") == 0) {
		line_modulus(args);
	} else if (state.scene.line == 0) {
		fault(state.line, "'%s' comes before the first case", text);
	} else if (strcmp(text, "groups") == 0) {
		line_groups(args);
	} else if (strcmp(text, "ratios") == 0) {
		line_ratios(args);
	} else if (strcmp(text, "load") == 0) {
		line_load(args);
	} else if (strcmp(text, "missing") == 0) {
		line_missing(args);
	} else if (strcmp(text, ">") == 0 || strcmp(text, "<") == 0) {
		line_frame(args, *text == '<');
	} else if (strcmp(text, "=") == 0) {
		line_want(args);
	} else {
		fault(state.line, "unknown word '%s'; README.md lists the words of a frame file", text);
	}
}

static void check_all_rows_seen(void)
{
	for (unsigned i = 0; i < state.driver->n_rows; i++)
		if (!plan_rows_has(&state.seen, i))
			fault(state.line, "no case reads the row of line %u (%s at %u)", state.driver->rows[i].line,
			      names_get(state.driver->rows[i].quantity)->name, state.driver->rows[i].address);
}

static int replay(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	state.path = path;
	state.scene = (struct scene){.ratios = {1, 1, 1, 1}};
	if (f == NULL) {
		fault(0, "cannot be read; every driver needs golden frames");
		return 1;
	}
	while (getline(&text, &size, f) >= 0) {
		state.line++;
		text[strcspn(text, "\n")] = '\0';
		read_line(text);
	}
	scene_run();
	if (state.faults == 0)
		check_all_rows_seen();
	free(text);
	fclose(f);
	return state.faults > 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct driver *d;
	int code = 1;

	if (argc != 3) {
		fprintf(stderr, "usage: replay DRIVER.ini FRAMES.txt\n");
		return 2;
	}
	d = driver_load(argv[1], &e);
	if (d == NULL) {
		err_print(&e, stderr);
		goto out;
	}
	state.driver = state.table = d;
	code = replay(argv[2]);
	driver_free(d);
out:
	err_fini(&e);
	return code;
}
