-- SPDX-License-Identifier: MIT
-- The account: lives of counters, suspect values, intervals, days and months, updated with each reading.
-- Values are whole base units, as in the readings.

-- One life of one counter. Consumption is always calculated inside one life.
CREATE TABLE life (
	meter     INTEGER NOT NULL REFERENCES meter (id),
	quantity  INTEGER NOT NULL REFERENCES quantity (id),
	from_ts   INTEGER NOT NULL,
	from_raw  INTEGER NOT NULL,
	until_ts  INTEGER,           -- NULL: not ended
	until_raw INTEGER,
	reason    TEXT NOT NULL,     -- why it began
	PRIMARY KEY (meter, quantity, from_ts)
) STRICT, WITHOUT ROWID;

-- One row for each value that was not counted, with the reason.
CREATE TABLE suspect (
	ts       INTEGER NOT NULL,
	meter    INTEGER NOT NULL REFERENCES meter (id),
	quantity INTEGER NOT NULL REFERENCES quantity (id),
	behind   INTEGER NOT NULL,  -- 1: never counted, also in a rebuild: its slot is before a counted one, or another model sent it
	reason   TEXT NOT NULL,
	PRIMARY KEY (ts, meter, quantity)
) STRICT, WITHOUT ROWID;

-- The saved state of the account of each meter and counter. Later readings are replayed from the reading tables.
CREATE TABLE account (
	meter       INTEGER PRIMARY KEY REFERENCES meter (id),
	last_ts     INTEGER NOT NULL,  -- newest slot included
	counter_max INTEGER NOT NULL
) STRICT;

CREATE TABLE account_counter (
	meter            INTEGER NOT NULL REFERENCES meter (id),
	quantity         INTEGER NOT NULL REFERENCES quantity (id),
	parts            INTEGER NOT NULL,  -- the values are in 1 / parts of a base unit
	living           INTEGER NOT NULL,  -- 0: no, 1: yes, 2: yes, since a reset that was not announced
	life_ts          INTEGER NOT NULL,
	ts               INTEGER NOT NULL,
	raw              INTEGER NOT NULL,
	moved_ts         INTEGER NOT NULL,
	seen_ts          INTEGER NOT NULL,
	open_ts          INTEGER NOT NULL,
	sum              INTEGER NOT NULL,
	rest             INTEGER NOT NULL,
	ended_raw        INTEGER NOT NULL,
	known_s          INTEGER NOT NULL,
	estimated        INTEGER NOT NULL,
	modulus          INTEGER NOT NULL,
	n_suspect        INTEGER NOT NULL,
	suspect_ts       INTEGER,
	suspect_raw      INTEGER,
	suspect_last_ts  INTEGER,
	suspect_last_raw INTEGER,
	PRIMARY KEY (meter, quantity)
) STRICT, WITHOUT ROWID;

