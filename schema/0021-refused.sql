-- SPDX-License-Identifier: MIT
-- A meter may refuse registers that it has answered, for a while: a current problem.

ALTER TABLE status_of_meter ADD COLUMN refused TEXT NOT NULL DEFAULT '';  -- names and addresses; '' if none

-- Current problems. detail is NULL if no event has the cause.
DROP VIEW trouble;
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
SELECT m.name, 'register-refused', s.refused
FROM meter m JOIN status_of_meter s ON s.meter = m.id WHERE m.configured AND s.refused <> ''
UNION ALL
-- All readings of another model are suspect, and those that wait for an answer; they have a row of their own.
SELECT DISTINCT l.meter, 'suspect',
       (SELECT e.detail FROM event_log e WHERE e.subject = l.meter AND e.kind IN ('implausible', 'reset')
        ORDER BY e.id DESC LIMIT 1)
FROM latest l
WHERE l.quality = 'suspect' AND NOT EXISTS (SELECT 1 FROM meter m JOIN status_of_meter s ON s.meter = m.id
                                            WHERE m.name = l.meter AND s.mismatch <> '')
AND NOT EXISTS (SELECT 1 FROM meter m JOIN meter_key k ON k.meter = m.id WHERE m.name = l.meter AND k.held <> '')
UNION ALL
SELECT m.name, replace(k.held, ' ', '-'),
       (SELECT e.detail FROM event_log e WHERE e.subject = m.name AND e.kind IN ('key-changed', 'ct-missing')
        ORDER BY e.id DESC LIMIT 1)
FROM meter m JOIN meter_key k ON k.meter = m.id WHERE m.configured AND NOT m.is_input AND k.held <> ''
UNION ALL
SELECT m.name, 'two-meters',
       (SELECT e.detail FROM event_log e WHERE e.subject = m.name AND e.kind = 'two-meters' ORDER BY e.id DESC LIMIT 1)
FROM meter m JOIN account a ON a.meter = m.id AND a.before = 0 WHERE m.configured AND a.unsure_ts <> 0;
