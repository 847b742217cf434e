-- SPDX-License-Identifier: MIT
-- Requests: all that people order, with what became of it. A request waits until the daemon decides about it, and stays.

-- Also what was noticed that no reading shows. A rebuild of the account makes the exchanges again that are done.
CREATE TABLE request_log (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	kind       TEXT NOT NULL,     -- replace, undo; serial: not requested, the meter reported another serial number
	what       TEXT NOT NULL,     -- the same in words
	meter      TEXT NOT NULL,     -- the name that was given
	meter_id   INTEGER REFERENCES meter (id),  -- when it is decided
	asked_ts   INTEGER NOT NULL,
	decided_ts INTEGER,
	state      TEXT NOT NULL DEFAULT 'waiting',  -- waiting, done, refused
	reason     TEXT,              -- what was done, or why it was refused
	at_ts      INTEGER NOT NULL,  -- replace: when the meter was exchanged
	final      INTEGER,           -- last value of the old meter, in base units
	initial    INTEGER,           -- first value of the new meter, in base units
	forced     INTEGER NOT NULL DEFAULT 0,  -- 1: the figures count although they cannot be right
	serial     TEXT,              -- serial: of the new meter
	undone_by  INTEGER REFERENCES request_log (id)  -- the request that took this one back
) STRICT;

INSERT INTO request_log (id, kind, what, meter, meter_id, asked_ts, decided_ts, state, reason, at_ts, final, initial, serial)
SELECT r.id, iif(r.serial IS NULL, 'replace', 'serial'),
       iif(r.serial IS NULL, 'replace ' || r.meter, 'serial number ' || r.serial), r.meter, m.id,
       r.at_ts, iif(r.done, r.at_ts, NULL), iif(r.done, 'done', 'waiting'),
       (SELECT e.detail FROM event_log e
        WHERE e.subject = r.meter AND e.kind = 'meter-replaced' AND e.at_ms = r.at_ts * 1000 ORDER BY e.id DESC LIMIT 1),
       r.at_ts, r.final, r.initial, r.serial
FROM replacement r LEFT JOIN meter m ON m.name = r.meter ORDER BY r.id;

DROP VIEW meter_replacement;
DROP TABLE replacement;

CREATE VIEW request AS
SELECT id, strftime('%Y-%m-%dT%H:%M:%SZ', asked_ts, 'unixepoch') AS time, what, state, reason
FROM request_log WHERE kind <> 'serial';

-- Replacements of meters that were made or wait, in the order of the requests, without those that were taken back.
CREATE VIEW meter_replacement AS
SELECT r.id, strftime('%Y-%m-%dT%H:%M:%SZ', r.at_ts, 'unixepoch') AS time, r.at_ts AS ts, ifnull(m.name, r.meter) AS meter,
       r.serial, r.state = 'done' AS done, r.reason AS detail
FROM request_log r LEFT JOIN meter m ON m.id = r.meter_id
WHERE r.kind IN ('replace', 'serial') AND r.state <> 'refused' AND r.undone_by IS NULL;

-- The saved state of each account, now and before its last exchange, so that this can be taken back. before: 0 for now, else
-- the request that it was before.
CREATE TABLE old_account AS SELECT * FROM account;
DROP TABLE account;
CREATE TABLE account (
	meter       INTEGER NOT NULL REFERENCES meter (id),
	before      INTEGER NOT NULL DEFAULT 0,
	last_ts     INTEGER NOT NULL,  -- newest slot included
	counter_max INTEGER NOT NULL,
	unsure_ts   INTEGER NOT NULL DEFAULT 0,  -- two meters seem to answer: the last time that the account changed its mind
	PRIMARY KEY (meter, before)
) STRICT, WITHOUT ROWID;
INSERT INTO account (meter, last_ts, counter_max, unsure_ts) SELECT meter, last_ts, counter_max, unsure_ts FROM old_account;
DROP TABLE old_account;

CREATE TABLE old_counter AS SELECT * FROM account_counter;
DROP TABLE account_counter;
CREATE TABLE account_counter (
	meter        INTEGER NOT NULL REFERENCES meter (id),
	before       INTEGER NOT NULL DEFAULT 0,
	quantity     INTEGER NOT NULL REFERENCES quantity (id),
	parts        INTEGER NOT NULL,  -- the values are in 1 / parts of a base unit
	living       INTEGER NOT NULL,
	life_ts      INTEGER NOT NULL,
	was_reset    INTEGER NOT NULL,  -- 1: the life began with a reset that was not announced
	ts           INTEGER NOT NULL,
	raw          INTEGER NOT NULL,
	seen_ts      INTEGER NOT NULL,
	open_ts      INTEGER NOT NULL,
	sum          INTEGER NOT NULL,
	rest         INTEGER NOT NULL,
	ended_raw    INTEGER NOT NULL,
	known_s      INTEGER NOT NULL,
	estimated    INTEGER NOT NULL,
	modulus      INTEGER NOT NULL,
	explanations BLOB,              -- NULL: what was written is final
	PRIMARY KEY (meter, before, quantity)
) STRICT, WITHOUT ROWID;
INSERT INTO account_counter (meter, quantity, parts, living, life_ts, was_reset, ts, raw, seen_ts, open_ts, sum, rest,
                             ended_raw, known_s, estimated, modulus, explanations)
SELECT meter, quantity, parts, living, life_ts, was_reset, ts, raw, seen_ts, open_ts, sum, rest,
       ended_raw, known_s, estimated, modulus, explanations FROM old_counter;
DROP TABLE old_counter;

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
FROM meter m JOIN account a ON a.meter = m.id AND a.before = 0 WHERE m.configured AND a.unsure_ts <> 0;
