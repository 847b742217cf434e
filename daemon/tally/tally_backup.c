/* SPDX-License-Identifier: MIT */
/* Copy the database while the daemon writes it. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "conf.h"
#include "db_backup.h"
#include "err.h"
#include "tally.h"
#include "tally_load.h"
#include "tally_option.h"

int tally_backup(const struct tally *t)
{
	static const struct option options[] = {{0}};
	struct err e = {0};
	struct conf *conf;
	struct stat st;
	const char *to;
	int rc;

	if (tally_option(t, options) != -1)
		return TALLY_USAGE;
	if (t->argc - optind != 1)
		return tally_misused(t, "expected one FILE");
	to = t->argv[optind];
	conf = tally_load_main(t);
	if (conf == NULL)
		return TALLY_BAD;
	rc = db_backup(conf->store_path, to, &e);
	err_print(&e, stderr);
	if (rc == 0 && stat(to, &st) == 0)
		printf("%s: complete copy of %s, %" PRId64 " KiB\n", to, conf->store_path, (int64_t)st.st_size / 1024);
	err_fini(&e);
	conf_free(conf);
	return rc == 0 ? TALLY_GOOD : TALLY_BAD;
}
