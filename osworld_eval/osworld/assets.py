"""Files that OSWorld's tasks download, kept in a cache with their checksums, so that a suite is the same tomorrow.

What was fetched once is what is used from then on: a file whose checksum is not the one that was noted is refused. With
`offline` nothing is fetched at all. Files are never opened here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from osworld_eval.osworld.own.files import made

__all__ = ["Asset", "AssetError", "Assets", "cache_name"]

MOST_BYTES = 2 * 2**30
TRIES = 3
BOUND_S = 300.0
_PIECE = 2**20
_NOTES = "checksums.json"


class AssetError(Exception):
    """A file cannot be had. One line: which, why, what to try."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file in the cache."""

    url: str
    path: Path
    sha256: str
    size: int


def cache_name(url: str, path: str = "") -> str:
    """What upstream calls a download in its cache: a UUID of the address, and the last part of the guest's path."""
    name = PurePosixPath(path or unquote(urlsplit(url).path)).name
    return f"{uuid.uuid5(uuid.NAMESPACE_URL, url)}_{re.sub(r'[^A-Za-z0-9._ -]', '_', name)[:120] or 'file'}"


class Assets:
    """A folder of files by address. One process at a time writes to it.

    Args:
        folder: made if missing.
        offline: nothing is fetched.
    """

    def __init__(self, folder: Path, offline: bool = False) -> None:
        self._folder = folder
        self._offline = offline
        self._noted = self._read()

    def have(self, url: str) -> bool:
        """Whether a file is there, without looking into it."""
        return url in self._noted and (self._folder / cache_name(url)).is_file()

    def missing(self, urls: Iterable[str]) -> tuple[str, ...]:
        return tuple(url for url in dict.fromkeys(urls) if not self.have(url))

    def get(self, url: str) -> Asset:
        """The file, fetched if need be, its checksum compared each time.

        Raises:
            AssetError: it is not there and may not be fetched, cannot be fetched, or is not what was noted.
        """
        path = self._folder / cache_name(url)
        if path.is_file():
            return self._known(url, path)
        if (data := made(url)) is not None:
            return self._made(url, path, data)
        if self._offline:
            raise AssetError(f"{url} is not in {self._folder}, and nothing is fetched offline: fetch it once without")
        if not re.match(r"https?://[^/\s]", url):
            raise AssetError(f"`{url[:120]}` is no http or https address")
        return self._fetched(url, path)

    def _made(self, url: str, path: Path, data: bytes) -> Asset:
        """A file of our own suite: made here, whatever may be fetched."""
        self._folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_bytes(data)
        part.replace(path)
        return self._known(url, path)

    def _known(self, url: str, path: Path) -> Asset:
        digest, size = _digest(path)
        noted = self._noted.get(url)
        if noted is None:
            self._note(url, digest)
        elif noted != digest:
            raise AssetError(
                f"{path} is not what was fetched from {url}: its checksum is {digest[:12]}, noted was {noted[:12]}; "
                "take the file away to fetch it anew"
            )
        return Asset(url, path, digest, size)

    def _fetched(self, url: str, path: Path) -> Asset:
        self._folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        why = ""
        try:
            for _ in range(TRIES):
                try:
                    self._into(url, part)
                    break
                except (OSError, ValueError) as error:
                    why = " ".join(f"{type(error).__name__}: {error}".split())[:160]
                    if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                        raise AssetError(f"{url} cannot be fetched: {why}") from None
            else:
                raise AssetError(f"{url} cannot be fetched in {TRIES} tries: {why}")
            digest, size = _digest(part)
            noted = self._noted.get(url)
            if noted is not None and noted != digest:
                raise AssetError(
                    f"{url} is another file than before: its checksum is {digest[:12]}, noted was {noted[:12]} "
                    f"in {self._folder / _NOTES}"
                )
            part.replace(path)
            self._note(url, digest)
            return Asset(url, path, digest, size)
        finally:
            part.unlink(missing_ok=True)

    def _into(self, url: str, part: Path) -> None:
        until = time.monotonic() + BOUND_S
        request = urllib.request.Request(url, headers={"User-Agent": "deskhand"})
        with urllib.request.urlopen(request, timeout=60) as answer, part.open("wb") as file:
            said, size = answer.headers.get("Content-Length"), 0
            while piece := answer.read(_PIECE):
                size += len(piece)
                if size > MOST_BYTES:
                    raise ValueError(f"it is larger than {MOST_BYTES} bytes")
                if time.monotonic() > until:
                    raise TimeoutError(f"it did not come within {BOUND_S:g} seconds")
                file.write(piece)
            if said is not None and said.isdigit() and int(said) != size:
                raise OSError("it broke off")

    def _read(self) -> dict[str, str]:
        path = self._folder / _NOTES
        if not path.exists():
            return {}
        try:
            told = json.loads(path.read_text("utf-8"))
            return {str(url): str(digest) for url, digest in told.items()}
        except (OSError, ValueError, AttributeError):
            raise AssetError(f"{path} cannot be read: mend it, or take it away to note checksums anew") from None

    def _note(self, url: str, digest: str) -> None:
        self._noted[url] = digest
        part = self._folder / f"{_NOTES}.{os.getpid()}.part"
        part.write_text(json.dumps(self._noted, indent=1, sort_keys=True) + "\n", "utf-8")
        part.replace(self._folder / _NOTES)


def _digest(path: Path) -> tuple[str, int]:
    made, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            made.update(piece)
            size += len(piece)
    return made.hexdigest(), size
