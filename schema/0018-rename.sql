-- SPDX-License-Identifier: MIT
-- Meters that are read under another name.

-- 1: in the configuration before the last one that was written. A meter that is in the place of one that was removed with it
-- has been renamed.
ALTER TABLE meter ADD COLUMN was_configured INTEGER NOT NULL DEFAULT 0;
UPDATE meter SET was_configured = configured;

-- handover: the meter that it was until then.
ALTER TABLE request_log ADD COLUMN other_id INTEGER REFERENCES meter (id);

DROP VIEW request;
CREATE VIEW request AS
SELECT id, strftime('%Y-%m-%dT%H:%M:%SZ', asked_ts, 'unixepoch') AS time, what, state, reason
FROM request_log WHERE kind NOT IN ('serial', 'key', 'handover');
