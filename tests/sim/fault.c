/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <stdlib.h>
#include <string.h>

#include "meter.h"

enum {
	LATE_MS = 1200,
	TWICE_MS = 5,
	DRIBBLE_MS = 40,
	MUTE_MS = 3000,
	GONE_MS = 3000,
	TROUBLE_MS = 60000,
	NOISE_BYTES_MAX = 4,
};

static const struct {
	const char *name;
	uint32_t delay_ms;
	bool rtu, tcp, rtu_over_tcp;
	unsigned trouble;
} kinds[FAULT_KINDS] = {
	[FAULT_NONE] = {"none", 0, false, false, false},
	[FAULT_SILENCE] = {"silence", 0, true, true, true},
	[FAULT_LATE] = {"late", LATE_MS, true, true, true},
	[FAULT_SHORT] = {"short", 0, true, true, true},
	[FAULT_LONG] = {"long", 0, true, true, true},
	[FAULT_BAD_CRC] = {"bad-crc", 0, true, true, true},
	[FAULT_WRONG_UNIT] = {"wrong-unit", 0, true, true, true},
	[FAULT_WRONG_FUNCTION] = {"wrong-function", 0, true, true, true},
	[FAULT_WRONG_TRANSACTION] = {"wrong-transaction", 0, false, true, false},
	[FAULT_WILD] = {"wild", 0, true, true, true},
	[FAULT_EXCEPTION] = {"exception", 0, true, true, true},
	[FAULT_NOISE_BEFORE] = {"noise-before", 0, true, true, true},
	[FAULT_NOISE_AFTER] = {"noise-after", 0, true, true, true},
	[FAULT_TWICE] = {"twice", TWICE_MS, true, true, true},
	[FAULT_ECHO] = {"echo", 0, true, true, true},
	[FAULT_ECHO_CUT] = {"echo-cut", 0, true, false, true},
	[FAULT_DRIBBLE] = {"dribble", DRIBBLE_MS, true, true, true},
	[FAULT_RESET] = {"reset", 0, false, true, true},
	[FAULT_CLOSE] = {"close", 0, false, true, true},
	[FAULT_CLOSE_AFTER] = {"close-after-answer", 0, false, true, true},
	[FAULT_MUTE] = {"mute", MUTE_MS, true, true, true},
	[FAULT_REBOOT] = {"reboot", GONE_MS, false, true, true},
	[FAULT_UNPLUG] = {"unplug", GONE_MS, true, false, false},
	[FAULT_REFUSE] = {"refuse", TROUBLE_MS, true, true, true, METER_REFUSES},
	[FAULT_COARSE_ONLY] = {"coarse-only", TROUBLE_MS, true, true, true, METER_COARSE_ONLY},
	[FAULT_SERIAL_OF_ZEROS] = {"serial-of-zeros", TROUBLE_MS, true, true, true, METER_SERIAL_OF_ZEROS},
	[FAULT_STALE_REGISTER] = {"stale-register", TROUBLE_MS, true, true, true, METER_STALE},
	[FAULT_ZEROS] = {"zeros-after-restart", TROUBLE_MS, true, true, true, METER_ZEROS},
};

static uint64_t next_chance(uint64_t *chance)
{
	*chance += 1;
	return meter_mix(*chance);
}

struct fault_rule fault_rule_new(void)
{
	return (struct fault_rule){.rate_ppm = FAULT_RATE_ONE,
				   .bus = FAULT_ANY,
				   .meter = FAULT_ANY,
				   .left = FAULT_UNLIMITED,
				   .registers = {0, 0xFFFF}};
}

static bool has_exception(enum fault_kind kind)
{
	return kind == FAULT_EXCEPTION || kind == FAULT_REFUSE;
}

/* "-3" behind the name of a kind with an exception. */
static bool parse_exception(const char *text, uint8_t *exception)
{
	char *end;
	long code;

	if (text[0] != '-' || text[1] < '0' || text[1] > '9')
		return false;
	code = strtol(text + 1, &end, 10);
	*exception = (uint8_t)code;
	return *end == '\0' && code >= 1 && code <= 255;
}

bool fault_parse(const char *name, struct fault_rule *rule)
{
	for (int k = FAULT_SILENCE; k < FAULT_KINDS; k++) {
		size_t n = strlen(kinds[k].name);

		if (strncmp(kinds[k].name, name, n) != 0 ||
		    (has_exception((enum fault_kind)k) ? !parse_exception(name + n, &rule->exception)
						       : name[n] != '\0'))
			continue;
		rule->kind = (enum fault_kind)k;
		rule->delay_ms = kinds[k].delay_ms;
		return true;
	}
	return false;
}

