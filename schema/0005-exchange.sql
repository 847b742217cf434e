-- SPDX-License-Identifier: MIT
-- The source of an exchange. If a meter reports another serial number, it is another meter from that reading on, whatever
-- its counters did before. An exchange reported by tally replace may be a reset that was noticed earlier.

ALTER TABLE replacement ADD COLUMN serial TEXT;  -- serial number of the new meter; NULL: reported by tally replace
