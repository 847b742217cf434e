-- SPDX-License-Identifier: MIT
-- Where the time zone was changed, a day can begin at one midnight for one meter and at another one for the next, and at
-- two for a meter that was read through both. All of them are kept; view register shows the first one of each counter.

DROP VIEW register;
ALTER TABLE midnight RENAME TO midnight_before;
CREATE TABLE midnight (
	ts  INTEGER PRIMARY KEY,
	day TEXT NOT NULL  -- YYYY-MM-DD, begins there
) STRICT;
INSERT INTO midnight SELECT ts, day FROM midnight_before;
DROP TABLE midnight_before;
CREATE INDEX midnight_day ON midnight (day);

CREATE VIEW register AS
SELECT d.day, m.name AS meter, q.name AS quantity, (r.value + ifnull(p.offset, 0)) * 1.0 / ifnull(p.per, q.per) AS value,
       ifnull(p.unit, q.unit) AS unit, strftime('%Y-%m-%dT%H:%M:%SZ', r.ts - r.age_s, 'unixepoch') AS read_time,
       r.value + ifnull(p.offset, 0) AS base_value, q.base AS base_unit
FROM meter m CROSS JOIN midnight d CROSS JOIN kept_register r ON r.ts = d.ts AND r.meter = m.id
JOIN quantity q ON q.id = r.quantity
LEFT JOIN input_period p ON p.meter = r.meter AND p.quantity = q.name
          AND r.ts - r.age_s >= p.from_ts AND r.ts - r.age_s < p.until_ts
WHERE NOT EXISTS (SELECT 1 FROM midnight e JOIN kept_register f ON f.ts = e.ts AND f.meter = r.meter AND f.quantity = r.quantity
                  WHERE e.day = d.day AND e.ts < d.ts);
