/* SPDX-License-Identifier: MIT */
#include "commit_log.h"

#include "log.h"

void commit_log_running(struct commit_log *log, int64_t busy_ms)
{
	if (busy_ms > COMMIT_LOG_SLOW_MS && !log->is_slow) {
		log_warning(
			"database: a commit has been running for %lld.%lld s; the disk is slow, and readings wait in "
			"memory",
			(long long)busy_ms / 1000, (long long)busy_ms % 1000 / 100);
		log->is_slow = true;
	}
}

void commit_log_outcome(struct commit_log *log, const struct store *s, enum store_commit outcome, size_t n_pending,
			int64_t took_ms)
{
	switch (outcome) {
	case STORE_WRITTEN:
		if (n_pending > 0)
			log_debug("database: %zu readings committed in %lld ms", n_pending, (long long)took_ms);
		if (log->is_failing)
			log_info("database: writing again");
		log->is_failing = false;
		commit_log_running(log, took_ms);
		if (log->is_slow && took_ms > log->longest_ms)
			log->longest_ms = took_ms;
		if (log->is_slow && took_ms <= COMMIT_LOG_SLOW_MS) {
			log_info("database: commits take less than a second again; the longest took %lld.%lld s",
				 (long long)log->longest_ms / 1000, (long long)log->longest_ms % 1000 / 100);
			log->is_slow = false;
			log->longest_ms = 0;
		}
		break;
	case STORE_NOTHING:
	case STORE_POSTPONED:
		break;
	case STORE_AWAY: /* the store has reported it */
		break;
	case STORE_FAILED:
	case STORE_DAMAGED:
	case STORE_STUCK:
		if (!log->is_failing)
			log_error("database: %s; %zu readings wait in memory", store_error(s), store_pending(s));
		log->is_failing = true;
		break;
	}
}
