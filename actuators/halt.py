"""The red stop, as every hand and every wait knows it.

One small object goes to all of them. Whoever presses it (a signal, a key, a person at the mouse, a watcher that died)
says why, once. A hand asks before each thing it sends to its surface; a wait asks every `SLICE_S`. What is held down
when it is pressed is let go, so that nothing stays pressed.
"""

from __future__ import annotations

import threading
from typing import Protocol

__all__ = ["SLICE_S", "Halt", "Halted", "RedStop", "go_on", "never", "stopped_by"]

SLICE_S = 0.05
"""Longest wait in which nobody asks."""


class Halt(Protocol):
    """What a hand is given. A `threading.Event` is one."""

    def is_set(self) -> bool: ...


class _Never:
    def is_set(self) -> bool:
        return False


never: Halt = _Never()


class Halted(Exception):
    """A person stopped the run: nothing more is sent to the surface."""


class RedStop(threading.Event):
    """The stop of one run, with the reason of whoever pressed it first. Safe from any thread and signal handler."""

    def __init__(self) -> None:
        super().__init__()
        self.why = ""

    def press(self, why: str) -> None:
        """Stop, because of `why`; a second reason changes nothing."""
        self.why = self.why or why
        self.set()


def go_on(halt: Halt) -> None:
    """Raises `Halted` once the stop was pressed."""
    if halt.is_set():
        raise Halted(stopped_by(halt))


def stopped_by(halt: Halt) -> str:
    """One line for the record: who stopped the run, as far as it is known."""
    why = getattr(halt, "why", "")
    return f"the run was stopped: {why}" if why else "a person stopped the run"
