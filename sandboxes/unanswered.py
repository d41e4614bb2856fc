"""What a browser has sent and got no answer to: the connection was cut, or the server says nothing.

Whether the server did what it was asked cannot be told from here. Reads are left out: they can be asked again.

Chromium sends a request again by itself when a connection that was used before is closed under it. `sandboxes.chromium`
sees to it that reads leave none behind; over HTTP/2, which shares one connection, it cannot, and only a server that
guards against it can tell.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Request

__all__ = ["Unanswered"]

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = frozenset({"document", "xhr", "fetch"})
_KEPT_BACK = ("net::ERR_ABORTED", "net::ERR_BLOCKED")
"""How a request ends that never left."""


class Unanswered:
    """Listens to one browser context."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self._waiting: dict[Request, float] = {}
        self._lost: list[tuple[str, str]] = []
        context.on("request", self._begun)
        context.on("response", self._answered)
        context.on("requestfailed", self._failed)

    def lost(self, sent: Collection[str], wait_s: float = 10.0) -> tuple[str, ...]:
        """Which of these requests, as `METHOD ADDRESS` without query, got no answer, and why; one line each.

        Waits for their answers at most `wait_s` seconds. What else the page sends is its own business.
        """
        from playwright.sync_api import Error

        until = time.monotonic() + wait_s
        while self._pending(sent) and self._context.pages and time.monotonic() < until:
            try:
                self._context.pages[-1].wait_for_timeout(20)
            except Error:
                break
        lost = [f"{words}: {why}" for words, why in self._lost if words in sent]
        lost += [f"{words}: no answer within {wait_s:.0f} seconds" for words in self._pending(sent)]
        self._lost.clear()
        return tuple(lost)

    def _pending(self, sent: Collection[str]) -> list[str]:
        return [words for request in self._waiting if (words := _words(request)) in sent]

    def _begun(self, request: Request) -> None:
        if request.method not in _READS and request.resource_type in _OWN:
            self._waiting[request] = time.monotonic()

    def _answered(self, response: Any) -> None:
        self._waiting.pop(response.request, None)

    def _failed(self, request: Request) -> None:
        if self._waiting.pop(request, None) is None:
            return
        why = request.failure or "it failed"
        if not why.startswith(_KEPT_BACK):
            self._lost.append((_words(request), why.removeprefix("net::")))


def _words(request: Request) -> str:
    """Method and address without what was asked in it."""
    return f"{request.method} {request.url.partition('?')[0].partition('#')[0]}"[:400]
