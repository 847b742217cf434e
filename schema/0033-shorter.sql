-- SPDX-License-Identifier: MIT
-- The longest views in fewer words: each database keeps their text. Their columns and rows are those of before.
--
-- The values of a row of a table are known by their places: column place of table quantity is where the table has the
-- quantity, and c1, c2, ... are the columns of the table from the first quantity on. A step that adds a column to a table
-- of readings, days, months or intervals makes these views again, with one NULL less where there are NULLs.
--
-- They are made in an order in which they fill the pages of the schema.

DROP VIEW latest;
DROP VIEW counted_reading;
DROP VIEW interval;
DROP VIEW energy;
DROP VIEW counted;
DROP VIEW daily;
DROP VIEW meter_life;
DROP VIEW monthly;

CREATE VIEW latest AS
WITH n AS MATERIALIZED (
SELECT n.kind, m.name AS meter, strftime('%Y-%m-%dT%H:%M:%SZ', n.id >> 14, 'unixepoch') AS time, n.id >> 14 AS ts,
unixepoch('now') - (n.id >> 14) AS age_s, n.id AS last FROM (
SELECT 'energy' AS kind, * FROM newest_energy
UNION ALL SELECT 'partial', * FROM newest_partial
UNION ALL SELECT 'tariff', * FROM newest_tariff
UNION ALL SELECT 'tariff_other', * FROM newest_tariff_other
UNION ALL SELECT 'energy_other', * FROM newest_energy_other
UNION ALL SELECT 'power_other', * FROM newest_power_other
UNION ALL SELECT 'power', * FROM newest_power
UNION ALL SELECT 'pulse', * FROM newest_pulse) n
JOIN meter m ON m.id = n.meter WHERE m.configured),
r (kind, meter, time, ts, age_s, last, id, of, delay, quality, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13,
c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, c24, c25, c26, c27, c28, c29, c30, c31) AS MATERIALIZED (
SELECT n.*, r.*, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM n JOIN reading_energy r ON r.id = last WHERE kind = 'energy'
UNION ALL SELECT n.*, r.*, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
NULL, NULL, NULL, NULL, NULL, NULL
FROM n JOIN reading_partial r ON r.id = last WHERE kind = 'partial'
UNION ALL SELECT n.*, r.*, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
NULL, NULL, NULL, NULL
FROM n JOIN reading_tariff r ON r.id = last WHERE kind = 'tariff'
UNION ALL SELECT n.*, r.*, NULL, NULL, NULL, NULL, NULL
FROM n JOIN reading_tariff_other r ON r.id = last WHERE kind = 'tariff_other'
UNION ALL SELECT n.*, r.*
FROM n JOIN reading_energy_other r ON r.id = last WHERE kind = 'energy_other'
UNION ALL SELECT n.*, r.*, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
NULL
FROM n JOIN reading_power_other r ON r.id = last WHERE kind = 'power_other'
UNION ALL SELECT n.*, r.*, NULL, NULL
FROM n JOIN reading_power r ON r.id = last WHERE kind = 'power'
UNION ALL SELECT n.*, r.*, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
NULL, NULL, NULL, NULL, NULL
FROM n JOIN reading_pulse r ON r.id = last WHERE kind = 'pulse'),
i AS (SELECT m.name, i.*, time, age_s FROM r JOIN input_reading i ON i.ts = r.ts AND i.id = r.id JOIN meter m ON m.id = i.meter
WHERE r.kind = 'pulse' AND m.configured)
SELECT meter, name AS quantity, obis, CASE per WHEN 1 THEN value / parts ELSE value / parts * 1.0 / per END AS value, unit,
time, ts, age_s, CASE quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality
FROM (SELECT meter, name, obis, per, unit, time, ts, age_s,
CASE WHEN quality <> 2 OR q.kind = 'power' THEN quality
WHEN q.kind = 'pulse' THEN (SELECT iif(max(o.input = place), 2, ifnull(max(x.quality), 2)) FROM suspect x
JOIN input_period o ON o.meter = x.meter WHERE x.ts = r.ts AND o.concentrator = of AND x.ts >= o.from_ts AND x.ts < o.until_ts)
ELSE (SELECT iif(max(x.quantity = q.id), 2, ifnull(max(x.quality), 2)) FROM suspect x WHERE x.ts = r.ts AND x.meter = of)
END AS quality,
CASE place WHEN 1 THEN c1 WHEN 2 THEN c2 WHEN 3 THEN c3 WHEN 4 THEN c4 WHEN 5 THEN c5 WHEN 6 THEN c6 WHEN 7 THEN c7
WHEN 8 THEN c8 WHEN 9 THEN c9 WHEN 10 THEN c10 WHEN 11 THEN c11 WHEN 12 THEN c12 WHEN 13 THEN c13 WHEN 14 THEN c14
WHEN 15 THEN c15 WHEN 16 THEN c16 WHEN 17 THEN c17 WHEN 18 THEN c18 WHEN 19 THEN c19 WHEN 20 THEN c20 WHEN 21 THEN c21
WHEN 22 THEN c22 WHEN 23 THEN c23 WHEN 24 THEN c24 WHEN 25 THEN c25 WHEN 26 THEN c26 WHEN 27 THEN c27 WHEN 28 THEN c28
WHEN 29 THEN c29 END AS value,
ifnull(iif(name = 'tariff', 1, CASE q.kind WHEN 'energy' THEN c15 WHEN 'partial' THEN c7 WHEN 'tariff' THEN c9 WHEN 'tariff_other' THEN c25
WHEN 'energy_other' THEN c30 END), 1) AS parts
FROM r CROSS JOIN quantity q ON q.kind = r.kind
UNION ALL
SELECT name, 'pulses', '', 1, '1', time, ts, age_s, quality, pulses, 1 FROM i
UNION ALL
SELECT name, quantity, obis, per, unit, time, ts, age_s, quality, offset + pulses * weight / weight_per, 1 FROM i
LIMIT -1) WHERE value IS NOT NULL;

