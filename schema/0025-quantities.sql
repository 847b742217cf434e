-- SPDX-License-Identifier: MIT
-- Quantities beside the totals: energies of each phase, of a quadrant, of import and export added up; heat and volume of a
-- meter; distortion and temperatures. A meter without them has no row in these tables.

CREATE TABLE reading_energy_other (
	id       INTEGER PRIMARY KEY,
	meter    INTEGER NOT NULL,
	delay_ms INTEGER NOT NULL,
	quality  INTEGER NOT NULL,
	active_energy_total INTEGER,
	reactive_energy_total INTEGER,
	reactive_energy_q1 INTEGER,
	reactive_energy_q2 INTEGER,
	reactive_energy_q3 INTEGER,
	reactive_energy_q4 INTEGER,
	active_energy_import_l1 INTEGER,
	active_energy_import_l2 INTEGER,
	active_energy_import_l3 INTEGER,
	active_energy_export_l1 INTEGER,
	active_energy_export_l2 INTEGER,
	active_energy_export_l3 INTEGER,
	active_energy_total_l1 INTEGER,
	active_energy_total_l2 INTEGER,
	active_energy_total_l3 INTEGER,
	reactive_energy_import_l1 INTEGER,
	reactive_energy_import_l2 INTEGER,
	reactive_energy_import_l3 INTEGER,
	reactive_energy_export_l1 INTEGER,
	reactive_energy_export_l2 INTEGER,
	reactive_energy_export_l3 INTEGER,
	reactive_energy_total_l1 INTEGER,
	reactive_energy_total_l2 INTEGER,
	reactive_energy_total_l3 INTEGER,
	apparent_energy_l1 INTEGER,
	apparent_energy_l2 INTEGER,
	apparent_energy_l3 INTEGER,
	volume INTEGER,
	heat INTEGER,
	parts INTEGER,
	coarse INTEGER
) STRICT;

CREATE TABLE reading_power_other (
	id       INTEGER PRIMARY KEY,
	meter    INTEGER NOT NULL,
	delay_ms INTEGER NOT NULL,
	quality  INTEGER NOT NULL,
	thd_voltage_l1 INTEGER,
	thd_voltage_l2 INTEGER,
	thd_voltage_l3 INTEGER,
	thd_voltage_l12 INTEGER,
	thd_voltage_l23 INTEGER,
	thd_voltage_l31 INTEGER,
	thd_current_l1 INTEGER,
	thd_current_l2 INTEGER,
	thd_current_l3 INTEGER,
	thd_current_n INTEGER,
	temperature INTEGER,
	temperature_flow INTEGER,
	temperature_return INTEGER
) STRICT;

-- What the meter counted in an interval that kept_interval has, where there is no column for it. estimated: 1 << the column.
-- Heat and volume have a column there.
CREATE TABLE kept_interval_energy_other (
	ts INTEGER NOT NULL,
	meter INTEGER NOT NULL,
	estimated INTEGER NOT NULL,
	active_energy_total INTEGER,
	reactive_energy_total INTEGER,
	reactive_energy_q1 INTEGER,
	reactive_energy_q2 INTEGER,
	reactive_energy_q3 INTEGER,
	reactive_energy_q4 INTEGER,
	active_energy_import_l1 INTEGER,
	active_energy_import_l2 INTEGER,
	active_energy_import_l3 INTEGER,
	active_energy_export_l1 INTEGER,
	active_energy_export_l2 INTEGER,
	active_energy_export_l3 INTEGER,
	active_energy_total_l1 INTEGER,
	active_energy_total_l2 INTEGER,
	active_energy_total_l3 INTEGER,
	reactive_energy_import_l1 INTEGER,
	reactive_energy_import_l2 INTEGER,
	reactive_energy_import_l3 INTEGER,
	reactive_energy_export_l1 INTEGER,
	reactive_energy_export_l2 INTEGER,
	reactive_energy_export_l3 INTEGER,
	reactive_energy_total_l1 INTEGER,
	reactive_energy_total_l2 INTEGER,
	reactive_energy_total_l3 INTEGER,
	apparent_energy_l1 INTEGER,
	apparent_energy_l2 INTEGER,
	apparent_energy_l3 INTEGER,
	PRIMARY KEY (ts, meter)
) STRICT, WITHOUT ROWID;

