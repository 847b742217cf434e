/* SPDX-License-Identifier: MIT */
/* frame.h - requests as bytes, and what the bytes that came back mean, for RTU and TCP framing.
 * Pure: no I/O, no clock, no allocation; any thread. Source: Modbus Application Protocol V1.1b3, Modbus over Serial
 * Line V1.02, Modbus Messaging on TCP/IP V1.0b. */
#ifndef TALLY_FRAME_H
#define TALLY_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_REQUEST_RTU = 8,
	FRAME_REQUEST_TCP = 12,
	FRAME_EXCEPTION_RTU = 5, /* the shortest answer */
	FRAME_MAX = 260,
};

/* The one request that is under way. */
struct frame_query {
	uint8_t unit;
	uint8_t function; /* 3 or 4 */
	uint16_t address;
	uint16_t n_words;     /* 1..125 */
	uint8_t per_count;    /* words that one of the count in the request means; 0 = 1 */
	uint16_t transaction; /* TCP */
};

enum frame_kind {
	FRAME_PARTIAL,	 /* nothing, or the beginning of an answer: wait for more */
	FRAME_ANSWER,	 /* the answer */
	FRAME_EXCEPTION, /* the answer, a refusal */
	FRAME_ECHO,	 /* our own request, heard on a two-wire line; on RTU also without its first bytes */
	FRAME_NOISE,	 /* only 0x00 and 0xff, or too short to be a frame */
	FRAME_CRC,
	FRAME_WRONG_UNIT,
	FRAME_WRONG_FUNCTION,
	FRAME_WRONG_LENGTH,
	FRAME_WRONG_TRANSACTION,
	FRAME_UNKNOWN, /* no frame and no beginning of one. RTU: judge it by frame_after_silence() once the line is
			* silent; TCP: the stream is out of step */
};

struct frame_look {
	enum frame_kind kind;
	size_t used;	/* bytes of the buffer it is made of, noise before it included; 0 with PARTIAL and UNKNOWN */
	size_t n_frame; /* bytes of the frame alone */
	const uint8_t *data; /* FRAME_ANSWER: 2 * n_words bytes inside the buffer */
	uint8_t exception;   /* FRAME_EXCEPTION: its code */
};

/* Write the request to out, which has room for FRAME_REQUEST_TCP bytes. Returns its length. */
size_t frame_put_rtu(const struct frame_query *q, uint8_t *out);
size_t frame_put_tcp(const struct frame_query *q, uint8_t *out);

/* Length of an RTU answer of so many words, CRC included. */
size_t frame_answer_rtu(unsigned n_words);

/* Silence that parts two RTU frames on a serial line: 3.5 characters, 1750 us above 19200 baud. Microseconds, rounded
 * up. bits_per_char counts start, data, parity and stop bits (10 to 12); it and baud must not be 0. */
int64_t frame_gap_us(unsigned baud, unsigned bits_per_char);

/* Time that a serial line needs for a request of n_words and its answer, microseconds, rounded up: the silence before
 * the request, the characters of both frames, and between them the device's turnaround, which is never less than that
 * silence. */
int64_t frame_exchange_us(unsigned n_words, uint32_t turnaround_ms, unsigned baud, unsigned bits_per_char);

/* Judge the start of the n bytes received so far. An RTU frame ends at once where its length byte puts its end;
 * bytes 0x00 and 0xff before a frame are passed over only when the CRC of what follows fits. */
struct frame_look frame_look_rtu(const struct frame_query *q, const uint8_t *bytes, size_t n);
struct frame_look frame_look_tcp(const struct frame_query *q, const uint8_t *bytes, size_t n);

/* Whether the n bytes may come right behind a whole frame of TCP: a few that a gateway adds, or another frame.
 * Otherwise the frame had too few bytes, and those of the next one have made up for them. */
bool frame_may_follow_tcp(const uint8_t *bytes, size_t n);

/* Judge n bytes of RTU once the line has fallen silent after them, when frame_look_rtu() found PARTIAL or UNKNOWN.
 * Never PARTIAL, ANSWER, EXCEPTION, ECHO or UNKNOWN. */
enum frame_kind frame_after_silence(const struct frame_query *q, const uint8_t *bytes, size_t n);

/* Whether all n bytes are what an idle or switching line makes up: 0x00 and 0xff. */
bool frame_is_noise(const uint8_t *bytes, size_t n);

/* The CRC of Modbus over serial line; it is sent low byte first. */
uint16_t frame_crc(const uint8_t *bytes, size_t n);

#endif
