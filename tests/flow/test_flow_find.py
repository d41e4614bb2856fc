"""Ambiguity: on generated screens the thing that was meant is found, or nothing; never its look-alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from actuators.geometry import Rect
from actuators.observation import Node
from agent.flow.file import Anchor, Near
from agent.flow.find import find, neighbours

VERBS = ("Edit", "Delete", "Pay", "Archive", "Open", "Send", "Cancel", "Approve", "Reject", "Download")
THINGS = ("Invoice", "Order", "Ticket", "Booking", "Customer", "Parcel")


@dataclass(frozen=True)
class Case:
    kind: str
    anchor: Anchor
    nodes: list[Node]
    right: set[str]
    """Ids of what may be acted on: one, or none."""


def node(id: str, role: str, name: str, line: int, column: int = 0, **facts: str) -> Node:
    rect = Rect(20 + 220 * column, 20 + 30 * line, 200 + 220 * column, 44 + 30 * line)
    return Node(id=id, role=role, name=name, rect=rect, origin="https://shop.example", **facts)  # type: ignore[arg-type]


def anchor_of(target: Node, nodes: list[Node]) -> Anchor:
    """As the recorder makes it."""
    among = sum(one.role == target.role and one.name == target.name for one in nodes)
    near = neighbours(target, nodes) if among > 1 or not target.name else ()
    return Anchor(role=target.role, name=target.name, path=target.path, row=target.row, near=near, among=among)


def listing(dice: random.Random, verbs: tuple[str, ...], size: int) -> list[Node]:
    """A table: in each row a thing with its number and one button for each verb."""
    nodes: list[Node] = []
    for line, number in enumerate(dice.sample(range(100, 999), size)):
        thing = f"{dice.choice(THINGS)} {number}"
        row = " ".join((thing, *verbs))
        nodes.append(node(f"cell{number}", "cell", thing, line))
        for column, verb in enumerate(verbs, start=1):
            path = f"#list>tr:{line + 1}>td:{column + 1}>button:1"
            nodes.append(node(f"{verb}{number}", "button", verb, line, column, row=row, path=path))
    return nodes


def moved(nodes: list[Node], dice: random.Random) -> list[Node]:
    """The same things, each somewhere else, with other ids of the page's own kind."""
    places = [one.rect for one in nodes]
    dice.shuffle(places)
    return [replace(one, rect=place) for one, place in zip(nodes, places, strict=True)]


def twins(dice: random.Random) -> Case:
    """Where there was one button there are two that nothing tells apart."""
    verb = dice.choice(VERBS)
    first = node("one", "button", verb, dice.randrange(8), path="#main>button:1")
    heading = node("h", "heading", "Overview", 9)
    second = replace(
        first, id="two", rect=Rect(400, 300, 500, 330), path=dice.choice(("#main>button:2", "#side>button:1"))
    )
    nodes = [first, heading, second]
    dice.shuffle(nodes)
    return Case("twins", anchor_of(first, [first, heading]), nodes, set())


def other_row(dice: random.Random) -> Case:
    """The row is gone; rows that look like it are still there."""
    nodes = listing(dice, tuple(dice.sample(VERBS, 2)), dice.randint(2, 6))
    target = dice.choice([one for one in nodes if one.role == "button"])
    rest = [one for one in nodes if one.row != target.row and one.name != target.row.split(" " + target.name)[0]]
    return Case("other row", anchor_of(target, nodes), rest, set())


def shuffled_rows(dice: random.Random) -> Case:
    """The rows stand in another order, and there are more of them."""
    verbs = tuple(dice.sample(VERBS, 2))
    nodes = listing(dice, verbs, dice.randint(2, 5))
    target = dice.choice([one for one in nodes if one.role == "button"])
    more = [replace(one, id="x" + one.id) for one in listing(dice, verbs, 3) if one.row != target.row]
    return Case("shuffled rows", anchor_of(target, nodes), moved(nodes + more, dice), {target.id})


def swapped(dice: random.Random) -> Case:
    """Where the target was, at the very same path, something of another meaning stands now; the target is gone."""
    was, now = dice.sample(VERBS, 2)
    path = dice.choice(("#action", "#main>form:1>button:1"))
    target = node("t", "button", was, 3, path=path)
    return Case(
        "swapped", anchor_of(target, [target]), [replace(target, name=now), node("h", "heading", was, 0)], set()
    )


def exchanged(dice: random.Random) -> Case:
    """Two buttons have changed places and paths: each is still what it says."""
    was, now = dice.sample(VERBS, 2)
    one, two = node("a", "button", was, 3, path="#first"), node("b", "button", now, 3, 1, path="#second")
    after = [replace(one, rect=two.rect, path=two.path), replace(two, rect=one.rect, path=one.path)]
    return Case("exchanged", anchor_of(one, [one, two]), after, {"a"})