CREATE TABLE day_energy_other (
	day TEXT NOT NULL,
	meter INTEGER NOT NULL,
	measured_s INTEGER NOT NULL,
	active_energy_total INTEGER,
	reactive_energy_total INTEGER,
	reactive_energy_q1 INTEGER,
	reactive_energy_q2 INTEGER,
	reactive_energy_q3 INTEGER,
	reactive_energy_q4 INTEGER,
	active_energy_import_l1 INTEGER,
	active_energy_import_l2 INTEGER,
	active_energy_import_l3 INTEGER,
	active_energy_export_l1 INTEGER,
	active_energy_export_l2 INTEGER,
	active_energy_export_l3 INTEGER,
	active_energy_total_l1 INTEGER,
	active_energy_total_l2 INTEGER,
	active_energy_total_l3 INTEGER,
	reactive_energy_import_l1 INTEGER,
	reactive_energy_import_l2 INTEGER,
	reactive_energy_import_l3 INTEGER,
	reactive_energy_export_l1 INTEGER,
	reactive_energy_export_l2 INTEGER,
	reactive_energy_export_l3 INTEGER,
	reactive_energy_total_l1 INTEGER,
	reactive_energy_total_l2 INTEGER,
	reactive_energy_total_l3 INTEGER,
	apparent_energy_l1 INTEGER,
	apparent_energy_l2 INTEGER,
	apparent_energy_l3 INTEGER,
	PRIMARY KEY (day, meter)
) STRICT, WITHOUT ROWID;

CREATE TABLE month_energy_other (
	month TEXT NOT NULL,
	meter INTEGER NOT NULL,
	measured_s INTEGER NOT NULL,
	active_energy_total INTEGER,
	reactive_energy_total INTEGER,
	reactive_energy_q1 INTEGER,
	reactive_energy_q2 INTEGER,
	reactive_energy_q3 INTEGER,
	reactive_energy_q4 INTEGER,
	active_energy_import_l1 INTEGER,
	active_energy_import_l2 INTEGER,
	active_energy_import_l3 INTEGER,
	active_energy_export_l1 INTEGER,
	active_energy_export_l2 INTEGER,
	active_energy_export_l3 INTEGER,
	active_energy_total_l1 INTEGER,
	active_energy_total_l2 INTEGER,
	active_energy_total_l3 INTEGER,
	reactive_energy_import_l1 INTEGER,
	reactive_energy_import_l2 INTEGER,
	reactive_energy_import_l3 INTEGER,
	reactive_energy_export_l1 INTEGER,
	reactive_energy_export_l2 INTEGER,
	reactive_energy_export_l3 INTEGER,
	reactive_energy_total_l1 INTEGER,
	reactive_energy_total_l2 INTEGER,
	reactive_energy_total_l3 INTEGER,
	apparent_energy_l1 INTEGER,
	apparent_energy_l2 INTEGER,
	apparent_energy_l3 INTEGER,
	PRIMARY KEY (month, meter)
) STRICT, WITHOUT ROWID;

CREATE VIEW newest_energy_other AS
SELECT meter, max(id) AS id
FROM (SELECT * FROM (SELECT meter, id FROM reading_energy_other
                     WHERE id < (unixepoch('now') + 86400) << 14
                     ORDER BY id DESC LIMIT (SELECT 2 * count(*) + 500 FROM meter))
      UNION ALL
      SELECT meter, id FROM newest WHERE kind = 'energy_other')
GROUP BY meter;

CREATE VIEW newest_power_other AS
SELECT meter, max(id) AS id
FROM (SELECT * FROM (SELECT meter, id FROM reading_power_other
                     WHERE id < (unixepoch('now') + 86400) << 14
                     ORDER BY id DESC LIMIT (SELECT 2 * count(*) + 500 FROM meter))
      UNION ALL
      SELECT meter, id FROM newest WHERE kind = 'power_other')
