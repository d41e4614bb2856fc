"""The files that an act names, by their real paths: links followed, `..` resolved, `~` spelled out.

Touches the disk to follow links and reads nothing. A path that is typed somewhere else than into a file field is taken
for one too: a file dialogue of a desktop cannot be told from any other field.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from actuators.action import Action, TypeText

__all__ = ["files_of", "within"]

_PATH = re.compile(r"(~[A-Za-z0-9_-]*)?/\S.*|\.{1,2}/.*|file:.*", re.IGNORECASE | re.DOTALL)


def files_of(action: Action, uploads: Sequence[Path] = ()) -> tuple[str, ...]:
    """Real paths of what a text names: one of `uploads` by its name or path, or anything written like a path."""
    if not isinstance(action, TypeText):
        return ()
    named = [line.strip().strip("\"'") for line in action.text.splitlines()]
    known = {str(path): path for path in uploads} | {path.name: path for path in uploads}
    return tuple(
        dict.fromkeys(_real(known.get(text, text)) for text in named if text in known or _PATH.fullmatch(text))
    )


def _real(path: str | Path) -> str:
    text = str(path)
    if text[:5].lower() == "file:":
        text = unquote(urlsplit(text).path)
    try:
        return os.path.realpath(Path(text).expanduser())
    except (OSError, RuntimeError, ValueError):  # nobody's home, a loop of links, a null byte: nowhere is inside
        return text.replace("\0", "")


def within(files: Iterable[str], roots: Sequence[str] | None) -> bool:
    """Whether every file is one of `roots` or lies below one; no roots given means no limit, none listed means none."""
    if roots is None:
        return True
    places = [Path(_real(root)) for root in roots]
    return all(any(place == Path(file) or place in Path(file).parents for place in places) for file in files)
