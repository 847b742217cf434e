-- SPDX-License-Identifier: MIT
-- Heat is kept in Wh, as the energies are, and shown in kWh. Until now it was kept in calories: those of the International
-- Table, of which 1000 are 1.163 Wh by definition. Counts of pulses stay as they are; the weight of a pulse is another
-- fraction of the same worth.

-- The weights of heat in Wh, in lowest terms: the greatest common divisor by Euclid's rule.
CREATE TABLE heat_weight AS
WITH RECURSIVE old (n, d) AS (
	SELECT weight, weight_per FROM input_period WHERE quantity = 'heat'
	UNION SELECT pulse_weight, pulse_per FROM meter_key WHERE pulse_of = 'heat'),
step (n, d, x, y) AS (
	SELECT n, d, n * 1163, d * 1000000 FROM old
	UNION ALL SELECT n, d, y, x % y FROM step WHERE y <> 0)
SELECT n, d, n * 1163 / x AS weight, d * 1000000 / x AS weight_per FROM step WHERE y = 0;

-- Each life of a counter of heat, with what all lives of the meter before it have counted, in cal and in Wh.
CREATE TABLE heat_life AS
SELECT l.meter, l.from_ts, l.from_raw,
       ifnull(sum(ifnull(l.until_raw, l.from_raw) - l.from_raw) OVER before, 0) AS before_cal,
       ifnull(sum(ifnull(l.until_raw, l.from_raw) * 1163 / 1000000 - l.from_raw * 1163 / 1000000) OVER before, 0)
       AS before_wh
