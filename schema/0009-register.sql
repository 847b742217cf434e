-- SPDX-License-Identifier: MIT
-- The value of every counter at each local midnight, kept forever: bills are made from it.

-- The local midnights that have rows; day begins there. A day has one, also where the time zone was changed in it.
CREATE TABLE midnight (
	ts  INTEGER PRIMARY KEY,
	day TEXT NOT NULL UNIQUE  -- YYYY-MM-DD
) STRICT;

-- value: whole base units; an input's without its offset. age_s: how old the reading was that the value rests on.
CREATE TABLE kept_register (
	ts       INTEGER NOT NULL,  -- of the midnight
	meter    INTEGER NOT NULL,
	quantity INTEGER NOT NULL,
	value    INTEGER NOT NULL,
	age_s    INTEGER NOT NULL,
	PRIMARY KEY (ts, meter, quantity)
) STRICT, WITHOUT ROWID;

CREATE VIEW register AS
SELECT d.day, m.name AS meter, q.name AS quantity, (r.value + ifnull(p.offset, 0)) * 1.0 / ifnull(p.per, q.per) AS value,
       ifnull(p.unit, q.unit) AS unit, strftime('%Y-%m-%dT%H:%M:%SZ', r.ts - r.age_s, 'unixepoch') AS read_time,
       r.value + ifnull(p.offset, 0) AS base_value, q.base AS base_unit
FROM meter m CROSS JOIN midnight d CROSS JOIN kept_register r ON r.ts = d.ts AND r.meter = m.id
JOIN quantity q ON q.id = r.quantity
LEFT JOIN input_period p ON p.meter = r.meter AND p.quantity = q.name
          AND r.ts - r.age_s >= p.from_ts AND r.ts - r.age_s < p.until_ts;
