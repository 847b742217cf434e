/* SPDX-License-Identifier: MIT */
#include "slave.h"

#include <inttypes.h>
#include <string.h>

#include "encode.h"

enum {
	ILLEGAL_FUNCTION = 1,
	ILLEGAL_ADDRESS = 2,
	ILLEGAL_VALUE = 3,
	TEXT_WORDS_MAX = 64,
	SHOWN_MAX = 2 * TEXT_WORDS_MAX + 1,
};

/* A row as the meter shows it now. */
struct shown {
	uint16_t words[TEXT_WORDS_MAX];
	uint16_t sign;
	bool present;
	char text[SHOWN_MAX]; /* identity */
	int64_t value;	      /* the others, base units */
};

/* Quantities that count how many times a counter has wrapped. */
static const struct {
	enum quantity rollovers, counter;
} wrap_counts[] = {
	{Q_ACTIVE_ENERGY_IMPORT_ROLLOVERS, Q_ACTIVE_ENERGY_IMPORT},
	{Q_ACTIVE_ENERGY_EXPORT_ROLLOVERS, Q_ACTIVE_ENERGY_EXPORT},
	{Q_REACTIVE_ENERGY_IMPORT_ROLLOVERS, Q_REACTIVE_ENERGY_IMPORT},
	{Q_REACTIVE_ENERGY_EXPORT_ROLLOVERS, Q_REACTIVE_ENERGY_EXPORT},
	{Q_APPARENT_ENERGY_ROLLOVERS, Q_APPARENT_ENERGY},
	{Q_ACTIVE_ENERGY_IMPORT_T1_ROLLOVERS, Q_ACTIVE_ENERGY_IMPORT_T1},
	{Q_ACTIVE_ENERGY_IMPORT_T2_ROLLOVERS, Q_ACTIVE_ENERGY_IMPORT_T2},
	{Q_ACTIVE_ENERGY_IMPORT_T3_ROLLOVERS, Q_ACTIVE_ENERGY_IMPORT_T3},
	{Q_ACTIVE_ENERGY_IMPORT_T4_ROLLOVERS, Q_ACTIVE_ENERGY_IMPORT_T4},
};

struct range {
	unsigned first, n; /* addresses of words; never past 0xFFFF + 1 */
	uint8_t function;  /* that reads them */
};

static struct encode_weight weight_of(const struct meter *m, const struct driver_row *row)
{
	return encode_weight(m->driver, row, m->ct_primary, m->ct_secondary, m->vt_primary, m->vt_secondary);
}

/* Counts at which the row's counter shows 0 again. */
static int64_t modulus_of(const struct meter *m, const struct driver_row *row)
{
	if (names_get(row->quantity)->kind != NAMES_COUNTER)
		return 0;
	return encode_modulus(m->driver, row, weight_of(m, row), m->values[Q_COUNTER_MAX]);
}

/* How many times a counter has wrapped, by the modulus of its first register in the table. */
static int64_t count_rollovers(const struct meter *m, enum quantity counter)
{
	const struct driver_row *row = driver_row(m->driver, counter);
	int64_t modulus = row != NULL ? modulus_of(m, row) : 0;

	return modulus > 0 ? encode_counts(weight_of(m, row), m->values[counter]) / modulus : 0;
}

/* The meter's value of q; counts of rollovers follow from their counters. False: not available. */
static bool value_of(const struct meter *m, enum quantity q, int64_t *value)
{
	for (size_t i = 0; i < sizeof(wrap_counts) / sizeof(wrap_counts[0]); i++) {
		if (wrap_counts[i].rollovers != q || m->pins[q] != METER_FREE)
			continue;
		*value = count_rollovers(m, wrap_counts[i].counter);
		return true;
	}
	return meter_value(m, q, value);
}

/* The row that a rest is added to. */
static const struct driver_row *whole_of(const struct driver_row *rest)
{
	const struct driver_row *row = rest;

	while (row->is_rest || row->quantity != rest->quantity)
		row--;
	return row;
}

/* Encode a value in its row, and find what a reader finds there, with the rest that is in another row. */
static void show_number(const struct meter *m, const struct driver_row *row, int64_t value, struct shown *s)
{
	const struct driver_row *rest = row->is_rest ? NULL : driver_rest(m->driver, row);
	struct shown r;

	s->present = encode_number(m->driver->order, row, weight_of(m, row), modulus_of(m, row),
				   row->is_rest ? encode_rest(weight_of(m, whole_of(row)), value) : value, s->words,
				   &s->value);
	if (rest == NULL)
		return;
	show_number(m, rest, value, &r);
	s->present &= r.present;
	s->value += r.value;
}

