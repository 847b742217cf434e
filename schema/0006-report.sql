-- SPDX-License-Identifier: MIT
-- Views for reports: what tally status and similar programs show besides the views of the contract, so that a program that
-- reads the database needs no table. Like the views of the contract they do not change.

-- meter_status, with the age of the newest reading, the identity of a device that is another model, and the faults of its
-- requests. Counts are written every few minutes, readings with every commit: the newer of the two gives the age.
CREATE VIEW meter_report AS
WITH heard AS (
SELECT meter, max(id >> 14) AS ts
FROM (SELECT * FROM newest_energy UNION ALL SELECT * FROM newest_partial UNION ALL SELECT * FROM newest_tariff
      UNION ALL SELECT * FROM newest_tariff_other UNION ALL SELECT * FROM newest_power UNION ALL SELECT * FROM newest_pulse)
GROUP BY meter)
SELECT m.meter, m.bus, m.model, m.address, m.label, m.serial, m.state, m.last_good, m.failures, m.requests, m.timeouts,
       m.crc_errors, m.exceptions, m.latency_ms,
       unixepoch('now') - max(unixepoch(m.last_good), ifnull(h.ts, 0)) AS age_s,
       s.mismatch, ifnull(s.faults, '') AS faults
FROM meter_status m JOIN meter i ON i.name = m.meter LEFT JOIN status_of_meter s ON s.meter = i.id
LEFT JOIN heard h ON h.meter = i.id;

-- Current problems. detail is NULL if no event has the cause.
CREATE VIEW trouble AS
SELECT bus AS subject, 'bus-down' AS kind,
       (SELECT e.detail FROM event_log e WHERE e.subject = bus AND e.kind = 'bus-down' ORDER BY e.id DESC LIMIT 1)
       AS detail
FROM bus_status WHERE state = 'down'
UNION ALL
-- Meters of a bus that is down get no row of their own.
SELECT m.name, 'meter-down',
       (SELECT e.detail FROM event_log e WHERE e.subject = m.name AND e.kind = 'meter-down' ORDER BY e.id DESC LIMIT 1)
FROM meter m LEFT JOIN status_of_meter s ON s.meter = m.id
WHERE m.configured AND NOT m.is_input AND ifnull(s.state, 'never') IN ('down', 'never')
AND m.bus NOT IN (SELECT bus FROM bus_status WHERE state = 'down')
UNION ALL
SELECT m.name, 'mismatch', s.mismatch
FROM meter m JOIN status_of_meter s ON s.meter = m.id WHERE m.configured AND s.mismatch <> ''
UNION ALL
-- All readings of another model are suspect; they have the row with the mismatch.
SELECT DISTINCT l.meter, 'suspect',
       (SELECT e.detail FROM event_log e WHERE e.subject = l.meter AND e.kind IN ('implausible', 'reset')
        ORDER BY e.id DESC LIMIT 1)
FROM latest l
WHERE l.quality = 'suspect' AND NOT EXISTS (SELECT 1 FROM meter m JOIN status_of_meter s ON s.meter = m.id
                                            WHERE m.name = l.meter AND s.mismatch <> '');

-- Every name that appears in other views, including meters, inputs and buses that are no longer configured.
CREATE VIEW subject AS
SELECT name, CASE is_input WHEN 1 THEN 'input' ELSE 'meter' END AS kind, configured FROM meter
UNION ALL
SELECT name, 'bus', configured FROM bus
UNION ALL
SELECT 'tallyd', 'daemon', 1;

-- Replacements of meters, in the order of the requests. detail is that of the event meter-replaced.
CREATE VIEW meter_replacement AS
SELECT r.id, strftime('%Y-%m-%dT%H:%M:%SZ', r.at_ts, 'unixepoch') AS time, r.at_ts AS ts, r.meter, r.serial, r.done,
       (SELECT e.detail FROM event_log e
        WHERE e.subject = r.meter AND e.kind = 'meter-replaced' AND e.at_ms = r.at_ts * 1000 ORDER BY e.id DESC LIMIT 1)
       AS detail
FROM replacement r;
