# SPDX-License-Identifier: MIT
"""A program on a terminal of a given width, for tests of the output that people see."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time


class Terminal:
    def __init__(self, command, columns=80, environment=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
        self.process = subprocess.Popen([str(c) for c in command], stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, env={**kept, "TERM": "xterm", **(environment or {})},
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.shown = ""

    def read_until(self, condition, patience_s=60):
        """Read until condition(shown) or the end of the program. Returns all output so far."""
        deadline = time.monotonic() + patience_s
        while not condition(self.shown):
            if not select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"timed out after {patience_s} s; shown: {self.shown!r}")
            try:
                chunk = os.read(self.master, 4096)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            self.shown += chunk.decode(errors="replace")
        return self.shown

    def press(self, keys):
        os.write(self.master, keys)

    def end(self):
        """Wait for the end of the program. Returns all output and the exit code."""
        self.read_until(lambda _: False)
        code = self.process.wait(60)
        os.close(self.master)
        return self.shown.replace("\r\n", "\n"), code
