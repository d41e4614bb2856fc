"""The accessibility bus: calls in bursts and the events that programs send, over D-Bus. Knows no nodes.

A burst is sent whole before the first answer is read: a hundred questions cost one round trip.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from actuators.errors import SurfaceLost, SurfaceTimeout

__all__ = ["Ask", "Bus", "Event", "accessibility_bus"]

_BOUND_S = 2.0
_AUTH = b"\0AUTH EXTERNAL\r\n"
_REMEMBERS = 5000

Ask = tuple[str, str, str, str, str, tuple[Any, ...]]
"""Bus name, path, interface, method, signature of the arguments, arguments."""
Event = tuple[str, str, str, str, tuple[Any, ...]]
"""Sender, path, interface, member, body."""


class Bus:
    """One connection. Not thread-safe.

    Args:
        path: of the bus's socket.
        bound_s: a bus or program that takes longer than this to answer counts as hung.
    """

    def __init__(self, path: Path, bound_s: float = _BOUND_S) -> None:
        from jeepney.io.blocking import DBusConnection

        self._bound_s = bound_s
        self._until = float("inf")
        self._whole = False
        self._known: dict[Ask, bytearray] = {}
        self._events: deque[Event] = deque(maxlen=20_000)
        self._connection = DBusConnection(_authenticated(path, bound_s))

    def close(self) -> None:
        with suppress(OSError, ValueError):
            self._connection.close()

    def ask(self, *ask: Any) -> Any:
        """One call; its first answer, or None where it is refused."""
        return self.burst([ask])[0]

    def burst(self, asks: Sequence[Ask], bound_s: float | None = None) -> list[Any]:
        """The first value of each answer, in order; None for whatever was refused or has gone.

        Raises:
            SurfaceLost: the bus has ended.
            SurfaceTimeout: no answer came for as long as the bound, or not all of them in twice that.
        """
        from jeepney import HeaderFields, MessageType

        waiting: dict[int, int] = {}
        sent = bytearray()
        for place, ask in enumerate(asks):
            serial = next(self._connection.outgoing_serial)
            waiting[serial] = place
            sent += self._bytes_of(ask, serial)
        answers: list[Any] = [None] * len(asks)
        bound = self._bound_s if bound_s is None else bound_s
        last = min(self._until, time.monotonic() + 2 * bound)
        until = min(last, time.monotonic() + bound)
        try:
            self._connection.sock.sendall(sent)
            while waiting:
                message = self._connection.receive(timeout=max(0.0, until - time.monotonic()))
                serial = message.header.fields.get(HeaderFields.reply_serial, -1)
                if serial not in waiting:
                    self._note(message)
                    continue
                place = waiting.pop(serial)
                until = min(last, time.monotonic() + bound)  # whoever answers at all is not hung
                if message.header.message_type is MessageType.method_return:
                    answers[place] = message.body if self._whole or not message.body else message.body[0]
        except TimeoutError:
            raise SurfaceTimeout("a program does not answer about what it shows") from None
        except OSError:
            raise SurfaceLost("the accessibility bus has ended") from None
        return answers

    def _bytes_of(self, ask: Ask, serial: int) -> bytes:
        """A call as it is sent; the same question is put into bytes once, and then only numbered anew."""
        from jeepney import DBusAddress, new_method_call

        known = self._known.get(ask)
        if known is None:
            name, path, interface, method, signature, given = ask
            where = DBusAddress(path, bus_name=name, interface=interface)
            known = bytearray(new_method_call(where, method, signature or None, given).serialise(serial=serial))
            if len(self._known) > _REMEMBERS:
                self._known.clear()
            self._known[ask] = known
        known[8:12] = serial.to_bytes(4, "little")
        return bytes(known)

    def whole(self, ask: Ask) -> tuple[Any, ...]:
        """One call, with all values of its answer; empty where it is refused."""
        self._whole = True
        try:
            return tuple(self.burst([ask])[0] or ())
        finally:
            self._whole = False

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """All bursts in it together take at most so long; `SurfaceTimeout` then."""
        before, self._until = self._until, min(self._until, time.monotonic() + seconds)
        try:
            yield
        finally:
            self._until = before

    def listen(self, *rules: str) -> None:
        """Ask for events, as match rules of D-Bus."""
        self.burst([_to_daemon("AddMatch", "s", (rule,)) for rule in rules])

    def events(self) -> list[Event]:
        """What was told since the last call, without waiting. Raises `SurfaceLost`."""
        try:
            while True:
                self._note(self._connection.receive(timeout=0))
        except TimeoutError:
            pass
        except OSError:
            raise SurfaceLost("the accessibility bus has ended") from None
        found = list(self._events)
        self._events.clear()
        return found

    def process_of(self, name: str) -> int:
        """The process behind a bus name, as the bus's namespace counts it; 0 when it has gone."""
        told: object = self.ask(*_to_daemon("GetConnectionUnixProcessID", "s", (name,)))
        return told if isinstance(told, int) else 0

    def fileno(self) -> int:
        return int(self._connection.sock.fileno())

    def _note(self, message: Any) -> None:
        from jeepney import HeaderFields, MessageType

        if message.header.message_type is MessageType.signal:
            fields = message.header.fields
            told = tuple(str(fields.get(one, "")) for one in (HeaderFields.sender, HeaderFields.path))
            what = (str(fields.get(HeaderFields.interface, "")), str(fields.get(HeaderFields.member, "")))
            self._events.append((*told, *what, tuple(message.body)))  # type: ignore[arg-type]


def accessibility_bus(session: Path, root: Path | None = None, inside: str = "") -> Path:
    """The socket of the accessibility bus, started if need be; and programs are told that somebody listens.

    Args:
        session: socket of the session's bus.
        root: where, out here, the folder lies that is called `inside` in there; None where both are the same.
        inside: how programs call that folder.

    Raises:
        SurfaceLost, SurfaceTimeout: there is none.
    """
    bus = Bus(session, 10.0)
    try:
        address = bus.ask("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", "", ())
        enabled = ("org.a11y.Status", "IsEnabled", ("b", True))
        bus.ask("org.a11y.Bus", "/org/a11y/bus", "org.freedesktop.DBus.Properties", "Set", "ssv", enabled)
    finally:
        bus.close()
    for part in str(address or "").split(";")[0].removeprefix("unix:").split(","):
        if part.startswith("path="):
            path = part.removeprefix("path=")
            return root / path.removeprefix(inside).lstrip("/") if root is not None else Path(path)
    raise SurfaceLost("there is no accessibility bus: install at-spi2-core")


def _to_daemon(method: str, signature: str, given: tuple[Any, ...]) -> Ask:
    return ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method, signature, given)


def _authenticated(path: Path, bound_s: float) -> socket.socket:
    """A connection on which messages can begin. Who we are is told by the kernel alone: a jail counts users anew."""
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(bound_s)
    try:
        line.connect(str(path))
        line.sendall(_AUTH)
        if _told(line).startswith(b"DATA"):
            line.sendall(b"DATA\r\n")
        if not _told(line).startswith(b"OK "):
            raise SurfaceLost("the message bus does not let us in")
        line.sendall(b"BEGIN\r\n")
    except OSError as error:
        line.close()
        raise SurfaceLost(f"the message bus cannot be reached: {error.strerror or error}") from None
    line.settimeout(None)
    return line


def _told(line: socket.socket) -> bytes:
    said = b""
    while not said.endswith(b"\r\n"):
        piece = line.recv(256)
        if not piece:
            break
        said += piece
    return said
