"""The plan of a run: one sub-goal at a time, and where in it the run is.

The plan moves on when the model says that a step is fulfilled (a claim; the task's checks decide at the end), when a
step's `until` holds, and past steps whose `when_shown` is not on the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from actuators.observation import Observation
from agent.checks import check
from agent.reading import is_shown
from agent.task_file import Check

__all__ = ["Plan", "PlanStep", "renamed"]


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One sub-goal with its templates filled in."""

    do: str
    """In words, on one line. Secrets stand in it as `<secret:NAME>`."""
    when_shown: str = ""
    """Skip the step unless this text is shown when its turn comes; empty: never skip."""
    until: str | Check | None = None
    """The step is over when this text is shown, or this check holds."""
    acts: int = 12
    """The most acts it may take."""
    values: tuple[str, ...] = ()
    """What there is to type: what inputs filled into `do`, what stands there in quotes, secrets as `<secret:NAME>`."""


class Plan:
    """A cursor over the steps. A task without steps is one step with an empty instruction."""

    def __init__(self, goal: str, steps: Sequence[PlanStep] = ()) -> None:
        self.goal = goal
        self.steps = tuple(steps)
        self._each = self.steps or (PlanStep(""),)
        self._cursor = 0
        self._acts = 0
        self._skipped: list[int] = []

    @property
    def cursor(self) -> int:
        """Index of the current step; the number of steps once all are over."""
        return self._cursor

    @property
    def finished(self) -> bool:
        return self._cursor >= len(self._each)

    @property
    def step(self) -> PlanStep | None:
        return None if self.finished else self._each[self._cursor]

    @property
    def instruction(self) -> str:
        """What to do now; empty without a plan, and when the plan is over."""
        return "" if self.finished else self._each[self._cursor].do

    @property
    def awaits(self) -> bool:
        """Whether the current step is over only when its `until` holds, whatever the model says."""
        return self.step is not None and self.step.until is not None

    @property
    def values(self) -> tuple[str, ...]:
        """What the task filled into the current instruction."""
        return self.step.values if self.step else ()

    @property
    def acts(self) -> int:
        """Acts the current step has taken."""
        return self._acts

    @property
    def skipped(self) -> tuple[int, ...]:
        """Indexes of the steps that were passed over because what they wait for was not shown."""
        return tuple(self._skipped)

    def skip(self, seen: Observation) -> None:
        """Move past every step that has nothing to do on this screen: `until` holds, or `when_shown` is not shown."""
        while (step := self.step) is not None:
            absent = bool(step.when_shown) and self._acts == 0 and not is_shown(step.when_shown, seen)
            if absent:
                self._skipped.append(self._cursor)
            elif step.until is None or not _holds(step.until, seen):
                return
            self.advance()

    def advance(self) -> None:
        """Go on to the next step; nothing happens once the plan is finished."""
        if not self.finished:
            self._cursor += 1
            self._acts = 0

    def rewind(self, cursor: int) -> None:
        """Go back to an earlier step, as if it and those after it had not been taken."""
        if 0 <= cursor <= self._cursor:
            self._cursor, self._acts = cursor, 0

    def reword(self, cursor: int, old: str, new: str) -> None:
        """A step waits for a thing that is called otherwise now."""
        step = self._each[cursor]
        self._each = (
            *self._each[:cursor],
            replace(step, until=renamed(step.until, old, new)),
            *self._each[cursor + 1 :],
        )

    @property
    def spent(self) -> bool:
        """Whether the current step may take no further act. A task without steps is bounded by its limits alone."""
        return bool(self.steps) and self.step is not None and self._acts >= self.step.acts

    def acted(self) -> None:
        """Count one act of the current step."""
        self._acts += 1


def renamed(until: str | Check | None, old: str, new: str) -> str | Check | None:
    """What a step waits for, with another name for the thing that it is about; the same where it is not about that."""
    if until is None or isinstance(until, str) or getattr(until, "name", None) != old:
        return until
    return until.model_copy(update={"name": new})


def _holds(until: str | Check, seen: Observation) -> bool:
    return is_shown(until, seen) if isinstance(until, str) else check(until, seen).ok
