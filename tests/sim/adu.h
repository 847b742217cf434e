/* SPDX-License-Identifier: MIT */
/* adu.h - Modbus frames as bytes: RTU with its CRC, TCP with its header. Pure; the simulator's own. */
#ifndef SIM_ADU_H
#define SIM_ADU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ADU_PDU_MAX = 253,
	ADU_RTU_MAX = ADU_PDU_MAX + 3,
	ADU_TCP_HEADER = 7,
	ADU_TCP_MAX = ADU_TCP_HEADER + ADU_PDU_MAX,
};

enum { ADU_GATEWAY_NO_ANSWER = 11 }; /* exception code: the gateway got no answer from the unit */

/* One request or answer without its wrapping. */
struct adu {
	bool tcp;
	uint16_t transaction; /* tcp */
	uint8_t unit;
	size_t n_pdu;
	uint8_t pdu[ADU_PDU_MAX];
};

/* CRC of n bytes as it stands in a frame, low byte first on the wire. */
uint16_t adu_crc(const uint8_t *bytes, size_t n);

/* Length that a request starting with these n bytes will have on a serial line, by its function code; 0 while that can
 * not be told, or not from the bytes at all. */
size_t adu_rtu_request_length(const uint8_t *bytes, size_t n);

/* Take an RTU frame of n bytes apart. False: too short, too long, or the CRC does not fit. */
bool adu_rtu_parse(const uint8_t *bytes, size_t n, struct adu *f);

/* Take a TCP frame from the n bytes at hand. Returns the bytes used, 0 when more are needed, -1 when it is none. */
int adu_tcp_parse(const uint8_t *bytes, size_t n, struct adu *f);

/* Make f, a request or an answer, the exception of this code. */
void adu_make_exception(struct adu *f, uint8_t code);

/* Write f as its transport wants it; out holds ADU_TCP_MAX bytes. Returns the length. */
size_t adu_build(const struct adu *f, uint8_t *out);

#endif
