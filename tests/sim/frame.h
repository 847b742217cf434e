/* SPDX-License-Identifier: MIT */
/* frame.h - Modbus frames as bytes: RTU with its CRC, TCP with its header. Pure; the simulator's own. */
#ifndef SIM_FRAME_H
#define SIM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_PDU_MAX = 253,
	FRAME_RTU_MAX = FRAME_PDU_MAX + 3,
	FRAME_TCP_HEADER = 7,
	FRAME_TCP_MAX = FRAME_TCP_HEADER + FRAME_PDU_MAX,
};

/* One request or answer without its wrapping. */
struct frame {
	bool tcp;
	uint16_t transaction; /* tcp */
	uint8_t unit;
	size_t n_pdu;
	uint8_t pdu[FRAME_PDU_MAX];
};

/* CRC of n bytes as it stands in a frame, low byte first on the wire. */
uint16_t frame_crc(const uint8_t *bytes, size_t n);

/* Length that a request starting with these n bytes will have on a serial line, by its function code; 0 while that can
 * not be told, or not from the bytes at all. */
size_t frame_rtu_request_length(const uint8_t *bytes, size_t n);

/* Take an RTU frame of n bytes apart. False: too short, too long, or the CRC does not fit. */
bool frame_rtu_parse(const uint8_t *bytes, size_t n, struct frame *f);

/* Take a TCP frame from the n bytes at hand. Returns the bytes used, 0 when more are needed, -1 when it is none. */
int frame_tcp_parse(const uint8_t *bytes, size_t n, struct frame *f);

/* Write f as its transport wants it; out holds FRAME_TCP_MAX bytes. Returns the length. */
size_t frame_build(const struct frame *f, uint8_t *out);

#endif
