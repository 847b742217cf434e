/* SPDX-License-Identifier: MIT */
#include "option.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "digest.h"
#include "driver.h"
#include "err.h"
#include "nearest.h"
#include "value.h"

static const struct option_word clocks[] = {{"set", CLOCK_SET}, {"kernel", CLOCK_KERNEL}, {NULL, 0}};
static const struct option_word durabilities[] = {{"full", CONF_FULL}, {"normal", CONF_NORMAL}, {NULL, 0}};
static const struct option_word levels[] = {{"error", LOG_LEVEL_ERROR},
					    {"warning", LOG_LEVEL_WARNING},
					    {"info", LOG_LEVEL_INFO},
					    {"debug", LOG_LEVEL_DEBUG},
					    {NULL, 0}};
static const struct option_word transports[] = {
	{"rtu", CONF_RTU}, {"tcp", CONF_TCP}, {"rtu-over-tcp", CONF_RTU_OVER_TCP}, {NULL, 0}};
/* The speeds of RS485 meters that libmodbus and the kernel both know by name. */
static const struct option_word bauds[] = {{"1200", 1200},   {"2400", 2400},	 {"4800", 4800},
					   {"9600", 9600},   {"19200", 19200},	 {"38400", 38400},
					   {"57600", 57600}, {"115200", 115200}, {NULL, 0}};
static const struct option_word parities[] = {{"none", CONF_NONE}, {"even", CONF_EVEN}, {"odd", CONF_ODD}, {NULL, 0}};
static const struct option_word turns[] = {{"auto", CONF_RS485_AUTO},
					   {"kernel", CONF_RS485_KERNEL},
					   {"rts", CONF_RS485_RTS},
					   {"off", CONF_RS485_OFF},
					   {NULL, 0}};
static const struct option_word answers[] = {{"yes", true}, {"no", false}, {NULL, 0}};

static const struct option_word kinds[] = {{"electricity", CONF_ELECTRICITY},
					   {"gas", CONF_GAS},
					   {"water", CONF_WATER},
					   {"heat", CONF_HEAT},
					   {"other", CONF_OTHER},
					   {NULL, 0}};

/* The units that a bus file may use for an input, the names that they have in the registry, and the quantity that is
 * counted then. Of a pulse, plates have the number in one unit too: imp/kWh. */
static const struct countable {
	const char *text, *unit;
	enum quantity quantity;
} countables[] = {
	{"Wh", "Wh", Q_ACTIVE_ENERGY_IMPORT},
	{"kWh", "kWh", Q_ACTIVE_ENERGY_IMPORT},
	{"MWh", "MWh", Q_ACTIVE_ENERGY_IMPORT},
	{"varh", "varh", Q_REACTIVE_ENERGY_IMPORT},
	{"kvarh", "kvarh", Q_REACTIVE_ENERGY_IMPORT},
	{"VAh", "VAh", Q_APPARENT_ENERGY},
	{"kVAh", "kVAh", Q_APPARENT_ENERGY},
	{"m3", "m3", Q_VOLUME},
	{"m\302\263", "m3", Q_VOLUME}, /* with a small 3 */
	{"l", "l", Q_VOLUME},
	{"kJ", "kJ", Q_HEAT},
	{"MJ", "MJ", Q_HEAT},
	{"GJ", "GJ", Q_HEAT},
	{"kcal", "kcal", Q_HEAT},
	{"Mcal", "Mcal", Q_HEAT},
	{"Gcal", "Gcal", Q_HEAT},
};
enum { N_COUNTABLES = sizeof(countables) / sizeof(countables[0]) };

static const char per_prefix[] = "imp/";

enum { CALORIFIC_KWH_M3 = 1000000 }; /* nWh in a ml, where there is a kWh in a m3 */

#define FIELD(type, member) .offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)

enum {
	NETWORK = 1 << CONF_TCP | 1 << CONF_RTU_OVER_TCP,
};
#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

