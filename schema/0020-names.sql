-- SPDX-License-Identifier: MIT
-- A meter keeps its history under another name.

ALTER TABLE request_log ADD COLUMN new_name TEXT;  -- rename: the new name

-- A row whose readings became another one's has a name with #, which no configuration can have.
DROP VIEW subject;
CREATE VIEW subject AS
SELECT name, CASE is_input WHEN 1 THEN 'input' ELSE 'meter' END AS kind, configured FROM meter WHERE name NOT LIKE '%#%'
UNION ALL
SELECT name, 'bus', configured FROM bus
UNION ALL
SELECT 'tallyd', 'daemon', 1;
