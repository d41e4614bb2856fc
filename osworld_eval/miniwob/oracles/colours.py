"""Colour pickers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actuators.action import Action, TypeText
from osworld_eval.miniwob.oracle import clicked, plays, pressed
from osworld_eval.miniwob.page import Look


@plays("use-colorwheel")
def _named(look: Look) -> Iterator[Action]:
    found = re.search(r"Select (\w+) with", look.utterance)
    code = look.js("name => ui_utils.colorNameToHex(name)", found.group(1) if found else "")
    yield from _typed(look, str(code).lstrip("#"))


@plays("use-colorwheel-2")
def _shown(look: Look) -> Iterator[Action]:
    red, green, blue = (int(part) for part in re.findall(r"\d+", look.all("#query .cc")[0].colour)[:3])
    yield from _typed(look, f"{red:02x}{green:02x}{blue:02x}")


def _typed(look: Look, code: str) -> Iterator[Action]:
    """Write the colour over the one in the field; a press beside it closes the palette."""
    field = look.all("#col")[0]
    yield clicked(field.spot or field.centre, count=3)
    yield TypeText(text=code.upper())
    yield clicked((120, 30))
    yield from pressed(look, "#subbtn")
