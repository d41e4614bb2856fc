"""A picture of what `agent bench model --json` measured: `python -m model.chart FILE.json OUT.png`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["draw"]


def draw(found: dict[str, Any], out: Path) -> None:
    """Time a step by how long the conversation is, engine against generate, by the clock and of the processor; ratio.

    Args:
        found: as `bench.compare` returns it, steps by number or by its text.
        out: the PNG to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    steps = sorted(found["steps"], key=int)
    rows = [found["steps"][step] for step in steps]
    figure, (times, ratios) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, label in (("engine", "engine"), ("free", "engine, no jumps"), ("generate", "generate()")):
        (line,) = times.plot(steps, [row[name]["step_s"] * 1e3 for row in rows], marker="o", label=label)
        times.plot(steps, [row[name]["cpu_s"] * 1e3 for row in rows], linestyle=":", color=line.get_color())
    times.set(
        xlabel="step of the conversation",
        ylabel="ms a step",
        yscale="log",
        title="prefill and reply (dotted: processor)",
    )
    times.legend()
    bars = ratios.bar(steps, [row["ratio"] for row in rows])
    ratios.bar_label(bars, fmt="%.1fx")
    ratios.set(xlabel="step of the conversation", ylabel="generate over engine", title="how many times faster")
    figure.suptitle(f"{found['checkpoint']}, {found['dtype']} on {found['device']}")
    figure.savefig(out, dpi=110)
    pyplot.close(figure)


def main(arguments: list[str]) -> int:
    """Draw a file of measurements."""
    if len(arguments) != 2:
        print("usage: python -m model.chart FILE.json OUT.png", file=sys.stderr)
        return 2
    try:
        found = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
        each = found.get("shapes") or {"": found}
        for name, said in each.items():
            out = Path(arguments[1])
            draw(said, out.with_stem(f"{out.stem}-{name}") if name else out)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as problem:
        print(f"model.chart: {arguments[0]}: {' '.join(str(problem).split())[:200]}: expected what "
              "`agent bench model --json` prints", file=sys.stderr)  # fmt: skip
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
