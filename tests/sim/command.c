/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "mono.h"
#include "parse.h"
#include "slave.h"

enum { WORDS_MAX = 8 };

struct command {
	const char *name, *usage;
	int min_words, max_words;
	/* words[0] is the command; returns NULL or the complaint */
	const char *(*run)(struct sim *sim, struct line **lines, int n, char **words, FILE *out);
};

static const char *const no_meter = "no such meter", *const no_bus = "no such bus";

static const char *do_truth(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	int32_t meter = site_find_meter(sim->site, words[1]);

	(void)lines;
	if (meter < 0)
		return no_meter;
	if (n == 3 && strcmp(words[2], "exact") != 0)
		return "unknown word after the meter; use exact";
	fputs("ok\n", out);
	slave_print_all(sim_meter(sim, meter), n == 3, out);
	return NULL;
}

static const char *set_value(struct meter *m, enum quantity q, const char *text)
{
	int64_t value;

	if (q >= Q_MAKER)
		meter_set_text(m, q, text);
	else if (strcmp(text, "na") == 0)
		meter_set_absent(m, q);
	else if (strcmp(text, "auto") == 0)
		meter_release(m, q);
	else if (parse_value(q, text, &value))
		meter_set(m, q, value);
	else
		return "the value is not valid; use na, auto or a number with a unit of the quantity";
	return NULL;
}

static const char *do_set(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	int32_t meter = site_find_meter(sim->site, words[1]);
	int q = names_find(words[2]);
	char text[COMMAND_MAX];
	const char *wrong;

	(void)lines;
	if (meter < 0)
		return no_meter;
	if (q < 0)
		return "no such quantity in drivers/NAMES";
	snprintf(text, sizeof(text), "%s%s%s", words[3], n > 4 ? " " : "", n > 4 ? words[4] : "");
	wrong = set_value(sim_meter(sim, meter), (enum quantity)q, text);
	if (wrong == NULL)
		fputs("ok\n", out);
	return wrong;
}

static const char *do_load(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	int32_t meter = site_find_meter(sim->site, words[1]);
	int64_t mw[2] = {0, 0};

	(void)lines;
	if (meter < 0)
		return no_meter;
	for (int i = 2; i < n; i++)
		if (!parse_value(Q_ACTIVE_POWER, words[i], &mw[i - 2]))
			return "the load is not valid; use a power with its unit, for example 5kW";
	meter_set_load(sim_meter(sim, meter), mw[0], n > 3 ? mw[1] : mw[0]);
	fputs("ok\n", out);
	return NULL;
}

static const char *do_swap(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	int32_t meter = site_find_meter(sim->site, words[1]);

	(void)lines;
	(void)n;
	if (meter < 0)
		return no_meter;
	meter_swap(sim_meter(sim, meter), words[2]);
	fputs("ok\n", out);
	return NULL;
}

/* Set the meters of a rule: one, those of a bus, or all. False: no such name. */
static bool set_target(const struct site *s, const char *name, struct fault_rule *rule)
{
	rule->bus = rule->meter = FAULT_ANY;
	if (strcmp(name, "all") == 0)
		return true;
	rule->meter = site_find_meter(s, name);
	if (rule->meter >= 0) {
		rule->bus = (int32_t)s->meters[rule->meter].bus;
		return true;
	}
	rule->bus = site_find_bus(s, name);
	return rule->bus >= 0;
}

static const char *do_fault(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	struct fault_rule rule = fault_rule_new();

	(void)lines;
	if (!fault_parse(words[2], &rule))
		return "unknown kind; use one of: " FAULT_NAMES;
	if (!set_target(sim->site, words[1], &rule))
		return "no such meter or bus; use a meter, a bus or all";
	if (!parse_rate(words[3], &rule.rate_ppm))
		return "the rate is not valid; use 0% to 100%";
	for (int i = 4; i < n; i++) {
		char *end;
		long count = strtol(words[i], &end, 10);

		if (*end == '\0' && count >= 0 && count <= INT32_MAX)
			rule.left = (int32_t)count;
		else if (!parse_span(words[i], &rule.registers) && !parse_duration(words[i], &rule.delay_ms))
			return "the count, delay or registers are not valid; use a whole number, a time with a unit "
			       "(ms, s, min, h) or FIRST-LAST";
	}
	if (!site_fault_fits(sim->site, &rule))
		return "there is no such fault on this transport";
	site_remove_faults(sim->site, &rule);
	sim_end_trouble(sim, &rule);
	if (rule.rate_ppm > 0 && !site_add_fault(sim->site, &rule))
		return "out of memory";
	fputs("ok\n", out);
	return NULL;
}

