-- SPDX-License-Identifier: MIT
-- How an exchange is known: a meter that says another serial number is another one from that reading on, whatever its
-- counters have done before; what people tell may be of a reset that was noticed already.

ALTER TABLE replacement ADD COLUMN serial TEXT;  -- what the new one says; NULL: tally replace told it