FROM life l JOIN quantity q ON q.id = l.quantity WHERE q.name = 'heat'
WINDOW before AS (PARTITION BY l.meter ORDER BY l.from_ts ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

CREATE TABLE heat_sum (
	place INTEGER NOT NULL,  -- 1: interval, 2: day, 3: month
	key   ANY NOT NULL,
	meter INTEGER NOT NULL,
	end_ts INTEGER NOT NULL,
	cal   INTEGER NOT NULL,
	PRIMARY KEY (place, meter, end_ts, key)
) STRICT, WITHOUT ROWID;
INSERT INTO heat_sum
SELECT 1, i.ts, i.meter, i.ts + i.duration_s, i.heat
FROM (SELECT DISTINCT meter FROM heat_life) h CROSS JOIN interval_start s
CROSS JOIN kept_interval i ON i.ts = s.ts AND i.meter = h.meter
WHERE i.heat IS NOT NULL;
INSERT INTO heat_sum
SELECT 2, d.day, d.meter, s.until_ts, d.heat FROM day_energy d JOIN local_day s ON s.day = d.day WHERE d.heat IS NOT NULL;
INSERT INTO heat_sum
SELECT 3, d.month, d.meter, s.until_ts, d.heat FROM month_energy d JOIN local_month s ON s.month = d.month
WHERE d.heat IS NOT NULL;

-- Each is the difference of what was counted up to its end and up to the end of the one before, both in whole Wh: so
-- they add up to what the registers show. A counter shows a life's first value and what has been counted in it.
CREATE TABLE heat_wh AS
WITH total AS (
	SELECT place, key, meter, end_ts,
	       sum(cal) OVER (PARTITION BY place, meter ORDER BY end_ts, key) AS cal FROM heat_sum),
counted AS (
	SELECT t.*, ifnull(h.before_wh, 0) + (ifnull(h.from_raw, 0) + t.cal - ifnull(h.before_cal, 0)) * 1163 / 1000000
	       - ifnull(h.from_raw, 0) * 1163 / 1000000 AS wh
	FROM total t LEFT JOIN heat_life h ON h.meter = t.meter
	     AND h.from_ts = (SELECT max(b.from_ts) FROM heat_life b WHERE b.meter = t.meter AND b.from_ts < t.end_ts))
SELECT place, key, meter, wh - ifnull(lag(wh) OVER (PARTITION BY place, meter ORDER BY end_ts, key), 0) AS wh FROM counted;

UPDATE kept_interval SET heat = h.wh
FROM heat_wh h WHERE h.place = 1 AND h.key = kept_interval.ts AND h.meter = kept_interval.meter;
UPDATE day_energy SET heat = h.wh
FROM heat_wh h WHERE h.place = 2 AND h.key = day_energy.day AND h.meter = day_energy.meter;
UPDATE month_energy SET heat = h.wh
FROM heat_wh h WHERE h.place = 3 AND h.key = month_energy.month AND h.meter = month_energy.meter;

UPDATE kept_register SET value = value * 1163 / 1000000
WHERE quantity = (SELECT id FROM quantity WHERE name = 'heat');
UPDATE life SET from_raw = from_raw * 1163 / 1000000, until_raw = until_raw * 1163 / 1000000
WHERE quantity = (SELECT id FROM quantity WHERE name = 'heat');
UPDATE request_log SET final = final * 1163 / 1000000, initial = initial * 1163 / 1000000
WHERE EXISTS (SELECT 1 FROM input_period p WHERE p.meter = request_log.meter_id AND p.quantity = 'heat'
              AND p.from_ts <= request_log.at_ts + 1 AND p.until_ts > request_log.at_ts + 1);
UPDATE rating SET per_hour = per_hour * 1163 / 1000000
WHERE EXISTS (SELECT 1 FROM input_period p WHERE p.meter = rating.meter AND p.quantity = 'heat'
              AND p.until_ts > rating.from_ts AND p.from_ts <= rating.from_ts + 1);

-- The saved state of a counter: what was given out is final. The value, and that at the start of the running interval, in
-- parts of the new weight; a value is a whole number of pulses, or a figure that somebody gave.
DELETE FROM account_counter WHERE before <> 0 AND meter IN (SELECT meter FROM heat_life);
DELETE FROM account WHERE before <> 0 AND meter IN (SELECT meter FROM heat_life);
CREATE TABLE heat_state AS
SELECT c.meter, c.quantity, w.weight_per AS parts,
       c.raw / w.n * w.weight + c.raw % w.n * w.weight / w.n AS raw,
       c.ended_raw / w.n * w.weight + c.ended_raw % w.n * w.weight / w.n AS ended_raw,
       (c.raw - c.sum) / w.n * w.weight + (c.raw - c.sum) % w.n * w.weight / w.n AS start_raw
FROM account_counter c JOIN quantity q ON q.id = c.quantity
JOIN input_period p ON p.meter = c.meter AND p.quantity = 'heat'
     AND p.from_ts = (SELECT max(n.from_ts) FROM input_period n WHERE n.meter = c.meter AND n.quantity = 'heat')
JOIN heat_weight w ON w.n = p.weight AND w.d = p.weight_per
WHERE q.name = 'heat' AND c.parts = p.weight_per;
-- one without a state begins a life with its next reading
DELETE FROM account_counter WHERE quantity = (SELECT id FROM quantity WHERE name = 'heat')
AND meter NOT IN (SELECT meter FROM heat_state);
UPDATE account_counter SET parts = h.parts, raw = h.raw, ended_raw = h.ended_raw, sum = h.raw - h.start_raw,
       rest = max(h.start_raw, 0) % h.parts, modulus = 0, explanations = NULL
FROM heat_state h WHERE h.meter = account_counter.meter AND h.quantity = account_counter.quantity;

UPDATE input_period SET weight = w.weight, weight_per = w.weight_per, unit = 'kWh', per = 1000,
       offset = offset * 1163 / 1000000
FROM heat_weight w WHERE w.n = input_period.weight AND w.d = input_period.weight_per AND input_period.quantity = 'heat';
UPDATE meter_key SET pulse_weight = w.weight, pulse_per = w.weight_per
FROM heat_weight w WHERE w.n = meter_key.pulse_weight AND w.d = meter_key.pulse_per AND meter_key.pulse_of = 'heat';

DROP TABLE heat_state;
DROP TABLE heat_wh;
DROP TABLE heat_sum;
DROP TABLE heat_life;
DROP TABLE heat_weight;

-- heat_wh: like the other whole numbers, SUM() over it is exact.
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
       i.heat / 1000.0 AS heat_kwh,
       (SELECT group_concat(c, ', ') FROM (
        SELECT DISTINCT q.id, CASE q.name WHEN 'active_energy_import' THEN 'active_import_kwh' WHEN 'active_energy_export' THEN 'active_export_kwh'
               WHEN 'reactive_energy_import' THEN 'reactive_import_kvarh' WHEN 'reactive_energy_export' THEN 'reactive_export_kvarh'
               WHEN 'apparent_energy' THEN 'apparent_kvah' WHEN 'volume' THEN 'volume_m3' WHEN 'heat' THEN 'heat_kwh' END AS c
        FROM suspect x JOIN quantity q ON q.id = x.quantity
        WHERE x.ts >= s.ts AND x.ts < s.ts + i.duration_s AND x.meter = m.id ORDER BY q.id) WHERE c IS NOT NULL) AS suspect,
       i.heat AS heat_wh
FROM meter m CROSS JOIN interval_start s CROSS JOIN kept_interval i ON i.ts = s.ts AND i.meter = m.id;
