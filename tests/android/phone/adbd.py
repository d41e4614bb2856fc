"""adbd's side of the wire: packets, the handshake with its keys, and the services that a host opens.

Header: six little-endian words: command, two arguments, length, sum of the bytes, command xor 0xffffffff. One `WRTE` of a
stream is on its way at a time; each is answered by `OKAY`.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1

CNXN, AUTH, OPEN, OKAY, WRTE, CLSE = (
    int.from_bytes(name, "little") for name in (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"WRTE", b"CLSE")
)
VERSION, MOST = 0x01000001, 256 * 1024
_TOKEN, _SIGNATURE, _PUBLIC = 1, 2, 3


class Gone(Exception):
    """The cable is out."""


class Executes(Protocol):
    """What the wire needs of a phone."""

    banner: str
    asks_keys: bool
    """Whether an unknown key must be allowed on the phone first."""
    allows_keys: bool
    known_keys: set[bytes]

    async def execute(self, line: str, came: bytes = b"") -> tuple[int, bytes, bytes]: ...

    def read(self, path: str) -> bytes | None: ...

    def write(self, path: str, data: bytes, append: bool = False) -> bool: ...

    def names(self) -> list[str]: ...


@dataclass(eq=False)
class Stream:
    """One opened service. Ids are each side's own."""

    link: Link
    mine: int
    theirs: int
    came: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False
    _rest: bytes = b""

    async def write(self, data: bytes) -> None:
        for at in range(0, len(data), self.link.most):
            self.acknowledged.clear()
            if self.closed:
                raise Gone
            await self.link.send(WRTE, self.mine, self.theirs, data[at : at + self.link.most])
            await self.acknowledged.wait()

    async def read(self, size: int) -> bytes:
        """Exactly so many bytes. Raises `Gone` at the end."""
        while len(self._rest) < size:
            piece = await self.came.get()
            if piece is None:
                raise Gone
            self._rest += piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


