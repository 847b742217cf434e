-- SPDX-License-Identifier: MIT
-- Readings, meters and buses with their status, events, and the views that do not need the account.
-- Readings are stored in the order of their arrival, slot by slot, so that a commit only appends; this saves flash. The id
-- of a reading is the ts of its slot << 14 plus a number within the slot; a reading has the same id in every table that
-- has values of it. Views start from table slot, so that a span of ts is found without a scan. The + before r.meter stops
-- the planner from building an index of all readings for one query.
-- Values are whole numbers of the base units in drivers/NAMES. A column has the name of its quantity.

-- The rows of drivers/NAMES. The daemon writes them when it opens the file.
CREATE TABLE quantity (
	id    INTEGER PRIMARY KEY,
	name  TEXT NOT NULL UNIQUE,
	obis  TEXT NOT NULL,    -- '' if there is none
	unit  TEXT NOT NULL,    -- as the views show it
	per   INTEGER NOT NULL, -- base units in one shown unit
	kind  TEXT NOT NULL,    -- energy: stored in reading_energy, and so on; '' if not stored
	place INTEGER NOT NULL  -- its position among the quantities of that table, from 1
) STRICT;

CREATE TABLE bus (
	name       TEXT PRIMARY KEY,
	transport  TEXT NOT NULL,
	configured INTEGER NOT NULL  -- 0: no longer in the configuration
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT, so that the id of a meter is never reused.
CREATE TABLE meter (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	name       TEXT NOT NULL UNIQUE,
	is_input   INTEGER NOT NULL,  -- 1: a pulse input, a meter of its own
	bus        TEXT NOT NULL,
	model      TEXT,              -- NULL for an input
	address    INTEGER,           -- NULL for an input
	label      TEXT NOT NULL,
	serial     TEXT,
	configured INTEGER NOT NULL   -- 0: no longer in the configuration; its history stays
) STRICT;

-- The configuration of a pulse input over time. A change ends one row and begins the next, so that older readings keep
-- their meaning.
CREATE TABLE input_period (
	meter        INTEGER NOT NULL REFERENCES meter (id),
	from_ts      INTEGER NOT NULL,
	until_ts     INTEGER NOT NULL,  -- first second after it
	concentrator INTEGER NOT NULL REFERENCES meter (id),
	input        INTEGER NOT NULL,
	quantity     TEXT NOT NULL,     -- active_energy_import, volume, heat ...
	obis         TEXT NOT NULL,
	unit         TEXT NOT NULL,     -- as the views show it
	per          INTEGER NOT NULL,  -- base units in one shown unit
	weight       INTEGER NOT NULL,  -- weight / weight_per base units per pulse; the product is rounded down
	weight_per   INTEGER NOT NULL,
	offset       INTEGER NOT NULL,  -- reading of the register, in base units, when the count was 0
	PRIMARY KEY (meter, from_ts)
) STRICT, WITHOUT ROWID;
CREATE INDEX input_period_concentrator ON input_period (concentrator);

CREATE TABLE status_of_meter (
	meter        INTEGER PRIMARY KEY REFERENCES meter (id),
	state        TEXT NOT NULL,
	last_good_ts INTEGER,
	failures     INTEGER NOT NULL,
	requests     INTEGER NOT NULL,
	timeouts     INTEGER NOT NULL,
	crc_errors   INTEGER NOT NULL,
	exceptions   INTEGER NOT NULL,
	latency_us   INTEGER NOT NULL,
	mismatch     TEXT NOT NULL  -- expected and found identity if it is another model; else empty
) STRICT;

CREATE TABLE status_of_bus (
	bus          TEXT PRIMARY KEY REFERENCES bus (name),
	state        TEXT NOT NULL,
	busy_percent REAL NOT NULL,
	requests     INTEGER NOT NULL,
	errors       INTEGER NOT NULL,
	overruns     INTEGER NOT NULL,
	round_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE event_log (
	id      INTEGER PRIMARY KEY,
	at_ms   INTEGER NOT NULL,
	subject TEXT NOT NULL,
	kind    TEXT NOT NULL,
	detail  TEXT NOT NULL
) STRICT;

-- The newest reading of meters that have fallen behind the others: see the views newest_*.
CREATE TABLE newest (
	meter INTEGER NOT NULL REFERENCES meter (id),
	kind  TEXT NOT NULL,    -- energy: in reading_energy, and so on
	id    INTEGER NOT NULL,
	PRIMARY KEY (meter, kind)
) STRICT, WITHOUT ROWID;

-- Every slot that has readings.
CREATE TABLE slot (
	ts INTEGER PRIMARY KEY
) STRICT;

-- delay_ms: from the slot to the end of the answer. quality: 0 good, 1 late, 2 suspect, 3 unsynchronised.
-- A meter has at most one row per slot.

CREATE TABLE reading_energy (
	id       INTEGER PRIMARY KEY,
	meter    INTEGER NOT NULL,
	delay_ms INTEGER NOT NULL,
	quality  INTEGER NOT NULL,
	active_energy_import INTEGER,
	active_energy_export INTEGER,
	reactive_energy_import INTEGER,
	reactive_energy_export INTEGER,
	apparent_energy INTEGER,
	tariff INTEGER,
	active_energy_import_t1 INTEGER,
	active_energy_import_t2 INTEGER,
	active_energy_import_t3 INTEGER,
	active_energy_import_t4 INTEGER,
	reactive_energy_import_t1 INTEGER,
	reactive_energy_import_t2 INTEGER,
	reactive_energy_import_t3 INTEGER,
	reactive_energy_import_t4 INTEGER
) STRICT;

CREATE TABLE reading_partial (
	id       INTEGER PRIMARY KEY,
	meter    INTEGER NOT NULL,
	delay_ms INTEGER NOT NULL,
	quality  INTEGER NOT NULL,
	active_energy_import_partial INTEGER,
	active_energy_export_partial INTEGER,
	reactive_energy_import_partial INTEGER,
	reactive_energy_export_partial INTEGER,
	apparent_energy_partial INTEGER,
	operating_time INTEGER
) STRICT;

CREATE TABLE reading_tariff (
	id       INTEGER PRIMARY KEY,
	meter    INTEGER NOT NULL,
	delay_ms INTEGER NOT NULL,
	quality  INTEGER NOT NULL,
	active_energy_import_t5 INTEGER,
	active_energy_import_t6 INTEGER,
	active_energy_import_t7 INTEGER,
	active_energy_import_t8 INTEGER,
	reactive_energy_import_t5 INTEGER,
	reactive_energy_import_t6 INTEGER,
	reactive_energy_import_t7 INTEGER,
	reactive_energy_import_t8 INTEGER
) STRICT;

CREATE TABLE reading_tariff_other (
	id       INTEGER PRIMARY KEY,
	meter    INTEGER NOT NULL,
	delay_ms INTEGER NOT NULL,
	quality  INTEGER NOT NULL,
	active_energy_export_t1 INTEGER,
	active_energy_export_t2 INTEGER,
	active_energy_export_t3 INTEGER,
	active_energy_export_t4 INTEGER,
	active_energy_export_t5 INTEGER,
	active_energy_export_t6 INTEGER,
	active_energy_export_t7 INTEGER,
	active_energy_export_t8 INTEGER,
	reactive_energy_export_t1 INTEGER,
	reactive_energy_export_t2 INTEGER,
	reactive_energy_export_t3 INTEGER,
	reactive_energy_export_t4 INTEGER,
	reactive_energy_export_t5 INTEGER,
	reactive_energy_export_t6 INTEGER,
	reactive_energy_export_t7 INTEGER,
	reactive_energy_export_t8 INTEGER,
	apparent_energy_t1 INTEGER,
	apparent_energy_t2 INTEGER,
	apparent_energy_t3 INTEGER,
	apparent_energy_t4 INTEGER,
	apparent_energy_t5 INTEGER,
	apparent_energy_t6 INTEGER,
	apparent_energy_t7 INTEGER,
	apparent_energy_t8 INTEGER
) STRICT;

CREATE TABLE reading_power (
	id       INTEGER PRIMARY KEY,
	meter    INTEGER NOT NULL,
	delay_ms INTEGER NOT NULL,
	quality  INTEGER NOT NULL,
	active_power INTEGER,
	reactive_power INTEGER,
	apparent_power INTEGER,
	power_factor INTEGER,
	frequency INTEGER,
	voltage_l1 INTEGER,
	voltage_l2 INTEGER,
	voltage_l3 INTEGER,
	voltage_l12 INTEGER,
	voltage_l23 INTEGER,
	voltage_l31 INTEGER,
	current_l1 INTEGER,
	current_l2 INTEGER,
	current_l3 INTEGER,
	current_n INTEGER,
	active_power_l1 INTEGER,
	active_power_l2 INTEGER,
	active_power_l3 INTEGER,
	reactive_power_l1 INTEGER,
	reactive_power_l2 INTEGER,
	reactive_power_l3 INTEGER,
	apparent_power_l1 INTEGER,
	apparent_power_l2 INTEGER,
	apparent_power_l3 INTEGER,
	power_factor_l1 INTEGER,
	power_factor_l2 INTEGER,
	power_factor_l3 INTEGER,
	active_power_demand INTEGER,
	active_power_demand_max INTEGER
) STRICT;

CREATE TABLE reading_pulse (
	id       INTEGER PRIMARY KEY,
	meter    INTEGER NOT NULL,
	delay_ms INTEGER NOT NULL,
	quality  INTEGER NOT NULL,
	pulses_1 INTEGER,
	pulses_2 INTEGER,
	pulses_3 INTEGER,
	pulses_4 INTEGER,
	pulses_5 INTEGER,
	pulses_6 INTEGER,
	pulses_7 INTEGER,
	pulses_8 INTEGER
) STRICT;

-- The newest reading of each meter, without a scan of the whole table. It is among the newest 2 * meters + 500 rows, or
-- the daemon has put it into table newest. Rows more than a day in the future come from a wrong clock and are skipped.
CREATE VIEW newest_energy AS
SELECT meter, max(id) AS id
FROM (SELECT * FROM (SELECT meter, id FROM reading_energy
                     WHERE id < (unixepoch('now') + 86400) << 14
                     ORDER BY id DESC LIMIT (SELECT 2 * count(*) + 500 FROM meter))
      UNION ALL
      SELECT meter, id FROM newest WHERE kind = 'energy')
GROUP BY meter;

CREATE VIEW newest_partial AS
SELECT meter, max(id) AS id
FROM (SELECT * FROM (SELECT meter, id FROM reading_partial
                     WHERE id < (unixepoch('now') + 86400) << 14
                     ORDER BY id DESC LIMIT (SELECT 2 * count(*) + 500 FROM meter))
      UNION ALL
      SELECT meter, id FROM newest WHERE kind = 'partial')
GROUP BY meter;

CREATE VIEW newest_tariff AS
SELECT meter, max(id) AS id
FROM (SELECT * FROM (SELECT meter, id FROM reading_tariff
                     WHERE id < (unixepoch('now') + 86400) << 14
                     ORDER BY id DESC LIMIT (SELECT 2 * count(*) + 500 FROM meter))
      UNION ALL
      SELECT meter, id FROM newest WHERE kind = 'tariff')
GROUP BY meter;

CREATE VIEW newest_tariff_other AS
SELECT meter, max(id) AS id
FROM (SELECT * FROM (SELECT meter, id FROM reading_tariff_other
                     WHERE id < (unixepoch('now') + 86400) << 14
                     ORDER BY id DESC LIMIT (SELECT 2 * count(*) + 500 FROM meter))
      UNION ALL
      SELECT meter, id FROM newest WHERE kind = 'tariff_other')
GROUP BY meter;

CREATE VIEW newest_power AS
SELECT meter, max(id) AS id
FROM (SELECT * FROM (SELECT meter, id FROM reading_power
                     WHERE id < (unixepoch('now') + 86400) << 14
                     ORDER BY id DESC LIMIT (SELECT 2 * count(*) + 500 FROM meter))
      UNION ALL
      SELECT meter, id FROM newest WHERE kind = 'power')
GROUP BY meter;

CREATE VIEW newest_pulse AS
SELECT meter, max(id) AS id
FROM (SELECT * FROM (SELECT meter, id FROM reading_pulse
                     WHERE id < (unixepoch('now') + 86400) << 14
                     ORDER BY id DESC LIMIT (SELECT 2 * count(*) + 500 FROM meter))
      UNION ALL
      SELECT meter, id FROM newest WHERE kind = 'pulse')
GROUP BY meter;

-- One row per reading of an input, in base units.
CREATE VIEW input_reading AS
SELECT s.ts, r.id, p.meter, p.concentrator, p.input, p.quantity, p.obis, p.unit, p.per, p.weight, p.weight_per, p.offset, r.quality,
       CASE p.input
       WHEN 1 THEN r.pulses_1 WHEN 2 THEN r.pulses_2 WHEN 3 THEN r.pulses_3 WHEN 4 THEN r.pulses_4
       WHEN 5 THEN r.pulses_5 WHEN 6 THEN r.pulses_6 WHEN 7 THEN r.pulses_7 WHEN 8 THEN r.pulses_8 END AS pulses
FROM slot s CROSS JOIN reading_pulse r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
JOIN input_period p ON p.concentrator = +r.meter AND s.ts >= p.from_ts AND s.ts < p.until_ts;

-- The views of the contract follow, with their columns in the order of the contract.

CREATE VIEW energy AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter,
       r.active_energy_import / 1000.0 AS active_import_kwh,
       r.active_energy_export / 1000.0 AS active_export_kwh,
       r.reactive_energy_import / 1000.0 AS reactive_import_kvarh,
       r.reactive_energy_export / 1000.0 AS reactive_export_kvarh,
       r.apparent_energy / 1000.0 AS apparent_kvah,
       CASE r.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality
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
       CASE i.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END
FROM input_reading i JOIN meter m ON m.id = i.meter
WHERE i.pulses IS NOT NULL AND i.quantity IN ('active_energy_import', 'reactive_energy_import', 'apparent_energy');

-- Suspect rows are left out, because this view has no column for the quality.
CREATE VIEW tariff_energy AS
SELECT time, ts, meter, tariff, active_import_kwh, reactive_import_kvarh, in_force
FROM (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter, t.column1 AS tariff,
             CASE t.column1
             WHEN 1 THEN r.active_energy_import_t1
             WHEN 2 THEN r.active_energy_import_t2
             WHEN 3 THEN r.active_energy_import_t3
             WHEN 4 THEN r.active_energy_import_t4
             WHEN 5 THEN h.active_energy_import_t5
             WHEN 6 THEN h.active_energy_import_t6
             WHEN 7 THEN h.active_energy_import_t7
             WHEN 8 THEN h.active_energy_import_t8 END / 1000.0 AS active_import_kwh,
             CASE t.column1
             WHEN 1 THEN r.reactive_energy_import_t1
             WHEN 2 THEN r.reactive_energy_import_t2
             WHEN 3 THEN r.reactive_energy_import_t3
             WHEN 4 THEN r.reactive_energy_import_t4
             WHEN 5 THEN h.reactive_energy_import_t5
             WHEN 6 THEN h.reactive_energy_import_t6
             WHEN 7 THEN h.reactive_energy_import_t7
             WHEN 8 THEN h.reactive_energy_import_t8 END / 1000.0 AS reactive_import_kvarh,
             r.tariff IS t.column1 AS in_force
      FROM slot s CROSS JOIN reading_energy r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
      JOIN meter m ON m.id = +r.meter
      LEFT JOIN reading_tariff h ON h.id = r.id AND h.quality <> 2
      CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8)) t
      WHERE r.quality <> 2)