static const struct option table[] = {
	{OPTION_STORE, "path", OPTION_TEXT, .what = "the path of a database file",
	 .fallback = "/var/lib/tallyd/tallyd.db", FIELD(conf, store_path)},
	{OPTION_STORE, "commit_interval", OPTION_DURATION, .fallback = "10s", FIELD(conf, commit_interval_ms),
	 .min = 100, .max = HOUR, .unit_ms = 1},
	{OPTION_STORE, "durability", OPTION_WORD, .fallback = "full", FIELD(conf, durability), .words = durabilities},
	{OPTION_STORE, "keep_readings", OPTION_DURATION, .fallback = "400d", FIELD(conf, keep_readings_d), .min = DAY,
	 .max = 36500 * DAY, .unit_ms = DAY},
	{OPTION_STORE, "interval", OPTION_DURATION, .fallback = "15min", FIELD(conf, interval_s), .min = SECOND,
	 .max = HOUR, .unit_ms = SECOND},
	{OPTION_STORE, "timezone", OPTION_TEXT, .what = "a name below /usr/share/zoneinfo, such as Europe/Paris",
	 FIELD(conf, timezone)},
	{OPTION_STORE, "clock", OPTION_WORD, .fallback = "set", FIELD(conf, clock), .words = clocks},
	{OPTION_DRIVERS, "path", OPTION_TEXT, .what = "a list of directories, DIR:DIR", .fallback = TALLY_DRIVER_PATH,
	 FIELD(conf, driver_path)},
	{OPTION_LOG, "level", OPTION_WORD, .fallback = "info", FIELD(conf, log_level), .words = levels},

	{OPTION_BUS, "transport", OPTION_WORD, .fallback = "rtu", FIELD(conf_bus, transport), .words = transports},
	{OPTION_BUS, "device", OPTION_TEXT, .what = "the path of a serial port", .transports = 1 << CONF_RTU,
	 FIELD(conf_bus, device)},
	{OPTION_BUS, "host", OPTION_TEXT, .what = "a host name or address", .transports = NETWORK,
	 FIELD(conf_bus, host)},
	{OPTION_BUS, "port", OPTION_WHOLE, .transports = NETWORK, .fallback = "502", FIELD(conf_bus, port), .min = 1,
	 .max = 65535},
	{OPTION_BUS, "baud", OPTION_WORD, .fallback = "9600", FIELD(conf_bus, baud), .words = bauds},
	{OPTION_BUS, "parity", OPTION_WORD, .fallback = "none", FIELD(conf_bus, parity), .words = parities},
	{OPTION_BUS, "stop_bits", OPTION_WHOLE, .fallback = "1", FIELD(conf_bus, stop_bits), .min = 1, .max = 2},
	{OPTION_BUS, "rs485", OPTION_WORD, .transports = 1 << CONF_RTU, .fallback = "auto", FIELD(conf_bus, rs485),
	 .words = turns},
	{OPTION_BUS, "rs485_delay_before", OPTION_DURATION, .transports = 1 << CONF_RTU, .fallback = "0",
	 FIELD(conf_bus, rs485_delay_before_ms), .min = 0, .max = SECOND, .unit_ms = 1},
	{OPTION_BUS, "rs485_delay_after", OPTION_DURATION, .transports = 1 << CONF_RTU, .fallback = "0",
	 FIELD(conf_bus, rs485_delay_after_ms), .min = 0, .max = SECOND, .unit_ms = 1},
	{OPTION_BUS, "energy_every", OPTION_DURATION, .fallback = "1min", FIELD(conf_bus, energy_every_s),
	 .min = SECOND, .max = DAY, .unit_ms = SECOND},
	{OPTION_BUS, "power_every", OPTION_DURATION, .fallback = "10s", FIELD(conf_bus, power_every_s), .min = SECOND,
	 .max = DAY, .unit_ms = SECOND, .zero = true},
	{OPTION_BUS, "response_timeout", OPTION_DURATION, .fallback = "1s", FIELD(conf_bus, response_timeout_ms),
	 .min = 10, .max = 60 * SECOND, .unit_ms = 1},
	{OPTION_BUS, "retries", OPTION_WHOLE, .fallback = "1", FIELD(conf_bus, retries), .min = 0, .max = 10},
	{OPTION_BUS, "repeaters", OPTION_WHOLE, .fallback = "0", FIELD(conf_bus, repeaters), .min = 0, .max = 16},

	{OPTION_METER, "model", OPTION_NAME, .what = "a model's name, as tally models lists them", .required = true,
	 FIELD(conf_meter, model)},
	{OPTION_METER, "address", OPTION_WHOLE, .required = true, FIELD(conf_meter, address), .min = 0,
	 .max = DRIVER_UNIT_MAX},
	{OPTION_METER, "load", OPTION_WHOLE, .fallback = "1", FIELD(conf_meter, load), .min = 1,
	 .max = DRIVER_LOADS_MAX},
	{OPTION_METER, "invert", OPTION_WORD, .fallback = "no", FIELD(conf_meter, is_inverted), .words = answers},
	{OPTION_METER, "label", OPTION_LABEL, .fallback = "", FIELD(conf_meter, label)},
	{OPTION_METER, "confirmed", OPTION_WORD, .fallback = "no", FIELD(conf_meter, confirmed), .words = answers},
	{OPTION_METER, "ct", OPTION_RATIO, .fallback = "1/1", FIELD(conf_meter, ct_primary), .min = 1, .max = 1000000},
	{OPTION_METER, "vt", OPTION_RATIO, .fallback = "1/1", FIELD(conf_meter, vt_primary), .min = 1, .max = 1000000},
	{OPTION_METER, "energy_every", OPTION_DURATION, .inherited = true, FIELD(conf_meter, energy_every_s),
	 .min = SECOND, .max = DAY, .unit_ms = SECOND},
	{OPTION_METER, "power_every", OPTION_DURATION, .inherited = true, FIELD(conf_meter, power_every_s),
	 .min = SECOND, .max = DAY, .unit_ms = SECOND, .zero = true},
	{OPTION_METER, "response_timeout", OPTION_DURATION, .inherited = true, FIELD(conf_meter, response_timeout_ms),
	 .min = 10, .max = 60 * SECOND, .unit_ms = 1},
	{OPTION_METER, "retries", OPTION_WHOLE, .inherited = true, FIELD(conf_meter, retries), .min = 0, .max = 10},

	{OPTION_INPUT, "concentrator", OPTION_NAME, .what = "the name of a meter of this bus", .required = true,
	 FIELD(option_input, concentrator)},
	{OPTION_INPUT, "input", OPTION_WHOLE, .required = true, FIELD(option_input, input.input), .min = 1, .max = 8},
	/* Times 2^32 pulses, and an offset, 10^9 fits 63 bits. */
	{OPTION_INPUT, "pulse", OPTION_PULSE, FIELD(option_input, pulse), .min = 1, .max = 1000000000},
	{OPTION_INPUT, "preset", OPTION_NAME, .what = "conto-d2", FIELD(option_input, preset)},
	{OPTION_INPUT, "offset", OPTION_AMOUNT, FIELD(option_input, offset), .min = -1000000000000000,
	 .max = 1000000000000000},
	{OPTION_INPUT, "kind", OPTION_WORD, FIELD(option_input, input.kind), .words = kinds},
	{OPTION_INPUT, "calorific", OPTION_CALORIFIC, FIELD(option_input, input.calorific), .min = 500000,
	 .max = 50000000},
	{OPTION_INPUT, "label", OPTION_LABEL, .fallback = "", FIELD(option_input, input.label)},
};
enum { N_OPTIONS = sizeof(table) / sizeof(table[0]) };

