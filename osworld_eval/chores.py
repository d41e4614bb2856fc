"""The task files that come along, each run by the plan and by a model: a table of how each ended.

A run is a process of its own, under the task's own policy with nobody to ask. What a task's checks confirm counts; what
a model only says is done does not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from osworld_eval.bookings import CARD

__all__ = ["Chore", "main", "play", "task_files"]

_SURFACES = ("browser", "desktop")
_LONGEST_S = 900


@dataclass(frozen=True, slots=True)
class Chore:
    """How one task ended with one model."""

    task: str
    model: str
    outcome: str
    because: str
    steps: int
    seconds: float

    @property
    def good(self) -> bool:
        return self.outcome == "verified"


def task_files(folder: Path, only: Sequence[str] = ()) -> list[Path]:
    """The task files below a folder that need nothing but this machine, by surface and name.

    Raises:
        ValueError: there is none, or none of such a name. One line.
    """
    found = [path for surface in _SURFACES for path in sorted((folder / surface).glob("*.yaml"))]
    found += [path for path in sorted(folder.glob("*.yaml"))]
    if unknown := [name for name in only if name not in {path.stem for path in found}]:
        raise ValueError(f"no task `{unknown[0]}` in {folder}, there are {', '.join(path.stem for path in found)}")
    chosen = [path for path in found if not only or path.stem in only]
    if not chosen:
        raise ValueError(f"no task files in {folder}, expected {' and '.join(f'{one}/*.yaml' for one in _SURFACES)}")
    return chosen


def play(task: Path, model: str, runs: Path) -> Chore:
    """One run to its end."""
    command = [sys.executable, "-m", "agent", "run", str(task), "--model", model, "--approve", "deny", "--json"]
    command += ["--again", "--runs", str(runs)]
    environment = {**CARD, **os.environ}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
    except subprocess.TimeoutExpired:
        return Chore(task.stem, model, "error", f"no end within {_LONGEST_S} s", 0, float(_LONGEST_S))
    last = (done.stdout.strip().splitlines() or ["{}"])[-1]
    said = json.loads(last) if last.startswith("{") else {}
    why = said.get("because") or " ".join(done.stderr.strip().splitlines()[-1:]) or f"exit {done.returncode}"
    return Chore(task.stem, model, said.get("outcome", "invalid"), why, said.get("steps", 0), said.get("seconds", 0.0))


def main(folder: Path, only: Sequence[str], models: Sequence[str], runs: Path, as_json: bool) -> int:
    """Run all and tell. Exit 0 when every task is verified with the plan, 1 when not, 2 for what is not there."""
    try:
        files = task_files(folder, only)
    except ValueError as problem:
        print(f"agent eval chores: {problem}", file=sys.stderr)
        return 2
    found = []
    for path in files:
        for model in models:
            one = play(path, model, runs)
            found.append(one)
            if not as_json:
                print(_line(one), flush=True)
    counts = {name: sum(one.good for one in found if one.model == name) for name in models}
    if as_json:
        print(json.dumps({"tasks": len(files), "verified": counts, "results": [asdict(one) for one in found]}))
    else:
        print(f"verified of {len(files)}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    return 0 if counts.get("plan", len(files)) == len(files) else 1


def _line(one: Chore) -> str:
    because = "" if one.good else one.because[:90]
    return f"{one.task:<22}{one.model:<10}{one.outcome:<17}{one.steps:>4} steps{one.seconds:>7.1f} s  {because}"
