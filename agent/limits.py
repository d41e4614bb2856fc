"""When to stop although nobody said so: steps, minutes, going round in circles, and a person at the red button."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from actuators.halt import stopped_by
from agent.outcome import Ending

__all__ = ["Limits"]


@dataclass(slots=True)
class Limits:
    """Bounds of one run. `reached` is asked before every step, `repeated` before every act."""

    steps: int = 60
    minutes: float = 10.0
    same_act: int = 4
    """The same act on the same target on the same frame may be tried this often; the next time halts the run."""
    idle_s: float = 120.0
    """So many seconds of waiting on one unchanged frame are given; the next wait halts the run."""
    failures: int = 4
    """So many refusals by the surface, changed targets or unreadable replies in a row halt the run."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when a person says stop."""
    started: float = field(default_factory=time.monotonic)
    _seen: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _idle: tuple[str, float] = ("", 0.0)
    """The frame on which was waited last, and for how many seconds."""
    _failed: int = 0

    def reached(self, index: int) -> Ending | None:
        """The ending when step `index` (from 0) must not begin any more."""
        if self.stop.is_set():
            return Ending("halted", stopped_by(self.stop))
        if index >= self.steps:
            return Ending("halted", f"the limit of {self.steps} steps was reached")
        if time.monotonic() - self.started > self.minutes * 60:
            return Ending("halted", f"the limit of {self.minutes:g} minutes was reached")
        if self._failed >= self.failures:
            return Ending("halted", f"{self._failed} steps in a row led nowhere")
        return None

    def repeated(self, act: str, target: str, frame: str) -> bool:
        """Count one try of an act (three digests); True when it was tried too often on an unchanged screen."""
        self._seen[act, target, frame] += 1
        return self._seen[act, target, frame] > self.same_act

    def idled(self, seconds: float, frame: str) -> bool:
        """Count one wait; True when this very frame was waited on for too long already."""
        on, before = self._idle if self._idle[0] == frame else (frame, 0.0)
        self._idle = on, before + seconds
        return before >= self.idle_s

    def waited(self, seconds: float) -> None:
        """Time that a person took to answer is none of the run's own."""
        self.started += max(0.0, seconds)

    def failed(self) -> None:
        self._failed += 1

    def succeeded(self) -> None:
        self._failed = 0
