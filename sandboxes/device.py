"""An emulator as a place that can be put back: snapshots through its console, before a run and after it.

Only an emulator can do this. A loaded snapshot takes the whole machine back, and nothing that went out over its
network.

The console (port 5554 for `emulator-5554`) wants the token in `~/.emulator_console_auth_token`.
"""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sandboxes.adb import find_device, is_emulator
from sandboxes.base import SandboxUnavailable

__all__ = ["Device", "find_device"]

_TOKEN = Path("~/.emulator_console_auth_token")
_BOUND_S = 120.0
_NAME = re.compile(r"[a-z0-9_]{1,40}\Z")


class Device:
    """An emulator: entering takes a snapshot, leaving loads it again and throws it away.

    Args:
        serial: as adb lists it, `emulator-5554`.
        port: of the console; that in the serial number when None.
        token: what the console asks for; read from the user's file when None.
        bound_s: for one command of the console.
    """

    def __init__(
        self, serial: str, port: int | None = None, token: str | None = None, bound_s: float = _BOUND_S
    ) -> None:
        if not is_emulator(serial) and port is None:
            raise SandboxUnavailable(f"`{serial}` is no emulator: only an emulator can be put back to what it was")
        self.serial = serial
        self._port = port or int(serial.rpartition("-")[2])
        self._token = token
        self._bound_s = bound_s
        self._kept = ""

    def __enter__(self) -> Self:
        """Take the snapshot. Raises `SandboxUnavailable`."""
        self._kept = f"deskhand_{int(time.time())}"
        self.checkpoint(self._kept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def checkpoint(self, name: str) -> None:
        """Keep the whole machine as it is now under a name. Raises `SandboxUnavailable`."""
        self._ask(f"avd snapshot save {_named(name)}")

    def restore(self, name: str) -> None:
        """Make the machine what it was. Raises `SandboxUnavailable`."""
        self._ask(f"avd snapshot load {_named(name)}")

    def forget(self, name: str) -> None:
        """Throw a snapshot away. Raises `SandboxUnavailable`."""
        self._ask(f"avd snapshot del {_named(name)}")

    def close(self) -> None:
        """Put the machine back; may be called twice. An emulator that is gone has nothing left to put back."""
        kept, self._kept = self._kept, ""
        if kept:
            with suppress(SandboxUnavailable):
                self.restore(kept)
                self.forget(kept)

    def _ask(self, command: str) -> str:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=self._bound_s) as wire:
                greeting = _answer(wire)
                if "Authentication required" in greeting:
                    wire.sendall(f"auth {self._secret()}\n".encode())
                    _answer(wire)
                wire.sendall(f"{command}\n".encode())
                said = _answer(wire)
                wire.sendall(b"quit\n")
                return said
        except OSError as problem:
            why = problem.strerror or "it does not answer"
            raise SandboxUnavailable(f"the console of `{self.serial}` on port {self._port}: {why}") from None

    def _secret(self) -> str:
        if self._token is not None:
            return self._token
        try:
            return _TOKEN.expanduser().read_text().strip()
        except OSError as problem:
            raise SandboxUnavailable(f"the emulator's token {_TOKEN} cannot be read: {problem.strerror}") from None


def _named(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError(f"a snapshot's name has lower-case letters, digits and underscores, got `{name[:40]}`")
    return name


def _answer(wire: socket.socket) -> str:
    """Lines up to `OK`. Raises `SandboxUnavailable` for `KO`."""
    said = b""
    while not re.search(rb"(?m)^(OK|KO.*)\r?\n", said):
        piece = wire.recv(4096)
        if not piece:
            raise SandboxUnavailable("the emulator's console closed the connection")
        said += piece
    text = said.decode("utf-8", "replace")
    if found := re.search(r"(?m)^KO:?\s*(.*?)\r?$", text):
        raise SandboxUnavailable(f"the emulator refuses: {found[1][:160] or 'no reason given'}")
    return text