_Static_assert((int)N_OPTIONS <= (int)OPTION_ROWS_MAX, "a section of a file has room for every key");

/* OPTION_RATIO writes both numbers of a pair. */
_Static_assert(offsetof(struct conf_meter, ct_secondary) == offsetof(struct conf_meter, ct_primary) + 4, "ct pair");
_Static_assert(offsetof(struct conf_meter, vt_secondary) == offsetof(struct conf_meter, vt_primary) + 4, "vt pair");

const struct option *option_table(size_t *n)
{
	*n = N_OPTIONS;
	return table;
}

const struct option *option_find(enum option_section section, const char *name)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (table[i].section == section && strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

const char *option_section_text(enum option_section section)
{
	static const char *const texts[OPTION_SECTION_COUNT] = {
		[OPTION_STORE] = "store", [OPTION_DRIVERS] = "drivers", [OPTION_LOG] = "log",
		[OPTION_BUS] = "bus",	  [OPTION_METER] = "meter",	[OPTION_INPUT] = "input"};

	return texts[section];
}

bool option_section_named(enum option_section section)
{
	return section == OPTION_METER || section == OPTION_INPUT;
}

static void allowed_words(const struct option_word *words, char *out, size_t size)
{
	size_t n = 0;

	for (const struct option_word *w = words; w->text != NULL && n < size; w++)
		n += (size_t)snprintf(out + n, size - n, "%s%s",
				      w == words	  ? ""
				      : w[1].text == NULL ? " or "
							  : ", ",
				      w->text);
}

static void allowed_countables(bool is_pulse, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "a number and ");

	for (size_t i = 0; i < N_COUNTABLES && n < size; i++)
		if (countables[i].text == countables[i].unit)
			n += (size_t)snprintf(out + n, size - n, "%s%s",
					      i == 0		      ? ""
					      : i + 1 == N_COUNTABLES ? " or "
								      : ", ",
					      countables[i].text);
	if (is_pulse && n < size)
		snprintf(out + n, size - n, ", or %s and one of them", per_prefix);
}

