/* SPDX-License-Identifier: MIT */
/* fault.h - faults on a line and of a meter, by rate and by meter.
 * Pure. All chance comes from a number of the caller that every draw advances, so that a seed repeats a run. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adu.h"
#include "meter.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_SILENCE,		 /* no answer */
	FAULT_LATE,		 /* the right answer, after the delay */
	FAULT_SHORT,		 /* the end of the answer is missing, or the frame is complete with fewer words */
	FAULT_LONG,		 /* a complete frame with more words than requested */
	FAULT_BAD_CRC,		 /* one bit is changed on the line; a tcp gateway notices and sends exception 11 */
	FAULT_WRONG_UNIT,	 /* a complete answer with the address of another unit */
	FAULT_WRONG_FUNCTION,	 /* a complete answer with another function code */
	FAULT_WRONG_TRANSACTION, /* tcp: a complete answer with the number of another transaction */
	FAULT_WILD,		 /* a complete and valid answer, but a high bit of the first word is inverted */
	FAULT_EXCEPTION,	 /* an exception with the rule's code */
	FAULT_NOISE_BEFORE,	 /* random bytes, then the answer */
	FAULT_NOISE_AFTER,	 /* the answer, then random bytes */
	FAULT_TWICE,		 /* the right answer, and after the delay the same answer once more */
	FAULT_ECHO,		 /* the request at once, then the answer */
	FAULT_ECHO_CUT,		 /* the same without the first byte of the request */
	FAULT_DRIBBLE,		 /* the answer byte by byte, with the delay between bytes */
	FAULT_RESET,		 /* tcp, rtu-over-tcp: the connection is reset */
	FAULT_CLOSE,		 /* tcp, rtu-over-tcp: the connection is closed when a request comes */
	FAULT_CLOSE_AFTER,	 /* tcp, rtu-over-tcp: the right answer; after the delay the connection is closed */
	FAULT_MUTE,		 /* the whole bus ignores all requests for the delay; connections are accepted */
	FAULT_REBOOT,		 /* tcp, rtu-over-tcp: the gateway is offline for the delay */
	FAULT_UNPLUG,		 /* rtu: the port does not exist for the delay */
	FAULT_REFUSE,		 /* the meter refuses the rule's registers with its exception for the delay */
	FAULT_COARSE_ONLY,	 /* the meter refuses the finer registers for the delay */
	FAULT_SERIAL_OF_ZEROS,	 /* its serial number is zeros for the delay */
	FAULT_STALE_REGISTER,	 /* its counters have old values for the delay */
	FAULT_ZEROS,		 /* they are zeros for the delay */
	FAULT_KINDS
};

/* All names, for messages. */
#define FAULT_NAMES                                                                                                    \
	"silence, late, short, long, bad-crc, wrong-unit, wrong-function, wrong-transaction, wild, "                   \
	"exception-1 to exception-255, noise-before, noise-after, twice, echo, echo-cut, dribble, reset, close, "      \
	"close-after-answer, mute, reboot, unplug, "                                                                   \
	"refuse-1 to refuse-255, coarse-only, serial-of-zeros, stale-register, zeros-after-restart"

enum {
	FAULT_ANY = -1,
	FAULT_UNLIMITED = -1,
	FAULT_RATE_ONE = 1000000,	    /* rate of a fault that always happens */
	FAULT_BYTES_MAX = ADU_TCP_MAX + 16, /* longest answer with the bytes that a fault adds */
};

struct fault_rule {
	enum fault_kind kind;
	uint8_t exception;
	uint32_t rate_ppm;
	int32_t bus, meter; /* index or FAULT_ANY */
	uint32_t delay_ms;
	int32_t left;		     /* how many times it may still happen, or FAULT_UNLIMITED */
	struct meter_span registers; /* that FAULT_REFUSE refuses */
};

/* A rule for everything, always. Its kind is FAULT_NONE. */
struct fault_rule fault_rule_new(void);

/* Find a kind by its name ("bad-crc", "exception-4"); fills kind, exception and the default delay. False: unknown. */
bool fault_parse(const char *name, struct fault_rule *rule);

/* "late", "exception", ...: the name without the code of an exception. */
const char *fault_name(enum fault_kind kind);

/* The trouble (enum meter_trouble) that a meter has after this fault; 0: the fault is one of the line. */
unsigned fault_trouble(enum fault_kind kind);

/* Can this kind happen on a bus?
 * tcp     the bus carries TCP frames
 * socket  the bus is a socket and not a serial port */
bool fault_fits(enum fault_kind kind, bool tcp, bool socket);

/* Draw the rule that applies to a request to this meter of this bus; tcp and socket as above. Reduces its left.
 * troubles: a mask of those that the meter has already; their rules are not drawn.
 * Returns NULL when none applies. */
const struct fault_rule *fault_draw(struct fault_rule *rules, size_t n, int32_t bus, int32_t meter, bool tcp,
				    bool socket, unsigned troubles, uint64_t *chance);

/* Build the bytes to send in place of the right answer; out holds FAULT_BYTES_MAX. The right answer for rule NULL and
 * for kinds that only change the time. Returns the length. */
size_t fault_build(const struct fault_rule *rule, const struct adu *answer, uint64_t *chance, uint8_t *out);

#endif
