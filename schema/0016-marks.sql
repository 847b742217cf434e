-- SPDX-License-Identifier: MIT
-- Marks: a value is suspect, a reading is late or unsynchronised. A row of readings has quality 2 if any of its values is
-- suspect. Then table suspect has these values, and with them the quality of the reading apart from them: 0 good, 1 late,
-- 3 unsynchronised, 2 if the reading is suspect as a whole, being of another model. A row of quality 2 without a row in
-- suspect is suspect as a whole.

-- Values of a device of another model. Its reading is suspect as a whole.
UPDATE suspect SET quality = 2 WHERE reason = 'the device is not the configured model';

-- A row of intervals: which of its values are estimated, 1 << its column; 1 << 7: a clock that was set back has brought it
-- again. NULL: all, if the row is.
ALTER TABLE kept_interval ADD COLUMN estimated INTEGER;

-- Readings in a row that ran backwards as a net register does; from 5 on the register is never counted.
ALTER TABLE account_counter ADD COLUMN falls INTEGER NOT NULL DEFAULT 0;

-- A concentrator's row is suspect if one of its inputs is. The other inputs of that row are not.
DROP VIEW input_reading;
CREATE VIEW input_reading AS
SELECT s.ts, r.id, p.meter, p.concentrator, p.input, p.quantity, p.obis, p.unit, p.per, p.weight, p.weight_per, p.offset,
       CASE WHEN r.quality <> 2 THEN r.quality
            WHEN EXISTS (SELECT 1 FROM suspect x WHERE x.ts = s.ts AND x.meter = p.meter) THEN 2
            ELSE ifnull((SELECT max(x.quality) FROM suspect x JOIN input_period o ON o.meter = x.meter
                         WHERE x.ts = s.ts AND o.concentrator = p.concentrator AND s.ts >= o.from_ts AND s.ts < o.until_ts), 2)
            END AS quality,
       CASE p.input
       WHEN 1 THEN r.pulses_1 WHEN 2 THEN r.pulses_2 WHEN 3 THEN r.pulses_3 WHEN 4 THEN r.pulses_4
       WHEN 5 THEN r.pulses_5 WHEN 6 THEN r.pulses_6 WHEN 7 THEN r.pulses_7 WHEN 8 THEN r.pulses_8 END AS pulses
FROM slot s CROSS JOIN reading_pulse r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
JOIN input_period p ON p.concentrator = +r.meter AND s.ts >= p.from_ts AND s.ts < p.until_ts;

-- suspect: the columns that are not to be used. A suspect value of another counter is no matter of this view.
DROP VIEW energy;
CREATE VIEW energy AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter,
       r.active_energy_import / ifnull(r.parts, 1) / 1000.0 AS active_import_kwh,
       r.active_energy_export / ifnull(r.parts, 1) / 1000.0 AS active_export_kwh,
       r.reactive_energy_import / ifnull(r.parts, 1) / 1000.0 AS reactive_import_kvarh,
       r.reactive_energy_export / ifnull(r.parts, 1) / 1000.0 AS reactive_export_kvarh,
       r.apparent_energy / ifnull(r.parts, 1) / 1000.0 AS apparent_kvah,
       CASE CASE WHEN r.quality <> 2 THEN r.quality
                 WHEN EXISTS (SELECT 1 FROM suspect x JOIN quantity q ON q.id = x.quantity WHERE x.ts = s.ts AND x.meter = m.id
                              AND q.name IN ('active_energy_import', 'active_energy_export', 'reactive_energy_import',
                                             'reactive_energy_export', 'apparent_energy')) THEN 2
                 ELSE ifnull((SELECT max(x.quality) FROM suspect x WHERE x.ts = s.ts AND x.meter = m.id), 2) END
            WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality,
       CAST(r.active_energy_import / ifnull(r.parts, 1) AS INTEGER) AS active_import_wh,
       CAST(r.active_energy_export / ifnull(r.parts, 1) AS INTEGER) AS active_export_wh,
       CAST(r.reactive_energy_import / ifnull(r.parts, 1) AS INTEGER) AS reactive_import_varh,
       CAST(r.reactive_energy_export / ifnull(r.parts, 1) AS INTEGER) AS reactive_export_varh,
       CAST(r.apparent_energy / ifnull(r.parts, 1) AS INTEGER) AS apparent_vah,
       CASE r.quality WHEN 2 THEN
            (SELECT group_concat(c, ', ') FROM (
              SELECT CASE q.name WHEN 'active_energy_import' THEN 'active_import_kwh' WHEN 'active_energy_export' THEN 'active_export_kwh'
                   WHEN 'reactive_energy_import' THEN 'reactive_import_kvarh' WHEN 'reactive_energy_export' THEN 'reactive_export_kvarh'
                   WHEN 'apparent_energy' THEN 'apparent_kvah' END AS c
              FROM suspect x JOIN quantity q ON q.id = x.quantity
              WHERE x.ts = s.ts AND x.meter = m.id ORDER BY q.id) WHERE c IS NOT NULL)
       END AS suspect
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
       CAST(CASE i.quantity WHEN 'apparent_energy' THEN i.offset + i.pulses * i.weight / i.weight_per END AS INTEGER),
       CASE WHEN i.quality = 2 THEN
            CASE i.quantity WHEN 'active_energy_import' THEN 'active_import_kwh' WHEN 'active_energy_export' THEN 'active_export_kwh'
            WHEN 'reactive_energy_import' THEN 'reactive_import_kvarh' WHEN 'reactive_energy_export' THEN 'reactive_export_kvarh'
            WHEN 'apparent_energy' THEN 'apparent_kvah' END
       END
