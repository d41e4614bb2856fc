"""`agent stop RUN`: the red button from another terminal.

The run is asked as Ctrl+C asks it: no further act begins, what waits ends early, and the end is on the record. It is
asked again if it does not end in time, which breaks off what it is doing. Only a run whose journal is held by the
process that its record names is asked, so that a number which now belongs to another program is left alone.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from agent.outcome import USAGE

__all__ = ["stop"]

ASKED_S = 5.0
"""Seconds a run has to end after it was asked, and again after it was asked a second time."""


def stop(name: str, root: Path) -> int:
    """Stop a run. Returns 0 when it has ended, 1 when it goes on, 2 when there is none or it has ended before."""
    from agent.audit.journal import is_live
    from agent.run_folder import RunNotFound, find_run

    try:
        folder = find_run(root, name)
        record = folder.read_run()
    except (RunNotFound, ValueError) as problem:
        print(f"agent stop: {problem}", file=sys.stderr)
        return USAGE
    if record.status == "ended" or not is_live(folder.journal):
        print(f"agent stop: {folder.id} is not running any more", file=sys.stderr)
        return USAGE
    for again in (False, True):
        try:
            os.kill(record.pid, signal.SIGTERM)
        except ProcessLookupError:
            break
        except PermissionError:
            print(f"agent stop: {folder.id} belongs to another user", file=sys.stderr)
            return 1
        until = time.monotonic() + ASKED_S
        while is_live(folder.journal) and time.monotonic() < until:
            time.sleep(0.02)
        if not is_live(folder.journal):
            break
        if not again:
            print(f"{folder.id} has not ended yet; asking again", file=sys.stderr)
    if is_live(folder.journal):
        print(f"agent stop: {folder.id} (process {record.pid}) does not end", file=sys.stderr)
        return 1
    print(f"{folder.id} was stopped")
    return 0
