"""Takes secrets out of any text, in the ways in which a text may carry them.

Finds a value as it is, with spaces or dashes between its characters, URL-encoded, HTML-escaped, JSON-escaped and in
base64. It does not find a value that was hashed, reversed, split over two texts, or drawn.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

__all__ = ["Redactor"]

_SHORT = 6
"""Values shorter than this are replaced only where they stand alone: `123` is not taken out of `41234`."""
_GAP = r"[\s\-.·•\u200b\u00a0]{0,2}"


class Redactor:
    """Replaces every value by `[secret:NAME]`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        found = [(pattern, name) for name, value in values.items() if value for pattern in _patterns(value)]
        found.sort(key=lambda one: -len(one[0]))
        self._names = [name for _, name in found]
        joined = "|".join(f"({pattern})" for pattern, _ in found)
        self._any = re.compile(joined) if found else None

    def __repr__(self) -> str:
        return f"Redactor({', '.join(sorted(set(self._names)))})"

    def __call__(self, text: str) -> str:
        """`text` without any value."""
        return text if self._any is None else self._any.sub(self._mark, text)

    def _mark(self, match: re.Match[str]) -> str:
        return f"[secret:{self._names[(match.lastindex or 1) - 1]}]"


def _patterns(value: str) -> Iterator[str]:
    """Regular expressions without groups, for one value."""
    for written in sorted({value, value.strip(), re.sub(r"[\s\-]", "", value)} - {""}):
        yield from _written(written)


def _written(value: str) -> Iterator[str]:
    spaced = _GAP.join(map(re.escape, value))
    yield rf"(?<![^\W_]){spaced}(?![^\W_])" if len(value) < _SHORT else spaced
    if len(value) < _SHORT:
        return
    yield from (f"(?i:{re.escape(one)})" for one in {quote(value, safe=""), quote_plus(value)} - {value})
    yield from map(re.escape, {html.escape(value), json.dumps(value)[1:-1]} - {value})
    yield from map(re.escape, sorted(_in_base64(value)))


def _in_base64(value: str) -> set[str]:
    """What base64 of any text around the value must contain, for each of the three alignments, in both alphabets."""
    raw = value.encode()
    kept: set[str] = set()
    for before in range(3):
        usable = (before + len(raw)) // 3 * 3 - before
        coded = base64.b64encode(b"\0" * before + raw[:usable]).decode()
        core = coded[(before * 8 + 5) // 6 :]
        kept |= {core, core.replace("+", "-").replace("/", "_")}
    return {core for core in kept if len(core) >= _SHORT}