def beside_others(dice: random.Random) -> Case:
    """Several of one name and no rows: only neighbours tell them apart, and one has lost its own."""
    verb, names = dice.choice(VERBS), dice.sample(THINGS, 3)
    nodes = []
    for line, name in enumerate(names):
        nodes += [node(f"l{line}", "text", name, 2 * line), node(f"b{line}", "button", verb, 2 * line, 1)]
    which = dice.randrange(3)
    anchor = anchor_of(nodes[2 * which + 1], nodes)
    after = [replace(one, name="Other") if one.id == f"l{which}" else one for one in nodes]
    return Case("beside others", anchor, after, set())


def other_role(dice: random.Random) -> Case:
    """Something of the name is there, but it is words and not a button."""
    verb = dice.choice(VERBS)
    target = node("t", "button", verb, 3)
    return Case("other role", anchor_of(target, [target]), [node("x", dice.choice(("text", "link")), verb, 3)], set())


def longer_name(dice: random.Random) -> Case:
    """A name that begins like the one meant is another name."""
    verb = dice.choice(VERBS)
    target = node("t", "button", verb, 3, path="#go")
    said = dice.choice((f"{verb} all", f"{verb} account", f"Do not {verb}", f"Un{verb.lower()}", f"{verb} 2"))
    return Case("longer name", anchor_of(target, [target]), [replace(target, name=said)], set())


def numbered_ids(dice: random.Random) -> Case:
    """Ids that count: the first thing is gone, so the next one carries its id now."""
    verb = dice.choice(VERBS)
    first, second, third = (node(f"n{n}", "button", verb, 2 * n, path=f"#item_{n}") for n in range(3))
    nodes = [first, second, third]
    after = [replace(second, path=first.path, rect=first.rect), replace(third, path=second.path, rect=second.rect)]
    return Case("numbered ids", anchor_of(first, nodes), after, set())


def meaningful_ids(dice: random.Random) -> Case:
    """Two of one name, of which each has an id that says what it is for."""
    verb = dice.choice(VERBS)
    one, two = node("a", "button", verb, 3, path="#for_order"), node("b", "button", verb, 5, path="#for_account")
    return Case("meaningful ids", anchor_of(one, [one, two]), moved([two, one], dice), {"a"})


MAKERS: tuple[Callable[[random.Random], Case], ...] = (
    twins, other_row, shuffled_rows, swapped, exchanged, beside_others, other_role, longer_name,
    numbered_ids, meaningful_ids,
)  # fmt: skip
CASES = [make(random.Random(seed)) for seed in range(30) for make in MAKERS]


def test_there_are_more_than_two_hundred_cases_of_each_kind_of_doubt() -> None:
    assert len(CASES) >= 200 and len({case.kind for case in CASES}) == len(MAKERS)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_look_alike_is_never_taken_for_what_was_meant(number: int) -> None:
    case = CASES[number]
    found = find(case.anchor, case.nodes)
    if not case.right:
        assert found.node is None and found.problem, f"{case.kind}: took {found.node} by {found.by}"
    else:
        assert found.node is not None and found.node.id in case.right, f"{case.kind}: {found}"


def test_an_amount_may_change_and_nothing_else_of_a_name() -> None:
    target = node("pay", "button", "Pay 141.50 EUR", 1)
    anchor = anchor_of(target, [target])
    assert find(anchor, [replace(target, name="Pay 1,054.00 EUR")]).node is not None
    assert find(anchor, [replace(target, name="Pay 141.50 EUR now")]).node is None
    assert find(anchor, [replace(target, name="Refund 141.50 EUR")]).node is None


def test_punctuation_of_a_name_may_change() -> None:
    target = node("next", "link", "Next →", 1)
    assert find(anchor_of(target, [target]), [replace(target, name="Next »")]).node is not None


def test_what_stands_where_it_was_is_told() -> None:
    target = node("e", "button", "Edit", 1, path="#action")
    said = find(anchor_of(target, [target]), [replace(target, name="Delete")]).problem
    assert said == 'no button "Edit" is shown; where it was is now button "Delete"'


def test_a_field_without_a_name_needs_two_signs() -> None:
    label = node("l", "text", "Search", 1)
    field = node("f", "textbox", "", 1, 1, path="#query")
    anchor = anchor_of(field, [label, field])
    assert find(anchor, [label, field]).node == field
    assert find(anchor, [replace(label, name="Password"), field]).node is None
    assert find(anchor, [label, replace(field, path="#other")]).node is None
    assert anchor.near == (Near(side="left", role="text", name="Search"),)


def test_a_password_field_is_no_other_field() -> None:
    field = node("f", "textbox", "Code", 1)
    assert find(anchor_of(field, [field]), [replace(field, password=True)]).node is None
