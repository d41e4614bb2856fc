"""What a person sees: a bar with an estimate while tasks are played, and the table afterwards."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from osworld_eval.osworld.figures import percent
from osworld_eval.osworld.row import Row

__all__ = ["Progress", "show"]

_EVERY_S = 60.0


class Progress:
    """A bar on a terminal, a line a minute in a pipe; nothing where machines listen.

    Args:
        name: of the agent.
        total: everything that is scheduled.
        before: how much of it was finished before.
        slots: how many play at once.
        quiet: whether machines listen.
    """

    def __init__(self, name: str, total: int, before: int, slots: int, quiet: bool, out: TextIO | None = None) -> None:
        self._name = name
        self._total = total
        self._done = before
        self._slots = slots
        self._quiet = quiet
        self._out = out or sys.stderr
        self._bar: Any = None
        self._scores: list[float] = []
        self._seconds: list[float] = []
        self._faults = 0
        self._said = time.monotonic()

    def __enter__(self) -> Progress:
        if not self._quiet and self._out.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
            from rich.progress import Progress as Bar

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[left]}"),
            )
            self._bar = Bar(*columns, console=Console(file=self._out))
            self._bar.start()
            self._id = self._bar.add_task(self._name, total=self._total, completed=self._done, left="")
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    @property
    def left_s(self) -> float | None:
        """How long the rest will take, by what an attempt has taken so far; None before the first."""
        if not self._seconds:
            return None
        each = sum(self._seconds) / len(self._seconds)
        return each * max(0, self._total - self._done) / max(1, min(self._slots, self._total - self._done))

    def step(self, row: Row, again: bool) -> None:
        """One attempt is over; `again` says that its job is tried once more."""
        self._seconds.append(row.seconds)
        self._faults += row.status == "infrastructure"
        if not again:
            self._done += 1
            self._scores.append(row.score or 0.0)
        said = f"{self._name} {row.task}: {_word(row, again)}; mean {percent(self._scores) or 0:.1f} %"
        if self._faults:
            said += f", {self._faults} faults"
        left = f"about {_time(self.left_s)} left" if self._done < self._total else ""
        if self._bar is not None:
            self._bar.update(self._id, completed=self._done, description=said[:90], left=left)
        elif not self._quiet and (time.monotonic() - self._said > _EVERY_S or row.status != "scored"):
            self._said = time.monotonic()
            print(f"{self._done} of {self._total}: {said}{'; ' if left else ''}{left}", file=self._out, flush=True)


def _word(row: Row, again: bool) -> str:
    if row.score is not None:
        return f"{row.score:g}"
    return f"{'tried again' if again else 'no score'}: {row.reason[:160]}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    minutes = seconds / 60
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def show(told: Mapping[str, Any], out: TextIO | None = None) -> None:
    """Print the table of one run."""
    out = out or sys.stdout
    wide = max([len(name) for name in told["domains"]] + [22])
    print(f"{told['agent']}: {told['finished']} of {told['scheduled']} have a score; per cent", file=out)
    print(f"{'':<{wide}}  {'scheduled':>10}  {'finished':>10}  {'tasks':>9}", file=out)
    for name, part in told["domains"].items():
        _line(name, part, wide, out)
    for name, part in told["groups"].items():
        _line(name, part, wide, out)
    _line("all", told, wide, out)
    print(f"{'  95 % interval':<{wide}}  {_range(told['ci95']):>10}  {_range(told['ci95_finished']):>10}", file=out)
    seconds = told["seconds"]
    print(f"{'step efficiency':<{wide}}  {_figure(told['efficiency']):>10}", file=out)
    print(f"{'seconds an attempt':<{wide}}  {_figure(seconds['median']):>10}  {_phases(seconds['phases'])}", file=out)
    if told["cost"]:
        print(f"{'cost':<{wide}}  {' + '.join(f'{v:.4f} {k}' for k, v in told['cost'].items()):>10}", file=out)
    for one in told["faults"][:20]:
        print(f"no score: {one['task']}: {one['reason']}", file=out)
    if len(told["faults"]) > 20:
        print(f"... and {len(told['faults']) - 20} more without a score", file=out)


def _line(name: str, part: Mapping[str, Any], wide: int, out: TextIO) -> None:
    tasks = f"{part['finished']}/{part['scheduled']}"
    mean, finished = _figure(part["mean"]), _figure(part["mean_finished"])
    print(f"{name:<{wide}}  {mean:>10}  {finished:>10}  {tasks:>9}", file=out)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _range(pair: list[float] | None) -> str:
    return "-" if pair is None else f"{pair[0]:.1f}..{pair[1]:.1f}"


def _phases(phases: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in phases.items() if value is not None)
