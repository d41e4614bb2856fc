"""When a display is still: nothing is drawn, and the program that was acted on has come round. No fixed waits.

How long nothing must be drawn depends on what was seen before: what moves at ten pictures a second is given longer
than what changes once. Something that pauses for longer than `MOST_S` between two of its pictures counts as still.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from actuators.base import Settled
from actuators.halt import SLICE_S, Halt
from actuators.x11 import Server

__all__ = ["MOST_S", "QUIET_S", "Stillness"]

QUIET_S = 0.04
"""Nothing drawn for this long is stillness, where nothing moved before."""
MOST_S = 0.16
"""The longest quiet that a moving screen is asked for."""
_FACTOR = 1.6
"""A moving screen is asked for this many of its longest pauses."""
_BLINKS_S = 0.3
"""Pauses from here on are no movement: a caret blinks."""


class Stillness:
    """Watches one display."""

    def __init__(self, server: Server, halt: Halt) -> None:
        self._server = server
        self._halt = halt
        self._drawn = server.drawn
        self._last = float("-inf")
        self._acted = float("-inf")
        self._pauses: list[float] = []

    def act(self) -> None:
        """Something was done just now; what moved before it tells nothing any more."""
        self._acted = time.monotonic()
        self._pauses.clear()

    def settle(self, bound_s: float, comes_round: Callable[[float], bool]) -> Settled:
        """Wait, at most `bound_s` seconds.

        Args:
            bound_s: from now.
            comes_round: whether the program in front answers within so many seconds.
        """
        began = time.monotonic()
        while True:
            self._server.heed()
            now = time.monotonic()
            self._look(now)
            waited = now - began
            if self._halt.is_set() or waited >= bound_s:
                return Settled(False, waited, "frames")
            left = max(self._last, self._acted) + self._asked() - now
            if left > 0:
                self._server.wait(min(left, SLICE_S, bound_s - waited))
                self._look(time.monotonic())
                continue
            drawn = self._server.drawn
            if not comes_round(min(SLICE_S, max(0.001, bound_s - waited))):
                continue
            self._server.heed()
            self._look(time.monotonic())
            if self._server.drawn == drawn:
                return Settled(True, time.monotonic() - began)

    def _look(self, now: float) -> None:
        if self._server.drawn == self._drawn:
            return
        self._drawn = self._server.drawn
        pause = now - self._last
        if pause < _BLINKS_S and self._last > self._acted:
            self._pauses = [*self._pauses[-7:], pause]
        self._last = now

    def _asked(self) -> float:
        if len(self._pauses) < 2:
            return QUIET_S
        return min(MOST_S, max(QUIET_S, _FACTOR * max(self._pauses)))
