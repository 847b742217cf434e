/* SPDX-License-Identifier: MIT */
/* conf_load.h - read the files of a configuration, and the register tables they name, into structs, and check all of
 * it. All complaints are added to e at once, each "FILE:LINE: found, allowed". No logging; any thread. */
#ifndef TALLY_CONF_LOAD_H
#define TALLY_CONF_LOAD_H

#include <stddef.h>

struct conf;
struct err;

/* Read DIR/tallyd.ini (may be missing: defaults) and DIR/bus.d/NAME.ini. Returns a configuration owned by the caller
 * when the daemon can run on it: no error, or only errors of driver files and at least one meter left. Else NULL. */
struct conf *conf_load(const char *dir, struct err *e);

/* Read DIR/tallyd.ini only: a configuration without buses, for programs that read the database, whatever is wrong with
 * the files of the buses. Returns it, owned by the caller, or NULL with at least one error added. */
struct conf *conf_load_main(const char *dir, struct err *e);

/* One ini file in memory. */
struct conf_text {
	const char *path; /* leads the messages; for a bus its last part without .ini is the bus's name */
	const char *text;
	size_t n_bytes;
};

/* The same as conf_load() from texts in memory (tests, fuzzers): main, and n_buses of them. Drivers still come from
 * files. */
struct conf *conf_parse(const char *dir, const struct conf_text *main, const struct conf_text *buses, size_t n_buses,
			struct err *e);

/* Where drivers are according to DIR/tallyd.ini, whatever else is wrong in it or when there is no configuration at all;
 * the default when it has no such key. malloc'd; NULL = out of memory. */
char *conf_driver_path(const char *dir);

#endif
