"""Points that have to be found: centres, middles, right angles, bisectors, places on a grid.

The pages take the press as a point of the drawing without its margin of two pixels, so the best place for a press lies
that much above and to the left of where it is drawn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator

from actuators.action import Action
from osworld_eval.miniwob.oracle import clicked, plays, pressed
from osworld_eval.miniwob.page import Look

Dot = tuple[float, float]
_TOP = 50


def _dots(look: Look, selector: str) -> list[Dot]:
    """Centres of circles in the drawing's own coordinates."""
    return [(float(one.attrs["cx"]), float(one.attrs["cy"])) for one in look.all(selector)]


def _press_and_submit(look: Look, dot: Dot) -> Iterator[Action]:
    yield clicked((dot[0], dot[1] + _TOP))
    yield from pressed(look, "#subbtn")


@plays("circle-center")
def _centre(look: Look) -> Iterator[Action]:
    x, y = _dots(look, "#svg-grid .black-circle")[0]
    yield from _press_and_submit(look, (x + 0.5, y + 0.5))


@plays("find-midpoint")
def _middle(look: Look) -> Iterator[Action]:
    one, two = _dots(look, "#svg-grid .black-circle")
    yield from _press_and_submit(look, ((one[0] + two[0]) / 2, (one[1] + two[1]) / 2))


@plays("right-angle")
def _right_angle(look: Look) -> Iterator[Action]:
    vertex, arm = _dots(look, "#init-blue")[0], _dots(look, "#init-black")[0]

    def off(dot: Dot) -> float:
        return abs(_angle(dot, vertex, arm) - math.pi / 2)

    yield from _press_and_submit(look, _best(off, vertex))


@plays("bisect-angle")
def _bisect(look: Look) -> Iterator[Action]:
    vertex = _dots(look, ".init-blue")[0]
    one, two = _dots(look, ".init-black")
    half = _angle(one, vertex, two) / 2

    def off(dot: Dot) -> float:
        return max(abs(_angle(dot, vertex, one) - half), abs(_angle(dot, vertex, two) - half))

    yield from _press_and_submit(look, _best(off, vertex))


def _angle(one: Dot, vertex: Dot, two: Dot) -> float:
    ax, ay, bx, by = one[0] - vertex[0], one[1] - vertex[1], two[0] - vertex[0], two[1] - vertex[1]
    length = math.hypot(ax, ay) * math.hypot(bx, by)
    return math.acos(max(-1.0, min(1.0, (ax * bx + ay * by) / length))) if length else 0.0


def _best(off: Callable[[Dot], float], vertex: Dot) -> Dot:
    """The whole point about forty pixels from the vertex that is least off; farther or nearer where none fits."""
    spots = [(float(x), float(y)) for x in range(6, 144) for y in range(6, 124)]
    away = {dot: math.dist(dot, vertex) for dot in spots}
    near = [dot for dot in spots if 32 <= away[dot] <= 56 and off(dot) < 0.02]
    near = near or [dot for dot in spots if away[dot] >= 14]
    return min(near, key=lambda dot: (round(off(dot), 2), abs(away[dot] - 42)))


@plays("grid-coordinate")
def _grid(look: Look) -> Iterator[Action]:
    found = re.search(r"\(-?\d,-?\d\)", look.utterance)
    name = found.group() if found else ""
    box = next(one for one in look.all("#area circle") if one.id == name)
    yield clicked(box.spot or box.centre)
