/* SPDX-License-Identifier: MIT */
#include "store_salvage.h"

#include "db_file.h"
#include "db_takeover.h"
#include "ledger.h"
#include "log.h"
#include "mono.h"

enum {
	FIRST_ROWS = 20000, /* of each big table, copied before polling begins */
	STEP_ROWS = 2000,   /* copied with each commit after that */
};

/* Only the commits in a -wal file were lost: there is nothing to copy, but to report. */
static int report_wal(struct db *db, const struct db_file_report *report)
{
	int rc = db_begin(db);

	if (rc == 0)
		rc = db_takeover_mark(db, report->aside, report->kind, report->damage, mono_wall_ms());
	if (rc == 0)
		rc = db_commit(db);
	if (rc != 0)
		db_rollback(db);
	return rc;
}

int store_salvage_open(struct store_salvage *v, struct db *db, const struct db_file_report *report)
{
	/* at least as far back as the account is replayed from */
	const struct db_salvage_first first = {.n_rows = FIRST_ROWS,
					       .span_s = LEDGER_SAVE_EVERY_S + LEDGER_REPLAY_BACK_S};
	int rc = 0;

	*v = (struct store_salvage){.db = db};
	if (report->aside != NULL && report->is_wal_only)
		rc = report_wal(db, report);
	else if (report->aside != NULL)
		rc = db_salvage_begin(db, report->aside, report->damage, &first, mono_wall_ms() / 1000, &v->rest);
	if (rc == 0 && report->aside != NULL)
		rc = db_takeover_end(db);
	if (rc == 0 && v->rest == NULL)
		rc = db_salvage_resume(db, &v->rest);
	store_salvage_committed(v);
	return rc;
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
	if (v->rest == NULL)
		return 0;
	return db_salvage_step(v->rest, STEP_ROWS, mono_wall_ms() / 1000);
}

void store_salvage_committed(struct store_salvage *v)
{
	char detail[400];

	if (v->rest == NULL || !db_salvage_is_done(v->rest))
		return;
	db_salvage_describe(v->rest, detail, sizeof(detail));
	log_info("%s: %s", v->db->path, detail);
	store_salvage_close(v);
	/* an older file may be next; without memory the next start has it */
	(void)db_salvage_resume(v->db, &v->rest);
}

void store_salvage_undo(struct store_salvage *v)
{
	if (v->rest != NULL)
		db_salvage_undo(v->rest);
}