static void allowed_duration(const struct option *o, char *out, size_t size)
{
	char least[VALUE_DURATION_TEXT_MAX], most[VALUE_DURATION_TEXT_MAX];

	value_duration_text(o->min, least);
	value_duration_text(o->max, most);
	snprintf(out, size, "%s%s to %s%s", o->zero ? "0 (never) or " : "", least, most,
		 o->unit_ms == DAY	? " in whole days"
		 : o->unit_ms == SECOND ? " in whole seconds"
					: "");
}

void option_allowed(const struct option *o, char out[OPTION_ALLOWED_TEXT_MAX])
{
	const size_t size = OPTION_ALLOWED_TEXT_MAX;

	switch (o->type) {
	case OPTION_TEXT:
	case OPTION_NAME:
		snprintf(out, size, "%s", o->what);
		break;
	case OPTION_LABEL:
		snprintf(out, size, "a text of at most %zu bytes", o->size - 1);
		break;
	case OPTION_WORD:
		allowed_words(o->words, out, size);
		break;
	case OPTION_WHOLE:
		snprintf(out, size, "%lld to %lld", (long long)o->min, (long long)o->max);
		break;
	case OPTION_DURATION:
		allowed_duration(o, out, size);
		break;
	case OPTION_RATIO:
		snprintf(out, size, "PRIMARY/SECONDARY, each %lld to %lld, primary at least secondary",
			 (long long)o->min, (long long)o->max);
		break;
	case OPTION_AMOUNT:
		allowed_countables(false, out, size);
		break;
	case OPTION_PULSE:
		allowed_countables(true, out, size);
		break;
	case OPTION_CALORIFIC:
		snprintf(out, size, "a number and kWh/m3, %g to %g", (double)o->min / CALORIFIC_KWH_M3,
			 (double)o->max / CALORIFIC_KWH_M3);
		break;
	}
}

static void put_whole(const struct option *o, int64_t value, void *target)
{
	char *field = (char *)target + o->offset;

	switch (o->size) {
	case 1:
		memcpy(field, &(uint8_t){(uint8_t)value}, 1);
		break;
	case 2:
		memcpy(field, &(uint16_t){(uint16_t)value}, 2);
		break;
	default:
		memcpy(field, &(uint32_t){(uint32_t)value}, 4);
	}
}

