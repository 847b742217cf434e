# SPDX-License-Identifier: MIT
"""tallyd-db(5) lists exactly the views of the contract, and all columns of each in order."""

import re
import unittest

from simsite import SOURCE, Site

VIEWS = ("energy tariff_energy power pulse latest interval interval_energy daily monthly monthly_tariff "
         "register meter_status bus_status event revision request key "
         "daily_gas monthly_gas input meter_kind calorific").split()
REPORTS = "meter_report trouble subject meter_replacement meter_faults meter_life counter local_span counted_reading suspect_reading".split()


def listed_columns(page, section, next_section):
    """The columns that the section of the page lists, by view."""
    section = page[page.index(f".Sh {section}"):page.index(f".Sh {next_section}")]
    parts = re.split(r"^\.Ss ", section, flags=re.M)[1:]
    listed = {}
    for part in parts:
        names = re.findall(r"^\.It Va (.*)$", part, re.M)
        listed[part.split("\n")[0]] = [n for line in names for n in line.split(" , ")]
    return listed


class TestDatabaseManual(Site):
    def test_the_manual_lists_the_columns_of_every_view(self):
        page = (SOURCE / "daemon/tallyd-db.5").read_text()
        listed = listed_columns(page, "THE VIEWS", "VIEWS FOR REPORTS")
        self.assertEqual(list(listed), VIEWS)
        reports = listed_columns(page, "VIEWS FOR REPORTS", "EXAMPLES")
        self.assertEqual(list(reports), REPORTS)
        listed.update(reports)
        self.write("etc/bus.d/a.ini", "[bus]\ntransport = tcp\nhost = 127.0.0.1\n")
        self.start_daemon()
        self.wait_rows("SELECT name FROM sqlite_master WHERE type = 'view'", len(VIEWS))
        self.assertEqual(self.stop_daemon(), 0)
        for view in VIEWS + REPORTS:
            columns = [r["name"] for r in self.sql(f"SELECT name FROM pragma_table_info('{view}')")]
            self.assertEqual(listed[view], columns, view)


if __name__ == "__main__":
    unittest.main()
