/* SPDX-License-Identifier: MIT */
/* line.h - one bus of the site on a libev loop: a pseudo-terminal or a listening socket, with the line's speed kept.
 * On a serial line every byte takes its time, in both directions, and an answer starts after the meter's turnaround.
 * The schedule is absolute: an answer's last byte is never early, and lateness does not add up. */
#ifndef SIM_LINE_H
#define SIM_LINE_H

#include <stdint.h>
#include <stdio.h>

#include "sim.h"

struct ev_loop;
struct line;

struct line_counts {
	uint64_t requests;    /* whole frames */
	uint64_t unknown;     /* of which for units that are not here */
	uint64_t bad;	      /* what was no frame, or had a bad CRC */
	uint64_t crowded;     /* frames that began before 3.5 characters of silence */
	uint64_t collisions;  /* bytes that came while the line was sending: lost */
	uint64_t wrong_speed; /* frames sent at another speed than the line's: not understood */
	uint64_t connections, refused;
};

/* Open the bus. NULL after a message to standard error. sim and loop must outlive it. */
struct line *line_new(struct sim *sim, size_t bus, struct ev_loop *loop);

/* Close everything and remove the symbolic link. */
void line_free(struct line *l);

/* Take the bus away for a while: the pseudo-terminal (unplug), the listening socket and all its connections (reboot).
 */
void line_take_away(struct line *l, uint32_t ms);

/* Hear nothing for a while. */
void line_mute(struct line *l, uint32_t ms);

/* "rtu PATH" or "tcp ADDRESS PORT", as a caller reaches it. */
void line_print_place(const struct line *l, FILE *out);

const struct line_counts *line_counts(const struct line *l);

#endif
