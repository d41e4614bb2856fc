"""`agent view` and `agent runs`: the report of one run, and the list of all."""

from __future__ import annotations

import json
import sys
import webbrowser
from pathlib import Path

from agent.report.page import is_brief, write_report
from agent.run_folder import RunFolderUnwritable, RunNotFound, find_run, list_runs

__all__ = ["listed", "show"]


def show(name: str, root: Path, open_it: bool) -> int:
    """Print where the report is, and open it in the person's own browser unless told not to. Exit 0 or 2."""
    try:
        folder = find_run(root, name)
        path = folder.report if folder.report.exists() and not is_brief(folder) else write_report(folder)
    except (RunNotFound, RunFolderUnwritable, ValueError) as problem:
        print(f"agent view: {problem}", file=sys.stderr)
        return 2
    print(path)
    if open_it:
        webbrowser.open(path.as_uri())
    return 0


def listed(root: Path, as_json: bool) -> int:
    """Print every run under `root`: id, state or outcome, steps, seconds, and why it ended."""
    found = list_runs(root)
    if as_json:
        told = [run.record.model_dump(mode="json") if run.record else {} for run in found]
        rows = [{"id": run.id, "state": run.state, **record} for run, record in zip(found, told, strict=True)]
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    for run in found:
        record = run.record
        if record is None:
            print(f"{run.id}  unreadable: {run.problem}")
            continue
        how = record.outcome or run.state
        print(f"{run.id}  {how:<16}{record.steps:>4} steps {record.seconds or 0:7.1f} s  {record.detail}")
    if not found:
        print(f"no runs in {root}")
    return 0
