"""Reading back what was typed: the field says what stands in it, and that is what the receipt tells."""

from __future__ import annotations

import time

from actuators.accessible import Accessible, Program, Thing
from actuators.errors import SurfaceTimeout
from actuators.halt import Halt, go_on
from actuators.x11 import Server

__all__ = ["ReadBack"]

_TAKES_S = 5.0
"""A program has read the first of what was typed within this long, and each further character within `_EACH_S`."""
_EACH_S = 0.05
_QUIET_S, _LOOKS = 0.3, 8
"""A field into which nothing has come for this long, and in so many answers of its program: nothing more comes."""
_STEP_S = 0.01
_BLIND_S = 0.12
"""What a program without accessibility is given to read one chunk."""


class ReadBack:
    """Follows one field while a text is typed into it; made just before the first key.

    Programs without accessibility cannot be read; for those it only waits.
    """

    def __init__(
        self,
        text: str,
        programs: Accessible | None,
        program: Program | None,
        thing: Thing | None,
        server: Server,
        halt: Halt,
    ) -> None:
        self._text = text
        self._programs = programs
        self._program = program
        self._thing = thing
        self._server = server
        self._halt = halt
        self._before = self._now()

    def until(self, typed: int) -> None:
        """Return when so many characters have come to the field, or no more come."""
        self._await(typed)
        go_on(self._halt)

    def arrived(self) -> str | None:
        """What of the text stands in the field now; None where that cannot be told."""
        if self._before is None:
            return None
        self._await(len(self._text))
        now = self._now()
        if now is None:
            return None
        (old, _, (start, end)), (new, _, _) = self._before, now
        head, tail = old[:start], old[end:]
        if new.startswith(head) and new.endswith(tail) and len(new) >= len(head) + len(tail):
            return new[len(head) : len(new) - len(tail)]
        return None

    def _await(self, typed: int) -> None:
        if self._before is None:
            self._pass(_BLIND_S)
            return
        old, _, (start, end) = self._before
        wanted = old[:start] + self._text[:typed] + old[end:]
        masked = self._thing is not None and self._thing.password
        until = time.monotonic() + _TAKES_S + _EACH_S * typed
        seen, since, looks = "", time.monotonic(), 0
        while time.monotonic() < until and not self._halt.is_set():
            now = self._now()
            if now is None or now[0] == wanted or (masked and len(now[0]) == len(wanted)):
                return
            if now[0] != seen:
                seen, since, looks = now[0], time.monotonic(), 0
            elif looks >= _LOOKS and time.monotonic() - since > _QUIET_S:
                return
            looks += 1
            self._pass(_STEP_S)

    def _now(self) -> tuple[str, int, tuple[int, int]] | None:
        if self._programs is None or self._program is None or self._thing is None:
            return None
        try:
            return self._programs.text(self._program, self._thing)
        except SurfaceTimeout:
            return None

    def _pass(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._server.wait(left)
