/* SPDX-License-Identifier: MIT */
/* fuzz_frame.c - takes any bytes as the answer to a request and looks at them as they arrive, byte by byte, and at all
 * of them at once. Input, one byte each: 0 RTU or 1 TCP, unit, function (low bit), number of words; two bytes each,
 * high byte first: address, transaction; the rest is the received bytes. */
#include <stdlib.h>
#include <string.h>

#include "frame.h"

enum { HEAD = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* The properties of an accepted answer, checked in another way than frame.c finds it. */
static void check_answer(const struct frame_query *q, bool is_tcp, const struct frame_look *look, const uint8_t *bytes)
{
	const uint8_t *frame = bytes + look->used - look->n_frame;
	const uint8_t *unit = is_tcp ? frame + 6 : frame;

	require(unit[0] == q->unit);
	require(unit[1] == (look->kind == FRAME_ANSWER ? q->function : q->function + 0x80));
	if (look->kind == FRAME_ANSWER)
		require(unit[2] == 2 * q->n_words && look->data == unit + 3);
	else
		require(unit[2] == look->exception);
	if (is_tcp)
		require(frame[0] << 8 == (q->transaction & 0xff00) && frame[1] == (q->transaction & 0xff));
	else
		require(frame_crc(frame, look->n_frame) == 0 && frame_is_noise(bytes, look->used - look->n_frame));
}

static struct frame_look check_look(const struct frame_query *q, bool is_tcp, const uint8_t *bytes, size_t n)
{
	struct frame_look look = is_tcp ? frame_look_tcp(q, bytes, n) : frame_look_rtu(q, bytes, n);

	require(look.used <= n && look.n_frame <= look.used);
	require((look.used == 0) == (look.kind == FRAME_PARTIAL || look.kind == FRAME_UNKNOWN));
	if (look.kind == FRAME_ANSWER || look.kind == FRAME_EXCEPTION)
		check_answer(q, is_tcp, &look, bytes);
	return look;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct frame_query q;
	uint8_t *bytes;
	enum frame_kind kind;
	bool is_tcp;

	if (n <= HEAD)
		return 0;
	is_tcp = data[0] & 1;
	q = (struct frame_query){.unit = data[1],
				 .function = 3 + (data[2] & 1),
				 .n_words = (uint16_t)(1 + data[3] % 125),
				 .address = (uint16_t)(data[4] << 8 | data[5]),
				 .transaction = (uint16_t)(data[6] << 8 | data[7])};
	n -= HEAD;
	/* A copy of exactly this size, so that the sanitizer sees a read past its end. */
	bytes = malloc(n);
	if (bytes == NULL)
		return 0;
	memcpy(bytes, data + HEAD, n);
	for (size_t i = 0; i < n; i++)
		check_look(&q, is_tcp, bytes, i);
	check_look(&q, is_tcp, bytes, n);
	kind = frame_after_silence(&q, bytes, n);
	require(kind != FRAME_ANSWER && kind != FRAME_EXCEPTION && kind != FRAME_UNKNOWN && kind != FRAME_PARTIAL);
	free(bytes);
	return 0;
}
