"""Wishes about plain figures, which have a colour, a form and a size and no name: "the small blue circle".

Rules over English words; which shapes stand on the screen is told by `model.reading.shapes`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actuators.geometry import Rect
from actuators.observation import Node
from model.reading.shapes import Shape

__all__ = ["COLOURS", "Figure", "among", "counted", "describes", "figure", "loose", "names_of", "number_of", "pressed"]

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0), "orange": (255, 165, 0),
    "purple": (128, 0, 128), "violet": (238, 130, 238), "pink": (255, 192, 203), "brown": (165, 42, 42),
    "black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "gray": (128, 128, 128),
    "cyan": (0, 255, 255), "aqua": (0, 255, 255), "magenta": (255, 0, 255), "fuchsia": (255, 0, 255),
    "lime": (0, 255, 0), "olive": (128, 128, 0), "maroon": (128, 0, 0), "navy": (0, 0, 128), "teal": (0, 128, 128),
    "silver": (192, 192, 192), "gold": (255, 215, 0), "turquoise": (64, 224, 208), "beige": (245, 245, 220),
}  # fmt: skip
"""Names of colours in CSS, as red, green and blue of 0 to 255."""
_APART = 110.0
"""A colour that lies further than this from what was asked for is another one."""
_FORMS: dict[str, frozenset[str]] = {
    "box": frozenset({"rectangle", "square"}),
    "rectangle": frozenset({"rectangle", "square"}),
    "square": frozenset({"square"}),
    "circle": frozenset({"circle"}),
    "dot": frozenset({"circle"}),
    "disc": frozenset({"circle"}),
    "triangle": frozenset({"triangle"}),
    "shape": frozenset({"rectangle", "square", "circle", "triangle"}),
    "figure": frozenset({"rectangle", "square", "circle", "triangle"}),
    "block": frozenset({"rectangle", "square"}),
    "letter": frozenset({"letter"}),
    "digit": frozenset({"digit"}),
    "item": frozenset(),
    "object": frozenset(),
    "thing": frozenset(),
}
_SIZES = {
    "small": -1, "smaller": -1, "smallest": -1, "little": -1, "tiny": -1,
    "large": 1, "larger": 1, "largest": 1, "big": 1, "bigger": 1, "biggest": 1,
}  # fmt: skip
_FIGURE = re.compile(
    rf"(?:the |an? |all |all of the |every |each |any )*(?:(?P<size>{'|'.join(_SIZES)}) )?"
    rf"(?:(?P<colour>{'|'.join(COLOURS)}) (?:colou?red )?)?"
    rf"(?:(?P<form>{'|'.join(_FORMS)})(?:e?s)?|(?P<sign>\w)s?)",
    re.IGNORECASE,
)
_PRESS = re.compile(
    r"^(?:please )?(?P<verb>click|press|tap|select|pick|choose|hit)(?: on)? (?P<what>.+)$", re.IGNORECASE
)
_SHADES = re.compile(rf"^(?:the |all )*(?:shades|tones|hues) of (?P<colour>{'|'.join(COLOURS)})$", re.IGNORECASE)
_MANY = re.compile(r"^how many (?P<what>.+?)(?: are there| do you see| can you see| are shown)?\??$", re.IGNORECASE)
_COVERED_PX = 1600
"""A box that something covers in part is still one from this area on."""
_NUMBER_OF = re.compile(
    r"^(?:please )?(?:type|enter|write) (?:the )?(?:total )?(?:number|count) of (?P<what>.+?) (?P<rest>in(?:to)? .+)$",
    re.IGNORECASE,
)
_DESCRIBES = re.compile(
    r"^(?:please )?(?:click|press|choose|select|tap)(?: on)? the \w+ that (?:best |correctly )?"
    r"(?:describes|names|matches|denotes|says)\b.*\b(?:figure|shape|picture|polygon)\b",
    re.IGNORECASE,
)
_NAMES: dict[str, frozenset[str]] = {
    "rectangle": frozenset({"rectangle", "box"}), "square": frozenset({"square", "rectangle", "box"}),
    "circle": frozenset({"circle", "disc"}), "triangle": frozenset({"triangle"}),
}  # fmt: skip
_PALE, _BUTTON_PX = 225, 64
"""What is lighter all over is ground; so high at most is a button without a border."""
_STEP = 1.45
"""Sizes that differ by less are one size."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What a wish says of a figure; what it does not say is open."""

    size: int = 0
    """1 for a large one, -1 for a small one."""
    colour: str = ""
    form: str = ""
    """A key of `_FORMS`, or a single letter or digit that is drawn."""
    shades: bool = False
    """Whether every shade of the colour is meant."""