static bool set_text(const struct option *o, const char *text, void *target, struct err *e)
{
	char **field = (char **)(void *)((char *)target + o->offset);
	char *copy;

	if (*text == '\0')
		return false;
	copy = strdup(text);
	if (copy == NULL) {
		/* an error, and none of this text */
		err_out_of_memory(e);
		return true;
	}
	free(*field);
	*field = copy;
	return true;
}

static bool set_array(const struct option *o, const char *text, void *target)
{
	if (strlen(text) >= o->size || (o->type == OPTION_NAME && !value_is_name(text, o->size - 1)))
		return false;
	strcpy((char *)target + o->offset, text);
	return true;
}

static bool set_word(const struct option *o, const char *text, void *target)
{
	for (const struct option_word *w = o->words; w->text != NULL; w++) {
		if (strcasecmp(w->text, text) == 0) {
			put_whole(o, w->value, target);
			return true;
		}
	}
	return false;
}

static bool set_whole(const struct option *o, const char *text, void *target)
{
	int64_t value;

	if (value_whole(text, &value) != VALUE_OK || value < o->min || value > o->max)
		return false;
	put_whole(o, value, target);
	return true;
}

static bool set_duration(const struct option *o, const char *text, void *target)
{
	int64_t ms;

	if (value_duration(text, &ms) != VALUE_OK || ms % o->unit_ms != 0)
		return false;
	if ((ms < o->min || ms > o->max) && !(o->zero && ms == 0))
		return false;
	put_whole(o, ms / o->unit_ms, target);
	return true;
}

static bool set_ratio(const struct option *o, const char *text, void *target)
{
	uint32_t pair[2];

	if (value_ratio(text, &pair[0], &pair[1]) != VALUE_OK || pair[0] < pair[1] || pair[0] > o->max)
		return false;
	memcpy((char *)target + o->offset, pair, sizeof(pair));
	return true;
}

static bool set_value(const struct option *o, const char *text, void *target, const char *file, unsigned line,
		      struct err *e);

/* The ways in which people write a value, in the order in which they are put right. */
enum repair {
	REPAIR_BLANKS,	/* Conto D4-S: a name has hyphens */
	REPAIR_COMMA,	/* 0,01 m3: a decimal point */
	REPAIR_UNIT,	/* 1 kwh, 10 l/imp, 2000 pulses/kWh: the unit as it is written here */
	REPAIR_CASE,	/* 10S: small letters */
	REPAIR_WORD,	/* watr: the nearest word */
	REPAIR_NO_UNIT, /* 9600 baud, 400/5A: the number alone */
	REPAIRS,
};

/* As plates have it: "imp./kWh", "Pulses/kWh"; "l/imp", "Wh/pulse". */
static bool is_pulse_word(const char *text, size_t n)
{
	static const char *const words[] = {"imp", "imp.", "imps", "pulse", "pulses", "puls", "p"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == n && strncasecmp(text, words[i], n) == 0)
			return true;
	return false;
}

/* Make the unit at the end of a text one of ours: the same in other letters, or one with a slip of the pen. Not another
 * first letter: that is where k and M differ. room: bytes with NUL. */
static void repair_countable(char *unit, size_t room, bool may_be_per)
{
	char *slash = may_be_per ? strchr(unit, '/') : NULL, word[NEAREST_NAME_MAX + 1];
	bool is_per = slash != NULL && is_pulse_word(unit, (size_t)(slash - unit));
	const char *found = NULL;

	if (slash != NULL && !is_per && is_pulse_word(slash + 1, strlen(slash + 1)))
		*slash = '\0';
	snprintf(word, sizeof(word), "%s", is_per ? slash + 1 : unit);
	for (size_t i = 0; i < N_COUNTABLES && found == NULL; i++)
		if (strcasecmp(word, countables[i].text) == 0)
			found = countables[i].unit;
	for (size_t i = 0; i < N_COUNTABLES && found == NULL && strlen(word) > 2; i++)
		if (word[0] == countables[i].text[0] && nearest_distance(word, countables[i].text) == 1)
			found = countables[i].unit;
	if (found != NULL)
		snprintf(unit, room, "%s%s", is_per ? per_prefix : "", found);
}

