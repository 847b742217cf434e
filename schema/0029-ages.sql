-- SPDX-License-Identifier: MIT
-- The saved states say times as they lie before the newest slot of their meter: small numbers need fewer bytes.

CREATE TEMP TABLE saved AS
SELECT c.meter, c.before, c.quantity, c.parts, c.living, a.last_ts - c.ts AS age_s, c.raw, c.ts - c.life_ts AS life_s, c.state
FROM account_counter c JOIN account a ON a.meter = c.meter AND a.before = c.before;
DROP TABLE account_counter;
-- In the column before: 0 is the state of now; -1 and -2 (older) are kept to count again from; else the state before that
-- request.
CREATE TABLE account_counter (
	meter    INTEGER NOT NULL REFERENCES meter (id),
	before   INTEGER NOT NULL,
	quantity INTEGER NOT NULL REFERENCES quantity (id),
	parts    INTEGER NOT NULL,  -- the values are in 1 / parts of a base unit
	living   INTEGER NOT NULL,
	age_s    INTEGER NOT NULL,  -- results were given out up to this long before last_ts of the meter's row in account
	raw      INTEGER NOT NULL,
	life_s   INTEGER NOT NULL,  -- the life had begun this long before that
	state    BLOB NOT NULL,     -- the rest of it, packed, and squeezed after the counters of the meter before it
	PRIMARY KEY (meter, before, quantity)
) STRICT, WITHOUT ROWID;
INSERT INTO account_counter SELECT * FROM saved;
DROP TABLE saved;
