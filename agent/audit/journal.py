"""The journal: one line per record, each chained to the last, the whole signed at checkpoints.

A line is `{"n":N,"prev":HEX,"h":HEX,"rec":OTLP}` and a newline; `rec` alone is an OTLP/JSON message. Lines are written
with one call each, so that whatever kills the process leaves whole lines, or one torn line at the end.

A journal is created under another name with its first record and the first checkpoint in it, and only then given its
own: whoever finds a `journal.jsonl` finds a signed beginning. It is locked while open: a locked journal is a live run.

What this does not protect against: the last records before a crash, up to one checkpoint's distance, are chained but
not signed; whoever owns the file can rewrite those. `agent.audit.verify` says how far the signature reaches.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from opentelemetry.sdk.trace import ReadableSpan

from agent.audit.chain import GENESIS_PREV, Merkle, record_hash
from agent.audit.clock import Clock
from agent.audit.otlp import Envelope, Value

try:
    import fcntl
except ImportError:  # Windows has no flock; two writers on one journal are then not noticed until verification
    fcntl = None  # type: ignore[assignment]

__all__ = ["CHECKPOINT_EVERY", "Journal", "Sign", "TornTail", "TrailBroken", "is_live", "put_in_place"]

Sign = Callable[[str, int, bytes], bytes]
"""(run, n, root) to an Ed25519 signature over `chain.checkpoint_bytes(run, n, root)`: the broker's."""

CHECKPOINT_EVERY = 64

_LINE = re.compile(rb'\{"n":(0|[1-9][0-9]{0,14}),"prev":"([0-9a-f]{64})","h":"([0-9a-f]{64})","rec":(\{.*\})\}')
"""A whole line as `_append` writes it; anything else is torn or was altered."""
_LEFT = re.compile(
    rb'\{"n":(0|[1-9][0-9]{0,14}),"prev":"([0-9a-f]{64})","h":"([0-9a-f]{64})","erased":"([0-9a-f]{64})","rec":(\{.*\})\}'
)
"""A line of which something was erased (`agent.audit.erase`): its `h` is still that of the whole record."""

_SYNC = getattr(os, "fdatasync", os.fsync)


class TrailBroken(Exception):
    """The trail cannot be written. One line; the run must stop: nothing may act without an intent on disk."""


@dataclass(frozen=True, slots=True)
class TornTail:
    """What a crash left behind the last whole record."""

    after: int
    """Number of the last whole record."""
    offset: int
    """Where in the file the torn bytes begin."""
    length: int
    sha256: str


