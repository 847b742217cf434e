/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct command {
	const char *name;
	int (*run)(const struct tally *t);
	const char *arguments, *purpose;
} commands[] = {
	{"check", tally_check, "", "read the configuration, say all that is wrong, work out each line's round"},
	{"models", tally_models, "[MODEL]", "list the models, or one model's registers and requests"},
	{"probe", tally_probe, "METER | BUS ADDRESS MODEL", "read one meter once: raw words beside values"},
};

static void usage(FILE *out)
{
	fprintf(out, "usage: tally [-c DIR] COMMAND [ARGUMENT ...]\n"
		     "  -c DIR     configuration directory, /etc/tallyd unless given\n"
		     "  --version  say which version this is\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  tally %s %s\n      %s\n", commands[i].name, commands[i].arguments, commands[i].purpose);
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
			usage(stdout);
			return TALLY_GOOD;
		default:
			usage(stderr);
			return TALLY_USAGE;
		}
	}
	t.argc = argc - optind;
	t.argv = argv + optind;
	for (size_t i = 0; t.argc > 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(t.argv[0], commands[i].name) == 0)
			return commands[i].run(&t);
	if (t.argc > 0)
		fprintf(stderr, "tally: \"%s\" is no command\n", t.argv[0]);
	usage(stderr);
	return TALLY_USAGE;
}
