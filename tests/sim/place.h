/* SPDX-License-Identifier: MIT */
/* place.h - where a bus is reached: a pseudo-terminal behind a symbolic link, or a listening socket. */
#ifndef SIM_PLACE_H
#define SIM_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/* A pseudo-terminal. Its slave side stays open here, so that the line goes on when its users close it. */
struct place_pty {
	char *path; /* of the symbolic link; NULL: closed */
	int master, slave;
	int watch; /* readable when someone opens or closes the slave side */
};

/* Make a pseudo-terminal in raw mode and a link to it at path, in place of an older link; anything else that stands
 * there is left alone. 0 or -errno; on error nothing is open. */
int place_open_pty(const char *path, struct place_pty *p);

/* Close it and remove the link. Nothing when it is closed. */
void place_close_pty(struct place_pty *p);

/* To be called when watch is readable. A port that its user closed is free for all; as the slave side stays open here,
 * the kernel would keep it exclusive. */
void place_release_pty(struct place_pty *p);

/* Speed and stop bits that the users set; 0 baud for a speed unknown here. */
void place_get_speed(const struct place_pty *p, uint32_t *baud, unsigned *stop_bits);

/* Listen at address, a literal, and *port; 0 takes any free one and puts it there. Returns the socket or -errno. */
int place_listen(const char *address, uint16_t *port);

#endif
