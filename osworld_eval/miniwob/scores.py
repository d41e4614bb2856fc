"""From episodes to figures. All rates are per cent, 0..100.

solved    raw reward 1; in the six graded tasks, whose reward is a distance, above 0.8
exact     raw reward 1 in every task
positive  raw reward above 0, which is success in Pix2Act's evaluation
score     Pix2Act's: raw/2 + 1/2 where the raw reward is above 0, else 0
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from osworld_eval.miniwob.tasks import GRADED, GRADED_FROM, HELD_OUT

__all__ = ["Row", "interval", "solved", "summary"]

_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One episode as it went."""

    task: str
    seed: int
    raw: float
    """The page's reward without decay; 0 where the episode was not over when the agent was."""
    done: bool
    acts: int
    seconds: float
    outcome: str
    """How the run ended, in the runtime's words."""
    because: str = ""
    run: str = ""


def solved(task: str, raw: float) -> bool:
    """Whether an episode counts as solved."""
    return raw > GRADED_FROM if task in GRADED else raw >= 1.0


_RATES: dict[str, Callable[[Row], float]] = {
    "mean": lambda row: solved(row.task, row.raw),
    "mean_exact": lambda row: row.raw >= 1.0,
    "mean_positive": lambda row: row.raw > 0,
    "score": lambda row: row.raw / 2 + 0.5 if row.raw > 0 else 0.0,
}


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Means over tasks, per task, and for held-out tasks alone; None where there is nothing to count.

    `ci95` is the interval of `mean`: tasks are taken as given, episodes of each are drawn anew.
    """
    by_task: dict[str, list[Row]] = {}
    for row in rows:
        by_task.setdefault(row.task, []).append(row)
    per_task = {task: _of_task(task, mine) for task, mine in sorted(by_task.items())}
    held = [task for task in per_task if task in HELD_OUT]
    return {
        **{name: _over(per_task, name, per_task) for name in _RATES},
        "ci95": interval([[solved(row.task, row.raw) for row in mine] for mine in by_task.values()]),
        "held_out_mean": _over(per_task, "mean", held),
        "held_out_mean_positive": _over(per_task, "mean_positive", held),
        "held_out_tasks": held,
        "trained_mean": _over(per_task, "mean", [task for task in per_task if task not in HELD_OUT]),
        "n": len(rows),
        "n_tasks": len(per_task),
        "per_task": per_task,
        "median_seconds": _median([row.seconds for row in rows]),
        "outcomes": _counted(row.outcome for row in rows),
    }


def _of_task(task: str, rows: Sequence[Row]) -> dict[str, Any]:
    told: dict[str, Any] = {"n": len(rows)}
    told |= {name: _percent([rate(row) for row in rows]) for name, rate in _RATES.items()}
    told["mean_raw"] = round(sum(row.raw for row in rows) / len(rows), 4)
    told["mean_acts"] = round(sum(row.acts for row in rows) / len(rows), 2)
    return told | {"held_out": task in HELD_OUT, "graded": task in GRADED}


def interval(groups: Sequence[Sequence[bool]]) -> list[float] | None:
    """95 % bootstrap interval, per cent, of the mean over groups of each group's share; None without episodes."""
    import numpy as np

    if not groups:
        return None
    dice = np.random.default_rng(0)
    means = np.zeros(_DRAWS)
    for group in groups:
        means += dice.binomial(len(group), sum(group) / len(group), _DRAWS) / len(group)
    low, high = np.percentile(means / len(groups) * 100, [2.5, 97.5])
    return [round(float(low), 2), round(float(high), 2)]


def _over(per_task: dict[str, dict[str, Any]], name: str, tasks: Iterable[str]) -> float | None:
    values = [per_task[task][name] for task in tasks]
    return round(sum(values) / len(values), 2) if values else None


def _percent(values: Sequence[float]) -> float:
    return round(100 * sum(values) / len(values), 2)


def _median(values: Sequence[float]) -> float | None:
    import statistics

    return round(statistics.median(values), 3) if values else None


def _counted(words: Iterable[str]) -> dict[str, int]:
    from collections import Counter

    return dict(sorted(Counter(words).items()))
