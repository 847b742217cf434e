-- SPDX-License-Identifier: MIT
-- What a report needs to cover exactly the span that it names: the bounds of days and months, the readings that were
-- counted, and the lives of counters in whole numbers. Like other views for reports they do not change.

-- Counters with consumption. per: whole base units in one unit.
CREATE VIEW counter AS
SELECT m.name AS meter, c.quantity, c.unit, c.per, c.base AS base_unit
FROM counted c JOIN meter m ON m.id = c.meter;

-- Local days and months that have rows in daily and monthly. Those in which the time zone was changed overlap others.
CREATE VIEW local_span AS
SELECT 'month' AS kind, month AS name, from_ts, until_ts FROM local_month
UNION ALL
SELECT 'day', day, from_ts, until_ts FROM local_day;

-- Values of counters that are not suspect. The counter is value / parts base units, rounded down; an input's without its
-- offset.
CREATE VIEW counted_reading AS
SELECT ts, meter, quantity, value, parts
FROM (SELECT s.ts, m.name AS meter, q.name AS quantity, r.quality, m.id, q.id AS quantity_id, ifnull(r.parts, 1) AS parts,
             CASE q.name
             WHEN 'active_energy_import' THEN r.active_energy_import
             WHEN 'active_energy_export' THEN r.active_energy_export
             WHEN 'reactive_energy_import' THEN r.reactive_energy_import
             WHEN 'reactive_energy_export' THEN r.reactive_energy_export
             WHEN 'apparent_energy' THEN r.apparent_energy
             WHEN 'active_energy_import_t1' THEN r.active_energy_import_t1
             WHEN 'active_energy_import_t2' THEN r.active_energy_import_t2
             WHEN 'active_energy_import_t3' THEN r.active_energy_import_t3
             WHEN 'active_energy_import_t4' THEN r.active_energy_import_t4
             WHEN 'reactive_energy_import_t1' THEN r.reactive_energy_import_t1
             WHEN 'reactive_energy_import_t2' THEN r.reactive_energy_import_t2
             WHEN 'reactive_energy_import_t3' THEN r.reactive_energy_import_t3
             WHEN 'reactive_energy_import_t4' THEN r.reactive_energy_import_t4 END AS value
      FROM slot s CROSS JOIN reading_energy r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
      JOIN meter m ON m.id = +r.meter CROSS JOIN quantity q WHERE q.kind = 'energy') v
WHERE value IS NOT NULL
AND (quality <> 2 OR NOT EXISTS (SELECT 1 FROM suspect x WHERE x.ts = v.ts AND x.meter = v.id AND x.quantity = v.quantity_id))
UNION ALL
SELECT ts, meter, quantity, value, parts
FROM (SELECT s.ts, m.name AS meter, q.name AS quantity, r.quality, m.id, q.id AS quantity_id, ifnull(r.parts, 1) AS parts,
             CASE q.name
             WHEN 'active_energy_import_partial' THEN r.active_energy_import_partial
             WHEN 'active_energy_export_partial' THEN r.active_energy_export_partial
             WHEN 'reactive_energy_import_partial' THEN r.reactive_energy_import_partial
             WHEN 'reactive_energy_export_partial' THEN r.reactive_energy_export_partial
             WHEN 'apparent_energy_partial' THEN r.apparent_energy_partial
             WHEN 'operating_time' THEN r.operating_time END AS value
      FROM slot s CROSS JOIN reading_partial r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
      JOIN meter m ON m.id = +r.meter CROSS JOIN quantity q WHERE q.kind = 'partial') v
WHERE value IS NOT NULL
AND (quality <> 2 OR NOT EXISTS (SELECT 1 FROM suspect x WHERE x.ts = v.ts AND x.meter = v.id AND x.quantity = v.quantity_id))
UNION ALL
SELECT ts, meter, quantity, value, parts
FROM (SELECT s.ts, m.name AS meter, q.name AS quantity, r.quality, m.id, q.id AS quantity_id, ifnull(r.parts, 1) AS parts,
             CASE q.name
             WHEN 'active_energy_import_t5' THEN r.active_energy_import_t5
             WHEN 'active_energy_import_t6' THEN r.active_energy_import_t6
             WHEN 'active_energy_import_t7' THEN r.active_energy_import_t7
             WHEN 'active_energy_import_t8' THEN r.active_energy_import_t8
             WHEN 'reactive_energy_import_t5' THEN r.reactive_energy_import_t5
             WHEN 'reactive_energy_import_t6' THEN r.reactive_energy_import_t6
             WHEN 'reactive_energy_import_t7' THEN r.reactive_energy_import_t7
             WHEN 'reactive_energy_import_t8' THEN r.reactive_energy_import_t8 END AS value
      FROM slot s CROSS JOIN reading_tariff r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
      JOIN meter m ON m.id = +r.meter CROSS JOIN quantity q WHERE q.kind = 'tariff') v
