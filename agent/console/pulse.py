"""What tells the pages that something changed: one look at the store for all of them, a few times a second."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from agent.store.store import Store

__all__ = ["Pulse"]

LOOK_S = 0.25
SWEEP_S = 5.0
KEEP_S = 15.0
MOST = 50
"""Pages that may listen at once."""


class Pulse:
    """Run `go` as a task; `events` feeds one page."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = 0
        self._said: tuple[Any, ...] = ()
        self._waiting = 0
        self._changed = asyncio.Event()
        self.listening = 0

    async def go(self) -> None:
        """Look, for ever."""
        swept = 0.0
        while True:
            try:
                if time.monotonic() - swept > SWEEP_S:
                    swept = time.monotonic()
                    await asyncio.to_thread(self._store.runs.lost)
                now = await asyncio.to_thread(self._look)
            except SQLAlchemyError:  # it may come back
                await asyncio.sleep(1)
                continue
            if now != self._said:
                self._said, self._waiting, self._version = now, int(now[0]), self._version + 1
                self._changed.set()
                self._changed = asyncio.Event()
            await asyncio.sleep(LOOK_S)

    def _look(self) -> tuple[Any, ...]:
        runs = tuple(
            (one.id, one.state, one.stage, one.steps, one.frame, one.driver) for one in self._store.runs.listed(200)
        )
        return (*self._store.requests.pulse(), runs)

    async def events(self) -> AsyncIterator[str]:
        """Server-sent events: at once, on every change, and a comment now and then."""
        self.listening += 1
        try:
            while True:
                changed = self._changed
                yield f"data: {json.dumps({'waiting': self._waiting, 'version': self._version})}\n\n"
                while True:
                    with suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(changed.wait(), KEEP_S)
                        break
                    yield ": still here\n\n"
        finally:
            self.listening -= 1
