"""A question as a person at a console is shown it, and their answer as they sign it.

The card is made in the broker's process from the resolved target and the held request, never from the model's words.
Its text is what the answer binds to: whoever signs, signs the digest of exactly the card that they were shown, and the
broker compares it with the card that it wrote. An answer is for one question; it is no good for any other.

What it does not protect against: a person who says yes without reading, and a console that shows something else than
it signs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from actuators.action import TypeText, action_digest
from actuators.geometry import Rect
from actuators.observation import Target
from policies.approver import Question, clean, deed
from policies.grants import scope_of
from policies.money import Money

__all__ = ["GRANT_S", "LONGEST_GRANT_S", "Answer", "AnswerRefused", "card_text", "checked", "digest_of", "signed_bytes"]

_DOMAIN = b"deskhand-answer-v1\n"
_LONGEST = 10_000
GRANT_S = 900
"""Seconds that "for the rest of the run" holds unless something else is said."""
LONGEST_GRANT_S = 3600

Said = Literal["approved", "denied", "stopped"]


class AnswerRefused(ValueError):
    """A signature or a body that is no answer to this question. One line."""


def card_text(question: Question, policy_digest: str) -> str:
    """The card as JSON: one line, keys sorted. Texts from the screen are cleaned of what would rearrange them."""
    target, found = question.target, question.consequence
    scope = scope_of(question)
    told: dict[str, Any] = {
        "v": 1,
        "run": question.run,
        "step": question.step,
        "policy": policy_digest,
        "kind": "request" if question.sent is not None else "act",
        "would": deed(question),
        "in": clean(target.origin or target.app or target.window or "an unknown place"),
        "surface": target.surface,
        "leads": clean(target.destination),
        "effect": found.kind,
        "why": clean(found.why),
        "costs": _costs(question),
        "told": [clean(line) for line in question.told[:40]],
        "rules": list(question.decision.rules),
        "reason": clean(question.decision.reason),
        "request": _request(question),
        "box": _box(target),
        "point": [target.point.x, target.point.y] if target.point is not None else None,
        "value": _changeable(question),
        "scope": list(scope.lines()) if scope is not None else None,
        "seen": question.seen,
        "act": action_digest(question.action),
        "target": target.digest,
        "sent": question.sent.digest if question.sent is not None else "",
    }
    return json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def digest_of(card: str) -> str:
    """SHA-256 over the text of a card, hexadecimal."""
    return hashlib.sha256(b"deskhand-question-v1\n" + card.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody says to one question."""

    request: str
    run: str
    digest: str
    """Of the card that they were shown."""
    answer: Said
    by: str
    at: float
    value: str = ""
    """What is to be typed instead; empty: what the card says."""
    grant_s: int = 0
    """How long the like of it needs no further yes in this run; 0: only this once."""

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        told = {name: getattr(self, name) for name in Answer.__slots__}
        return json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def signed_bytes(body: str) -> bytes:
    """The bytes that an answer's signature covers."""
    return _DOMAIN + body.encode()


def checked(body: str, signature: str, keys: Iterable[str], expected: tuple[str, str, str]) -> Answer:
    """The answer, if one of the keys signed it and it is for this question.

    Args:
        body: `Answer.to_json`.
        signature: hexadecimal.
        keys: public keys that count, hexadecimal.
        expected: id of the question, of the run, and digest of the card.

    Raises:
        AnswerRefused: it is not.
    """
    if not any(_signed_by(key, body, signature) for key in keys):
        raise AnswerRefused("no key that counts has signed it")
    answer = _read(body)
    if (answer.request, answer.run, answer.digest) != expected:
        raise AnswerRefused("it is the answer to another question")
    return answer


def _signed_by(key: str, body: str, signature: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), signed_bytes(body))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _read(body: str) -> Answer:
    try:
        plain: Mapping[str, Any] = json.loads(body)
        answer = Answer(**plain)
    except (ValueError, TypeError):
        raise AnswerRefused("it cannot be read") from None
    texts = (answer.request, answer.run, answer.digest, answer.by, answer.value)
    if answer.answer not in get_args(Said) or not all(isinstance(text, str) for text in texts):
        raise AnswerRefused("it cannot be read")
    if not isinstance(answer.grant_s, int) or not 0 <= answer.grant_s <= LONGEST_GRANT_S:
        raise AnswerRefused(f"a yes for the rest of the run holds for {LONGEST_GRANT_S} s at most")
    if len(answer.value) > _LONGEST or not answer.by:
        raise AnswerRefused("it cannot be read")
    return answer


def _costs(question: Question) -> str:
    """The amount in words; empty where nothing is bought."""
    found = question.consequence
    if found.kind != "buy":
        return ""
    return "unknown" if found.amount_minor is None else str(Money(found.amount_minor, found.currency))


def _request(question: Question) -> dict[str, Any] | None:
    """What would be sent: method, address, names of fields with what may be shown of their values, and who gets it."""
    sent = question.sent
    if sent is None:
        return None
    return {
        "what": clean(sent.shown),
        "fields": [[clean(part.name), part.length, part.file, clean(part.value)] for part in sent.parts],
        "size": sent.size,
        "readable": sent.readable,
        "amounts": [str(amount) for amount in sent.amounts],
        "recipients": [clean(one) for one in sent.recipients],
        "commands": [clean(one) for one in sent.commands],
        "leaks": [clean(one) for one in sent.leaks],
    }


def _box(target: Target) -> list[int] | None:
    """Where the target lies on the screen: left, top, right, bottom in screen pixels."""
    rect: Rect | None = target.node.rect if target.node is not None else target.region
    return None if rect is None else [rect.left, rect.top, rect.right, rect.bottom]


def _changeable(question: Question) -> str | None:
    """The text that somebody may replace; None where there is none, or where it holds a secret."""
    action = question.action
    if question.sent is not None or not isinstance(action, TypeText):
        return None
    return None if question.target.secret_field or "<secret:" in action.text.lower() else action.text