/* unplug, reboot and mute: the fault happens now, without a request. */
static const char *do_bus_fault(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	int32_t bus = site_find_bus(sim->site, words[1]);
	struct fault_rule rule = {.bus = bus, .meter = FAULT_ANY};

	if (bus < 0)
		return no_bus;
	if (!fault_parse(words[0], &rule))
		return "no such fault";
	if (!site_fault_fits(sim->site, &rule))
		return "there is no such fault on this transport";
	if (n > 2 && !parse_duration(words[2], &rule.delay_ms))
		return "the time is not valid; use a number with a unit (ms, s, min, h)";
	if (rule.kind == FAULT_MUTE)
		line_mute(lines[bus], rule.delay_ms);
	else
		line_go_offline(lines[bus], rule.delay_ms);
	fputs("ok\n", out);
	return NULL;
}

static const char *do_buses(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	(void)n;
	(void)words;
	fputs("ok\n", out);
	for (size_t i = 0; i < sim->site->n_buses; i++) {
		fprintf(out, "%s ", sim->site->buses[i].name);
		line_print_place(lines[i], out);
		fputc('\n', out);
	}
	return NULL;
}

static void print_meter_stats(const struct sim *sim, size_t i, FILE *out)
{
	const struct sim_counts *c = &sim->counts[i];

	fprintf(out, "meter %s requests=%" PRIu64 " answers=%" PRIu64 " exceptions=%" PRIu64, sim->site->meters[i].name,
		c->requests, c->answers, c->exceptions);
	for (int k = 0; k < FAULT_KINDS; k++)
		if (c->faults[k] > 0)
			fprintf(out, " %s=%" PRIu64, fault_name((enum fault_kind)k), c->faults[k]);
	fputc('\n', out);
}

static const char *do_stats(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	(void)n;
	(void)words;
	fputs("ok\n", out);
	for (size_t i = 0; i < sim->site->n_buses; i++) {
		const struct line_counts *c = line_counts(lines[i]);

		fprintf(out,
			"bus %s requests=%" PRIu64 " unknown=%" PRIu64 " bad=%" PRIu64 " crowded=%" PRIu64
			" collisions=%" PRIu64 " wrong_speed=%" PRIu64 " connections=%" PRIu64 " refused=%" PRIu64 "\n",
			sim->site->buses[i].name, c->requests, c->unknown, c->bad, c->crowded, c->collisions,
			c->wrong_speed, c->connections, c->refused);
	}
	for (size_t i = 0; i < sim->site->n_meters; i++)
		print_meter_stats(sim, i, out);
	return NULL;
}

static const char *do_clock(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	(void)lines;
	(void)n;
	(void)words;
	fprintf(out, "ok\nwall_ms=%" PRId64 "\nmeter_ms=%" PRId64 "\n", mono_wall_ms(), sim_meter_ms(sim));
	return NULL;
}

static const struct command commands[] = {
	{"truth", "truth METER [exact]", 2, 3, do_truth},
	{"set", "set METER QUANTITY VALUE [UNIT]", 4, 5, do_set},
	{"load", "load METER BASE [PEAK]", 3, 4, do_load},
	{"swap", "swap METER SERIAL", 3, 3, do_swap},
	{"fault", "fault METER|BUS|all KIND RATE [COUNT] [DELAY] [FIRST-LAST]", 4, 7, do_fault},
	{"unplug", "unplug BUS [TIME]", 2, 3, do_bus_fault},
	{"reboot", "reboot BUS [TIME]", 2, 3, do_bus_fault},
	{"mute", "mute BUS [TIME]", 2, 3, do_bus_fault},
	{"buses", "buses", 1, 1, do_buses},
	{"stats", "stats", 1, 1, do_stats},
	{"clock", "clock", 1, 1, do_clock},
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *out)
{
	fputs("error: no such command; use", out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "%s %s", i == 0 ? "" : ",", commands[i].usage);
	fputc('\n', out);
}

void command_run(struct sim *sim, struct line **lines, const char *command, FILE *out)
{
	char text[COMMAND_MAX], *at = text, *word, *words[WORDS_MAX];
	const char *wrong;
	int n = 0;

	snprintf(text, sizeof(text), "%s", command);
	while (n < WORDS_MAX && (word = strsep(&at, " \t\r\n")) != NULL)
		if (*word != '\0')
			words[n++] = word;
	for (size_t i = 0; i < N_COMMANDS && n > 0; i++) {
		if (strcmp(commands[i].name, words[0]) != 0)
			continue;
		if (n < commands[i].min_words || n > commands[i].max_words) {
			fprintf(out, "error: usage: %s\n", commands[i].usage);
			return;
		}
		wrong = commands[i].run(sim, lines, n, words, out);
		if (wrong != NULL)
			fprintf(out, "error: %s: %s\n", command, wrong);
		return;
	}
	print_usage(out);
}
