"""Talking to a device through the adb server: one connection for each command, no process, every word quoted.

The server is adb's own, on ANDROID_ADB_SERVER_PORT or 5037. It is started when devices are looked for and never again
afterwards: a server that dies under a run is a loss, and a run brings nothing back to life by itself.

Whatever is sent ends as one line in the device's shell; adb has no other way. So a line is only ever made of words by
`line`, which puts each into single quotes, or of text that stands in this source (`Line`). Text from a screen or a
model is never anything but a word.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NewType

from sandboxes.base import SandboxUnavailable

if TYPE_CHECKING:
    from adbutils import AdbClient

__all__ = ["Adb", "AdbGone", "AdbSilent", "Line", "Listed", "Said", "find_device", "line", "listed_devices", "server"]

Line = NewType("Line", str)
"""A command line for the device's shell. Made by `line`, or written out in the source; never formatted from data."""

BOUND_S = 20.0
_NO_ADB = "no adb: install it (Debian: `apt-get install adb`) or `pip install 'deskhand[android]'`"


class AdbGone(Exception):
    """The device or the adb server is not there any more."""


class AdbSilent(Exception):
    """It is there and does not answer in time."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command on the device came to."""

    code: int
    out: str
    """Standard output, undecodable bytes replaced."""
    err: str

    @property
    def all(self) -> str:
        """Both outputs, for a message."""
        return " ".join(f"{self.out} {self.err}".split())[:200]


@dataclass(frozen=True, slots=True)
class Listed:
    """A device as the adb server lists it."""

    serial: str
    state: str
    """`device`, `offline`, `unauthorized`..."""
    model: str

    @property
    def emulator(self) -> bool:
        return is_emulator(self.serial)


def is_emulator(serial: str) -> bool:
    """Whether a serial number is that of an emulator whose console is on this machine."""
    return re.fullmatch(r"emulator-\d{1,5}", serial) is not None


def line(*words: str) -> Line:
    """One command, each word in quotes that keep the shell out of it.

    Raises:
        ValueError: a word holds a zero byte, which would end the line.
    """
    if any("\0" in word for word in words):
        raise ValueError("a zero byte cannot be sent to a device")
    return Line(" ".join(map(shlex.quote, words)))


def server(start: bool = False) -> AdbClient:
    """The adb server; `start` starts it where none runs.

    Raises:
        SandboxUnavailable: adbutils or adb is not installed, or the server does not start.
        AdbGone: no server runs, and it may not be started.
    """
    try:
        from adbutils import AdbClient
    except ImportError:
        raise SandboxUnavailable("no adbutils: pip install 'deskhand[android]'") from None
    client = AdbClient(host=_host(), port=_port())
    if _listens(client.host, client.port):
        return client
    if not start or client.host not in ("127.0.0.1", "localhost"):
        raise AdbGone(f"the adb server on port {client.port} is gone; try: adb start-server")
    _start(client.port)
    if not _listens(client.host, client.port):
        raise SandboxUnavailable(f"the adb server does not answer on port {client.port}; try: adb start-server")
    return client


def _host() -> str:
    return os.environ.get("ANDROID_ADB_SERVER_HOST") or "127.0.0.1"


