-- SPDX-License-Identifier: MIT
-- The most that a meter or an input can count in an hour, and since when: readings are bounded by what held when they were
-- taken. A meter's is of its active, reactive and apparent energies alike.
CREATE TABLE rating (
	meter    INTEGER NOT NULL REFERENCES meter (id),
	from_ts  INTEGER NOT NULL,
	per_hour INTEGER NOT NULL,  -- base units
	PRIMARY KEY (meter, from_ts)
) STRICT, WITHOUT ROWID;
