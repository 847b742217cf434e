/* SPDX-License-Identifier: MIT */
/* ledger_replay.h - the account made from readings in the tables: continued after a start or a rollback, or rebuilt.
 *
 * Guaranteed: after ledger_replay_resume() memory is where it would be if the process had never ended, and the
 * database is unchanged. After ledger_replay_rebuild() intervals, days, months, registers and lives are those that the
 * kept readings give; what older readings gave, which retention has deleted since, is as it was.
 *
 * The idea: the same readings in the same order give the same account (account.h). A row's id is its slot and a number
 * in the slot, so the tables are in that order, and one reading has one id in all of them: the tables are merged by id.
 *
 *   resume    loads the saved state, feeds the readings that are not in it, and writes nothing: the transaction that
 *             wrote a reading also wrote what it gave. That is some hours of readings.
 *   rebuild   clears what readings give, feeds all of them and writes it again. That may be years of readings.
 *
 * Pitfalls.
 *   - Which readings are not in the state? Each save writes every meter that has changed, so they lie after the newest
 *     saved slot, or not much before it: but where the clock was set back, a meter that had been silent continues
 *     before that. replay_after() looks at each meter for that. A reading that is fed though the state has it is
 *     skipped by the account, since its slot was seen.
 *   - A value that was a suspect because its slot lay behind was never counted. It would not lie behind now, so it is
 *     left out. A value that was a suspect for its size is fed again: the account finds the same.
 *   - A clock that went back for good leaves the slots in another order than the readings came in. Up to there
 *     (setting unordered_until) nothing can be made again, and the same holds for what retention has deleted
 *     (deleted_until): a rebuild writes from the first local month after both on, whole months only, because days and
 *     months are sums. While that month has not come yet, there is no rebuild and the account is resumed.
 *   - What no reading shows is taken from elsewhere: exchanges from table request_log (ledger_request.h), keys and the
 *     bounds that held with them from table meter_key (ledger_keys.h), the ratings from table rating, the length of
 *     intervals, the zone and the periods of readings from account_setting (ledger_settings.h), what happened
 *     while no reading came from account_moment (ledger_moments.h), the highest value of the counters from the saved
 * state, the weights of inputs from their periods (ledger_limits.h).
 *
 * Safe to run twice: a resume writes nothing, so it may be cut short and repeated. A rebuild is many
 * transactions, because one must not grow without end. The first one only leaves the setting rebuild, the last one
 * takes it away: a rebuild that failed or was cut short is found at the next start and begins from nothing again.
 *
 * SQL on the book's db; the thread that owns that. */
#ifndef TALLY_LEDGER_REPLAY_H
#define TALLY_LEDGER_REPLAY_H

#include "ledger_book.h"
#include "ledger_exchange.h"
#include "ledger_feed.h"
#include "ledger_holds.h"
#include "ledger_intervals.h"
#include "ledger_keys.h"
#include "ledger_limits.h"
#include "ledger_lives.h"
#include "ledger_moments.h"
#include "ledger_registers.h"
#include "ledger_rows.h"
#include "ledger_settings.h"
#include "ledger_state.h"

enum { LEDGER_REPLAY_BACK_S = 7200 }; /* a reading's slot is at most this much older than its commit */

/* The parts that a replay works with. They are borrowed. */
struct ledger_replay {
	struct ledger_book *book;
	const struct ledger_limits *limits;
	struct ledger_lives *lives;
	struct ledger_intervals *intervals;
	struct ledger_registers *registers;
	struct ledger_state *state;
	struct ledger_holds *holds;
	struct ledger_ratings *ratings;
	const struct ledger_feed *feed;
	struct ledger_keys *keys;
	const struct ledger_settings *settings;
	struct ledger_exchange_desk *exchange;
};

/* Take the account up where the database has it, whatever memory knows. The limits must have been set. The book is live
 * then. 0; -errno: the book is stale. */
int ledger_replay_resume(const struct ledger_replay *l);

/* Make the account again from all readings; or resume it, with a line in the log, while the clock does not allow that.
 * No transaction may be running. The book is live then. 0; -errno: the book is closed, or stale. */
int ledger_replay_rebuild(const struct ledger_replay *l);

/* From where a rebuild would make the account again; all that begins before stays as it is. INT64_MIN: everything;
 * INT64_MAX: nothing, since the clock does not allow one. */
int64_t ledger_replay_from_s(const struct ledger_replay *l);

/* The same in the running transaction, which gets long, and with the suspects. Not where the clock does not allow it.
 * 0; -errno: the book is stale. */
int ledger_replay_repeat(const struct ledger_replay *l);

#endif
