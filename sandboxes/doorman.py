"""The only way out of a jail: a small HTTP proxy on a socket file that lets through the hosts it was given.

It takes `CONNECT host:port` (for https) and plain `http://` requests; anything else, and every other host, is
answered with 403. Names are resolved out here, so a jail needs no name service.

What this does not protect against: what an allowed host does with what it is sent, and a name that points at a private
address: whoever allows a name allows what it resolves to.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

__all__ = ["Doorman"]

_HEAD = 16 * 1024
_ANSWER_S = 20.0
_PIECE = 65536
_PORTS = frozenset({80, 443})


class Doorman:
    """Serves one jail.

    Args:
        path: of the socket; made here, for its owner alone.
        hosts: names as they stand in addresses, `example.org` or `example.org:8443`; nothing else is reached.
            Without a port, 80 and 443 are.
    """

    def __init__(self, path: Path, hosts: Sequence[str]) -> None:
        self._path = path
        self._hosts = frozenset(host.lower() for host in hosts)
        self._door: socket.socket | None = None
        self.refused: list[str] = []
        """What was asked for and not let through, oldest first."""

    def __enter__(self) -> Self:
        self._door = socket.socket(socket.AF_UNIX)
        self._path.unlink(missing_ok=True)
        self._door.bind(str(self._path))
        self._path.chmod(0o600)
        self._door.listen(32)
        threading.Thread(target=self._serve, args=(self._door,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let nobody in or out any more. May be called twice."""
        door, self._door = self._door, None
        if door is not None:
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)
            door.close()
            self._path.unlink(missing_ok=True)

    def allows(self, host: str, port: int) -> bool:
        name = host.lower().rstrip(".")
        return f"{name}:{port}" in self._hosts or (name in self._hosts and port in _PORTS)

    def _serve(self, door: socket.socket) -> None:
        while True:
            try:
                inner, _ = door.accept()
            except OSError:
                return
            threading.Thread(target=self._let, args=(inner,), daemon=True).start()

    def _let(self, inner: socket.socket) -> None:
        with inner, suppress(OSError, ValueError):
            inner.settimeout(_ANSWER_S)
            head, rest = _head_of(inner)
            method, where, version = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
            host, port = _whither(method, where)
            if not self.allows(host, port):
                self.refused.append(f"{method} {host}:{port}")
                inner.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            with socket.create_connection((host, port), _ANSWER_S) as outer:
                if method == "CONNECT":
                    inner.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    outer.sendall(rest)
                else:
                    outer.sendall(_direct(head, method, where, version) + rest)
                _join(inner, outer)


def _head_of(inner: socket.socket) -> tuple[bytes, bytes]:
    """A request's head without its empty line, and what came after it. Raises `ValueError`."""
    told = b""
    while b"\r\n\r\n" not in told:
        piece = inner.recv(4096)
        if not piece or len(told) > _HEAD:
            raise ValueError("no request")
        told += piece
    head, _, rest = told.partition(b"\r\n\r\n")
    return head, rest


def _whither(method: str, where: str) -> tuple[str, int]:
    """Host and port of a request to a proxy. Raises `ValueError` for anything that is none."""
    parsed = urlsplit(f"//{where}" if method == "CONNECT" else where)
    if parsed.hostname is None or parsed.username is not None or (method != "CONNECT" and parsed.scheme != "http"):
        raise ValueError("no request to a proxy")
    return parsed.hostname, parsed.port or (443 if method == "CONNECT" else 80)


def _direct(head: bytes, method: str, where: str, version: str) -> bytes:
    """The same request as a server wants it: one for this host, and no second one on the same connection."""
    parsed = urlsplit(where)
    path = (parsed.path or "/") + (f"?{parsed.query}" if parsed.query else "")
    dropped = (b"proxy-", b"connection:", b"host:", b"keep-alive:")
    kept = [line for line in head.split(b"\r\n")[1:] if not line.lower().startswith(dropped)]
    first = [f"{method} {path} {version}".encode(), b"Host: " + parsed.netloc.encode(), b"Connection: close"]
    return b"\r\n".join([*first, *kept]) + b"\r\n\r\n"


def _join(inner: socket.socket, outer: socket.socket) -> None:
    """Bytes both ways until both sides have done. The second half of a plain request may not name another host."""
    back = threading.Thread(target=_carry, args=(outer, inner), daemon=True)
    back.start()
    _carry(inner, outer)
    back.join()


def _carry(one: socket.socket, other: socket.socket) -> None:
    one.settimeout(None)
    with suppress(OSError):
        while piece := one.recv(_PIECE):
            other.sendall(piece)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)
