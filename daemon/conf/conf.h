/* SPDX-License-Identifier: MIT */
/* conf.h - tallyd.ini and bus.d/NAME.ini as immutable structs (tallyd.ini(5)).
 * conf_load.c fills them, and nothing changes them afterwards: a reload makes a new configuration. Any thread may read
 * one. Plain values; no I/O. */
#ifndef TALLY_CONF_H
#define TALLY_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "log.h"
#include "names.h"
#include "zone.h"

struct driver;
struct models;

enum {
	CONF_NAME_MAX = 40,  /* longest name of a bus, meter or input, bytes; letters, digits, '.', '_', '-' */
	CONF_MODEL_MAX = 31, /* longest name of a model, DRIVER_NAME_MAX */
};

enum conf_transport { CONF_RTU, CONF_TCP, CONF_RTU_OVER_TCP };
enum conf_parity { CONF_NONE = 'N', CONF_EVEN = 'E', CONF_ODD = 'O' };
enum conf_rs485 { CONF_RS485_AUTO, CONF_RS485_KERNEL, CONF_RS485_RTS, CONF_RS485_OFF };
enum conf_durability { CONF_FULL, CONF_NORMAL };
enum conf_kind { CONF_KIND_BY_UNIT, CONF_ELECTRICITY, CONF_GAS, CONF_WATER, CONF_HEAT, CONF_OTHER };

struct conf_meter {
	char name[CONF_NAME_MAX + 1];
	char model[CONF_MODEL_MAX + 1];
	const struct driver *driver; /* of its load, and inverted where it is. NULL: its file has errors, the meter
					stays down with that reason */
	char label[128];
	uint8_t address;  /* 0 on tcp only */
	uint8_t load;	  /* which of the loads that its device measures; from 1 on */
	bool is_inverted; /* mounted the wrong way round: import and export change places */
	bool confirmed;	  /* the installer has compared an inferred or a sibling's table with the device */
	uint32_t ct_primary, ct_secondary, vt_primary, vt_secondary; /* 1/1 unless given */
	bool lacks_ct;						     /* its model needs ct, and it was not given */
	enum conf_kind kind;			/* heat where its model counts that, and no electricity */
	uint32_t energy_every_s, power_every_s; /* 0 = never */
	uint32_t response_timeout_ms;
	uint32_t retries;
	unsigned line; /* of its section header in conf_bus.file */
	/* Of the keys that hold for this meter, or of the section where they could be. */
	unsigned energy_every_line, power_every_line;
	uint64_t digest; /* of all its keys and of its register table: conf_meter_equal() */
};

struct conf_input {
	char name[CONF_NAME_MAX + 1];
	char label[128];
	size_t concentrator;		/* index into the bus's meters */
	uint8_t input;			/* 1..8 */
	enum quantity quantity;		/* what it counts: active, reactive or apparent energy, volume or heat */
	const struct names_unit *shown; /* unit of the views: as for a meter, a volume in l where the pulse is */
	/* A pulse is weight / weight_per base units of the quantity. Reduced, both from 1 on; counted are pulses *
	 * weight / weight_per, rounded down. */
	int64_t weight, weight_per;
	int64_t offset;	     /* whole base units the register showed when the count was 0 */
	enum conf_kind kind; /* never CONF_KIND_BY_UNIT */
	uint32_t calorific;  /* of gas: nWh in a ml, which are millionths of a kWh in a m3; 0 = not given */
	unsigned line;
	uint64_t digest; /* of all its keys */
};

struct conf_bus {
	char name[CONF_NAME_MAX + 1]; /* the file's name without .ini */
	char *file;
	enum conf_transport transport;
	char *device; /* rtu, else NULL */
	char *host;   /* tcp, rtu-over-tcp, else NULL */
	uint16_t port;
	uint32_t baud; /* tcp: of the line behind the gateway, 0 unless given */
	enum conf_parity parity;
	uint8_t stop_bits;
	enum conf_rs485 rs485;
	uint32_t rs485_delay_before_ms, rs485_delay_after_ms; /* between turning the line and the frame */
	uint32_t energy_every_s, power_every_s;
	uint32_t response_timeout_ms;
	uint32_t retries;
	uint32_t repeaters;
	size_t n_meters;
	struct conf_meter *meters;
	size_t n_inputs;
	struct conf_input *inputs;
	uint64_t digest;	 /* of all its keys, its meters and inputs: conf_bus_equal() */
	const char *driver_path; /* conf.driver_path: where the table of another model may be */
};

struct conf {
	char *dir;
	char *store_path;
	uint32_t commit_interval_ms;
	enum conf_durability durability;
	uint32_t keep_readings_d;
	uint32_t interval_s;
	char *timezone; /* name below /usr/share/zoneinfo; the system's when none was given */
	enum zone_source timezone_source;
	char *driver_path;
	enum clock_trust clock;
	enum log_level log_level;
	size_t n_buses;
	struct conf_bus *buses;
	struct models *models;	/* owns the register tables of the meters */
	size_t n_driver_errors; /* complaints of conf_load() that concern driver files only */
	size_t n_ct_errors;	/* and that concern single meters that lack ct: they are read all the same */
	unsigned n_kept;	/* conf_keep() not yet undone; the main thread's */
};

/* Each conf_keep() makes one later conf_free() do nothing: after a reload, buses that continue undisturbed keep the
 * configuration that they point into. Both from one (the main) thread. conf_keep() returns c. */
struct conf *conf_keep(struct conf *c);
void conf_free(struct conf *c);

/* Whether a bus of a reloaded configuration is the same as before, in the value of every key, defaults included, in its
 * meters and inputs and their order, and in the register tables: then it may continue undisturbed. The reader made a
 * digest of what it read, so a key of the option table cannot be forgotten here. Where in the file something is, how a
 * value is written and comments make no difference. */
bool conf_bus_equal(const struct conf_bus *a, const struct conf_bus *b);

/* The same of one meter. */
bool conf_meter_equal(const struct conf_meter *a, const struct conf_meter *b);

/* The meter or input of this name, and its bus; NULL, with *bus unchanged: there is none. */
const struct conf_meter *conf_find_meter(const struct conf *c, const char *name, const struct conf_bus **bus);
const struct conf_input *conf_find_input(const struct conf *c, const char *name, const struct conf_bus **bus);

/* Start, data, parity and stop bits of one character on the bus's line. */
unsigned conf_bits_per_char(const struct conf_bus *b);

/* "rtu", "tcp", "rtu-over-tcp" */
const char *conf_transport_text(enum conf_transport t);

/* "electricity", "gas", "water", "heat", "other"; "" for CONF_KIND_BY_UNIT */
const char *conf_kind_text(enum conf_kind k);

#endif
