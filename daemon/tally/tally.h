/* SPDX-License-Identifier: MIT */
/* tally.h - the operator's tool: what all its commands share. A command is one function in a file of its own; tally.c
 * has the table of them. One thread. */
#ifndef TALLY_TALLY_H
#define TALLY_TALLY_H

/* Exit codes, which every command returns: the thing it was asked about is good, or is bad; or the command line is
 * wrong. */
enum { TALLY_GOOD = 0, TALLY_BAD = 1, TALLY_USAGE = 2 };

struct tally_command;

/* The command line of a command. */
struct tally {
	const char *dir; /* configuration directory */
	const struct tally_command *command;
	int argc;
	char **argv; /* argv[0] is the command's own name */
};

struct tally_command {
	const char *name;
	int (*run)(const struct tally *t);
	const char *arguments, *purpose;
	const char *help; /* its options and a word on each, one screen at most, each line ended */
};

int tally_check(const struct tally *t);	  /* tally_check.c */
int tally_models(const struct tally *t);  /* tally_models.c */
int tally_probe(const struct tally *t);	  /* tally_probe.c */
int tally_scan(const struct tally *t);	  /* tally_scan.c */
int tally_status(const struct tally *t);  /* tally_status.c */
int tally_export(const struct tally *t);  /* tally_export.c */
int tally_report(const struct tally *t);  /* tally_report.c */
int tally_backup(const struct tally *t);  /* tally_backup.c */
int tally_rebuild(const struct tally *t); /* tally_rebuild.c */
int tally_replace(const struct tally *t); /* tally_replace.c */
int tally_rename(const struct tally *t);  /* tally_rename.c */

#endif
