/* SPDX-License-Identifier: MIT */
/* paper_bus.h - a poller on a bus of paper, for stories about what it asks, passes on and reports.
 *
 * Everything the poller does is written down in its order, and expect() compares it:
 *   ask m1 100+2 200+2     one job and its requests, ADDRESS+WORDS; " in 400ms" when its timeout is not TIMEOUT_MS
 *   <m1 60 EP good 200ms>  a reading: slot, groups (Energy, Power, State), quality, delay; "no energy", "no power",
 *                          "implausible" or "leaps" when that is so
 *   !m1 meter-down: text   an event
 *   m1 is 1234             a serial number that was not known
 * The actors are the clock (tick), the meters (answer, time_out ...) and the line (lose_line ...). Jobs wait until a
 * meter answers, in the order in which they were asked; the clocks stand still unless a story moves them. */
#ifndef PAPER_BUS_H
#define PAPER_BUS_H

#include "meter.h"
#include "poller.h"

enum {
	START_MS = 1000, /* when a story begins: not in a slot of any period */
	SLOT_MS = 10000, /* ten seconds, the period of most stories: the first slot is SLOT_MS, the next 2 * SLOT_MS */
	MINUTE_MS = 60000,
	HOUR_MS = 3600000,
	TIMEOUT_MS = 1000, /* response timeout of every meter */
	METERS_MAX = 6,
	NONSENSE = 0x7FFF, /* as every word of an answer: counters that are implausible */
	LEAP = 1,	   /* counters that rise faster than usual */
	SERIAL = 0x0815,
};

/* Register tables: active_energy_import at 100, active_power at 200 and */
#define MODEL_HEAD "[model]\nformat = 1\ntitle = Test\nvendor = V\nsource = S\nprovenance = vendor table\n[registers]\n"
extern const char plain_model[];      /* nothing else */
extern const char identified_model[]; /* the maker, SOCO, at 500 */
extern const char numbered_model[];   /* the maker at 500 and a serial number at 502 */

extern struct conf_meter meters[METERS_MAX]; /* m1 to m6 at addresses 1 to 6, one retry each */
extern struct poller *poller;
extern int64_t now_ms;		      /* of both clocks */
extern int64_t latency_us;	      /* of all answers: 40 ms unless a story says otherwise */
extern unsigned n_logged;	      /* lines logged so far */
extern char known_serial[8];	      /* of all meters, "" = none; what the poller passes on becomes it */
extern uint32_t second_power_every_s; /* period of m2 for the next begin(), 0 = as the others */

/* A story: a test that ends its poller. */
#define STORY(name) TEST_WITH(name, NULL, end)

/* A poller of n meters of this model with these periods in seconds, at START_MS. */
void begin(const char *model, size_t n, uint32_t energy_every_s, uint32_t power_every_s);

/* The same, and every meter answers the first contact. */
void begin_up(const char *model, size_t n, uint32_t energy_every_s, uint32_t power_every_s);
int end(void **state);

/* The poller ends, and another one takes over, as when a changed bus is reloaded. */
void reload(void);

/* Assert that exactly this was written down since the last expect() or forget(). */
void expect(const char *text);
void forget(void);

/* Whether the text written down contains this. */
bool was_written(const char *text);

/* The clock: the time of a slot, or of another wake-up, has come. */
void tick(int64_t ms);

/* The meter whose job was asked first and is not answered yet: its name, or NULL. */
const char *asked_first(void);

/* That meter answers in full, every word being this one except a maker: that is SOCO. Or every word is zero except the
 * maker and a serial number, SERIAL; all of them answer so. */
void answer_with(uint16_t word);
void answer(void);
void answer_all(void);

/* It answers so long after the last tick(). */
void answer_after(int64_t ms);

/* It answers all requests except one, of which this becomes. */
void answer_except(size_t request, enum link_status status, uint8_t exception);

/* It says that its maker is ABCD. */
void answer_other_maker(void);

/* It does not answer; it refuses each request with this exception; so do the first n jobs. */
void time_out(void);
void answer_exception(uint8_t exception);
void refuse(size_t n);

/* Three rounds SLOT_MS apart, from the one at ms on, in which m1 is silent and the others answer. */
void take_down_m1(int64_t ms);

/* The line is lost with every job on it; it is there again so long after the last tick(). */
void lose_line(void);
void restore_line_after(int64_t ms);

/* The same, but the line is lost for the next n looks at it only. */
void lose_line_for_looks(unsigned n);

/* The connection breaks on the job asked first, and is there again. */
void break_connection(void);

/* The bus wakes the poller. */
void wake(void);

/* The job asked first comes back with n_done requests tried; the poller has not been woken for it yet. */
void bring_back(enum link_status status, uint8_t exception, size_t n_done);

/* Time the line has been in use. */
void set_busy_us(int64_t busy_us);

struct bus_status bus_status(void);
struct meter_status meter_status(size_t i);

#endif
