/* SPDX-License-Identifier: MIT */
/* dial.h - a TCP connection to a gateway, by name or address, IPv4 or IPv6, within a bound.
 * Blocks the calling thread up to the bound; any thread. */
#ifndef TALLY_DIAL_H
#define TALLY_DIAL_H

#include <stddef.h>
#include <stdint.h>

struct cut;

/* Connect to host (a name, looked up anew each time, or a literal address) and port; all addresses tried together take
 * at most timeout_ms, a look-up before that at most 15 s, and no longer than cut (may be NULL) allows. Returns a
 * non-blocking, close-on-exec socket with keepalive and without Nagle's delay, the caller's to close; or -errno with a
 * sentence for a person in why (n bytes with NUL). */
int dial(const char *host, uint16_t port, uint32_t timeout_ms, struct cut *cut, char *why, size_t n);

#endif
