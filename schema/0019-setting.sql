-- SPDX-License-Identifier: MIT
-- The settings that the account was made with over time, so that a rebuild cuts the same intervals: table setting has only
-- the last ones.

CREATE TABLE account_setting (
	id         INTEGER PRIMARY KEY,
	at_ts      INTEGER NOT NULL,
	request    INTEGER NOT NULL,  -- the last one of request_log that was decided before
	interval_s INTEGER NOT NULL,
	timezone   TEXT NOT NULL
) STRICT;

-- after_ts: the settings hold for the readings of this meter after this slot.
CREATE TABLE account_setting_meter (
	setting  INTEGER NOT NULL REFERENCES account_setting (id),
	meter    INTEGER NOT NULL REFERENCES meter (id),
	after_ts INTEGER NOT NULL,
	every_s  INTEGER NOT NULL,
	PRIMARY KEY (setting, meter)
) STRICT, WITHOUT ROWID;

-- Up to where the results of each counter had been written then.
CREATE TABLE account_setting_given (
	setting  INTEGER NOT NULL REFERENCES account_setting (id),
	meter    INTEGER NOT NULL REFERENCES meter (id),
	quantity INTEGER NOT NULL REFERENCES quantity (id),
	ts       INTEGER NOT NULL,
	PRIMARY KEY (setting, meter, quantity)
) STRICT, WITHOUT ROWID;

INSERT INTO account_setting (at_ts, request, interval_s, timezone)
SELECT 0, 0, CAST(i.value AS INTEGER), z.value FROM setting i JOIN setting z ON z.name = 'timezone' WHERE i.name = 'interval_s';