/* A calorific value without its unit, in other letters or in MJ: suppliers have both. text has room for
 * OPTION_ALLOWED_TEXT_MAX bytes. */
static void repair_calorific(char *text, const char *unit)
{
	static const char *const mine[] = {"", "kWh", "kWh/m3", "kWh/m\302\263", "kWh/Nm3", "kWh/cbm"};
	static const char *const joules[] = {"MJ", "MJ/m3", "MJ/m\302\263", "MJ/Nm3"};
	char *end;
	double number = strtod(text, &end);
	size_t room = OPTION_ALLOWED_TEXT_MAX - (size_t)(end - text);

	if (end == text)
		return;
	for (size_t i = 0; i < sizeof(joules) / sizeof(joules[0]); i++) {
		if (strcasecmp(unit, joules[i]) == 0) {
			snprintf(text, OPTION_ALLOWED_TEXT_MAX, "%.3f kWh/m3", number / 3.6);
			return;
		}
	}
	for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++) {
		if (strcasecmp(unit, mine[i]) == 0) {
			snprintf(end, room, " kWh/m3");
			return;
		}
	}
}

/* Never longer than before by more than the words differ, which is little. */
static void repair_word(const struct option_word *words, char *text)
{
	struct nearest near;
	char mistyped[NEAREST_NAME_MAX + 1];

	snprintf(mistyped, sizeof(mistyped), "%s", text);
	nearest_begin(&near, mistyped);
	for (const struct option_word *w = words; w->text != NULL; w++)
		nearest_consider(&near, w->text);
	if (near.name[0] != '\0')
		snprintf(text, OPTION_ALLOWED_TEXT_MAX, "%s", near.name);
}

static void repair(const struct option *o, enum repair how, char *text)
{
	size_t n = strspn(text, "0123456789.,/-"), unit = n + strspn(text + n, " \t");
	char *comma = strchr(text, ',');

	switch (how) {
	case REPAIR_BLANKS:
		for (char *c = strchr(text, ' '); o->type == OPTION_NAME && c != NULL; c = strchr(c, ' '))
			*c = '-';
		break;
	case REPAIR_COMMA:
		if (comma != NULL && strpbrk(comma + 1, ".,") == NULL)
			*comma = '.';
		break;
	case REPAIR_UNIT:
		if (o->type == OPTION_CALORIFIC)
			repair_calorific(text, text + unit);
		else if (o->type == OPTION_AMOUNT || o->type == OPTION_PULSE)
			repair_countable(text + unit, OPTION_ALLOWED_TEXT_MAX - unit, o->type == OPTION_PULSE);
		break;
	case REPAIR_CASE:
		for (char *c = text; *c != '\0'; c++)
			*c = (char)tolower((unsigned char)*c);
		break;
	case REPAIR_WORD:
		if (o->type == OPTION_WORD && isalpha((unsigned char)text[0]))
			repair_word(o->words, text);
		break;
	case REPAIR_NO_UNIT:
		text[n] = '\0';
		break;
	case REPAIRS:
		break;
	}
}

/* Write to out what the owner may have meant by a text that is no value for o. Returns false when nothing is near. */
static bool find_meant(const struct option *o, const char *text, char out[OPTION_ALLOWED_TEXT_MAX])
{
	union {
		struct conf conf;
		struct conf_bus bus;
		struct conf_meter meter;
		struct option_input input;
	} scratch = {.input = {.pulse = {.weight = 0}}};
	struct err ignored = {0};
	bool is_good = false;

	if (o->type < OPTION_NAME || strlen(text) >= OPTION_ALLOWED_TEXT_MAX)
		return false;
	strcpy(out, text);
	for (int how = 0; how < REPAIRS && !is_good; how++) {
		repair(o, (enum repair)how, out);
		is_good = strcmp(out, text) != 0 && set_value(o, out, &scratch, NULL, 0, &ignored);
	}
	err_fini(&ignored);
	return is_good;
}

