"""The figures for a person: a table on a terminal, aligned plain lines in a pipe."""

from __future__ import annotations

import sys
from typing import Any, TextIO

__all__ = ["show"]

_TITLES = {"data_type": "by type", "kind": "by kind", "role": "by role", "source": "by source", "size": "by size"}
_MOST_ERRORS = 5


def show(told: dict[str, Any], out: TextIO | None = None) -> None:
    """Print a summary as `scores.summary` and `play` made it."""
    out = out or sys.stdout
    head = (
        f"{told['agent']} on {told['suite']} ({told['layout']}, {told['perception']}), {told['n']} items, "
        f"digest {told['digest'][:16]}"
    )
    rows = _rows(told)
    if out.isatty():
        _rich(head, rows)
    else:
        width = max(len(name) for name, *_ in rows)
        lines = [f"{name:<{width}}  {n:>5}  {rate:>7}  {between}".rstrip() for name, n, rate, between in rows]
        print("\n".join([head, *lines]), file=out)
    for line in _notes(told):
        print(line, file=out)


def _rows(told: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """(what, of how many, rate, interval); a row without a number is a heading."""
    rows = [("hits", str(told["n_there"]), _percent(told["hit_rate"]), _between(told["ci95"]))]
    for part, title in _TITLES.items():
        groups = told["by"][part]
        if not groups or (len(groups) == 1 and part not in ("size", "data_type")):
            continue
        rows.append((title, "", "", ""))
        rows += [(f"  {name}", str(g["n"]), _percent(g["hit_rate"]), _between(g["ci95"])) for name, g in groups.items()]
    rows.append(
        ("right refusals", str(told["n_absent"]), _percent(told["refusal_rate"]), _between(told["refusal_ci95"]))
    )
    rows.append(("false refusals", str(told["n_there"]), _percent(told["false_refusal_rate"]), ""))
    return rows


def _notes(told: dict[str, Any]) -> list[str]:
    distance, seconds = told["median_distance_px"], told["median_seconds"]
    lines = [f"median distance from the middle {distance:.0f} px"] if distance is not None else []
    if told["no_point"]:
        lines.append(f"{told['no_point']} answers had no point: scrolled, typed, waited, looked closer or said done")
    if seconds is not None:
        lines.append(f"median {seconds:.3f} s an item")
    errors = told["errors"]
    lines += [f"item {one['number']}: {one['instruction']!r}: {one['error']}" for one in errors[:_MOST_ERRORS]]
    if len(errors) > _MOST_ERRORS:
        lines.append(f"and {len(errors) - _MOST_ERRORS} more errors; each counts as a miss")
    return lines


def _rich(title: str, rows: list[tuple[str, str, str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name, justify in (("", "left"), ("of", "right"), ("rate", "right"), ("95 %", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for name, n, rate, between in rows:
        table.add_row(name, n, rate, between, style=None if n else "bold")
    console = Console(highlight=False)
    console.print(title, markup=False)
    console.print(table)


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate * 100:.1f} %"


def _between(interval: list[float] | None) -> str:
    return "" if interval is None else f"{interval[0] * 100:.1f} to {interval[1] * 100:.1f}"
