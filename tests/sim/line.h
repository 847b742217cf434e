/* SPDX-License-Identifier: MIT */
/* line.h - one bus of the site on a libev loop: a pseudo-terminal or a listening socket that keeps the line's speed.
 * On a serial line every byte takes its time, in both directions, and an answer starts after the meter's turnaround.
 * The schedule is absolute: the last byte of an answer is never early, and delays of the process do not add up. */
#ifndef SIM_LINE_H
#define SIM_LINE_H

#include <stdint.h>
#include <stdio.h>

#include "sim.h"

struct ev_loop;
struct line;

struct line_counts {
	uint64_t requests;    /* complete frames */
	uint64_t unknown;     /* those of them for units that do not exist on the bus */
	uint64_t bad;	      /* bytes that are not a frame, or a frame with a bad CRC */
	uint64_t crowded;     /* frames that began before 3.5 characters of silence */
	uint64_t collisions;  /* bytes that arrived while the line was sending: lost */
	uint64_t wrong_speed; /* frames sent at another speed than the line's: ignored */
	uint64_t connections, refused;
};

/* Open the bus. NULL on error, after a message to standard error. sim and loop must outlive it. */
struct line *line_new(struct sim *sim, size_t bus, struct ev_loop *loop);

/* Close everything and remove the symbolic link. */
void line_free(struct line *l);

/* Close the bus for a time: the pseudo-terminal (unplug), the listening socket and all its connections (reboot). It
 * opens again by itself. */
void line_go_offline(struct line *l, uint32_t ms);

/* Ignore all requests for a time. */
void line_mute(struct line *l, uint32_t ms);

/* Print where a client reaches the bus: "rtu PATH", "tcp ADDRESS PORT" or "rtu-over-tcp ADDRESS PORT". */
void line_print_place(const struct line *l, FILE *out);

const struct line_counts *line_counts(const struct line *l);

#endif
