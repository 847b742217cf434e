-- SPDX-License-Identifier: MIT
-- After the clock was set back, rows of slots that have not come yet may be there: they were counted before.

ALTER TABLE account ADD COLUMN passed_ts INTEGER NOT NULL DEFAULT 0;  -- slots up to here were counted before; 0: no
