-- SPDX-License-Identifier: MIT
-- What happened to the account of a meter or input between two of its readings and is in no reading, with the time that it
-- happened at, so that counting again does the same. It takes the place of account_setting_given, which knew of it only
-- where settings changed.

DROP TABLE account_setting_given;

-- kind 0: at ts the meter was silent, and results were given out without waiting for another reading. 1: the reading of
-- ts came with another serial number, as if two meters answered.
CREATE TABLE account_moment (
	id       INTEGER PRIMARY KEY,
	meter    INTEGER NOT NULL REFERENCES meter (id),
	after_ts INTEGER NOT NULL,  -- its last reading was that of this slot
	setting  INTEGER NOT NULL,  -- the last one of account_setting
	request  INTEGER NOT NULL,  -- the last one of request_log that had been decided
	kind     INTEGER NOT NULL,
	ts       INTEGER NOT NULL
) STRICT;
CREATE INDEX account_moment_meter ON account_moment (meter, after_ts);
