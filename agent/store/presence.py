"""A run that shows itself to consoles: that it lives, what it does, its screen; and that hears when it is to stop.

It runs on a thread of its own in the agent's process and holds no key: it can neither answer a question nor change one.
A store that is away costs the run nothing but that nobody sees it.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from sqlalchemy.exc import SQLAlchemyError

from actuators.action import parse_action
from actuators.halt import RedStop
from agent.outcome import Ending
from agent.run_folder import RunFolder
from agent.step import Step
from agent.store.store import Store
from agent.store.where import machine
from agent.watch import Watch
from agent.wheel import Wanted

__all__ = ["Presence"]

LOOK_S = 0.3
BEAT_S = 3.0
FRAME_S = 2.0
"""A frame that no question waits for is shown at most so often."""


class Presence:
    """Use as a context manager, inside whatever writes `run.json` at the end.

    Args:
        url: of the store.
        folder: the run's.
        told: `task` and `goal`.
        stop: set when somebody stops the run from a console.
        interrupt: ends a question that a person is being asked.
    """

    def __init__(
        self,
        url: str,
        folder: RunFolder,
        told: dict[str, str],
        stop: threading.Event,
        interrupt: Callable[[], None],
        broker_key: str,
    ) -> None:
        self._store = Store(url, pool=2)
        self._folder, self._told, self._stop, self._interrupt = folder, told, stop, interrupt
        self._key = broker_key
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True, name="presence")
        self._now: tuple[str, str, int] = ("", "", 0)
        self._frame: bytes | None = None
        self._fresh = False
        self._shown = 0.0
        self._steps = 0
        self._driver = ""

    def __enter__(self) -> Self:
        told = {**self._told, "machine": machine(), "pid": os.getpid(), "folder": str(self._folder.path)}
        self._store.runs.begin(self._folder.id, {**told, "broker_key": self._key})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(10)
        with suppress(SQLAlchemyError):
            self._send_frame(force=True)
            self._store.runs.end(self._folder.id, *self._ending(error), self._steps)
        self._store.close()

    def frame(self, png: bytes) -> bytes:
        """Keep a frame, its secrets blacked out already, for whoever looks; returns it."""
        self._frame, self._fresh = png, True
        return png

    def watch(self, inner: Watch) -> Watch:
        """A watch that tells consoles what it is told, and hands it on."""
        return _Told(self, inner)

    # a person at the wheel (`agent.wheel.Wheel`)

    def driver(self) -> str:
        """Who has the wheel; empty: the agent."""
        return self._driver

    def next(self) -> Wanted | None:
        """The oldest act that a person wants and that is not done yet; what cannot be read is refused."""
        try:
            hand = self._store.runs.next_hand(self._folder.id)
        except SQLAlchemyError:
            hand = None
        if hand is None:
            return None
        try:
            return Wanted(hand.n, parse_action(json.loads(hand.action)))
        except (ValueError, TypeError):
            self.done(hand.n, "refused: it cannot be read")
        return None

    def done(self, n: int, came_of_it: str) -> None:
        """Tell the person what came of an act."""
        with suppress(SQLAlchemyError):
            self._store.runs.hand_done(n, came_of_it)

    def let_go(self) -> None:
        """Give the wheel back to the agent for a person who is gone."""
        with suppress(SQLAlchemyError):
            self._store.runs.drive(self._folder.id, self._driver, release=True)
        self._driver = ""

    def at(self, stage: str, doing: str, steps: int) -> None:
        """What the run does now."""
        self._now, self._steps = (stage, doing, steps), steps

    def _ending(self, error: BaseException | None) -> tuple[str, str]:
        try:
            record = self._folder.read_run()
        except ValueError:
            return "error", type(error).__name__ if error is not None else ""
        if record.outcome is not None:
            return record.outcome, record.detail
        return "error", type(error).__name__ if error is not None else "it ended without saying how"

    def _go_on(self) -> None:
        beaten, said = 0.0, None
        while not self._over.wait(LOOK_S):
            with suppress(SQLAlchemyError):
                if self._now != said or time.monotonic() - beaten >= BEAT_S:
                    beaten, said = time.monotonic(), self._now
                    found = self._store.runs.beat(self._folder.id, *said)
                else:
                    found = self._store.runs.get(self._folder.id)
                self._driver = found.driver if found is not None else ""
                if found is not None and found.stop_by and not self._stop.is_set():
                    self._press(found.stop_by)
                self._send_frame()

    def _press(self, by: str) -> None:
        if isinstance(self._stop, RedStop):
            self._stop.press(f"{by} at a console")
        self._stop.set()
        self._interrupt()

    def _send_frame(self, force: bool = False) -> None:
        if self._frame is None:
            return
        wanted = any(not one.frame for one in self._store.requests.waiting(5, self._folder.id))
        force = force or bool(self._driver)
        if wanted or (self._fresh and (force or time.monotonic() - self._shown >= FRAME_S)):
            self._fresh = False
            self._store.runs.show(self._folder.id, self._frame)
            self._shown = time.monotonic()


class _Told:
    """Implements `agent.watch.Watch`."""

    def __init__(self, presence: Presence, inner: Watch) -> None:
        self._presence, self._inner = presence, inner

    def stage(self, step: Step, name: str) -> None:
        self._presence.at(name, step.instruction, step.index)
        self._inner.stage(step, name)

    def step(self, step: Any) -> None:
        self._presence.at("", step.instruction, step.index + 1)
        self._inner.step(step)

    def end(self, ending: Ending) -> None:
        self._inner.end(ending)