FROM input_reading i JOIN meter m ON m.id = i.meter
WHERE i.pulses IS NOT NULL AND i.quantity IN ('active_energy_import', 'reactive_energy_import', 'apparent_energy');

-- Suspect values are left out, because this view has no column for the quality.
DROP VIEW tariff_energy;
CREATE VIEW tariff_energy AS
SELECT time, ts, meter, tariff, active_import_wh / 1000.0 AS active_import_kwh,
       reactive_import_varh / 1000.0 AS reactive_import_kvarh, in_force, active_import_wh, reactive_import_varh
FROM (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter, t.column1 AS tariff,
             CASE WHEN (r.quality = 2 OR h.quality = 2)
                  AND EXISTS (SELECT 1 FROM suspect x JOIN quantity q ON q.id = x.quantity WHERE x.ts = s.ts
                              AND x.meter = m.id AND q.name = 'active_energy_import_t' || t.column1) THEN NULL ELSE
             CASE t.column1
             WHEN 1 THEN r.active_energy_import_t1
             WHEN 2 THEN r.active_energy_import_t2
             WHEN 3 THEN r.active_energy_import_t3
             WHEN 4 THEN r.active_energy_import_t4
             WHEN 5 THEN h.active_energy_import_t5
             WHEN 6 THEN h.active_energy_import_t6
             WHEN 7 THEN h.active_energy_import_t7
             WHEN 8 THEN h.active_energy_import_t8 END / ifnull(r.parts, 1) END AS active_import_wh,
             CASE WHEN (r.quality = 2 OR h.quality = 2)
                  AND EXISTS (SELECT 1 FROM suspect x JOIN quantity q ON q.id = x.quantity WHERE x.ts = s.ts
                              AND x.meter = m.id AND q.name = 'reactive_energy_import_t' || t.column1) THEN NULL ELSE
             CASE t.column1
             WHEN 1 THEN r.reactive_energy_import_t1
             WHEN 2 THEN r.reactive_energy_import_t2
             WHEN 3 THEN r.reactive_energy_import_t3
             WHEN 4 THEN r.reactive_energy_import_t4
             WHEN 5 THEN h.reactive_energy_import_t5
             WHEN 6 THEN h.reactive_energy_import_t6
             WHEN 7 THEN h.reactive_energy_import_t7
             WHEN 8 THEN h.reactive_energy_import_t8 END / ifnull(r.parts, 1) END AS reactive_import_varh,
             r.tariff IS t.column1 AS in_force
      FROM slot s CROSS JOIN reading_energy r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
      JOIN meter m ON m.id = +r.meter
      LEFT JOIN reading_tariff h ON h.id = r.id
      CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8)) t)
