# SPDX-License-Identifier: MIT
"""tallyd-db(5) names every view of the contract with every column, in order, and none that is not there."""

import re
import unittest

from simsite import SOURCE, Site

VIEWS = ("energy tariff_energy power pulse latest interval interval_energy daily monthly monthly_tariff "
         "meter_status bus_status event").split()


class TestDatabaseManual(Site):
    def test_manual_lists_the_columns_of_every_view(self):
        page = (SOURCE / "daemon/tallyd-db.5").read_text()
        page = page[page.index(".Sh THE VIEWS"):page.index(".Sh EXAMPLES")]
        parts = re.split(r"^\.Ss ", page, flags=re.M)[1:]
        listed = {}
        for part in parts:
            names = re.findall(r"^\.It Va (.*)$", part, re.M)
            listed[part.split("\n")[0]] = [n for line in names for n in line.split(" , ")]
        self.assertEqual(list(listed), VIEWS)
        self.write("etc/bus.d/a.ini", "[bus]\ntransport = tcp\nhost = 127.0.0.1\n")
        self.start_daemon()
        self.wait_rows("SELECT name FROM sqlite_master WHERE type = 'view'", len(VIEWS))
        self.assertEqual(self.stop_daemon(), 0)
        for view in VIEWS:
            columns = [r["name"] for r in self.sql(f"SELECT name FROM pragma_table_info('{view}')")]
            self.assertEqual(listed[view], columns, view)


if __name__ == "__main__":
    unittest.main()