CREATE VIEW counted_reading AS
WITH r (kind, ts, meter, id, of, delay, quality, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16,
c17, c18, c19, c20, c21, c22, c23, c24, c25, c26, c27, c28, c29, c30, c31) AS (
SELECT 'energy', s.ts, m.name, r.*, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
NULL, NULL
FROM slot s CROSS JOIN reading_energy r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
JOIN meter m ON m.id = +r.meter
UNION ALL SELECT 'partial', s.ts, m.name, r.*, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM slot s CROSS JOIN reading_partial r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
JOIN meter m ON m.id = +r.meter
UNION ALL SELECT 'tariff', s.ts, m.name, r.*, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM slot s CROSS JOIN reading_tariff r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
JOIN meter m ON m.id = +r.meter
UNION ALL SELECT 'tariff_other', s.ts, m.name, r.*, NULL, NULL, NULL, NULL, NULL
FROM slot s CROSS JOIN reading_tariff_other r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
JOIN meter m ON m.id = +r.meter
UNION ALL SELECT 'energy_other', s.ts, m.name, r.*
FROM slot s CROSS JOIN reading_energy_other r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
JOIN meter m ON m.id = +r.meter)
SELECT ts, meter, quantity, value, ifnull(parts, 1) AS parts
FROM (SELECT ts, meter, q.name AS quantity, quality, of, q.id AS quantity_id,
CASE q.kind WHEN 'energy' THEN c15 WHEN 'partial' THEN c7 WHEN 'tariff' THEN c9 WHEN 'tariff_other' THEN c25
WHEN 'energy_other' THEN c30 END AS parts,
CASE place WHEN 1 THEN c1 WHEN 2 THEN c2 WHEN 3 THEN c3 WHEN 4 THEN c4 WHEN 5 THEN c5 WHEN 6 THEN c6 WHEN 7 THEN c7
WHEN 8 THEN c8 WHEN 9 THEN c9 WHEN 10 THEN c10 WHEN 11 THEN c11 WHEN 12 THEN c12 WHEN 13 THEN c13 WHEN 14 THEN c14
WHEN 15 THEN c15 WHEN 16 THEN c16 WHEN 17 THEN c17 WHEN 18 THEN c18 WHEN 19 THEN c19 WHEN 20 THEN c20 WHEN 21 THEN c21
WHEN 22 THEN c22 WHEN 23 THEN c23 WHEN 24 THEN c24 WHEN 25 THEN c25 WHEN 26 THEN c26 WHEN 27 THEN c27 WHEN 28 THEN c28
WHEN 29 THEN c29 END AS value
FROM r CROSS JOIN quantity q ON q.kind = r.kind AND q.name <> 'tariff') v
WHERE value IS NOT NULL
AND (quality <> 2 OR NOT EXISTS (SELECT 1 FROM suspect x WHERE x.ts = v.ts AND x.meter = v.of AND x.quantity = v.quantity_id))
UNION ALL
SELECT i.ts, m.name, i.quantity, i.pulses * i.weight, i.weight_per
FROM input_reading i JOIN meter m ON m.id = i.meter
WHERE i.pulses IS NOT NULL AND i.quality <> 2;