/* Split text into a number and a unit, with blanks between or none. is_per: NULL, or whether the unit is one of
 * imp/UNIT. NULL when it is not that. */
static const struct countable *split_amount(const char *text, struct value_decimal *number, bool *is_per)
{
	const size_t n_prefix = sizeof(per_prefix) - 1;
	const char *rest;

	if (value_decimal(text, number, &rest) != VALUE_OK)
		return NULL;
	rest += strspn(rest, " \t");
	if (is_per != NULL) {
		*is_per = strncmp(rest, per_prefix, n_prefix) == 0;
		rest += *is_per ? n_prefix : 0;
	}
	for (size_t i = 0; i < N_COUNTABLES; i++)
		if (strcmp(rest, countables[i].text) == 0)
			return &countables[i];
	return NULL;
}

static bool set_amount(const struct option *o, const char *text, void *target, const char *file, unsigned line,
		       struct err *e)
{
	struct value_decimal number;
	const struct countable *c = split_amount(text, &number, NULL);
	struct option_amount amount = {.given = true};
	enum value_result result;

	if (c == NULL)
		return false;
	amount.quantity = c->quantity;
	result = names_multiply(number, names_unit(c->quantity, c->unit), &amount.base_units);
	if (result == VALUE_FRACTION) {
		err_add(e, file, line, "%s = %s is not valid; use a whole number of %s", o->name, text,
			names_get(c->quantity)->unit);
		return false;
	}
	if (result == VALUE_RANGE || amount.base_units < o->min || amount.base_units > o->max) {
		err_add(e, file, line, "%s = %s is out of range; use %lld to %lld %s", o->name, text, (long long)o->min,
			(long long)o->max, names_get(c->quantity)->unit);
		return false;
	}
	memcpy((char *)target + o->offset, &amount, sizeof(amount));
	return true;
}

static bool set_pulse(const struct option *o, const char *text, void *target, const char *file, unsigned line,
		      struct err *e)
{
	struct value_decimal number;
	const struct names_unit *unit;
	struct option_pulse pulse;
	enum value_result result;
	bool is_per;
	const struct countable *c = split_amount(text, &number, &is_per);

	if (c == NULL)
		return false;
	unit = names_unit(c->quantity, c->unit);
	pulse.quantity = c->quantity;
	/* Water is read in litres or in cubic metres, as its meter shows it. */
	pulse.shown = c->quantity == Q_VOLUME ? unit : names_shown(c->quantity);
	result = names_fraction(number, unit, is_per, &pulse.weight, &pulse.weight_per);
	if (result == VALUE_FRACTION) {
		err_add(e, file, line, "%s = %s is not valid; use at most %d decimals", o->name, text,
			VALUE_DECIMALS_MAX);
		return false;
	}
	if (result == VALUE_RANGE || pulse.weight > o->max || pulse.weight_per > o->max) {
		err_add(e, file, line, "%s = %s is out of range; use N/M %s with N and M from %lld to %lld", o->name,
			text, names_get(c->quantity)->unit, (long long)o->min, (long long)o->max);
		return false;
	}
	memcpy((char *)target + o->offset, &pulse, sizeof(pulse));
	return true;
}

static bool is_calorific_unit(const char *text)
{
	return strcmp(text, "kWh/m3") == 0 || strcmp(text, "kWh/m\302\263") == 0;
}

static bool set_calorific(const struct option *o, const char *text, void *target, const char *file, unsigned line,
			  struct err *e)
{
	char allowed[OPTION_ALLOWED_TEXT_MAX];
	struct value_decimal number;
	const char *rest;
	int64_t calorific;

