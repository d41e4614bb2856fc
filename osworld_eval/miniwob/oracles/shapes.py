"""Drawn shapes, letters and digits: finding, naming, counting; and coloured boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actuators.action import Action
from osworld_eval.miniwob.oracle import Stuck, clicked, plays, pressed
from osworld_eval.miniwob.page import Box, Look

_COLOURS = "red|green|blue|aqua|black|magenta|yellow"
_FORMS = {"rect": "rectangle", "circle": "circle", "polygon": "triangle"}


def fits(box: Box, words: str) -> bool:
    """Whether a drawn element is what words such as `large aqua letter`, `small item` or `7` describe."""
    found = re.fullmatch(rf"(?:(large|small) )?(?:({_COLOURS}) )?(\S+)", words)
    if not found:
        raise Stuck(f"`{words}` describes nothing")
    size, colour, kind = found.groups()
    wide = {
        "text": float(box.attrs.get("font-size", "0px").removesuffix("px")),
        "circle": 2 * float(box.attrs.get("r", 0)),
        "rect": float(box.attrs.get("width", 0) or 0),
    }.get(box.tag, box.right - box.left)
    if size and (size == "large") != (wide > 15):
        return False
    if colour and box.attrs.get("fill") != colour:
        return False
    if box.tag == "text":
        kinds = {box.text, "digit" if box.text.isdigit() else "letter", "item"}
    else:
        kinds = {_FORMS[box.tag], "shape", "item"}
    return kind in kinds


@plays("click-shape")
def _click(look: Look) -> Iterator[Action]:
    words = look.utterance.removeprefix("Click on a ").strip()
    for box in look.shown("#area_svg > *"):
        if fits(box, words) and box.spot:
            yield clicked(box.spot)
            return


@plays("count-shape")
def _count(look: Look) -> Iterator[Action]:
    found = re.fullmatch(r"How many (.*)s are there\?", look.utterance)
    words = found.group(1) if found else ""
    number = sum(fits(box, words) for box in look.all("#area_svg > *"))
    yield from pressed(look, "#count-buttons button", str(number))


@plays("identify-shape")
def _name(look: Look) -> Iterator[Action]:
    box = look.all("#area_svg > *")[0]
    name = _FORMS.get(box.tag) or ("digit" if box.text.isdigit() else "letter")
    yield from pressed(look, f"#area-buttons [data-type={name}]")


@plays("count-sides")
def _sides(look: Look) -> Iterator[Action]:
    yield from pressed(look, f"#form [data-sides='{look.js(_SIDES)}']")


_SIDES = """() => {
  // The area inside the outline tells how many sides a regular shape of this size has.
  const canvas = document.getElementById("c");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const dark = (x, y) => data[(Math.round(y) * canvas.width + Math.round(x)) * 4 + 3] > 110;
  let area = 0;
  for (let i = 0; i < 720; i++) {
    const a = i * Math.PI / 360;
    let r = 5;
    while (r < 45 && !dark(75 + r * Math.cos(a), 50 + r * Math.sin(a))) r += 0.1;
    area += r * r / 2 * Math.PI / 360;
  }
  const inside = (n) => n * (35 * Math.cos(Math.PI / n) - 1.5) ** 2 * Math.tan(Math.PI / n);
  return [3, 4, 5, 6, 7].reduce((a, b) => Math.abs(inside(a) - area) < Math.abs(inside(b) - area) ? a : b);
}"""


@plays("click-color")
def _colour(look: Look) -> Iterator[Action]:
    found = re.search(r"Click on the (\w+) colored", look.utterance)
    yield from pressed(look, f"#area .color[data-color={found.group(1) if found else ''}]")
