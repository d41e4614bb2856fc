"""A person at an X display: a key that stops everything, and a hand on the mouse that is not the agent's.

`Watch` starts a process of its own with its own connection to the display, which listens through the RECORD extension
and takes nothing away from anybody: other programs get the same keys and motions. It says so at once when the stop key
is pressed and, where the agent's hand uses that display's pointer, when the pointer goes somewhere the hand did not
send it. Whoever moves the pointer for the agent announces each place first (`Watch.moves`).

A watch that dies, hangs, loses the display or talks garbage counts as a stop: nobody would notice a person any more.

What it does not see: a person at another display or seat, keys while the server itself hangs, a person who moves the
mouse exactly along the hand's own way, and anything under Wayland.
"""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandboxes.base import SandboxUnavailable

__all__ = ["STOP_KEY", "Watch", "key_names"]

STOP_KEY = "ctrl+alt+escape"
"""Where nothing else is said."""
_BEATS_S = 0.25
_SILENT_S = 3.0
"""A watch that says nothing for so long counts as hung."""
_START_S = 15.0
_ANNOUNCED_S = 1.0
"""A motion is the hand's own within this long after it was announced."""
_NEAR_PX = 2
_MODIFIERS = {"ctrl": 4, "control": 4, "alt": 8, "shift": 1, "super": 64, "meta": 64}
"""Bits of the core protocol: Control, Mod1, Shift, Mod4."""
_KEYSYMS = {"escape": "Escape", "esc": "Escape", "pause": "Pause", "break": "Break", "delete": "Delete", "end": "End"}
_MISSING = "the stop key needs python-xlib; try: pip install 'deskhand[desktop]'"


def key_names(text: str) -> tuple[int, str]:
    """The modifiers (bits of the core protocol) and the keysym of a chord like `ctrl+alt+escape`.

    Raises:
        ValueError: it is no chord, or a key alone that a person presses all day.
    """
    *held, last = [part.strip().lower() for part in text.split("+")]
    unknown = [name for name in held if name not in _MODIFIERS]
    known = last in _KEYSYMS or re.fullmatch(r"f([1-9]|1[0-2])|[a-z0-9]", last)
    if unknown or not known:
        raise ValueError(f"a stop key is written like `{STOP_KEY}`, got `{text}`")
    if not held and re.fullmatch(r"[a-z0-9]|esc(ape)?|delete|end", last):
        raise ValueError(f"`{text}` alone would stop the run whenever somebody types it; put `ctrl+alt+` before it")
    mask = 0
    for name in held:
        mask |= _MODIFIERS[name]
    return mask, _KEYSYMS.get(last, last.upper() if last.startswith("f") and len(last) > 1 else last)


class Watch:
    """Use as a context manager.

    Args:
        stop: called once, from a thread of its own, with the reason.
        display: the X display to listen on, as `:0`.
        key: the chord that stops; see `key_names`.
        mouse: whether a pointer that moves by itself is a person's stop.
    """

    def __init__(self, stop: Callable[[str], None], display: str, key: str = STOP_KEY, mouse: bool = False) -> None:
        key_names(key)
        self._stop = stop
        self._arguments = ["--display", display, "--key", key, *(["--mouse"] if mouse else [])]
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = False
        self._told = threading.Event()

    def __enter__(self) -> Self:
        """Start listening. Raises `SandboxUnavailable`; nothing is left running then."""
        here = str(Path(__file__).resolve().parent.parent)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "XAUTHORITY", "VIRTUAL_ENV") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sandboxes.person", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # a line that waits in a buffer would be heard late
            env={**kept, "PYTHONPATH": here},
            start_new_session=True,  # a Ctrl+C on the terminal is the agent's to handle
        )
        first = self._line(_START_S)
        if first.get("ready") is not True:
            self.close()
            raise SandboxUnavailable(str(first.get("missing") or "the watch for a person did not start"))
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Process id of the watch; 0 before the start."""
        return self._process.pid if self._process else 0

    def moves(self, x: int, y: int) -> None:
        """Announce that the agent's hand is about to put the pointer here (pixels of the root window)."""
        if self._process is not None and self._process.stdin is not None:
            try:
                self._process.stdin.write(b"%d %d\n" % (x, y))
            except (OSError, ValueError):
                self._say("the watch for a person has died")

    def close(self) -> None:
        """End the process. May be called twice."""
        self._closing = True
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for end in (self._process.stdin, self._process.stdout):
            if end is not None:
                with suppress(OSError):  # what was left to announce has nobody to hear it
                    end.close()

    def _listen(self) -> None:
        while not self._closing:
            said = self._line(_SILENT_S)
            if self._closing or self._told.is_set():
                return
            if said.get("beat") is not True:
                return self._say(str(said.get("stop") or "the watch for a person has died or hangs"))

    def _line(self, within_s: float) -> dict[str, Any]:
        """The next line of the process; empty when none comes, or it is none of its own."""
        assert self._process is not None and self._process.stdout is not None
        try:
            fd = self._process.stdout.fileno()
            if not select.select([fd], [], [], within_s)[0]:
                return {}
            found = json.loads(self._process.stdout.readline(4096))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _say(self, why: str) -> None:
        if not self._told.is_set() and not self._closing:
            self._told.set()
            self._stop(why)


