-- SPDX-License-Identifier: MIT
-- Which values of a row are of a coarser register than the first one that the register table of the meter names. One bit
-- for each column of a quantity, the first one's is 1. NULL: written before this was noted.
ALTER TABLE reading_energy ADD COLUMN coarse INTEGER;
ALTER TABLE reading_partial ADD COLUMN coarse INTEGER;
ALTER TABLE reading_tariff ADD COLUMN coarse INTEGER;
ALTER TABLE reading_tariff_other ADD COLUMN coarse INTEGER;
ALTER TABLE reading_pulse ADD COLUMN coarse INTEGER;

-- The bounds of a quantity that has a coarser register too; 0: it has none, and both registers turn over at the same values.
ALTER TABLE meaning ADD COLUMN coarse_step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meaning ADD COLUMN fold INTEGER NOT NULL DEFAULT 0;
