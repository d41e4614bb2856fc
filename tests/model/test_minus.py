"""A minus that was not read."""

import io

import pytest
from PIL import Image, ImageDraw, ImageFont

from actuators.geometry import Rect
from actuators.observation import Frame
from model.reading.minus import has_minus


def shown(text: str, size: int = 22) -> Frame:
    picture = Image.new("RGB", (200, 60), "white")
    ImageDraw.Draw(picture).text((40, 15), text, fill="black", font=ImageFont.load_default(size))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return Frame(out.getvalue())


@pytest.mark.parametrize(
    ("text", "negative"), [("-38", True), ("38", False), ("1", False), ("-7", True), ("170", False)]
)
def test_a_bar_before_a_number(text: str, negative: bool) -> None:
    assert has_minus(shown(text), Rect(42, 14, 100, 42)) is negative


def test_nothing_to_see() -> None:
    assert not has_minus(shown(""), Rect(42, 14, 100, 42))
    assert not has_minus(shown("-5"), Rect(190, 14, 190, 42))
