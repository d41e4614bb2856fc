"""What a person sees: a progress bar while episodes are played, and the table afterwards."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from osworld_eval.miniwob.scores import Row, solved

__all__ = ["Progress", "show"]


class Progress:
    """A bar with an estimate on a terminal, a line a minute in a pipe; nothing where machines listen."""

    def __init__(self, name: str, total: int, before: int, quiet: bool, out: TextIO | None = None) -> None:
        self._name = name
        self._total = total
        self._before = before
        self._quiet = quiet
        self._out = out or sys.stderr
        self._bar: Any = None
        self._count = self._solved = 0
        self._began = self._said = time.monotonic()

    def __enter__(self) -> Progress:
        if not self._quiet and self._out.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, console=Console(file=self._out))
            self._bar.start()
            self._id = self._bar.add_task(self._name, total=self._total, completed=self._before)
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, row: Row) -> None:
        """One episode is over."""
        self._count += 1
        self._solved += solved(row.task, row.raw)
        said = f"{self._name} {row.task}, {self._solved} of {self._count} solved"
        if self._bar is not None:
            self._bar.update(self._id, advance=1, description=said)
        elif not self._quiet and time.monotonic() - self._said > 60:
            self._said = time.monotonic()
            left = self._total - self._before - self._count
            minutes = (self._said - self._began) / self._count * left / 60
            print(f"{said}; {left} to go, about {minutes:.0f} minutes", file=self._out, flush=True)


def show(told: Sequence[dict[str, Any]], out: TextIO | None = None) -> None:
    """Print one column of figures for each agent: per task solved (above 0), then the means."""
    out = out or sys.stdout
    tasks = sorted({task for one in told for task in one["per_task"]})
    wide = max([len(task) for task in tasks] + [24])
    first = told[0]["seeds"]
    print(f"{len(tasks)} tasks, seeds {first[0]}..{first[-1]}; per cent solved (raw reward above 0)", file=out)
    print(f"{'':<{wide}}" + "".join(f"  {one['agent'][-18:]:>18}" for one in told), file=out)
    for task in tasks:
        marks = ("*" if told[0]["per_task"][task]["held_out"] else "") + (
            "~" if told[0]["per_task"][task]["graded"] else ""
        )
        cells = "".join(f"  {_cell(one['per_task'].get(task)):>18}" for one in told)
        print(f"{task + marks:<{wide}}{cells}", file=out)
    for name, title in _MEANS:
        print(f"{title:<{wide}}" + "".join(f"  {_figure(one[name]):>18}" for one in told), file=out)
    print("* held out of training  ~ graded reward: solved above 0.8", file=out)


_MEANS = (
    ("mean", "mean solved"),
    ("ci95", "  95 % interval"),
    ("mean_positive", "mean above 0"),
    ("mean_exact", "mean of exactly 1"),
    ("score", "Pix2Act's score"),
    ("held_out_mean", "mean, held-out tasks"),
    ("trained_mean", "mean, other tasks"),
    ("median_seconds", "seconds an episode"),
)


def _cell(told: dict[str, Any] | None) -> str:
    return "-" if told is None else f"{told['mean']:.0f} ({told['mean_positive']:.0f})"


def _figure(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value[0]:.1f}..{value[1]:.1f}" if isinstance(value, list) else f"{value:.1f}"
