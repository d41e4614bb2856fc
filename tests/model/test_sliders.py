"""Sliders that are to show a number."""

import pytest
from drawn_shapes import Drawn, frame

from actuators.geometry import Point
from model.protocols.sliders import Shown, Slider, move, moved, sliders, wanted
from model.reading.shapes import shapes


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ("Select -8 with the slider", [-8]),
        ("set the slider to 40", [40]),
        ("Set the sliders to the combination [13,2,19]", [13, 2, 19]),
        ("select Ada with the slider", None),
        ("set the volume to 40", None),
    ],
)
def test_the_numbers_that_are_wished_for(said: str, numbers: list[int] | None) -> None:
    assert wanted(said) == numbers


def drawn(x: int, y: int = 50) -> list[Drawn]:
    """A handle at x on a track from 40 to 340."""
    return [
        ("rectangle", (40, y - 6, 340, y + 6), "#c5c5c5"),
        ("rectangle", (x - 12, y - 12, x + 12, y + 12), "#3366cc"),
    ]


def at(x: int, y: int = 50) -> Slider:
    (one,) = sliders(shapes(frame(*drawn(x, y))))
    return one


def test_handles_are_found_with_their_tracks_from_the_top() -> None:
    found = sliders(shapes(frame(*drawn(200, 120), *drawn(100, 50))))
    assert [(one.handle.centre, one.track.left, one.track.right) for one in found] == [
        (Point(100, 50), 40, 340),
        (Point(200, 120), 40, 340),
    ]


def test_a_handle_is_known_again_where_its_track_is_hidden() -> None:
    (now,) = moved(shapes(frame(("rectangle", (240, 38, 264, 62), "#222222"))), [at(100)])
    assert (now.place, now.track) == (252, at(100).track)


def shows(goal: int, x: int) -> Shown:
    return Shown(at(x), goal)


def test_the_second_drag_goes_where_the_first_one_tells() -> None:
    first = move(shows(10, 100), 50, [])
    assert isinstance(first, tuple) and first[1].x > 100
    assert move(shows(30, 200), 50, [shows(10, 100)]) == (Point(200, 50), Point(300, 50))
    assert move(shows(30, 200), 20, [shows(10, 100)]) == (Point(200, 50), Point(150, 50))


def test_what_is_left_is_done_by_keys_and_then_it_is_done() -> None:
    assert move(shows(48, 280), 50, [shows(10, 100)]) == "right"
    assert move(shows(52, 280), 50, [shows(10, 100)]) == "left"
    assert move(shows(50, 280), 50, [shows(10, 100)]) is None


def test_no_further_than_the_track() -> None:
    due = move(shows(30, 200), 900, [shows(10, 100)])
    assert isinstance(due, tuple) and due[1].x == 328
