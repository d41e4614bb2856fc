"""`agent eval compare A B`: two agents on the tasks that both were given, pair by pair.

A task's score is its mean over repeats; what has no score counts 0, for both alike. Three things are told, because each
alone misleads: the interval of the mean difference (tasks drawn anew), a sign-flip test of the same mean, and the exact
sign test of the tasks that one solved and the other did not (McNemar's).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osworld_eval.osworld.manifest import Manifest, ManifestUnusable, read_manifest
from osworld_eval.osworld.results import ResultsUnusable, counting, read_rows
from osworld_eval.osworld.row import Row

__all__ = ["Read", "compared", "exact_sign", "flipped", "main", "read_results"]

DRAWS = 10_000
_ALL_FLIPS = 14
"""Up to so many pairs that differ every flip of signs is counted; above, `DRAWS` of them are drawn."""


@dataclass(frozen=True, slots=True)
class Read:
    """One folder of results."""

    folder: Path
    manifest: Manifest
    rows: Mapping[tuple[str, int], Row]

    @property
    def scores(self) -> dict[str, float]:
        """The mean over repeats of each task that was scheduled."""
        found: dict[str, list[float]] = {}
        for task, repeat in self.manifest.scheduled:
            row = self.rows.get((task, repeat))
            found.setdefault(task, []).append(row.score if row is not None and row.score is not None else 0.0)
        return {task: sum(scores) / len(scores) for task, scores in found.items()}


def read_results(folder: Path) -> Read:
    """Read a folder of results. Raises `ManifestUnusable`, `ResultsUnusable`."""
    manifest = read_manifest(folder)
    return Read(folder, manifest, counting(read_rows(folder)))


def main(one: Path, other: Path, as_json: bool) -> int:
    """Print the comparison; 2 for what cannot be compared."""
    try:
        told = compared(read_results(one), read_results(other))
    except (ManifestUnusable, ResultsUnusable, ValueError) as problem:
        print(f"agent eval compare: {problem}", file=sys.stderr)
        return 2
    print(json.dumps(told, ensure_ascii=False) if as_json else _lines(told))
    return 0


def compared(one: Read, other: Read) -> dict[str, Any]:
    """Everything that is told of two runs; figures are per cent, the difference is B less A.

    Raises:
        ValueError: they have no task in common.
    """
    mine, theirs = one.scores, other.scores
    both = [task for task in mine if task in theirs and one.manifest.tasks[task] == other.manifest.tasks[task]]
    if not both:
        raise ValueError(f"{one.folder} and {other.folder} have no task in common")
    a, b = [mine[task] for task in both], [theirs[task] for task in both]
    gained = [task for task in both if theirs[task] > mine[task]]
    lost = [task for task in both if theirs[task] < mine[task]]
    differing = sorted(
        name
        for name in {*one.manifest.settings, *other.manifest.settings}
        if one.manifest.settings.get(name) != other.manifest.settings.get(name)
    )
    return {
        "unit": "per cent",
        "a": _about(one, a),
        "b": _about(other, b),
        "tasks": len(both),
        "left_out": len({*mine, *theirs}) - len(both),
        "difference": round(100 * (sum(b) - sum(a)) / len(both), 2),
        "ci95": _interval([y - x for x, y in zip(a, b, strict=True)]),
        "p_mean": flipped([y - x for x, y in zip(a, b, strict=True)]),
        "p_solved": exact_sign(len(gained), len(lost)),
        "better": gained,
        "worse": lost,
        "same": len(both) - len(gained) - len(lost),
        "settings_differ": {
            name: [one.manifest.settings.get(name), other.manifest.settings.get(name)] for name in differing
        },
    }


def flipped(differences: Sequence[float]) -> float:
    """Two-sided p of the mean difference when the sign of each could as well be the other: 1 where none differs."""
    import numpy as np

    values = np.array([value for value in differences if value])
    if not len(values):
        return 1.0
    if len(values) <= _ALL_FLIPS:
        signs = 1 - 2 * ((np.arange(2 ** len(values))[:, None] >> np.arange(len(values))) & 1)
        extra = 0
    else:
        signs = np.random.default_rng(0).choice((-1, 1), (DRAWS, len(values)))
        extra = 1  # the one that was seen counts too, so that p is never 0
    reached = np.abs(signs @ values) >= abs(values.sum()) - 1e-9
    return round(float((reached.sum() + extra) / (len(signs) + extra)), 5)


def exact_sign(better: int, worse: int) -> float:
    """Two-sided p that so many of the tasks that differ go one way, if either were as likely."""
    count = better + worse
    if not count:
        return 1.0
    tail = sum(math.comb(count, k) for k in range(min(better, worse) + 1)) / 2**count
    return round(min(1.0, 2.0 * float(tail)), 5)


def _interval(differences: Sequence[float]) -> list[float]:
    import numpy as np

    values = np.array(differences)
    drawn = np.random.default_rng(0).integers(0, len(values), (DRAWS, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1) * 100, [2.5, 97.5])
    return [round(float(low), 2), round(float(high), 2)]


def _about(read: Read, scores: Sequence[float]) -> dict[str, Any]:
    return {
        "folder": str(read.folder),
        "agent": read.manifest.agent,
        "manifest": read.manifest.digest,
        "mean": round(100 * sum(scores) / len(scores), 2),
        "repeat": read.manifest.repeat,
    }


def _lines(told: Mapping[str, Any]) -> str:
    low, high = told["ci95"]
    lines = [
        f"A  {told['a']['mean']:6.1f} %  {told['a']['agent']}  ({told['a']['folder']})",
        f"B  {told['b']['mean']:6.1f} %  {told['b']['agent']}  ({told['b']['folder']})",
        f"B less A: {told['difference']:+.1f} points on {told['tasks']} tasks, 95 % interval {low:+.1f}..{high:+.1f}",
        f"  better on {len(told['better'])}, worse on {len(told['worse'])}, the same on {told['same']}",
        f"  chance alone would do as much: p = {told['p_mean']:.3g} by the mean, {told['p_solved']:.3g} by the signs",
    ]
    if told["left_out"]:
        lines.append(f"  {told['left_out']} tasks are in one of them only, or have other files: left out")
    for name, (here, there) in told["settings_differ"].items():
        lines.append(f"  mind: {name} is {here} in A and {there} in B")
    for name, tasks in (("better", told["better"]), ("worse", told["worse"])):
        lines += [f"  B {name}: {task}" for task in tasks[:20]]
        lines += [f"  ... and {len(tasks) - 20} more"] if len(tasks) > 20 else []
    return "\n".join(lines)
