"""What a yes for the rest of a run covers, and what is asked again; a text that a person puts in an act's place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from policy_cases import AIR, CLICK, case, field, form, narrow, node, pay, target

from actuators.action import TypeText, action_digest
from policies.approver import Question
from policies.consequence import Consequence, Kind
from policies.decide import PolicySet
from policies.decision import Approval, Decision
from policies.grants import Grants, scope_of
from policies.keeper import Keeper
from policies.narrow import Narrow


def question(
    minor: int | None = 8900, kind: Kind = "buy", rules: tuple[str, ...] = ("a/ask",), **more: Any
) -> Question:
    effect = Consequence(kind, "", minor, "EUR" if minor is not None else "")
    on = more.pop("target", replace(pay(), destination=f"{AIR}/payment"))
    return Question("run-1", 1, CLICK, on, effect, Decision("ask", rules), **more)


def test_the_same_again_is_covered_for_as_long_as_was_said() -> None:
    grants = Grants()
    assert grants.add(question(), "ada", 900, now=0.0)
    assert grants.covering(question(), 899.0) is not None
    assert grants.covering(question(), 900.0) is None
    assert not grants.add(question(), "ada", 0, now=0.0)


WORSE = {
    "dearer": question(8901),
    "of unknown price": question(None),
    "another currency": replace(question(), consequence=Consequence("buy", "", 8900, "USD")),
    "another effect": question(None, "delete"),
    "another rule asks": question(rules=("a/ask", "b/ask")),
    "elsewhere": question(target=replace(pay(), origin="https://other.example", destination=f"{AIR}/payment")),
    "leading elsewhere": question(target=replace(pay(), destination=f"{AIR}/donate")),
    "leading nowhere that can be read": question(target=replace(pay(), destination="blob:x")),
    "to somebody": question(recipients=("eve@example.org",)),
    "odd": question(rules=("a/ask", "house/anomaly-asks")),
}


@pytest.mark.parametrize("name", WORSE)
def test_worse_terms_are_asked_again(name: str) -> None:
    grants = Grants()
    grants.add(question(), "ada", 900, now=0.0)
    assert grants.covering(WORSE[name], 1.0) is None


def test_cheaper_and_fewer_are_covered() -> None:
    grants = Grants()
    grants.add(question(recipients=("ada@example.org", "bob@example.org"), rules=("a/ask", "b/ask")), "ada", 900, 0.0)
    for better in (question(8000), question(recipients=("bob@example.org",)), question(rules=("b/ask",))):
        assert grants.covering(better, 1.0) is not None


def test_a_deletion_is_covered_only_on_the_very_same_thing() -> None:
    def delete(name: str) -> Question:
        on = replace(target(node("button", name, form=form(f"{AIR}/delete"))), destination=f"{AIR}/delete")
        return question(None, "delete", target=on)

    grants = Grants()
    grants.add(delete("Delete draft 1"), "ada", 900, 0.0)
    assert grants.covering(delete("Delete draft 1"), 1.0) is not None
    assert grants.covering(delete("Delete account"), 1.0) is None


@pytest.mark.parametrize(
    "never", [question(None, "unknown"), question(None), question(rules=()), question(rules=("house/anomaly-asks",))]
)
def test_some_things_can_only_be_approved_by_themselves(never: Question) -> None:
    assert scope_of(never) is None


class Person:
    """Says the same to everything, and counts how often they were asked."""

    def __init__(self, **said: Any) -> None:
        self._said = said
        self.asked = 0

    def ask(self, question: Question) -> Approval:
        self.asked += 1
        bound = question.answered(Approval("approved", "ada", grant_s=self._said.get("grant_s", 0)))
        if value := self._said.get("value"):
            assert isinstance(question.action, TypeText)
            digest = action_digest(question.action.model_copy(update={"text": value}))
            return replace(bound, value=value, action_digest=digest)
        return bound


def keeper(person: Person, policy: str | Path = "booking", **limits: Any) -> Keeper:
    return Keeper("run-1", PolicySet.load([policy], narrow(**limits)), person)


def test_a_person_is_not_asked_twice_for_what_they_granted_and_the_limits_still_hold() -> None:
    ada = Person(grant_s=900)
    own = keeper(ada, ask_above="50 EUR", max_buys=3)
    on = replace(pay(), destination=f"{AIR}/payment")
    told = [own.clear(case(on, step)) for step in range(1, 5)]
    assert [one.permit is not None for one in told] == [True, True, True, False]
    assert ada.asked == 1 and [one.approval.granted for one in told[:3] if one.approval] == [False, True, True]
    assert told[3].decision.rules == ("house/buys-used-up",)


def test_without_a_grant_they_are_asked_each_time() -> None:
    ada = Person()
    own = keeper(ada, ask_above="50 EUR", max_buys=3)
    assert all(own.clear(case(pay(), step)).permit for step in range(1, 4)) and ada.asked == 3


ASKS = """
@id("mine/all") @because("all is allowed") permit (principal, action, resource);
@id("mine/asks") @because("texts are looked at") @escalate("human")
forbid (principal, action == Gui::Action::"type_text", resource) unless { context has approved_by };
@id("mine/long") @because("too long") forbid (principal, action, resource) when { context.text_length > 5 };
"""


@pytest.mark.parametrize(("value", "permitted"), [("100", True), ("1000000", False), ("<secret:card>", False)])
def test_a_text_instead_is_judged_again_and_only_it_is_typed(tmp_path: Path, value: str, permitted: bool) -> None:
    import json

    rules = tmp_path / "mine.cedar"
    rules.write_text(ASKS)
    own = keeper(Person(value=value), rules)
    told = own.clear(case(target(field(name="Amount")), action=TypeText(text="250")))
    assert (told.permit is not None) == permitted
    if told.permit is not None:
        assert json.loads(told.permit.body)["action"]["text"] == value


def test_the_stricter_word_on_silence_counts() -> None:
    def met(mine: str | None, theirs: str | None) -> str | None:
        return Narrow(on_timeout=mine).meet(Narrow(on_timeout=theirs)).on_timeout  # type: ignore[arg-type]

    assert [met("wait", "stop"), met("deny", "wait"), met(None, "wait"), met(None, None)] == [
        "stop",
        "deny",
        "wait",
        None,
    ]
    assert Narrow(answer_within_s=60).meet(Narrow(answer_within_s=30)).answer_within_s == 30


@pytest.mark.parametrize(("said", "answer"), [("stop", "stopped"), ("deny", "timeout"), (None, "timeout")])
def test_silence_ends_the_run_where_the_policy_says_so(said: str | None, answer: str) -> None:
    class Nobody:
        def ask(self, question: Question) -> Approval:
            return question.answered(Approval("timeout"))

    told = Keeper("run-1", PolicySet.load(["booking"], narrow(ask_above="50 EUR", on_timeout=said)), Nobody())
    cleared = told.clear(case(pay()))
    assert cleared.permit is None and cleared.approval is not None and cleared.approval.answer == answer


def test_a_card_shows_what_is_sent_and_no_secret_of_it() -> None:
    import json

    from policies.approval import card_text
    from policies.sent import effect_of, sent_of
    from policies.wire import sent_from, sent_to
    from sandboxes.wire import Held

    body = b"to=ada%40example.org&amount=12.50+EUR&card_number=4242424242424242&csrf=abc123&note=my+word+is+hunter22"
    kind = "application/x-www-form-urlencoded"
    held = Held(f"{AIR}/pay", "POST", "document", AIR, body, content_type=kind)
    sent = sent_of(held, clean=lambda text: text.replace("hunter22", "[secret:word]"))
    again = sent_from(json.loads(json.dumps(sent_to(sent))))
    assert again == sent and sent.shape == sent_of(held).shape
    asked = Question("run-1", 1, CLICK, target(), effect_of(sent), Decision("ask", ("a/ask",)), sent)
    card = json.loads(card_text(asked, ""))
    assert card["request"]["fields"] == [
        ["to", 15, False, "ada@example.org"],
        ["amount", 9, False, "12.50 EUR"],
        ["card_number", 16, False, ""],
        ["csrf", 6, False, ""],
        ["note", 19, False, "my word is [secret:word]"],
    ]
    assert all(part.value == "" for part in sent_of(held).parts)
