/* SPDX-License-Identifier: MIT */
#include "frame.h"

#include <assert.h>
#include <string.h>

enum {
	EXCEPTION_BIT = 0x80,
	RTU_AROUND = 5, /* bytes around the words of an answer: unit, function, length, CRC */
	RTU_SHORTEST = 4,
	ECHO_HEAD = 3,	/* bytes that an echo may lack, or have wrong, at its start */
	MBAP = 6,	/* up to the unit, which the length in it counts */
	TCP_AROUND = 9, /* MBAP, unit, function, length */
	TCP_EXCEPTION = 9,
	TCP_PADDING = 4, /* bytes that a gateway may add to a frame, such as the CRC of its line */
	FAST_BAUD = 19200,
	FAST_GAP_US = 1750,
};

uint16_t frame_crc(const uint8_t *bytes, size_t n)
{
	unsigned crc = 0xffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1;
	}
	return (uint16_t)crc;
}

static void put16(uint8_t *out, unsigned value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
}

static unsigned get16(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static void put_read(const struct frame_query *q, uint8_t *out)
{
	out[0] = q->unit;
	out[1] = q->function;
	put16(out + 2, q->address);
	put16(out + 4, q->per_count > 1 ? q->n_words / q->per_count : q->n_words);
}

size_t frame_put_rtu(const struct frame_query *q, uint8_t *out)
{
	uint16_t crc;

	put_read(q, out);
	crc = frame_crc(out, 6);
	out[6] = (uint8_t)crc;
	out[7] = (uint8_t)(crc >> 8);
	return FRAME_REQUEST_RTU;
}

size_t frame_put_tcp(const struct frame_query *q, uint8_t *out)
{
	put16(out, q->transaction);
	put16(out + 2, 0);
	put16(out + 4, 6);
	put_read(q, out + MBAP);
	return FRAME_REQUEST_TCP;
}

size_t frame_answer_rtu(unsigned n_words)
{
	return RTU_AROUND + 2 * (size_t)n_words;
}

int64_t frame_gap_us(unsigned baud, unsigned bits_per_char)
{
	assert(baud > 0 && bits_per_char > 0);
	return baud > FAST_BAUD ? FAST_GAP_US : (INT64_C(3500000) * bits_per_char + baud - 1) / baud;
}

int64_t frame_exchange_us(unsigned n_words, uint32_t turnaround_ms, unsigned baud, unsigned bits_per_char)
{
	int64_t n_chars = (int64_t)(FRAME_REQUEST_RTU + frame_answer_rtu(n_words));
	int64_t gap_us = frame_gap_us(baud, bits_per_char), turnaround_us = (int64_t)turnaround_ms * 1000;

	return gap_us + (n_chars * bits_per_char * 1000000 + baud - 1) / baud +
	       (turnaround_us > gap_us ? turnaround_us : gap_us);
}

static bool crc_fits(const uint8_t *frame, size_t n)
{
	uint16_t crc = frame_crc(frame, n - 2);

	return frame[n - 2] == (uint8_t)crc && frame[n - 1] == (uint8_t)(crc >> 8);
}

static bool is_noise(uint8_t byte)
{
	return byte == 0x00 || byte == 0xff;
}

bool frame_is_noise(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_noise(bytes[i]))
			return false;
	return true;
}

/* Length an answer states by its function and length byte; 0 = unknown, or not enough of it there. */
static size_t stated_length(const uint8_t *frame, size_t n)
{
	if (n < 3)
		return 0;
	if (frame[1] & EXCEPTION_BIT)
		return FRAME_EXCEPTION_RTU;
	if (frame[1] >= 1 && frame[1] <= 4)
		return RTU_AROUND + (size_t)frame[2];
	if (frame[1] == 5 || frame[1] == 6 || frame[1] == 15 || frame[1] == 16)
		return 8;
	return 0;
}

/* The kind of a sound frame that is not the answer to the query. */
static enum frame_kind foreign_kind(const struct frame_query *q, uint8_t unit, uint8_t function)
{
	if (unit != q->unit)
		return FRAME_WRONG_UNIT;
	if ((function & ~EXCEPTION_BIT) != q->function)
		return FRAME_WRONG_FUNCTION;
	return FRAME_WRONG_LENGTH;
}

/* A whole RTU frame with a fitting CRC at the start of bytes; PARTIAL when there is none. */
static struct frame_look whole_rtu(const struct frame_query *q, const uint8_t *bytes, size_t n)
{
	struct frame_look look = {.kind = FRAME_PARTIAL};
	uint8_t request[FRAME_REQUEST_TCP];
	size_t length = stated_length(bytes, n);

	frame_put_rtu(q, request);
	if (n >= FRAME_REQUEST_RTU && memcmp(bytes, request, FRAME_REQUEST_RTU) == 0) {
		look.kind = FRAME_ECHO;
		length = FRAME_REQUEST_RTU;
	} else if (length == 0 || length > n || !crc_fits(bytes, length)) {
		return look;
	} else if (bytes[0] == q->unit && bytes[1] == (q->function | EXCEPTION_BIT)) {
		look.kind = FRAME_EXCEPTION;
		look.exception = bytes[2];
	} else if (bytes[0] == q->unit && bytes[1] == q->function && bytes[2] == q->n_words * 2) {
		look.kind = FRAME_ANSWER;
		look.data = bytes + 3;
	} else {
		look.kind = foreign_kind(q, bytes[0], bytes[1]);
	}
	look.used = look.n_frame = length;
	return look;
}