GROUP BY meter;

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
last_energy_other AS MATERIALIZED (
SELECT m.name AS meter_name, strftime('%Y-%m-%dT%H:%M:%SZ', (r.id >> 14), 'unixepoch') AS time, r.id >> 14 AS ts,
       unixepoch('now') - (r.id >> 14) AS age_s,
       CASE r.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality_text,
       r.*
FROM newest_energy_other n JOIN reading_energy_other r ON r.id = n.id
JOIN meter m ON m.id = n.meter WHERE m.configured),
last_power_other AS MATERIALIZED (
SELECT m.name AS meter_name, strftime('%Y-%m-%dT%H:%M:%SZ', (r.id >> 14), 'unixepoch') AS time, r.id >> 14 AS ts,
       unixepoch('now') - (r.id >> 14) AS age_s,
       CASE r.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality_text,
       r.*
FROM newest_power_other n JOIN reading_power_other r ON r.id = n.id
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
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s,
       CASE WHEN l.quality <> 2 THEN l.quality_text ELSE
            CASE WHEN EXISTS (SELECT 1 FROM suspect x WHERE x.ts = l.ts AND x.meter = l.meter AND x.quantity = q.id) THEN 'suspect'
            ELSE CASE ifnull((SELECT max(x.quality) FROM suspect x WHERE x.ts = l.ts AND x.meter = l.meter), 2)
                 WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END END END AS quality_text,
       CASE q.place
       WHEN 1 THEN l.active_energy_total
       WHEN 2 THEN l.reactive_energy_total
       WHEN 3 THEN l.reactive_energy_q1
       WHEN 4 THEN l.reactive_energy_q2
       WHEN 5 THEN l.reactive_energy_q3
       WHEN 6 THEN l.reactive_energy_q4
       WHEN 7 THEN l.active_energy_import_l1
       WHEN 8 THEN l.active_energy_import_l2
       WHEN 9 THEN l.active_energy_import_l3
       WHEN 10 THEN l.active_energy_export_l1
       WHEN 11 THEN l.active_energy_export_l2
       WHEN 12 THEN l.active_energy_export_l3
       WHEN 13 THEN l.active_energy_total_l1
       WHEN 14 THEN l.active_energy_total_l2
       WHEN 15 THEN l.active_energy_total_l3
       WHEN 16 THEN l.reactive_energy_import_l1
       WHEN 17 THEN l.reactive_energy_import_l2
       WHEN 18 THEN l.reactive_energy_import_l3
       WHEN 19 THEN l.reactive_energy_export_l1
       WHEN 20 THEN l.reactive_energy_export_l2
       WHEN 21 THEN l.reactive_energy_export_l3
       WHEN 22 THEN l.reactive_energy_total_l1
       WHEN 23 THEN l.reactive_energy_total_l2
       WHEN 24 THEN l.reactive_energy_total_l3
       WHEN 25 THEN l.apparent_energy_l1
       WHEN 26 THEN l.apparent_energy_l2
       WHEN 27 THEN l.apparent_energy_l3
       WHEN 28 THEN l.volume
       WHEN 29 THEN l.heat END AS value,
       ifnull(l.parts, 1) AS parts
FROM quantity q CROSS JOIN last_energy_other l WHERE q.kind = 'energy_other'
UNION ALL
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s,
       CASE WHEN l.quality <> 2 THEN l.quality_text ELSE
            CASE WHEN EXISTS (SELECT 1 FROM suspect x WHERE x.ts = l.ts AND x.meter = l.meter AND x.quantity = q.id) THEN 'suspect'
            ELSE CASE ifnull((SELECT max(x.quality) FROM suspect x WHERE x.ts = l.ts AND x.meter = l.meter), 2)
                 WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END END END AS quality_text,
       CASE q.place
       WHEN 1 THEN l.thd_voltage_l1
       WHEN 2 THEN l.thd_voltage_l2
       WHEN 3 THEN l.thd_voltage_l3
       WHEN 4 THEN l.thd_voltage_l12
       WHEN 5 THEN l.thd_voltage_l23
       WHEN 6 THEN l.thd_voltage_l31
       WHEN 7 THEN l.thd_current_l1
       WHEN 8 THEN l.thd_current_l2
       WHEN 9 THEN l.thd_current_l3
       WHEN 10 THEN l.thd_current_n
       WHEN 11 THEN l.temperature
       WHEN 12 THEN l.temperature_flow
       WHEN 13 THEN l.temperature_return END AS value,
       1 AS parts
FROM quantity q CROSS JOIN last_power_other l WHERE q.kind = 'power_other'
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

DROP VIEW counted_reading;
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
SELECT ts, meter, quantity, value, parts
FROM (SELECT s.ts, m.name AS meter, q.name AS quantity, r.quality, m.id, q.id AS quantity_id, ifnull(r.parts, 1) AS parts,
             CASE q.name
             WHEN 'active_energy_total' THEN r.active_energy_total
             WHEN 'reactive_energy_total' THEN r.reactive_energy_total
             WHEN 'reactive_energy_q1' THEN r.reactive_energy_q1
             WHEN 'reactive_energy_q2' THEN r.reactive_energy_q2
             WHEN 'reactive_energy_q3' THEN r.reactive_energy_q3
             WHEN 'reactive_energy_q4' THEN r.reactive_energy_q4
             WHEN 'active_energy_import_l1' THEN r.active_energy_import_l1
             WHEN 'active_energy_import_l2' THEN r.active_energy_import_l2
             WHEN 'active_energy_import_l3' THEN r.active_energy_import_l3
             WHEN 'active_energy_export_l1' THEN r.active_energy_export_l1
             WHEN 'active_energy_export_l2' THEN r.active_energy_export_l2
             WHEN 'active_energy_export_l3' THEN r.active_energy_export_l3
             WHEN 'active_energy_total_l1' THEN r.active_energy_total_l1
             WHEN 'active_energy_total_l2' THEN r.active_energy_total_l2
             WHEN 'active_energy_total_l3' THEN r.active_energy_total_l3
             WHEN 'reactive_energy_import_l1' THEN r.reactive_energy_import_l1
             WHEN 'reactive_energy_import_l2' THEN r.reactive_energy_import_l2
             WHEN 'reactive_energy_import_l3' THEN r.reactive_energy_import_l3
             WHEN 'reactive_energy_export_l1' THEN r.reactive_energy_export_l1
             WHEN 'reactive_energy_export_l2' THEN r.reactive_energy_export_l2
             WHEN 'reactive_energy_export_l3' THEN r.reactive_energy_export_l3
             WHEN 'reactive_energy_total_l1' THEN r.reactive_energy_total_l1
             WHEN 'reactive_energy_total_l2' THEN r.reactive_energy_total_l2
             WHEN 'reactive_energy_total_l3' THEN r.reactive_energy_total_l3
             WHEN 'apparent_energy_l1' THEN r.apparent_energy_l1
             WHEN 'apparent_energy_l2' THEN r.apparent_energy_l2
             WHEN 'apparent_energy_l3' THEN r.apparent_energy_l3
             WHEN 'volume' THEN r.volume
             WHEN 'heat' THEN r.heat END AS value
      FROM slot s CROSS JOIN reading_energy_other r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
      JOIN meter m ON m.id = +r.meter CROSS JOIN quantity q WHERE q.kind = 'energy_other') v
WHERE value IS NOT NULL
AND (quality <> 2 OR NOT EXISTS (SELECT 1 FROM suspect x WHERE x.ts = v.ts AND x.meter = v.id AND x.quantity = v.quantity_id))
UNION ALL
SELECT i.ts, m.name, i.quantity, i.pulses * i.weight, i.weight_per
FROM input_reading i JOIN meter m ON m.id = i.meter
WHERE i.pulses IS NOT NULL AND i.quality <> 2;

-- A value beside the totals is there or missing for itself.
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
                         'apparent_energy', 'volume', 'heat')
      UNION ALL
      SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch'), s.ts, m.name, c.quantity,
             i.duration_s, c.unit, c.per, c.base, CASE i.quality WHEN 2 THEN 0 ELSE i.quality END,
             ifnull(o.estimated >> CASE c.quantity WHEN 'active_energy_total' THEN 0 WHEN 'reactive_energy_total' THEN 1 WHEN 'reactive_energy_q1' THEN 2 WHEN 'reactive_energy_q2' THEN 3 WHEN 'reactive_energy_q3' THEN 4 WHEN 'reactive_energy_q4' THEN 5 WHEN 'active_energy_import_l1' THEN 6 WHEN 'active_energy_import_l2' THEN 7 WHEN 'active_energy_import_l3' THEN 8 WHEN 'active_energy_export_l1' THEN 9 WHEN 'active_energy_export_l2' THEN 10 WHEN 'active_energy_export_l3' THEN 11 WHEN 'active_energy_total_l1' THEN 12 WHEN 'active_energy_total_l2' THEN 13 WHEN 'active_energy_total_l3' THEN 14 WHEN 'reactive_energy_import_l1' THEN 15 WHEN 'reactive_energy_import_l2' THEN 16 WHEN 'reactive_energy_import_l3' THEN 17 WHEN 'reactive_energy_export_l1' THEN 18 WHEN 'reactive_energy_export_l2' THEN 19 WHEN 'reactive_energy_export_l3' THEN 20 WHEN 'reactive_energy_total_l1' THEN 21 WHEN 'reactive_energy_total_l2' THEN 22 WHEN 'reactive_energy_total_l3' THEN 23 WHEN 'apparent_energy_l1' THEN 24 WHEN 'apparent_energy_l2' THEN 25 WHEN 'apparent_energy_l3' THEN 26 END & 1, 0),
             CASE c.quantity
             WHEN 'active_energy_total' THEN o.active_energy_total
             WHEN 'reactive_energy_total' THEN o.reactive_energy_total
             WHEN 'reactive_energy_q1' THEN o.reactive_energy_q1
             WHEN 'reactive_energy_q2' THEN o.reactive_energy_q2
             WHEN 'reactive_energy_q3' THEN o.reactive_energy_q3
             WHEN 'reactive_energy_q4' THEN o.reactive_energy_q4
             WHEN 'active_energy_import_l1' THEN o.active_energy_import_l1
             WHEN 'active_energy_import_l2' THEN o.active_energy_import_l2
             WHEN 'active_energy_import_l3' THEN o.active_energy_import_l3
             WHEN 'active_energy_export_l1' THEN o.active_energy_export_l1
             WHEN 'active_energy_export_l2' THEN o.active_energy_export_l2
             WHEN 'active_energy_export_l3' THEN o.active_energy_export_l3
             WHEN 'active_energy_total_l1' THEN o.active_energy_total_l1
             WHEN 'active_energy_total_l2' THEN o.active_energy_total_l2
             WHEN 'active_energy_total_l3' THEN o.active_energy_total_l3
             WHEN 'reactive_energy_import_l1' THEN o.reactive_energy_import_l1
             WHEN 'reactive_energy_import_l2' THEN o.reactive_energy_import_l2
             WHEN 'reactive_energy_import_l3' THEN o.reactive_energy_import_l3
             WHEN 'reactive_energy_export_l1' THEN o.reactive_energy_export_l1
             WHEN 'reactive_energy_export_l2' THEN o.reactive_energy_export_l2
             WHEN 'reactive_energy_export_l3' THEN o.reactive_energy_export_l3
             WHEN 'reactive_energy_total_l1' THEN o.reactive_energy_total_l1
             WHEN 'reactive_energy_total_l2' THEN o.reactive_energy_total_l2
             WHEN 'reactive_energy_total_l3' THEN o.reactive_energy_total_l3
             WHEN 'apparent_energy_l1' THEN o.apparent_energy_l1
             WHEN 'apparent_energy_l2' THEN o.apparent_energy_l2
             WHEN 'apparent_energy_l3' THEN o.apparent_energy_l3 END
      FROM meter m JOIN counted c ON c.meter = m.id
      CROSS JOIN interval_start s CROSS JOIN kept_interval i ON i.ts = s.ts AND i.meter = m.id
      LEFT JOIN kept_interval_energy_other o ON o.ts = i.ts AND o.meter = i.meter
      WHERE s.ts + i.duration_s > c.since_ts
      AND c.quantity IN (SELECT name FROM quantity WHERE kind = 'energy_other' AND name NOT IN ('volume', 'heat')));

