-- SPDX-License-Identifier: MIT
-- The keys of the counters, with the time from which each holds: two readings are subtracted only if they have one key.

-- A key is that of the readings after since_ts, up to until_ts. What a reload or a rebuild compares is table meter_key.
CREATE VIEW key AS
SELECT m.name AS meter, ifnull(nullif(k.pulse_of, ''), r.counter) AS quantity,
       strftime('%Y-%m-%dT%H:%M:%SZ', nullif(k.from_ts, 0), 'unixepoch') AS since,
       strftime('%Y-%m-%dT%H:%M:%SZ', n.from_ts, 'unixepoch') AS until,
       r.registers,
       iif(k.input = 0, k.ct_primary || '/' || k.ct_secondary || iif(k.ct_assumed, ' (not stated)', ''), NULL) AS ct,
       iif(k.input = 0, k.vt_primary || '/' || k.vt_secondary, NULL) AS vt,
       iif(k.input = 0, NULL, k.pulse_weight || iif(k.pulse_per = 1, '', '/' || k.pulse_per) || ' ' || q.base) AS pulse,
       k.model, k.bus, k.address, c.name AS concentrator, nullif(k.input, 0) AS input, nullif(k.held, '') AS held,
       nullif(k.from_ts, 0) AS since_ts, n.from_ts AS until_ts
FROM meter_key k JOIN meter m ON m.id = k.meter
LEFT JOIN meter c ON c.id = k.concentrator
LEFT JOIN quantity q ON q.name = k.pulse_of
LEFT JOIN meter_key n ON n.id = (SELECT min(x.id) FROM meter_key x WHERE x.meter = k.meter AND x.id > k.id)
LEFT JOIN meaning r ON r.id = k.meaning
      AND (r.counter = 'pulses_' || k.input OR (k.input = 0 AND r.counter NOT LIKE 'pulses_%'))
-- one that was changed before a reading came held for none
WHERE (n.id IS NULL OR n.from_ts > k.from_ts)
      -- a concentrator has no counter of its own
      AND (k.meaning = 0 OR k.input <> 0 OR r.counter IS NOT NULL);
