from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from policies.consequence import KINDS
from policies.money import Money
from policies.narrow import Narrow, NarrowConflict

ORIGINS = ["https://a.example", "https://b.example", "http://127.0.0.1:8000"]
AMOUNTS = ["1 EUR", "500 EUR", "2000 EUR"]


def block(**told: Any) -> Narrow:
    return Narrow.model_validate(told)


def test_a_block_is_read_in_canonical_form() -> None:
    read = block(origins=["HTTPS://A.example:443/x"], ask_above="500 EUR", consequences=["buy"], max_buys=2)
    assert read.origins == ("https://a.example",)
    assert read.ask_above == Money(50000, "EUR")
    assert Narrow.model_validate_json(read.model_dump_json()) == read


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"origin": ["https://a.example"]}, "Extra inputs"),
        ({"origins": ["a.example"]}, "expected an http or https address"),
        ({"origins": ["https://u@a.example"]}, "expected an http or https address"),
        ({"origins": [3]}, "expected an http or https address"),
        ({"consequences": ["fly"]}, "Input should be"),
        ({"ask_above": "500"}, "expected an amount"),
        ({"ask_above": 500}, "expected an amount"),
        ({"ask_above": "5 EUR", "deny_above": "5 CHF"}, "same currency"),
        ({"max_buys": -1}, "greater than or equal"),
        ({"preset": "anything"}, "Input should be"),
    ],
)
def test_a_wrong_block_is_refused(told: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Narrow.model_validate(told)


def test_what_is_left_out_allows_no_place_and_one_purchase() -> None:
    assert block().attributes() == {
        "origins": [],
        "never": [],
        "kinds": sorted(KINDS),
        "currency": "EUR",
        "max_buys": 1,
        "tier": "bounded",
        "anomaly_raises": ["elsewhere", "orders", "repetition"],
        "anomaly_asks": ["against_goal", "burst"],
        "anomaly_stops": [],
    }
    assert not block().holds_app("editor")


def test_looking_is_never_narrowed_away() -> None:
    assert block(consequences=["move"]).attributes()["kinds"] == ["look", "move"]


def test_two_blocks_meet_at_the_narrower() -> None:
    operator = block(origins=ORIGINS[:2], deny_above="900 EUR", max_buys=3, never=["https://c.example"], apps=["*"])
    task = block(origins=ORIGINS[1:], ask_above="100 EUR", consequences=["buy", "move"], apps=["editor"])
    both = operator.meet(task)
    assert both == task.meet(operator)
    assert both.origins == (ORIGINS[1],)
    assert (both.ask_above, both.deny_above) == (Money(10000, "EUR"), Money(90000, "EUR"))
    assert (both.max_buys, both.never, both.apps) == (3, ("https://c.example",), ("editor",))


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({"ask_above": "5 EUR"}, {"ask_above": "5 CHF"}),
        ({"ask_above": "5 EUR"}, {"deny_above": "5 CHF"}),
        ({"preset": "browse"}, {"preset": "booking"}),
    ],
)
def test_blocks_that_cannot_both_hold_are_refused(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    with pytest.raises(NarrowConflict):
        block(**mine).meet(block(**theirs))


def optional(choice: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | choice


BLOCKS = st.builds(
    block,
    origins=optional(st.lists(st.sampled_from(ORIGINS))),
    apps=optional(st.lists(st.sampled_from(["*", "editor", "mail"]))),
    consequences=optional(st.lists(st.sampled_from(KINDS))),
    ask_above=optional(st.sampled_from(AMOUNTS)),
    deny_above=optional(st.sampled_from(AMOUNTS)),
    max_buys=optional(st.integers(0, 5)),
    never=st.lists(st.sampled_from(ORIGINS)),
)


def allowed(narrow: Narrow) -> set[str]:
    kinds = narrow.attributes()["kinds"]
    assert isinstance(kinds, list)
    return set(kinds)


@settings(deadline=None)
@given(BLOCKS, BLOCKS)
def test_meeting_never_widens_what_one_of_them_states(mine: Narrow, theirs: Narrow) -> None:
    both = mine.meet(theirs)
    assert allowed(both) == allowed(mine) & allowed(theirs)
    for one in (mine, theirs):
        assert one.origins is None or set(both.origins or ()) <= set(one.origins)
        assert one.apps is None or all(one.holds_app(app) or not both.holds_app(app) for app in ("editor", "mail", ""))
        assert one.ask_above is None or (both.ask_above is not None and both.ask_above <= one.ask_above)
        assert one.deny_above is None or (both.deny_above is not None and both.deny_above <= one.deny_above)
        assert one.max_buys is None or (both.max_buys is not None and both.max_buys <= one.max_buys)
        assert set(one.never) <= set(both.never)
