/* SPDX-License-Identifier: MIT */
/* port.h - all that a serial port needs besides opening it: sole use, turning an RS485 line round, low latency.
 * Each call works, or fails without harm, on a pseudo-terminal. Any thread. */
#ifndef TALLY_PORT_H
#define TALLY_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_bus;
struct serial_rs485;

/* Take a serial port for this process before anything is changed on it. Returns a descriptor that holds the lock and
 * is only to be closed (after port_share()); or -errno with a sentence for a person in why (n bytes with NUL):
 * -ENODEV no such port, -EBUSY in use, by whom as far as that can be found out, and what to do, -EACCES, -ENOTTY ... */
int port_claim(const char *device, char *why, size_t n);

/* A port that really is a serial line: not a pseudo-terminal. */
bool port_is_real(int fd);

/* Refuse (or allow again) further openings of a claimed port; does nothing on a pseudo-terminal. */
void port_exclude(int fd);
void port_share(int fd);

/* Whether the port now runs at this speed. False too for a speed termios has no name for. */
bool port_has_speed(int fd, unsigned baud);
bool port_knows_speed(unsigned baud);

/* Change a port's RS485 mode r to the one that the bus wants: switched on, RTS high while sending unless a polarity is
 * set, the bus's delays. A delay that the bus has as 0, and the polarity of a mode that is on, stay as the device tree
 * has set them. Returns false when r needed no change. */
bool port_want_rs485(struct serial_rs485 *r, const struct conf_bus *b);

/* Let the kernel's driver turn the line round, in the mode that port_want_rs485() makes. 0, or -errno: most USB
 * adapters do it by themselves and have no such call; -ERANGE: the driver takes no such delays. */
int port_use_kernel_rs485(int fd, const struct conf_bus *b);

/* Set or clear RTS. 0 or -errno. */
int port_set_rts(int fd, bool on);

/* Wait, until the given monotonic time at most, for the last bit to have left the port. */
void port_wait_sent(int fd, int64_t until_us);

/* Have received bytes delivered at once: FTDI chips wait 16 ms by default. Best effort. */
void port_lower_latency(const char *device, int fd);

#endif
