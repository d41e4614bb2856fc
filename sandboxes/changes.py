"""What is different between two folders, in words for a person: which files came, changed and went, and how."""

from __future__ import annotations

import difflib
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["Change", "Changes", "Stamp", "stamp_of", "told_by"]

_TEXT_BYTES = 256 * 1024
"""Larger files are told by their size and digest alone."""
_MOST_LINES = 40
"""Lines of one file's difference that are shown."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Everything about a file that is compared and kept."""

    kind: Literal["file", "folder", "link", "other"]
    mode: int
    """Permission bits, without those that change who a program runs as."""
    size: int = 0
    digest: str = ""
    """SHA-256 of a file's bytes or of a link's target; empty for the rest."""


@dataclass(frozen=True, slots=True)
class Change:
    """One path, relative to the home. `before` or `after` is None where nothing was or is there."""

    path: str
    before: Stamp | None
    after: Stamp | None
    below: Path | None = field(default=None, compare=False, repr=False)
    above: Path | None = field(default=None, compare=False, repr=False)

    @property
    def kind(self) -> Literal["created", "changed", "deleted"]:
        return "created" if self.before is None else "deleted" if self.after is None else "changed"

    def line(self) -> str:
        """For a person: what happened to what."""
        now = self.after or self.before
        assert now is not None
        what = {"folder": "folder ", "link": "link ", "other": "special file ", "file": ""}[now.kind]
        size = f" ({self.after.size} bytes)" if self.after is not None and self.after.kind == "file" else ""
        target = f" -> {_target(self.above)}" if self.after is not None and self.after.kind == "link" else ""
        return f"{self.kind} {what}{_shown(self.path)}{size}{target}"

    def text(self) -> tuple[str, ...]:
        """Lines as `diff -u` writes them, less its heading; empty for what is no text, one remark where it is long."""
        old, new = _lines(self.below, self.before), _lines(self.above, self.after)
        if old is None or new is None:
            return ()
        found = list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]
        more = len(found) - _MOST_LINES
        return tuple(found[:_MOST_LINES]) + ((f"... and {more} more lines",) if more > 0 else ())


@dataclass(frozen=True, slots=True)
class Changes:
    """All changes of one overlay at one moment."""

    changes: tuple[Change, ...] = ()
    noise: int = 0
    """How many changes are programs' own caches; neither shown nor made real."""

    @property
    def digest(self) -> str:
        """Equal when the same bytes would become real at the same places."""
        told = repr([(one.path, one.before, one.after) for one in self.changes])
        return hashlib.sha256(told.encode()).hexdigest()

    def lines(self) -> list[str]:
        """For a person: each change, with the difference of texts below it."""
        found: list[str] = []
        for one in self.changes:
            found.append(one.line())
            found += [f"  {line}" for line in one.text()]
        return found or ["no file was created, changed or deleted"]

    def plain(self) -> list[dict[str, object]]:
        """For machines."""
        return [
            {
                "path": one.path,
                "kind": one.kind,
                "before": one.before.digest if one.before else "",
                "after": one.after.digest if one.after else "",
                "size": one.after.size if one.after else 0,
                "diff": list(one.text()),
            }
            for one in self.changes
        ]


def stamp_of(path: Path) -> Stamp | None:
    """What lies at a path now, links not followed; None where nothing does."""
    try:
        found = path.lstat()
    except OSError:
        return None
    mode = stat.S_IMODE(found.st_mode) & 0o777
    if stat.S_ISDIR(found.st_mode):
        return Stamp("folder", mode)
    if stat.S_ISLNK(found.st_mode):
        return Stamp("link", 0o777, digest=hashlib.sha256(os.fsencode(_target(path))).hexdigest())
    if not stat.S_ISREG(found.st_mode):
        return Stamp("other", mode)
    try:
        with path.open("rb") as file:
            return Stamp("file", mode, found.st_size, hashlib.file_digest(file, "sha256").hexdigest())
    except FileNotFoundError:  # a program took it away meanwhile
        return None


def told_by(path: Path) -> bytes | None:
    """The bytes of a file; None where it cannot be read."""
    with suppress(OSError):
        return path.read_bytes()
    return None


def _lines(path: Path | None, stamp: Stamp | None) -> list[str] | None:
    """A text's lines; empty for nothing, None for what is no text or too long."""
    if stamp is None or path is None:
        return []
    if stamp.kind != "file" or stamp.size > _TEXT_BYTES:
        return None
    data = told_by(path)
    if data is None or b"\0" in data:
        return None
    try:
        return list(_kept(data.decode()))
    except UnicodeDecodeError:
        return None


def _kept(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield _shown(line)


def _shown(text: str) -> str:
    """A text on one line of a terminal: control characters cannot move the cursor."""
    return "".join(c if c.isprintable() or c == "\t" else f"\\x{ord(c):02x}" for c in text)


def _target(path: Path | None) -> str:
    with suppress(OSError):
        return str(path.readlink()) if path is not None else ""
    return ""