WHERE active_import_wh IS NOT NULL OR reactive_import_varh IS NOT NULL;

-- An input has its own quality.
DROP VIEW pulse;
CREATE VIEW pulse AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', i.ts, 'unixepoch') AS time, i.ts, m.name AS meter, c.name AS concentrator, i.input, i.pulses,
       (i.offset + i.pulses * i.weight / i.weight_per) * 1.0 / i.per AS value, i.unit,
       CASE i.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality
FROM input_reading i JOIN meter m ON m.id = i.meter JOIN meter c ON c.id = i.concentrator
WHERE i.pulses IS NOT NULL;

-- One row per quantity of each meter's newest readings, with its own quality. LIMIT -1 stops the planner from merging the
-- inner query into the outer one, which would evaluate each CASE several times.
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
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s,
       CASE WHEN l.quality <> 2 THEN l.quality_text ELSE
            CASE WHEN EXISTS (SELECT 1 FROM suspect x WHERE x.ts = l.ts AND x.meter = l.meter AND x.quantity = q.id) THEN 'suspect'
            ELSE CASE ifnull((SELECT max(x.quality) FROM suspect x WHERE x.ts = l.ts AND x.meter = l.meter), 2)
                 WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END END END AS quality_text,
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
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s,
       CASE WHEN l.quality <> 2 THEN l.quality_text ELSE
            CASE WHEN EXISTS (SELECT 1 FROM suspect x WHERE x.ts = l.ts AND x.meter = l.meter AND x.quantity = q.id) THEN 'suspect'
            ELSE CASE ifnull((SELECT max(x.quality) FROM suspect x WHERE x.ts = l.ts AND x.meter = l.meter), 2)
                 WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END END END AS quality_text,
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
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s,
       CASE WHEN l.quality <> 2 THEN l.quality_text ELSE
            CASE WHEN EXISTS (SELECT 1 FROM suspect x WHERE x.ts = l.ts AND x.meter = l.meter AND x.quantity = q.id) THEN 'suspect'
            ELSE CASE ifnull((SELECT max(x.quality) FROM suspect x WHERE x.ts = l.ts AND x.meter = l.meter), 2)
                 WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END END END AS quality_text,
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
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s,
       CASE WHEN l.quality <> 2 THEN l.quality_text ELSE
            CASE WHEN EXISTS (SELECT 1 FROM suspect x WHERE x.ts = l.ts AND x.meter = l.meter AND x.quantity = q.id) THEN 'suspect'
            ELSE CASE ifnull((SELECT max(x.quality) FROM suspect x WHERE x.ts = l.ts AND x.meter = l.meter), 2)
                 WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END END END AS quality_text,
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
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s,
       CASE WHEN l.quality <> 2 THEN l.quality_text ELSE
            CASE WHEN EXISTS (SELECT 1 FROM suspect x JOIN input_period o ON o.meter = x.meter WHERE x.ts = l.ts
                              AND o.concentrator = l.meter AND o.input = q.place AND l.ts >= o.from_ts AND l.ts < o.until_ts)
            THEN 'suspect' ELSE CASE ifnull((SELECT max(x.quality) FROM suspect x JOIN input_period o ON o.meter = x.meter
                                             WHERE x.ts = l.ts AND o.concentrator = l.meter
                                             AND l.ts >= o.from_ts AND l.ts < o.until_ts), 2)
                 WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END END END AS quality_text,
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
SELECT m.name, 'pulses', '', 1, '1', l.time, l.ts, l.age_s,
       CASE i.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END, i.pulses, 1
FROM last_pulse l JOIN input_reading i ON i.ts = l.ts AND i.id = l.id
JOIN meter m ON m.id = i.meter WHERE m.configured
UNION ALL
SELECT m.name, i.quantity, i.obis, i.per, i.unit, l.time, l.ts, l.age_s,
       CASE i.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END,
       i.offset + i.pulses * i.weight / i.weight_per, 1
