/* SPDX-License-Identifier: MIT */
/* place.h - the endpoint of a bus: a pseudo-terminal behind a symbolic link, or a listening socket. */
#ifndef SIM_PLACE_H
#define SIM_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/* A pseudo-terminal. Its slave side stays open here, so that the line survives when its users close it. */
struct place_pty {
	char *path; /* of the symbolic link; NULL: closed */
	int master, slave;
	int watch; /* readable when a user closes the slave side */
};

/* Make a pseudo-terminal in raw mode and a link to it at path. An older link is replaced, any other file there is an
 * error. 0 or -errno; on error nothing is open. */
int place_open_pty(const char *path, struct place_pty *p);

/* Close it and remove the link. Does nothing when it is closed. */
void place_close_pty(struct place_pty *p);

/* Call this when watch is readable. It ends the exclusive use of a port that its user has closed: the kernel does not,
 * because the slave side stays open here. */
void place_release_pty(struct place_pty *p);

/* Speed and stop bits that the users set; 0 baud for an unknown speed. */
void place_get_speed(const struct place_pty *p, uint32_t *baud, unsigned *stop_bits);

/* Listen at address, a literal, and *port; 0 selects a free port and stores it there. Returns the socket or -errno. */
int place_listen(const char *address, uint16_t *port);

#endif
