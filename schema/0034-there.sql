-- SPDX-License-Identifier: MIT
-- An exchange that another serial number shows may begin with readings that came before the number. Those that are known
-- already did not.

UPDATE request_log SET named = 1 WHERE kind = 'serial';
