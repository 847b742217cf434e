-- SPDX-License-Identifier: MIT
-- Keys: what the values of a life mean, and where they are read. Two readings are subtracted from each other only if they
-- have one key.

-- The counters of a register table under certain ratios: rows of one id belong together.
CREATE TABLE meaning (
	id           INTEGER NOT NULL,  -- digest of its rows
	counter      TEXT NOT NULL,     -- quantity.name
	registers    TEXT NOT NULL,     -- address, type, word order and weight of each: "805 u32 abcd x 10 Wh"
	parts        INTEGER NOT NULL,  -- the bounds of the account, as in account_counter in 1 / parts of a base unit
	step         INTEGER NOT NULL,
	per_hour     INTEGER NOT NULL,
	back_step    INTEGER NOT NULL,
	modulus_read INTEGER NOT NULL,
	moduli       TEXT NOT NULL,     -- with blanks between them
	PRIMARY KEY (id, counter)
) STRICT, WITHOUT ROWID;

-- The keys of each meter and input in the order of their time. The first one holds from the beginning.
CREATE TABLE meter_key (
	id           INTEGER PRIMARY KEY,
	meter        INTEGER NOT NULL REFERENCES meter (id),
	from_ts      INTEGER NOT NULL,  -- it holds for the slots after this one
	meaning      INTEGER NOT NULL,  -- 0: not known
	ct_primary   INTEGER NOT NULL,
	ct_secondary INTEGER NOT NULL,
	ct_assumed   INTEGER NOT NULL,  -- 1: ct is 1/1 because nothing was written
	vt_primary   INTEGER NOT NULL,
	vt_secondary INTEGER NOT NULL,
	pulse_weight INTEGER NOT NULL,  -- of an input: weight / per base units of pulse_of
	pulse_per    INTEGER NOT NULL,
	pulse_of     TEXT NOT NULL,
	model        TEXT NOT NULL,     -- of an input, as bus and address: its concentrator's
	bus          TEXT NOT NULL,
	address      INTEGER NOT NULL,
	concentrator INTEGER NOT NULL,  -- 0: it is no input
	input        INTEGER NOT NULL,
	held         TEXT NOT NULL,     -- why values after from_ts are kept and not counted yet; '' if they count
	held_ts      INTEGER NOT NULL   -- slot of the first one of them, 0 = none yet
) STRICT;
CREATE INDEX meter_key_meter ON meter_key (meter);

INSERT INTO meter_key (meter, from_ts, meaning, ct_primary, ct_secondary, ct_assumed, vt_primary, vt_secondary,
                       pulse_weight, pulse_per, pulse_of, model, bus, address, concentrator, input, held, held_ts)
SELECT p.meter, max(p.from_ts - 1, 0), 0, 1, 1, 0, 1, 1, p.weight, p.weight_per, p.quantity, ifnull(c.model, ''), c.bus,
       ifnull(c.address, 0), p.concentrator, p.input, '', 0
FROM input_period p JOIN meter c ON c.id = p.concentrator
ORDER BY p.meter, p.from_ts;

-- The end of a life because its key changed is kept with the exchanges of meters, so that it is made again in a rebuild and
-- can be taken back. counters: names with blanks between them; NULL: all of the meter.
ALTER TABLE request_log ADD COLUMN counters TEXT;

-- Each period of an input was a life until now.
INSERT INTO request_log (kind, what, meter, meter_id, asked_ts, decided_ts, state, reason, at_ts)
SELECT 'key', 'its configuration changed', m.name, m.id, p.from_ts, p.from_ts, 'done', 'its configuration changed', p.from_ts - 1
FROM input_period p JOIN meter m ON m.id = p.meter
WHERE p.from_ts > (SELECT min(f.from_ts) FROM input_period f WHERE f.meter = p.meter)
ORDER BY p.from_ts;

DROP VIEW request;
CREATE VIEW request AS
SELECT id, strftime('%Y-%m-%dT%H:%M:%SZ', asked_ts, 'unixepoch') AS time, what, state, reason
FROM request_log WHERE kind NOT IN ('serial', 'key');

DROP VIEW meter_status;
CREATE VIEW meter_status AS
WITH heard AS (
SELECT meter, max(id >> 14) AS ts
FROM (SELECT * FROM newest_energy UNION ALL SELECT * FROM newest_power UNION ALL SELECT * FROM newest_pulse)
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
