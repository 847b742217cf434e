-- SPDX-License-Identifier: MIT
-- Counters finer than a base unit. A row keeps its counters, except pulses, in parts of a base unit, so that nothing of them
-- is lost; the views round down. A row knows its parts itself, so it keeps its meaning when the register table changes.
-- NULL is 1, as in all rows before this step.

ALTER TABLE reading_energy ADD COLUMN parts INTEGER;
ALTER TABLE reading_partial ADD COLUMN parts INTEGER;
ALTER TABLE reading_tariff ADD COLUMN parts INTEGER;
ALTER TABLE reading_tariff_other ADD COLUMN parts INTEGER;

-- CAST: SQLite merges a view of two parts into a query only if the columns of both have the same affinity.
DROP VIEW energy;
CREATE VIEW energy AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter,
       r.active_energy_import / ifnull(r.parts, 1) / 1000.0 AS active_import_kwh,
       r.active_energy_export / ifnull(r.parts, 1) / 1000.0 AS active_export_kwh,
       r.reactive_energy_import / ifnull(r.parts, 1) / 1000.0 AS reactive_import_kvarh,
       r.reactive_energy_export / ifnull(r.parts, 1) / 1000.0 AS reactive_export_kvarh,
       r.apparent_energy / ifnull(r.parts, 1) / 1000.0 AS apparent_kvah,
       CASE r.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality,
       CAST(r.active_energy_import / ifnull(r.parts, 1) AS INTEGER) AS active_import_wh,
       CAST(r.active_energy_export / ifnull(r.parts, 1) AS INTEGER) AS active_export_wh,
       CAST(r.reactive_energy_import / ifnull(r.parts, 1) AS INTEGER) AS reactive_import_varh,
       CAST(r.reactive_energy_export / ifnull(r.parts, 1) AS INTEGER) AS reactive_export_varh,
       CAST(r.apparent_energy / ifnull(r.parts, 1) AS INTEGER) AS apparent_vah
FROM slot s CROSS JOIN reading_energy r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
JOIN meter m ON m.id = +r.meter
WHERE coalesce(r.active_energy_import, r.active_energy_export, r.reactive_energy_import, r.reactive_energy_export,
               r.apparent_energy) IS NOT NULL
UNION ALL
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', i.ts, 'unixepoch'), i.ts, m.name,
       CASE i.quantity WHEN 'active_energy_import' THEN (i.offset + i.pulses * i.weight / i.weight_per) / 1000.0 END,
       CASE i.quantity WHEN 'active_energy_export' THEN (i.offset + i.pulses * i.weight / i.weight_per) / 1000.0 END,
       CASE i.quantity WHEN 'reactive_energy_import' THEN (i.offset + i.pulses * i.weight / i.weight_per) / 1000.0 END,
       CASE i.quantity WHEN 'reactive_energy_export' THEN (i.offset + i.pulses * i.weight / i.weight_per) / 1000.0 END,
       CASE i.quantity WHEN 'apparent_energy' THEN (i.offset + i.pulses * i.weight / i.weight_per) / 1000.0 END,
       CASE i.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END,
       CAST(CASE i.quantity WHEN 'active_energy_import' THEN i.offset + i.pulses * i.weight / i.weight_per END AS INTEGER),
       CAST(CASE i.quantity WHEN 'active_energy_export' THEN i.offset + i.pulses * i.weight / i.weight_per END AS INTEGER),
       CAST(CASE i.quantity WHEN 'reactive_energy_import' THEN i.offset + i.pulses * i.weight / i.weight_per END AS INTEGER),
       CAST(CASE i.quantity WHEN 'reactive_energy_export' THEN i.offset + i.pulses * i.weight / i.weight_per END AS INTEGER),
       CAST(CASE i.quantity WHEN 'apparent_energy' THEN i.offset + i.pulses * i.weight / i.weight_per END AS INTEGER)
FROM input_reading i JOIN meter m ON m.id = i.meter
WHERE i.pulses IS NOT NULL AND i.quantity IN ('active_energy_import', 'reactive_energy_import', 'apparent_energy');

