"""Messages between two processes over a connected socket: four bytes of length, then one JSON object.

Every wait is bounded. Nothing here listens; the socket is one half of a pair that the parent made.
"""

from __future__ import annotations

import json
import math
import select
import socket
import time
from typing import Any

__all__ = ["LARGEST", "Channel", "ChannelBroken"]

LARGEST = 4 * 1024 * 1024
"""Bytes of one message."""
_AT_ONCE = 65536


class ChannelBroken(Exception):
    """The other side is gone, too slow, or does not speak the protocol."""


class Channel:
    """One end, which it makes non-blocking: what is there is taken at once, and only what is not is waited for.

    Not thread-safe.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._kept = bytearray()
        """What has come and was not asked for yet."""

    def send(self, message: dict[str, Any], within_s: float) -> None:
        """Raises ChannelBroken when it cannot be handed over in time, or is too large."""
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        if len(body) > LARGEST:
            raise ChannelBroken("the message is too large")
        deadline = time.monotonic() + within_s
        left = memoryview(len(body).to_bytes(4, "big") + body)
        while left:
            try:
                left = left[self._end.send(left) :]
            except BlockingIOError:
                self._wait(select.POLLOUT, deadline, "could not send: it is not taken in time")
            except OSError as error:
                raise ChannelBroken(f"could not send: {type(error).__name__}") from None

    def receive(self, within_s: float | None) -> dict[str, Any]:
        """The next message; None waits for ever. Raises ChannelBroken."""
        deadline = None if within_s is None else time.monotonic() + within_s
        size = int.from_bytes(self._exactly(4, deadline), "big")
        if size > LARGEST:
            raise ChannelBroken("the message is too large")
        try:
            message = json.loads(self._exactly(size, deadline).decode("utf-8", "surrogatepass"))
        except ValueError:
            raise ChannelBroken("the message is not JSON") from None
        if not isinstance(message, dict):
            raise ChannelBroken("the message is not an object")
        return message

    def close(self) -> None:
        self._end.close()

    def _exactly(self, size: int, deadline: float | None) -> bytes:
        while len(self._kept) < size:
            try:
                part = self._end.recv(_AT_ONCE)
            except BlockingIOError:
                self._wait(select.POLLIN, deadline, "no answer in time")
                continue
            except OSError as error:
                raise ChannelBroken(f"no answer: {type(error).__name__}") from None
            if not part:
                raise ChannelBroken("the other side is gone")
            self._kept += part
        taken = bytes(self._kept[:size])
        del self._kept[:size]
        return taken

    def _wait(self, event: int, deadline: float | None, late: str) -> None:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise ChannelBroken(late)
        try:
            waiting = select.poll()
            waiting.register(self._end, event)
            waiting.poll(None if left is None else math.ceil(left * 1000))
        except (OSError, ValueError) as error:
            raise ChannelBroken(f"it cannot be waited for: {type(error).__name__}") from None
