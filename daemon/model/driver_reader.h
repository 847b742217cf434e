/* SPDX-License-Identifier: MIT */
/* driver_reader.h - what the files that read register tables share; no other file includes it.
 *
 *   driver_read.c     a file in, a driver out
 *   driver_section.c  sections and the keys of [model], [block NAME] and [scale NAME]
 *   driver_row.c      the rows of [registers]
 *   driver_word.c     numbers and words
 *
 * Each complaint is one error of reader.e that leads with the file and line. Each file writes its own part of the
 * reader and of the driver that is being made; once driver_load() has returned nothing changes a driver. */
#ifndef TALLY_DRIVER_READER_H
#define TALLY_DRIVER_READER_H

#include "driver.h"
#include "value.h"

struct nearest;

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum {
	MODEL_NA_MAX = 8, /* patterns of [model]'s na */
	MODEL_KEYS_MAX = 24,
};

enum driver_section { SECTION_UNKNOWN, SECTION_MODEL, SECTION_BLOCK, SECTION_SCALE, SECTION_REGISTERS };

struct driver_pattern {
	uint64_t value;
	unsigned n_digits;
};

/* The value of an na key or option. */
struct driver_na {
	bool given, automatic;
	size_t n;
	struct driver_pattern pattern[MODEL_NA_MAX];
};

/* An amount of a counter: number / per base units; number.mantissa 0 = none. */
struct driver_amount {
	struct value_decimal number;
	int64_t per;
};

/* The parts of a row that need the whole file to be read first. */
struct driver_note {
	struct driver_amount moduli[DRIVER_MODULI_MAX]; /* of row.moduli that are not in counts */
	struct driver_amount back_step;
	struct driver_na na;
	bool own_provenance;
	bool faulty;			 /* an optional row that was refused after it was read */
	char scale[DRIVER_NAME_MAX + 1]; /* "" when the weight is a number */
};

struct driver_reader {
	struct driver *d;
	struct err *e;

	/* driver_section.c */
	enum driver_section section;
	unsigned section_line;
	bool section_faulty;			   /* a line of it was refused */
	unsigned key_lines[MODEL_KEYS_MAX];	   /* of the section's keys; 0 = not seen */
	uint64_t key_digests[MODEL_KEYS_MAX];	   /* of their values, defaults where not seen */
	unsigned above_line;			   /* of the last step of a scale; 0 = not seen */
	unsigned model_line, registers_line;	   /* of the headers; 0 = not seen */
	bool has_meant_model, has_meant_registers; /* under a misspelt header */
	struct driver_na na;			   /* of [model] */
	/* Of what was read. They grow one by one, so that the order of the sections makes no difference. */
	uint64_t model_digest, blocks_digest, scales_digest;

	/* driver_row.c */
	unsigned quantity_lines[Q_COUNT]; /* first row of each quantity, good or bad; 0 = none */
	bool rest_lost[Q_COUNT];	  /* an optional rest of it was refused */
	bool rows_lost;			  /* too many rows have been reported */
	uint64_t rows_digest;
	struct driver_row *row;	  /* the row being read */
	struct driver_note *note; /* of that row */
	struct driver_note notes[DRIVER_ROWS_MAX];

	/* text built by a setter, and by driver_word_guess() */
	char allowed[176];
	char guess[96];
};

/* Sets one value. Returns NULL, or what is allowed, as it follows "use" in a message. */
typedef const char *driver_setter(struct driver_reader *r, const char *value);

/* driver_section.c. Before the first line; for each header, which ends the section before it; for each key or row; and
 * at the end of the file: first for the last section, then for what sections have from [model], and after the rows for
 * what is wrong with the file as a whole. */
void driver_section_init(struct driver_reader *r);
void driver_section_begin(struct driver_reader *r, const char *header, unsigned line);
void driver_section_key(struct driver_reader *r, const char *header, const char *name, const char *value,
			unsigned line);
void driver_section_end(struct driver_reader *r);
void driver_section_settle(struct driver_reader *r);
void driver_section_complete(struct driver_reader *r);

/* Of all sections but [registers]. */
uint64_t driver_section_digest(const struct driver_reader *r);

/* driver_row.c. Before the first line; for each row; and at the end of the file what each row needs from the rest of
 * it: patterns of "not available", provenance, scale and block. Last the rows are checked against each other. An
 * optional row with a fault is taken out, with warnings. */
void driver_row_init(struct driver_reader *r);
void driver_row_read(struct driver_reader *r, const char *name, const char *value, unsigned line);
void driver_row_complete(struct driver_reader *r);
void driver_row_check(struct driver_reader *r);

/* driver_word.c. Those that return bool say whether the text is good; *out is only set then. */

/* A whole number, decimal or 0x hexadecimal, nothing around it. */
bool driver_word_number(const char *text, uint64_t max, uint64_t *out);

/* A decimal from 0 on such as 0.01, the n bytes of text and nothing around it; no 0 ends its mantissa. */
bool driver_word_decimal(const char *text, size_t n, struct value_decimal *out);

/* The same times a unit: a whole number. */
bool driver_word_amount(const char *text, size_t n, struct value_decimal unit, int64_t *out);

/* Index of word among the first n of words, or -1. */
int driver_word_find(const char *word, const char *const *words, size_t n);

/* "yes" or "no". */
bool driver_word_bool(const char *value, bool *out);

/* One of the texts of driver_provenance_text(). */
bool driver_word_provenance(const char *value, enum driver_provenance *out);

/* " (did you mean NAME?)" for an unknown name that looks like a mistyped one, else "". */
const char *driver_word_guess(struct driver_reader *r, const struct nearest *near);

/* The same for a value that looks like one of the words in the text of what is allowed. */
const char *driver_word_guess_in(struct driver_reader *r, const char *value, const char *allowed);

/* Copy a text that must fit, as a driver_setter does. */
const char *driver_word_text(struct driver_reader *r, const char *value, char *out, size_t out_bytes);

/* 1 to DRIVER_NAME_MAX letters, digits, '.', '_', '-'. */
bool driver_word_is_name(const char *name);

/* Two whole numbers with a '-' between, or one for both. */
bool driver_word_range(const char *value, uint64_t max, uint64_t *low, uint64_t *high);

/* One item of a list that blanks or commas divide, copied to item; false at its end. */
bool driver_word_next(const char **list, char *item, size_t item_bytes);

/* The value of an na key or option, as a driver_setter takes it. */
const char *driver_word_na(const char *value, struct driver_na *na);

#endif