CREATE VIEW interval AS
WITH other (ts, meter, estimated, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19,
c20, c21, c22, c23, c24, c25, c26, c27) AS (SELECT * FROM kept_interval_energy_other)
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ts, 'unixepoch') AS time, ts, meter, quantity, duration_s, value * 1.0 / per AS value, unit,
CASE WHEN value IS NULL OR quality = 2 THEN 'missing' WHEN is_estimated THEN 'estimated' ELSE 'measured' END AS quality,
value AS base_value, base AS base_unit
FROM (SELECT s.ts, m.name AS meter, c.quantity, i.duration_s, c.unit, c.per, c.base, i.quality,
ifnull(i.estimated >> iif(c.place > 27, c.place - 23, c.place - 1) & 1, i.quality = 1) AS is_estimated,
CASE c.place WHEN 1 THEN i.active_energy_import WHEN 2 THEN i.active_energy_export WHEN 3 THEN i.reactive_energy_import
WHEN 4 THEN i.reactive_energy_export WHEN 5 THEN i.apparent_energy WHEN 28 THEN i.volume WHEN 29 THEN i.heat END AS value
FROM meter m JOIN counted c ON c.meter = m.id AND c.kind = 'energy' AND (c.place < 6 OR c.place > 27)
CROSS JOIN interval_start s CROSS JOIN kept_interval i ON i.ts = s.ts AND i.meter = m.id
WHERE s.ts + i.duration_s > c.since_ts
UNION ALL
SELECT s.ts, m.name, c.quantity, i.duration_s, c.unit, c.per, c.base, CASE i.quality WHEN 2 THEN 0 ELSE i.quality END,
ifnull(o.estimated >> c.place - 1 & 1, 0),
CASE c.place WHEN 1 THEN c1 WHEN 2 THEN c2 WHEN 3 THEN c3 WHEN 4 THEN c4 WHEN 5 THEN c5 WHEN 6 THEN c6 WHEN 7 THEN c7
WHEN 8 THEN c8 WHEN 9 THEN c9 WHEN 10 THEN c10 WHEN 11 THEN c11 WHEN 12 THEN c12 WHEN 13 THEN c13 WHEN 14 THEN c14
WHEN 15 THEN c15 WHEN 16 THEN c16 WHEN 17 THEN c17 WHEN 18 THEN c18 WHEN 19 THEN c19 WHEN 20 THEN c20 WHEN 21 THEN c21
WHEN 22 THEN c22 WHEN 23 THEN c23 WHEN 24 THEN c24 WHEN 25 THEN c25 WHEN 26 THEN c26 WHEN 27 THEN c27 END
FROM meter m JOIN counted c ON c.meter = m.id AND c.kind = 'energy_other'
CROSS JOIN interval_start s CROSS JOIN kept_interval i ON i.ts = s.ts AND i.meter = m.id
LEFT JOIN other o ON o.ts = i.ts AND o.meter = i.meter
WHERE s.ts + i.duration_s > c.since_ts);

