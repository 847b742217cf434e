-- SPDX-License-Identifier: MIT
-- A value that was never measured is NULL: the latency of a meter that has not answered, the duration of a round before
-- the first one.

DROP VIEW meter_status;
CREATE VIEW meter_status AS
WITH heard AS (
SELECT meter, max(id >> 14) AS ts
FROM (SELECT * FROM newest_energy UNION ALL SELECT * FROM newest_power UNION ALL SELECT * FROM newest_pulse)
GROUP BY meter)
SELECT m.name AS meter, m.bus, m.model, m.address, m.label, m.serial, ifnull(s.state, 'never') AS state,
       strftime('%Y-%m-%dT%H:%M:%SZ', nullif(max(ifnull(s.last_good_ts, 0), ifnull(h.ts, 0)), 0), 'unixepoch')
       AS last_good,
       ifnull(s.failures, 0) AS failures, ifnull(s.requests, 0) AS requests, ifnull(s.timeouts, 0) AS timeouts,
       ifnull(s.crc_errors, 0) AS crc_errors, ifnull(s.exceptions, 0) AS exceptions,
       nullif(s.latency_us, 0) / 1000.0 AS latency_ms
FROM meter m LEFT JOIN status_of_meter s ON s.meter = m.id LEFT JOIN heard h ON h.meter = m.id
WHERE m.configured AND NOT m.is_input;

DROP VIEW bus_status;
CREATE VIEW bus_status AS
SELECT b.name AS bus, b.transport, ifnull(s.state, 'down') AS state, ifnull(s.busy_percent, 0.0) AS busy_percent,
       ifnull(s.requests, 0) AS requests, ifnull(s.errors, 0) AS errors, ifnull(s.overruns, 0) AS overruns,
       nullif(s.round_ms, 0) AS round_ms
FROM bus b LEFT JOIN status_of_bus s ON s.bus = b.name
WHERE b.configured;