-- Suspect rows are left out, because this view has no column for the quality.
DROP VIEW tariff_energy;
CREATE VIEW tariff_energy AS
SELECT time, ts, meter, tariff, active_import_wh / 1000.0 AS active_import_kwh,
       reactive_import_varh / 1000.0 AS reactive_import_kvarh, in_force, active_import_wh, reactive_import_varh
FROM (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter, t.column1 AS tariff,
             CASE t.column1
             WHEN 1 THEN r.active_energy_import_t1
             WHEN 2 THEN r.active_energy_import_t2
             WHEN 3 THEN r.active_energy_import_t3
             WHEN 4 THEN r.active_energy_import_t4
             WHEN 5 THEN h.active_energy_import_t5
             WHEN 6 THEN h.active_energy_import_t6
             WHEN 7 THEN h.active_energy_import_t7
             WHEN 8 THEN h.active_energy_import_t8 END / ifnull(r.parts, 1) AS active_import_wh,
             CASE t.column1
             WHEN 1 THEN r.reactive_energy_import_t1
             WHEN 2 THEN r.reactive_energy_import_t2
             WHEN 3 THEN r.reactive_energy_import_t3
             WHEN 4 THEN r.reactive_energy_import_t4
             WHEN 5 THEN h.reactive_energy_import_t5
             WHEN 6 THEN h.reactive_energy_import_t6
             WHEN 7 THEN h.reactive_energy_import_t7
             WHEN 8 THEN h.reactive_energy_import_t8 END / ifnull(r.parts, 1) AS reactive_import_varh,
             r.tariff IS t.column1 AS in_force
      FROM slot s CROSS JOIN reading_energy r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
      JOIN meter m ON m.id = +r.meter
      LEFT JOIN reading_tariff h ON h.id = r.id AND h.quality <> 2
      CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8)) t
      WHERE r.quality <> 2)
WHERE active_import_wh IS NOT NULL OR reactive_import_varh IS NOT NULL;

-- One row per quantity of each meter's newest readings. LIMIT -1 stops the planner from merging the inner query into the
-- outer one, which would evaluate each CASE several times.
DROP VIEW latest;
CREATE VIEW latest AS
WITH
last_energy AS MATERIALIZED (
SELECT m.name AS meter_name, strftime('%Y-%m-%dT%H:%M:%SZ', (r.id >> 14), 'unixepoch') AS time, r.id >> 14 AS ts,
       unixepoch('now') - (r.id >> 14) AS age_s,
       CASE r.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality_text,
       r.*
FROM newest_energy n JOIN reading_energy r ON r.id = n.id
JOIN meter m ON m.id = n.meter WHERE m.configured),
last_partial AS MATERIALIZED (
SELECT m.name AS meter_name, strftime('%Y-%m-%dT%H:%M:%SZ', (r.id >> 14), 'unixepoch') AS time, r.id >> 14 AS ts,
       unixepoch('now') - (r.id >> 14) AS age_s,
       CASE r.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality_text,
       r.*
FROM newest_partial n JOIN reading_partial r ON r.id = n.id
JOIN meter m ON m.id = n.meter WHERE m.configured),
last_tariff AS MATERIALIZED (
SELECT m.name AS meter_name, strftime('%Y-%m-%dT%H:%M:%SZ', (r.id >> 14), 'unixepoch') AS time, r.id >> 14 AS ts,
       unixepoch('now') - (r.id >> 14) AS age_s,
       CASE r.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality_text,
       r.*
FROM newest_tariff n JOIN reading_tariff r ON r.id = n.id
JOIN meter m ON m.id = n.meter WHERE m.configured),
last_tariff_other AS MATERIALIZED (
SELECT m.name AS meter_name, strftime('%Y-%m-%dT%H:%M:%SZ', (r.id >> 14), 'unixepoch') AS time, r.id >> 14 AS ts,
       unixepoch('now') - (r.id >> 14) AS age_s,
       CASE r.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality_text,
       r.*
FROM newest_tariff_other n JOIN reading_tariff_other r ON r.id = n.id
JOIN meter m ON m.id = n.meter WHERE m.configured),
last_power AS MATERIALIZED (
SELECT m.name AS meter_name, strftime('%Y-%m-%dT%H:%M:%SZ', (r.id >> 14), 'unixepoch') AS time, r.id >> 14 AS ts,
       unixepoch('now') - (r.id >> 14) AS age_s,
       CASE r.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality_text,
       r.*
FROM newest_power n JOIN reading_power r ON r.id = n.id
JOIN meter m ON m.id = n.meter WHERE m.configured),
last_pulse AS MATERIALIZED (
SELECT m.name AS meter_name, strftime('%Y-%m-%dT%H:%M:%SZ', (r.id >> 14), 'unixepoch') AS time, r.id >> 14 AS ts,
       unixepoch('now') - (r.id >> 14) AS age_s,
       CASE r.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality_text,
       r.*
FROM newest_pulse n JOIN reading_pulse r ON r.id = n.id
JOIN meter m ON m.id = n.meter WHERE m.configured)
SELECT meter_name AS meter, name AS quantity, obis,
       CASE per WHEN 1 THEN value / parts ELSE value / parts * 1.0 / per END AS value, unit, time, ts, age_s, quality_text AS quality