CREATE VIEW energy AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter,
r.active_energy_import / ifnull(r.parts, 1) / 1000.0 AS active_import_kwh,
r.active_energy_export / ifnull(r.parts, 1) / 1000.0 AS active_export_kwh,
r.reactive_energy_import / ifnull(r.parts, 1) / 1000.0 AS reactive_import_kvarh,
r.reactive_energy_export / ifnull(r.parts, 1) / 1000.0 AS reactive_export_kvarh,
r.apparent_energy / ifnull(r.parts, 1) / 1000.0 AS apparent_kvah,
CASE iif(r.quality <> 2, r.quality, (SELECT iif(max(q.place < 6), 2, ifnull(max(x.quality), 2))
FROM suspect x LEFT JOIN quantity q ON q.id = x.quantity AND q.kind = 'energy' WHERE x.ts = s.ts AND x.meter = m.id))
WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality,
CAST(r.active_energy_import / ifnull(r.parts, 1) AS INTEGER) AS active_import_wh,
CAST(r.active_energy_export / ifnull(r.parts, 1) AS INTEGER) AS active_export_wh,
CAST(r.reactive_energy_import / ifnull(r.parts, 1) AS INTEGER) AS reactive_import_varh,
CAST(r.reactive_energy_export / ifnull(r.parts, 1) AS INTEGER) AS reactive_export_varh,
CAST(r.apparent_energy / ifnull(r.parts, 1) AS INTEGER) AS apparent_vah,
CASE r.quality WHEN 2 THEN (SELECT group_concat(c, ', ') FROM (
SELECT replace(q.name, '_energy', '') || '_' || lower(q.unit) AS c
FROM suspect x JOIN quantity q ON q.id = x.quantity
WHERE x.ts = s.ts AND x.meter = m.id AND q.kind = 'energy' AND q.place < 6 ORDER BY q.id)) END AS suspect
FROM slot s CROSS JOIN reading_energy r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
JOIN meter m ON m.id = +r.meter
WHERE coalesce(r.active_energy_import, r.active_energy_export, r.reactive_energy_import, r.reactive_energy_export,
r.apparent_energy) IS NOT NULL
UNION ALL
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', i.ts, 'unixepoch'), i.ts, m.name,
iif(place = 1, i.offset + i.pulses * i.weight / i.weight_per, NULL) / 1000.0,
NULL,
iif(place = 3, i.offset + i.pulses * i.weight / i.weight_per, NULL) / 1000.0,
NULL,
iif(place = 5, i.offset + i.pulses * i.weight / i.weight_per, NULL) / 1000.0,
CASE i.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END,
CAST(iif(place = 1, i.offset + i.pulses * i.weight / i.weight_per, NULL) AS INTEGER),
CAST(NULL AS INTEGER),
CAST(iif(place = 3, i.offset + i.pulses * i.weight / i.weight_per, NULL) AS INTEGER),
CAST(NULL AS INTEGER),
CAST(iif(place = 5, i.offset + i.pulses * i.weight / i.weight_per, NULL) AS INTEGER),
iif(i.quality = 2, replace(q.name, '_energy', '') || '_' || lower(q.unit), NULL)
FROM input_reading i JOIN meter m ON m.id = i.meter JOIN quantity q ON q.name = i.quantity
WHERE i.pulses IS NOT NULL AND i.quantity IN ('active_energy_import', 'reactive_energy_import', 'apparent_energy');

