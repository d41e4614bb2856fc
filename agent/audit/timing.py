"""How long each kind of phase took over a run."""

from __future__ import annotations

from collections import defaultdict

from agent.run_folder import PhaseTimes

__all__ = ["Timing", "phase_kind"]


def phase_kind(name: str) -> str:
    """`chat qwen3-vl` is a `chat`: the first word of a span's name."""
    return name.partition(" ")[0]


class Timing:
    """Durations by kind, in seconds."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, kind: str, seconds: float) -> None:
        self._seconds[kind].append(seconds)

    def summary(self) -> dict[str, PhaseTimes]:
        """Nearest-rank percentiles; kinds in the order in which they first happened."""
        return {kind: _times(sorted(seconds)) for kind, seconds in self._seconds.items()}


def _times(seconds: list[float]) -> PhaseTimes:
    return PhaseTimes(
        count=len(seconds),
        p50_s=round(_percentile(seconds, 50), 6),
        p95_s=round(_percentile(seconds, 95), 6),
        total_s=round(sum(seconds), 6),
    )


def _percentile(ordered: list[float], percent: int) -> float:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
