-- SPDX-License-Identifier: MIT
-- An order can name the time of an exchange. Readings that have come since are counted again then.

-- 1: people have named at_ts. 0: it is when they ordered.
ALTER TABLE request_log ADD COLUMN named INTEGER NOT NULL DEFAULT 0;

-- In account and account_counter, before can be negative: states that are kept to count again from, -1 and -2 (older).
