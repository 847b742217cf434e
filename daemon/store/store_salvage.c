/* SPDX-License-Identifier: MIT */
#include "store_salvage.h"

#include "ledger.h"
#include "log.h"
#include "mono.h"

enum {
	FIRST_ROWS = 20000, /* of each big table, copied before polling begins */
	STEP_ROWS = 2000,   /* copied with each commit after that */
};

static void report_end(struct store_salvage *v)
{
	char detail[400];

	db_salvage_describe(v->rest, detail, sizeof(detail));
	log_info("%s: %s", v->db->path, detail);
	held_push_event(v->held, mono_wall_ms(), "tallyd", "database-recovered", detail);
}

void store_salvage_open(struct store_salvage *v, struct db *db, struct held *held, const char *damaged)
{
	/* at least as far back as the account is replayed from */
	const struct db_salvage_first first = {.n_rows = FIRST_ROWS,
					       .span_s = LEDGER_SAVE_EVERY_S + LEDGER_REPLAY_BACK_S};
	int rc;

	*v = (struct store_salvage){.db = db, .held = held};
	if (damaged != NULL)
		rc = db_salvage_begin(db, damaged, &first, mono_wall_ms() / 1000, &v->rest);
	else
		rc = db_salvage_resume(db, &v->rest);
	if (rc != 0)
		log_error("%s: nothing can be copied: %s", db->path, db->error);
	if (v->rest != NULL && db_salvage_is_done(v->rest)) {
		report_end(v);
		store_salvage_committed(v);
	}
}

void store_salvage_close(struct store_salvage *v)
{
	db_salvage_close(v->rest);
	v->rest = NULL;
}

bool store_salvage_is_pending(const struct store_salvage *v)
{
	return v->rest != NULL;
}

int store_salvage_step(struct store_salvage *v)
{
	int rc;

	if (v->rest == NULL)
		return 0;
	rc = db_salvage_step(v->rest, STEP_ROWS, mono_wall_ms() / 1000);
	if (rc == 0 && db_salvage_is_done(v->rest))
		report_end(v);
	return rc;
}

void store_salvage_committed(struct store_salvage *v)
{
	if (v->rest != NULL && db_salvage_is_done(v->rest))
		store_salvage_close(v);
}

void store_salvage_undo(struct store_salvage *v)
{
	if (v->rest != NULL)
		db_salvage_undo(v->rest);
}
