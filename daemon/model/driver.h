/* SPDX-License-Identifier: MIT */
/* driver.h - register tables: one ini file per model, read into a constant struct.
 * The grammar is normative in tallyd-driver(5). Pure except for driver_load(), driver_find() and driver_list(), which
 * read files. Any thread may read a loaded driver.
 * Addresses are what goes on the wire (zero-based PDU addresses). */
#ifndef TALLY_DRIVER_H
#define TALLY_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"

struct err;

enum {
	DRIVER_NAME_MAX = 31,	/* longest model name, bytes */
	DRIVER_ROWS_MAX = 192,	/* rows of one table */
	DRIVER_BLOCKS_MAX = 32, /* vendor read blocks of one table */
	DRIVER_SCALES_MAX = 8,	/* [scale NAME] tables */
	DRIVER_SCALE_STEPS_MAX = 12,
	DRIVER_NA_MAX = 4,     /* not-available patterns of one row */
	DRIVER_MODULI_MAX = 4, /* of one row */
	DRIVER_PARTS_MAX = 36000,
	DRIVER_BAUDS_MAX = 12,
	DRIVER_LOADS_MAX = 64,
	DRIVER_WORDS_MAX = 125, /* longest read Modbus allows, words */
	DRIVER_UNIT_MAX = 255,	/* highest unit address: above the 247 of the specification, which some meters use */
};

enum driver_type {
	DRIVER_U8_LOW,	/* low byte of a word */
	DRIVER_U8_HIGH, /* high byte of a word */
	DRIVER_BIT,	/* bit bit_low of a word */
	DRIVER_BITS,	/* bits bit_low..bit_high of a word */
	DRIVER_U16,
	DRIVER_S16,
	DRIVER_U32,
	DRIVER_S32,
	DRIVER_U64,
	DRIVER_S64,
	DRIVER_F32,
	DRIVER_F64,
	DRIVER_BCD,	  /* n_words words of four decimal digits each, most significant first */
	DRIVER_TEXT,	  /* two characters a word, high byte first */
	DRIVER_CHARS,	  /* one character a word, low byte */
	DRIVER_HEX,	  /* words as hexadecimal digits, four a word: serial numbers */
	DRIVER_TIME_2000, /* u32 seconds since 2000-01-01T00:00:00 of the meter's own clock */
	DRIVER_CLOCK,	  /* six words: day, month, year (two digits or four), hour, minute, second */
};

/* How the words of a 32-bit or 64-bit value and their bytes follow each other; libmodbus's own words. */
enum driver_order { DRIVER_ABCD, DRIVER_BADC, DRIVER_CDAB, DRIVER_DCBA };

/* The purpose that a row is read for; a set of them is a mask. */
enum driver_group {
	DRIVER_ENERGY = 1,   /* counters and tariffs: every energy_every */
	DRIVER_POWER = 2,    /* voltages, currents, powers: every power_every */
	DRIVER_IDENTITY = 4, /* which meter it is: at first contact and daily */
	DRIVER_STATE = 8,    /* what the decoding of other rows needs from the meter: with identity */
};

enum driver_provenance {
	DRIVER_VENDOR_TABLE,  /* the vendor's own table */
	DRIVER_TRANSCRIPTION, /* someone's copy of the vendor's table */
	DRIVER_FIELD,	      /* running code that reads the device */
	DRIVER_SIBLING,	      /* another model of the same maker, applied here */
	DRIVER_INFERRED,      /* a guess: read, and reported as such, until the installer confirms it */
};

/* Weight of one count by the product of the transformer ratios: [scale NAME]. */
struct driver_scale {
	char name[DRIVER_NAME_MAX + 1];
	size_t n_steps;
	struct {
		int64_t below;	  /* the step holds while CT x VT < below; INT64_MAX in the last step */
		int64_t mantissa; /* weight = mantissa x 10^exponent of the row's unit */
		int32_t exponent;
	} steps[DRIVER_SCALE_STEPS_MAX];
	unsigned line; /* of its section header */
};

struct driver_block {
	char name[DRIVER_NAME_MAX + 1];
	uint8_t function; /* of its registers: 3 or 4 */
	uint16_t address;
	uint16_t n_words;
	bool gaps;     /* words of the block that no row names may be read across */
	unsigned line; /* of its section header */
};

/* A value at which a counter may begin again at 0. */
struct driver_modulus {
	int64_t amount; /* in driver.parts of a base unit, or in counts of the register; 0 = none */
	bool in_counts;
};