/* Length of an echo of the request at the start of bytes whose first bytes are lost or wrong; 0 = there is none. The
 * rest of the request, its CRC included, is no beginning of an answer but by chance. */
static size_t mangled_echo(const struct frame_query *q, const uint8_t *bytes, size_t n)
{
	uint8_t request[FRAME_REQUEST_TCP];
	size_t n_tail = FRAME_REQUEST_RTU - ECHO_HEAD;

	frame_put_rtu(q, request);
	for (size_t head = 0; head <= ECHO_HEAD && head + n_tail <= n; head++)
		if (memcmp(bytes + head, request + ECHO_HEAD, n_tail) == 0)
			return head + n_tail;
	return 0;
}

/* Whether the n bytes are how an answer, a refusal or our own echo begins. */
static bool may_become_answer(const struct frame_query *q, const uint8_t *bytes, size_t n)
{
	uint8_t request[FRAME_REQUEST_TCP];

	if (n == 0)
		return true;
	frame_put_rtu(q, request);
	if (n < FRAME_REQUEST_RTU && memcmp(bytes, request, n) == 0)
		return true;
	if (bytes[0] != q->unit)
		return false;
	if (n == 1)
		return true;
	if (bytes[1] == (q->function | EXCEPTION_BIT))
		return n < FRAME_EXCEPTION_RTU;
	if (bytes[1] != q->function)
		return false;
	return n == 2 || (bytes[2] == q->n_words * 2 && n < frame_answer_rtu(q->n_words));
}

struct frame_look frame_look_rtu(const struct frame_query *q, const uint8_t *bytes, size_t n)
{
	struct frame_look look = {.kind = FRAME_PARTIAL};
	bool may_become = false;

	for (size_t skip = 0; skip <= n; skip++) {
		look = whole_rtu(q, bytes + skip, n - skip);
		if (look.kind != FRAME_PARTIAL) {
			look.used += skip;
			return look;
		}
		may_become |= may_become_answer(q, bytes + skip, n - skip);
		if (skip < n && !is_noise(bytes[skip]))
			break;
	}
	look.used = look.n_frame = mangled_echo(q, bytes, n);
	look.kind = look.used > 0 ? FRAME_ECHO : may_become ? FRAME_PARTIAL : FRAME_UNKNOWN;
	return look;
}

enum frame_kind frame_after_silence(const struct frame_query *q, const uint8_t *bytes, size_t n)
{
	if (n < RTU_SHORTEST || frame_is_noise(bytes, n))
		return FRAME_NOISE;
	if (crc_fits(bytes, n))
		return foreign_kind(q, bytes[0], bytes[1]);
	if (may_become_answer(q, bytes, n))
		return FRAME_WRONG_LENGTH;
	return FRAME_CRC;
}

static enum frame_kind tcp_kind(const struct frame_query *q, const uint8_t *bytes, size_t n)
{
	const uint8_t *pdu = bytes + MBAP + 1;
	uint8_t request[FRAME_REQUEST_TCP];

	frame_put_tcp(q, request);
	if (n == FRAME_REQUEST_TCP && memcmp(bytes, request, n) == 0)
		return FRAME_ECHO;
	if (get16(bytes) != q->transaction)
		return FRAME_WRONG_TRANSACTION;
	if (bytes[MBAP] != q->unit)
		return FRAME_WRONG_UNIT;
	if (pdu[0] == (q->function | EXCEPTION_BIT) && n == TCP_EXCEPTION)
		return FRAME_EXCEPTION;
	if (pdu[0] == q->function && pdu[1] == q->n_words * 2 && n == TCP_AROUND + (size_t)pdu[1])
		return FRAME_ANSWER;
	return foreign_kind(q, bytes[MBAP], pdu[0]);
}

static bool is_header(const uint8_t *bytes)
{
	size_t length = get16(bytes + 4) + MBAP;

	return get16(bytes + 2) == 0 && length >= TCP_EXCEPTION && length <= FRAME_MAX;
}

bool frame_may_follow_tcp(const uint8_t *bytes, size_t n)
{
	return n <= TCP_PADDING || (n < MBAP ? get16(bytes + 2) == 0 : is_header(bytes));
}

struct frame_look frame_look_tcp(const struct frame_query *q, const uint8_t *bytes, size_t n)
{
	struct frame_look look = {.kind = FRAME_PARTIAL};
	size_t length;

	if (n < MBAP)
		return look;
	length = get16(bytes + 4) + MBAP;
	if (!is_header(bytes)) {
		look.kind = FRAME_UNKNOWN;
		return look;
	}
	if (n < length)
		return look;
	look.kind = tcp_kind(q, bytes, length);
	look.used = look.n_frame = length;
	look.exception = look.kind == FRAME_EXCEPTION ? bytes[TCP_EXCEPTION - 1] : 0;
	look.data = look.kind == FRAME_ANSWER ? bytes + TCP_AROUND : NULL;
	return look;
}
