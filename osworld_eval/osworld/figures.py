"""From rows to figures. Rates are per cent, 0..100, as upstream's and published ones are.

mean            over everything that was scheduled: what has no score counts 0
mean_finished   over what has a score, as upstream counts
passed          rows with the full score
efficiency      a score counts in full when it took one step, and a `steps`-th of it when it took all that were allowed

Intervals are 95 % bootstrap intervals: tasks are drawn anew, each with all its repeats.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from osworld_eval.osworld.row import Row

__all__ = ["GROUPS", "by_task", "interval", "percent", "summary"]

DRAWS = 4000
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Office": ("libreoffice_calc", "libreoffice_impress", "libreoffice_writer"),
    "Daily": ("vlc", "thunderbird", "chrome"),
    "Professional": ("gimp", "vs_code"),
}
"""As upstream's `show_result.py` groups domains; each is told only where all its domains were played."""
PHASES = ("reset", "prepare", "settle", "agent", "model", "score")

Key = tuple[str, int]


def summary(rows: Mapping[Key, Row], scheduled: Sequence[Key], steps: int) -> dict[str, Any]:
    """Everything that is told of a run.

    Args:
        rows: the row that counts for each task and repeat; others than those scheduled are left out.
        scheduled: what was to be played.
        steps: how many an attempt was allowed.
    """
    mine = [rows[key] for key in scheduled if key in rows]
    done = [row for row in mine if row.finished]
    scores = {key: _score(rows.get(key)) for key in scheduled}
    return {
        "unit": "per cent",
        "mean": percent(scores.values()),
        "ci95": interval(list(by_task(scores).values())),
        "mean_finished": percent(_score(row) for row in done),
        "ci95_finished": interval(list(by_task({row.key: _score(row) for row in done}).values())),
        "scheduled": len(scheduled),
        "finished": len(done),
        "passed": sum(row.score == 1.0 for row in done),
        "efficiency": percent(_score(row) * _thrift(row, steps) for row in _or_nothing(rows, scheduled)),
        "steps_to_pass": _median([row.steps for row in done if row.score == 1.0]),
        "domains": {name: _part(rows, keys) for name, keys in _grouped(scheduled).items()},
        "groups": _groups(rows, scheduled),
        "places": _counted(row.place for row in done),
        "scoring": _counted(row.scoring for row in done),
        "outcomes": _counted(row.outcome or "none" for row in mine),
        "statuses": _counted([*(row.status for row in mine), *["not played"] * (len(scheduled) - len(mine))]),
        "seconds": {
            "median": _median([row.seconds for row in mine]),
            "total": round(sum(row.seconds for row in mine), 1),
            "phases": {name: _median([row.phases[name] for row in mine if name in row.phases]) for name in PHASES},
        },
        "tokens": {
            "prompt": sum(row.prompt_tokens for row in mine),
            "cached": sum(row.cached_tokens for row in mine),
            "output": sum(row.output_tokens for row in mine),
        },
        "cost": _costs(mine),
    }


def percent(scores: Iterable[float]) -> float | None:
    """The mean of scores from 0 to 1, per cent; None without any."""
    values = list(scores)
    return round(100 * sum(values) / len(values), 2) if values else None


def interval(groups: Sequence[Sequence[float]]) -> list[float] | None:
    """95 % bootstrap interval, per cent, of the mean over everything; groups are drawn anew. None without any."""
    import numpy as np

    if not groups:
        return None
    sums, sizes = np.array([sum(group) for group in groups]), np.array([len(group) for group in groups])
    drawn = np.random.default_rng(0).integers(0, len(groups), (DRAWS, len(groups)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1) * 100
    low, high = np.percentile(means, [2.5, 97.5])
    return [round(float(low), 2), round(float(high), 2)]


def by_task(scores: Mapping[Key, float]) -> dict[str, list[float]]:
    """The scores of each task, repeats together."""
    found: dict[str, list[float]] = {}
    for (task, _), score in scores.items():
        found.setdefault(task, []).append(score)
    return found


def _score(row: Row | None) -> float:
    return row.score if row is not None and row.score is not None else 0.0


def _or_nothing(rows: Mapping[Key, Row], scheduled: Sequence[Key]) -> list[Row]:
    return [rows.get(key) or Row(task=key[0], repeat=key[1], attempt=1, status="infrastructure") for key in scheduled]


def _thrift(row: Row, steps: int) -> float:
    return 1.0 - (max(1, min(row.steps, steps)) - 1) / max(1, steps)


def _grouped(scheduled: Sequence[Key]) -> dict[str, list[Key]]:
    found: dict[str, list[Key]] = {}
    for key in scheduled:
        found.setdefault(key[0].partition("/")[0], []).append(key)
    return dict(sorted(found.items()))


def _part(rows: Mapping[Key, Row], keys: Sequence[Key]) -> dict[str, Any]:
    done = [rows[key] for key in keys if key in rows and rows[key].finished]
    return {
        "mean": percent(_score(rows.get(key)) for key in keys),
        "mean_finished": percent(_score(row) for row in done),
        "scheduled": len(keys),
        "finished": len(done),
    }


def _groups(rows: Mapping[Key, Row], scheduled: Sequence[Key]) -> dict[str, Any]:
    domains = _grouped(scheduled)
    return {
        name: _part(rows, [key for domain in listed for key in domains[domain]])
        for name, listed in GROUPS.items()
        if all(domain in domains for domain in listed)
    }


def _costs(rows: Sequence[Row]) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in rows:
        if row.cost is not None:
            found[row.currency] = round(found.get(row.currency, 0.0) + row.cost, 6)
    return found


def _median(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 3) if values else None


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))
