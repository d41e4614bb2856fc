from __future__ import annotations

from typing import Any

import pytest
from policy_cases import AIR, AT, CLICK, case, field, form, narrow, node, pay, target

from actuators.action import LaunchApp, OpenUrl, TypeText
from actuators.observation import Form, Target
from policies.consequence import judge
from policies.request import Case, Counters, request_of
from policies.wire import case_from, case_to

EVIL = "https://evil.example"


def facts(one: Case, **limits: Any) -> dict[str, Any]:
    consequence = judge(one.action, one.target, one.scene)
    return dict(request_of(one, consequence, Counters(), narrow(**limits)).context)


@pytest.mark.parametrize(
    ("where", "inside"),
    [
        (target(node()), True),
        (target(node(), origin=AIR + ":443"), True),
        (target(node(), origin=EVIL), False),
        (target(node(), origin=""), False),
        (target(node(), origin="null"), False),
        (target(node(origin=EVIL)), False),
        (target(node(origin="null")), False),
        (target(node(origin=AIR)), True),
        (target(node(), url=AIR + "/page"), True),
        (target(node(), url="about:blank"), False),
        (target(node(), url=EVIL), False),
        (target(node(), origin="", app="editor", surface="desktop"), False),
        (target(node(), origin=AIR, surface="desktop"), True),
    ],
)
def test_inside_means_page_and_frame_both(where: Target, inside: bool) -> None:
    assert facts(case(where))["inside"] is inside


def test_an_address_is_judged_by_itself_and_not_by_what_the_surface_says() -> None:
    told = facts(case(target(None, origin=AIR, destination=AIR), action=OpenUrl(url=EVIL)))
    assert (told["inside"], told["destination_inside"], told["destination_origin"]) == (False, False, EVIL)


@pytest.mark.parametrize(
    ("apps", "name", "inside"), [(["editor"], "editor", True), (["editor"], "mail", False), (["*"], "mail", True)]
)
def test_an_application_is_inside_by_its_name(apps: list[str], name: str, inside: bool) -> None:
    told = facts(case(target(None, origin="", surface="desktop"), action=LaunchApp(name=name)), apps=apps)
    assert told["inside"] is inside


@pytest.mark.parametrize(
    ("on", "has", "ok", "inside"),
    [
        (node("button", "14"), False, True, True),
        (node("link", "Help", href=f"{AIR}/x"), True, True, True),
        (node("link", "Help", href=f"{EVIL}/x"), True, True, False),
        (node("link", "Help", href="mailto:a@b.example"), True, False, False),
        (node("link", "Help", href="javascript:void(0)"), False, True, True),
        (node("button", "Go", submits=True, form=form(f"{EVIL}/x")), True, True, False),
        (node("button", "Go", submits=True, form=Form("DIALOG", "")), False, True, True),
        (field(form=form(f"{EVIL}/x")), False, True, True),
    ],
)
def test_where_an_act_leads_comes_from_form_and_link(on: Any, has: bool, ok: bool, inside: bool) -> None:
    told = facts(case(target(on)))
    assert (told["has_destination"], told["destination_ok"]) == (has, ok)
    assert told["destination_inside"] is inside


def test_of_two_destinations_the_worse_is_shown() -> None:
    told = facts(case(target(node("link", "Help", href=EVIL), destination=AIR)))
    assert (told["destination_origin"], told["destination_inside"]) == (EVIL, False)


def test_an_enter_key_leads_where_its_form_leads() -> None:
    told = facts(case(target(field(form=form(f"{EVIL}/x"))), action=TypeText(text="a\n")))
    assert told["destination_inside"] is False


@pytest.mark.parametrize(("text", "secret"), [("Ada", False), ("<secret:card>", True), ("x <SECRET:card>", True)])
def test_a_secret_is_noticed_in_the_text(text: str, secret: bool) -> None:
    told = facts(case(target(field()), action=TypeText(text=text)))
    assert (told["secret"], told["text_length"]) == (secret, len(text))


@pytest.mark.parametrize(("says", "told"), [(None, None), (0.5, 500), (1.7, 1000), (-1.0, 0), (0.0004, 0)])
def test_confidence_is_per_mille_and_bounded(says: float | None, told: int | None) -> None:
    assert facts(case(pay(), confidence=says)).get("confidence") == told


def test_an_amount_is_there_exactly_when_known() -> None:
    assert facts(case(pay()))["amount_minor"] == 8900
    unknown = facts(case(pay("Pay now")))
    assert "amount_minor" not in unknown and unknown["amount_known"] is False


@pytest.mark.parametrize(
    "one",
    [
        case(pay()),
        case(target(None)),
        case(target(field(form=form(), checked=False, expanded=True)), mismatch=True, confidence=0.25),
        Case(3, TypeText(text="é 🙂"), target(node("button", "x \u202e")), rehearsed=True),
    ],
)
def test_a_case_comes_back_from_the_wire_as_it_was(one: Case) -> None:
    back = case_from(case_to(one))
    assert back == one and back.target.digest == one.target.digest


@pytest.mark.parametrize(
    "change",
    [
        {"step": "1"},
        {"step": True},
        {"action": {"kind": "fly"}},
        {"action": {"kind": "click", "at": {"x": 1, "y": 2}, "extra": 1}},
        {"mismatch": 1},
        {"target": {}},
        {"scene": {}},
    ],
)
def test_garbage_on_the_wire_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        case_from({**case_to(case(pay())), **change})


def test_the_pointer_is_no_fact() -> None:
    assert CLICK.at == AT and "at" not in facts(case(pay()))
