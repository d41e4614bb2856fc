"""Scripted oracles: one small play for each task, made of single acts, each after a fresh look.

A play is a generator: it looks, yields one act, and is asked for the next when that act has been done. It decides from
what the page shows; what is folded away, on another tab or below the fold it has to bring to light first, in the order
in which a person would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from actuators.action import Action, Click, Drag, PressKeys, Scroll, TypeText
from osworld_eval.miniwob.page import AREA, Box, Look, pixel

__all__ = [
    "ORACLES",
    "Oracle",
    "Play",
    "Stuck",
    "clicked",
    "dragged",
    "key",
    "oracle_for",
    "plays",
    "pressed",
    "reached",
    "typed",
    "with_oracle",
]

Play = Callable[[Look], Iterator[Action]]
ORACLES: dict[str, Play] = {}
_FILES = ("buttons", "choices", "panels", "text", "dates", "drags", "sliders", "colours", "geometry", "shapes", "games",
          "email", "tables")  # fmt: skip


class Stuck(Exception):
    """A play does not find what it needs on the page."""


def plays(*tasks: str) -> Callable[[Play], Play]:
    """Register a play for tasks."""

    def keep(play: Play) -> Play:
        for task in tasks:
            ORACLES[task] = play
        return play

    return keep


def with_oracle() -> tuple[str, ...]:
    """Tasks that have an oracle, sorted."""
    _load()
    return tuple(sorted(ORACLES))


def oracle_for(task: str, look: Look) -> Oracle:
    """A new oracle for the episode that stands on the page. Raises `Stuck` where there is none for the task."""
    _load()
    if task not in ORACLES:
        raise Stuck(f"there is no oracle for `{task}`")
    return Oracle(ORACLES[task], look)


def _load() -> None:
    for name in _FILES:
        import_module(f"osworld_eval.miniwob.oracles.{name}")


class Oracle:
    """One episode's play. `look` sees the live page with every question."""

    def __init__(self, play: Play, look: Look) -> None:
        self._going = play(look)

    def next(self) -> Action | None:
        """The next act; None when the play is over or does not know how to go on."""
        try:
            return next(self._going, None)
        except Stuck:
            return None


# Acts


def clicked(at: tuple[float, float], count: int = 1, modifiers: tuple[str, ...] = ()) -> Click:
    """A click at a CSS point."""
    return Click(at=pixel(*at), count=count, modifiers=modifiers)


def dragged(start: tuple[float, float], end: tuple[float, float]) -> Drag:
    """A drag between CSS points."""
    return Drag(start=pixel(*start), end=pixel(*end))


def key(*names: str) -> PressKeys:
    """Keys, pressed in order."""
    return PressKeys(keys=names)


# Verbs of several acts


def found(look: Look, selector: str, text: str | None = None) -> Box:
    """The first element that can be pressed, else the first at all. Raises `Stuck`."""
    boxes = [box for box in look.all(selector) if text is None or box.text == text]
    if not boxes:
        raise Stuck(f"nothing matches {selector} {text or ''}")
    return next((box for box in boxes if box.spot), boxes[0])


def reached(look: Look, selector: str, text: str | None = None) -> Iterator[Action]:
    """Scroll until the element can be pressed."""
    for _ in range(8):
        box = found(look, selector, text)
        if box.spot:
            return
        middle = AREA.rect.centre
        yield Scroll(at=middle, dy=-120 if box.bottom < 60 else 120)
    raise Stuck(f"{selector} cannot be reached")


def pressed(look: Look, selector: str, text: str | None = None) -> Iterator[Action]:
    """Press an element, scrolling to it first where needed."""
    yield from reached(look, selector, text)
    box = found(look, selector, text)
    assert box.spot
    yield clicked(box.spot)


def typed(look: Look, selector: str, text: str) -> Iterator[Action]:
    """Focus a field, and type."""
    if not found(look, selector).focused:
        yield from pressed(look, selector)
    yield TypeText(text=text)