-- kind and place are those of the tables of intervals, days and months: volume and heat are with the energies.
CREATE VIEW counted AS
SELECT l.meter, q.name AS quantity, ifnull(p.unit, q.unit) AS unit, ifnull(p.per, q.per) AS per, min(l.from_ts) AS since_ts, q.base,
iif(q.name IN ('volume', 'heat'), 'energy', q.kind) AS kind, q.place
FROM life l JOIN quantity q ON q.id = l.quantity
LEFT JOIN input_period p ON p.meter = l.meter AND p.quantity = q.name
AND p.from_ts = (SELECT max(n.from_ts) FROM input_period n WHERE n.meter = l.meter AND n.quantity = q.name)
GROUP BY l.meter, l.quantity;

CREATE VIEW daily AS
WITH energy (day, meter, measured_s, c1, c2, c3, c4, c5, c7, c8, c9, c10, c11, c12, c13, c14, volume, heat) AS (SELECT * FROM day_energy),
tariff (day, meter, measured_s, c1, c2, c3, c4, c5, c6, c7, c8) AS (SELECT * FROM day_tariff),
energy_other (day, meter, measured_s, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18,
c19, c20, c21, c22, c23, c24, c25, c26, c27) AS (SELECT * FROM day_energy_other),
tariff_other (day, meter, measured_s, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18,
c19, c20, c21, c22, c23, c24) AS (SELECT * FROM day_tariff_other)
SELECT day, meter, quantity, value * 1.0 / per AS value, unit,
min(1.0, ifnull(measured_s, 0) * 1.0 / (until_ts - from_ts)) AS coverage, value AS base_value, base AS base_unit
FROM (
SELECT d.day, m.name AS meter, c.quantity, c.unit, c.per, c.base, d.measured_s, s.from_ts, s.until_ts,
CASE c.place WHEN 1 THEN c1 WHEN 2 THEN c2 WHEN 3 THEN c3 WHEN 4 THEN c4 WHEN 5 THEN c5 WHEN 7 THEN c7 WHEN 8 THEN c8
WHEN 9 THEN c9 WHEN 10 THEN c10 WHEN 11 THEN c11 WHEN 12 THEN c12 WHEN 13 THEN c13 WHEN 14 THEN c14
WHEN 28 THEN volume WHEN 29 THEN heat END AS value
FROM energy d JOIN meter m ON m.id = d.meter JOIN local_day s ON s.day = d.day
CROSS JOIN counted c ON c.meter = d.meter AND c.kind = 'energy'
UNION ALL
SELECT d.day, m.name, c.quantity, c.unit, c.per, c.base, e.measured_s, s.from_ts, s.until_ts,
CASE c.place WHEN 1 THEN c1 WHEN 2 THEN c2 WHEN 3 THEN c3 WHEN 4 THEN c4 WHEN 5 THEN c5 WHEN 6 THEN c6 WHEN 7 THEN c7
WHEN 8 THEN c8 END
FROM tariff d JOIN meter m ON m.id = d.meter JOIN local_day s ON s.day = d.day
CROSS JOIN counted c ON c.meter = d.meter AND c.kind = 'tariff' LEFT JOIN day_energy e ON e.day = d.day AND e.meter = d.meter
UNION ALL
SELECT d.day, m.name, c.quantity, c.unit, c.per, c.base, e.measured_s, s.from_ts, s.until_ts,
CASE c.place WHEN 1 THEN c1 WHEN 2 THEN c2 WHEN 3 THEN c3 WHEN 4 THEN c4 WHEN 5 THEN c5 WHEN 6 THEN c6 WHEN 7 THEN c7
WHEN 8 THEN c8 WHEN 9 THEN c9 WHEN 10 THEN c10 WHEN 11 THEN c11 WHEN 12 THEN c12 WHEN 13 THEN c13 WHEN 14 THEN c14
WHEN 15 THEN c15 WHEN 16 THEN c16 WHEN 17 THEN c17 WHEN 18 THEN c18 WHEN 19 THEN c19 WHEN 20 THEN c20 WHEN 21 THEN c21
WHEN 22 THEN c22 WHEN 23 THEN c23 WHEN 24 THEN c24 WHEN 25 THEN c25 WHEN 26 THEN c26 WHEN 27 THEN c27 END
FROM energy_other d JOIN meter m ON m.id = d.meter JOIN local_day s ON s.day = d.day
CROSS JOIN counted c ON c.meter = d.meter AND c.kind = 'energy_other' LEFT JOIN day_energy e ON e.day = d.day AND e.meter = d.meter
UNION ALL
SELECT d.day, m.name, c.quantity, c.unit, c.per, c.base, e.measured_s, s.from_ts, s.until_ts,
CASE c.place WHEN 1 THEN c1 WHEN 2 THEN c2 WHEN 3 THEN c3 WHEN 4 THEN c4 WHEN 5 THEN c5 WHEN 6 THEN c6 WHEN 7 THEN c7
WHEN 8 THEN c8 WHEN 9 THEN c9 WHEN 10 THEN c10 WHEN 11 THEN c11 WHEN 12 THEN c12 WHEN 13 THEN c13 WHEN 14 THEN c14
WHEN 15 THEN c15 WHEN 16 THEN c16 WHEN 17 THEN c17 WHEN 18 THEN c18 WHEN 19 THEN c19 WHEN 20 THEN c20 WHEN 21 THEN c21
WHEN 22 THEN c22 WHEN 23 THEN c23 WHEN 24 THEN c24 END
FROM tariff_other d JOIN meter m ON m.id = d.meter JOIN local_day s ON s.day = d.day
CROSS JOIN counted c ON c.meter = d.meter AND c.kind = 'tariff_other' LEFT JOIN day_energy e ON e.day = d.day AND e.meter = d.meter)
WHERE value IS NOT NULL;

