"""Connections that are cut when the other side says nothing for too long, so that nobody waits for ever in a library.

An X server that was stopped, or whose machine hangs, keeps its sockets open: what waits for an answer in python-xlib or
in C waits without end. Cutting the connection from aside ends that as if the server had ended.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["BOUND_S", "Bound"]

BOUND_S = 10.0
"""An X server answers within a millisecond; one that says nothing for so long does not work any more."""
_LOOKS = 5
"""How often within the bound it is looked; a connection is cut at most this part of the bound too late."""


class Bound:
    """Watches one connection from a thread of its own, which lives from the first wait until `close`.

    Only one thread may wait at a time; waits may lie in each other, and the outermost counts.
    """

    def __init__(self, seconds: float = BOUND_S) -> None:
        self._seconds = seconds
        self._ends = float("inf")
        self._at = -1
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self.cut = False
        """Whether a wait took too long; the connection is of no use any more."""

    @property
    def seconds(self) -> float:
        return self._seconds

    @contextmanager
    def waiting(self, at: int) -> Iterator[None]:
        """What happens in it takes at most as long as the bound, or the connection is cut.

        Args:
            at: file descriptor of the connection's socket; nothing is watched where it is negative.
        """
        if self._ends != float("inf") or at < 0:
            yield
            return
        self._begin()
        with self._lock:
            self._at, self._ends = at, time.monotonic() + self._seconds
        try:
            yield
        finally:
            with self._lock:
                self._ends = float("inf")

    def close(self) -> None:
        """May be called twice; nothing is watched from here on."""
        self._over.set()

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="deskhand-bound", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(self._seconds / _LOOKS):
            with self._lock:
                if time.monotonic() > self._ends:
                    self.cut = True
                    self._cut(self._at)

    def _cut(self, at: int) -> None:
        """End it in both directions; whoever owns the socket closes it."""
        with suppress(OSError):
            copy = socket.socket(fileno=os.dup(at))
            try:
                copy.shutdown(socket.SHUT_RDWR)
            finally:
                copy.close()
