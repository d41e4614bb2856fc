"""After an act whose effect is not known: look, never repeat.

A task says where to look and what would show that it happened, or that it did not (`reconcile:`). Without that the
task's own success checks are asked of the screen as it is: they can say that it happened, never that it did not.
Looking is done by the hand, under permits, like any other act.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from actuators.observation import Observation
from agent.checks import Checked, check
from agent.task_file import Check

__all__ = ["Found", "Look", "found"]

Effect = Literal["happened", "not_happened", "unknown"]


@dataclass(frozen=True, slots=True)
class Look:
    """One place to look."""

    open: str = ""
    """Address; empty for the screen as it is."""
    happened: tuple[Check, ...] = ()
    """All of these show that it happened."""
    not_happened: tuple[Check, ...] = ()
    """All of these show that it did not."""


@dataclass(frozen=True, slots=True)
class Found:
    """What looking told, and by what."""

    effect: Effect
    why: str


def found(look: Look, see: Callable[[], Observation], within_s: float) -> Found:
    """Look until one of both is shown, at most `within_s` seconds. Both at once, or neither, leaves it unknown."""
    until = time.monotonic() + within_s
    while True:
        seen = see()
        yes, no = _all(look.happened, seen), _all(look.not_happened, seen)
        if yes and no:
            return Found("unknown", f"what is shown says both: {yes}; {no}")
        if yes or no:
            return Found("happened" if yes else "not_happened", yes or no)
        if time.monotonic() > until:
            return Found("unknown", _missing((*look.happened, *look.not_happened), seen))


def _all(wanted: Sequence[Check], seen: Observation) -> str:
    """What was found when all of some checks hold; empty when one does not, or there are none."""
    checked = [check(one, seen) for one in wanted]
    return "; ".join(one.line for one in checked) if checked and all(one.ok for one in checked) else ""


def _missing(wanted: Sequence[Check], seen: Observation) -> str:
    failed: list[Checked] = [one for one in (check(each, seen) for each in wanted) if not one.ok]
    return "; ".join(one.line for one in failed[:3]) or "the task does not say how to look"
