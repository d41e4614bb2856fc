"""Spots that nothing marks, found by plane geometry."""

import io
import math

import pytest
from drawn_shapes import Drawn, frame
from PIL import Image, ImageDraw

from actuators.geometry import Point, Rect
from actuators.observation import Frame
from model.protocols.spots import speaks, spot
from model.reading.shapes import shapes

AREA = Rect(0, 0, 400, 300)


def dot(x: int, y: int, colour: str = "black") -> Drawn:
    return ("ellipse", (x - 6, y - 6, x + 7, y + 7), colour)


def found(text: str, *drawn: Drawn, outline: str | None = None, area: Rect = AREA) -> Point | None:
    there = shapes(frame(*drawn, outline=outline))
    return spot(text, there, there, area)


def test_the_middle_of_a_circle_that_is_only_outlined() -> None:
    said = "click on the center of the circle"
    assert found(said, ("ellipse", (100, 80, 201, 181), "white"), outline="black") == Point(150, 130)
    assert found(said, ("rectangle", (100, 80, 201, 181), "red")) is None


def test_half_way_between_two_points() -> None:
    said = "click on the shortest mid-point between the two points"
    assert found(said, dot(100, 100), dot(200, 180)) == Point(150, 140)
    assert found(said, dot(100, 100), dot(200, 180), dot(300, 50)) is None


GRID = [dot(50 + 40 * x, 50 + 40 * y, "blue") for y in range(5) for x in range(5)]


@pytest.mark.parametrize(("place", "at"), [("(0,0)", (130, 130)), ("(-2,2)", (50, 50)), ("(1, -1)", (170, 170))])
def test_a_place_on_a_grid(place: str, at: tuple[int, int]) -> None:
    assert found(f"Click on the grid coordinate {place}", *GRID) == Point(*at)


def test_no_place_outside_the_grid_and_none_on_one_with_holes() -> None:
    assert found("Click on the grid coordinate (3,0)", *GRID) is None
    assert found("Click on the grid coordinate (1,0)", *GRID[1:]) is None


def test_half_an_angle() -> None:
    at = found("create a line that bisects the angle evenly in two", dot(100, 150, "blue"), dot(200, 150), dot(100, 50))
    assert at is not None
    assert math.degrees(math.atan2(150 - at.y, at.x - 100)) == pytest.approx(45, abs=1.5)


@pytest.mark.parametrize("corner", [(200, 150), (30, 150), (370, 110)])
def test_a_right_angle_stays_within_what_may_be_pressed(corner: tuple[int, int]) -> None:
    x, y = corner
    area = Rect(0, 20, 400, 280)
    at = found("add a third point to create a right angle", dot(x, y, "blue"), dot(200, 260), area=area)
    assert at is not None and area.contains(at)
    across = (at.x - x) * (200 - x) + (at.y - y) * (260 - y)
    assert abs(across) / (math.dist((at.x, at.y), corner) * math.dist((200, 260), corner)) < 0.05


def test_other_wishes() -> None:
    assert not speaks("press Save") and not speaks("click on the red circle")
    assert found("click on the red circle", *GRID) is None


def test_dots_at_the_ends_of_a_thin_line_are_dots() -> None:
    picture = Image.new("RGB", (300, 300), "white")
    pen = ImageDraw.Draw(picture)
    pen.line((100, 200, 200, 80), fill="black", width=1)
    for (x, y), colour in (((100, 200), "blue"), ((200, 80), "black")):
        pen.ellipse((x - 6, y - 6, x + 6, y + 6), fill=colour)
    out = io.BytesIO()
    picture.save(out, "PNG")
    there = shapes(Frame(out.getvalue()), aslant=False)
    at = spot("add a third point to create a right angle", there, there, Rect(0, 0, 300, 300))
    assert at is not None and abs((at.x - 100) * 100 - (at.y - 200) * 120) < 700
