"""Plots of a training log: losses, exact calls, points in boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["draw", "draw_reading"]


def draw(log: list[dict[str, Any]], path: Path) -> None:
    """Two panels over minutes of training."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    steps = [entry for entry in log if "setting" not in entry]
    for name in ("lm", "align", "point", "copy"):
        left.plot([e["minutes"] for e in steps], [e.get(name) for e in steps], label=name)
    left.set(xlabel="minutes", ylabel="loss", yscale="log")
    right.plot([e["minutes"] for e in steps], [e.get("exact") for e in steps], label="exact, training", alpha=0.5)
    for setting in dict.fromkeys(e["setting"] for e in log if "setting" in e):
        rows = [e for e in log if e.get("setting") == setting]
        right.plot([e["minutes"] for e in rows], [e["exact"] for e in rows], marker="o", label=f"exact: {setting}")
        right.plot(
            [e["minutes"] for e in rows],
            [e["hit"] for e in rows],
            marker=".",
            linestyle="--",
            label=f"point in box: {setting}",
        )
    right.set(xlabel="minutes", ylim=(0, 1))
    for axis in (left, right):
        axis.legend(fontsize=7)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def draw_reading(log: list[dict[str, Any]], path: Path) -> None:
    """Losses, and the shares of characters, roles and icons that are right, over minutes of training."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    minutes = [entry["minutes"] for entry in log]
    for name in ("glyphs", "roles", "edges", "icons"):
        left.plot(minutes, [entry.get(name) for entry in log], label=name)
    for name, what in (("read", "characters"), ("named", "roles"), ("icon", "icons")):
        right.plot(minutes, [entry.get(name) for entry in log], label=f"{what} right, training tiles")
    left.set(xlabel="minutes", ylabel="loss", yscale="log", ylim=(0.05, 10))
    right.set(xlabel="minutes", ylim=(0, 1))
    for axis in (left, right):
        axis.legend(fontsize=7)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