def figure(phrase: str) -> Figure | None:
    """The figure that a phrase describes; None for anything that could be a name."""
    said = phrase.strip(" .")
    if found := _SHADES.match(said):
        return Figure(colour=found.group("colour").lower(), form="shape", shades=True)
    found = _FIGURE.fullmatch(said)
    if found is None:
        return None
    size, colour = (found.group("size") or "").lower(), (found.group("colour") or "").lower()
    form = (found.group("form") or "").lower() or found.group("sign")
    plain = form in ("circle", "triangle", "square", "rectangle", "shape", "figure", "letter", "digit")
    if not (size or colour or plain):
        return None  # "the item", "a": nothing is said of its looks
    return Figure(_SIZES.get(size, 0), colour, form)


def pressed(text: str) -> tuple[Figure, bool] | None:
    """The figure that a wish wants pressed, and whether all of its kind are meant; None for another wish."""
    found = _PRESS.match(text.strip())
    if found is None:
        return None
    wanted = figure(found.group("what"))
    every = bool(re.match(r"all\b|every\b|each\b", found.group("what"), re.IGNORECASE))
    return None if wanted is None else (wanted, every)


def counted(text: str) -> Figure | None:
    """The figure that a question wants counted."""
    found = _MANY.match(text.strip(" ."))
    return figure(found.group("what")) if found else None


def describes(text: str) -> bool | None:
    """True where the word that says how many sides a figure has is to be pressed, False for its name; else None."""
    found = _DESCRIBES.match(text.strip(" ."))
    return None if found is None else "how many" in text.casefold()


def names_of(one: Shape, sign: str) -> frozenset[str]:
    """What a figure is called, in lower case; `sign` is the letter or digit that it is."""
    if sign:
        return frozenset({"number", "digit"} if sign.isdigit() else {"letter", "character"})
    return _NAMES.get(one.form, frozenset({"shape"}))


def number_of(text: str) -> tuple[Figure, str] | None:
    """What is to be counted, and where the number is to be typed."""
    found = _NUMBER_OF.match(text.strip(" ."))
    if found is None:
        return None
    wanted = figure(found.group("what")) or _kind(found.group("what"))
    return None if wanted is None else (wanted, found.group("rest"))


def _kind(words: str) -> Figure | None:
    """A plain kind that would be no figure where it is to be pressed: "blocks"."""
    form = words.strip().lower().removeprefix("the ").removesuffix("s")
    return Figure(form=form) if form in ("block", "box", "square", "circle", "dot") else None


def loose(found: Sequence[Shape], nodes: Sequence[Node], told: Sequence[Rect] = (), pale: bool = False) -> list[Shape]:
    """The shapes that stand for themselves: no letters of a text, no ground under one, no pale button.

    Args:
        found: all shapes.
        nodes: what else stands on the screen.
        told: where the instruction itself is written; a patch of colour beside it only shows what is meant.
        pale: whether white and light grey ones count too.
    """
    texts = [node.rect for node in nodes if node.role in ("text", "heading") and len(node.name.strip()) > 1]
    buttons = [node.rect for node in nodes if node.role == "button" and _labelled(node.name)]
    return [
        one for one in found if _alone(one, texts, buttons, pale) and not any(_level(one.rect, line) for line in told)
    ]


