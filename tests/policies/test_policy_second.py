"""What a person approved carries a second signature, of a key that the agent's process never holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from policy_cases import CLICK, case, narrow, pay

from actuators.action import action_digest
from actuators.permit import Permit, PermitRefused, Verifier, approved_bytes, signed_bytes
from policies.approver import Pen
from policies.broker import Broker
from policies.decide import PolicySet
from policies.decision import Approval
from policies.keeper import Keeper
from policies.wire import clearance_from, clearance_to

DEAR = pay("Pay 900.00 EUR")


class Yes:
    def ask(self, question: Any) -> Approval:
        return question.answered(Approval("approved", "ada"))


def approved() -> tuple[Keeper, Permit]:
    made = Keeper("run", PolicySet.load(["booking"], narrow()), Yes())  # type: ignore[arg-type]
    permit = clearance_from(json.loads(json.dumps(clearance_to(made.clear(case(DEAR)))))).permit
    assert permit is not None and json.loads(permit.body)["approved_by"] == "ada"
    return made, permit


def verifier(made: Keeper, **told: Any) -> Verifier:
    return Verifier(made.public_key, "run", made._policies.digest, told.get("approver_key", made.approver_key))


def test_both_signatures_make_it_good() -> None:
    made, permit = approved()
    assert made.approver_key != made.public_key
    assert verifier(made).accept(permit).approved_by == "ada"


def another(permit: Permit) -> bytes:
    return Ed25519PrivateKey.generate().sign(approved_bytes(permit.body))


@pytest.mark.parametrize(
    "name", ["none", "the broker's", "another key's", "of another permit", "the agent knows no key"]
)
def test_without_the_second_it_is_refused(name: str) -> None:
    made, permit = approved()
    other = {
        "none": b"",
        "the broker's": made._key.sign(approved_bytes(permit.body)),
        "another key's": another(permit),
        "of another permit": approved()[1].approval,
        "the agent knows no key": permit.approval,
    }[name]
    known = {"approver_key": b""} if name == "the agent knows no key" else {}
    with pytest.raises(PermitRefused, match="its approver has not signed"):
        verifier(made, **known).accept(replace(permit, approval=other))


def test_that_nobody_approved_cannot_be_claimed_afterwards() -> None:
    """Taking the name out of the body breaks the broker's own signature."""
    made, permit = approved()
    body = permit.body.replace('"approved_by":"ada"', '"approved_by":""')
    with pytest.raises(PermitRefused, match="not signed by this run's broker"):
        verifier(made).accept(replace(permit, body=body))


def test_a_pen_signs_what_was_approved_and_nothing_else() -> None:
    _, permit = approved()
    yes = Approval("approved", "ada", 0.0, action_digest(CLICK), DEAR.digest)
    pen = Pen()
    assert pen.sign(permit.body, yes)
    for other in (replace(yes, answer="denied"), replace(yes, target_digest="0"), replace(yes, action_digest="0")):
        with pytest.raises(ValueError, match="not what was approved"):
            pen.sign(permit.body, other)


def test_what_nobody_had_to_approve_carries_none() -> None:
    made = Keeper("run", PolicySet.load(["booking"], narrow()), Yes())  # type: ignore[arg-type]
    permit = made.clear(case(pay())).permit
    assert permit is not None and permit.approval == b"" and verifier(made).accept(permit).approved_by == ""


def test_the_agents_process_learns_public_keys_only() -> None:
    """Everything that the client holds after the greeting, and what the process of the broker sent, is public."""
    with Broker("run", ["booking"], narrow()) as broker:
        assert len(broker.approver_key) == len(broker.public_key) == 32 and broker.approver_key != broker.public_key
        kept = [value for value in vars(broker).values() if isinstance(value, bytes)]
        assert sorted(kept) == sorted([broker.public_key, broker.approver_key])


def test_the_two_signatures_are_over_one_digest_and_never_stand_for_each_other() -> None:
    _, permit = approved()
    assert approved_bytes(permit.body) != signed_bytes(permit.body)
    assert approved_bytes(permit.body).startswith(b"deskhand-approval-v1\n") and len(approved_bytes(permit.body)) == 53
