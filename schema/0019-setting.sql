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

-- after_ts: the settings hold for the readings of this meter after this slot. given_ts: results had been written up to here.
CREATE TABLE account_setting_meter (
	setting  INTEGER NOT NULL REFERENCES account_setting (id),
	meter    INTEGER NOT NULL REFERENCES meter (id),
	after_ts INTEGER NOT NULL,
	given_ts INTEGER NOT NULL,
	every_s  INTEGER NOT NULL,
	PRIMARY KEY (setting, meter)
) STRICT, WITHOUT ROWID;

INSERT INTO account_setting (at_ts, request, interval_s, timezone)
SELECT 0, 0, CAST(i.value AS INTEGER), z.value FROM setting i JOIN setting z ON z.name = 'timezone' WHERE i.name = 'interval_s';