WHERE active_import_kwh IS NOT NULL OR reactive_import_kvarh IS NOT NULL;

CREATE VIEW power AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter,
       r.active_power / 1000.0 AS active_power_w,
       r.reactive_power / 1000.0 AS reactive_power_var,
       r.apparent_power / 1000.0 AS apparent_power_va,
       r.power_factor / 1000.0 AS power_factor,
       r.frequency / 1000.0 AS frequency_hz,
       r.voltage_l1 / 1000.0 AS voltage_l1_v,
       r.voltage_l2 / 1000.0 AS voltage_l2_v,
       r.voltage_l3 / 1000.0 AS voltage_l3_v,
       r.voltage_l12 / 1000.0 AS voltage_l12_v,
       r.voltage_l23 / 1000.0 AS voltage_l23_v,
       r.voltage_l31 / 1000.0 AS voltage_l31_v,
       r.current_l1 / 1000.0 AS current_l1_a,
       r.current_l2 / 1000.0 AS current_l2_a,
       r.current_l3 / 1000.0 AS current_l3_a,
       r.current_n / 1000.0 AS current_n_a,
       r.active_power_l1 / 1000.0 AS active_power_l1_w,
       r.active_power_l2 / 1000.0 AS active_power_l2_w,
       r.active_power_l3 / 1000.0 AS active_power_l3_w,
       CASE r.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality
