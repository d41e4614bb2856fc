"""How far a run is trusted: four tiers, and that what a rehearsal showed is all that may be sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from policy_cases import AIR, case, field, node, pay, target

from policies.approver import Question, card
from policies.decide import PolicySet
from policies.decision import Approval, Clearance
from policies.gate import Gate
from policies.keeper import Keeper
from policies.narrow import TIERS, Narrow, Tier
from policies.request import Case, Rehearsed
from policies.sent import sent_of
from sandboxes.wire import Held

LOOK, MOVE, EDIT = target(node("text", "Hours")), target(node("link", "Help", href=f"{AIR}/help")), target(field())
SAVE = target(node("button", "Save", submits=True, form=None))
PAYMENT = Held(f"{AIR}/payment", "POST", "document", AIR, b"card_number=1&amount=89.00&currency=EUR", True, "")


class Person:
    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.asked: list[Question] = []

    def ask(self, question: Question) -> Approval:
        self.asked.append(question)
        return question.answered(Approval(self.answer, "test"))  # type: ignore[arg-type]


def keeper(tier: Tier | None, answer: str = "nobody") -> tuple[Keeper, Person]:
    person = Person(answer)
    narrow = Narrow.model_validate({"origins": [AIR], "ask_above": "500 EUR", "tier": tier})
    return Keeper("run", PolicySet.load(["booking"], narrow), person), person


@pytest.mark.parametrize(
    ("tier", "verdicts"),
    [
        ("observe", ["deny", "deny", "deny", "deny"]),
        ("rehearse", ["allow", "allow", "allow", "rehearse"]),
        ("supervised", ["allow", "allow", "ask", "ask"]),
        ("bounded", ["allow", "allow", "allow", "allow"]),
        (None, ["allow", "allow", "allow", "allow"]),
    ],
)
def test_each_tier_lets_more_happen(tier: Tier | None, verdicts: list[str]) -> None:
    made, _ = keeper(tier)
    got = [made.clear(case(on, step)).decision.verdict for step, on in enumerate((MOVE, EDIT, SAVE, pay()))]
    assert got == verdicts


@pytest.mark.parametrize("mine", TIERS)
@pytest.mark.parametrize("theirs", TIERS)
def test_of_two_tiers_the_stricter_holds(mine: Tier, theirs: Tier) -> None:
    met = Narrow(tier=mine).meet(Narrow(tier=theirs)).tier
    assert met == TIERS[min(TIERS.index(mine), TIERS.index(theirs))]
    assert Narrow(tier=mine).meet(Narrow()).tier == mine


def test_a_tier_is_part_of_what_a_permit_binds() -> None:
    digests = {PolicySet.load(["booking"], Narrow(tier=tier)).digest for tier in TIERS}
    assert len(digests) == len(TIERS)


class OwnBroker:
    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.cases: list[Case] = []

    def clear(self, one: Case) -> Clearance:
        self.cases.append(one)
        return self.keeper.clear(one)


def cleared(answer: str, rehearsed: Rehearsed | None) -> tuple[Clearance, Keeper, Person]:
    from policy_cases import seen

    made, person = keeper("rehearse", answer)
    on = pay()
    gate = Gate(OwnBroker(made))  # type: ignore[arg-type]
    assert on.node is not None
    clearance = gate.clear(1, case(on).action, on, seen(on.node), rehearse=lambda action, target: rehearsed)
    return clearance, made, person


SHOWN = Rehearsed((sent_of(PAYMENT).shape,), (f"would send POST {AIR}/payment; 89.00 EUR",))


def test_a_rehearsal_comes_before_the_person_who_sees_what_it_showed() -> None:
    clearance, made, person = cleared("approved", SHOWN)
    assert clearance.permit is not None
    assert any("89.00 EUR" in line and "rehearsed" in line for line in card(person.asked[0]))
    assert made.send(sent_of(PAYMENT)).released, "what was shown may go"


@pytest.mark.parametrize(
    "changed",
    [
        {"body": b"card_number=1&amount=98.00&currency=EUR"},
        {"body": b"card_number=1&amount=89.00&currency=EUR&tip=5"},
        {"body": b"card_number=1"},
        {"url": f"{AIR}/pay"},
        {"method": "PUT"},
    ],
)
def test_what_was_not_shown_is_asked_about_again(changed: dict[str, object]) -> None:
    clearance, made, person = cleared("approved", SHOWN)
    assert clearance.permit is not None
    person.answer = "denied"
    other = made.send(sent_of(replace(PAYMENT, **changed)))  # type: ignore[arg-type]
    assert not other.released and other.facts["uncovered"]
    assert [question.sent is not None for question in person.asked] == [False, True], "about the request itself"
    assert other.approval is not None and other.approval.answer == "denied"


def test_a_value_that_is_new_with_every_load_is_no_difference() -> None:
    one, two = (replace(PAYMENT, body=b"csrf=" + token + b"&amount=89.00") for token in (b"aaaa", b"bbbb"))
    assert sent_of(one).shape == sent_of(two).shape and sent_of(one).digest != sent_of(two).digest


def test_without_a_rehearsal_there_is_no_permit() -> None:
    clearance, _, person = cleared("approved", None)
    assert (clearance.permit, clearance.decision.verdict, person.asked) == (None, "deny", [])


def test_nobody_there_means_it_was_rehearsed_and_not_done() -> None:
    clearance, _, person = cleared("nobody", SHOWN)
    assert clearance.permit is None and len(person.asked) == 1
