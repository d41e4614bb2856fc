"""A random session for each visitor, and a CSRF token that belongs to it.

Every POST must carry the token of its own session in the field `csrf`; any other is answered by
`refused`. The secret lives as long as the process, so forms do not outlive a restart.

It needs `LoggedRequests` outside it, which has read the form.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Sessions"]

_COOKIE = "sid"
_SESSION = re.compile(r"[0-9a-f]{32}\Z")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Sessions:
    """ASGI layer that leaves `session` and `csrf` in the request state."""

    def __init__(self, app: ASGIApp, refused: ASGIApp) -> None:
        self._app = app
        self._refused = refused
        self._secret = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        known = HTTPConnection(scope).cookies.get(_COOKIE, "")
        session = known if _SESSION.match(known) else secrets.token_hex(16)
        token = hmac.new(self._secret, session.encode(), hashlib.sha256).hexdigest()
        state = scope["state"]
        state.update(session=session, csrf=token)
        given = state["form"].get("csrf", "")
        allowed = scope["method"] in _SAFE or hmac.compare_digest(given.encode(), token.encode())
        app = self._app if allowed else self._refused
        await app(scope, receive, send if session == known else _setting(session, send))


def _setting(session: str, send: Send) -> Send:
    """`send`, with the session cookie added to the response."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            cookie = f"{_COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax"
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return sending
