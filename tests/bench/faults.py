# SPDX-License-Identifier: MIT
"""A short run of the integration tests' soak: every stored value must be one that a meter has shown."""

import common  # noqa: F401, puts soak on the path

import soak


def truth(quick):
    total = soak.run(2000 if quick else 30000, 0.055)
    yield "truth.transactions", total["requests"], "1"
    yield "truth.faults", 100 * sum(total["faults"].values()) / total["requests"], "%"
    yield "truth.values", total["values"], "1"
    yield "truth.wrong_values", len(total["wrong"]), "1"
    yield "truth.cpu_per_transaction", 1e6 * total["cpu_s"] / total["requests"], "us"
