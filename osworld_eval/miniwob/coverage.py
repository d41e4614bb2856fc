"""What the node list of a task does not hold: for whoever trains on demonstrations with nodes.

`python -m osworld_eval.miniwob.coverage FOLDER` counts, in recorded demonstrations, how many points fall on a node, and
writes `FOLDER/NOTES.md`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from osworld_eval.miniwob.tasks import HELD_OUT

__all__ = ["UNLISTED", "main", "notes"]

UNLISTED = {
    "bisect-angle": "points and lines (SVG)",
    "choose-date": "the calendar's arrows",
    "choose-date-easy": "the calendar's arrows",
    "choose-date-medium": "the calendar's arrows",
    "choose-date-nodelay": "the calendar's arrows",
    "circle-center": "the circle (SVG)",
    "click-color": "the boxes and their colours",
    "click-pie-nodelay": "nothing but the slices' colours; the foremost slice is listed and takes no press",
    "click-shades": "the squares and their colours",
    "click-shape": "shapes, colours and sizes; letters and digits are listed",
    "count-shape": "shapes, colours and sizes; letters and digits are listed",
    "count-sides": "the shape (canvas)",
    "drag-box": "the boxes; the letters in them are listed",
    "drag-circle": "the circle (SVG)",
    "drag-shapes": "shapes and box (SVG)",
    "drag-shapes-2": "shapes, colours and boxes (SVG)",
    "drag-single-shape": "the shape (SVG)",
    "email-inbox-delete": "the icons; senders and subjects are listed",
    "email-inbox-important": "the icons; senders and subjects are listed",
    "find-greatest": "the cards' backs",
    "find-midpoint": "the points (SVG)",
    "form-sequence": "the slider's handle; its value is listed",
    "grid-coordinate": "the points; the labels of the axes are listed",
    "identify-shape": "the shape; a letter or digit is listed as text",
    "number-checkboxes": "the example (a picture); the boxes are listed",
    "resize-textarea": "the handle; the text area is listed",
    "right-angle": "points and lines (SVG)",
    "sign-agreement": "what lies below in the text area",
    "tic-tac-toe": "the places and the marks",
    "use-colorwheel": "the palette",
    "use-colorwheel-2": "the palette and the colour asked for",
    "use-slider": "the slider's handle; its value is listed",
    "use-slider-2": "the sliders' handles; their values are listed",
    "visual-addition": "the blocks",
}
"""What has to be seen in the picture, by task; tasks that are missing here have all they need in the list."""


def notes(folder: Path) -> str:
    """Markdown: of each recorded task the episodes, the steps, and the share of points that fall on a node."""
    lines = ["# Demonstrations", "", "| task | episodes | steps | points on a node | not in the node list |"]
    lines.append("|---|---|---|---|---|")
    for path in sorted(folder.glob("*.jsonl")):
        episodes = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        hits, points, steps = _counted(episodes)
        share = f"{100 * hits / points:.0f} %" if points else "-"
        missing = UNLISTED.get(path.stem, "")
        lines.append(f"| {path.stem} | {len(episodes)} | {steps} | {share} | {missing} |")
    lines += ["", f"Held out, never recorded: {', '.join(HELD_OUT)}.", ""]
    return "\n".join(lines)


def _counted(episodes: Iterable[dict[str, Any]]) -> tuple[int, int, int]:
    """Points on a node, points, steps."""
    steps = [step for one in episodes for step in one["steps"]]
    pointed = [step for step in steps if "at" in step["act"] or "start" in step["act"]]
    return sum(step["node"] is not None for step in pointed), len(pointed), len(steps)


def main(arguments: list[str] | None = None) -> int:
    """Write the notes and print them. Exit 2 where there is no folder of demonstrations."""
    given = sys.argv[1:] if arguments is None else arguments
    folder = Path(given[0]) if len(given) == 1 else None
    if folder is None or not folder.is_dir():
        print("coverage: expected one folder of demonstrations, as `record` writes it", file=sys.stderr)
        return 2
    text = notes(folder)
    (folder / "NOTES.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