FROM last_pulse l JOIN input_reading i ON i.ts = l.ts AND i.id = l.id
JOIN meter m ON m.id = i.meter WHERE m.configured
LIMIT -1) WHERE value IS NOT NULL;

-- A value has its own quality.
DROP VIEW interval;
CREATE VIEW interval AS
SELECT time, ts, meter, quantity, duration_s, value * 1.0 / per AS value, unit,
       CASE WHEN value IS NULL OR quality = 2 THEN 'missing' WHEN is_estimated THEN 'estimated' ELSE 'measured' END AS quality,
       value AS base_value, base AS base_unit
FROM (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter, c.quantity,
             i.duration_s, c.unit, c.per, c.base, i.quality,
             ifnull(i.estimated >> CASE c.quantity WHEN 'active_energy_import' THEN 0 WHEN 'active_energy_export' THEN 1
                                   WHEN 'reactive_energy_import' THEN 2 WHEN 'reactive_energy_export' THEN 3
                                   WHEN 'apparent_energy' THEN 4 WHEN 'volume' THEN 5 WHEN 'heat' THEN 6 END & 1, i.quality = 1) AS is_estimated,
             CASE c.quantity
             WHEN 'active_energy_import' THEN i.active_energy_import
             WHEN 'active_energy_export' THEN i.active_energy_export
             WHEN 'reactive_energy_import' THEN i.reactive_energy_import
             WHEN 'reactive_energy_export' THEN i.reactive_energy_export
             WHEN 'apparent_energy' THEN i.apparent_energy
             WHEN 'volume' THEN i.volume
             WHEN 'heat' THEN i.heat END AS value
      FROM meter m JOIN counted c ON c.meter = m.id
      CROSS JOIN interval_start s CROSS JOIN kept_interval i ON i.ts = s.ts AND i.meter = m.id
      WHERE s.ts + i.duration_s > c.since_ts
      AND c.quantity IN ('active_energy_import', 'active_energy_export', 'reactive_energy_import', 'reactive_energy_export',
                         'apparent_energy', 'volume', 'heat'));

-- 1 kcal (International Table) is 1.163 Wh by definition. suspect: the columns of which suspect values were read in the
-- interval.
DROP VIEW interval_energy;
CREATE VIEW interval_energy AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter, i.duration_s,
       i.active_energy_import / 1000.0 AS active_import_kwh,
       i.active_energy_export / 1000.0 AS active_export_kwh,
       i.reactive_energy_import / 1000.0 AS reactive_import_kvarh,
       i.reactive_energy_export / 1000.0 AS reactive_export_kvarh,
       CASE i.quality WHEN 0 THEN 'measured' WHEN 1 THEN 'estimated' ELSE 'missing' END AS quality,
       i.active_energy_import AS active_import_wh,
       i.active_energy_export AS active_export_wh,
       i.reactive_energy_import AS reactive_import_varh,
       i.reactive_energy_export AS reactive_export_varh,
       i.apparent_energy AS apparent_vah,
       i.apparent_energy / 1000.0 AS apparent_kvah,
       i.volume / 1000000.0 AS volume_m3,
       i.heat * 1163 / 1000000000.0 AS heat_kwh,
       (SELECT group_concat(c, ', ') FROM (
        SELECT DISTINCT q.id, CASE q.name WHEN 'active_energy_import' THEN 'active_import_kwh' WHEN 'active_energy_export' THEN 'active_export_kwh'
               WHEN 'reactive_energy_import' THEN 'reactive_import_kvarh' WHEN 'reactive_energy_export' THEN 'reactive_export_kvarh'
               WHEN 'apparent_energy' THEN 'apparent_kvah' WHEN 'volume' THEN 'volume_m3' WHEN 'heat' THEN 'heat_kwh' END AS c
        FROM suspect x JOIN quantity q ON q.id = x.quantity
        WHERE x.ts >= s.ts AND x.ts < s.ts + i.duration_s AND x.meter = m.id ORDER BY q.id) WHERE c IS NOT NULL) AS suspect
FROM meter m CROSS JOIN interval_start s CROSS JOIN kept_interval i ON i.ts = s.ts AND i.meter = m.id;