def _port() -> int:
    said = os.environ.get("ANDROID_ADB_SERVER_PORT") or "5037"
    if not said.isdecimal() or not 0 < int(said) < 65536:
        raise SandboxUnavailable(f"ANDROID_ADB_SERVER_PORT is `{said}`, expected a port from 1 to 65535")
    return int(said)


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def _start(port: int) -> None:
    from adbutils import adb_path

    program = shutil.which("adb") or adb_path()
    try:
        subprocess.run([program, "-P", str(port), "start-server"], capture_output=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as problem:
        raise SandboxUnavailable(f"{_NO_ADB}; it said: {str(problem)[:120]}") from None


def listed_devices(start: bool = True) -> list[Listed]:
    """Every device that adb knows, in its order.

    Raises:
        SandboxUnavailable: see `server`.
    """
    try:
        client = server(start)
        with _connection(client, 5.0) as wire:
            wire.send_command("host:devices-l")
            wire.check_okay()
            text = str(wire.read_string_block())
    except (AdbGone, AdbSilent) as problem:
        raise SandboxUnavailable(str(problem)) from None
    found = (re.match(r"(\S+)\s+(.+?)(?=\s\S+:|$)", one) for one in text.splitlines())
    lines = zip(text.splitlines(), found, strict=True)
    return [Listed(one[1], one[2].strip(), _told(said, "model")) for said, one in lines if one]


def _told(said: str, name: str) -> str:
    found = re.search(rf"\b{name}:(\S+)", said)
    return found[1].replace("_", " ") if found else ""


def find_device(serial: str | None = None) -> str:
    """The serial number of the device that is meant: as named, ANDROID_SERIAL, or the only one that is ready.

    An address (`192.168.1.5:5555`) that adb does not know yet is connected to.

    Raises:
        SandboxUnavailable: there is none, there are several, or it is not ready; one line says what to do.
    """
    wanted = serial or os.environ.get("ANDROID_SERIAL") or ""
    known = {one.serial: one for one in listed_devices()}
    if wanted and wanted not in known and re.fullmatch(r"\S+:\d{1,5}", wanted):
        _connect(server(), wanted)
        known = {one.serial: one for one in listed_devices()}
    ready = [one for one in known.values() if one.state == "device"]
    if not wanted:
        if len(ready) == 1:
            return ready[0].serial
        names = ", ".join(one.serial for one in ready)
        many = f"there are several devices ({names}): name one with `serial` or ANDROID_SERIAL"
        raise SandboxUnavailable(many if ready else "no device is connected; look with: agent devices")
    if wanted not in known:
        raise SandboxUnavailable(f"there is no device `{wanted}`; look with: agent devices")
    if known[wanted].state != "device":
        hint = "allow this computer on its screen" if known[wanted].state == "unauthorized" else "plug it in again"
        raise SandboxUnavailable(f"the device `{wanted}` is {known[wanted].state}: {hint}")
    return wanted


def _connect(client: AdbClient, address: str) -> None:
    with _connection(client, 10.0) as wire:
        wire.send_command(f"host:connect:{address}")
        wire.check_okay()
        wire.read_string_block()


@contextmanager
def _connection(client: AdbClient, bound_s: float) -> Iterator[Any]:
    """One connection to the server, closed at once afterwards. What goes wrong in it is `AdbGone` or `AdbSilent`."""
    from adbutils import AdbConnection
    from adbutils.errors import AdbConnectionError, AdbError, AdbTimeout

    class Wire(AdbConnection):  # type: ignore[misc]
        def _safe_connect(self) -> socket.socket:
            """As it is; the library would start a server that nobody ends."""
            made: socket.socket = self._create_socket()
            return made

    wire = None
    try:
        wire = Wire(client.host, client.port)
        wire.conn.settimeout(bound_s)
        yield wire
    except (AdbTimeout, TimeoutError):
        raise AdbSilent(f"adb did not answer within {bound_s:.0f} s") from None
    except AdbConnectionError:
        raise AdbGone(f"the adb server on port {client.port} is gone; try: adb start-server") from None
    except (AdbError, OSError, EOFError) as problem:
        raise AdbGone(f"adb says: {' '.join(str(problem).split())[:160] or 'the connection was cut'}") from None
    finally:
        if wire is not None and not wire.closed:
            wire.conn.close()


class Adb:
    """Commands for one device. Holds nothing open between two of them."""

    def __init__(self, serial: str, bound_s: float = BOUND_S) -> None:
        self.serial = serial
        self._bound_s = bound_s
        self._client = server()

    def run(self, command: Line, bound_s: float | None = None) -> Said:
        """Run a line to its end, in at most `bound_s` seconds.

        Raises:
            AdbGone, AdbSilent: it cannot be told whether it was run.
        """
        parts = {1: bytearray(), 2: bytearray()}
        with self._service(f"shell,v2,raw:{command}", bound_s) as wire:
            stream = _Reader(wire.conn)
            while True:
                kind, size = stream.exactly(1)[0], int.from_bytes(stream.exactly(4), "little")
                data = stream.exactly(size)
                if kind == 3:
                    said = (parts[number].decode("utf-8", "replace") for number in (1, 2))
                    return Said(data[0], *said)
                if kind in parts:
                    parts[kind] += data

    def bytes(self, command: Line, bound_s: float | None = None) -> bytes:
        """What a line writes, byte for byte. Raises `AdbGone`, `AdbSilent`."""
        with self._service(f"exec:{command}", bound_s) as wire:
            out = bytearray()
            while piece := wire.conn.recv(1 << 18):
                out += piece
            return bytes(out)

    def features(self) -> frozenset[str]:
        """What the device's side of adb can do. Raises `AdbGone`, `AdbSilent`."""
        with _connection(self._client, self._bound_s) as wire:
            wire.send_command(f"host-serial:{self.serial}:features")
            wire.check_okay()
            return frozenset(str(wire.read_string_block()).split(","))

    def connect_again(self) -> bool:
        """Try to reach a device that went away; whether it answers now. Raises `AdbGone` when the server is gone."""
        client = server()
        if re.fullmatch(r"\S+:\d{1,5}", self.serial):
            with _quiet():
                client.disconnect(self.serial)
            with _quiet():
                _connect(client, self.serial)
        try:
            return any(one.serial == self.serial and one.state == "device" for one in listed_devices(start=False))
        except SandboxUnavailable as problem:
            raise AdbGone(str(problem)) from None

    @contextmanager
    def _service(self, service: str, bound_s: float | None) -> Iterator[Any]:
        with _connection(self._client, bound_s or self._bound_s) as wire:
            wire.send_command(f"host:transport:{self.serial}")
            wire.check_okay()
            wire.send_command(service)
            wire.check_okay()
            yield wire


class _Reader:
    """Exact reads from a socket, without a copy for each piece."""

    def __init__(self, source: socket.socket) -> None:
        self._source = source
        self._held = bytearray()

    def exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            piece = self._source.recv(1 << 18)
            if not piece:
                raise EOFError("the device went away in the middle of a command")
            self._held += piece
        data = bytes(self._held[:size])
        del self._held[:size]
        return data


@contextmanager
def _quiet() -> Iterator[None]:
    """What cannot be connected to is told by the list of devices afterwards."""
    try:
        yield
    except Exception as problem:
        if isinstance(problem, AdbGone) and "server" in str(problem):
            raise
