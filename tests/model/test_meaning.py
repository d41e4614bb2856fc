"""Which node a spoken instruction means: a table of instructions on three screens."""

import pytest

from actuators.geometry import Rect, Screen
from actuators.observation import Node
from model.protocols import asked, meaning
from model.protocols.clauses import clauses

SCREEN = Screen(1280, 800)


def node(role: str, name: str, left: int, top: int, width: int = 80, height: int = 24, value: str = "") -> Node:
    return Node(f"{role}{left}-{top}", role, name, Rect(left, top, left + width, top + height), value=value)


TABLE = (
    node("link", "Home", 20, 10), node("button", "settings", 1230, 10, 30, 30), node("button", "bell", 1190, 10, 30, 30),
    node("heading", "Customers", 200, 60, 200), node("textbox", "Search customers", 600, 60, 300),
    node("text", "Ada Lovelace", 200, 120, 100), node("button", "Edit", 800, 118), node("button", "Delete", 900, 118),
    node("text", "Grace Hopper", 200, 160, 100), node("button", "Edit", 800, 158), node("button", "Delete", 900, 158),
    node("text", "Alan Turing", 200, 200, 100), node("button", "Edit", 800, 198), node("button", "Delete", 900, 198),
    node("button", "Add customer", 200, 260, 120), node("link", "Next page", 1100, 700),
    node("checkbox", "Only active", 200, 300, 16, 16), node("combobox", "Sort by", 400, 300, value="Name"),
)  # fmt: skip

CASES = (
    ("Click the Add customer button", "Add customer", 0),
    ("Open the settings", "settings", 0),
    ("bell icon", "bell", 0),
    ("notifications", "bell", 0),
    ("the Edit button in the row of Grace Hopper", "Edit", 1),
    ("the Edit button in Ada's row", "Edit", 0),
    ("Delete Alan Turing", "Delete", 2),
    ("Delete button for Grace Hopper", "Delete", 1),
    ("In the row of Alan Turing, click Edit", "Edit", 2),
    ("the second Delete button", "Delete", 1),
    ("the last Edit button", "Edit", 2),
    ("go to the next page", "Next page", 0),
    ("tick Only active", "Only active", 0),
    ('type "smith" into the search customers field', "Search customers", 0),
    ("the search box", "Search customers", 0),
    ("add a new customer", "Add customer", 0),
    ("the icon in the top right corner", "settings", 0),
    ("choose Date in the Sort by list", "Sort by", 0),
    ("Add cusłomer", "Add customer", 0),
    ("Click the first Edit button from the bottom", "Edit", 2),
)


@pytest.mark.parametrize(("said", "name", "which"), CASES)
def test_an_instruction_means_one_node(said: str, name: str, which: int) -> None:
    found = meaning.meant(TABLE, said, SCREEN)
    want = [one for one in TABLE if one.name == name][which]
    assert [(n.name, n.id) for n in found.nodes] == [(want.name, want.id)], asked.understood(said)
    assert found.fit > 0.5


DAYS = (
    node("link", "9", 20, 100), node("link", "19", 120, 100), node("link", "21", 220, 100),
    node("checkbox", "Work", 20, 200, 16, 16), node("button", "Last 24h", 20, 300), node("button", "7d", 120, 300),
    node("textbox", "Search", 300, 10), node("button", "Only necessary", 400, 400), node("button", "Fine by me", 500, 400),
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("the nineteenth", "19"),
        ("Go to the 21st", "21"),
        ("hide the Work calendar", "Work"),
        ("the last 24 hours", "Last 24h"),
        ("7 days", "7d"),
        ("look for a meeting", "Search"),
        ("reject cookies", "Only necessary"),
        ('click the button in the box labelled "7d"', "7d"),
    ],
)
def test_dates_spans_boxes_and_common_ways_of_saying_things(said: str, name: str) -> None:
    found = meaning.meant(DAYS, said, SCREEN)
    assert [one.name for one in found.nodes] == [name] and found.fit > 0.42, asked.understood(said)


def test_names_that_were_read_from_pixels_are_compared_by_the_look_of_their_letters() -> None:
    found = meaning.meant(
        (*TABLE, node("button", "Abd customner", 600, 500, 120)), "Add customner", SCREEN, misread=True
    )
    assert [n.name for n in found.nodes][:1] == ["Add customer"]


@pytest.mark.parametrize(
    "said",
    [
        "Click the Export button",
        "the Archive link",
        "the Edit button in the row of Linus Torvalds",
        "the printer icon",
        "log out",
    ],
)
def test_what_is_not_there_fits_nothing(said: str) -> None:
    assert meaning.meant(TABLE, said, SCREEN).fit < 0.5


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ("Select kf9, x and click Submit.", True), ("Enter the username and press login", True), ("Click the terms and conditions link", False),
        ('Click on the "ok and close" button', False), ("Type x; then go", True), ("the Edit button in the row of Ada", False),
    ],
)  # fmt: skip
def test_several_acts_are_told_from_one(said: str, more: bool) -> None:
    assert (len(clauses(said)) > 1) is more


def test_a_word_that_only_points_at_the_screen_is_no_part_of_the_name() -> None:
    fold, other = node("tab", "Section #42", 20, 40), node("button", "Submit", 20, 90)
    for said in ("Expand the section below", "open the section shown here"):
        assert meaning.meant([fold, other], said, SCREEN).nodes == (fold,)
    below = node("button", "Look below", 20, 140)
    assert meaning.meant([fold, below], 'press "Look below"', SCREEN).nodes == (below,)


def test_a_sign_that_stands_for_letters_is_those_letters() -> None:
    odd, other = node("button", "a™¥a™¥", 20, 40), node("button", "mi est", 20, 90)
    assert meaning.meant([odd, other], 'Click on the "â™¥â™¥" button', SCREEN).nodes == (odd,)
    misread = node("button", "aTM aTM?", 20, 40)
    assert meaning.meant([misread, other], 'Click on the "â™¥â™¥" button', SCREEN, misread=True).nodes == (misread,)


def test_an_ordinal_counts_from_the_side_that_is_said() -> None:
    names = ((40, 300), (240, 200), (440, 100))
    row = [node("button", "Copy", left, top) for left, top in names]
    scene = [*row, node("button", "Paste", 20, 20)]
    for said, which in (
        ("Click the first Copy button from the left", 0), ("Click the first Copy button from the right", 2),
        ("press the second Copy button from the top", 1), ("press the first Copy button counted from the bottom", 0),
        ("Click the first Copy button", 2),
    ):  # fmt: skip
        assert meaning.meant(scene, said, SCREEN).nodes == (row[which],), said


def test_an_icon_in_a_corner_is_the_one_nearest_to_it() -> None:
    corner = node("button", "More", 1230, 743, 26, 26)
    scene = [node("button", "More", 941, 500 + 40 * n, 26, 26) for n in range(7)] + [corner]
    assert meaning.meant(scene, "Click the icon at the bottom right", SCREEN).nodes == (corner,)


def test_the_icon_of_the_row_that_is_said_and_not_its_neighbour_of_the_better_name() -> None:
    scene = [
        node("text", "Segovia", 40, 100, 90), node("button", "Play", 244, 98, 28, 28),
        node("text", "Toledo", 40, 135, 90), node("button", "Start", 244, 133, 28, 28),
    ]  # fmt: skip
    assert meaning.meant(scene, "the start icon in the row of Segovia", SCREEN).nodes == (scene[1],)
