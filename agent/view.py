"""`agent view`: open the report of a run, written anew where it is missing."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

from agent.report.page import write_report
from agent.run_folder import RunFolderUnwritable, RunNotFound, find_run

__all__ = ["show"]


def show(name: str, root: Path, open_it: bool) -> int:
    """Print where the report is, and open it in the person's own browser unless told not to. Exit 0 or 2."""
    try:
        folder = find_run(root, name)
        path = folder.report if folder.report.exists() else write_report(folder)
    except (RunNotFound, RunFolderUnwritable, ValueError) as problem:
        print(f"agent view: {problem}", file=sys.stderr)
        return 2
    print(path)
    if open_it:
        webbrowser.open(path.as_uri())
    return 0
