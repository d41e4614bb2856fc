from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from policy_cases import AIR, CLICK, case, field, narrow, node, pay, seen, target

import policies
from actuators.action import Click, TypeText
from actuators.geometry import Point, Rect
from actuators.observation import Form, Node, Target
from actuators.permit import Permit, PermitRefused, Verifier
from actuators.receipt import Receipt
from policies.approver import DenyApprover, Question
from policies.broker import Broker, BrokerLost
from policies.channel import LARGEST, Channel, ChannelBroken
from policies.checkpoint import CheckpointRefused, checkpoint_holds
from policies.decide import PolicySet, PolicyUnusable
from policies.decision import Approval
from policies.gate import Gate
from policies.keeper import Keeper
from policies.narrow import all_anomalies
from policies.request import Case
from policies.wire import case_from, case_to

ROOT = str(Path(policies.__file__).resolve().parent.parent)
DAY = target(node("button", "14"))


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker("run-1", ["booking"], narrow(max_buys=1000)) as started:
        yield started


def verifier(of: Broker, run: str = "run-1") -> Verifier:
    return Verifier(of.public_key, run, of.policy_digest)


def test_an_allowed_act_brings_a_permit_for_exactly_it(broker: Broker) -> None:
    one = case(DAY)
    clearance = broker.clear(one)
    assert (clearance.decision.verdict, clearance.decision.rules) == ("allow", ("booking/fill-in",))
    assert clearance.permit and clearance.consequence and clearance.consequence.kind == "edit"
    terms = verifier(broker).accept(clearance.permit)
    assert (terms.run, terms.step, terms.action, terms.target_digest) == ("run-1", 1, CLICK, DAY.digest)
    assert 5 < terms.expires - terms.not_before <= 15
    assert clearance.facts["context"]["inside"] is True


def test_a_refused_act_brings_none(broker: Broker) -> None:
    clearance = broker.clear(case(target(node("button", "Delete"))))
    assert (clearance.decision.verdict, clearance.permit) == ("deny", None)


def test_with_nobody_to_ask_an_ask_brings_none(broker: Broker) -> None:
    one = case(pay("Pay 900.00 EUR"))
    clearance = broker.clear(one)
    assert (clearance.decision.verdict, clearance.permit) == ("ask", None)
    assert clearance.approval and (clearance.approval.answer, clearance.approval.by) == ("nobody", "nobody")
    assert clearance.approval.target_digest == one.target.digest


def test_asking_what_would_be_mints_nothing(broker: Broker) -> None:
    before = broker.decide(case(DAY)).facts["context"]["acts"]
    assert broker.decide(case(DAY)).permit is None
    assert broker.decide(case(DAY)).facts["context"]["acts"] == before


def changed(permit: Permit, **terms: Any) -> Permit:
    return Permit(json.dumps({**json.loads(permit.body), **terms}), permit.signature)


@pytest.mark.parametrize(
    "alter",
    [
        lambda permit: Permit(permit.body + " ", permit.signature),
        lambda permit: Permit(permit.body, bytes(64)),
        lambda permit: Permit(permit.body, b""),
        lambda permit: changed(permit, step=99),
        lambda permit: changed(permit, target_digest="0" * 64),
        lambda permit: changed(permit, expires=time.time() + 10**6),
        lambda permit: changed(permit, nonce="another"),
        lambda permit: changed(permit, run="run-2"),
    ],
)
def test_an_altered_permit_is_refused(broker: Broker, alter: Callable[[Permit], Permit]) -> None:
    permit = broker.clear(case(DAY)).permit
    assert permit
    with pytest.raises(PermitRefused):
        verifier(broker).accept(alter(permit))


def test_a_permit_holds_once_for_its_run_its_policy_and_its_key(broker: Broker) -> None:
    permit = broker.clear(case(DAY)).permit
    assert permit
    mine = verifier(broker)
    mine.accept(permit)
    with pytest.raises(PermitRefused, match="used already"):
        mine.accept(permit)
    with pytest.raises(PermitRefused, match="another run"):
        verifier(broker, "run-2").accept(permit)
    with pytest.raises(PermitRefused, match="another policy"):
        Verifier(broker.public_key, "run-1", "0" * 64).accept(permit)
    with Broker("run-1", ["booking"], narrow(max_buys=1000)) as other, pytest.raises(PermitRefused, match="not signed"):
        Verifier(other.public_key, "run-1", broker.policy_digest).accept(permit)


