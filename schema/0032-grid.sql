-- SPDX-License-Identifier: MIT
-- Intervals, days and months change at one time for all meters, so that what is taken back later is cut as it was.

-- Where interval_s or timezone is another one than before: they hold from here on. Else it says nothing.
ALTER TABLE account_setting ADD COLUMN from_ts INTEGER NOT NULL DEFAULT 0;

UPDATE account_setting SET from_ts = min(at_ts, ifnull((SELECT max(after_ts) FROM account_setting_meter
	WHERE setting = account_setting.id), 0));
