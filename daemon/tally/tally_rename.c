/* SPDX-License-Identifier: MIT */
/* A meter has another name in the configuration: request that the daemon keeps its history under that. */
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "tally.h"
#include "tally_ask.h"
#include "tally_load.h"
#include "tally_option.h"
#include "tally_request.h"

static int rename_meter(const struct conf *conf, const char *old, const char *new)
{
	const struct conf_input *input;
	const struct conf_meter *meter;
	const struct conf_bus *bus;
	char what[2 * CONF_NAME_MAX + 20];
	struct tally_request r = {.kind = "rename",
				  .what = what,
				  .name = old,
				  .new_name = new,
				  .later =
					  "it is decided when tallyd takes the configuration: systemctl reload tallyd"};

	if (!tally_find_counter(conf, new, &meter, &input))
		return TALLY_BAD;
	if (conf_find_meter(conf, old, &bus) != NULL || conf_find_input(conf, old, &bus) != NULL) {
		fprintf(stderr, "%s: is still configured; rename its section in the bus file to %s first\n", old, new);
		return TALLY_BAD;
	}
	snprintf(what, sizeof(what), "rename %s %s", old, new);
	return tally_request(conf, &r);
}

int tally_rename(const struct tally *t)
{
	static const struct option options[] = {{0}};
	struct conf *conf;
	int code;

	while (tally_option(t, options) != -1)
		return TALLY_USAGE;
	if (t->argc - optind != 2)
		return tally_misused(t, "expected OLD and NEW");
	conf = tally_load_conf(t);
	if (conf == NULL)
		return TALLY_BAD;
	code = rename_meter(conf, t->argv[optind], t->argv[optind + 1]);
	conf_free(conf);
	return code;
}