FROM slot s CROSS JOIN reading_power r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
JOIN meter m ON m.id = +r.meter;

CREATE VIEW pulse AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', i.ts, 'unixepoch') AS time, i.ts, m.name AS meter, c.name AS concentrator, i.input, i.pulses,
       (i.offset + i.pulses * i.weight / i.weight_per) * 1.0 / i.per AS value, i.unit,
       CASE i.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality
FROM input_reading i JOIN meter m ON m.id = i.meter JOIN meter c ON c.id = i.concentrator
WHERE i.pulses IS NOT NULL;

-- One row per quantity of each meter's newest readings. LIMIT -1 stops the planner from merging the inner query into the
-- outer one, which would evaluate each CASE several times.
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
       CASE per WHEN 1 THEN value ELSE value * 1.0 / per END AS value, unit, time, ts, age_s, quality_text AS quality
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
       WHEN 14 THEN l.reactive_energy_import_t4 END AS value
FROM quantity q CROSS JOIN last_energy l WHERE q.kind = 'energy'
UNION ALL
SELECT l.meter_name, q.name, q.obis, q.per, q.unit, l.time, l.ts, l.age_s, l.quality_text,
       CASE q.place
       WHEN 1 THEN l.active_energy_import_partial
       WHEN 2 THEN l.active_energy_export_partial
       WHEN 3 THEN l.reactive_energy_import_partial
       WHEN 4 THEN l.reactive_energy_export_partial
       WHEN 5 THEN l.apparent_energy_partial
       WHEN 6 THEN l.operating_time END AS value
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
       WHEN 8 THEN l.reactive_energy_import_t8 END AS value
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
       WHEN 24 THEN l.apparent_energy_t8 END AS value
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
       WHEN 29 THEN l.active_power_demand_max END AS value
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
       WHEN 8 THEN l.pulses_8 END AS value