def _on_any(rect: Rect, grounds: Sequence[Rect]) -> bool:
    """Whether something is drawn on a pale button."""
    return any(ground.contains(rect.centre) and 2 * rect.area < ground.area for ground in grounds)


def _labelled(name: str) -> bool:
    """Whether a button says something; an icon is called by one small word."""
    return len(name.strip()) > 1 and not (name.islower() and name.isalpha())


def _alone(one: Shape, texts: Sequence[Rect], buttons: Sequence[Rect], pale: bool) -> bool:
    return (
        (pale or min(one.colour) < _PALE or one.hollow)
        and not any(rect.contains(one.rect.centre) and one.rect.height <= rect.height for rect in texts)
        and not any(one.rect.contains(rect.centre) for rect in [*texts, *buttons])
        and not any(rect.contains(one.rect.centre) and one.rect.area < 0.5 * rect.area for rect in buttons)
    )


def _level(one: Rect, line: Rect) -> bool:
    return line.top - 8 <= one.centre.y <= line.bottom + 8


def among(wanted: Figure, found: Sequence[Shape], sign_of: Callable[[Shape], str]) -> list[Shape]:
    """The shapes that a figure can be, in reading order.

    Args:
        wanted: what is said of them.
        found: what stands on the screen.
        sign_of: the letter or digit that a shape is; empty for none.
    """
    left = formed = [one for one in found if _formed(wanted, one, sign_of)]
    left = [one for one in left if not wanted.colour or _coloured(wanted, one)]
    if wanted.colour and not wanted.shades and wanted.form in ("box", "square", "rectangle") and len(left) > 1:
        nearest = min(_apart(wanted.colour, one) for one in left)
        left = [one for one in left if _apart(wanted.colour, one) <= nearest + 12]
    return [one for one in left if wanted.size == 0 or _sized(wanted, one, formed if wanted.form in _FORMS else found)]


def _formed(wanted: Figure, one: Shape, sign_of: Callable[[Shape], str]) -> bool:
    if wanted.form not in _FORMS:
        return sign_of(one) == wanted.form
    forms = _FORMS[wanted.form]
    if not forms & {"letter", "digit"}:
        partly = wanted.form == "box" and one.form == "other" and one.rect.area > _COVERED_PX and not sign_of(one)
        return not forms or one.form in forms or partly
    sign = sign_of(one)
    return bool(sign) and (sign.isdigit() if "digit" in forms else sign.isalpha())


def _coloured(wanted: Figure, one: Shape) -> bool:
    if wanted.shades:
        red, green, blue = one.colour
        most = {"red": red, "green": green, "blue": blue}.get(wanted.colour)
        if most is None:
            return _apart(wanted.colour, one) < 2 * _APART
        return bool(most == max(one.colour) and most - sorted(one.colour)[1] > 24)
    return _apart(wanted.colour, one) < _APART


def _apart(colour: str, one: Shape) -> float:
    """How different two colours look: the weighed distance of red, green and blue (Riemersma's low-cost form)."""
    (r, g, b), (red, green, blue) = COLOURS[colour], one.colour
    mean = (r + red) / 2
    return float(
        ((2 + mean / 256) * (r - red) ** 2 + 4 * (g - green) ** 2 + (2 + (255 - mean) / 256) * (b - blue) ** 2) ** 0.5
    )


def _sized(wanted: Figure, one: Shape, found: Sequence[Shape]) -> bool:
    """Whether a shape is one of the large or of the small ones; any, where all are of a size."""
    sizes = sorted(other.size for other in found)
    low, high = sizes[0], sizes[-1]
    if high < _STEP * low:
        return True
    middle = math.sqrt(low * high)
    return one.size > middle if wanted.size > 0 else one.size <= middle
