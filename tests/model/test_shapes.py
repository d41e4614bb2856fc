"""Shapes of one colour, found in pixels."""

import io
import math

import pytest
from drawn_shapes import frame
from PIL import Image, ImageDraw, ImageFont

from actuators.geometry import Point, Rect
from actuators.observation import Frame
from model.reading.shapes import holding, marks, shapes


@pytest.mark.parametrize(
    ("kind", "box", "form"),
    [
        ("rectangle", (20, 30, 120, 70), "rectangle"),
        ("rectangle", (20, 30, 60, 70), "square"),
        ("ellipse", (20, 30, 81, 91), "circle"),
        ("ellipse", (20, 30, 120, 70), "other"),
        ("triangle", (20, 30, 81, 91), "triangle"),
    ],
)
def test_the_form_and_the_exact_box(kind: str, box: tuple[int, int, int, int], form: str) -> None:
    found = shapes(frame((kind, box, "red")))
    assert [(one.form, one.rect, one.colour, one.hollow) for one in found] == [(form, Rect(*box), (255, 0, 0), False)]


def test_a_fill_and_its_outline_are_one() -> None:
    found = shapes(frame(("rectangle", (20, 30, 120, 70), "blue"), outline="black"))
    assert [(one.rect, one.colour, one.hollow) for one in found] == [(Rect(20, 30, 120, 70), (0, 0, 255), False)]


def test_an_empty_box_has_the_colour_of_its_outline() -> None:
    (one,) = shapes(frame(("rectangle", (20, 30, 120, 70), "white"), outline="black"))
    assert (one.rect, one.colour, one.hollow) == (Rect(20, 30, 120, 70), (0, 0, 0), True)


def test_the_ground_is_none_and_reading_order_holds() -> None:
    drawn = frame(("rectangle", (200, 40, 240, 80), "red"), ("rectangle", (20, 42, 60, 82), "red"))
    assert [one.rect.left for one in shapes(drawn)] == [20, 200]
    assert shapes(frame(("rectangle", (0, 0, 400, 120), "yellow"))) == ()


def test_the_smallest_around_a_point() -> None:
    found = shapes(frame(("rectangle", (20, 20, 200, 200), "red"), ("rectangle", (60, 60, 100, 100), "blue")))
    inner = holding(found, Point(80, 80))
    assert inner is not None and inner.colour == (0, 0, 255)
    assert holding(found, Point(350, 250)) is None


@pytest.mark.parametrize("count", [3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("turned", [0.0, 0.2, 0.5])
def test_corners_are_counted_however_it_is_turned(count: int, turned: float) -> None:
    picture = Image.new("RGB", (300, 300), "white")
    ways = [2 * math.pi * n / count + turned for n in range(count)]
    points = [(150 + 60 * math.cos(way), 150 + 60 * math.sin(way)) for way in ways]
    ImageDraw.Draw(picture).polygon(points, fill="teal")
    out = io.BytesIO()
    picture.save(out, "PNG")
    assert [one.corners for one in shapes(Frame(out.getvalue()))] == [count]


def test_a_circle_has_no_corners() -> None:
    assert [one.corners for one in shapes(frame(("ellipse", (20, 20, 141, 141), "red")))] == [0]


def test_thin_letters_are_marks_and_shapes_are_not() -> None:
    picture = Image.new("RGB", (200, 100), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((120, 20, 159, 59), fill="red")
    pen.text((40, 30), "x", fill="#cc00cc", font=ImageFont.load_default(20))
    out = io.BytesIO()
    picture.save(out, "PNG")
    shown = Frame(out.getvalue())
    (letter,) = [one for one in [*marks(shown), *shapes(shown)] if one.form == "other"]
    assert letter.colour == (204, 0, 204) and 38 <= letter.rect.left < letter.rect.right <= 54


def test_a_button_with_round_corners_keeps_its_pale_fill() -> None:
    picture = Image.new("RGB", (200, 100), "white")
    ImageDraw.Draw(picture).rounded_rectangle((20, 20, 120, 60), 5, fill="#efefef", outline="#767676")
    out = io.BytesIO()
    picture.save(out, "PNG")
    assert [(one.colour, one.hollow) for one in shapes(Frame(out.getvalue()))] == [((239, 239, 239), False)]