class Journal:
    """An open journal. Use `create` or `reopen`; one process at a time."""

    def __init__(self, path: Path, fd: int, run: str, envelope: Envelope, sign: Sign | None, every: int) -> None:
        self._path = path
        self._fd = fd
        self._run = run
        self._envelope = envelope
        self._sign = sign
        self._every = every
        self._clock = Clock()
        self._lock = threading.RLock()
        self._tree = Merkle()
        self._prev = GENESIS_PREV
        self._signed = 0
        self._broken = ""
        self._open = True
        self.torn_tail: TornTail | None = None
        """What `reopen` found behind the last whole record; declared in the journal, never cut off."""

    @classmethod
    def create(
        cls,
        path: Path,
        sign: Sign,
        run: str,
        envelope: Envelope,
        genesis: Mapping[str, Value],
        every: int = CHECKPOINT_EVERY,
    ) -> Self:
        """Begin a journal with its genesis record and a signed checkpoint over it.

        Raises:
            TrailBroken: the file exists or cannot be written.
        """
        unborn = path.with_name(f".{path.name}.new")
        fd = -1
        try:
            if path.exists():
                raise FileExistsError(f"{path} exists")
            fd = os.open(unborn, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            _lock(fd)
            journal = cls(path, fd, run, envelope, sign, every)
            journal.event("gui.genesis", f"run {run} begins", {**genesis, "gui.journal.every": every})
            journal.checkpoint()
            _SYNC(fd)
            unborn.rename(path)
            _sync_folder(path.parent)
        except OSError as error:
            if fd >= 0:
                os.close(fd)
            raise TrailBroken(_because(path, error)) from None
        return journal

    @classmethod
    def reopen(cls, path: Path, sign: Sign | None = None) -> Self:
        """Go on with a journal that a crash or a finished run left. Torn bytes at its end are declared in a new record.

        Without `sign` what follows is chained but not signed. The signer must hold the key named in the first record.

        Raises:
            TrailBroken: it cannot be written, is open elsewhere, or does not begin with a whole genesis record.
        """
        try:
            fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise TrailBroken(_because(path, error)) from None
        try:
            _lock(fd)
            return cls._continued(path, fd, path.read_bytes(), sign)
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            os.close(fd)
            raise TrailBroken(_because(path, error)) from None

    @classmethod
    def _continued(cls, path: Path, fd: int, stored: bytes, sign: Sign | None) -> Self:
        facts, envelope = _genesis_of(stored)
        journal = cls(path, fd, str(facts["gui.run.id"]), envelope, sign, int(str(facts["gui.journal.every"])))
        end = journal._replay(stored)
        torn = stored[end:]
        if torn:
            journal.torn_tail = TornTail(journal.records - 1, end, len(torn), hashlib.sha256(torn).hexdigest())
        told: dict[str, Value] = {"gui.journal.signed": sign is not None}
        if journal.torn_tail is not None:
            told |= {"gui.torn.length": len(torn), "gui.torn.digest": journal.torn_tail.sha256}
        line = envelope.log("gui.reopened", "the journal was opened again", told, journal._clock.now_ns())
        journal._append(line, lead=b"\n" if torn else b"")
        if sign is not None:
            journal.checkpoint()
        return journal

    def _replay(self, stored: bytes) -> int:
        """Take up chain and tree from the stored lines; returns where the last whole record ends.

        Raises:
            ValueError: a whole record does not follow from the one before; nothing more may be signed on top of it.
        """
        at = 0
        while (end := stored.find(b"\n", at)) >= 0:
            claimed = self._claimed(stored[at:end])
            if claimed is not None:
                self._tree.append(claimed)
                self._prev = claimed
                at = end + 1
                continue
            resumed = self._declared(stored, at)
            if resumed is None:
                raise ValueError(f"record {self.records} was altered (see `agent audit verify`)")
            at = resumed
        return at

    def _claimed(self, line: bytes) -> bytes | None:
        """The hash of a line that continues the chain; None for any other line."""
        match = _LINE.fullmatch(line) or _LEFT.fullmatch(line)
        if match is None or int(match[1]) != self.records or match[2] != self._prev.hex().encode():
            return None
        if match.re is _LEFT:
            left = hashlib.sha256(match[5]).hexdigest().encode()
            return bytes.fromhex(match[3].decode()) if left == match[4] else None
        digest = record_hash(self._prev, self.records, match[4])
        return digest if match[3] == digest.hex().encode() else None

    def _declared(self, stored: bytes, at: int) -> int | None:
        """Where the record begins that declares the torn bytes at `at`; None if there is none yet."""
        head = b'{"n":%d,"prev":"%s"' % (self.records, self._prev.hex().encode())
        seek = stored.find(b"\n" + head, at)
        while seek >= 0:
            end = stored.find(b"\n", seek + 1)
            if end >= 0 and b'"gui.torn.length"' in stored[seek:end] and self._claimed(stored[seek + 1 : end]):
                return seek + 1
            seek = stored.find(b"\n" + head, seek + 1)
        return None

    @property
    def records(self) -> int:
        """How many records are in the journal."""
        return self._tree.size

    @property
    def root(self) -> bytes:
        """The Merkle root over all records so far."""
        return self._tree.root()

    def event(
        self,
        name: str,
        body: str,
        attributes: Mapping[str, Value],
        trace: tuple[int, int] | None = None,
        *,
        sync: bool = False,
    ) -> int:
        """Write one log record; with `sync` it is on the disk when this returns. Returns its number.

        Raises:
            TrailBroken: it could not be written.
        """
        return self.append(self._envelope.log(name, body, attributes, self._clock.now_ns(), trace), sync=sync)

    def append_span(self, span: ReadableSpan) -> int:
        """Write one finished span. Returns its number. Raises `TrailBroken`."""
        return self.append(self._envelope.span(span))

    def append(self, record: bytes, *, sync: bool = False) -> int:
        """Write one OTLP/JSON message, which must be one line. Returns its number. Raises `TrailBroken`."""
        with self._lock:
            n = self._append(record)
            if sync:
                self._guard(lambda: _SYNC(self._fd))
            if self._sign is not None and self.records - self._signed >= self._every:
                self.checkpoint()
            return n

    def _append(self, record: bytes, lead: bytes = b"") -> int:
        n, prev = self.records, self._prev
        digest = record_hash(prev, n, record)
        line = b'%s{"n":%d,"prev":"%s","h":"%s","rec":%s}\n' % (
            lead,
            n,
            prev.hex().encode(),
            digest.hex().encode(),
            record,
        )
        try:
            self._write(line)
            self._tree.append(digest)
            self._prev = digest
        except TrailBroken:
            raise
        except BaseException:  # an interrupt: whether the line is in the file is not known, so none may follow it
            self._broken = f"the trail cannot be written: `{self._path}`: interrupted in the middle of a record"
            raise
        return n

    def _write(self, line: bytes) -> None:
        """One call; a second only to learn from the system why the first was cut short."""
        if self._broken or not self._open:
            raise TrailBroken(self._broken or f"the journal {self._path} is closed")
        rest = memoryview(line)
        while rest:
            rest = rest[self._guard(lambda part=rest: os.write(self._fd, part)) :]  # type: ignore[misc]

    def _guard(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except OSError as error:
            self._broken = _because(self._path, error)
            raise TrailBroken(self._broken) from None

    def checkpoint(self, final: bool = False) -> int:
        """Have the records so far signed, and write the signature down as a record of its own. Returns its number.

        Raises:
            TrailBroken: the signer did not answer, or the record could not be written.
        """
        with self._lock:
            n, root = self.records, self._tree.root()
            attributes: dict[str, Value] = {
                "gui.checkpoint.n": n,
                "gui.checkpoint.root": root.hex(),
                "gui.checkpoint.signature": self._signature(n, root).hex(),
                "gui.checkpoint.final": final,
            }
            record = self._envelope.log("gui.checkpoint", f"{n} records signed", attributes, self._clock.now_ns())
            number = self._append(record)
            self._signed = self.records
            return number

    def _signature(self, n: int, root: bytes) -> bytes:
        if self._sign is None:
            raise TrailBroken(f"the journal {self._path} was opened without a signer")
        try:
            return self._sign(self._run, n, root)
        except Exception as error:
            self._broken = f"the checkpoint of {n} records could not be signed: {type(error).__name__}: {error}"
            raise TrailBroken(self._broken) from error

    def close(self) -> None:
        """Sign what there is, put it on the disk, close. May be called twice. Raises `TrailBroken`."""
        with self._lock:
            if not self._open:
                return
            try:
                if not self._broken:
                    if self._sign is not None:
                        self.checkpoint(final=True)
                    self._guard(lambda: _SYNC(self._fd))
            finally:
                self._open = False
                os.close(self._fd)

    def abandon(self) -> None:
        """Close without a last checkpoint, as a crash would."""
        with self._lock:
            if self._open:
                self._open = False
                os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def put_in_place(path: Path, lines: Mapping[int, bytes]) -> None:
    """Put other lines (without newline) in the place of whole ones, by record number; all at once, under the lock.

    Raises:
        TrailBroken: it cannot be written, or is open elsewhere; nothing was changed.
    """
    aside = path.with_name(f".{path.name}.new")
    try:
        held = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            _lock(held)
            kept = [_other(line, lines) for line in path.read_bytes().split(b"\n")]
            fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as out:
                out.write(b"\n".join(kept))
                out.flush()
                os.fsync(out.fileno())
            aside.replace(path)
            _sync_folder(path.parent)
        finally:
            os.close(held)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise TrailBroken(_because(path, error)) from None


def _other(line: bytes, lines: Mapping[int, bytes]) -> bytes:
    match = _LINE.fullmatch(line) or _LEFT.fullmatch(line)
    return lines.get(int(match[1]), line) if match else line


def is_live(path: Path) -> bool:
    """Whether some process has this journal open for writing."""
    if fcntl is None:
        return False
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(fd)


def _lock(fd: int) -> None:
    if fcntl is not None:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError("another process has it open") from None


def _because(path: Path, error: Exception) -> str:
    what = getattr(error, "strerror", None) or str(error) or type(error).__name__
    hint = "; free some space or choose another --runs folder" if getattr(error, "errno", None) else ""
    return f"the trail cannot be written: `{path}`: {what[:1].lower()}{what[1:]}{hint}"


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # some file systems cannot; the name then becomes durable a little later
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _genesis_of(stored: bytes) -> tuple[dict[str, object], Envelope]:
    """The first record's attributes, and an envelope with its resource."""
    record = json.loads(stored[: stored.index(b"\n")])["rec"]["resourceLogs"][0]
    scope = record["scopeLogs"][0]
    facts = _plain(scope["logRecords"][0]["attributes"])
    resource = {key: str(value) for key, value in _plain(record["resource"]["attributes"]).items()}
    return facts, Envelope(resource, scope["scope"]["name"], scope["scope"]["version"])


def _plain(pairs: list[dict[str, dict[str, object]]]) -> dict[str, object]:
    return {str(pair["key"]): next(iter(pair["value"].values())) for pair in pairs}
