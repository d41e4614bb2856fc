"""Screens as pictures: what a view looks like, and the bars, keyboard, shade and lock screen around it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from tests.android.phone.views import Box, View

if TYPE_CHECKING:
    from tests.android.phone.device import Phone

_PLACES = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
)
INK, PALE, LINE, PAPER, ACCENT = "#1b1b1f", "#5f6368", "#d8d8dc", "#fdfbff", "#3056b4"


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for place in _PLACES:
        if Path(place).is_file():
            return ImageFont.truetype(place, size)
    return ImageFont.load_default(size)


def drawn(phone: Phone) -> Image.Image:
    """The whole display, mode RGBA, at its logical size."""
    width, height = phone.display
    picture = Image.new("RGBA", (width, height), "black" if not phone.awake else PAPER)
    if not phone.awake:
        return picture
    pen = ImageDraw.Draw(picture)
    for window in reversed(phone.windows()):
        if window.root is not None:
            _window(phone, picture, pen, window.root, window.frame)
    return picture


def _window(phone: Phone, picture: Image.Image, pen: ImageDraw.ImageDraw, root: View, frame: Box) -> None:
    slide = phone.slide if root.look == "window" else 0
    if slide:
        part = Image.new("RGBA", picture.size, PAPER)
        _view(phone, part, ImageDraw.Draw(part), root)
        picture.paste(part.crop(frame), (frame[0] + slide, frame[1]))
        return
    _view(phone, picture, pen, root)


def _view(phone: Phone, picture: Image.Image, pen: ImageDraw.ImageDraw, view: View) -> None:
    left, top, right, bottom = view.box
    if right <= left or bottom <= top:
        return
    if view.scrollable or view.look == "clip":
        part = Image.new("RGBA", (right - left, bottom - top), PAPER)
        inner = ImageDraw.Draw(part)
        for child in view.children:
            _view(phone, part, inner, child.moved(-left, -top))
            child.moved(left, top)
        picture.paste(part, (left, top))
        return
    _LOOKS.get(view.look, _plain)(phone, pen, view)
    for child in view.children:
        _view(phone, picture, pen, child)


def _words(
    phone: Phone,
    pen: ImageDraw.ImageDraw,
    text: str,
    at: tuple[int, int],
    size: float,
    colour: str = INK,
    width: int = 10_000,
) -> None:
    kind = font(max(6, phone.dp(size)))
    text = text.split("\n")[0]
    while text and pen.textlength(text, font=kind) > width:
        text = text[: -max(1, len(text) // 12)]
    pen.text(at, text, font=kind, fill=colour)


def _plain(phone: Phone, pen: ImageDraw.ImageDraw, view: View) -> None:
    if view.colour:
        pen.rectangle(_inside(view.box), fill=view.colour)
    if view.text:
        _body(phone, pen, view)


def _inside(box: Box) -> Box:
    return box[0], box[1], box[2] - 1, box[3] - 1


def _body(phone: Phone, pen: ImageDraw.ImageDraw, view: View, size: float = 14, colour: str = INK) -> None:
    _words(phone, pen, view.text, (view.box[0], view.box[1] + phone.dp(3)), size, colour, view.box[2] - view.box[0])


def _row(phone: Phone, pen: ImageDraw.ImageDraw, view: View) -> None:
    pen.line((view.box[0] + phone.dp(16), view.box[3] - 1, view.box[2], view.box[3] - 1), fill=LINE)


def _switch(phone: Phone, pen: ImageDraw.ImageDraw, view: View) -> None:
    left, top, right, bottom = _inside(view.box)
    tall = bottom - top
    pen.rounded_rectangle((left, top, right, bottom), tall // 2, fill=ACCENT if view.checked else LINE)
    at = right - tall if view.checked else left
    pen.ellipse((at + 3, top + 3, at + tall - 3, bottom - 3), fill="white")


def _check(phone: Phone, pen: ImageDraw.ImageDraw, view: View) -> None:
    left, top, _, bottom = view.box
    side, middle = phone.dp(18), (top + bottom) // 2
    box = (left, middle - side // 2, left + side, middle + side // 2)
    pen.rectangle(box, outline=ACCENT, fill=ACCENT if view.checked else None, width=2)
    if view.checked:
        pen.line((box[0] + 3, middle, box[0] + side // 2, box[3] - 3, box[2] - 3, box[1] + 3), fill="white", width=2)
    _words(phone, pen, view.text, (left + phone.dp(28), middle - phone.dp(9)), 14)


def _field(phone: Phone, pen: ImageDraw.ImageDraw, view: View) -> None:
    assert view.field is not None
    pen.rounded_rectangle(
        _inside(view.box),
        phone.dp(6),
        outline=ACCENT if view.focused else PALE,
        width=2 if view.focused else 1,
        fill="white",
    )
    text = view.shown_text()
    width = view.box[2] - view.box[0] - phone.dp(24)
    at = (view.box[0] + phone.dp(12), view.box[1] + phone.dp(14))
    for number, line in enumerate(text.split("\n")[:4]):
        _words(phone, pen, line, (at[0], at[1] + number * phone.dp(19)), 15, INK if view.field.text else PALE, width)


def _button(phone: Phone, pen: ImageDraw.ImageDraw, view: View) -> None:
    left, top, right, bottom = _inside(view.box)
    filled = view.look == "button"
    if filled:
        pen.rounded_rectangle((left, top, right, bottom), (bottom - top) // 2, fill=ACCENT if view.enabled else LINE)
    colour = ("white" if view.enabled else PALE) if filled else ACCENT
    wide = pen.textlength(view.text, font=font(max(6, phone.dp(14))))
    _words(phone, pen, view.text, (int((left + right - wide) / 2), (top + bottom) // 2 - phone.dp(9)), 14, colour)


def _round(phone: Phone, pen: ImageDraw.ImageDraw, view: View) -> None:
    left, top, right, bottom = _inside(view.box)
    fill = ACCENT if view.enabled else LINE
    x, y, arm = (left + right) // 2, (top + bottom) // 2, (right - left) // 5
    match view.look:
        case "plus":
            pen.ellipse((left, top, right, bottom), fill=fill)
            pen.line((x - arm, y, x + arm, y), fill="white", width=3)
            pen.line((x, y - arm, x, y + arm), fill="white", width=3)
        case "send":
            pen.polygon(((x - arm, y - arm), (x + arm, y), (x - arm, y + arm)), fill=fill)
        case "up":
            pen.line((x + arm // 2, y - arm, x - arm // 2, y, x + arm // 2, y + arm), fill=INK, width=3)


def _icon(phone: Phone, pen: ImageDraw.ImageDraw, view: View) -> None:
    left, top, right, _ = view.box
    side = phone.dp(52)
    x = (left + right - side) // 2
    pen.rounded_rectangle(
        (x, top + phone.dp(4), x + side, top + phone.dp(4) + side), phone.dp(14), fill=view.colour or ACCENT
    )
    wide = pen.textlength(view.text, font=font(max(6, phone.dp(12))))
    _words(phone, pen, view.text, (int((left + right - wide) / 2), top + phone.dp(60)), 12)


def _bubble(phone: Phone, pen: ImageDraw.ImageDraw, view: View) -> None:
    pen.rounded_rectangle(_inside(view.box), phone.dp(12), fill=view.colour or "#e3e7f5")
    _words(
        phone,
        pen,
        view.text,
        (view.box[0] + phone.dp(10), view.box[1] + phone.dp(7)),
        14,
        INK,
        view.box[2] - view.box[0] - phone.dp(16),
    )


def _key(phone: Phone, pen: ImageDraw.ImageDraw, view: View) -> None:
    pen.rounded_rectangle(_inside(view.box), phone.dp(5), fill="white", outline=LINE)
    _words(phone, pen, view.text, (view.box[0] + phone.dp(8), view.box[1] + phone.dp(8)), 13)


def _sized(size: float, colour: str = INK):  # type: ignore[no-untyped-def]
    return lambda phone, pen, view: _body(phone, pen, view, size, colour)


_LOOKS = {
    "body": _sized(14),
    "title": _sized(20),
    "head": _sized(18),
    "row_title": _sized(16),
    "summary": _sized(13, PALE),
    "status": _sized(12),
    "clock": _sized(44),
    "row": _row,
    "switch": _switch,
    "check": _check,
    "field": _field,
    "button": _button,
    "flat": _button,
    "plus": _round,
    "send": _round,
    "up": _round,
    "icon": _icon,
    "bubble": _bubble,
    "key": _key,
}
