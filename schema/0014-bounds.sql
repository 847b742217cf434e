-- SPDX-License-Identifier: MIT
-- What bounds a rise: the time that can have passed between two readings.

-- When the clock was set back. Readings before and after it are further apart than their slots.
CREATE TABLE clock_back (
	at_ms   INTEGER PRIMARY KEY,  -- Unix milliseconds that the clock showed until then
	back_ms INTEGER NOT NULL
) STRICT;

-- Unix milliseconds of the last reading whose clock was known to be right, and all that the clock was set back by until
-- then. 0: none yet.
ALTER TABLE account ADD COLUMN sure_ms INTEGER NOT NULL DEFAULT 0;
