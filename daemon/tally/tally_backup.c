/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "conf.h"
#include "db_backup.h"
#include "tally.h"
#include "tally_load.h"
#include "tally_option.h"

static int back_up(const struct conf *conf, const char *to)
{
	struct err e = {0};
	struct stat st;
	int rc = db_backup(conf->store_path, to, &e);

	err_print(&e, stderr);
	err_fini(&e);
	if (rc != 0)
		return TALLY_BAD;
	if (stat(to, &st) == 0)
		printf("%s: a whole copy of %s, %" PRId64 " KiB\n", to, conf->store_path, (int64_t)st.st_size / 1024);
	return TALLY_GOOD;
}

int tally_backup(const struct tally *t)
{
	static const struct option options[] = {{0}};
	struct conf *conf;
	int code;

	if (tally_option(t, options) != -1)
		return TALLY_USAGE;
	if (t->argc - optind != 1)
		return tally_misused(t, "one FILE expected");
	conf = tally_load_main(t);
	if (conf == NULL)
		return TALLY_BAD;
	code = back_up(conf, t->argv[optind]);
	conf_free(conf);
	return code;
}
