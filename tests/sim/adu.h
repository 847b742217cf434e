/* SPDX-License-Identifier: MIT */
/* adu.h - Modbus frames as bytes: RTU with its CRC, TCP with its header.
 * Pure. Written for the simulator alone and not shared with the daemon, so that a mistake in either shows. */
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

/* One request or answer without CRC and header. */
struct adu {
	bool tcp;
	uint16_t transaction; /* tcp */
	uint8_t unit;
	size_t n_pdu;
	uint8_t pdu[ADU_PDU_MAX];
};

/* CRC of n bytes; a frame carries it low byte first. */
uint16_t adu_crc(const uint8_t *bytes, size_t n);

/* Length on a serial line of the request that starts with these n bytes, by its function code. 0: unknown, because
 * bytes are missing or because the function code does not determine it. */
size_t adu_rtu_request_length(const uint8_t *bytes, size_t n);

/* Read an RTU frame of n bytes into f. False: too short, too long, or the CRC is wrong. */
bool adu_rtu_parse(const uint8_t *bytes, size_t n, struct adu *f);

/* Read a TCP frame from the start of n bytes into f. Returns the bytes used, 0 when more are needed, -1 when the bytes
 * are not a Modbus frame. */
int adu_tcp_parse(const uint8_t *bytes, size_t n, struct adu *f);

/* Turn f, a request or an answer, into the exception answer with this code. */
void adu_make_exception(struct adu *f, uint8_t code);

/* Write f with its CRC (RTU) or header (TCP); out holds ADU_TCP_MAX bytes. Returns the length. */
size_t adu_build(const struct adu *f, uint8_t *out);

#endif