DROP VIEW daily;
CREATE VIEW daily AS
SELECT day, meter, quantity, value * 1.0 / per AS value, unit,
       min(1.0, ifnull(measured_s, 0) * 1.0 / (until_ts - from_ts)) AS coverage,
       value AS base_value, base AS base_unit
FROM (
      SELECT d.day, m.name AS meter, c.quantity, c.unit, c.per, c.base, d.measured_s, s.from_ts, s.until_ts,
             CASE c.quantity
             WHEN 'active_energy_import' THEN d.active_energy_import
             WHEN 'active_energy_export' THEN d.active_energy_export
             WHEN 'reactive_energy_import' THEN d.reactive_energy_import
             WHEN 'reactive_energy_export' THEN d.reactive_energy_export
             WHEN 'apparent_energy' THEN d.apparent_energy
             WHEN 'active_energy_import_t1' THEN d.active_energy_import_t1
             WHEN 'active_energy_import_t2' THEN d.active_energy_import_t2
             WHEN 'active_energy_import_t3' THEN d.active_energy_import_t3
             WHEN 'active_energy_import_t4' THEN d.active_energy_import_t4
             WHEN 'reactive_energy_import_t1' THEN d.reactive_energy_import_t1
             WHEN 'reactive_energy_import_t2' THEN d.reactive_energy_import_t2
             WHEN 'reactive_energy_import_t3' THEN d.reactive_energy_import_t3
             WHEN 'reactive_energy_import_t4' THEN d.reactive_energy_import_t4
             WHEN 'volume' THEN d.volume
             WHEN 'heat' THEN d.heat END AS value
      FROM day_energy d JOIN meter m ON m.id = d.meter JOIN counted c ON c.meter = d.meter
      JOIN local_day s ON s.day = d.day
      UNION ALL
      SELECT d.day, m.name AS meter, c.quantity, c.unit, c.per, c.base, e.measured_s, s.from_ts, s.until_ts,
             CASE c.quantity
             WHEN 'active_energy_import_t5' THEN d.active_energy_import_t5
             WHEN 'active_energy_import_t6' THEN d.active_energy_import_t6
             WHEN 'active_energy_import_t7' THEN d.active_energy_import_t7
             WHEN 'active_energy_import_t8' THEN d.active_energy_import_t8
             WHEN 'reactive_energy_import_t5' THEN d.reactive_energy_import_t5
             WHEN 'reactive_energy_import_t6' THEN d.reactive_energy_import_t6
             WHEN 'reactive_energy_import_t7' THEN d.reactive_energy_import_t7
             WHEN 'reactive_energy_import_t8' THEN d.reactive_energy_import_t8 END AS value
      FROM day_tariff d JOIN meter m ON m.id = d.meter JOIN counted c ON c.meter = d.meter
      JOIN local_day s ON s.day = d.day
      LEFT JOIN day_energy e ON e.day = d.day AND e.meter = d.meter
      UNION ALL
      SELECT d.day, m.name AS meter, c.quantity, c.unit, c.per, c.base, e.measured_s, s.from_ts, s.until_ts,
             CASE c.quantity
             WHEN 'active_energy_total' THEN d.active_energy_total
             WHEN 'reactive_energy_total' THEN d.reactive_energy_total
             WHEN 'reactive_energy_q1' THEN d.reactive_energy_q1
             WHEN 'reactive_energy_q2' THEN d.reactive_energy_q2
             WHEN 'reactive_energy_q3' THEN d.reactive_energy_q3
             WHEN 'reactive_energy_q4' THEN d.reactive_energy_q4
             WHEN 'active_energy_import_l1' THEN d.active_energy_import_l1
             WHEN 'active_energy_import_l2' THEN d.active_energy_import_l2
             WHEN 'active_energy_import_l3' THEN d.active_energy_import_l3
             WHEN 'active_energy_export_l1' THEN d.active_energy_export_l1
             WHEN 'active_energy_export_l2' THEN d.active_energy_export_l2
             WHEN 'active_energy_export_l3' THEN d.active_energy_export_l3
             WHEN 'active_energy_total_l1' THEN d.active_energy_total_l1
             WHEN 'active_energy_total_l2' THEN d.active_energy_total_l2
             WHEN 'active_energy_total_l3' THEN d.active_energy_total_l3
             WHEN 'reactive_energy_import_l1' THEN d.reactive_energy_import_l1
             WHEN 'reactive_energy_import_l2' THEN d.reactive_energy_import_l2
             WHEN 'reactive_energy_import_l3' THEN d.reactive_energy_import_l3
             WHEN 'reactive_energy_export_l1' THEN d.reactive_energy_export_l1
             WHEN 'reactive_energy_export_l2' THEN d.reactive_energy_export_l2
             WHEN 'reactive_energy_export_l3' THEN d.reactive_energy_export_l3
             WHEN 'reactive_energy_total_l1' THEN d.reactive_energy_total_l1
             WHEN 'reactive_energy_total_l2' THEN d.reactive_energy_total_l2
             WHEN 'reactive_energy_total_l3' THEN d.reactive_energy_total_l3
             WHEN 'apparent_energy_l1' THEN d.apparent_energy_l1
             WHEN 'apparent_energy_l2' THEN d.apparent_energy_l2
             WHEN 'apparent_energy_l3' THEN d.apparent_energy_l3 END AS value
      FROM day_energy_other d JOIN meter m ON m.id = d.meter JOIN counted c ON c.meter = d.meter
      JOIN local_day s ON s.day = d.day
      LEFT JOIN day_energy e ON e.day = d.day AND e.meter = d.meter
      UNION ALL
      SELECT d.day, m.name AS meter, c.quantity, c.unit, c.per, c.base, e.measured_s, s.from_ts, s.until_ts,
             CASE c.quantity
             WHEN 'active_energy_export_t1' THEN d.active_energy_export_t1
             WHEN 'active_energy_export_t2' THEN d.active_energy_export_t2
             WHEN 'active_energy_export_t3' THEN d.active_energy_export_t3
             WHEN 'active_energy_export_t4' THEN d.active_energy_export_t4
             WHEN 'active_energy_export_t5' THEN d.active_energy_export_t5
             WHEN 'active_energy_export_t6' THEN d.active_energy_export_t6
             WHEN 'active_energy_export_t7' THEN d.active_energy_export_t7
             WHEN 'active_energy_export_t8' THEN d.active_energy_export_t8
             WHEN 'reactive_energy_export_t1' THEN d.reactive_energy_export_t1
             WHEN 'reactive_energy_export_t2' THEN d.reactive_energy_export_t2
             WHEN 'reactive_energy_export_t3' THEN d.reactive_energy_export_t3
             WHEN 'reactive_energy_export_t4' THEN d.reactive_energy_export_t4
             WHEN 'reactive_energy_export_t5' THEN d.reactive_energy_export_t5
             WHEN 'reactive_energy_export_t6' THEN d.reactive_energy_export_t6
             WHEN 'reactive_energy_export_t7' THEN d.reactive_energy_export_t7
             WHEN 'reactive_energy_export_t8' THEN d.reactive_energy_export_t8
             WHEN 'apparent_energy_t1' THEN d.apparent_energy_t1
             WHEN 'apparent_energy_t2' THEN d.apparent_energy_t2
             WHEN 'apparent_energy_t3' THEN d.apparent_energy_t3
             WHEN 'apparent_energy_t4' THEN d.apparent_energy_t4
             WHEN 'apparent_energy_t5' THEN d.apparent_energy_t5
             WHEN 'apparent_energy_t6' THEN d.apparent_energy_t6
             WHEN 'apparent_energy_t7' THEN d.apparent_energy_t7
             WHEN 'apparent_energy_t8' THEN d.apparent_energy_t8 END AS value
      FROM day_tariff_other d JOIN meter m ON m.id = d.meter JOIN counted c ON c.meter = d.meter
      JOIN local_day s ON s.day = d.day
      LEFT JOIN day_energy e ON e.day = d.day AND e.meter = d.meter
)
WHERE value IS NOT NULL;