static void show_row(const struct meter *m, const struct driver_row *row, struct shown *s)
{
	int64_t value;

	memset(s, 0, sizeof(*s));
	if (!value_of(m, row->quantity, &value)) {
		s->present = !encode_absent(m->driver->order, row, s->words);
		return;
	}
	s->present = true;
	if (row->quantity >= Q_MAKER)
		encode_text(m->driver->order, row, meter_text(m, row->quantity), s->words, s->text, sizeof(s->text));
	else
		show_number(m, row, value, s);
	if (row->has_sign)
		s->sign = encode_sign(row, s->value);
}

static bool is_counter(const struct driver_row *row)
{
	return names_get(row->quantity)->kind == NAMES_COUNTER;
}

/* The row as it is answered, with the troubles of the meter. */
static void answer_row(const struct meter *m, const struct driver_row *row, struct shown *s)
{
	show_row(m, row, s);
	if (m->troubles & METER_STALE && is_counter(row)) {
		memset(s->words, 0, sizeof(s->words));
		show_number(m, row, m->saved[row->quantity], s);
	}
	if ((m->troubles & METER_ZEROS && is_counter(row)) ||
	    (m->troubles & METER_SERIAL_OF_ZEROS && row->quantity == Q_SERIAL_NUMBER)) {
		memset(s->words, 0, sizeof(s->words));
		s->value = 0;
	}
}

static bool touches(struct range r, unsigned first, unsigned n)
{
	return first < r.first + r.n && r.first < first + n;
}

static bool holds(struct range r, unsigned first, unsigned n)
{
	return first >= r.first && first + n <= r.first + r.n;
}

static bool is_lacking(const struct meter *m, struct range r)
{
	for (size_t i = 0; i < m->n_lacks; i++)
		if (touches(r, m->lacks[i].first, m->lacks[i].last - m->lacks[i].first + 1u))
			return true;
	return false;
}

/* Word-addressed tables: fill words[0..n) and set named[i] for each word that a row of the table names. */
static void fill_words(const struct meter *m, struct range r, uint16_t *words, bool *named)
{
	struct shown s;

	for (size_t i = 0; i < m->driver->n_rows; i++) {
		const struct driver_row *row = &m->driver->rows[i];
		bool sign = row->has_sign && holds(r, row->sign_address, 1);
		bool ten = row->has_ten && holds(r, row->ten_address, 1);

		if (row->function != r.function || (!sign && !ten && !touches(r, row->address, row->n_words)))
			continue;
		answer_row(m, row, &s);
		for (unsigned w = 0; w < row->n_words; w++) {
			if (!holds(r, row->address + w, 1))
				continue;
			words[row->address + w - r.first] |= s.words[w];
			named[row->address + w - r.first] = true;
		}
		if (sign) {
			words[row->sign_address - r.first] = s.sign;
			named[row->sign_address - r.first] = true;
		}
		if (ten) { /* weights are those at the lowest power */
			words[row->ten_address - r.first] = (uint16_t)row->ten_low;
			named[row->ten_address - r.first] = true;
		}
	}
}

enum gaps { GAPS_REFUSED, GAPS_READABLE, GAPS_CROSS_A_BLOCK };

/* May a request read words that no row names? Inside one block the block decides, outside every block the table does.
 * GAPS_CROSS_A_BLOCK: the range crosses the border of a block, which is never allowed. */
static enum gaps find_gaps(const struct driver *d, struct range r)
{
	for (size_t i = 0; i < d->n_blocks; i++) {
		if (d->blocks[i].function != r.function)
			continue;
		if (holds((struct range){d->blocks[i].address, d->blocks[i].n_words, r.function}, r.first, r.n))
			return d->blocks[i].gaps ? GAPS_READABLE : GAPS_REFUSED;
		if (touches(r, d->blocks[i].address, d->blocks[i].n_words))
			return GAPS_CROSS_A_BLOCK;
	}
	return d->gaps ? GAPS_READABLE : GAPS_REFUSED;
}