WHERE value IS NOT NULL
AND (quality <> 2 OR NOT EXISTS (SELECT 1 FROM suspect x WHERE x.ts = v.ts AND x.meter = v.id AND x.quantity = v.quantity_id))
UNION ALL
SELECT ts, meter, quantity, value, parts
FROM (SELECT s.ts, m.name AS meter, q.name AS quantity, r.quality, m.id, q.id AS quantity_id, ifnull(r.parts, 1) AS parts,
             CASE q.name
             WHEN 'active_energy_export_t1' THEN r.active_energy_export_t1
             WHEN 'active_energy_export_t2' THEN r.active_energy_export_t2
             WHEN 'active_energy_export_t3' THEN r.active_energy_export_t3
             WHEN 'active_energy_export_t4' THEN r.active_energy_export_t4
             WHEN 'active_energy_export_t5' THEN r.active_energy_export_t5
             WHEN 'active_energy_export_t6' THEN r.active_energy_export_t6
             WHEN 'active_energy_export_t7' THEN r.active_energy_export_t7
             WHEN 'active_energy_export_t8' THEN r.active_energy_export_t8
             WHEN 'reactive_energy_export_t1' THEN r.reactive_energy_export_t1
             WHEN 'reactive_energy_export_t2' THEN r.reactive_energy_export_t2
             WHEN 'reactive_energy_export_t3' THEN r.reactive_energy_export_t3
             WHEN 'reactive_energy_export_t4' THEN r.reactive_energy_export_t4
             WHEN 'reactive_energy_export_t5' THEN r.reactive_energy_export_t5
             WHEN 'reactive_energy_export_t6' THEN r.reactive_energy_export_t6
             WHEN 'reactive_energy_export_t7' THEN r.reactive_energy_export_t7
             WHEN 'reactive_energy_export_t8' THEN r.reactive_energy_export_t8
             WHEN 'apparent_energy_t1' THEN r.apparent_energy_t1
             WHEN 'apparent_energy_t2' THEN r.apparent_energy_t2
             WHEN 'apparent_energy_t3' THEN r.apparent_energy_t3
             WHEN 'apparent_energy_t4' THEN r.apparent_energy_t4
             WHEN 'apparent_energy_t5' THEN r.apparent_energy_t5
             WHEN 'apparent_energy_t6' THEN r.apparent_energy_t6
             WHEN 'apparent_energy_t7' THEN r.apparent_energy_t7
             WHEN 'apparent_energy_t8' THEN r.apparent_energy_t8 END AS value
      FROM slot s CROSS JOIN reading_tariff_other r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
      JOIN meter m ON m.id = +r.meter CROSS JOIN quantity q WHERE q.kind = 'tariff_other') v
WHERE value IS NOT NULL
AND (quality <> 2 OR NOT EXISTS (SELECT 1 FROM suspect x WHERE x.ts = v.ts AND x.meter = v.id AND x.quantity = v.quantity_id))
UNION ALL
SELECT i.ts, m.name, i.quantity, i.pulses * i.weight, i.weight_per
FROM input_reading i JOIN meter m ON m.id = i.meter
WHERE i.pulses IS NOT NULL AND i.quality <> 2;

-- With the times as Unix seconds, and in whole base units.
DROP VIEW meter_life;
CREATE VIEW meter_life AS
SELECT m.name AS meter, q.name AS quantity, strftime('%Y-%m-%dT%H:%M:%SZ', l.from_ts, 'unixepoch') AS since,
       l.from_raw * 1.0 / q.per AS from_value,
       strftime('%Y-%m-%dT%H:%M:%SZ', l.until_ts, 'unixepoch') AS until, l.until_raw * 1.0 / q.per AS until_value,
       q.unit, l.reason, l.from_ts AS since_ts, l.from_raw AS from_base_value, l.until_ts, l.until_raw AS until_base_value,
       q.base AS base_unit
FROM life l JOIN meter m ON m.id = l.meter JOIN quantity q ON q.id = l.quantity;