DROP VIEW monthly;
CREATE VIEW monthly AS
SELECT month, meter, quantity, value * 1.0 / per AS value, unit,
       min(1.0, ifnull(measured_s, 0) * 1.0 / (until_ts - from_ts)) AS coverage,
       value AS base_value, base AS base_unit
FROM (
      SELECT d.month, m.name AS meter, c.quantity, c.unit, c.per, c.base, d.measured_s, s.from_ts, s.until_ts,
             CASE c.quantity
             WHEN 'active_energy_import' THEN d.active_energy_import
             WHEN 'active_energy_export' THEN d.active_energy_export
             WHEN 'reactive_energy_import' THEN d.reactive_energy_import
             WHEN 'reactive_energy_export' THEN d.reactive_energy_export
             WHEN 'apparent_energy' THEN d.apparent_energy
             WHEN 'active_energy_import_t1' THEN d.active_energy_import_t1
             WHEN 'active_energy_import_t2' THEN d.active_energy_import_t2
             WHEN 'active_energy_import_t3' THEN d.active_energy_import_t3
             WHEN 'active_energy_import_t4' THEN d.active_energy_import_t4
             WHEN 'reactive_energy_import_t1' THEN d.reactive_energy_import_t1
             WHEN 'reactive_energy_import_t2' THEN d.reactive_energy_import_t2
             WHEN 'reactive_energy_import_t3' THEN d.reactive_energy_import_t3
             WHEN 'reactive_energy_import_t4' THEN d.reactive_energy_import_t4
             WHEN 'volume' THEN d.volume
             WHEN 'heat' THEN d.heat END AS value
      FROM month_energy d JOIN meter m ON m.id = d.meter JOIN counted c ON c.meter = d.meter
      JOIN local_month s ON s.month = d.month
      UNION ALL
      SELECT d.month, m.name AS meter, c.quantity, c.unit, c.per, c.base, e.measured_s, s.from_ts, s.until_ts,
             CASE c.quantity
             WHEN 'active_energy_import_t5' THEN d.active_energy_import_t5
             WHEN 'active_energy_import_t6' THEN d.active_energy_import_t6
             WHEN 'active_energy_import_t7' THEN d.active_energy_import_t7
             WHEN 'active_energy_import_t8' THEN d.active_energy_import_t8
             WHEN 'reactive_energy_import_t5' THEN d.reactive_energy_import_t5
             WHEN 'reactive_energy_import_t6' THEN d.reactive_energy_import_t6
             WHEN 'reactive_energy_import_t7' THEN d.reactive_energy_import_t7
             WHEN 'reactive_energy_import_t8' THEN d.reactive_energy_import_t8 END AS value
      FROM month_tariff d JOIN meter m ON m.id = d.meter JOIN counted c ON c.meter = d.meter
      JOIN local_month s ON s.month = d.month
      LEFT JOIN month_energy e ON e.month = d.month AND e.meter = d.meter
      UNION ALL
      SELECT d.month, m.name AS meter, c.quantity, c.unit, c.per, c.base, e.measured_s, s.from_ts, s.until_ts,
             CASE c.quantity
             WHEN 'active_energy_total' THEN d.active_energy_total
             WHEN 'reactive_energy_total' THEN d.reactive_energy_total
             WHEN 'reactive_energy_q1' THEN d.reactive_energy_q1
             WHEN 'reactive_energy_q2' THEN d.reactive_energy_q2
             WHEN 'reactive_energy_q3' THEN d.reactive_energy_q3
             WHEN 'reactive_energy_q4' THEN d.reactive_energy_q4
             WHEN 'active_energy_import_l1' THEN d.active_energy_import_l1
             WHEN 'active_energy_import_l2' THEN d.active_energy_import_l2
             WHEN 'active_energy_import_l3' THEN d.active_energy_import_l3
             WHEN 'active_energy_export_l1' THEN d.active_energy_export_l1
             WHEN 'active_energy_export_l2' THEN d.active_energy_export_l2
             WHEN 'active_energy_export_l3' THEN d.active_energy_export_l3
             WHEN 'active_energy_total_l1' THEN d.active_energy_total_l1
             WHEN 'active_energy_total_l2' THEN d.active_energy_total_l2
             WHEN 'active_energy_total_l3' THEN d.active_energy_total_l3
             WHEN 'reactive_energy_import_l1' THEN d.reactive_energy_import_l1
             WHEN 'reactive_energy_import_l2' THEN d.reactive_energy_import_l2
             WHEN 'reactive_energy_import_l3' THEN d.reactive_energy_import_l3
             WHEN 'reactive_energy_export_l1' THEN d.reactive_energy_export_l1
             WHEN 'reactive_energy_export_l2' THEN d.reactive_energy_export_l2
             WHEN 'reactive_energy_export_l3' THEN d.reactive_energy_export_l3
             WHEN 'reactive_energy_total_l1' THEN d.reactive_energy_total_l1
             WHEN 'reactive_energy_total_l2' THEN d.reactive_energy_total_l2
             WHEN 'reactive_energy_total_l3' THEN d.reactive_energy_total_l3
             WHEN 'apparent_energy_l1' THEN d.apparent_energy_l1
             WHEN 'apparent_energy_l2' THEN d.apparent_energy_l2
             WHEN 'apparent_energy_l3' THEN d.apparent_energy_l3 END AS value
      FROM month_energy_other d JOIN meter m ON m.id = d.meter JOIN counted c ON c.meter = d.meter
      JOIN local_month s ON s.month = d.month
      LEFT JOIN month_energy e ON e.month = d.month AND e.meter = d.meter
      UNION ALL
      SELECT d.month, m.name AS meter, c.quantity, c.unit, c.per, c.base, e.measured_s, s.from_ts, s.until_ts,
             CASE c.quantity
             WHEN 'active_energy_export_t1' THEN d.active_energy_export_t1
             WHEN 'active_energy_export_t2' THEN d.active_energy_export_t2
             WHEN 'active_energy_export_t3' THEN d.active_energy_export_t3
             WHEN 'active_energy_export_t4' THEN d.active_energy_export_t4
             WHEN 'active_energy_export_t5' THEN d.active_energy_export_t5
             WHEN 'active_energy_export_t6' THEN d.active_energy_export_t6
             WHEN 'active_energy_export_t7' THEN d.active_energy_export_t7
             WHEN 'active_energy_export_t8' THEN d.active_energy_export_t8
             WHEN 'reactive_energy_export_t1' THEN d.reactive_energy_export_t1
             WHEN 'reactive_energy_export_t2' THEN d.reactive_energy_export_t2
             WHEN 'reactive_energy_export_t3' THEN d.reactive_energy_export_t3
             WHEN 'reactive_energy_export_t4' THEN d.reactive_energy_export_t4
             WHEN 'reactive_energy_export_t5' THEN d.reactive_energy_export_t5
             WHEN 'reactive_energy_export_t6' THEN d.reactive_energy_export_t6
             WHEN 'reactive_energy_export_t7' THEN d.reactive_energy_export_t7
             WHEN 'reactive_energy_export_t8' THEN d.reactive_energy_export_t8
             WHEN 'apparent_energy_t1' THEN d.apparent_energy_t1
             WHEN 'apparent_energy_t2' THEN d.apparent_energy_t2
             WHEN 'apparent_energy_t3' THEN d.apparent_energy_t3
             WHEN 'apparent_energy_t4' THEN d.apparent_energy_t4
             WHEN 'apparent_energy_t5' THEN d.apparent_energy_t5
             WHEN 'apparent_energy_t6' THEN d.apparent_energy_t6
             WHEN 'apparent_energy_t7' THEN d.apparent_energy_t7
             WHEN 'apparent_energy_t8' THEN d.apparent_energy_t8 END AS value
      FROM month_tariff_other d JOIN meter m ON m.id = d.meter JOIN counted c ON c.meter = d.meter
      JOIN local_month s ON s.month = d.month
      LEFT JOIN month_energy e ON e.month = d.month AND e.meter = d.meter
)
WHERE value IS NOT NULL;