struct driver_row {
	enum quantity quantity;
	enum driver_type type;
	enum driver_group group;
	enum driver_provenance provenance;
	uint8_t function; /* that reads it: 3 or 4. Each has registers of its own */
	uint16_t address;
	uint8_t n_words; /* words of one value: 1..4, texts up to 32 */
	uint8_t bit_low, bit_high;
	int8_t block;	  /* index into blocks, or -1 */
	int8_t scale;	  /* index into scales, or -1: then mantissa and exponent hold */
	int64_t mantissa; /* base units per count = mantissa x 10^exponent / per; the exponent already carries
			   * the row's unit (kWh for a quantity kept in Wh adds 3). 1 x 10^0 for texts */
	int32_t exponent; /* with scale >= 0 these are the row's unit alone, to be multiplied with the step */
	int64_t per;	  /* 0 = 1 */
	int32_t add;	  /* to each count, before its weight; no counter, no sign word */
	bool optional;	  /* without it the table is good: a faulty row was left out with a warning */
	bool is_negated;  /* the value has the other sign: the meter is mounted the wrong way round */
	bool shared;	  /* it is the same for all loads of a meter */
	bool alone;	  /* never in one request with another row */
	bool fallback;	  /* a coarser register of a quantity that an earlier row of the table already names */
	bool is_rest;	  /* its value is added to that of the row of its quantity before it: driver_rest() */
	bool has_ten; /* the value is times ten to the number in the word at ten_address: ten_low to ten_high, from -9
		       * to 9. The weights of the row are those at ten_low */
	uint16_t ten_address;
	int8_t ten_low, ten_high;
	bool has_sign; /* the value is a magnitude; negative when the word at sign_address equals sign_value */
	uint16_t sign_address;
	uint16_t sign_value;
	uint8_t n_na;
	/* raw patterns, of the value's own width, that mean "not available"; texts and clocks: of each word */
	uint64_t na[DRIVER_NA_MAX];
	struct driver_modulus
		moduli[DRIVER_MODULI_MAX]; /* counters; the first 0 ends them. None: see driver_modulus() */
	bool modulus_read; /* counters: the modulus is the value of the row Q_COUNTER_MAX, in whole counts of this row
			    * (rounded down), plus one count */
	int64_t back_step; /* counters: by how much this meter is known to step back without meaning it, in driver.parts
			    * of a base unit */
	char expect[33];   /* identity rows: what driver_row_expects(), or "" */
	unsigned line;
};

struct driver {
	char name[DRIVER_NAME_MAX + 1]; /* file name without .ini */
	char *file;			/* path it was read from */
	char title[64], vendor[32], source[160], verified[120];
	enum driver_provenance provenance; /* of the table; rows may be weaker, never stronger */
	uint8_t function;		   /* 3 or 4: of the rows and blocks that have none of their own */
	enum driver_order order;
	bool byte_addressed; /* an address counts bytes: a 32-bit value takes four (IME legacy table) */
	bool long_addressed; /* an address counts 32 bits */
	bool counts_longs;   /* and so does the count of a request */
	uint16_t max_words;  /* longest read, words */
	bool gaps;	     /* words outside every block that no row names may be read across */
	uint8_t n_loads;     /* that a meter measures, each with the registers of the table; 1 for all but few */
	uint16_t stride;     /* addresses from a row of one load to that of the next */
	bool ratios;	     /* CT and VT ratios come from the bus file */
	uint8_t n_bauds;     /* serial models; 0: any speed libmodbus knows */
	uint32_t bauds[DRIVER_BAUDS_MAX];
	uint16_t address_min, address_max;
	uint16_t segment_max;	    /* devices of this family on one RS485 segment */
	uint32_t turnaround_ms;	    /* usual time from the end of a request to the start of its answer */
	int64_t max_power_w;	    /* most this model can measure with ratios 1:1 and all phases, for the plausible
				     * rate of its counters; 0 = unknown */
	uint32_t shortest_pulse_ms; /* pulse inputs: from the beginning of a pulse to that of the next one; 0 = unknown
				     */
	uint16_t parts; /* of a base unit: counters but pulses are read in them, so that each count is a whole
			 * number of them; 0 = 1 */
	size_t n_blocks;
	struct driver_block blocks[DRIVER_BLOCKS_MAX];
	size_t n_scales;
	struct driver_scale scales[DRIVER_SCALES_MAX];
	size_t n_rows;
	struct driver_row
		rows[DRIVER_ROWS_MAX]; /* in the file's order: of several rows of one quantity the first is preferred */
	/* Of all that was read and decides how a meter is read and what its values mean, defaults included: two tables
	 * with the same digest read a meter in the same way. Comments, blanks, the order of keys and options, the names
	 * of blocks and the keys that only describe (title, source, speeds, addresses ...) are not in it; numbers are
	 * as they are written, so 16 and 0x10 differ. */
	uint64_t digest;
};

/* Read the table at path. Returns a driver owned by the caller, or NULL with at least one error added,
 * each "path:line: found, allowed". */
struct driver *driver_load(const char *path, struct err *e);

/* Same for text in memory (tests, fuzzers); path gives the model's name and leads the messages. */
struct driver *driver_parse(const char *path, const char *text, size_t n_bytes, struct err *e);

void driver_free(struct driver *d);

