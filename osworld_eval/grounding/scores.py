"""From rows to figures. Pure; knows nothing of files, terminals or models."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from osworld_eval.grounding.results import Row

__all__ = ["SIZES", "size_class", "summary", "wilson"]

SIZES = ((16, "below 16x16"), (32, "below 32x32"), (64, "below 64x64"), (128, "below 128x128"))
"""Classes of area by the side of a square as large, in pixels of the picture; each excludes the one before."""
_LARGEST = "128x128 and up"


def wilson(right: int, n: int) -> list[float] | None:
    """The 95 % interval of a rate after Wilson, as [low, high] in 0..1; None for no trials."""
    if not n:
        return None
    z = 1.959963984540054
    rate, slack = right / n, z * z / n
    middle = (rate + slack / 2) / (1 + slack)
    half = z * math.sqrt(rate * (1 - rate) / n + slack / n / 4) / (1 + slack)
    return [round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)]


def size_class(area: float) -> str:
    """The class of an area in square pixels."""
    return next((name for side, name in SIZES if area < side * side), _LARGEST)


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Every figure of a run, as plain data.

    `hit_rate` is over the items whose thing is there, `refusal_rate` over those whose thing is not; either is None
    where there are none. An item whose model call broke is wrong.
    """
    there = [one for one in rows if not one.absent]
    absent = [one for one in rows if one.absent]
    false_refusals = sum(one.answer == "refused" for one in there)
    distances = [one.distance for one in there if one.distance is not None]
    return {
        "n": len(rows),
        "n_there": len(there),
        "n_absent": len(absent),
        **_rate(there),
        "refusal_rate": _share(sum(one.right for one in absent), len(absent)),
        "refusal_ci95": wilson(sum(one.right for one in absent), len(absent)),
        "false_refusals": false_refusals,
        "false_refusal_rate": _share(false_refusals, len(there)),
        "no_point": sum(one.answer == "other" for one in there),
        "errors": [
            {"number": one.number, "instruction": one.instruction, "error": one.error}
            for one in rows
            if one.answer == "error"
        ],
        "median_distance_px": statistics.median(distances) if distances else None,
        "median_seconds": round(statistics.median(one.seconds for one in rows), 4) if rows else None,
        "by": {
            "data_type": _by(there, lambda one: [one.data_type]),
            "kind": _by(there, lambda one: one.kinds),
            "role": _by(there, lambda one: [one.role]),
            "source": _by(there, lambda one: [one.source]),
            "size": dict(
                sorted(
                    _by(there, lambda one: [size_class(one.area)]).items(),
                    key=lambda pair: [*(name for _, name in SIZES), _LARGEST].index(pair[0]),
                )
            ),
        },
    }


def _by(rows: Iterable[Row], classes: Callable[[Row], list[str]]) -> dict[str, Any]:
    """Rates by class, in order of name; a row counts in each of its classes, and in none for an empty name."""
    groups: dict[str, list[Row]] = {}
    for one in rows:
        for name in filter(None, classes(one)):
            groups.setdefault(name, []).append(one)
    return {name: {"n": len(groups[name]), **_rate(groups[name])} for name in sorted(groups)}


def _rate(rows: Sequence[Row]) -> dict[str, Any]:
    hits = sum(one.right for one in rows)
    return {"hits": hits, "hit_rate": _share(hits, len(rows)), "ci95": wilson(hits, len(rows))}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