class Link:
    """One host's connection."""

    def __init__(self, phone: Executes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._phone = phone
        self._reader = reader
        self._writer = writer
        self._streams: dict[int, Stream] = {}
        self._next = 1
        self._token = os.urandom(20)
        self._trusted = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.most = 4096

    async def serve(self) -> None:
        try:
            while True:
                command, one, two, size, _, _ = struct.unpack("<6I", await self._reader.readexactly(24))
                await self._packet(command, one, two, await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError, Gone):
            pass
        finally:
            self.cut()

    def cut(self) -> None:
        """Pull the cable."""
        for task in self._tasks:
            task.cancel()
        for stream in self._streams.values():
            stream.closed = True
            stream.came.put_nowait(None)
            stream.acknowledged.set()
        with suppress(Exception):
            self._writer.transport.abort()

    async def send(self, command: int, one: int, two: int, data: bytes = b"") -> None:
        check = sum(data) & 0xFFFFFFFF if command == CNXN else 0
        self._writer.write(struct.pack("<6I", command, one, two, len(data), check, command ^ 0xFFFFFFFF) + data)
        with suppress(ConnectionError):
            await self._writer.drain()

    async def _packet(self, command: int, one: int, two: int, data: bytes) -> None:
        match command:
            case _ if command == CNXN:
                self.most = min(two, MOST)
                await self._greet()
            case _ if command == AUTH:
                await self._authorise(one, data)
            case _ if not self._trusted:
                raise Gone
            case _ if command == OPEN:
                self._open(one, data.rstrip(b"\0").decode())
            case _ if command == WRTE and (stream := self._streams.get(two)):
                stream.came.put_nowait(data)
                await self.send(OKAY, stream.mine, stream.theirs)
            case _ if command == OKAY and (stream := self._streams.get(two)):
                stream.acknowledged.set()
            case _ if command == CLSE and (stream := self._streams.pop(two, None)):
                stream.closed = True
                stream.came.put_nowait(None)
                stream.acknowledged.set()

    async def _greet(self) -> None:
        if self._phone.asks_keys and not self._trusted:
            await self.send(AUTH, _TOKEN, 0, self._token)
            return
        self._trusted = True
        await self.send(CNXN, VERSION, MOST, self._phone.banner.encode())

    async def _authorise(self, kind: int, data: bytes) -> None:
        if kind == _SIGNATURE:
            self._trusted = any(_signed(key, self._token, data) for key in self._phone.known_keys)
        elif kind == _PUBLIC and self._phone.allows_keys:
            self._phone.known_keys.add(data)
            self._trusted = True
        if kind == _PUBLIC and not self._trusted:
            return  # the phone shows its question; the host waits
        await self._greet()

    # Services

    def _open(self, theirs: int, service: str) -> None:
        stream = Stream(self, self._next, theirs)
        self._next += 1
        self._streams[stream.mine] = stream
        task = asyncio.get_running_loop().create_task(self._service(stream, service))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _service(self, stream: Stream, service: str) -> None:
        serve = self._serving(service)
        if serve is None:
            self._streams.pop(stream.mine, None)
            await self.send(CLSE, 0, stream.theirs)
            return
        await self.send(OKAY, stream.mine, stream.theirs)
        try:
            await serve(stream)
        except Gone:
            return
        if self._streams.pop(stream.mine, None):
            await self.send(CLSE, stream.mine, stream.theirs)

    def _serving(self, service: str) -> Callable[[Stream], Awaitable[None]] | None:
        kind, _, rest = service.partition(":")
        name, *how = kind.split(",")
        if name == "shell" and "v2" in how:
            return lambda stream: self._shell(stream, rest)
        if name in ("shell", "exec"):
            return lambda stream: self._raw(stream, rest, pty=name == "shell")
        if name == "sync":
            return self._sync
        return None

    async def _raw(self, stream: Stream, line: str, pty: bool) -> None:
        """The old shell and `exec`: what comes out, both ways in one, no exit code."""
        _, out, err = await self._phone.execute(line)
        said = out + err
        await stream.write(said.replace(b"\n", b"\r\n") if pty else said)

    async def _shell(self, stream: Stream, line: str) -> None:
        code, out, err = await self._phone.execute(line)
        for kind, data in ((1, out), (2, err)):
            for at in range(0, len(data), 65536):
                piece = data[at : at + 65536]
                await stream.write(struct.pack("<BI", kind, len(piece)) + piece)
        await stream.write(struct.pack("<BIB", 3, 1, code & 0xFF))

    async def _sync(self, stream: Stream) -> None:
        while True:
            verb, size = struct.unpack("<4sI", await stream.read(8))
            said = (await stream.read(size)).decode() if verb != b"QUIT" else ""
            match verb:
                case b"QUIT":
                    return
                case b"STAT":
                    await stream.write(b"STAT" + struct.pack("<III", *self._stat(said)))
                case b"STA2" | b"LST2":
                    mode, length, when = self._stat(said)
                    fields = struct.pack(
                        "<IQQIIIIQqqq", 0 if mode else 2, 1, 1, mode, 1, 0, 0, length, when, when, when
                    )
                    await stream.write(verb + fields)
                case b"LIST":
                    await stream.write(self._listed(said))
                case b"RECV":
                    await self._give(stream, said)
                case b"SEND":
                    await self._take(stream, said)
                case _:
                    await _fail(stream, "unknown command")
                    return

    def _stat(self, path: str) -> tuple[int, int, int]:
        data = self._phone.read(path)
        if data is not None:
            return 0o100644, len(data), int(time.time())
        folder = path.rstrip("/") + "/"
        return (
            (0o040755, 4096, int(time.time()))
            if any(name.startswith(folder) for name in self._phone.names())
            else (0, 0, 0)
        )

    def _listed(self, path: str) -> bytes:
        folder = path.rstrip("/") + "/"
        inside = {name[len(folder) :].split("/")[0] for name in self._phone.names() if name.startswith(folder)}
        out = b""
        for name in sorted(inside):
            said = name.encode()
            out += b"DENT" + struct.pack("<IIII", *self._stat(folder + name), len(said)) + said
        return out + b"DONE" + struct.pack("<IIII", 0, 0, 0, 0)

    async def _give(self, stream: Stream, path: str) -> None:
        data = self._phone.read(path)
        if data is None:
            await _fail(stream, f"open failed: {path}: No such file or directory")
            return
        for at in range(0, len(data), 65536):
            piece = data[at : at + 65536]
            await stream.write(b"DATA" + struct.pack("<I", len(piece)) + piece)
        await stream.write(b"DONE" + struct.pack("<I", 0))

    async def _take(self, stream: Stream, said: str) -> None:
        path, data = said.rpartition(",")[0], b""
        while True:
            verb, size = struct.unpack("<4sI", await stream.read(8))
            if verb == b"DONE":
                break
            data += await stream.read(size)
        if self._phone.write(path, data):
            await stream.write(b"OKAY" + struct.pack("<I", 0))
        else:
            await _fail(stream, f"couldn't create file: {path}: Permission denied")


async def _fail(stream: Stream, why: str) -> None:
    await stream.write(b"FAIL" + struct.pack("<I", len(why.encode())) + why.encode())


def _signed(stored: bytes, token: bytes, signature: bytes) -> bool:
    """Whether the key that a host sent signed the token: PKCS#1 v1.5 over the token taken as a SHA-1 digest."""
    try:
        blob = base64.b64decode(stored.split()[0].rstrip(b"\0"))
        words = struct.unpack_from("<I", blob)[0]
        modulus = int.from_bytes(blob[8 : 8 + words * 4], "little")
        exponent = struct.unpack_from("<I", blob, 8 + words * 8)[0]
        rsa.RSAPublicNumbers(exponent, modulus).public_key().verify(
            signature, token, padding.PKCS1v15(), Prehashed(SHA1())
        )
        return True
    except (InvalidSignature, ValueError, IndexError, struct.error):
        return False
