-- SPDX-License-Identifier: MIT
-- What an input counts: electricity, gas, water, heat or something else; and the calorific value of gas, with which its volume
-- is shown as heat too. Both are for display: they end no life.

ALTER TABLE meter ADD COLUMN kind TEXT NOT NULL DEFAULT 'electricity';
UPDATE meter SET kind = CASE (SELECT p.quantity FROM input_period p WHERE p.meter = meter.id ORDER BY p.from_ts DESC LIMIT 1)
       WHEN 'volume' THEN 'other' WHEN 'heat' THEN 'heat' ELSE 'electricity' END
WHERE is_input;

-- nWh in a ml, which are millionths of a kWh in a m3; 0: not given.
ALTER TABLE input_period ADD COLUMN calorific INTEGER NOT NULL DEFAULT 0;

DROP VIEW pulse;
CREATE VIEW pulse AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', i.ts, 'unixepoch') AS time, i.ts, m.name AS meter, c.name AS concentrator, i.input, i.pulses,
       (i.offset + i.pulses * i.weight / i.weight_per) * 1.0 / i.per AS value, i.unit,
       CASE i.quality WHEN 0 THEN 'good' WHEN 1 THEN 'late' WHEN 2 THEN 'suspect' ELSE 'unsynchronised' END AS quality, m.kind
FROM input_reading i JOIN meter m ON m.id = i.meter JOIN meter c ON c.id = i.concentrator
WHERE i.pulses IS NOT NULL;

-- Inputs as they are configured, or were the last time.
CREATE VIEW input AS
SELECT m.name AS meter, m.label, m.kind, c.name AS concentrator, p.input, p.quantity,
       p.weight || iif(p.weight_per = 1, '', '/' || p.weight_per) || ' ' || q.base AS pulse,
       p.offset * 1.0 / p.per AS offset, p.unit, nullif(p.calorific, 0) / 1000000.0 AS calorific_kwh_m3, m.configured
FROM meter m JOIN input_period p ON p.meter = m.id
     AND p.from_ts = (SELECT max(n.from_ts) FROM input_period n WHERE n.meter = m.id)
JOIN meter c ON c.id = p.concentrator JOIN quantity q ON q.name = p.quantity
WHERE m.is_input;

CREATE VIEW meter_kind AS
SELECT name AS meter, kind FROM meter;

-- A calorific value holds for whole local days: from the day in which it was written, the last one of a day. The first one
-- holds from the beginning.
CREATE VIEW calorific AS
WITH written AS (
	SELECT p.meter, p.calorific, p.from_ts,
	       ifnull((SELECT max(d.from_ts) FROM local_day d WHERE d.from_ts <= p.from_ts AND d.until_ts > p.from_ts), p.from_ts)
	       AS since_ts
	FROM input_period p WHERE p.quantity = 'volume'
	AND p.meter IN (SELECT meter FROM input_period WHERE calorific > 0)),
daily AS (
	SELECT meter, calorific,
	       iif(since_ts = (SELECT min(x.since_ts) FROM written x WHERE x.meter = w.meter AND x.calorific > 0), 0, since_ts)
	       AS since_ts,
	       lead(since_ts) OVER (PARTITION BY meter ORDER BY since_ts) AS until_ts
	FROM written w
	WHERE NOT EXISTS (SELECT 1 FROM written x WHERE x.meter = w.meter AND x.since_ts = w.since_ts AND x.from_ts > w.from_ts))
SELECT m.name AS meter, strftime('%Y-%m-%dT%H:%M:%SZ', nullif(since_ts, 0), 'unixepoch') AS since,
       strftime('%Y-%m-%dT%H:%M:%SZ', until_ts, 'unixepoch') AS until, calorific / 1000000.0 AS kwh_m3,
       since_ts, ifnull(until_ts, 9223372036854775807) AS until_ts, calorific AS nwh_ml
FROM daily d JOIN meter m ON m.id = d.meter WHERE calorific > 0;

-- The heat of the gas of each day: volume x calorific value in nWh, as whole Wh and the rest of them, so that no product
-- has more than 63 bits.
CREATE VIEW burnt AS
SELECT d.day, s.from_ts, m.name AS meter, d.volume, d.volume / 1000000 * c.nwh_ml / 1000 AS wh,
       d.volume / 1000000 * c.nwh_ml % 1000 * 1000000 + d.volume % 1000000 * c.nwh_ml AS nwh
FROM calorific c JOIN meter m ON m.name = c.meter
CROSS JOIN local_day s CROSS JOIN day_energy d ON d.day = s.day AND d.meter = m.id
WHERE s.from_ts >= c.since_ts AND s.from_ts < c.until_ts AND d.volume IS NOT NULL;

-- Gas with its heat, rounded down to whole Wh once, at the end.
CREATE VIEW daily_gas AS
SELECT day, meter, volume / 1000000.0 AS volume_m3, (wh + nwh / 1000000000) / 1000.0 AS heat_kwh, volume AS volume_ml,
       wh + nwh / 1000000000 AS heat_wh
FROM burnt;

CREATE VIEW monthly_gas AS
SELECT substr(day, 1, 7) AS month, meter, sum(volume) / 1000000.0 AS volume_m3,
       (sum(wh) + sum(nwh) / 1000000000) / 1000.0 AS heat_kwh, sum(volume) AS volume_ml, sum(wh) + sum(nwh) / 1000000000 AS heat_wh
FROM burnt GROUP BY substr(day, 1, 7), meter;

-- heat_kwh: also that of gas, which is no whole number of Wh.
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
       CASE WHEN i.heat IS NOT NULL THEN i.heat / 1000.0 WHEN i.volume IS NOT NULL THEN
            (SELECT i.volume * 1.0 * c.nwh_ml / 1000000000000.0 FROM calorific c
             WHERE c.meter = m.name AND s.ts >= c.since_ts AND s.ts < c.until_ts) END AS heat_kwh,
       (SELECT group_concat(c, ', ') FROM (
        SELECT DISTINCT q.id, CASE q.name WHEN 'active_energy_import' THEN 'active_import_kwh' WHEN 'active_energy_export' THEN 'active_export_kwh'
               WHEN 'reactive_energy_import' THEN 'reactive_import_kvarh' WHEN 'reactive_energy_export' THEN 'reactive_export_kvarh'
               WHEN 'apparent_energy' THEN 'apparent_kvah' WHEN 'volume' THEN 'volume_m3' WHEN 'heat' THEN 'heat_kwh' END AS c
        FROM suspect x JOIN quantity q ON q.id = x.quantity
        WHERE x.ts >= s.ts AND x.ts < s.ts + i.duration_s AND x.meter = m.id ORDER BY q.id) WHERE c IS NOT NULL) AS suspect,
       i.heat AS heat_wh
FROM meter m CROSS JOIN interval_start s CROSS JOIN kept_interval i ON i.ts = s.ts AND i.meter = m.id;
