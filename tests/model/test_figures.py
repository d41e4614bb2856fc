"""Wishes about figures: what is said of them, and which shapes that can be."""

import pytest
from drawn_shapes import frame

from model.protocols.figures import Figure, among, counted, describes, figure, names_of, number_of, pressed
from model.reading.shapes import Shape, shapes


def none(one: Shape) -> str:
    return ""


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("the small blue circle", Figure(-1, "blue", "circle")),
        ("a red U", Figure(0, "red", "U")),
        ("large yellow items", Figure(1, "yellow", "item")),
        ("the grey colored box", Figure(0, "grey", "box")),
        ("all the shades of red", Figure(0, "red", "shape", True)),
        ("digits", Figure(0, "", "digit")),
        ("the item", None),
        ("U", None),
        ("the red button", None),
        ("Black Friday deals", None),
        ("the box", None),
    ],
)
def test_what_a_phrase_describes(said: str, meant: Figure | None) -> None:
    assert figure(said) == meant


def test_wishes_to_press_and_to_count() -> None:
    assert pressed("Click on a large black G") == (Figure(1, "black", "G"), False)
    assert pressed("select all red squares") == (Figure(0, "red", "square"), True)
    assert pressed("click on the Save button") is None
    assert counted("How many black rectangles are there?") == Figure(0, "black", "rectangle")
    assert counted("How many orders are there?") is None


SCENE = frame(
    ("rectangle", (20, 20, 60, 60), "red"), ("rectangle", (100, 20, 120, 40), "red"),
    ("ellipse", (180, 20, 221, 61), "blue"), ("rectangle", (20, 100, 60, 140), "#808000"),
    ("rectangle", (100, 100, 140, 140), "yellow"), ("rectangle", (180, 100, 220, 140), "#992222"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "lefts"),
    [
        ("the small red square", [100]),
        ("the big red square", [20]),
        ("red boxes", [20, 100]),
        ("the olive colored box", [20]),
        ("the yellow colored box", [100]),
        ("a circle", [180]),
        ("a black circle", []),
        ("all the shades of red", [20, 100, 180]),
    ],
)
def test_the_shapes_it_can_be(said: str, lefts: list[int]) -> None:
    wanted = figure(said)
    assert wanted is not None
    assert [one.rect.left for one in among(wanted, shapes(SCENE), none)] == lefts


def test_letters_and_digits_are_told_apart_by_what_is_read() -> None:
    found = shapes(SCENE)
    signs = {found[0]: "7", found[1]: "G"}
    told = {kind: among(Figure(0, "red", kind), found, lambda one: signs.get(one, "")) for kind in "7Gx"}
    assert told == {"7": [found[0]], "G": [found[1]], "x": []}
    assert among(Figure(0, "", "digit"), found, lambda one: signs.get(one, "")) == [found[0]]


def test_words_for_a_figure() -> None:
    assert describes("Click the button that best describes the figure below") is False
    assert describes("Press the button that correctly denotes how many sides the shape has") is True
    assert describes("Click the button that opens the menu") is None
    square, circle = shapes(SCENE)[0], next(one for one in shapes(SCENE) if one.form == "circle")
    assert "rectangle" in names_of(square, "") and "circle" in names_of(circle, "")
    assert "number" in names_of(square, "7") and "letter" in names_of(square, "G")


def test_a_number_of_things_that_is_to_be_typed() -> None:
    assert number_of("Type the total number of blocks into the textbox") == (Figure(form="block"), "into the textbox")
    assert number_of("Enter the number of red circles in the box") == (Figure(0, "red", "circle"), "in the box")
    assert number_of("Type the number of your passport into the field") is None