# ---------------------------------------------------------------- the process


def main(arguments: list[str] | None = None) -> int:
    """Listen until the parent closes standard input."""
    import argparse

    parser = argparse.ArgumentParser(prog="sandboxes.person")
    parser.add_argument("--display", required=True)
    parser.add_argument("--key", default=STOP_KEY)
    parser.add_argument("--mouse", action="store_true")
    options = parser.parse_args(arguments)
    try:
        from Xlib import display
        from Xlib.error import ConnectionClosedError, DisplayError
    except ImportError:
        _tell(missing=_MISSING)
        return 1
    try:
        ears, pulse = display.Display(options.display), display.Display(options.display)
        if not ears.has_extension("RECORD"):
            raise DisplayError(options.display)
        listener = _Listener(ears, options.key, options.mouse)
    except (DisplayError, ConnectionClosedError, OSError) as problem:
        _tell(missing=f"no X display `{options.display}` that can be listened to: {' '.join(str(problem).split())}")
        return 1
    thread = threading.Thread(target=listener.listen, daemon=True)
    thread.start()
    if not listener.begun.wait(_START_S):
        _tell(missing=f"the X display `{options.display}` does not record")
        return 1
    _tell(ready=True)
    while thread.is_alive() and not listener.over:
        pulse.screen().root.query_pointer()  # a display that is gone raises, one that hangs lets no beat through
        listener.hear_announcements()
        _tell(beat=True)
        time.sleep(_BEATS_S)
    return 0


class _Listener:
    """Keys and motions of one display."""

    def __init__(self, ears: Any, key: str, mouse: bool) -> None:
        from Xlib import XK
        from Xlib.ext import record

        self._ears = ears
        self._mask, name = key_names(key)
        self._key = key
        self._code = ears.keysym_to_keycode(XK.string_to_keysym(name))
        self._held = {ears.keysym_to_keycode(XK.string_to_keysym(sym)): bit for sym, bit in _HELD}
        self._down = 0
        self._mouse = mouse
        self._announced: deque[tuple[int, int, float]] = deque(maxlen=256)
        self._rest = b""
        self._hearing = threading.Lock()
        self.begun = threading.Event()
        self.over = False
        wanted = (2, 6) if mouse else (2, 3)  # KeyPress, KeyRelease; to MotionNotify
        self._context = ears.record_create_context(
            0,
            [record.AllClients],
            [
                {
                    "core_requests": (0, 0),
                    "core_replies": (0, 0),
                    "ext_requests": (0, 0, 0, 0),
                    "ext_replies": (0, 0, 0, 0),
                    "delivered_events": (0, 0),
                    "device_events": wanted,
                    "errors": (0, 0),
                    "client_started": False,
                    "client_died": False,
                }
            ],
        )

    def listen(self) -> None:
        self._ears.record_enable_context(self._context, self._heard)

    def _heard(self, reply: Any) -> None:
        from Xlib.ext import record
        from Xlib.protocol import rq

        if reply.category == record.StartOfData:
            self.begun.set()
        if reply.category != record.FromServer or reply.client_swapped or self.over:
            return
        data = reply.data
        while data:
            event, data = rq.EventField(None).parse_binary_value(data, self._ears.display, None, None)
            self._event(event)

    def _event(self, event: Any) -> None:
        from Xlib import X

        if event.type in (X.KeyPress, X.KeyRelease):
            bit = self._held.get(event.detail, 0)
            self._down = self._down | bit if event.type == X.KeyPress else self._down & ~bit
            if event.type == X.KeyPress and event.detail == self._code and self._down & self._mask == self._mask:
                self._stop(f"the stop key {self._key} was pressed")
        elif event.type == X.MotionNotify and self._mouse and not self._own(event.root_x, event.root_y):
            self._stop("a person moved the mouse")

    def _own(self, x: int, y: int) -> bool:
        """Whether the hand announced this place lately. What it announces is written before it moves."""
        self.hear_announcements()
        since = time.monotonic() - _ANNOUNCED_S
        near = (abs(x - ax) <= _NEAR_PX and abs(y - ay) <= _NEAR_PX for ax, ay, at in self._announced if at >= since)
        return any(near)

    def hear_announcements(self) -> None:
        with self._hearing:
            while select.select([0], [], [], 0)[0]:
                got = os.read(0, 65536)
                if not got:
                    os._exit(0)  # the agent's process has ended
                *lines, self._rest = (self._rest + got).split(b"\n")
                for line in lines:
                    x, _, y = line.partition(b" ")
                    self._announced.append((int(x), int(y), time.monotonic()))

    def _stop(self, why: str) -> None:
        self.over = True
        _tell(stop=why)


_HELD = (
    ("Control_L", 4),
    ("Control_R", 4),
    ("Alt_L", 8),
    ("Alt_R", 8),
    ("Shift_L", 1),
    ("Shift_R", 1),
    ("Super_L", 64),
    ("Super_R", 64),
)


def _tell(**said: object) -> None:
    os.write(1, json.dumps(said).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