DROP VIEW meter_status;
CREATE VIEW meter_status AS
WITH heard AS (
SELECT meter, max(id >> 14) AS ts
FROM (SELECT * FROM newest_energy UNION ALL SELECT * FROM newest_energy_other UNION ALL SELECT * FROM newest_power
      UNION ALL SELECT * FROM newest_pulse)
GROUP BY meter)
SELECT m.name AS meter, m.bus, m.model, m.address, m.label, m.serial,
       CASE WHEN s.state IN ('up', 'unconfirmed')
            AND (a.unsure_ts <> 0 OR EXISTS (SELECT 1 FROM meter_key k WHERE k.meter = m.id AND k.held <> ''))
       THEN 'suspect' ELSE ifnull(s.state, 'never') END AS state,
       strftime('%Y-%m-%dT%H:%M:%SZ', nullif(max(ifnull(s.last_good_ts, 0), ifnull(h.ts, 0)), 0), 'unixepoch')
       AS last_good,
       ifnull(s.failures, 0) AS failures, ifnull(s.requests, 0) AS requests, ifnull(s.timeouts, 0) AS timeouts,
       ifnull(s.crc_errors, 0) AS crc_errors, ifnull(s.exceptions, 0) AS exceptions,
       nullif(s.latency_us, 0) / 1000.0 AS latency_ms
