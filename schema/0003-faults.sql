-- SPDX-License-Identifier: MIT
-- The faults of a meter's requests, by kind.

ALTER TABLE status_of_meter ADD COLUMN faults TEXT NOT NULL DEFAULT '';  -- "3 timeout, 1 bad CRC"

CREATE VIEW meter_faults AS
SELECT m.name AS meter, ifnull(s.requests, 0) AS requests, ifnull(s.failures, 0) AS failures, ifnull(s.faults, '') AS faults
FROM meter m LEFT JOIN status_of_meter s ON s.meter = m.id
WHERE m.configured AND NOT m.is_input;