def test_an_expired_permit_is_refused(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    permit = broker.clear(case(DAY)).permit
    assert permit
    later = time.time() + 11
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(PermitRefused, match="not valid at this time"):
        verifier(broker).accept(permit)


def test_a_checkpoint_is_signed_for_this_run_and_never_backwards(broker: Broker) -> None:
    signature = broker.sign("run-1", 5, "ab")
    assert checkpoint_holds(broker.public_key, "run-1", 5, "ab", signature)
    for run, n, root in (("run-2", 5, "ab"), ("run-1", 6, "ab"), ("run-1", 5, "ac")):
        assert not checkpoint_holds(broker.public_key, run, n, root, signature)
    assert not checkpoint_holds(b"short", "run-1", 5, "ab", signature)
    for run, n in (("run-2", 9), ("run-1", 4)):
        with pytest.raises(CheckpointRefused):
            broker.sign(run, n, "ab")


def test_a_checkpoint_is_no_permit(broker: Broker) -> None:
    signature = broker.sign("run-1", 10, "ab")
    with pytest.raises(PermitRefused, match="not signed"):
        verifier(broker).accept(Permit('{"n":10,"root":"ab","run":"run-1"}', signature))


def test_a_policy_that_does_not_load_stops_the_start(tmp_path: Path) -> None:
    bad = tmp_path / "bad.cedar"
    bad.write_text("permit (principal, action, resource);")
    for name in (str(bad), "bookng"):
        with pytest.raises(PolicyUnusable), Broker("r", [name]):
            pass


def test_screen_text_with_half_characters_survives_the_way(broker: Broker) -> None:
    assert broker.decide(case(target(node("button", "14 \u202e 🙂")))).decision.verdict == "allow"


# ---------------------------------------------------------------- counters


class Says:
    """Answers as told and remembers what it was asked."""

    def __init__(self, answer: str, bound: bool = True) -> None:
        self.answer, self.bound, self.asked = answer, bound, list[Question]()

    def ask(self, question: Question) -> Approval:
        self.asked.append(question)
        answer = Approval(self.answer, "Ada")  # type: ignore[arg-type]
        return question.answered(answer) if self.bound else answer


def keeper(approver: Any = None, *names: str, **limits: Any) -> Keeper:
    return Keeper("run-1", PolicySet.load(names or ("booking",), narrow(**limits)), approver or DenyApprover())


def test_one_purchase_is_the_most_unless_more_are_allowed() -> None:
    one = keeper()
    assert one.clear(case(pay())).permit
    again = one.clear(case(pay("Pay 1.00 EUR"), step=2))
    assert (again.permit, again.decision.rules) == (None, ("house/buys-used-up",))


def test_a_purchase_that_was_not_carried_out_does_not_count() -> None:
    one = keeper()
    permit = one.clear(case(pay())).permit
    assert permit
    nonce = json.loads(permit.body)["nonce"]
    assert one.void(nonce) and not one.void(nonce) and not one.void("unknown")
    assert one.clear(case(pay(), step=2)).permit


def test_what_an_earlier_run_may_have_bought_counts_until_somebody_has_looked() -> None:
    policies = PolicySet.load(("booking",), narrow())
    one = Keeper("run-2", policies, DenyApprover(), {"acts": 3, "buys": 1, "submits": 1}, {"ab12": "buy"})
    assert one.clear(case(pay())).decision.rules == ("house/buys-used-up",)
    assert not one.void("cd34") and one.clear(case(pay(), step=2)).permit is None
    assert one.void("ab12") and not one.void("ab12")
    assert one.clear(case(pay(), step=3)).permit and one.clear(case(pay(), step=4)).permit is None


def test_permits_may_be_voided_only_so_often() -> None:
    one = keeper(anomalies=all_anomalies("note"))
    for step in range(20):
        permit = one.clear(case(pay(), step=step)).permit
        assert permit and one.void(json.loads(permit.body)["nonce"])
    permit = one.clear(case(pay(), step=20)).permit
    assert permit and not one.void(json.loads(permit.body)["nonce"])


def test_the_same_act_is_counted_wherever_the_pointer_stood() -> None:
    one = keeper(Says("denied"))
    button = target(node("button", "Save"))
    verdicts = [one.clear(case(button, n, action=Click(at=Point(n, 3)))).decision.verdict for n in range(4)]
    assert verdicts == ["allow", "allow", "allow", "ask"]


def test_an_earlier_step_is_refused() -> None:
    one = keeper()
    assert one.clear(case(DAY, step=3)).permit
    assert one.clear(case(DAY, step=2)).decision.reason == "the step is earlier than one already cleared"


def test_typing_is_told_apart_by_its_text() -> None:
    one = keeper()
    for n in range(25):
        assert one.clear(case(target(field()), n, action=TypeText(text=str(n)))).permit


# ---------------------------------------------------------------- approval


@pytest.mark.parametrize("answer", ["denied", "timeout", "nobody"])
def test_anything_but_a_yes_brings_no_permit(answer: str) -> None:
    person = Says(answer)
    clearance = keeper(person).clear(case(pay("Pay 900.00 EUR")))
    assert (clearance.permit, clearance.decision.verdict, len(person.asked)) == (None, "ask", 1)
    assert clearance.approval and clearance.approval.answer == answer


def test_a_yes_brings_a_permit_for_what_was_shown() -> None:
    person = Says("approved")
    one = case(pay("Pay 900.00 EUR"))
    clearance = keeper(person).clear(one)
    assert clearance.permit and json.loads(clearance.permit.body)["target_digest"] == one.target.digest
    assert person.asked[0].target == one.target and person.asked[0].action == one.action


def test_a_yes_that_is_not_bound_to_the_act_brings_none() -> None:
    assert keeper(Says("approved", bound=False)).clear(case(pay("Pay 900.00 EUR"))).permit is None


def test_nobody_is_asked_about_what_is_refused_anyway() -> None:
    person = Says("approved")
    one = keeper(person)
    for refused in (pay("Pay 900.00 EUR", origin="https://evil.example"), target(node("button", "Delete"))):
        assert one.clear(case(refused)).permit is None
    assert person.asked == []


def test_a_yes_counts_as_a_purchase() -> None:
    one = keeper(Says("approved"))
    assert one.clear(case(pay("Pay 900.00 EUR"))).permit
    assert one.clear(case(pay("Pay 901.00 EUR"), step=2)).decision.verdict == "deny"


# ---------------------------------------------------------------- the gate


def acts(broker: Broker) -> int:
    return int(str(broker.decide(case(DAY)).facts["context"]["acts"]))


def test_the_gate_brings_the_page_along() -> None:
    with Broker("run-1", ["booking"], narrow()) as broker:
        gate = Gate(broker)
        button = pay("Pay now")
        bare = gate.clear(1, CLICK, button, seen())
        stated = gate.clear(1, CLICK, button, seen(node("text", "Total: 89.00 EUR")))
        assert (bare.decision.verdict, stated.decision.verdict) == ("ask", "allow")
        assert gate.public_key == broker.public_key and gate.policy_digest == broker.policy_digest


def test_the_gate_refuses_what_would_need_a_rehearsal(tmp_path: Path) -> None:
    path = tmp_path / "try.cedar"
    path.write_text(
        """@id("all") @because("all") permit (principal, action, resource);
        @id("try") @because("try it first") @escalate("rehearse")
        forbid (principal, action, resource) unless { context.rehearsed };"""
    )
    with Broker("run-1", [path], narrow()) as one:
        assert one.decide(case(DAY)).decision.verdict == "rehearse"
        clearance = Gate(one).clear(1, CLICK, DAY, seen())
        assert (clearance.permit, clearance.decision.verdict) == (None, "deny")
        assert clearance.decision.reason == "rehearsal is not available on this surface"


@pytest.mark.parametrize(
    ("status", "counts"), [("done", True), ("unknown", True), ("stale", False), ("refused", False), ("failed", False)]
)
def test_the_gate_takes_back_what_never_happened(broker: Broker, status: Any, counts: bool) -> None:
    gate = Gate(broker)
    before = acts(broker)
    clearance = gate.clear(1, CLICK, DAY, seen())
    gate.settle(clearance, Receipt(status, CLICK if counts else None, 0.0, 0.0))
    assert acts(broker) == before + counts


# ---------------------------------------------------------------- a broker that is lost


def started(**told: Any) -> Broker:
    return Broker("run-1", ["booking"], narrow(), **told)


def refuses_everything(lost: Broker) -> None:
    for call in (lambda: lost.clear(case(DAY)), lambda: lost.sign("run-1", 1, "ab"), lambda: lost.void("x")):
        with pytest.raises(BrokerLost):
            call()


def test_a_killed_broker_is_lost_for_good() -> None:
    with started() as one:
        os.kill(one.pid, signal.SIGKILL)
        refuses_everything(one)


def test_a_hanging_broker_is_lost_within_its_bound() -> None:
    with started(answer_s=0.3) as one:
        os.kill(one.pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(BrokerLost, match="no answer"):
            one.clear(case(DAY))
        assert time.monotonic() - began < 3
        refuses_everything(one)


def test_a_broker_that_was_never_started_or_is_closed_is_lost() -> None:
    refuses_everything(started())
    with started() as one:
        pass
    refuses_everything(one)
    one.close()


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x00",
        framed(b"")[:3],
        framed(b""),
        framed(b"hello"),
        framed(b"[]"),
        framed(b"{}"),
        framed(b'{"decision": {"verdict": "allow"}}'),
        framed(b'{"permit": ["x", "zz"]}'),
        framed(b'{"broken": "ValueError"}'),
        (LARGEST + 1).to_bytes(4, "big"),
        b"HTTP/1.1 200 OK\r\n\r\n",
        framed(b'{"decision":{"verdict":"sure","rules":[],"errors":[],"reason":""},"permit":null}'),
    ],
)
def test_a_broker_that_talks_garbage_is_lost(garbage: bytes) -> None:
    ours, theirs = socket.socketpair()
    one = started(answer_s=1.0)
    one._channel = Channel(ours)

    def babble() -> None:
        with theirs:
            theirs.recv(65536)
            theirs.sendall(garbage)

    thread = threading.Thread(target=babble)
    thread.start()
    with pytest.raises(BrokerLost):
        one.clear(case(DAY))
    thread.join()
    refuses_everything(one)


