-- SPDX-License-Identifier: MIT
-- Explanations of readings: whether a reading is good may be decided later than it came, and decided otherwise. Then
-- intervals, days and months that were written before are changed, and a revision says so.

-- The saved state of a counter: up to where its results were written, and in explanations what is not final yet, packed.
-- NULL: written by an older version; what was written is final.
-- Made again and not altered: for each column that goes SQLite would look through all views.
CREATE TABLE was_account_counter AS SELECT * FROM account_counter;
DROP TABLE account_counter;
CREATE TABLE account_counter (
	meter            INTEGER NOT NULL REFERENCES meter (id),
	quantity         INTEGER NOT NULL REFERENCES quantity (id),
	parts            INTEGER NOT NULL,  -- the values are in 1 / parts of a base unit
	living           INTEGER NOT NULL,  -- 0: no, 1: yes, 2: yes, since a reset that was not announced
	life_ts          INTEGER NOT NULL,
	ts               INTEGER NOT NULL,
	raw              INTEGER NOT NULL,
	seen_ts          INTEGER NOT NULL,
	open_ts          INTEGER NOT NULL,
	sum              INTEGER NOT NULL,
	rest             INTEGER NOT NULL,
	ended_raw        INTEGER NOT NULL,
	known_s          INTEGER NOT NULL,
	estimated        INTEGER NOT NULL,
	modulus          INTEGER NOT NULL,
	was_reset INTEGER NOT NULL DEFAULT 0, explanations BLOB,
	PRIMARY KEY (meter, quantity)
) STRICT, WITHOUT ROWID;
-- was_reset 1: the life began with a reset that was not announced
INSERT INTO account_counter
SELECT meter, quantity, parts, living > 0, life_ts, ts, raw, seen_ts, open_ts, sum, rest, ended_raw, known_s, estimated, modulus,
       living > 1, NULL
FROM was_account_counter;
DROP TABLE was_account_counter;

ALTER TABLE account ADD COLUMN unsure_ts INTEGER NOT NULL DEFAULT 0;

-- The quality that the reading has apart from its suspect values. 0 good, 1 late, 3 unsynchronised.
ALTER TABLE suspect ADD COLUMN quality INTEGER NOT NULL DEFAULT 0;

-- AUTOINCREMENT, so that an id is never used again: programs that copy rows remember the last one that they have seen.
CREATE TABLE revision_log (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	at_ts    INTEGER NOT NULL,
	kind     TEXT NOT NULL,     -- interval, day, month
	from_ts  INTEGER NOT NULL,
	until_ts INTEGER NOT NULL,
	meter    INTEGER REFERENCES meter (id),
	reason   TEXT NOT NULL
) STRICT;

CREATE VIEW revision AS
SELECT r.id, strftime('%Y-%m-%dT%H:%M:%SZ', r.at_ts, 'unixepoch') AS time, r.at_ts AS ts, r.kind, r.from_ts, r.until_ts,
       m.name AS meter, r.reason
FROM revision_log r LEFT JOIN meter m ON m.id = r.meter;

DROP VIEW meter_status;
CREATE VIEW meter_status AS
WITH heard AS (
SELECT meter, max(id >> 14) AS ts
FROM (SELECT * FROM newest_energy UNION ALL SELECT * FROM newest_power UNION ALL SELECT * FROM newest_pulse)
GROUP BY meter)
SELECT m.name AS meter, m.bus, m.model, m.address, m.label, m.serial,
       CASE WHEN s.state = 'up' AND a.unsure_ts <> 0 THEN 'suspect' ELSE ifnull(s.state, 'never') END AS state,
       strftime('%Y-%m-%dT%H:%M:%SZ', nullif(max(ifnull(s.last_good_ts, 0), ifnull(h.ts, 0)), 0), 'unixepoch')
       AS last_good,
       ifnull(s.failures, 0) AS failures, ifnull(s.requests, 0) AS requests, ifnull(s.timeouts, 0) AS timeouts,
       ifnull(s.crc_errors, 0) AS crc_errors, ifnull(s.exceptions, 0) AS exceptions,
       nullif(s.latency_us, 0) / 1000.0 AS latency_ms
FROM meter m LEFT JOIN status_of_meter s ON s.meter = m.id LEFT JOIN heard h ON h.meter = m.id
LEFT JOIN account a ON a.meter = m.id
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
-- All readings of another model are suspect; they have the row with the mismatch.
SELECT DISTINCT l.meter, 'suspect',
       (SELECT e.detail FROM event_log e WHERE e.subject = l.meter AND e.kind IN ('implausible', 'reset')
        ORDER BY e.id DESC LIMIT 1)
FROM latest l
WHERE l.quality = 'suspect' AND NOT EXISTS (SELECT 1 FROM meter m JOIN status_of_meter s ON s.meter = m.id
                                            WHERE m.name = l.meter AND s.mismatch <> '')
UNION ALL
SELECT m.name, 'two-meters',
       (SELECT e.detail FROM event_log e WHERE e.subject = m.name AND e.kind = 'two-meters' ORDER BY e.id DESC LIMIT 1)
FROM meter m JOIN account a ON a.meter = m.id WHERE m.configured AND a.unsure_ts <> 0;