-- Nearly all lives are the first ones of their counters: no text stands for that.
UPDATE life SET reason = '' WHERE reason = 'first';
CREATE VIEW meter_life AS
SELECT m.name AS meter, q.name AS quantity, strftime('%Y-%m-%dT%H:%M:%SZ', l.from_ts, 'unixepoch') AS since,
l.from_raw * 1.0 / q.per AS from_value,
strftime('%Y-%m-%dT%H:%M:%SZ', l.until_ts, 'unixepoch') AS until, l.until_raw * 1.0 / q.per AS until_value,
q.unit, ifnull(nullif(l.reason, ''), 'first') AS reason, l.from_ts AS since_ts, l.from_raw AS from_base_value,
l.until_ts, l.until_raw AS until_base_value, q.base AS base_unit
FROM life l JOIN meter m ON m.id = l.meter JOIN quantity q ON q.id = l.quantity;

CREATE VIEW monthly AS
WITH energy (month, meter, measured_s, c1, c2, c3, c4, c5, c7, c8, c9, c10, c11, c12, c13, c14, volume, heat) AS (SELECT * FROM month_energy),
tariff (month, meter, measured_s, c1, c2, c3, c4, c5, c6, c7, c8) AS (SELECT * FROM month_tariff),
energy_other (month, meter, measured_s, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17,
c18, c19, c20, c21, c22, c23, c24, c25, c26, c27) AS (SELECT * FROM month_energy_other),
tariff_other (month, meter, measured_s, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17,
c18, c19, c20, c21, c22, c23, c24) AS (SELECT * FROM month_tariff_other)
SELECT month, meter, quantity, value * 1.0 / per AS value, unit,
min(1.0, ifnull(measured_s, 0) * 1.0 / (until_ts - from_ts)) AS coverage, value AS base_value, base AS base_unit
FROM (
SELECT d.month, m.name AS meter, c.quantity, c.unit, c.per, c.base, d.measured_s, s.from_ts, s.until_ts,
CASE c.place WHEN 1 THEN c1 WHEN 2 THEN c2 WHEN 3 THEN c3 WHEN 4 THEN c4 WHEN 5 THEN c5 WHEN 7 THEN c7 WHEN 8 THEN c8
WHEN 9 THEN c9 WHEN 10 THEN c10 WHEN 11 THEN c11 WHEN 12 THEN c12 WHEN 13 THEN c13 WHEN 14 THEN c14
WHEN 28 THEN volume WHEN 29 THEN heat END AS value
FROM energy d JOIN meter m ON m.id = d.meter JOIN local_month s ON s.month = d.month
CROSS JOIN counted c ON c.meter = d.meter AND c.kind = 'energy'
UNION ALL
SELECT d.month, m.name, c.quantity, c.unit, c.per, c.base, e.measured_s, s.from_ts, s.until_ts,
CASE c.place WHEN 1 THEN c1 WHEN 2 THEN c2 WHEN 3 THEN c3 WHEN 4 THEN c4 WHEN 5 THEN c5 WHEN 6 THEN c6 WHEN 7 THEN c7
WHEN 8 THEN c8 END
FROM tariff d JOIN meter m ON m.id = d.meter JOIN local_month s ON s.month = d.month
CROSS JOIN counted c ON c.meter = d.meter AND c.kind = 'tariff' LEFT JOIN month_energy e ON e.month = d.month AND e.meter = d.meter
UNION ALL
SELECT d.month, m.name, c.quantity, c.unit, c.per, c.base, e.measured_s, s.from_ts, s.until_ts,
CASE c.place WHEN 1 THEN c1 WHEN 2 THEN c2 WHEN 3 THEN c3 WHEN 4 THEN c4 WHEN 5 THEN c5 WHEN 6 THEN c6 WHEN 7 THEN c7
WHEN 8 THEN c8 WHEN 9 THEN c9 WHEN 10 THEN c10 WHEN 11 THEN c11 WHEN 12 THEN c12 WHEN 13 THEN c13 WHEN 14 THEN c14
WHEN 15 THEN c15 WHEN 16 THEN c16 WHEN 17 THEN c17 WHEN 18 THEN c18 WHEN 19 THEN c19 WHEN 20 THEN c20 WHEN 21 THEN c21
WHEN 22 THEN c22 WHEN 23 THEN c23 WHEN 24 THEN c24 WHEN 25 THEN c25 WHEN 26 THEN c26 WHEN 27 THEN c27 END
FROM energy_other d JOIN meter m ON m.id = d.meter JOIN local_month s ON s.month = d.month
CROSS JOIN counted c ON c.meter = d.meter AND c.kind = 'energy_other' LEFT JOIN month_energy e ON e.month = d.month AND e.meter = d.meter
UNION ALL
SELECT d.month, m.name, c.quantity, c.unit, c.per, c.base, e.measured_s, s.from_ts, s.until_ts,
CASE c.place WHEN 1 THEN c1 WHEN 2 THEN c2 WHEN 3 THEN c3 WHEN 4 THEN c4 WHEN 5 THEN c5 WHEN 6 THEN c6 WHEN 7 THEN c7
WHEN 8 THEN c8 WHEN 9 THEN c9 WHEN 10 THEN c10 WHEN 11 THEN c11 WHEN 12 THEN c12 WHEN 13 THEN c13 WHEN 14 THEN c14
WHEN 15 THEN c15 WHEN 16 THEN c16 WHEN 17 THEN c17 WHEN 18 THEN c18 WHEN 19 THEN c19 WHEN 20 THEN c20 WHEN 21 THEN c21
WHEN 22 THEN c22 WHEN 23 THEN c23 WHEN 24 THEN c24 END
FROM tariff_other d JOIN meter m ON m.id = d.meter JOIN local_month s ON s.month = d.month
CROSS JOIN counted c ON c.meter = d.meter AND c.kind = 'tariff_other' LEFT JOIN month_energy e ON e.month = d.month AND e.meter = d.meter)
WHERE value IS NOT NULL;
