"""The broker's process of a run whose questions go to a console: `policies.broker` with one more way to ask."""

from __future__ import annotations

import sys

from agent.store.approver import console_approver
from policies.broker import main

__all__ = ["PROCESS"]

PROCESS = "agent.store.broker"
"""The module to start; see `policies.broker.Broker`."""

if __name__ == "__main__":
    sys.exit(main(others={"console": console_approver}))
