/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tally_text.h"

static const struct tally_command commands[] = {
	{"check", tally_check, "", "read the configuration, say all that is wrong, work out each line's round",
	 "Exit code 0: good, tallyd can run on it; 1: not good.\n"},
	{"models", tally_models, "[--baud N] [MODEL]", "list the models, or one model's registers and requests",
	 "  --baud N   speed for the times of the requests, 9600 unless given\n"},
	{"probe", tally_probe, "METER | BUS ADDRESS MODEL", "read one meter once: raw words beside values",
	 "METER is one of the configuration; BUS ADDRESS MODEL reads one not in it yet.\n"
	 "The line must be free: stop tallyd first if it polls this bus.\n"},
	{"scan", tally_scan, "BUS [OPTION ...]", "find out which addresses of a line answer, and who they say they are",
	 "  --from A        first address, 1 unless given\n"
	 "  --to B          last address, 247 unless given; Conto and D4CR8 go up to 255\n"
	 "  --bauds LIST    speeds to try on a serial line: 9600,19200 or all\n"
	 "  --parities LIST parities to try on a serial line: none,even,odd or all\n"
	 "  --timeout TIME  longest wait for one answer: 400ms on a serial line,\n"
	 "                  else as the bus's response_timeout\n"
	 "  --sections      write sections for the bus's file of those not in it yet:\n"
	 "                  tally scan BUS --sections >> BUS.ini; the rest on stderr\n"
	 "\n"
	 "Each address is asked for a few words once. Speed and parity are those of the\n"
	 "bus unless given. The line must be free: stop tallyd if it polls this bus.\n"
	 "Exit code 0: something answered; 1: nothing did, or the line cannot be opened.\n"},
	{"status", tally_status, "[--json]", "how buses and meters do, by what tallyd has written",
	 "  --json  for programs: the views bus_status and meter_status\n"
	 "\n"
	 "Exit code 0: all is up; 1: a bus or meter is down, or tallyd does not run.\n"},
	{"report", tally_report, "[OPTION ...]", "what each meter counted in a month, on a day, in a span of time",
	 "  --month M      of month M: 2026-11; of the running one unless a span is given\n"
	 "  --day D        of day D: 2026-11-21\n"
	 "  --from T       from T on: 2026-11-21 or 2026-11-21T08:15\n"
	 "  --to T         to the end of day T or just before time T; now unless given\n"
	 "  --meter M      this meter or input only; repeatable\n"
	 "  --tariffs      active energy by tariff\n"
	 "  --csv          for spreadsheets; --delimiter and --decimal as for tally export\n"
	 "\n"
	 "COVERED: how much of the span was measured, not estimated or missing.\n"},
	{"export", tally_export, "[VIEW] [OPTION ...]", "write a view of the database as CSV",
	 "VIEW is energy, tariff_energy, power, pulse, latest, interval, interval_energy,\n"
	 "daily, monthly, monthly_tariff, meter_status, bus_status or event; energy\n"
	 "unless given.\n"
	 "\n"
	 "  --from T       rows from T on: 2026-11, 2026-11-21, 2026-11-21T08:15,\n"
	 "                 2026-11-21T08:15+01:00; without offset in the configured zone\n"
	 "  --to T         rows up to the end of month or day T, or before time T\n"
	 "  --meter M      rows of this meter, input, bus or event subject; repeatable\n"
	 "  --delimiter C  , ; | : or tab; , unless given, or ; with --decimal ,\n"
	 "  --decimal C    . or , in numbers\n"
	 "  --utc          times in UTC, not with the offset of the configured zone\n"
	 "  --output FILE  write to FILE, which appears when it is whole\n"},
	{"backup", tally_backup, "FILE", "copy the database while tallyd goes on writing it",
	 "FILE appears when the copy is whole. A file that is there already is replaced\n"
	 "only when it is such a copy. To restore: stop tallyd, put the copy in the place\n"
	 "of the database, remove the files of its name with -wal and -shm, start tallyd.\n"},
	{"replace", tally_replace, "METER [OPTION ...]", "say that a meter was exchanged: its counter begins anew",
	 "METER is a meter or pulse input. The request waits in the database until tallyd\n"
	 "acts on it: what the new meter shows is not taken for consumption.\n"
	 "\n"
	 "  --final V    what the old one showed at the end: 81234.5 kWh;\n"
	 "               its last reading unless given\n"
	 "  --initial V  what the new one showed at the start;\n"
	 "               its first reading unless given\n"
	 "\n"
	 "V without a unit is in the unit that the database shows: kWh, m3 ...\n"},
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *out)
{
	fprintf(out, "usage: tally [-c DIR] COMMAND [ARGUMENT ...]\n"
		     "  -c DIR     configuration directory, /etc/tallyd unless given\n"
		     "  --version  say which version this is\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].purpose);
	fprintf(out, "\n\"tally COMMAND --help\" says more about each.\n");
}

static void print_help(const struct tally_command *c)
{
	printf("usage: tally %s%s%s\n%s\n\n%s", c->name, c->arguments[0] != '\0' ? " " : "", c->arguments, c->purpose,
	       c->help);
}

/* Take -c DIR out of the command's arguments, so that it may also follow the command. A -c without DIR stays, for the
 * command to reject. */
static void take_dir(struct tally *t)
{
	int kept = 1;

	for (int i = 1; i < t->argc; i++) {
		if (strcmp(t->argv[i], "-c") == 0 && i + 1 < t->argc)
			t->dir = t->argv[++i];
		else
			t->argv[kept++] = t->argv[i];
	}
	t->argc = kept;
	t->argv[kept] = NULL;
}

static int run_command(struct tally *t)
{
	char question[TALLY_QUESTION_MAX];
	const char *names[N_COMMANDS];
	int code;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		names[i] = commands[i].name;
		if (strcmp(t->argv[0], commands[i].name) == 0)
			t->command = &commands[i];
	}
	if (t->command == NULL) {
		fprintf(stderr, "tally: \"%s\" is no command%s\n", t->argv[0],
			tally_did_you_mean(t->argv[0], "", names, N_COMMANDS, question));
		return TALLY_USAGE;
	}
	if (t->argc > 1 && (strcmp(t->argv[1], "--help") == 0 || strcmp(t->argv[1], "-h") == 0)) {
		print_help(t->command);
		return TALLY_GOOD;
	}
	optind = 0; /* the command reads its options from their start */
	code = t->command->run(t);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "tally: not all of the output could be written: %s\n", strerror(errno));
		return TALLY_BAD;
	}
	return code;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct tally t = {.dir = "/etc/tallyd"};
	int c;

	/* The + stops at the command, whose own options are its own. */
	while ((c = getopt_long(argc, argv, "+c:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			t.dir = optarg;
			break;
		case 'V':
			printf("tally %s\n", TALLY_VERSION);
			return TALLY_GOOD;
		case 'h':
			print_usage(stdout);
			return TALLY_GOOD;
		default:
			print_usage(stderr);
			return TALLY_USAGE;
		}
	}
	t.argc = argc - optind;
	t.argv = argv + optind;
	if (t.argc == 0) {
		print_usage(stderr);
		return TALLY_USAGE;
	}
	take_dir(&t);
	return run_command(&t);
}
