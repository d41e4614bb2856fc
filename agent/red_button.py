"""The red button of a run at this machine's display: a chord of keys, and a person's hand on the mouse.

`auto` listens for the usual chord wherever there is a display to listen at; without one (a server, CI) it says so on
the record and the run goes on, stoppable by `agent stop`, Ctrl+C and SIGTERM. A chord that was asked for by name, and a
display that is there and cannot be listened to, refuse the start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from threading import Event

from actuators.halt import RedStop
from sandboxes.base import SandboxUnavailable
from sandboxes.person import STOP_KEY, Watch, key_names

__all__ = ["RedButton", "red_button", "unfit"]


@dataclass(frozen=True, slots=True)
class RedButton:
    """What can stop the run at a display."""

    said: str
    """One line for the record."""
    moves: Callable[[int, int], None] = lambda x, y: None
    """To be called before the agent's hand moves the pointer of a display that a person uses too (root pixels)."""


def unfit(key: str) -> str:
    """Why this is no `--stop-key`; empty when it is one."""
    if key in ("auto", "off"):
        return ""
    try:
        key_names(key)
    except ValueError as problem:
        return str(problem)
    return ""


@contextmanager
def red_button(key: str, stop: Event, interrupt: Callable[[], None], attended: bool = False) -> Iterator[RedButton]:
    """Listen while the run goes on.

    Args:
        key: a chord, `auto` or `off`.
        stop: set when a person stops the run, or when the watch itself is lost.
        interrupt: ends a question that a person is being asked.
        attended: the agent's hand uses the pointer of this display, so that a person on the mouse is a stop.

    Raises:
        SandboxUnavailable: it should be listened for and cannot be.
    """
    display = os.environ.get("DISPLAY", "")
    why_not = _why_not(key, display)
    if why_not and (attended or key not in ("auto", "off")):
        raise SandboxUnavailable(f"the stop key cannot be listened for: {why_not}")
    if why_not:
        yield RedButton(f"no stop key: {why_not}")
        return

    def pressed(why: str) -> None:
        if isinstance(stop, RedStop):
            stop.press(why)
        stop.set()
        interrupt()

    chord = STOP_KEY if key in ("auto", "off") else key
    with Watch(pressed, display, chord, mouse=attended) as watch:
        said = f"{chord} stops the run" + (", and a person who moves the mouse" if attended else "")
        yield RedButton(said, watch.moves)


def _why_not(key: str, display: str) -> str:
    if key == "off":
        return "switched off"
    if not display:
        return "there is no X display (DISPLAY is not set)"
    return "" if find_spec("Xlib") else "python-xlib is missing; try: pip install 'deskhand[desktop]'"
