"""Who listens: consoles and terminals at which somebody would see a question. Nobody: the answer is no, at once."""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from agent.store.engine import writing
from agent.store.tables import listeners
from agent.store.where import machine

__all__ = ["Listener", "Listeners", "Listening"]

BEAT_S = 2.0
ALIVE_S = 10.0


@dataclass(frozen=True, slots=True)
class Listener:
    """One console or terminal."""

    id: str
    kind: str
    machine: str
    origin: str
    """Of a console's pages; empty for a terminal."""
    key: str
    heartbeat: float


class Listeners:
    """The table of who listens, on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def alive(self) -> list[Listener]:
        """Whoever was heard of in the last `ALIVE_S` seconds."""
        with self._engine.connect() as connection:
            wanted = select(listeners).where(listeners.c.heartbeat > time.time() - ALIVE_S)
            return [Listener(**row) for row in connection.execute(wanted).mappings().all()]

    def put(self, kind: str, origin: str, key: str) -> str:
        name = secrets.token_hex(8)
        with writing(self._engine) as connection:
            told = {"kind": kind, "machine": machine(), "origin": origin, "key": key, "heartbeat": time.time()}
            connection.execute(delete(listeners).where(listeners.c.heartbeat < time.time() - 86_400))
            connection.execute(insert(listeners).values(id=name, **told))
        return name

    def beat(self, name: str) -> None:
        with writing(self._engine) as connection:
            connection.execute(update(listeners).where(listeners.c.id == name).values(heartbeat=time.time()))

    def drop(self, name: str) -> None:
        with writing(self._engine) as connection:
            connection.execute(delete(listeners).where(listeners.c.id == name))


class Listening:
    """Says, as long as it is open, that somebody listens here. Use as a context manager."""

    def __init__(self, table: Listeners, kind: str, key: str, origin: str = "") -> None:
        self._table, self._kind, self._key, self._origin = table, kind, key, origin
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True, name="listening")
        self._name = ""

    def __enter__(self) -> Self:
        self._name = self._table.put(self._kind, self._origin, self._key)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(5)
        with suppress(SQLAlchemyError):
            self._table.drop(self._name)

    def _go_on(self) -> None:
        while not self._over.wait(BEAT_S):
            with suppress(SQLAlchemyError):  # a store that is away for a while: the next beat tells
                self._table.beat(self._name)
