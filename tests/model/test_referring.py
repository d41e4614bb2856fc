"""How a thing is referred to: by place, by order, by kind and look, by other words than its own; and when it is not there."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actuators.geometry import Rect, Screen
from actuators.observation import Node
from model.protocols import meaning
from model.protocols.standing import Layout, beside, related
from model.protocols.thesaurus import kin, stem

SCREEN = Screen(1280, 800)


def node(role: str, name: str, left: int, top: int, width: int = 80, height: int = 24, tag: str = "") -> Node:
    return Node(f"{role}{left}-{top}", role, name, Rect(left, top, left + width, top + height), tag=tag)


BOARD = (
    node("link", "Home", 20, 10), node("button", "Preferences", 1200, 10),
    node("heading", "To do", 40, 80, 60, tag="h2"), node("link", "Paint the fence", 40, 120, 160), node("link", "Buy seeds", 40, 160, 160),
    node("button", "Add a card", 40, 200, 160),
    node("heading", "Done", 440, 80, 60, tag="h2"), node("link", "Mow the lawn", 440, 120, 160), node("link", "Fix the gate", 440, 160, 160),
    node("button", "Add a card", 440, 200, 160),
    node("text", "Quantity", 40, 400, 70), node("textbox", "", 120, 400, 100), node("button", "−", 230, 400, 24, 24), node("button", "+", 260, 400, 24, 24),
    node("text", "€ 12.00", 40, 500), node("button", "Buy", 140, 500), node("text", "€ 9.50", 40, 540), node("button", "Buy", 140, 540),
    node("radio", "3 months", 600, 500, 90), node("radio", "1 year", 600, 540, 90), node("radio", "2 weeks", 600, 580, 90),
    node("checkbox", "Send me news", 600, 640, 16, 16), node("link", "Terms", 40, 770), node("link", "Contact", 140, 770),
)  # fmt: skip


def found(said: str) -> list[tuple[str, int]]:
    best = meaning.meant(BOARD, said, SCREEN)
    return [(one.name, one.rect.top) for one in best.nodes] if best.fit >= 0.42 else []


@pytest.mark.parametrize(
    ("said", "name", "top"),
    [
        ("open the settings", "Preferences", 10),
        ("the second card under Done", "Fix the gate", 160),
        ("the link below Paint the fence", "Buy seeds", 160),
        ("the field for the quantity", "", 400),
        ("the button to the right of the quantity", "−", 400),
        ("increase the quantity", "+", 400),
        ("Buy the one for € 9.50", "Buy", 540),
        ("the first Buy button", "Buy", 500),
        ("the longest period", "1 year", 540),
        ("the option between 3 months and 2 weeks", "1 year", 540),
        ("tick Send me news", "Send me news", 640),
        ("the last link in the footer", "Contact", 770),
        ("get in contact", "Contact", 770),
    ],
)
def test_a_thing_is_found_by_place_order_kind_or_other_words(said: str, name: str, top: int) -> None:
    assert found(said) == [(name, top)]


@pytest.mark.parametrize(
    "said",
    [
        "open the card about the pond",
        "the third Buy button",
        "delete Fix the gate",
        "printer icon",
        'press "Mow the roof"',
    ],
)
def test_what_is_not_there_is_not_taken_for_something_else(said: str) -> None:
    assert found(said) == []


def test_the_section_of_a_heading_ends_where_the_next_column_begins() -> None:
    layout = Layout(BOARD, SCREEN)
    todo, done = (one for one in BOARD if one.role == "heading")
    inside = {one.name for one in BOARD if layout.within(one, todo)}
    assert "Buy seeds" in inside and "Fix the gate" not in inside
    assert layout.within(next(one for one in BOARD if one.name == "Fix the gate"), done)


_WORD = st.text(string.ascii_lowercase, min_size=1, max_size=12)
_RECT = st.builds(
    lambda x, y, w, h: Rect(x, y, x + w, y + h),
    st.integers(0, 1200), st.integers(0, 760), st.integers(1, 300), st.integers(1, 80),
)  # fmt: skip


@given(_WORD, _WORD, st.booleans())
def test_two_words_are_alike_from_nothing_to_the_same(one: str, other: str, misread: bool) -> None:
    assert 0 <= kin(one, other, misread) <= 1
    assert kin(one, one, misread) == 1
    assert stem(stem(one)) in (stem(one), stem(one)[:-1]) or len(stem(stem(one))) < len(stem(one))


@given(_RECT, _RECT, st.sampled_from(("row", "right", "left", "below", "above", "near", "any")))
def test_how_things_stand_is_a_likelihood_and_sides_are_opposite(one: Rect, other: Rect, relation: str) -> None:
    assert 0 <= beside(one, other) <= 1
    assert 0 <= related(one, other, relation) <= 1
    if related(one, other, "right") > 0:
        assert related(one, other, "left") == 0
    if related(one, other, "below") > 0:
        assert related(one, other, "above") == 0


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.booleans())
def test_whatever_is_said_a_fit_is_between_nothing_and_exact_and_only_what_is_listed_is_meant(
    said: str, misread: bool
) -> None:
    best = meaning.meant(BOARD, said, SCREEN, misread)
    assert 0 <= best.fit <= 1
    assert all(any(one is listed for listed in BOARD) for one in best.nodes)


@given(st.sampled_from([one for one in BOARD if len(one.name) > 3 and sum(o.name == one.name for o in BOARD) == 1]))
def test_a_whole_name_in_quotes_means_the_thing_of_that_name(one: Node) -> None:
    assert meaning.meant(BOARD, f'click "{one.name}"', SCREEN).nodes == (one,)
