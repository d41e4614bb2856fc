"""Wishes that a drag fulfils."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from drawn_shapes import frame, rows

from actuators.geometry import Point, Rect
from actuators.observation import Frame, Node
from model.protocols.drags import Board, wanted
from model.protocols.figures import loose
from model.reading.shapes import shapes

NAMES = ("Ada", "Grace", "Alan", "Edsger")


def text(name: str, left: int, top: int, role: str = "text") -> Node:
    return Node(f"n-{name}", role, name, Rect(left, top, left + 60, top + 16))


def board(shown: Frame, nodes: Sequence[Node], done: int = 0, first: Frame | None = None) -> Board:
    def find(words: str) -> list[Node]:
        return [node for node in nodes if node.name.casefold() == words.casefold()]

    return Board(nodes, shapes(shown), lambda one: "", find, done, shapes(first or shown))


LIST = board(frame(*rows(4)), [text(name, 60, 32 + 50 * n) for n, name in enumerate(NAMES)])


def row_of(pull: object) -> tuple[int, int]:
    assert isinstance(pull, tuple)
    start, end = pull
    return (start.y - 20) // 50, (end.y - 20) // 50


@pytest.mark.parametrize(
    ("said", "way"),
    [
        ("Drag Ada to the 3rd position", (0, 2)),
        ("Drag Edsger to the top", (3, 0)),
        ("move Grace to the bottom of the list", (1, 3)),
        ("Drag Alan up by one", (2, 1)),
        ("drag Grace down by one", (1, 2)),
    ],
)
def test_up_and_down_a_list(said: str, way: tuple[int, int]) -> None:
    assert row_of(wanted(said, LIST)) == way


def test_past_the_middle_so_that_the_rows_change_places() -> None:
    assert wanted("Drag Ada to the 3rd position", LIST) == (Point(140, 40), Point(140, 149))
    assert wanted("Drag Edsger to the top", LIST) == (Point(140, 190), Point(140, 31))


def test_what_stands_where_it_is_to_stand_is_done_and_once_is_enough() -> None:
    assert wanted("Drag Ada to the top", LIST) is True
    assert wanted("Drag Ada to the 3rd position", board(frame(*rows(4)), LIST.nodes, done=1)) is True


def test_out_of_the_list_or_not_there_at_all() -> None:
    assert wanted("Drag Ada up by one", LIST) is False
    assert wanted("Drag Barbara to the top", LIST) is None
    assert wanted("press Save", LIST) is None


GRID = board(
    frame(*[("rectangle", (20 + 70 * x, 20 + 70 * y, 80 + 70 * x, 80 + 70 * y), "#c5c5c5") for y in range(3) for x in range(3)]),
    [text(name, 25 + 70 * (n % 3), 25 + 70 * (n // 3)) for n, name in enumerate("abcdefghi")],
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "cell"),
    [
        ("Drag a to the bottom right", (2, 2)),
        ("Drag a to the center", (1, 1)),
        ("Drag a to the bottom center", (1, 2)),
        ("Drag e left by one", (0, 1)),
        ("Drag e up by one", (1, 0)),
    ],
)
def test_across_a_grid(said: str, cell: tuple[int, int]) -> None:
    pull = wanted(said, GRID)
    assert isinstance(pull, tuple)
    assert ((pull[1].x - 20) // 70, (pull[1].y - 20) // 70) == cell


def numbers(*values: str) -> Board:
    return board(frame(*rows(len(values))), [text(value, 60, 32 + 50 * n) for n, value in enumerate(values)])


def test_sorting_takes_one_drag_at_a_time() -> None:
    said = "Sort the numbers in increasing order, starting with the lowest number at the top of the list"
    assert row_of(wanted(said, numbers("5", "-3", "12", "4"))) == (1, 0)
    assert row_of(wanted(said, numbers("-3", "5", "12", "4"))) == (3, 1)
    assert wanted(said, numbers("-3", "4", "5", "12")) is True
    assert row_of(wanted("sort the list in descending order", numbers("5", "12"))) == (1, 0)


THINGS = frame(
    ("ellipse", (20, 20, 61, 61), "red"), ("ellipse", (80, 20, 121, 61), "blue"),
    ("triangle", (140, 20, 181, 61), "red"), ("rectangle", (20, 150, 220, 260), "#101010"),
)  # fmt: skip


def test_all_of_a_kind_into_a_box_one_after_the_other() -> None:
    said = "Drag all circles into the black box"
    pull = wanted(said, board(THINGS, []))
    assert isinstance(pull, tuple)
    assert pull[0] == Point(40, 40) and Rect(20, 150, 220, 260).contains(pull[1])
    inside = frame(("rectangle", (20, 150, 220, 260), "#101010"), ("ellipse", (30, 160, 71, 201), "red"))
    assert wanted(said, board(inside, [])) is True


def test_a_push_and_one_thing_onto_another() -> None:
    assert wanted("Drag the triangle left", board(THINGS, [])) == (Point(160, 40), Point(112, 40))
    boxes = frame(("rectangle", (20, 20, 60, 60), "red"), ("rectangle", (100, 100, 260, 260), "blue"))
    said = "Drag the smaller box so that it is completely inside the larger box"
    assert wanted(said, board(boxes, [])) == (Point(40, 40), Point(180, 180))
    bin_ = [text("Report.pdf", 20, 20, "listitem"), text("Bin", 200, 200, "button")]
    assert wanted("drag Report.pdf onto Bin", board(frame(), bin_)) == (Point(50, 28), Point(230, 208))


def test_a_corner_further_out_and_the_edge_where_that_did_nothing() -> None:
    before = frame(("rectangle", (20, 20, 220, 120), "white"), outline="black")
    after = frame(("rectangle", (20, 20, 256, 120), "white"), outline="black")
    said = "Resize the textarea so that the width is larger than its initial size"
    assert wanted(said, board(before, [])) == (Point(212, 112), Point(248, 112))
    assert wanted(said, board(before, [], done=1, first=before)) == (Point(219, 70), Point(255, 70))
    assert wanted(said, board(after, [], done=1, first=before)) is True


def test_no_letters_no_ground_no_pale_buttons_and_no_patch_beside_the_instruction() -> None:
    found = shapes(
        frame(
            ("rectangle", (20, 20, 30, 30), "black"), ("rectangle", (20, 60, 140, 100), "#efefef"),
            ("rectangle", (200, 20, 220, 40), "red"), ("rectangle", (200, 200, 240, 240), "red"),
        )
    )  # fmt: skip
    nodes = [Node("t", "text", "Ill", Rect(10, 15, 60, 35)), Node("b", "button", "Send", Rect(20, 60, 140, 100))]
    left = loose(found, nodes, told=[Rect(100, 18, 180, 40)])
    assert [one.rect.top for one in left] == [200]


@pytest.mark.parametrize("said", ["put the bowl in the basket", "move Report.pdf to Bin", "move the pointer left"])
def test_what_is_put_or_moved_is_not_dragged(said: str) -> None:
    things = [text("the bowl", 20, 20), text("the basket", 200, 200), text("Report.pdf", 20, 80), text("Bin", 20, 120)]
    assert wanted(said, board(frame(), [*things, text("the pointer", 20, 200)])) is None
