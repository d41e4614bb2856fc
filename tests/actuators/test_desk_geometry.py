"""Coordinates go there and back over scales, odd sizes and several monitors, some left of and above the first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actuators.geometry import Desk, Fit, Monitor, Point, Rect

SCALES = (1.0, 1.25, 1.5, 2.0, 3.0)
monitors = st.builds(
    Monitor,
    left=st.integers(-4000, 4000),
    top=st.integers(-3000, 3000),
    width=st.integers(1, 3841),
    height=st.integers(1, 2161),
    scale=st.sampled_from(SCALES),
)
desks = st.lists(monitors, min_size=1, max_size=3).map(lambda found: Desk(tuple(found)))


@given(desks, st.data())
def test_a_pixel_there_and_back_is_the_same_pixel(desk: Desk, data: st.DataObject) -> None:
    screen = desk.screen
    point = Point(data.draw(st.integers(0, screen.width - 1)), data.draw(st.integers(0, screen.height - 1)))
    assert desk.from_input(*desk.to_input(point)) == point


@given(desks)
def test_every_monitor_lies_on_the_screen_and_its_corners_are_on_it(desk: Desk) -> None:
    for one in desk.monitors:
        first = desk.from_input(one.left, one.top)
        last = desk.from_input(one.left + one.width - 1 / desk.scale / 2, one.top + one.height - 1 / desk.scale / 2)
        assert desk.on_a_monitor(first) or desk.scale % 1
        assert desk.screen.contains(first) and last.x <= desk.screen.width and last.y <= desk.screen.height
        box = desk.box(one.left, one.top, one.left + one.width, one.top + one.height)
        assert box.intersect(desk.screen.rect) == box and box.area


@pytest.mark.parametrize("scale", SCALES)
def test_two_monitors_side_by_side_the_left_one_negative(scale: float) -> None:
    desk = Desk((Monitor(0, 0, 1920, 1080, scale), Monitor(-1281, -101, 1281, 801, scale)))
    assert desk.origin == (-1281, -101)
    assert desk.screen.width == round(3201 * scale) and desk.screen.height == round(1181 * scale)
    x, y = desk.to_input(Point(0, 0))
    assert -1281 <= x < -1280 and -101 <= y < -100
    assert desk.from_input(0, 0) == Point(int(1281 * scale), int(101 * scale))
    assert not desk.on_a_monitor(Point(desk.screen.width - 1, 0))  # above the lower of the two there is nothing


def test_monitors_one_above_the_other_of_unlike_scale_use_the_finest() -> None:
    desk = Desk((Monitor(0, 0, 800, 600, 1.0), Monitor(0, -600, 800, 600, 2.0)))
    assert desk.scale == 2.0 and (desk.screen.width, desk.screen.height) == (1600, 2400)
    assert desk.to_input(desk.from_input(400.25, 300.25)) == (400.25, 300.25)


def test_a_desk_without_monitors_and_a_monitor_without_size_are_refused() -> None:
    with pytest.raises(ValueError, match="needs a monitor"):
        Desk(())
    with pytest.raises(ValueError, match="positive size"):
        Monitor(0, 0, 0, 10)


@given(
    st.sampled_from((1.0, 1.25, 1.5, 2.0, 3.0)),
    st.integers(-50, 3000),
    st.integers(-50, 3000),
    st.integers(100, 2000),
    st.integers(100, 1500),
    st.data(),
)
def test_what_a_program_counts_in_its_own_way_lands_in_its_window(
    scale: float, left: int, top: int, width: int, height: int, data: st.DataObject
) -> None:
    own_left = data.draw(st.sampled_from((0, 7, left)))
    own = Rect(own_left, 0, own_left + width, height)
    real = Rect(left, top, left + round(width * scale), top + round(height * scale))
    fit = Fit.between(own, real)
    assert abs(fit.scale - scale) < 1e-9
    x, y = data.draw(st.integers(0, width - 2)), data.draw(st.integers(0, height - 2))
    inside = fit.rect(Rect(own.left + x, y, own.left + x + 1, y + 1))
    assert real.grown(1).contains(Point(inside.left, inside.top)) and inside.width >= 1
    assert abs(inside.left - (left + x * scale)) <= 1 and abs(inside.top - (top + y * scale)) <= 1
