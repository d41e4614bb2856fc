"""Which job is played next, by whom, and what becomes of one that was not: the same for local processes and for Ray.

Every job is scored once. An attempt that infrastructure took away is tried again, a task's own failure and an agent's
are not. No new job is begun once time or tokens are used up; what goes on is played to its end.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from osworld_eval.osworld.crew import Crew, Event
from osworld_eval.osworld.row import Job, Row

__all__ = ["Bounds", "Ended", "Runner"]

Ended = Literal["all", "stopped", "time", "tokens", "refused", "broken"]
"""all: every job has its last row. stopped: a person said so. time, tokens: used up. refused: nothing can be played as
it was asked for. broken: infrastructure fails again and again."""
_LOOK_S = 0.5
_MOST_IN_A_ROW, _MOST_BAD = 12, 3


@dataclass(frozen=True, slots=True)
class Bounds:
    """When to give up."""

    retries: int = 2
    """Further attempts at a job after infrastructure has failed."""
    attempt_s: float = 3600.0
    """An attempt that takes longer is taken for broken, and its slot is ended."""
    minutes: float | None = None
    """Time for all of it."""
    tokens: int | None = None
    """Read and written, for all of it."""


@dataclass(slots=True)
class _Going:
    job: Job
    since: float
    killed: bool = False


class Runner:
    """Gives jobs to a crew until none is left.

    Args:
        jobs: what is to be played, in order.
        crew: who plays; closed by the caller.
        take: keeps a row and the files of its attempt; called once for each attempt, in this thread.
        bounds: when to give up.
        stop: set by whoever wants it to end.
        watch: told of every event, for whoever looks on.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        crew: Crew,
        take: Callable[[Row, Path | None], None],
        bounds: Bounds,
        stop: threading.Event,
        watch: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self._left = deque(jobs)
        self._crew = crew
        self._take = take
        self._bounds = bounds
        self._stop = stop
        self._watch = watch
        self._going: dict[str, _Going] = {}
        self._scored: set[tuple[str, int]] = set()
        self._tokens = 0
        self._faults = 0
        """Attempts in a row that infrastructure took away."""
        self._bad: Counter[str] = Counter()
        """The same by slot."""
        self._gone: set[str] = set()
        self._alive: set[str] = set()
        self._fatal: Ended | None = None
        self.why = ""
        """What to tell about the end, where there is more to tell than its kind."""

    @property
    def playing(self) -> dict[str, Job]:
        """What goes on, by slot."""
        return {slot: one.job for slot, one in self._going.items()}

    @property
    def left(self) -> int:
        """Jobs that have no last row yet."""
        return len(self._left) + len(self._going)

    def run(self) -> Ended:
        """Play. Returns why it ended."""
        began, asked = time.monotonic(), False
        while True:
            over = self._over(began)
            if over is None and not self.left:
                return "all"
            if over is None:
                for slot in self._fit():
                    if self._left:
                        self._begin(slot, self._left.popleft())
            elif not self._going or over in ("refused", "broken"):
                return over
            elif over == "stopped" and not asked:
                asked = True
                self._crew.stop()
            for event in self._crew.wait(_LOOK_S):
                self._watch(event)
                self._met(event, stopped=self._stop.is_set())
            self._late()

    def _over(self, began: float) -> Ended | None:
        if self._fatal is not None:
            return self._fatal
        if self._stop.is_set():
            return "stopped"
        if self._bounds.minutes is not None and time.monotonic() - began > self._bounds.minutes * 60 and self._left:
            return "time"
        if self._bounds.tokens is not None and self._tokens >= self._bounds.tokens and self._left:
            return "tokens"
        return None

    def _fit(self) -> list[str]:
        """Idle slots that may be given a job: one on which everything breaks must not eat those of the others."""
        idle = list(self._crew.idle)
        good = [slot for slot in idle if self._bad[slot] < _MOST_BAD]
        others = [slot for slot in self._alive if self._bad[slot] < _MOST_BAD]
        return good if others else idle

    def _begin(self, slot: str, job: Job) -> None:
        self._going[slot] = _Going(job, time.monotonic())
        self._crew.give(slot, job)

    def _met(self, event: Event, stopped: bool) -> None:
        going = self._going.pop(event.slot, None) if event.kind in ("played", "died", "gone") else None
        match event.kind:
            case "ready":
                self._alive.add(event.slot)
            case "played" if going is not None and event.row is not None:
                if not (stopped and event.row.outcome in ("halted", "", "error")):
                    self._came(going.job, event.row, event.folder)
            case "died" | "gone" if going is not None:
                why = f"no answer within {self._bounds.attempt_s:g} seconds" if going.killed else event.why
                if not stopped:
                    self._came(going.job, _lost(going, event.slot, why), None)
            case "refused":
                self._fatal, self.why = "refused", event.why
        if event.kind == "gone":
            self._lose(event)

    def _lose(self, event: Event) -> None:
        """A slot that never comes up; without any other there is nobody left to play."""
        self._gone.add(event.slot)
        self._alive.discard(event.slot)
        if not self._alive and not self._crew.starting:
            self._fatal, self.why = "broken", f"no slot comes up: {event.why}"

    def _came(self, job: Job, row: Row, folder: Path | None) -> None:
        """One attempt is over: it is kept, and the job goes on where it must."""
        assert job.key not in self._scored, "a job is scored once"
        self._tokens += row.prompt_tokens + row.output_tokens
        self._take(row, folder)
        if row.status == "infrastructure":
            self._faults += 1
            self._bad[row.slot] += 1
            if self._faults >= _MOST_IN_A_ROW:
                self._fatal, self.why = "broken", f"{self._faults} attempts in a row broke, the last with: {row.reason}"
            elif job.attempt <= self._bounds.retries:
                self._left.append(replace(job, attempt=job.attempt + 1))
            return
        self._faults = self._bad[row.slot] = 0
        self._scored.add(job.key)

    def _late(self) -> None:
        for slot, one in self._going.items():
            if not one.killed and time.monotonic() - one.since > self._bounds.attempt_s:
                one.killed = True
                self._crew.kill(slot)


def _lost(going: _Going, slot: str, why: str) -> Row:
    """The row of an attempt whose worker is gone."""
    job, took = going.job, time.monotonic() - going.since
    return Row(
        task=job.task.name,
        repeat=job.repeat,
        attempt=job.attempt,
        status="infrastructure",
        reason=f"its worker died: {why}",
        seconds=round(took, 3),
        seed=job.seed,
        digest=job.task.digest,
        slot=slot,
        scoring=job.task.scoring,
        began=round(time.time() - took, 3),
    )
