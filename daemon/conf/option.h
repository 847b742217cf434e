/* SPDX-License-Identifier: MIT */
/* option.h - every key of tallyd.ini and bus.d/NAME.ini, one row each: the one source of what is allowed, of
 * defaults and of messages; the reference files in conf/ and tallyd.ini(5) are held against it by a test.
 * Pure except for the strings that option_set() allocates. Any thread. */
#ifndef TALLY_OPTION_H
#define TALLY_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

struct err;

enum {
	OPTION_ALLOWED_TEXT_MAX = 256,
	OPTION_ROWS_MAX = 48, /* rows of the table at most */
};

enum option_section {
	OPTION_STORE,
	OPTION_DRIVERS,
	OPTION_LOG,
	OPTION_BUS,
	OPTION_METER,
	OPTION_INPUT,
	OPTION_SECTION_COUNT
};

enum option_type {
	OPTION_TEXT,	  /* any text but an empty one, malloc'd into a char * */
	OPTION_LABEL,	  /* any text, into a char array */
	OPTION_NAME,	  /* value_is_name(), into a char array */
	OPTION_WORD,	  /* one of words */
	OPTION_WHOLE,	  /* whole number, min to max */
	OPTION_DURATION,  /* min to max ms, kept in unit_ms; 0 too when zero is set */
	OPTION_RATIO,	  /* 400/5, into two uint32_t; min to max, primary not below secondary */
	OPTION_AMOUNT,	  /* min to max base units, into a struct option_amount */
	OPTION_PULSE,	  /* base units as a fraction of two numbers of min to max, into a struct option_pulse */
	OPTION_CALORIFIC, /* 11.2 kWh/m3, min to max nWh in a ml */
};

struct option_word {
	const char *text;
	int64_t value;
};

struct option_amount {
	bool given;
	enum quantity quantity;
	int64_t base_units;
};

struct option_pulse {
	enum quantity quantity;
	const struct names_unit *shown; /* as in struct conf_input */
	int64_t weight, weight_per;
};

struct option {
	enum option_section section;
	const char *name;
	enum option_type type;
	bool required;
	bool inherited;	      /* a meter's: as its bus unless given */
	unsigned transports;  /* mask of 1 << enum conf_transport where the key has a meaning; 0 = everywhere */
	const char *what;     /* texts and names: what is allowed, in words */
	const char *fallback; /* default as one would write it; NULL = none, or worked out by conf.c */
	size_t offset, size;  /* of the field in the section's struct */
	int64_t min, max, unit_ms;
	bool zero;			 /* duration: 0 is allowed too and means never */
	const struct option_word *words; /* ended by a NULL text */
};

/* An [input] section is read into this before its concentrator and quantity are known. */
struct option_input {
	struct conf_input input;
	char concentrator[CONF_NAME_MAX + 1];
	char preset[CONF_MODEL_MAX + 1];
	struct option_pulse pulse;
	struct option_amount offset;
};

/* The table and its length. Section STORE, DRIVERS and LOG write to struct conf, BUS to conf_bus, METER to
 * conf_meter, INPUT to option_input. */
const struct option *option_table(size_t *n);

/* Row of the key, or NULL. */
const struct option *option_find(enum option_section section, const char *name);

/* "bus", "meter" ... and whether a name follows in the header. */
const char *option_section_text(enum option_section section);
bool option_section_named(enum option_section section);

/* Write what o takes to out: "none, even or odd", "1 to 255", "1s to 1d". */
void option_allowed(const struct option *o, char out[OPTION_ALLOWED_TEXT_MAX]);

/* Read text into o's field of target. Returns false with an error added, and the field as it was, when it is no value
 * for o or memory is short. */
bool option_set(const struct option *o, const char *text, void *target, const char *file, unsigned line, struct err *e);

/* The digest d with the key o and its value in target behind it. */
uint64_t option_digest(const struct option *o, const void *target, uint64_t d);

#endif
