# SPDX-License-Identifier: MIT
"""tally rename: a meter keeps its history under another name."""

import signal
import unittest

from opssite import OpsSite
from simsite import wait_for


class TestRename(OpsSite):
    def rename_section(self, old, new):
        path = self.etc / "bus.d" / "gateway.ini"
        path.write_text(path.read_text().replace(f"[meter {old}]", f"[meter {new}]"))

    def reload(self):
        n = len(self.sql("SELECT * FROM event WHERE kind = 'configuration-reloaded'"))
        self.daemon.send_signal(signal.SIGHUP)
        self.wait_rows("SELECT * FROM event WHERE kind = 'configuration-reloaded'", n + 1)

    def test_a_history_that_was_read_under_both_names_is_one(self):
        self.start_sim(self.site)
        self.start_daemon()
        self.wait_rows("SELECT * FROM meter_life WHERE meter = 'e44'", 1)
        self.rename_section("e44", "main")
        self.reload()
        self.wait_rows("SELECT * FROM energy WHERE meter = 'main'", 2)
        self.wait_rows("SELECT * FROM event WHERE subject = 'main' AND kind = 'meter-known'", 1)
        ran = self.tally("rename", "e44", "main")
        self.assertEqual((ran.returncode, ran.stdout), (0, "e44: request saved; it is decided when tallyd takes the "
                                                           "configuration: systemctl reload tallyd\n"), ran.stderr)
        self.reload()
        requests = self.sql("SELECT what, state, reason FROM request")
        self.assertEqual([tuple(r) if not isinstance(r, dict) else tuple(r.values()) for r in requests],
                         [("rename e44 main", "done", "renamed to main, with its history")])
        n = len(self.sql("SELECT * FROM energy WHERE meter = 'main'"))
        wait_for(lambda: len(self.sql("SELECT * FROM energy WHERE meter = 'main'")) > n, "the next reading")
        self.assertEqual(self.sql("SELECT * FROM energy WHERE meter NOT IN ('main', 'gas')"), [])
        lives = self.sql("SELECT reason, until FROM meter_life WHERE meter = 'main' AND quantity = 'active_energy_import'")
        self.assertEqual([(life["reason"], life["until"]) for life in lives], [("first", None)])

    def test_a_stopped_daemon_renames_when_it_starts(self):
        self.run_for_a_while()
        self.rename_section("e44", "main")
        ran = self.tally("rename", "e44", "main")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("e44: request saved; tallyd is not running, the verdict comes when it starts", ran.stdout)
        ran = self.tally("rename", "e44", "pulses")
        self.assertEqual(ran.returncode, 1)
        self.assertIn('"rename e44 main" waits already', ran.stderr)
        self.start_daemon()
        self.wait_rows("SELECT * FROM request WHERE state = 'done'", 1)
        self.assertEqual(self.sql("SELECT * FROM energy WHERE meter = 'e44'"), [])
        self.assertGreater(len(self.sql("SELECT * FROM energy WHERE meter = 'main'")), 3)

    def test_an_invalid_request_changes_nothing(self):
        self.run_for_a_while()
        for arguments, code, message in (
                (("e44",), 2, "expected OLD and NEW"),
                (("e44", "man"), 1, 'no meter or input "man" in '),
                (("e44", "gas"), 1, "e44: is still configured; rename its section in the bus file to gas first"),
                (("other", "gas"), 1, "other: not in ")):
            self.assert_tally_fails(("rename", *arguments), code, message)
        self.assertEqual(self.sql("SELECT * FROM request"), [])


if __name__ == "__main__":
    unittest.main()