FROM quantity q CROSS JOIN last_pulse l WHERE q.kind = 'pulse'
UNION ALL
SELECT m.name, 'pulses', '', 1, '1', l.time, l.ts, l.age_s, l.quality_text, i.pulses
FROM last_pulse l JOIN input_reading i ON i.ts = l.ts AND i.id = l.id
JOIN meter m ON m.id = i.meter WHERE m.configured
UNION ALL
SELECT m.name, i.quantity, i.obis, i.per, i.unit, l.time, l.ts, l.age_s, l.quality_text, i.offset + i.pulses * i.weight / i.weight_per
FROM last_pulse l JOIN input_reading i ON i.ts = l.ts AND i.id = l.id
JOIN meter m ON m.id = i.meter WHERE m.configured
LIMIT -1) WHERE value IS NOT NULL;

-- Counts are written only every few minutes, so the newest reading can be more recent than last_good_ts.
CREATE VIEW meter_status AS
WITH heard AS (
SELECT meter, max(id >> 14) AS ts
FROM (SELECT * FROM newest_energy UNION ALL SELECT * FROM newest_power UNION ALL SELECT * FROM newest_pulse)
GROUP BY meter)
SELECT m.name AS meter, m.bus, m.model, m.address, m.label, m.serial, ifnull(s.state, 'never') AS state,
       strftime('%Y-%m-%dT%H:%M:%SZ', nullif(max(ifnull(s.last_good_ts, 0), ifnull(h.ts, 0)), 0), 'unixepoch')
       AS last_good,
       ifnull(s.failures, 0) AS failures, ifnull(s.requests, 0) AS requests, ifnull(s.timeouts, 0) AS timeouts,
       ifnull(s.crc_errors, 0) AS crc_errors, ifnull(s.exceptions, 0) AS exceptions, s.latency_us / 1000.0 AS latency_ms
FROM meter m LEFT JOIN status_of_meter s ON s.meter = m.id LEFT JOIN heard h ON h.meter = m.id
WHERE m.configured AND NOT m.is_input;

CREATE VIEW bus_status AS
SELECT b.name AS bus, b.transport, ifnull(s.state, 'down') AS state, ifnull(s.busy_percent, 0.0) AS busy_percent,
       ifnull(s.requests, 0) AS requests, ifnull(s.errors, 0) AS errors, ifnull(s.overruns, 0) AS overruns,
       s.round_ms
FROM bus b LEFT JOIN status_of_bus s ON s.bus = b.name
WHERE b.configured;

CREATE VIEW event AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', at_ms / 1000, 'unixepoch') AS time, at_ms / 1000 AS ts, subject, kind, detail
FROM event_log;
