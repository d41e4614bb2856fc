"""A private X server without a screen: Xvfb, reachable through one socket file and with one cookie.

The server takes connections on its socket file alone; its abstract socket, which would be reachable from every
sandbox that shares the network, is closed. It ends with the thread that started it, however that ends.

What this does not protect against: whoever holds the cookie sees and does everything on this display. One display is
one sandbox.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sandboxes.base import SandboxUnavailable

__all__ = ["Display", "cookie_file", "opened_with"]

START_S = 15.0
STOP_S = 3.0
_TRIES = 20
_NUMBERS = range(200, 30_000)
"""Far from those that people's own displays have."""
_LOOKS_S = 0.005
_MISSING = "no Xvfb: install it (Debian: `apt-get install xvfb`)"
_LOCAL, _WILD = 256, 65535
"""Families of an Xauthority entry: this machine by its name, and any."""
_COOKIE = b"MIT-MAGIC-COOKIE-1"


class Display:
    """One X server with one screen.

    Args:
        size: width and height in pixels.
        start_s: how long the server may take to begin.
    """

    def __init__(self, size: tuple[int, int] = (1280, 800), start_s: float = START_S) -> None:
        self._size = size
        self._start_s = start_s
        self._server: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._number = -1

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    @property
    def name(self) -> str:
        """`:NUMBER`, as clients on this machine call it. RuntimeError before the start."""
        if self._number < 0:
            raise RuntimeError("the display was not started")
        return f":{self._number}"

    @property
    def authority(self) -> Path:
        """The file with the cookie that opens it."""
        if self._folder is None:
            raise RuntimeError("the display was not started")
        return Path(self._folder.name) / "authority"

    @property
    def socket(self) -> Path:
        return Path(f"/tmp/.X11-unix/X{self._number}")

    @property
    def pid(self) -> int:
        """The server's process; 0 when it does not run."""
        return self._server.pid if self._server is not None and self._server.poll() is None else 0

    def __enter__(self) -> Self:
        """Start the server. Raises `SandboxUnavailable`."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server. May be called twice, and after the server has died."""
        server, self._server = self._server, None
        if server is not None:
            for harder in (server.terminate, server.kill):
                harder()
                with suppress(subprocess.TimeoutExpired):
                    server.wait(STOP_S)
                    break
            self._sweep(server.pid)
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._number = -1

    def _sweep(self, pid: int) -> None:
        """What a killed server leaves behind, so that its number can be used again; never another server's."""
        lock = Path(f"/tmp/.X{self._number}-lock")
        with suppress(OSError, ValueError):
            if self._number >= 0 and int(lock.read_text()) == pid:
                self.socket.unlink(missing_ok=True)
                lock.unlink()

    def _start(self) -> None:
        program = shutil.which("Xvfb")
        if program is None:
            raise SandboxUnavailable(_MISSING)
        self._folder = tempfile.TemporaryDirectory(prefix="deskhand-display-")
        folder = Path(self._folder.name)
        cookie = secrets.token_bytes(16)
        cookie_file(folder / "server", cookie)
        until = time.monotonic() + self._start_s
        for _ in range(_TRIES):
            self._number = secrets.choice(_NUMBERS)
            if self.socket.exists() or Path(f"/tmp/.X{self._number}-lock").exists():
                continue
            self._server = self._spawned(program, folder)
            if self._answers(until):
                cookie_file(self.authority, cookie, self._number)
                return
            if self._server.poll() is None:
                break  # it is there and says nothing
        raise SandboxUnavailable(f"Xvfb did not start: {_last_words(folder / 'log')}")

    def _answers(self, until: float) -> bool:
        """Whether the server takes connections in time; not when it has ended, as where its number was taken."""
        assert self._server is not None
        while self._server.poll() is None and time.monotonic() < until:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as line:
                line.connect(str(self.socket))
                return True
            time.sleep(_LOOKS_S)
        return False

    def _spawned(self, program: str, folder: Path) -> subprocess.Popen[bytes]:
        """The server, under a number of its own: it takes the number's lock itself, or ends.

        (Left to find a number by itself, without its abstract socket, it would take over another server's socket.)
        """
        width, height = self._size
        ends_with_us = [wrap, "--pdeathsig", "KILL"] if (wrap := shutil.which("setpriv")) else []
        command = [
            *(*ends_with_us, program, self.name, "-screen", "0", f"{width}x{height}x24"),
            *("-auth", str(folder / "server"), "-nolisten", "tcp", "-nolisten", "local"),
            *("-noreset", "-s", "0", "-dpms"),
        ]
        with (folder / "log").open("wb") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
                start_new_session=True,
            )


@contextmanager
def opened_with(authority: Path | None) -> Iterator[None]:
    """Connections to X servers that are made meanwhile use this file's cookies; None leaves the process's own.

    X libraries take the file's name from the environment, which belongs to the whole process: one thread at a time.
    """
    if authority is None:
        yield
        return
    before = os.environ.get("XAUTHORITY")
    os.environ["XAUTHORITY"] = str(authority)
    try:
        yield
    finally:
        if before is None:
            del os.environ["XAUTHORITY"]
        else:
            os.environ["XAUTHORITY"] = before


def cookie_file(path: Path, cookie: bytes, number: int | None = None) -> None:
    """Write an Xauthority file that only its owner may read: for this machine's name, and for any.

    Args:
        path: the file; replaced.
        cookie: 16 bytes.
        number: of the display; None for any.
    """
    shown = b"" if number is None else str(number).encode()
    entries = b"".join(
        family.to_bytes(2, "big") + b"".join(_counted(part) for part in (address, shown, _COOKIE, cookie))
        for family, address in ((_LOCAL, socket.gethostname().encode()), (_WILD, b""))
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(entries)


def _counted(part: bytes) -> bytes:
    return len(part).to_bytes(2, "big") + part


def _last_words(log: Path) -> str:
    with suppress(OSError):
        lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
        if lines:
            return lines[-1].strip()[-200:]
    return "it ended or said nothing in time"
