/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tally_text.h"

static const struct tally_command commands[] = {
	{"check", tally_check, "[--start]", "check the configuration, and that each bus has time for its meters",
	 "All errors are shown at once. Exit code 0: good; 1: there are errors.\n"
	 "  --start   exit code 1 only for errors with which tallyd does not start or\n"
	 "            reload: not for those that leave out single meters\n"},
	{"models", tally_models, "[--baud N] [MODEL]", "list all models, or show one model's registers and requests",
	 "  --baud N   show how long requests take at this speed (default 9600)\n"},
	{"probe", tally_probe, "METER | BUS ADDRESS MODEL", "read one meter once and show raw words and values",
	 "METER is a meter of the configuration. BUS ADDRESS MODEL reads a meter that is\n"
	 "not configured yet. The line must be free: stop tallyd if it polls this bus.\n"},
	{"scan", tally_scan, "BUS [OPTION ...]", "find the devices on a bus and identify them",
	 "  --from A        first address (default 1)\n"
	 "  --to B          last address (default 247); Conto and D4CR8 go up to 255\n"
	 "  --bauds LIST    speeds to try on a serial line: 9600,19200 or all\n"
	 "  --parities LIST parities to try on a serial line: none,even,odd or all\n"
	 "  --timeout TIME  longest wait for an answer (default 400ms on a serial line,\n"
	 "                  behind a gateway the response_timeout of the bus)\n"
	 "  --sections      print sections for devices that are not configured yet:\n"
	 "                  tally scan BUS --sections >> BUS.ini\n"
	 "                  Everything else goes to standard error.\n"
	 "\n"
	 "Each address gets one short read. Speed and parity are those of the bus unless\n"
	 "given. The line must be free: stop tallyd if it polls this bus.\n"
	 "Exit code 0: a device answered; 1: none did, or the line cannot be opened.\n"},
	{"status", tally_status, "[--json]", "show bus and meter status from the database",
	 "  --json  print the views bus_status and meter_report as JSON\n"
	 "\n"
	 "Exit code 0: all is up; 1: a bus or meter is down, or tallyd is not running.\n"},
	{"report", tally_report, "[OPTION ...]", "show the consumption of each meter in a month, day or other period",
	 "  --month M      month M: 2026-11 (default: the current month)\n"
	 "  --day D        day D: 2026-11-21\n"
	 "  --from T       from T on: 2026-11-21 or 2026-11-21T08:15\n"
	 "  --to T         to the end of day T, or to time T (default: now)\n"
	 "  --meter M      only this meter or input; can be repeated\n"
	 "  --tariffs      active energy by tariff\n"
	 "  --csv          CSV; --delimiter, --decimal and --excel as in export\n"
	 "\n"
	 "COVERED is the share of the period that was measured, not estimated or missing.\n"
	 "ESTIMATED names the end of the period where no readings are left.\n"},
	{"export", tally_export, "[VIEW] [OPTION ...]", "write a view of the database as CSV",
	 "VIEW is energy (the default), tariff_energy, power, pulse, latest, interval,\n"
	 "interval_energy, daily, monthly, monthly_tariff, register, meter_status,\n"
	 "bus_status, event, revision, request, meter_report, trouble, subject,\n"
	 "meter_replacement, meter_faults, meter_life, key, counter, local_span,\n"
	 "counted_reading or suspect_reading.\n"
	 "\n"
	 "  --from T       rows from T on: 2026-11, 2026-11-21, 2026-11-21T08:15 or\n"
	 "                 2026-11-21T08:15+01:00; without offset in the configured zone\n"
	 "  --to T         rows to the end of month or day T, or before time T\n"
	 "  --meter M      rows of this meter, input, bus or event subject; repeatable\n"
	 "  --delimiter C  , ; | : or tab (default , but ; with --decimal ,)\n"
	 "  --decimal C    . or , in numbers (default .)\n"
	 "  --utc          times in UTC, not in the configured zone\n"
	 "  --excel        for spreadsheets: text and serial numbers stay what they are\n"
	 "  --output FILE  write to FILE, which appears when it is complete\n"},
	{"backup", tally_backup, "FILE", "copy the database while tallyd keeps running",
	 "FILE appears when the copy is complete. An existing FILE is replaced only if it\n"
	 "is such a copy. To restore it: stop tallyd, copy FILE over the database, delete\n"
	 "the files of the database's name with -wal and -shm, start tallyd.\n"},
	{"rebuild", tally_rebuild, "[OPTION ...]", "count the kept readings again, and compare",
	 "Makes intervals, days, months, registers and lives again from the readings that\n"
	 "are kept, in a copy of the database, and shows where they differ.\n"
	 "\n"
	 "  --scratch D  make the copy in folder D (default: beside the database)\n"
	 "  --recount    count in the database itself, show what becomes different, and\n"
	 "               keep it; tallyd must be stopped\n"
	 "\n"
	 "Exit code 0: nothing differs, or it was counted again; 1: something differs.\n"},
	{"replace", tally_replace, "METER [OPTION ...]", "report that a meter was replaced by another one",
	 "METER is a meter or pulse input, or a concentrator with all its inputs. The\n"
	 "request waits in the database until tallyd decides about it. The register of\n"
	 "the new meter is not counted as consumption.\n"
	 "\n"
	 "  --at T       when it was replaced: 2026-11-21T08:15 (default: now)\n"
	 "  --final V    what the old meter showed last: 81234.5 kWh\n"
	 "               (default: its last reading)\n"
	 "  --initial V  what the new meter showed first (default: its first reading)\n"
	 "  --force      accept values that cannot be right\n"
	 "  --undo       METER was not replaced: take back its last replacement\n"
	 "\n"
	 "Without a unit, V is in the unit that the database shows: kWh, m3 ...\n"},
	{"rename", tally_rename, "OLD NEW", "keep the history of a meter that has another name now",
	 "NEW is a meter or pulse input of the configuration, which no longer has OLD.\n"
	 "tallyd decides about it when it takes the configuration: reload it. Refused if\n"
	 "NEW has readings of its own from before OLD ends.\n"},
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *out)
{
	fprintf(out, "usage: tally [-c DIR] COMMAND [ARGUMENT ...]\n"
		     "  -c DIR     configuration directory (default /etc/tallyd)\n"
		     "  --version  print the version\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].purpose);
	fprintf(out, "\n\"tally COMMAND --help\" explains a command.\n");
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
		fprintf(stderr, "tally: unknown command \"%s\"%s\n", t->argv[0],
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

	/* a limit on the size of files is a full disk */
	signal(SIGXFSZ, SIG_IGN);
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
