"""The store, opened: its parts on one engine."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from agent.store.engine import opened
from agent.store.listeners import Listeners
from agent.store.people import People
from agent.store.queue import Queue
from agent.store.requests import Requests
from agent.store.runs import Runs
from agent.store.where import default_url

__all__ = ["Store"]


class Store:
    """Use as a context manager. Safe in several threads.

    Args:
        url: see `agent.store.engine`; empty for the default.
        pool: connections to a server at most.

    Raises:
        StoreUnusable: it cannot be opened.
    """

    def __init__(self, url: str = "", pool: int = 5) -> None:
        self.engine = opened(url or default_url(), pool)
        self.runs = Runs(self.engine)
        self.requests = Requests(self.engine)
        self.people = People(self.engine)
        self.listeners = Listeners(self.engine)
        self.queue = Queue(self.engine)

    def close(self) -> None:
        """May be called twice."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
