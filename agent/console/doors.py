"""What everything must pass before a page sees it: names, origins, sizes, and the headers on every answer.

No request is served under a name that the console was not started for (a page that points its own name at this
machine gets nothing), none that comes from another site, none with a large body; there is no CORS. Answers forbid
everything that the pages do not need.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from agent.console.words import refusal

__all__ = ["LARGEST", "Doors", "Limiter", "Refused"]

LARGEST = 64 * 1024
"""Bytes of a request's body."""
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), clipboard-read=()",
    "cache-control": "no-store",
}

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Refused(Exception):
    """This is not done. `code` names the sentence in `agent.console.words`, or is one."""

    def __init__(self, code: str, status: int = 403) -> None:
        super().__init__(code)
        self.code, self.status = code, status


class Doors:
    """An ASGI application around another.

    Args:
        app: what is behind.
        origins: under which the pages are reached, as `http://127.0.0.1:8642`.
        machines: paths that programs post to; they prove themselves by a signature and come without an origin.
    """

    def __init__(self, app: App, origins: Iterable[str], machines: Iterable[str] = ()) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._hosts = frozenset(origin.partition("://")[2] for origin in self._origins)
        self._machines = frozenset(machines)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no sockets here
            await send({"type": "websocket.close", "code": 1008})
            return
        answer = _with_headers(send)
        refused = self._refused(scope)
        if refused is not None:
            await _refuse(answer, *refused)
            return
        bounded = _Bounded(receive, answer)
        try:
            await self._app(scope, bounded.receive, bounded.send)
        except Exception:
            if not bounded.over:  # what breaks because its body was cut off has been answered already
                raise

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        hosts = headers.get("host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return 421, "host"
        origin = headers.get("origin", [])
        program = scope["path"] in self._machines and not origin
        if any(one not in self._origins for one in origin):
            return 403, "origin"
        if scope["method"] not in ("GET", "HEAD") and not origin and not program:
            return 403, "origin"
        if headers.get("sec-fetch-site", ["none"])[0] not in ("same-origin", "none") and not _followed(headers):
            return 403, "origin"
        length = headers.get("content-length", ["0"])[0]
        if not length.isdigit() or int(length) > LARGEST:
            return 413, "size"
        return None


def _followed(headers: dict[str, list[str]]) -> bool:
    """A person followed a link from elsewhere to a page; nothing but a page may be reached so."""
    return headers.get("sec-fetch-mode") == ["navigate"] and headers.get("sec-fetch-dest") == ["document"]


class _Bounded:
    """Hands on what comes in, up to the bound, whatever length it announced; beyond it, refuses and hangs up."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._bytes = 0
        self._begun = False
        self.over = False

    async def receive(self) -> Message:
        if self.over:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes <= LARGEST:
            return message
        self.over = True
        if not self._begun:
            await _refuse(self._send, 413, "size")
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if not self.over:
            self._begun = True
            await self._send(message)


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = [(name, value) for name, value in message.get("headers", ()) if name.lower() != b"server"]
            present = {name.lower() for name, _ in given}
            extra = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in present]
            message = {**message, "headers": [*given, *extra]}
        await send(message)

    return sent


async def _refuse(send: Send, status: int, code: str) -> None:
    body = (refusal(code) + "\n").encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Limiter:
    """At most `most` tries for one key within `seconds`. Holds a bounded number of keys."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()

    def full(self, key: str) -> bool:
        """Whether one more try is too much now."""
        now = self._clock()
        tries = self._tries.get(key)
        while tries and now - tries[0] > self._seconds:
            tries.popleft()
        return tries is not None and len(tries) >= self._most

    def tried(self, key: str) -> None:
        """Count one try."""
        self._tries.setdefault(key, deque(maxlen=self._most)).append(self._clock())
        self._tries.move_to_end(key)
        while len(self._tries) > 10_000:
            self._tries.popitem(last=False)
