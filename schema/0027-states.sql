-- SPDX-License-Identifier: MIT
-- The saved states are denser: they are most of what is written beside the readings.

-- squeezed() packs whole numbers, and bytes after them, as base/pack.h and base/squeeze.h do; db_migrate.c has it.
CREATE TEMP TABLE saved AS
SELECT meter, before, quantity, parts, living, ts, raw, life_ts,
       squeezed(seen_ts - ts, modulus, ended_raw, ts - open_ts, sum, rest, known_s, was_reset + 2 * estimated, falls,
                explanations) AS state
FROM account_counter;
DROP TABLE account_counter;
-- In the column before: 0 is the state of now; -1 and -2 (older) are kept to count again from; else the state before that
-- request.
CREATE TABLE account_counter (
	meter    INTEGER NOT NULL REFERENCES meter (id),
	before   INTEGER NOT NULL,
	quantity INTEGER NOT NULL REFERENCES quantity (id),
	parts    INTEGER NOT NULL,  -- the values are in 1 / parts of a base unit
	living   INTEGER NOT NULL,
	ts       INTEGER NOT NULL,  -- results were given out up to here
	raw      INTEGER NOT NULL,
	life_ts  INTEGER NOT NULL,
	state    BLOB NOT NULL,     -- the rest of it, packed, and squeezed after the counters of the meter before it
	PRIMARY KEY (meter, before, quantity)
) STRICT, WITHOUT ROWID;
INSERT INTO account_counter SELECT * FROM saved;
DROP TABLE saved;