FROM meter m LEFT JOIN status_of_meter s ON s.meter = m.id LEFT JOIN heard h ON h.meter = m.id
LEFT JOIN account a ON a.meter = m.id AND a.before = 0
WHERE m.configured AND NOT m.is_input;

DROP VIEW meter_report;
CREATE VIEW meter_report AS
WITH heard AS (
SELECT meter, max(id >> 14) AS ts
FROM (SELECT * FROM newest_energy UNION ALL SELECT * FROM newest_partial UNION ALL SELECT * FROM newest_tariff
      UNION ALL SELECT * FROM newest_tariff_other UNION ALL SELECT * FROM newest_energy_other
      UNION ALL SELECT * FROM newest_power_other UNION ALL SELECT * FROM newest_power UNION ALL SELECT * FROM newest_pulse)
GROUP BY meter)
SELECT m.meter, m.bus, m.model, m.address, m.label, m.serial, m.state, m.last_good, m.failures, m.requests, m.timeouts,
       m.crc_errors, m.exceptions, m.latency_ms,
       unixepoch('now') - max(unixepoch(m.last_good), ifnull(h.ts, 0)) AS age_s,
       s.mismatch, ifnull(s.faults, '') AS faults
FROM meter_status m JOIN meter i ON i.name = m.meter LEFT JOIN status_of_meter s ON s.meter = i.id
LEFT JOIN heard h ON h.meter = i.id;
