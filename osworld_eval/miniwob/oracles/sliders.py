"""Sliders: one drag to about the place, then arrow keys for what is left."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actuators.action import Action
from osworld_eval.miniwob.oracle import clicked, dragged, key, plays, pressed
from osworld_eval.miniwob.page import Look


@plays("use-slider")
def _one(look: Look) -> Iterator[Action]:
    found = re.search(r"Select (-?\d+) with", look.utterance)
    yield from _set(look, "#slider", "#val", int(found.group(1)) if found else 0)
    yield from pressed(look, "#subbtn")


@plays("use-slider-2")
def _three(look: Look) -> Iterator[Action]:
    for number, value in enumerate(re.findall(r"\d+", look.utterance.split("[")[-1]), 1):
        yield from _set(look, f"#slider-{number}", f"#val-{number}", int(value))
    yield from pressed(look, "#subbtn")


@plays("form-sequence")
def _slider_and_box(look: Look) -> Iterator[Action]:
    found = re.search(r"Select (-?\d+) with the slider, click the (\d)", look.utterance)
    value, number = (int(found.group(1)), found.group(2)) if found else (0, "1")
    yield from _set(look, "#slider", "#val", value)
    yield from pressed(look, f"#checkbox-{number}")
    yield from pressed(look, "#subbtn")


def _set(look: Look, slider: str, shown: str, wanted: int) -> Iterator[Action]:
    """Bring a slider to a value. Its ends follow from where the handle stands and what value is shown."""
    low, high = look.js("s => [$(s).slider('option', 'min'), $(s).slider('option', 'max')]", slider)
    for _ in range(20):
        now = int(look.all(shown)[0].text)
        if now == wanted:
            return
        track, handle = look.all(slider)[0], look.all(f"{slider} .ui-slider-handle")[0]
        flat = "ui-slider-horizontal" in track.cls
        if abs(now - wanted) <= 3 and handle.focused:
            yield key(("right" if flat else "up") if wanted > now else ("left" if flat else "down"))
            continue
        part = (wanted - now) / (high - low)
        x, y = handle.centre
        dx = part * (track.right - track.left) if flat else 0.0
        dy = 0.0 if flat else -part * (track.bottom - track.top)
        if abs(dx) + abs(dy) < 2:
            yield clicked((x, y))
        else:
            yield dragged((x, y), (x + dx, y + dy))