	if (value_decimal(text, &number, &rest) != VALUE_OK || !is_calorific_unit(rest + strspn(rest, " \t")))
		return false;
	option_allowed(o, allowed);
	switch (value_multiply(number, CALORIFIC_KWH_M3, &calorific)) {
	case VALUE_FRACTION:
		err_add(e, file, line, "%s = %s is not valid; use at most %d decimals", o->name, text,
			VALUE_DECIMALS_MAX);
		return false;
	case VALUE_OK:
		if (calorific >= o->min && calorific <= o->max)
			break;
		/* fall through */
	default:
		err_add(e, file, line, "%s = %s is out of range; use %s", o->name, text, allowed);
		return false;
	}
	put_whole(o, calorific, target);
	return true;
}

/* As option_set(), but a text that is no value at all is left to the caller to report. */
static bool set_value(const struct option *o, const char *text, void *target, const char *file, unsigned line,
		      struct err *e)
{
	switch (o->type) {
	case OPTION_TEXT:
		return set_text(o, text, target, e);
	case OPTION_LABEL:
	case OPTION_NAME:
		return set_array(o, text, target);
	case OPTION_WORD:
		return set_word(o, text, target);
	case OPTION_WHOLE:
		return set_whole(o, text, target);
	case OPTION_DURATION:
		return set_duration(o, text, target);
	case OPTION_RATIO:
		return set_ratio(o, text, target);
	case OPTION_AMOUNT:
		return set_amount(o, text, target, file, line, e);
	case OPTION_PULSE:
		return set_pulse(o, text, target, file, line, e);
	case OPTION_CALORIFIC:
		return set_calorific(o, text, target, file, line, e);
	}
	return false;
}

bool option_set(const struct option *o, const char *text, void *target, const char *file, unsigned line, struct err *e)
{
	char allowed[OPTION_ALLOWED_TEXT_MAX], meant[OPTION_ALLOWED_TEXT_MAX];
	size_t n_errors = e->n_errors;

	if (set_value(o, text, target, file, line, e))
		return true;
	option_allowed(o, allowed);
	if (e->n_errors > n_errors)
		return false; /* it is a value, but out of range */
	if (*text == '\0')
		err_add(e, file, line, "%s has no value; use %s", o->name, allowed);
	else if (find_meant(o, text, meant))
		err_add(e, file, line, "%s = %s is not valid; write %s = %s", o->name, text, o->name, meant);
	else
		err_add(e, file, line, "%s = %s is not valid; use %s", o->name, text, allowed);
	return false;
}

static int64_t get_whole(const struct option *o, const void *target)
{
	const char *field = (const char *)target + o->offset;
	uint32_t four;
	uint16_t two;
	uint8_t one;

	switch (o->size) {
	case 1:
		memcpy(&one, field, 1);
		return one;
	case 2:
		memcpy(&two, field, 2);
		return two;
	default:
		memcpy(&four, field, 4);
		return four;
	}
}

uint64_t option_digest(const struct option *o, const void *target, uint64_t d)
{
	const char *field = (const char *)target + o->offset;
	struct option_amount amount;
	struct option_pulse pulse;
	uint32_t pair[2];
	char *text;

	d = digest_text(d, o->name);
	switch (o->type) {
	case OPTION_TEXT:
		memcpy(&text, field, sizeof(text));
		return digest_text(d, text != NULL ? text : "");
	case OPTION_LABEL:
	case OPTION_NAME:
		return digest_text(d, field);
	case OPTION_WORD:
	case OPTION_WHOLE:
	case OPTION_DURATION:
	case OPTION_CALORIFIC:
		return digest_whole(d, get_whole(o, target));
	case OPTION_RATIO:
		memcpy(pair, field, sizeof(pair));
		return digest_whole(digest_whole(d, pair[0]), pair[1]);
	case OPTION_AMOUNT:
		memcpy(&amount, field, sizeof(amount));
		return digest_whole(d, amount.base_units);
	case OPTION_PULSE:
		memcpy(&pulse, field, sizeof(pulse));
		d = digest_whole(digest_whole(d, pulse.weight), pulse.weight_per);
		d = digest_text(d, names_get(pulse.quantity)->name);
		return digest_text(d, pulse.shown != NULL ? pulse.shown->text : "");
	}
	return d;
}