-- Settings that the account was made with: interval_s, timezone.
CREATE TABLE setting (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Exchanged meters: requests of tally replace, which the daemon carries out.
CREATE TABLE replacement (
	id         INTEGER PRIMARY KEY,
	meter      TEXT NOT NULL,
	at_ts      INTEGER NOT NULL,
	final      INTEGER,           -- last value of the old meter, in base units
	initial    INTEGER,           -- first value of the new meter, in base units
	done       INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Start and end of the local days and months that have rows.
CREATE TABLE local_day (
	day     TEXT PRIMARY KEY,  -- YYYY-MM-DD
	from_ts INTEGER NOT NULL,
	until_ts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE local_month (
	month   TEXT PRIMARY KEY,  -- YYYY-MM
	from_ts INTEGER NOT NULL,
	until_ts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per meter and interval. quality: 0 measured, 1 estimated, 2 missing. ts is the start of the interval.
CREATE TABLE kept_interval (
	ts         INTEGER NOT NULL,
	meter      INTEGER NOT NULL,
	duration_s INTEGER NOT NULL,
	quality    INTEGER NOT NULL,
	active_energy_import INTEGER,
	active_energy_export INTEGER,
	reactive_energy_import INTEGER,
	reactive_energy_export INTEGER,
	apparent_energy INTEGER,
	volume INTEGER,
	heat INTEGER,
	PRIMARY KEY (ts, meter)
) STRICT, WITHOUT ROWID;

-- The start of every interval that has rows. Views begin here, so that the rows of one meter are found by their keys.
CREATE TABLE interval_start (
	ts INTEGER PRIMARY KEY
) STRICT;

-- Sums of the intervals of each local day and month. measured_s: total length of the measured intervals.
CREATE TABLE day_energy (
	day TEXT NOT NULL,
	meter INTEGER NOT NULL,
	measured_s INTEGER NOT NULL,
	active_energy_import INTEGER,
	active_energy_export INTEGER,
	reactive_energy_import INTEGER,
	reactive_energy_export INTEGER,
	apparent_energy INTEGER,
	active_energy_import_t1 INTEGER,
	active_energy_import_t2 INTEGER,
	active_energy_import_t3 INTEGER,
	active_energy_import_t4 INTEGER,
	reactive_energy_import_t1 INTEGER,
	reactive_energy_import_t2 INTEGER,
	reactive_energy_import_t3 INTEGER,
	reactive_energy_import_t4 INTEGER,
	volume INTEGER,
	heat INTEGER,
	PRIMARY KEY (day, meter)
) STRICT, WITHOUT ROWID;

CREATE TABLE day_tariff (
	day TEXT NOT NULL,
	meter INTEGER NOT NULL,
	measured_s INTEGER NOT NULL,
	active_energy_import_t5 INTEGER,
	active_energy_import_t6 INTEGER,
	active_energy_import_t7 INTEGER,
	active_energy_import_t8 INTEGER,
	reactive_energy_import_t5 INTEGER,
	reactive_energy_import_t6 INTEGER,
	reactive_energy_import_t7 INTEGER,
	reactive_energy_import_t8 INTEGER,
	PRIMARY KEY (day, meter)
) STRICT, WITHOUT ROWID;

CREATE TABLE day_tariff_other (
	day TEXT NOT NULL,
	meter INTEGER NOT NULL,
	measured_s INTEGER NOT NULL,
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
	apparent_energy_t8 INTEGER,
	PRIMARY KEY (day, meter)
) STRICT, WITHOUT ROWID;

CREATE TABLE month_energy (
	month TEXT NOT NULL,
	meter INTEGER NOT NULL,
	measured_s INTEGER NOT NULL,
	active_energy_import INTEGER,
	active_energy_export INTEGER,
	reactive_energy_import INTEGER,
	reactive_energy_export INTEGER,
	apparent_energy INTEGER,
	active_energy_import_t1 INTEGER,
	active_energy_import_t2 INTEGER,
	active_energy_import_t3 INTEGER,
	active_energy_import_t4 INTEGER,
	reactive_energy_import_t1 INTEGER,
	reactive_energy_import_t2 INTEGER,
	reactive_energy_import_t3 INTEGER,
	reactive_energy_import_t4 INTEGER,
	volume INTEGER,
	heat INTEGER,
	PRIMARY KEY (month, meter)
) STRICT, WITHOUT ROWID;

CREATE TABLE month_tariff (
	month TEXT NOT NULL,
	meter INTEGER NOT NULL,
	measured_s INTEGER NOT NULL,
	active_energy_import_t5 INTEGER,
	active_energy_import_t6 INTEGER,
	active_energy_import_t7 INTEGER,
	active_energy_import_t8 INTEGER,
	reactive_energy_import_t5 INTEGER,
	reactive_energy_import_t6 INTEGER,
	reactive_energy_import_t7 INTEGER,
	reactive_energy_import_t8 INTEGER,
	PRIMARY KEY (month, meter)
) STRICT, WITHOUT ROWID;

CREATE TABLE month_tariff_other (
	month TEXT NOT NULL,
	meter INTEGER NOT NULL,
	measured_s INTEGER NOT NULL,
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
	apparent_energy_t8 INTEGER,
	PRIMARY KEY (month, meter)
) STRICT, WITHOUT ROWID;

-- A concentrator's row is suspect if one of its inputs is. The other inputs of that row are good.
DROP VIEW input_reading;
CREATE VIEW input_reading AS
SELECT s.ts, r.id, p.meter, p.concentrator, p.input, p.quantity, p.obis, p.unit, p.per, p.weight, p.weight_per, p.offset,
       CASE WHEN r.quality = 2 AND NOT EXISTS (SELECT 1 FROM suspect x WHERE x.ts = s.ts AND x.meter = p.meter)
       THEN 0 ELSE r.quality END AS quality,
       CASE p.input
       WHEN 1 THEN r.pulses_1 WHEN 2 THEN r.pulses_2 WHEN 3 THEN r.pulses_3 WHEN 4 THEN r.pulses_4
       WHEN 5 THEN r.pulses_5 WHEN 6 THEN r.pulses_6 WHEN 7 THEN r.pulses_7 WHEN 8 THEN r.pulses_8 END AS pulses
FROM slot s CROSS JOIN reading_pulse r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
JOIN input_period p ON p.concentrator = +r.meter AND s.ts >= p.from_ts AND s.ts < p.until_ts;

-- Counters with consumption, and the unit in which it is shown. An input has its own unit.
CREATE VIEW counted AS
SELECT l.meter, q.name AS quantity,
       ifnull(p.unit, q.unit) AS unit, ifnull(p.per, q.per) AS per, min(l.from_ts) AS since_ts
FROM life l JOIN quantity q ON q.id = l.quantity
LEFT JOIN input_period p ON p.meter = l.meter AND p.quantity = q.name
          AND p.from_ts = (SELECT max(n.from_ts) FROM input_period n WHERE n.meter = l.meter AND n.quantity = q.name)
GROUP BY l.meter, l.quantity;

CREATE VIEW interval AS
SELECT time, ts, meter, quantity, duration_s, value * 1.0 / per AS value, unit,
       CASE WHEN value IS NULL OR quality = 2 THEN 'missing' WHEN quality = 1 THEN 'estimated' ELSE 'measured' END AS quality
FROM (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter, c.quantity,
             i.duration_s, c.unit, c.per, i.quality,
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

CREATE VIEW interval_energy AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter, i.duration_s,
       i.active_energy_import / 1000.0 AS active_import_kwh,
       i.active_energy_export / 1000.0 AS active_export_kwh,
       i.reactive_energy_import / 1000.0 AS reactive_import_kvarh,
       i.reactive_energy_export / 1000.0 AS reactive_export_kvarh,
       CASE i.quality WHEN 0 THEN 'measured' WHEN 1 THEN 'estimated' ELSE 'missing' END AS quality
FROM meter m CROSS JOIN interval_start s CROSS JOIN kept_interval i ON i.ts = s.ts AND i.meter = m.id
WHERE NOT EXISTS (SELECT 1 FROM input_period p WHERE p.meter = m.id AND p.quantity IN ('volume', 'heat'))
OR coalesce(i.active_energy_import, i.active_energy_export, i.reactive_energy_import, i.reactive_energy_export,
            i.apparent_energy) IS NOT NULL;

CREATE VIEW daily AS
SELECT day, meter, quantity, value * 1.0 / per AS value, unit,
       min(1.0, ifnull(measured_s, 0) * 1.0 / (until_ts - from_ts)) AS coverage
FROM (
      SELECT d.day, m.name AS meter, c.quantity, c.unit, c.per, d.measured_s, s.from_ts, s.until_ts,
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
      SELECT d.day, m.name AS meter, c.quantity, c.unit, c.per, e.measured_s, s.from_ts, s.until_ts,
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
      SELECT d.day, m.name AS meter, c.quantity, c.unit, c.per, e.measured_s, s.from_ts, s.until_ts,
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

CREATE VIEW monthly AS
SELECT month, meter, quantity, value * 1.0 / per AS value, unit,
       min(1.0, ifnull(measured_s, 0) * 1.0 / (until_ts - from_ts)) AS coverage
FROM (
      SELECT d.month, m.name AS meter, c.quantity, c.unit, c.per, d.measured_s, s.from_ts, s.until_ts,
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
      SELECT d.month, m.name AS meter, c.quantity, c.unit, c.per, e.measured_s, s.from_ts, s.until_ts,
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
      SELECT d.month, m.name AS meter, c.quantity, c.unit, c.per, e.measured_s, s.from_ts, s.until_ts,
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

CREATE VIEW monthly_tariff AS
SELECT month, meter, tariff, active_import_kwh, reactive_import_kvarh
FROM (SELECT d.month, m.name AS meter, t.column1 AS tariff,
             CASE t.column1
             WHEN 1 THEN d.active_energy_import_t1
             WHEN 2 THEN d.active_energy_import_t2
             WHEN 3 THEN d.active_energy_import_t3
             WHEN 4 THEN d.active_energy_import_t4
             WHEN 5 THEN h.active_energy_import_t5
             WHEN 6 THEN h.active_energy_import_t6
             WHEN 7 THEN h.active_energy_import_t7
             WHEN 8 THEN h.active_energy_import_t8 END / 1000.0 AS active_import_kwh,
             CASE t.column1
             WHEN 1 THEN d.reactive_energy_import_t1
             WHEN 2 THEN d.reactive_energy_import_t2
             WHEN 3 THEN d.reactive_energy_import_t3
             WHEN 4 THEN d.reactive_energy_import_t4
             WHEN 5 THEN h.reactive_energy_import_t5
             WHEN 6 THEN h.reactive_energy_import_t6
             WHEN 7 THEN h.reactive_energy_import_t7
             WHEN 8 THEN h.reactive_energy_import_t8 END / 1000.0 AS reactive_import_kvarh
      FROM month_energy d JOIN meter m ON m.id = d.meter
      LEFT JOIN month_tariff h ON h.month = d.month AND h.meter = d.meter
      CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8)) t)
WHERE active_import_kwh IS NOT NULL OR reactive_import_kvarh IS NOT NULL;

-- Not in the contract: the reasons of suspect readings, and the lives of the counters.
CREATE VIEW suspect_reading AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter, q.name AS quantity, s.reason
FROM suspect s JOIN meter m ON m.id = s.meter JOIN quantity q ON q.id = s.quantity;

CREATE VIEW meter_life AS
SELECT m.name AS meter, q.name AS quantity, strftime('%Y-%m-%dT%H:%M:%SZ', l.from_ts, 'unixepoch') AS since,
       l.from_raw * 1.0 / q.per AS from_value,
       strftime('%Y-%m-%dT%H:%M:%SZ', l.until_ts, 'unixepoch') AS until, l.until_raw * 1.0 / q.per AS until_value,
       q.unit, l.reason
FROM life l JOIN meter m ON m.id = l.meter JOIN quantity q ON q.id = l.quantity;
