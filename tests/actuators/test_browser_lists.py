"""Native lists: their choices are drawn over the page, where no element is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser_stage import BrowserStage
from contract.actuator import cleared, do, named, press

from actuators.action import Click, TypeText

pytestmark = pytest.mark.browser
Begin = Callable[..., BrowserStage]

PAGE = """<body style="margin:20px"><select id=s aria-label=City style="STYLE">
<option>Bern<option>Genoa<option disabled>Lyon<option>Rome<option>Oslo and a rather long label</select>
<button id=b style="position:absolute;left:20px;top:60px;width:300px;height:90px">Submit</button>
<script>const told = []; s.onchange = (e) => told.push(s.value, e.isTrusted); b.onclick = () => told.push('through');</script>"""

STYLES = [
    "",
    "font-size:10px",
    "font-size:20px;padding:6px",
    "font:16px serif;width:60px",
    "position:absolute;bottom:4px",
]


@pytest.mark.parametrize("style", STYLES)
def test_choices_of_an_open_list_are_seen_and_chosen_where_they_are_drawn(begin: Begin, style: str) -> None:
    stage = begin(PAGE.replace("STYLE", style))
    for name in ("Rome", "Bern", "Oslo and a rather long label", "Genoa"):
        press(stage, "City")
        seen = stage.actuator.observe()
        names = [node.name for node in seen.nodes if node.role == "option"]
        assert names == ["Bern", "Genoa", "Lyon", "Rome", "Oslo and a rather long label"]
        assert named(seen, "City").expanded is True
        receipt = do(stage, Click(at=named(seen, name).rect.centre))
        assert (receipt.status, receipt.detail) == ("done", "chosen with the keyboard")
        assert stage.page.evaluate("told.splice(0)") == [name, True]
        assert not any(node.role == "option" for node in stage.actuator.observe().nodes)


def test_a_choice_that_cannot_be_made_is_not_made(begin: Begin) -> None:
    stage = begin(PAGE)
    press(stage, "City")
    seen = stage.actuator.observe()
    assert not named(seen, "Lyon").enabled
    assert do(stage, Click(at=named(seen, "Lyon").rect.centre)).status == "failed"
    assert stage.page.evaluate("told") == []


def test_a_permit_for_a_choice_is_stale_once_the_list_is_closed(begin: Begin) -> None:
    stage = begin(PAGE)
    press(stage, "City")
    seen = stage.actuator.observe()
    permit = cleared(stage, Click(at=named(seen, "Rome").rect.centre), seen)
    stage.page.keyboard.press("Escape")
    assert stage.actuator.perform(permit).status == "stale"
    assert stage.page.evaluate("told") == []


def test_beside_a_list_that_is_not_plain_nothing_is_known(begin: Begin) -> None:
    stage = begin(PAGE.replace("<option>Rome", "<optgroup label=Far><option>Rome").replace("STYLE", ""))
    press(stage, "City")
    seen = stage.actuator.observe()
    assert not any(node.role == "option" for node in seen.nodes)
    below = stage.actuator.target(Click(at=named(seen, "Submit").rect.centre), seen)
    assert below.node is None and below.region_digest
    again = stage.actuator.target(Click(at=named(seen, "City").rect.centre), seen)
    assert again.node is not None and again.node.name == "City"


def test_at_other_scales_taking_a_picture_closes_the_list(begin: Begin) -> None:
    stage = begin(PAGE.replace("STYLE", ""), scale=1.5)
    press(stage, "City")
    seen = stage.actuator.observe()
    assert named(seen, "City").expanded is False and not any(node.role == "option" for node in seen.nodes)
    assert do(stage, TypeText(text="Rome")).status == "done"
    assert stage.page.evaluate("told") == ["Rome", True]