const char *fault_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

unsigned fault_trouble(enum fault_kind kind)
{
	return kinds[kind].trouble;
}

bool fault_fits(enum fault_kind kind, bool tcp, bool socket)
{
	return tcp ? kinds[kind].tcp : socket ? kinds[kind].rtu_over_tcp : kinds[kind].rtu;
}

const struct fault_rule *fault_draw(struct fault_rule *rules, size_t n, int32_t bus, int32_t meter, bool tcp,
				    bool socket, unsigned troubles, uint64_t *chance)
{
	for (size_t i = 0; i < n; i++) {
		struct fault_rule *r = &rules[i];

		if ((r->bus != FAULT_ANY && r->bus != bus) || (r->meter != FAULT_ANY && r->meter != meter))
			continue;
		if (r->left == 0 || !fault_fits(r->kind, tcp, socket) || (kinds[r->kind].trouble & troubles) != 0 ||
		    next_chance(chance) % FAULT_RATE_ONE >= r->rate_ppm)
			continue;
		if (r->left > 0)
			r->left--;
		return r;
	}
	return NULL;
}

/* A valid answer of one word more or less; an exception does not change. */
static void change_length(struct adu *f, int n_words)
{
	if (f->pdu[0] & 0x80 || f->pdu[1] + 2 * n_words < 0 || f->n_pdu + 2 > ADU_PDU_MAX)
		return;
	f->pdu[1] = (uint8_t)(f->pdu[1] + 2 * n_words);
	if (n_words > 0)
		f->pdu[f->n_pdu] = f->pdu[f->n_pdu + 1] = 0;
	f->n_pdu = f->n_pdu + (size_t)(2 * n_words);
}

static size_t build_noise(uint64_t *chance, uint8_t *out)
{
	size_t n = 1 + next_chance(chance) % NOISE_BYTES_MAX;

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)next_chance(chance);
	return n;
}

/* Half of the short answers lose their end on the line, half are valid frames of one word less. */
static size_t build_short(struct adu *f, uint64_t *chance, uint8_t *out)
{
	bool cut = next_chance(chance) % 2 == 0;
	size_t n;

	if (!cut)
		change_length(f, -1);
	n = adu_build(f, out);
	return cut ? 1 + next_chance(chance) % (n - 1) : n;
}

static size_t build_bad_crc(struct adu *f, uint64_t *chance, uint8_t *out)
{
	size_t n;

	if (f->tcp)
		adu_make_exception(f, ADU_GATEWAY_NO_ANSWER);
	n = adu_build(f, out);
	if (!f->tcp)
		out[next_chance(chance) % n] ^= (uint8_t)(1u << next_chance(chance) % 8);
	return n;
}

/* The answer of a meter with a memory fault: no check on the line can find it. */
static void make_wild(struct adu *f)
{
	if ((f->pdu[0] & 0x80) == 0 && f->n_pdu > 2)
		f->pdu[2] ^= 0x10;
}

size_t fault_build(const struct fault_rule *rule, const struct adu *answer, uint64_t *chance, uint8_t *out)
{
	struct adu f = *answer;
	size_t n = 0;

	switch (rule != NULL ? rule->kind : FAULT_NONE) {
	case FAULT_SHORT:
		return build_short(&f, chance, out);
	case FAULT_LONG:
		change_length(&f, 1);
		break;
	case FAULT_BAD_CRC:
		return build_bad_crc(&f, chance, out);
	case FAULT_WRONG_UNIT:
		f.unit = (uint8_t)(f.unit + 1 + next_chance(chance) % 246);
		break;
	case FAULT_WRONG_FUNCTION:
		f.pdu[0] = (uint8_t)(f.pdu[0] ^ 7); /* 3 for 4, 4 for 3 */
		break;
	case FAULT_WRONG_TRANSACTION:
		f.transaction = (uint16_t)(f.transaction + 1 + next_chance(chance) % 0xFFFE);
		break;
	case FAULT_WILD:
		make_wild(&f);
		break;
	case FAULT_EXCEPTION:
		adu_make_exception(&f, rule->exception);
		break;
	case FAULT_NOISE_BEFORE:
		n = build_noise(chance, out);
		break;
	case FAULT_NOISE_AFTER:
		n = adu_build(&f, out);
		return n + build_noise(chance, out + n);
	default:
		break;
	}
	return n + adu_build(&f, out + n);
}
