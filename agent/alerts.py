"""Alerts to a webhook: what was odd in a run, signed, to whoever the operator named. Slows nothing, loses nothing.

The address and the key come from the operator's environment, `AGENT_ALERT_URL` and `AGENT_ALERT_KEY`, and from nowhere
else: a task cannot name, change or silence a receiver. A receiver that is slow or dead costs the run nothing; what was
not delivered is on the trail all the same, and the trail says how many were not.

A receiver checks `X-Deskhand-Signature: sha256=HEX`: HMAC-SHA256 with the shared key over `TIMESTAMP.BODY`, where
TIMESTAMP is the header `X-Deskhand-Timestamp` (seconds since the epoch) and BODY the bytes as they came. An old
timestamp or a known `id` is a replay.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import queue
import threading
import time
import urllib.request
import uuid
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from policies.place import place_of

__all__ = ["Alerts", "AlertsUnusable", "signature"]

URL, KEY = "AGENT_ALERT_URL", "AGENT_ALERT_KEY"
_SHORTEST_KEY = 16
_TIMEOUT_S = 2.0
_TRIES = 3
_PAUSE_S = 0.3
_CLOSE_S = 2.0
_MOST = 1_000


class AlertsUnusable(Exception):
    """The operator's setting cannot be used: one line. A run that should raise alarms must not start without."""


def signature(key: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC of `timestamp.body` in hexadecimal."""
    return "sha256=" + hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class Alerts:
    """A queue and a thread towards one receiver. Use as a context manager."""

    def __init__(self, url: str, key: str) -> None:
        """Raises `AlertsUnusable`."""
        place = place_of(url)
        if place is None:
            raise AlertsUnusable(f"{URL} must be a web address, got `{urlsplit(url).scheme or 'nothing'}:...`")
        if place.scheme != "https" and not place.local:
            raise AlertsUnusable(f"{URL} must begin with https:// unless the receiver is on this machine or network")
        if len(key) < _SHORTEST_KEY:
            raise AlertsUnusable(
                f"{KEY} must hold the key shared with the receiver, {_SHORTEST_KEY} characters or more"
            )
        self._url, self._key = url, key
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue(_MOST)
        self._thread = threading.Thread(target=self._deliver, daemon=True, name="alerts")
        self._begun = False
        self._over = threading.Event()
        self.raised = 0
        self.delivered = 0

    @classmethod
    def configured(cls, environment: Mapping[str, str] | None = None) -> Alerts | None:
        """The operator's, or None where no receiver is named. Raises `AlertsUnusable`."""
        known = os.environ if environment is None else environment
        url = known.get(URL, "").strip()
        return cls(url, known.get(KEY, "")) if url else None

    def __enter__(self) -> Self:
        self._begun = True
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, told: Mapping[str, Any]) -> None:
        """Put one alert on its way and return at once. Texts must be free of secrets already."""
        self.raised += 1
        alert = {"v": 1, "id": str(uuid.uuid4()), "at": round(time.time(), 3), **told}
        with suppress(queue.Full):  # it is on the trail, and counted as lost
            self._waiting.put_nowait(alert)

    @property
    def lost(self) -> int:
        """How many were not delivered so far."""
        return self.raised - self.delivered

    def close(self) -> None:
        """Give what waits `_CLOSE_S` seconds more. May be called twice."""
        if not self._begun or self._over.is_set():
            return
        with suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(_CLOSE_S)
        self._over.set()

    def _deliver(self) -> None:
        while (alert := self._waiting.get()) is not None:
            if self._delivered(json.dumps(alert, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")):
                self.delivered += 1

    def _delivered(self, body: bytes) -> bool:
        for number in range(_TRIES):
            if number and self._over.wait(_PAUSE_S * number):
                return False
            if self._posted(body):
                return True
        return False

    def _posted(self, body: bytes) -> bool:
        stamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "deskhand",
            "X-Deskhand-Timestamp": stamp,
            "X-Deskhand-Signature": signature(self._key, stamp, body),
        }
        try:
            asked = urllib.request.Request(self._url, body, headers, method="POST")
            with _OPENER.open(asked, timeout=_TIMEOUT_S) as answer:
                return bool(200 <= answer.status < 300)
        except (OSError, ValueError):  # refused, reset, too slow, an answer that is none
            return False


class _Nowhere(urllib.request.HTTPRedirectHandler):
    """A receiver that sends the alert on to somebody else has not taken it."""

    def redirect_request(self, *given: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Nowhere)
