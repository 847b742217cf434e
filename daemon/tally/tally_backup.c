/* SPDX-License-Identifier: MIT */
/* Copy the database while the daemon writes it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "conf.h"
#include "db_backup.h"
#include "err.h"
#include "newfile.h"
#include "output.h"
#include "tally.h"
#include "tally_load.h"
#include "tally_option.h"

/* Returns whether the copy is made; if not, standard error says why. */
static bool copy(const struct conf *conf, const char *dir, const char *to)
{
	struct newfile_place place;
	struct err e = {0};
	int rc = newfile_find(&place, to, &e);
	const char *own = rc == 0 ? output_is_own(&place, conf, dir) : NULL;
	struct stat st;

	if (own != NULL) {
		err_add(&e, to, 0, "is %s; name another file for the copy", own);
		rc = -EEXIST;
	}
	if (rc == 0)
		rc = db_backup_to(conf->store_path, &place, to, &e);
	err_print(&e, stderr);
	err_fini(&e);
	if (rc == 0 && fstatat(place.folder_fd, place.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		printf("%s: complete copy of %s, %" PRId64 " KiB\n", to, conf->store_path, (int64_t)st.st_size / 1024);
	newfile_leave(&place);
	return rc == 0;
}

int tally_backup(const struct tally *t)
{
	static const struct option options[] = {{0}};
	struct conf *conf;
	int code;

	if (tally_option(t, options) != -1)
		return TALLY_USAGE;
	if (t->argc - optind != 1)
		return tally_misused(t, "expected one FILE");
	conf = tally_load_main(t);
	if (conf == NULL)
		return TALLY_BAD;
	code = copy(conf, t->dir, t->argv[optind]) ? TALLY_GOOD : TALLY_BAD;
	conf_free(conf);
	return code;
}
