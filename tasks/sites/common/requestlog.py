"""Write down what a site was asked and what it did, so that a test can read the truth.

Each request gives two JSON lines with the same `seq`: `request`, written and flushed before any
handler runs, and `answer`, written when the effect is done or else when the response starts. A
`request` without an `answer` is a request that was under way when the process ended.

Forms are logged without their CSRF token and with the fields named in `masked` blotted out. The
log does not hide other personal data: it is for made-up people.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Entry", "LoggedRequests", "RequestLog", "last_four"]

_BODY_LIMIT_BYTES = 64 * 1024
_URLENCODED = b"application/x-www-form-urlencoded"


def last_four(digits: str) -> str:
    """`digits` with all but its last four characters replaced by stars."""
    plain = "".join(digits.split())
    return "*" * max(len(plain) - 4, 0) + plain[-4:]


class RequestLog:
    """An append-only file of JSON lines, flushed line by line; `seq` goes on after a restart."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+", encoding="utf-8")
        self._file.seek(0)
        self._count = sum(1 for _ in self._file)

    def opened(self, method: str, path: str, query: str, form: Mapping[str, str]) -> Entry:
        """Write the `request` line and return the entry whose answer is still owed."""
        self._count += 1
        asked = {"method": method, "path": path, "query": query, "form": dict(form)}
        entry = Entry(self, {"seq": self._count, **asked})
        entry.write("request")
        return entry

    def append(self, line: Mapping[str, object]) -> None:
        """Write one line and flush it."""
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()


class Entry:
    """One request in the log; it is answered once, and later answers are not written."""

    def __init__(self, log: RequestLog, asked: Mapping[str, object]) -> None:
        self._log = log
        self._asked = asked
        self._answered = False

    def answer(
        self,
        status: int,
        effect: str | None = None,
        *,
        amount_cents: int | None = None,
        reference: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Write the `answer` line; call it right after the effect, before any wait."""
        if self._answered:
            return
        self._answered = True
        self.write("answer", status, effect, amount_cents, reference, details)

    def write(
        self,
        kind: str,
        status: int | None = None,
        effect: str | None = None,
        amount_cents: int | None = None,
        reference: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Write one line of either kind, always with the same keys."""
        said = {"status": status, "effect": effect, "amount_cents": amount_cents}
        rest = {"reference": reference, "details": details}
        self._log.append({"t": time.time(), "kind": kind, **self._asked, **said, **rest})


class LoggedRequests:
    """ASGI layer that logs each request and leaves `form` and `entry` in the request state."""

    def __init__(self, app: ASGIApp, log: RequestLog, masked: Mapping[str, Callable[[str], str]]) -> None:
        self._app = app
        self._log = log
        self._masked = masked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        form = _form(scope, body or b"")
        query = scope["query_string"].decode("ascii", "replace")
        entry = self._log.opened(scope["method"], scope["path"], query, self._shown(form))
        scope.setdefault("state", {}).update(form=form, entry=entry)
        app = self._app if body is not None else PlainTextResponse("Request too large", 413)
        await _answering(app, entry, scope, receive, send)

    def _shown(self, form: Mapping[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in form.items() if name != "csrf"}
        return {n: self._masked[n](v) if n in self._masked else v for n, v in kept.items()}


async def _answering(app: ASGIApp, entry: Entry, scope: Scope, receive: Receive, send: Send) -> None:
    """Run `app`, and answer `entry` with its status if no handler has done so."""

    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            entry.answer(message["status"])
        await send(message)

    try:
        await app(scope, receive, watched)
    finally:
        entry.answer(500)


async def _body(receive: Receive) -> bytes | None:
    """The whole request body, or None if it is longer than any form here can be."""
    body = b""
    while True:
        message = await receive()
        piece: bytes = message.get("body", b"")
        body += piece
        if len(body) > _BODY_LIMIT_BYTES:
            return None
        if not message.get("more_body", False):
            return body


def _form(scope: Scope, body: bytes) -> dict[str, str]:
    """The fields of a URL-encoded body; of any other kind, none."""
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    if not kinds or not kinds[0].startswith(_URLENCODED):
        return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