static uint8_t read_words(const struct meter *m, struct range r, uint16_t *words)
{
	bool named[DRIVER_WORDS_MAX] = {false};
	enum gaps gaps = find_gaps(m->driver, r);

	if (gaps == GAPS_CROSS_A_BLOCK || is_lacking(m, r))
		return ILLEGAL_ADDRESS;
	memset(words, 0, r.n * sizeof(*words));
	fill_words(m, r, words, named);
	for (unsigned i = 0; i < r.n; i++) {
		if (!named[i] && gaps == GAPS_REFUSED)
			return ILLEGAL_ADDRESS;
		if (!named[i])
			words[i] = (r.first + i) % 2 == 0 ? 0xFFFF : 0; /* reserved words can hold anything */
	}
	return 0;
}

/* Byte-addressed tables: consecutive values of 32 bits or more from one address, or a single short value or sign. */
static uint8_t read_bytes(const struct meter *m, struct range r, uint16_t *words)
{
	unsigned address = r.first, done = 0;
	struct shown s;

	while (done < r.n) {
		const struct driver_row *row = NULL, *sign = NULL;

		for (size_t i = 0; i < m->driver->n_rows; i++) {
			if (m->driver->rows[i].address == address)
				row = &m->driver->rows[i];
			if (m->driver->rows[i].has_sign && m->driver->rows[i].sign_address == address)
				sign = &m->driver->rows[i];
		}
		if (is_lacking(m, (struct range){address, 1, r.function}))
			return ILLEGAL_ADDRESS;
		if (row == NULL && sign != NULL && r.n == 1) {
			answer_row(m, sign, &s);
			words[0] = s.sign;
			return 0;
		}
		if (row == NULL && sign == NULL && m->driver->gaps) {
			words[done++] = 0;
			address += 2;
			continue;
		}
		if (row == NULL || row->n_words > r.n - done || (row->n_words == 1 && r.n > 1))
			return ILLEGAL_ADDRESS;
		answer_row(m, row, &s);
		memcpy(words + done, s.words, row->n_words * sizeof(*words));
		done += row->n_words;
		address += 2u * row->n_words;
	}
	return 0;
}

static bool is_read(const struct adu *request)
{
	return request->n_pdu == 5 && (request->pdu[0] == 3 || request->pdu[0] == 4);
}

static struct range range_of(const struct adu *request)
{
	const uint8_t *p = request->pdu;

	return (struct range){(unsigned)p[1] << 8 | p[2], (unsigned)p[3] << 8 | p[4], p[0]};
}

static bool has_function(const struct driver *d, uint8_t function)
{
	for (size_t i = 0; i < d->n_rows; i++)
		if (d->rows[i].function == function)
			return true;
	return false;
}

static uint8_t read_request(const struct meter *m, const struct adu *request, uint16_t *words)
{
	struct range r;

	if (request->n_pdu < 1 || !has_function(m->driver, request->pdu[0]))
		return ILLEGAL_FUNCTION;
	if (request->n_pdu != 5)
		return ILLEGAL_VALUE;
	r = range_of(request);
	if (r.n == 0 || r.n > m->driver->max_words || r.n > DRIVER_WORDS_MAX)
		return ILLEGAL_VALUE;
	if (r.first + r.n > 0x10000)
		return ILLEGAL_ADDRESS;
	return m->driver->byte_addressed ? read_bytes(m, r, words) : read_words(m, r, words);
}

static bool has_coarser_row(const struct driver *d, const struct driver_row *row)
{
	for (const struct driver_row *other = row + 1; other < d->rows + d->n_rows; other++)
		if (other->quantity == row->quantity && !other->is_rest)
			return true;
	return false;
}

bool slave_is_asked(const struct meter *m, const struct adu *request)
{
	struct range r;

	if (m->driver->n_loads < 2 || !is_read(request))
		return m->driver->n_loads < 2;
	r = range_of(request);
	for (size_t i = 0; i < m->driver->n_rows; i++) {
		const struct driver_row *row = &m->driver->rows[i];

		if (!row->shared && row->function == r.function && touches(r, row->address, row->n_words))
			return true;
	}
	return false;
}

