"""A port of a guest's own loopback, reachable on ours: for the debugging port of a browser in a jail without network.

What this does not protect against: whoever can connect to our loopback reaches the port, as on OSWorld's machines.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

__all__ = ["GuestPort"]

_BOUND_S = 10.0
_PIECE = 65536


class GuestPort:
    """Listens on loopback and forwards each connection into the jail.

    Args:
        port: in there.
        line: tells the socket of the program in the jail (`sandboxes.guest_inside`), asked anew for each connection;
            raises `OSError` where there is none now.
    """

    def __init__(self, port: int, line: Callable[[], Path]) -> None:
        self._inside = port
        self._line = line
        self._door = socket.create_server(("127.0.0.1", 0), backlog=32)
        self.port = int(self._door.getsockname()[1])
        """Out here."""
        threading.Thread(target=self._serve, daemon=True, name=f"guest-port-{port}").start()

    def close(self) -> None:
        """Take no more connections. May be called twice."""
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _serve(self) -> None:
        while True:
            try:
                outer, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(outer,), daemon=True).start()

    def _forward(self, outer: socket.socket) -> None:
        with outer, socket.socket(socket.AF_UNIX) as inner, suppress(OSError, ValueError):
            inner.settimeout(_BOUND_S)
            inner.connect(str(self._line()))
            inner.sendall(json.dumps({"do": "port", "port": self._inside, "size": 0}).encode() + b"\n")
            if "failed" in json.loads(_first_line(inner)):
                return
            inner.settimeout(None)
            back = threading.Thread(target=_carry, args=(inner, outer), daemon=True)
            back.start()
            _carry(outer, inner)
            back.join()


def _first_line(line: socket.socket) -> bytes:
    """Byte by byte: what follows belongs to whoever connected."""
    said = b""
    while not said.endswith(b"\n"):
        piece = line.recv(1)
        if not piece:
            break
        said += piece
    return said


def _carry(one: socket.socket, other: socket.socket) -> None:
    """Bytes from one connection to the other until it ends; then both are over."""
    with suppress(OSError):
        while piece := one.recv(_PIECE):
            other.sendall(piece)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
