/* SPDX-License-Identifier: MIT */
/* commit_log.h - log how the commits fare: that they fail or are slow, once, and that they succeed again.
 * A commit that was postponed, or that had nothing to write, proves neither. Main thread. */
#ifndef TALLY_COMMIT_LOG_H
#define TALLY_COMMIT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

enum { COMMIT_LOG_SLOW_MS = 1000 }; /* a commit that takes longer is slow */

/* Zeros: at the start. Others read is_failing. */
struct commit_log {
	bool is_failing;    /* the last commit that was tried */
	bool is_slow;	    /* that one, or the one that runs */
	int64_t longest_ms; /* commit since then */
};

/* The commit that runs has been running for so long. */
void commit_log_running(struct commit_log *log, int64_t busy_ms);

/* outcome    of a store_commit() of s
 * n_pending  readings that waited before it
 * took_ms    how long it took */
void commit_log_outcome(struct commit_log *log, const struct store *s, enum store_commit outcome, size_t n_pending,
			int64_t took_ms);

#endif