unsigned slave_troubles(const struct meter *m, const struct adu *request)
{
	unsigned found = 0;
	struct range r;

	if (!is_read(request))
		return 0;
	r = range_of(request);
	if (m->driver->byte_addressed)
		r.n *= 2;
	if (touches(r, m->refused.first, m->refused.last - m->refused.first + 1u))
		found |= METER_REFUSES;
	for (size_t i = 0; i < m->driver->n_rows; i++) {
		const struct driver_row *row = &m->driver->rows[i];

		if (row->function != r.function || (!touches(r, row->address, driver_row_span(m->driver, row)) &&
						    !(row->has_sign && touches(r, row->sign_address, 1))))
			continue;
		if (is_counter(row))
			found |= METER_STALE | METER_ZEROS;
		if (row->quantity == Q_SERIAL_NUMBER)
			found |= METER_SERIAL_OF_ZEROS;
		if (has_coarser_row(m->driver, row))
			found |= METER_COARSE_ONLY;
	}
	return found & m->troubles;
}

/* The exception of the meter's troubles, or 0. */
static uint8_t find_refusal(const struct meter *m, const struct adu *request)
{
	unsigned troubles = slave_troubles(m, request);

	if (troubles & METER_REFUSES)
		return m->refusal;
	return troubles & METER_COARSE_ONLY ? ILLEGAL_ADDRESS : 0;
}

void slave_answer(const struct meter *m, const struct adu *request, struct adu *answer)
{
	uint16_t words[DRIVER_WORDS_MAX];
	uint8_t exception = read_request(m, request, words);

	if (exception == 0)
		exception = find_refusal(m, request);
	*answer = *request;
	if (exception != 0) {
		adu_make_exception(answer, exception);
		return;
	}
	answer->pdu[1] = (uint8_t)(range_of(request).n * 2);
	answer->n_pdu = 2u + answer->pdu[1];
	for (unsigned i = 0; i < range_of(request).n; i++) {
		answer->pdu[2 + 2 * i] = (uint8_t)(words[i] >> 8);
		answer->pdu[3 + 2 * i] = (uint8_t)words[i];
	}
}

uint8_t slave_exception(const struct adu *answer)
{
	return answer->n_pdu >= 2 && answer->pdu[0] & 0x80 ? answer->pdu[1] : 0;
}

bool slave_row(const struct meter *m, const struct driver_row *row, int64_t *value, char *text, size_t text_bytes)
{
	struct shown s;

	show_row(m, row, &s);
	*value = s.value;
	snprintf(text, text_bytes, "%s", s.text);
	return s.present;
}

static void print_value(const struct driver_row *row, const struct shown *s, FILE *out)
{
	if (!s->present) {
		fputs("na", out);
	} else if (row->quantity >= Q_MAKER) {
		for (const char *c = s->text; *c != '\0'; c++)
			fputc(*c == ' ' ? '_' : *c, out);
	} else {
		fprintf(out, "%" PRId64, s->value);
	}
}

static bool holds_row(const struct driver *d, struct range r, const struct driver_row *row)
{
	return row->function == r.function && holds(r, row->address, row->n_words * (d->byte_addressed ? 2u : 1u));
}

void slave_print_shown(const struct meter *m, const struct adu *request, FILE *out)
{
	struct range r;
	struct shown s;

	if (!is_read(request))
		return;
	r = range_of(request);
	if (m->driver->byte_addressed)
		r.n *= 2;
	for (size_t i = 0; i < m->driver->n_rows; i++) {
		const struct driver_row *row = &m->driver->rows[i], *rest;

		if (row->is_rest || !holds_row(m->driver, r, row))
			continue;
		rest = driver_rest(m->driver, row);
		if (rest != NULL && !holds_row(m->driver, r, rest))
			continue;
		answer_row(m, row, &s);
		fprintf(out, " %s=", names_get(row->quantity)->name);
		print_value(row, &s, out);
	}
}

/* The first register of q that exists in the firmware, or NULL. */
static const struct driver_row *find_present_row(const struct meter *m, enum quantity q)
{
	for (size_t i = 0; i < m->driver->n_rows; i++) {
		const struct driver_row *row = &m->driver->rows[i];

		if (row->quantity == q && !is_lacking(m, (struct range){row->address, row->n_words, row->function}))
			return row;
	}
	return NULL;
}

void slave_print_all(const struct meter *m, bool exact, FILE *out)
{
	struct shown s;

	for (int q = 0; q < Q_COUNT; q++) {
		const struct driver_row *row = find_present_row(m, (enum quantity)q);

		if (row == NULL)
			continue;
		show_row(m, row, &s);
		if (exact && q < Q_MAKER)
			(void)value_of(m, (enum quantity)q, &s.value);
		fprintf(out, "%s=", names_get(row->quantity)->name);
		print_value(row, &s, out);
		fputc('\n', out);
	}
}
