-- SPDX-License-Identifier: MIT
-- Whole base units at the end of the views of counters. A sum of decimals has errors of binary fractions in its last
-- digits; a sum of whole numbers is exact. interval_energy also has apparent energy, volume and heat, and therefore rows
-- of inputs that count gas, water or heat.

-- The daemon writes it, like the other columns, when it opens the file.
ALTER TABLE quantity ADD COLUMN base TEXT NOT NULL DEFAULT '';  -- the unit in which values are stored

-- CAST: SQLite merges a view of two parts into a query only if the columns of both have the same affinity.
DROP VIEW energy;
CREATE VIEW energy AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter,
       r.active_energy_import / 1000.0 AS active_import_kwh,
       r.active_energy_export / 1000.0 AS active_export_kwh,
       r.reactive_energy_import / 1000.0 AS reactive_import_kvarh,
       r.reactive_energy_export / 1000.0 AS reactive_export_kvarh,
       r.apparent_energy / 1000.0 AS apparent_kvah,
       CASE r.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality,
       r.active_energy_import AS active_import_wh,
       r.active_energy_export AS active_export_wh,
       r.reactive_energy_import AS reactive_import_varh,
       r.reactive_energy_export AS reactive_export_varh,
       r.apparent_energy AS apparent_vah
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
             WHEN 8 THEN h.active_energy_import_t8 END AS active_import_wh,
             CASE t.column1
             WHEN 1 THEN r.reactive_energy_import_t1
             WHEN 2 THEN r.reactive_energy_import_t2
             WHEN 3 THEN r.reactive_energy_import_t3
             WHEN 4 THEN r.reactive_energy_import_t4
             WHEN 5 THEN h.reactive_energy_import_t5
             WHEN 6 THEN h.reactive_energy_import_t6
             WHEN 7 THEN h.reactive_energy_import_t7
             WHEN 8 THEN h.reactive_energy_import_t8 END AS reactive_import_varh,
             r.tariff IS t.column1 AS in_force
      FROM slot s CROSS JOIN reading_energy r ON r.id >= s.ts << 14 AND r.id < (s.ts + 1) << 14
      JOIN meter m ON m.id = +r.meter
      LEFT JOIN reading_tariff h ON h.id = r.id AND h.quality <> 2
      CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8)) t
      WHERE r.quality <> 2)
WHERE active_import_wh IS NOT NULL OR reactive_import_varh IS NOT NULL;

-- Counters with consumption, and the unit in which it is shown. An input has its own unit.
DROP VIEW counted;
CREATE VIEW counted AS
SELECT l.meter, q.name AS quantity,
       ifnull(p.unit, q.unit) AS unit, ifnull(p.per, q.per) AS per, min(l.from_ts) AS since_ts, q.base
FROM life l JOIN quantity q ON q.id = l.quantity
LEFT JOIN input_period p ON p.meter = l.meter AND p.quantity = q.name
          AND p.from_ts = (SELECT max(n.from_ts) FROM input_period n WHERE n.meter = l.meter AND n.quantity = q.name)
GROUP BY l.meter, l.quantity;

DROP VIEW interval;
CREATE VIEW interval AS
SELECT time, ts, meter, quantity, duration_s, value * 1.0 / per AS value, unit,
       CASE WHEN value IS NULL OR quality = 2 THEN 'missing' WHEN quality = 1 THEN 'estimated' ELSE 'measured' END AS quality,
       value AS base_value, base AS base_unit
FROM (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time, s.ts, m.name AS meter, c.quantity,
             i.duration_s, c.unit, c.per, c.base, i.quality,
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

-- 1 kcal (International Table) is 1.163 Wh by definition.
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
       i.heat * 1163 / 1000000000.0 AS heat_kwh
FROM meter m CROSS JOIN interval_start s CROSS JOIN kept_interval i ON i.ts = s.ts AND i.meter = m.id;

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

DROP VIEW monthly_tariff;
CREATE VIEW monthly_tariff AS
SELECT month, meter, tariff, active_import_wh / 1000.0 AS active_import_kwh,
       reactive_import_varh / 1000.0 AS reactive_import_kvarh, active_import_wh, reactive_import_varh
FROM (SELECT d.month, m.name AS meter, t.column1 AS tariff,
             CASE t.column1
             WHEN 1 THEN d.active_energy_import_t1
             WHEN 2 THEN d.active_energy_import_t2
             WHEN 3 THEN d.active_energy_import_t3
             WHEN 4 THEN d.active_energy_import_t4
             WHEN 5 THEN h.active_energy_import_t5
             WHEN 6 THEN h.active_energy_import_t6
             WHEN 7 THEN h.active_energy_import_t7
             WHEN 8 THEN h.active_energy_import_t8 END AS active_import_wh,
             CASE t.column1
             WHEN 1 THEN d.reactive_energy_import_t1
             WHEN 2 THEN d.reactive_energy_import_t2
             WHEN 3 THEN d.reactive_energy_import_t3
             WHEN 4 THEN d.reactive_energy_import_t4
             WHEN 5 THEN h.reactive_energy_import_t5
             WHEN 6 THEN h.reactive_energy_import_t6
             WHEN 7 THEN h.reactive_energy_import_t7
             WHEN 8 THEN h.reactive_energy_import_t8 END AS reactive_import_varh
      FROM month_energy d JOIN meter m ON m.id = d.meter
      LEFT JOIN month_tariff h ON h.month = d.month AND h.meter = d.meter
      CROSS JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8)) t)
WHERE active_import_wh IS NOT NULL OR reactive_import_varh IS NOT NULL;
