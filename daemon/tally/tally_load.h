/* SPDX-License-Identifier: MIT */
/* tally_load.h - what the commands work on: the configuration, the database, the register table of a model.
 * Each call prints on standard error why it cannot give it, and what to do. The caller owns what it gets. */
#ifndef TALLY_TALLY_LOAD_H
#define TALLY_TALLY_LOAD_H

struct conf;
struct driver;
struct reader;
struct tally;

/* Load the whole configuration and print all its errors. Returns NULL when it cannot be used. Errors of register tables
 * alone leave it usable: the meters of those tables have no driver. */
struct conf *tally_load_conf(const struct tally *t);

/* Load tallyd.ini alone, for a command that asks the database: that works also while the file of a bus is wrong. */
struct conf *tally_load_main(const struct tally *t);

/* Open the configuration's database for reading. Returns NULL when it cannot be read. */
struct reader *tally_open_database(const struct conf *conf);

/* Load the register table of a model from the folders of path. Returns NULL when there is none, with the nearest name,
 * or when it has errors. */
struct driver *tally_load_model(const char *path, const char *name);

#endif