def test_a_question_it_cannot_read_ends_the_run(broker: Broker) -> None:
    with started() as one, pytest.raises(BrokerLost, match="failed on a question"):
        one._asked({"ask": "mint", "case": {}}, 5.0)


def test_a_message_that_is_too_large_is_not_sent() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(ChannelBroken, match="too large"):
        Channel(ours).send({"text": "x" * (LARGEST + 1)}, 1.0)


def test_messages_come_whole_and_in_order_and_every_wait_ends() -> None:
    ours, theirs = socket.socketpair()
    one, other, large = Channel(ours), Channel(theirs), {"text": "\u00fc" * 1_000_000}
    thread = threading.Thread(target=one.send, args=(large, 20.0))
    thread.start()
    assert other.receive(20.0) == large
    thread.join()
    for n in range(3):  # all of them may have come at once
        one.send({"n": n}, 5.0)
    assert [other.receive(5.0)["n"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ChannelBroken, match="no answer in time"):
        other.receive(0.1)
    with pytest.raises(ChannelBroken, match="not taken in time"):
        one.send(large, 0.1)
    other.close()
    for call in (lambda: one.receive(None), lambda: one.send({}, 1.0)):
        with pytest.raises(ChannelBroken):
            call()
    one.close()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1]


def test_the_broker_dies_with_its_parent() -> None:
    script = """
import time
from policies.broker import Broker
broker = Broker("run-1", ["observe"]).__enter__()
print(broker.pid, flush=True)
time.sleep(60)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": ROOT}
    )
    assert child.stdout
    pid = int(child.stdout.readline())
    assert alive(pid)
    child.kill()
    child.wait()
    child.stdout.close()
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


def test_the_process_listens_nowhere_and_knows_no_secret(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_CARD", "4111111111111111")
    with started() as one:
        links = [str(link.readlink()) for link in Path(f"/proc/{one.pid}/fd").iterdir()] if os.getuid() == 0 else []
        assert sum(link.startswith("socket:") for link in links) <= 1
        if links:
            assert b"4111111111111111" not in Path(f"/proc/{one.pid}/environ").read_bytes()


def test_every_case_needs_its_own_permit(broker: Broker) -> None:
    one, two = (broker.clear(Case(1, CLICK, replace(DAY, url=AIR))).permit for _ in range(2))
    assert one and two and json.loads(one.body)["nonce"] != json.loads(two.body)["nonce"]


def test_every_field_of_a_target_survives_the_way_to_the_broker() -> None:
    """Else the permit would bind another digest than the hand finds, and every act would be stale."""
    form = Form("POST", "https://air.example/pay", "Pay 1.00 EUR", "state-of-fields")
    thing = Node("1", "button", "Pay", Rect(1, 2, 3, 4), "v", False, True, True, False, True, True, True, True,
                 "https://air.example", "https://air.example/x", "cc-number", form, "button", True,
                 "form/button", "row 1")  # fmt: skip
    whole = Target("browser", thing, Point(2, 3), "https://air.example", "https://air.example/y", "app", "window",
                   Rect(0, 0, 9, 9), "ab", "https://air.example/pay", True, thing, "cd")  # fmt: skip
    assert all(getattr(whole, name) for name in Target.__dataclass_fields__)
    assert all(getattr(form, name) for name in Form.__dataclass_fields__)
    back = case_from(json.loads(json.dumps(case_to(Case(1, Click(at=Point(2, 3)), whole)))))
    assert back.target == whole
    assert back.target.digest == whole.digest
