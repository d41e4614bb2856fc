"""What is asked about: pictures, pages of a PDF, or one recording, told apart by their first bytes, not by their names.

Everything is looked over before a model is loaded. Files are read where they lie; nothing in them is fetched or run.
What this does not protect against: a flaw in the decoders (Pillow, PDFium, FFmpeg) that a file was made to hit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from actuators.geometry import Screen

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MOST_FILES", "MOST_PIXELS", "Media", "Moment", "Recording", "Shown", "Unusable", "digest_of", "open_media"]

MOST_FILES = 64
"""Files of one question."""
MOST_PIXELS = 100_000_000
"""Of one picture. A larger one is refused before it is decoded: a small file can unpack to any size."""
_HEAD = 1024


class Unusable(Exception):
    """Something that cannot be asked about, or not so. One line for the person who asked."""


@dataclass(frozen=True)
class Shown:
    """One picture, or one page."""

    file: str
    size: tuple[int, int]
    """(width, height) in pixels; boxes in answers are in these pixels."""
    digest: str
    image: Callable[[], Image] = field(repr=False, compare=False)
    """Decodes it, mode RGB. Raises `Unusable`."""
    page: int | None = None
    """Of a PDF, from 1."""

    @property
    def screen(self) -> Screen:
        return Screen(*self.size)

    @property
    def called(self) -> str:
        return self.file if self.page is None else f"{self.file}, page {self.page}"


@dataclass(frozen=True)
class Moment:
    """Two neighbouring samples of a recording, which a model sees as one."""

    seconds: float
    """Midway between the two."""
    most_pixels: int
    """Of one sample as it is shown."""
    frames: tuple[Image, Image] = field(repr=False, compare=False)
    digest: str


@dataclass(frozen=True)
class Recording:
    """A recording as it was sampled."""

    file: str
    size: tuple[int, int]
    """(width, height) of the recording itself."""
    seconds: float
    moments: tuple[Moment, ...]
    per_second: float
    """Samples taken of each second."""


@dataclass(frozen=True)
class Media:
    """Everything that one question is about."""

    pictures: tuple[Shown, ...] = ()
    recording: Recording | None = None


def open_media(paths: Sequence[Path], pages: str = "") -> Media:
    """Look all files over and open them.

    Args:
        paths: pictures and PDFs in any mixture, or one recording.
        pages: which pages of a PDF, for example `1-3,7`; all when empty.

    Raises:
        Unusable: no such file, no picture, PDF or recording, a broken or too large one, or a mixture that is none.
    """
    if len(paths) > MOST_FILES:
        raise Unusable(f"{len(paths)} files, at most {MOST_FILES} can be asked about at once")
    kinds = [(path, _kind(path)) for path in paths]
    films = [path for path, kind in kinds if kind not in ("picture", "pdf")]
    if films and len(kinds) > 1:
        raise Unusable(f"{films[0]}: a recording is asked about alone, ask about the other files in a second command")
    if pages and not any(kind == "pdf" for _, kind in kinds):
        raise Unusable(f"--pages {pages}: none of the files is a PDF")
    found: list[Shown] = []
    for path, kind in kinds:
        if kind == "picture":
            from model.asking.pictures import open_picture

            found.append(open_picture(path))
        elif kind == "pdf":
            from model.asking.papers import open_pages

            found += open_pages(path, pages)
        else:
            from model.asking.recordings import open_recording

            return Media(recording=open_recording(path, kind))
    return Media(tuple(found))


_FILMS: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (8, b"AVI ", "avi"),
    (0, b"OggS", "ogg"),
    (0, b"FLV", "flv"),
)
"""Where a recording's first bytes stand, and the reader that takes it. Playlists are none: they name other files."""
_PICTURES: tuple[tuple[int, bytes], ...] = (
    *((0, mark) for mark in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")),
    (8, b"WEBP"),
)


def _kind(path: Path) -> str:
    """`picture`, `pdf` or the name of a container of recordings."""
    try:
        with path.open("rb") as opened:
            head = opened.read(_HEAD)
    except FileNotFoundError:
        raise Unusable(f"{path}: there is no such file") from None
    except OSError as error:
        raise Unusable(f"{path}: not readable: {error.strerror or error}") from None
    if not head:
        raise Unusable(f"{path}: the file is empty")
    if b"%PDF-" in head:
        return "pdf"
    if any(head[at : at + len(mark)] == mark for at, mark in _PICTURES):
        return "picture"
    for at, mark, name in _FILMS:
        if head[at : at + len(mark)] == mark:
            return name
    raise Unusable(f"{path}: neither a picture (PNG, JPEG, WebP, GIF, BMP, TIFF) nor a PDF nor a recording")


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
