"""How far a batch of rows is: lines, and at a terminal a bar with an estimate below them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Bar"]


class Bar:
    """Tells of `total` rows. With `apart` everything goes to standard error, since results go to standard output."""

    def __init__(self, total: int, apart: bool) -> None:
        self._total = total
        self._to = sys.stderr if apart else sys.stdout
        self._began = time.monotonic()
        self._did = 0
        self._live: Any = None
        self._task: Any = None

    @contextmanager
    def shown(self, done: int) -> Iterator[None]:
        """Show the bar meanwhile, where there is a terminal. `done` rows need no run."""
        self._began = time.monotonic()
        if not self._to.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.fields[about]}"))
        with Progress(*columns, console=Console(file=self._to)) as self._live:
            self._task = self._live.add_task("rows", total=self._total, completed=done, about="")
            try:
                yield
            finally:
                self._live, live = None, self._live
                live.refresh()

    def done(self, line: str, why: str, left: int) -> None:
        """One more row is known; `left` are not."""
        self._did += 1
        each = (time.monotonic() - self._began) / self._did
        about = f"about {span(each * left)} left" if left else ""
        if self._live is not None:
            self._live.update(self._task, completed=self._total - left, about=about)
            self._live.console.print(line + why, markup=False, highlight=False, soft_wrap=True)
            return
        so_far = f"{self._total - left} of {self._total}{f', {about}' if about else ''}"
        self.say(f"{line} ({so_far}){why}")

    def say(self, line: str) -> None:
        """One line."""
        if self._live is not None:
            self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)
            return
        print(line, file=self._to, flush=True)


def span(seconds: float) -> str:
    """In the largest unit that says enough."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
