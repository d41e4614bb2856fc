"""Wall-clock stamps that never run backwards: the wall clock read once, the monotonic clock from there on."""

from __future__ import annotations

import time

__all__ = ["Clock"]


class Clock:
    """Nanoseconds since the epoch. Differences are real durations even if somebody sets the clock."""

    def __init__(self) -> None:
        self._offset = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        return time.monotonic_ns() + self._offset
