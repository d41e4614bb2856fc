"""An operator's answer to a question: whether they may give it, signed with the console's key, and given once."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.console.doors import Refused
from agent.store.keys import sign
from agent.store.people import Operator, may
from agent.store.requests import Asked
from agent.store.store import Store
from policies.approval import LONGEST_GRANT_S, Answer, Said, digest_of

__all__ = ["Wish", "decide", "escalate", "may_answer"]

_LONGEST_TEXT = 10_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to say to a question."""

    answer: Said
    digest: str
    """Of the card that they were shown."""
    value: str = ""
    minutes: int = 0
    """How long the like of it needs no further yes; 0: only this once."""


def may_answer(operator: Operator, asked: Asked) -> str:
    """Why an operator may not answer, as a code; empty when they may."""
    if not may(operator.role, "approver"):
        return "role"
    if asked.assigned and asked.assigned != operator.name and not may(operator.role, "admin"):
        return "assigned"
    return ""


def decide(store: Store, key: Ed25519PrivateKey, operator: Operator, asked: Asked, wish: Wish, channel: str) -> None:
    """Give the answer.

    Raises:
        Refused: they may not, it is not what was shown, or another answer won.
    """
    if code := may_answer(operator, asked):
        raise Refused(code)
    told = asked.told
    if wish.value and (told["value"] is None or wish.answer != "approved" or len(wish.value) > _LONGEST_TEXT):
        raise Refused("value", 400)
    if wish.minutes and (told["scope"] is None or not 1 <= wish.minutes <= LONGEST_GRANT_S // 60):
        raise Refused("scope", 400)
    if wish.digest != asked.digest or digest_of(asked.card) != asked.digest:
        raise Refused("it is not what was shown", 409)
    grant_s = wish.minutes * 60 if wish.answer == "approved" and not wish.value else 0
    now = round(time.time(), 3)
    answer = Answer(asked.id, asked.run, wish.digest, wish.answer, operator.name, now, wish.value, grant_s)
    body, signature = sign(answer, key)
    lost = store.requests.decide(answer, body, signature, channel)
    if lost is not None:
        raise Refused(lost.why, 409)
    if wish.answer == "stopped":
        store.runs.stop(asked.run, operator.name)


def escalate(store: Store, operator: Operator, asked: Asked, to: str, why: str) -> None:
    """Hand a question to somebody else. Raises `Refused`."""
    if code := may_answer(operator, asked):
        raise Refused(code)
    other = store.people.get(to)
    if other is None or other.name == operator.name or not may(other.role, "approver"):
        raise Refused("to", 400)
    if not store.requests.escalate(asked.id, operator.name, to, why):
        raise Refused("its time has run out, or it was decided", 409)
