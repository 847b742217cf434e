/* SPDX-License-Identifier: MIT */
/* link.h - one Modbus line: {open, read, close} over RTU, TCP or RTU frames over TCP.
 * The only module that knows modbus.h. A link belongs to one thread; every call returns within its bound.
 * Each read starts on a drained line and keeps t3.5; nothing but whole, matching, in-time answers count. */
#ifndef TALLY_LINK_H
#define TALLY_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_bus;
struct plan_request;

enum link_status {
	LINK_OK,
	LINK_TIMEOUT,	 /* no whole answer before the deadline */
	LINK_CRC,	 /* answer with a bad CRC */
	LINK_WRONG_UNIT, /* well-formed answer of another unit */
	LINK_WRONG_FUNCTION,
	LINK_WRONG_LENGTH,	/* also: not as long as its own length byte states */
	LINK_WRONG_TRANSACTION, /* TCP: another transaction's answer */
	LINK_TOO_FAST,		/* faster than the wire can carry it: left over from before */
	LINK_EXCEPTION,		/* the meter or gateway refused; see link_reply.exception */
	LINK_CLOSED,		/* no line: port gone, connection refused or reset; see link_error() */
	LINK_ECHO,		/* only refused: our own request came back, whole or without its first bytes */
	LINK_SURPLUS,		/* only refused: bytes after the answer, or after the one before; they were dropped */
	LINK_STATUS_COUNT
};

struct link_reply {
	enum link_status status;
	/* Kind of the first thing refused beside this answer; LINK_OK = none was. An answer of the unit comes before
	 * another unit's, and that before what is no answer (LINK_ECHO, LINK_SURPLUS). */
	enum link_status refused;
	uint8_t exception;  /* 1..11 with LINK_EXCEPTION, else 0 */
	int64_t sent_us;    /* mono_us() when the request had been handed to the kernel; 0 = it was not sent */
	int64_t latency_us; /* from there to the end of the answer */
};

struct link;

/* A closed link for the bus; conf must outlive it. NULL = out of memory. */
struct link *link_new(const struct conf_bus *conf);
void link_free(struct link *l);

/* Open port or connection, bounded by the bus's response timeout, and 15 s more to look up a name. Blocks SIGPIPE in
 * the calling thread. 0, or -errno with link_error() saying why: -EBUSY a port that another process holds (named),
 * -ENODEV no such port, -ECONNREFUSED ... */
int link_open(struct link *l);
bool link_is_open(const struct link *l);

/* The one call that any thread may make, at any time: from now on no call waits beyond until_us (mono_us()) for line or
 * network; a read under way ends as a LINK_TIMEOUT. This cannot be undone. */
void link_stop_at(struct link *l, int64_t until_us);

/* Close port or connection; a closed link may be opened again. */
void link_close(struct link *l);

/* Read what request r asks for, 1 to 125 registers with function 3 or 4, from unit (1..255). timeout_ms bounds the
 * silence before the answer; the answer's own wire time is added, and the whole is bounded however slowly bytes come.
 * words, room for r->n_words, is written only with LINK_OK.
 *
 * Except on TCP, no two requests to a unit that follow each other within a minute have the same function and word
 * count: see owed.h. Where that takes a fence, the unit gets two requests, and a fence that fails is the outcome. A
 * refusal that may be the repetition of the one before counts only when nothing else comes in the 50 ms after it.
 *
 * Some gateways close the connection after each answer, or while the next request is under way. A connection that has
 * ended since it was last used is opened again first; one that ends between the request and the first byte of the
 * answer is opened again and the request repeated at once, one time. LINK_CLOSED: the fresh connection has ended too or
 * could not be opened, the answer had begun, or the port is gone. A gateway that has ended two connections in a row
 * after one answer gets a connection for each request.
 *
 * Any fault on TCP closes the connection, as do some timeouts in a row on rtu-over-tcp, so that the next request gets a
 * fresh one: after a status other than LINK_CLOSED a link that is not open is no fault, only to be opened again. */
struct link_reply link_read(struct link *l, uint8_t unit, const struct plan_request *r, uint32_t timeout_ms,
			    uint16_t *words);

/* Requests that the units read from now on are likely to accept, to be used as fences; they must live until the next
 * call. NULL and 0: none. */
void link_offer(struct link *l, const struct plan_request *requests, size_t n);

/* The most exchanges that one link_read() is made of, and how often it opens a connection. */
enum { LINK_EXCHANGES_MAX = 4, LINK_OPENINGS_MAX = 5 };

/* One sentence about the last failure to open or the loss of the line; "" when there was none. */
const char *link_error(const struct link *l);

/* Whether the unit refused the request itself, with exception 2 or 3: it lacks a register, or that many in one read. */
bool link_is_refusal(const struct link_reply *r);

/* Whether this is the last word: a good answer or a refusal. A retry can improve every other reply. */
bool link_is_final(const struct link_reply *r);

/* "timeout", "bad CRC", ... */
const char *link_status_text(enum link_status s);

/* "exception 2, illegal data address" ... as a constant string; unknown codes get a general one. */
const char *link_exception_text(uint8_t exception);

#endif
