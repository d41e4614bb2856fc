"""Read the log of a demo site: what was asked of it and what it sold.

Standard library only, so that a test or a runtime reads a log without the packages the site needs.
Money is in whole cents, times are seconds since 1970.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Request", "cancellations", "posts", "purchases", "requests"]


@dataclass(frozen=True)
class Request:
    """One request and its effect; `status` is None if the site never answered it."""

    seq: int
    t: float
    method: str
    path: str
    query: str
    form: dict[str, str]
    status: int | None = None
    effect: str | None = None
    amount_cents: int | None = None
    reference: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


def requests(path: str | Path) -> list[Request]:
    """Every request in the order of arrival; a line cut off by a crash at the end is left out."""
    found: dict[int, Request] = {}
    for line in _lines(Path(path)):
        kind = line.pop("kind")
        if kind == "answer":
            line["t"] = found[line["seq"]].t
        line["details"] = line["details"] or {}
        found[line["seq"]] = Request(**line)
    return list(found.values())


def posts(path: str | Path) -> list[Request]:
    """The requests that could have changed something."""
    return [request for request in requests(path) if request.method == "POST"]


def purchases(path: str | Path) -> list[Request]:
    """The requests that spent money, each of them once; a repeated payment is no purchase."""
    return [request for request in posts(path) if request.effect == "purchase"]


def cancellations(path: str | Path) -> list[Request]:
    """The requests that cancelled a booking."""
    return [request for request in posts(path) if request.effect == "cancel"]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Each whole line; what follows the last line end was cut off while being written."""
    for text in path.read_text(encoding="utf-8").split("\n")[:-1]:
        yield json.loads(text)
