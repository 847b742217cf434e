/* SPDX-License-Identifier: MIT */
/* tcp.h - a TCP connection to a gateway, by name or address, IPv4 or IPv6, within a bound.
 * Blocks the calling thread up to the bound; any thread. */
#ifndef TALLY_TCP_H
#define TALLY_TCP_H

#include <stddef.h>
#include <stdint.h>

struct stopper;

/* Connect to host (a name, looked up each time, or a literal address) and port; all addresses tried together take
 * at most timeout_ms, a look-up before that at most 15 s, and no longer than the stopper (may be NULL) allows. Returns
 * a non-blocking, close-on-exec socket with keepalive and without Nagle's delay, the caller's to close; or -errno with
 * a sentence for a person in why (n bytes with NUL). */
int tcp_connect(const char *host, uint16_t port, uint32_t timeout_ms, struct stopper *stopper, char *why, size_t n);

#endif
