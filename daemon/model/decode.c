/* SPDX-License-Identifier: MIT */
#include "decode.h"

#include "plan.h"

/* value x 10^n, where word has the power of ten: the weight of the row is that at the lowest one. */
static enum codec_status apply_ten(const struct driver_row *row, uint16_t word, int64_t *value)
{
	int ten = (int16_t)word;

	if (ten < row->ten_low || ten > row->ten_high)
		return CODEC_BAD;
	for (; ten > row->ten_low; ten--)
		if (__builtin_mul_overflow(*value, INT64_C(10), value))
			return CODEC_RANGE;
	return CODEC_OK;
}

enum codec_status decode_number(const struct driver *d, const struct plan_item *item, const uint16_t *words,
				const int64_t *multipliers, int64_t *out)
{
	const uint16_t *sign = item->sign_word < 0 ? NULL : &words[item->sign_word];
	const struct driver_row *row = &d->rows[item->row];
	enum codec_status status;
	int64_t value, rest;

	status = codec_number(d->order, row, &words[item->word], sign, multipliers[item->row], &value);
	if (status == CODEC_OK && item->rest_row >= 0) {
		status = codec_number(d->order, &d->rows[item->rest_row], &words[item->rest_word], sign,
				      multipliers[item->rest_row], &rest);
		if (status == CODEC_OK && __builtin_add_overflow(value, rest, &value))
			status = CODEC_RANGE;
	}
	if (status == CODEC_OK && item->ten_word >= 0)
		status = apply_ten(row, words[item->ten_word], &value);
	if (status == CODEC_OK)
		*out = value;
	return status;
}