FROM (
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s, l.quality_text,
       CASE q.place
       WHEN 1 THEN l.active_energy_import
       WHEN 2 THEN l.active_energy_export
       WHEN 3 THEN l.reactive_energy_import
       WHEN 4 THEN l.reactive_energy_export
       WHEN 5 THEN l.apparent_energy
       WHEN 6 THEN l.tariff
       WHEN 7 THEN l.active_energy_import_t1
       WHEN 8 THEN l.active_energy_import_t2
       WHEN 9 THEN l.active_energy_import_t3
       WHEN 10 THEN l.active_energy_import_t4
       WHEN 11 THEN l.reactive_energy_import_t1
       WHEN 12 THEN l.reactive_energy_import_t2
       WHEN 13 THEN l.reactive_energy_import_t3
       WHEN 14 THEN l.reactive_energy_import_t4 END AS value,
       CASE q.place WHEN 6 THEN 1 ELSE ifnull(l.parts, 1) END AS parts
FROM quantity q CROSS JOIN last_energy l WHERE q.kind = 'energy'
UNION ALL
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s, l.quality_text,
       CASE q.place
       WHEN 1 THEN l.active_energy_import_partial
       WHEN 2 THEN l.active_energy_export_partial
       WHEN 3 THEN l.reactive_energy_import_partial
       WHEN 4 THEN l.reactive_energy_export_partial
       WHEN 5 THEN l.apparent_energy_partial
       WHEN 6 THEN l.operating_time END AS value,
       ifnull(l.parts, 1) AS parts
FROM quantity q CROSS JOIN last_partial l WHERE q.kind = 'partial'
UNION ALL
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s, l.quality_text,
       CASE q.place
       WHEN 1 THEN l.active_energy_import_t5
       WHEN 2 THEN l.active_energy_import_t6
       WHEN 3 THEN l.active_energy_import_t7
       WHEN 4 THEN l.active_energy_import_t8
       WHEN 5 THEN l.reactive_energy_import_t5
       WHEN 6 THEN l.reactive_energy_import_t6
       WHEN 7 THEN l.reactive_energy_import_t7
       WHEN 8 THEN l.reactive_energy_import_t8 END AS value,
       ifnull(l.parts, 1) AS parts
FROM quantity q CROSS JOIN last_tariff l WHERE q.kind = 'tariff'
UNION ALL
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s, l.quality_text,
       CASE q.place
       WHEN 1 THEN l.active_energy_export_t1
       WHEN 2 THEN l.active_energy_export_t2
       WHEN 3 THEN l.active_energy_export_t3
       WHEN 4 THEN l.active_energy_export_t4
       WHEN 5 THEN l.active_energy_export_t5
       WHEN 6 THEN l.active_energy_export_t6
       WHEN 7 THEN l.active_energy_export_t7
       WHEN 8 THEN l.active_energy_export_t8
       WHEN 9 THEN l.reactive_energy_export_t1
       WHEN 10 THEN l.reactive_energy_export_t2
       WHEN 11 THEN l.reactive_energy_export_t3
       WHEN 12 THEN l.reactive_energy_export_t4
       WHEN 13 THEN l.reactive_energy_export_t5
       WHEN 14 THEN l.reactive_energy_export_t6
       WHEN 15 THEN l.reactive_energy_export_t7
       WHEN 16 THEN l.reactive_energy_export_t8
       WHEN 17 THEN l.apparent_energy_t1
       WHEN 18 THEN l.apparent_energy_t2
       WHEN 19 THEN l.apparent_energy_t3
       WHEN 20 THEN l.apparent_energy_t4
       WHEN 21 THEN l.apparent_energy_t5
       WHEN 22 THEN l.apparent_energy_t6
       WHEN 23 THEN l.apparent_energy_t7
       WHEN 24 THEN l.apparent_energy_t8 END AS value,
       ifnull(l.parts, 1) AS parts
FROM quantity q CROSS JOIN last_tariff_other l WHERE q.kind = 'tariff_other'
UNION ALL
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s, l.quality_text,
       CASE q.place
       WHEN 1 THEN l.active_power
       WHEN 2 THEN l.reactive_power
       WHEN 3 THEN l.apparent_power
       WHEN 4 THEN l.power_factor
       WHEN 5 THEN l.frequency
       WHEN 6 THEN l.voltage_l1
       WHEN 7 THEN l.voltage_l2
       WHEN 8 THEN l.voltage_l3
       WHEN 9 THEN l.voltage_l12
       WHEN 10 THEN l.voltage_l23
       WHEN 11 THEN l.voltage_l31
       WHEN 12 THEN l.current_l1
       WHEN 13 THEN l.current_l2
       WHEN 14 THEN l.current_l3
       WHEN 15 THEN l.current_n
       WHEN 16 THEN l.active_power_l1
       WHEN 17 THEN l.active_power_l2
       WHEN 18 THEN l.active_power_l3
       WHEN 19 THEN l.reactive_power_l1
       WHEN 20 THEN l.reactive_power_l2
       WHEN 21 THEN l.reactive_power_l3
       WHEN 22 THEN l.apparent_power_l1
       WHEN 23 THEN l.apparent_power_l2
       WHEN 24 THEN l.apparent_power_l3
       WHEN 25 THEN l.power_factor_l1
       WHEN 26 THEN l.power_factor_l2
       WHEN 27 THEN l.power_factor_l3
       WHEN 28 THEN l.active_power_demand
       WHEN 29 THEN l.active_power_demand_max END AS value,
       1 AS parts
FROM quantity q CROSS JOIN last_power l WHERE q.kind = 'power'
UNION ALL
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s, l.quality_text,
       CASE q.place
       WHEN 1 THEN l.pulses_1
       WHEN 2 THEN l.pulses_2
       WHEN 3 THEN l.pulses_3
       WHEN 4 THEN l.pulses_4
       WHEN 5 THEN l.pulses_5
       WHEN 6 THEN l.pulses_6
       WHEN 7 THEN l.pulses_7
       WHEN 8 THEN l.pulses_8 END AS value,
       1 AS parts
FROM quantity q CROSS JOIN last_pulse l WHERE q.kind = 'pulse'
UNION ALL
SELECT m.name, 'pulses', '', 1, '1', l.time, l.ts, l.age_s, l.quality_text, i.pulses, 1
FROM last_pulse l JOIN input_reading i ON i.ts = l.ts AND i.id = l.id
JOIN meter m ON m.id = i.meter WHERE m.configured
UNION ALL
SELECT m.name, i.quantity, i.obis, i.per, i.unit, l.time, l.ts, l.age_s, l.quality_text, i.offset + i.pulses * i.weight / i.weight_per, 1
FROM last_pulse l JOIN input_reading i ON i.ts = l.ts AND i.id = l.id
JOIN meter m ON m.id = i.meter WHERE m.configured
LIMIT -1) WHERE value IS NOT NULL;
