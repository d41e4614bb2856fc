"""Tick boxes, radio buttons, shades, lists and spinners."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actuators.action import Action, TypeText
from osworld_eval.miniwob.oracle import Stuck, clicked, plays, pressed, reached
from osworld_eval.miniwob.page import Box, Look


def _wanted(look: Look, form: str) -> list[str]:
    found = re.search(form, look.utterance)
    if not found:
        raise Stuck(f"`{look.utterance}` names no choices")
    return [] if found.group(1) == "nothing" else found.group(1).split(", ")


@plays("click-checkboxes", "click-checkboxes-large", "click-checkboxes-transfer", "click-option")
def _tick(look: Look) -> Iterator[Action]:
    names = _wanted(look, r"Select (.*) and click Submit")
    yield from _ticked(look, names)


def _ticked(look: Look, names: list[str]) -> Iterator[Action]:
    for number, label in enumerate(look.all("#area label")):
        if label.text in names and not look.all("#area label input")[number].checked:
            yield clicked(_box_of(look, number).centre)
    yield from pressed(look, "#subbtn")


def _box_of(look: Look, number: int) -> Box:
    return look.all("#area label input")[number]


@plays("click-checkboxes-soft")
def _alike(look: Look) -> Iterator[Action]:
    """Which words mean the same is knowledge of the language; the page's own lists say it."""
    words = _wanted(look, r"similar to (.*) and click Submit")
    groups = look.js("SYNONYMS")
    meant = [one for group in groups for one in group if set(group) & set(words)]
    yield from _ticked(look, meant)


_HUES = {"red": (0, 360), "green": (120, 120), "blue": (240, 240)}


@plays("click-shades")
def _shades(look: Look) -> Iterator[Action]:
    found = re.search(r"shades of (\w+)", look.utterance)
    hues = _HUES[found.group(1) if found else "red"]
    for number in range(len(look.all("#area span"))):
        span = look.all("#area span")[number]
        if span.cls != "selected" and min(abs(hue_of(span.colour) - one) for one in hues) < 60:
            yield clicked(span.centre)
    yield from pressed(look, "#submit")


def hue_of(colour: str) -> float:
    """Degrees of hue of `rgb(r, g, b)`."""
    from colorsys import rgb_to_hsv

    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return rgb_to_hsv(red / 255, green / 255, blue / 255)[0] * 360


@plays("number-checkboxes")
def _digit(look: Look) -> Iterator[Action]:
    """The example beside the boxes is a picture; its pattern is read from the page's list."""
    found = re.search(r'"(\d)"', look.utterance)
    pattern = look.js("n => PATTERNS[n].flat()", int(found.group(1)) if found else 0)
    for number, on in enumerate(pattern):
        box = look.all("#checkboxes input")[number]
        if bool(on) != box.checked:
            yield clicked(box.centre)
    yield from pressed(look, "#subbtn")


@plays("odd-or-even")
def _odd_or_even(look: Look) -> Iterator[Action]:
    for number in range(len(look.all("#area .row"))):
        value = int(look.all("#area .display-number")[number].text)
        button = look.all("#area .odd" if value % 2 else "#area .even")[number]
        if "selected" not in button.cls:
            yield clicked(button.centre)
    yield from pressed(look, "#submit")


@plays("use-spinner")
def _spin(look: Look) -> Iterator[Action]:
    found = re.search(r"Select (-?\d+)", look.utterance)
    wanted = int(found.group(1)) if found else 0
    while (now := int(look.all("#spinner")[0].value or 0)) != wanted:
        yield from pressed(look, ".ui-spinner-up" if now < wanted else ".ui-spinner-down")
    yield from pressed(look, "#subbtn")


@plays("choose-list")
def _choose(look: Look) -> Iterator[Action]:
    found = re.search(r"Select (.*) from the list", look.utterance)
    name = found.group(1) if found else ""
    if look.js("document.getElementById('options').selectedOptions[0].label") != name:
        yield from pressed(look, "#options")
        yield TypeText(text=name)
    yield from pressed(look, "#area button")


@plays("click-scroll-list")
def _list(look: Look) -> Iterator[Action]:
    found = re.search(r"Select (.*) from the scroll list", look.utterance)
    for number, name in enumerate((found.group(1) if found else "").split(", ")):
        yield from reached(look, "#options option", name)
        box = next(one for one in look.shown("#options option") if one.text == name)
        assert box.spot
        yield clicked(box.spot, modifiers=("ctrl",) if number else ())
    yield from pressed(look, "#area button")
