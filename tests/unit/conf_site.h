/* SPDX-License-Identifier: MIT */
/* conf_site.h - a site in a temporary directory, whose configuration a test writes, loads and looks at.
 * The working directory has drivers/ with a few small register tables, and site/, a configuration directory whose
 * tallyd.ini names drivers/. Its tables: "meter" (4800 and 9600 baud, addresses to 247, 3 on a segment), "any-speed"
 * (addresses to 255), "transformer" (takes ratios, two loads), "relative" (a sibling's), "pulses" (2 inputs, inferred,
 * 2 on a segment), and "broken", which has an error. */
#ifndef CONF_SITE_H
#define CONF_SITE_H

struct conf;

#define MODEL_HEAD "[model]\nformat = 1\ntitle = A meter\nvendor = Nobody\nsource = none\n"
#define MODEL_ROWS "[registers]\nactive_energy_import = 0 u32 1 Wh energy\n"
#define BUS	   "[bus]\ndevice = /dev/ttyS90\n"
#define METER	   "[meter m]\nmodel = meter\naddress = 1\n"
#define PULSES	   "[meter p]\nmodel = pulses\naddress = 2\nconfirmed = yes\n"

/* The configuration loaded last, or NULL; freed by the next site_load() and by site_tear_down(). */
extern struct conf *site_conf;

/* The complaints of that load, one a line, warnings with "warning: " before them. */
extern char site_complaints[16384];

/* Setup and teardown of each test. */
int site_set_up(void **state);
int site_tear_down(void **state);

/* Write a file. */
void site_put(const char *path, const char *text);

/* Load the directory site into site_conf and site_complaints. */
void site_load(void);

/* Hand the configuration over to the caller, who frees it. */
struct conf *site_take_conf(void);

/* Load; the site is refused or taken with exactly these complaints. */
void assert_refused(const char *complaints);
void assert_taken(const char *warnings);

/* The same with text as the one bus file, site/bus.d/a.ini. */
void assert_bus_refused(const char *text, const char *complaints);
void assert_bus_taken(const char *text, const char *warnings);

/* The same with text as tallyd.ini, beside a bus without faults. */
void assert_main_refused(const char *text, const char *complaints);

#endif