/* Find NAME.ini along search_path ("DIR:DIR"), first match wins. Returns 0 and a malloc'd path in *file
 * (and, in *shadowed, the malloc'd path of a later file of the same name, or NULL), -ENOENT when there is none. */
int driver_find(const char *search_path, const char *name, char **file, char **shadowed);

/* Every model name along search_path, sorted, each once: a malloc'd array of malloc'd strings, NULL-ended. NULL = out
 * of memory. */
char **driver_list(const char *search_path);

/* The tables of all these models, except those with errors: a malloc'd array of *n tables, to be freed by
 * driver_free_all(). NULL = out of memory. */
struct driver **driver_load_all(const char *search_path, size_t *n);

/* NULL is allowed. */
void driver_free_all(struct driver **drivers, size_t n);

/* The table of a load of the meter (1 to n_loads; d is that of the first): rows that are not shared, and their blocks,
 * are further on. is_inverted: the meter is mounted the wrong way round, so its import is export, powers have the
 * other sign, and what has no counterpart is left out. Owned by the caller; NULL = out of memory. */
struct driver *driver_variant(const struct driver *d, unsigned load, bool is_inverted);

/* Where an address is among all registers of a model: those of function 4 are others than those of function 3, and
 * come after them. */
enum { DRIVER_PLACES = 0x10000 }; /* of one function */
uint32_t driver_place(uint8_t function, uint16_t address);

/* First row of quantity q, or NULL. */
const struct driver_row *driver_row(const struct driver *d, enum quantity q);

/* Addresses that so many words take: twice as many in a byte-addressed table, half in one of 32-bit registers. */
unsigned driver_addresses(const struct driver *d, unsigned n_words);

/* Words that so many addresses have. */
unsigned driver_words(const struct driver *d, unsigned n_addresses);

/* The row whose value is added to that of row, which is no rest itself: high and low part, whole and rest. NULL = none.
 * Both are read in one request. */
const struct driver_row *driver_rest(const struct driver *d, const struct driver_row *row);

/* Addresses that a row takes. */
unsigned driver_row_span(const struct driver *d, const struct driver_row *row);

/* First address behind a block. */
uint32_t driver_block_end(const struct driver *d, const struct driver_block *b);

/* Whether a register of the row lies in the block. */
bool driver_block_overlaps(const struct driver *d, const struct driver_block *b, const struct driver_row *row);

/* How many different counts the type of row can show, which is where a counter begins again at 0 unless the table says
 * otherwise; 0 = unknown (signed and 64-bit numbers, floats, texts). */
int64_t driver_row_counts(const struct driver_row *row);

/* The value at which the row may begin again at 0: number i of its list, or, where the table says nothing, the width of
 * its type as number 0. In driver.parts of a base unit, as multiplier (driver_multiplier()). 0: there is none, or it
 * has more than 63 bits. */
int64_t driver_modulus(const struct driver_row *row, size_t i, int64_t multiplier);

/* Whether text is what the row expects; row->expect is not "". A text must begin with its letters and digits, in upper
 * or lower case and with any blanks and hyphens between them, because a maker spells "DIRIS A-10" and "Diris A10" on
 * the same model; a number must be that number. */
bool driver_row_expects(const struct driver_row *row, const char *text);

/* The parts of a base unit that suffice for every count of the rows of quantity q; divides driver.parts. 1 for all but
 * counters finer than a base unit. */
int64_t driver_parts(const struct driver *d, enum quantity q);

/* How many of driver.parts make one of driver_parts() of q; 1 for all but counters finer than a base unit. */
int64_t driver_finer(const struct driver *d, enum quantity q);

/* Base units per count of row under ratios ct_primary/ct_secondary and vt_primary/vt_secondary (all >= 1); of counters
 * but pulses driver.parts of a base unit per count. Returns the whole number >= 1, or 0 when it is none (a scale that
 * loses digits; refused by driver_load()). */
int64_t driver_multiplier(const struct driver *d, const struct driver_row *row, uint32_t ct_primary,
			  uint32_t ct_secondary, uint32_t vt_primary, uint32_t vt_secondary);

/* The most that one step of the row can be, in the same unit: where it has a rest, one count of that; where it has a
 * power of ten, one count at the highest. 0 as driver_multiplier(). */
int64_t driver_step(const struct driver *d, const struct driver_row *row, uint32_t ct_primary, uint32_t ct_secondary,
		    uint32_t vt_primary, uint32_t vt_secondary);

/* The type of a row as register tables have it: "u32", "text:8", "bits:4-7". */
enum { DRIVER_TYPE_TEXT_MAX = 32 };
void driver_row_type_text(const struct driver_row *row, char out[DRIVER_TYPE_TEXT_MAX]);

/* "abcd" ... */
const char *driver_order_text(enum driver_order order);

/* "vendor table", "transcription", "driver", "sibling", "inferred". */
const char *driver_provenance_text(enum driver_provenance p);

#endif
