/* SPDX-License-Identifier: MIT */
/* fault.h - what goes wrong on a line, by rate and by meter.
 * Pure; chance comes from a caller's number that every draw moves on, so that a seed repeats a run. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adu.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_SILENCE,		 /* no answer */
	FAULT_LATE,		 /* the right answer, delay later */
	FAULT_SHORT,		 /* the answer's end is missing, or it is whole but of fewer words */
	FAULT_LONG,		 /* whole, but of more words than asked for */
	FAULT_BAD_CRC,		 /* a byte is changed on the way; on tcp the gateway notices and says exception 11 */
	FAULT_WRONG_UNIT,	 /* whole answer that bears another unit's address */
	FAULT_WRONG_FUNCTION,	 /* whole answer that bears another function code */
	FAULT_WRONG_TRANSACTION, /* tcp: whole answer that bears another transaction's number */
	FAULT_WILD,		 /* whole and sound, but a high bit of the first word is turned */
	FAULT_EXCEPTION,	 /* exception of the rule's code */
	FAULT_NOISE_BEFORE,	 /* bytes of no meaning, then the answer */
	FAULT_NOISE_AFTER,	 /* the answer, then bytes of no meaning */
	FAULT_ECHO,		 /* the request comes back at once, then comes the answer */
	FAULT_DRIBBLE,		 /* the answer byte by byte, delay between bytes */
	FAULT_RESET,		 /* tcp, rtu-over-tcp: the connection is reset */
	FAULT_MUTE,		 /* the whole bus hears nothing for delay; connections are accepted */
	FAULT_REBOOT,		 /* tcp, rtu-over-tcp: the gateway is gone for delay */
	FAULT_UNPLUG,		 /* rtu: the port is gone for delay */
	FAULT_KINDS
};

enum {
	FAULT_ANY = -1,
	FAULT_UNLIMITED = -1,
	FAULT_RATE_ONE = 1000000,	    /* rate of a fault that always happens */
	FAULT_BYTES_MAX = ADU_TCP_MAX + 16, /* longest answer with what a fault adds */
};

struct fault_rule {
	enum fault_kind kind;
	uint8_t exception;
	uint32_t rate_ppm;
	int32_t bus, meter; /* index or FAULT_ANY */
	uint32_t delay_ms;
	int32_t left; /* how often it may still happen, or FAULT_UNLIMITED */
};

/* Find a kind by its name ("bad-crc", "exception-4"); fills kind, exception and the usual delay. False: no such kind.
 */
bool fault_parse(const char *name, struct fault_rule *rule);

/* "late", "exception", ...: without the exception's code. */
const char *fault_name(enum fault_kind kind);

/* All names, for messages. */
const char *fault_names(void);

/* Can this kind happen on a line of TCP frames (tcp), of a socket (socket)? */
bool fault_fits(enum fault_kind kind, bool tcp, bool socket);

/* Which rule strikes a request to the meter of the bus, a line of the given sort; NULL: none. Counts it off. */
const struct fault_rule *fault_draw(struct fault_rule *rules, size_t n, int32_t bus, int32_t meter, bool tcp,
				    bool socket, uint64_t *chance);

/* Bytes that go out instead of the right answer. out holds FAULT_BYTES_MAX. Kinds that say when, not what, give
 * the right answer. Returns the length. */
size_t fault_build(const struct fault_rule *rule, const struct adu *answer, uint64_t *chance, uint8_t *out);

#endif
