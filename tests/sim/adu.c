/* SPDX-License-Identifier: MIT */
#include "adu.h"

#include <string.h>

enum { RTU_MIN = 4 };

uint16_t adu_crc(const uint8_t *bytes, size_t n)
{
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
	}
	return crc;
}

size_t adu_rtu_request_length(const uint8_t *bytes, size_t n)
{
	if (n < 2)
		return 0;
	if (bytes[1] >= 1 && bytes[1] <= 6)
		return 8;
	if ((bytes[1] == 15 || bytes[1] == 16) && n >= 7)
		return 9u + bytes[6];
	return 0;
}

bool adu_rtu_parse(const uint8_t *bytes, size_t n, struct adu *f)
{
	uint16_t crc;

	if (n < RTU_MIN || n > ADU_RTU_MAX)
		return false;
	crc = adu_crc(bytes, n - 2);
	if (bytes[n - 2] != (crc & 0xFF) || bytes[n - 1] != crc >> 8)
		return false;
	*f = (struct adu){.unit = bytes[0], .n_pdu = n - 3};
	memcpy(f->pdu, bytes + 1, f->n_pdu);
	return true;
}

int adu_tcp_parse(const uint8_t *bytes, size_t n, struct adu *f)
{
	size_t length;

	if (n < ADU_TCP_HEADER)
		return 0;
	length = (size_t)bytes[4] << 8 | bytes[5];
	if (bytes[2] != 0 || bytes[3] != 0 || length < 2 || length > ADU_PDU_MAX + 1)
		return -1;
	if (n < 6 + length)
		return 0;
	*f = (struct adu){.tcp = true, .unit = bytes[6], .n_pdu = length - 1};
	f->transaction = (uint16_t)(bytes[0] << 8 | bytes[1]);
	memcpy(f->pdu, bytes + ADU_TCP_HEADER, f->n_pdu);
	return (int)(6 + length);
}

void adu_make_exception(struct adu *f, uint8_t code)
{
	f->pdu[0] |= 0x80;
	f->pdu[1] = code;
	f->n_pdu = 2;
}

static size_t build_tcp(const struct adu *f, uint8_t *out)
{
	size_t length = f->n_pdu + 1;

	out[0] = (uint8_t)(f->transaction >> 8);
	out[1] = (uint8_t)f->transaction;
	out[2] = out[3] = 0;
	out[4] = (uint8_t)(length >> 8);
	out[5] = (uint8_t)length;
	out[6] = f->unit;
	memcpy(out + ADU_TCP_HEADER, f->pdu, f->n_pdu);
	return ADU_TCP_HEADER + f->n_pdu;
}

size_t adu_build(const struct adu *f, uint8_t *out)
{
	uint16_t crc;

	if (f->tcp)
		return build_tcp(f, out);
	out[0] = f->unit;
	memcpy(out + 1, f->pdu, f->n_pdu);
	crc = adu_crc(out, f->n_pdu + 1);
	out[f->n_pdu + 1] = (uint8_t)crc;
	out[f->n_pdu + 2] = (uint8_t)(crc >> 8);
	return f->n_pdu + 3;
}
