"""A request that waits at the wire: what a browser is about to send, whole, before a byte of it leaves.

Knows how a browser tells of it and how to let it go or keep it back without losing the page. Who decides is somebody
else's business. What the page's process says about a request (`sender`) is the browser's word, not the page's.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Held", "WireJudge", "answer", "held_from", "message_from"]


@dataclass(frozen=True, slots=True)
class Held:
    """One request, or one message on a WebSocket, that has not left yet."""

    url: str
    method: str
    """Upper case; `SEND` for a message on a WebSocket."""
    kind: str
    """The browser's resource type in lower case (`document`, `xhr`, `ping`...), `websocket` for the opening of one and
    `message` for what is said on it."""
    sender: str = ""
    """Origin that the browser states for whoever asks; `null` for an opaque one, empty where it states none."""
    body: bytes = field(default=b"", repr=False)
    readable: bool = True
    """False where there is a body that the browser does not show (files, streams)."""
    content_type: str = ""
    redirected: bool = False
    """A hop of a redirect: some server sent the browser there."""


WireJudge = Callable[[Held], bool]
"""True lets a request go. Anything else, and anything raised, keeps it back."""


def held_from(event: Mapping[str, Any]) -> Held:
    """What the parameters of a `Fetch.requestPaused` event tell."""
    request = event["request"]
    headers = {str(name).lower(): str(value) for name, value in request.get("headers", {}).items()}
    body, readable = _body(request)
    return Held(
        url=str(request["url"]),
        method=str(request["method"]).upper(),
        kind=str(event.get("resourceType", "")).lower(),
        sender=headers.get("origin") or _origin(headers.get("referer", "")),
        body=body,
        readable=readable,
        content_type=headers.get("content-type", ""),
        redirected="redirectedRequestId" in event,
    )


def message_from(url: str, said: str | bytes, sender: str = "") -> Held:
    """A message that a page wants to say on a WebSocket."""
    body = said.encode("utf-8", "surrogatepass") if isinstance(said, str) else bytes(said)
    shape = "text/plain" if isinstance(said, str) else "application/octet-stream"
    return Held(url, "SEND", "message", sender, body, True, shape)


def answer(released: bool, event: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The command that lets a paused request go or keeps it back.

    A navigation is answered with 204, which leaves the page, its form and its memory as they are; an abort would
    replace the page by an error page.
    """
    given: dict[str, Any] = {"requestId": event["requestId"]}
    if released:
        return "Fetch.continueRequest", given
    if str(event.get("resourceType", "")).lower() == "document":
        return "Fetch.fulfillRequest", {**given, "responseCode": 204}
    return "Fetch.failRequest", {**given, "errorReason": "Aborted"}


def _body(request: Mapping[str, Any]) -> tuple[bytes, bool]:
    if not request.get("hasPostData") and "postData" not in request:
        return b"", True
    entries = request.get("postDataEntries") or []
    try:
        parts = [base64.b64decode(entry["bytes"], validate=True) for entry in entries]
    except (KeyError, binascii.Error, ValueError):
        return b"", False  # an entry without bytes is a file
    if parts:
        return b"".join(parts), True
    text = request.get("postData")
    return (b"", False) if text is None else (str(text).encode("utf-8", "surrogatepass"), True)


def _origin(referer: str) -> str:
    try:
        parts = urlsplit(referer)
    except ValueError:
        return "null"  # whoever it is, it is nobody that is known
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
