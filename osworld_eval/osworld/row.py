"""What is played and what came of it: one job for each task and repeat, one row for each attempt at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from osworld_eval.osworld.suite import OsworldTask

__all__ = ["Job", "Row", "Status", "row_from"]

Status = Literal["scored", "task", "infrastructure"]
"""scored: there is a score. task: the task itself failed, in its set-up or in its evaluator; trying again changes
nothing. infrastructure: a machine, a server, a worker or the time for all of it failed; it is tried again."""


@dataclass(frozen=True, slots=True)
class Job:
    """One task to be played once."""

    task: OsworldTask
    repeat: int = 1
    """From 1."""
    seed: int = 0
    attempt: int = 1
    """From 1; more after infrastructure has failed."""
    file: str = ""
    """The task's file, whole: a worker on another machine has no other copy."""

    @property
    def key(self) -> tuple[str, int]:
        """What is scored once."""
        return self.task.name, self.repeat

    @property
    def name(self) -> str:
        """Of its folder; unlike any other attempt's."""
        return f"{self.task.domain}__{self.task.id}__r{self.repeat}__a{self.attempt}"


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt as it went."""

    task: str
    """`DOMAIN/ID`."""
    repeat: int
    attempt: int
    status: Status
    score: float | None = None
    """From 0 to 1; None where there is none."""
    reason: str = ""
    """What decided the score, or why there is none. One line."""
    outcome: str = ""
    """How the run ended, in the runtime's words; empty where none began."""
    because: str = ""
    said: str = ""
    """How it ended in upstream's words: `DONE`, `FAIL`, or empty where the agent said neither."""
    steps: int = 0
    """Passes of the loop."""
    acts: int = 0
    """Acts that were really done."""
    acted: str = ""
    """SHA-256 over the acts in their order: two attempts with the same did the same."""
    seconds: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict)
    """Seconds by phase: reset, prepare, settle, agent, score. `model` is a part of `agent`."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    """By the operator's prices; None where the model has none."""
    currency: str = ""
    seed: int = 0
    digest: str = ""
    """Of the task's file."""
    place: str = ""
    """What kind of machine it was: `sandbox`, `guest`, `docker`, ..."""
    slot: str = ""
    """Which worker."""
    scoring: str = ""
    """Which set of evaluators it needs: `none`, `light` or `full`."""
    began: float = 0.0
    """Seconds since the epoch."""
    run: str = ""
    """Name of its run folder."""
    files: str = ""
    """Its folder in upstream's layout, from the top of the results."""

    @property
    def key(self) -> tuple[str, int]:
        return self.task, self.repeat

    @property
    def domain(self) -> str:
        return self.task.partition("/")[0]

    @property
    def finished(self) -> bool:
        return self.score is not None

    def essence(self) -> tuple[Any, ...]:
        """Everything but clocks, places and names: the same for two attempts that went the same."""
        return (self.task, self.status, self.score, self.outcome, self.said, self.steps, self.acts, self.acted)

    def plain(self) -> dict[str, Any]:
        return asdict(self)


_NAMES = frozenset(one.name for one in fields(Row))


def row_from(plain: Mapping[str, Any]) -> Row:
    """What `plain` made.

    Raises:
        ValueError: it is no row.
    """
    if (
        not isinstance(plain, Mapping)
        or set(plain) - _NAMES
        or not {"task", "repeat", "attempt", "status"} <= set(plain)
    ):
        raise ValueError("it is no row")
    return Row(**plain)
