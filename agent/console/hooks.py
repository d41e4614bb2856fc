"""Questions that go out to other programs, and answers that come in from them: both signed, both bounded.

Out: `AGENT_APPROVAL_URL` gets one POST for each question, signed with `AGENT_APPROVAL_KEY` as `agent.alerts` does;
`AGENT_APPROVAL_SHAPE=slack` makes it what a chat's incoming hook understands. Of several consoles one posts it, and one
that starts again posts nothing twice; only where a receiver takes a question and its answer is lost does it come again:
a receiver knows it by its id.

In: a POST to `/answers`, signed in the same way with `AGENT_ANSWER_KEY`, which only the console knows, names an
operator who may answer. A nonce counts once; a timestamp is good for five minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import SQLAlchemyError

from agent.alerts import Alerts, AlertsUnusable, signature
from agent.console.deciding import Wish, decide
from agent.console.doors import Refused
from agent.store.requests import Asked
from agent.store.store import Store

__all__ = ["AnswerHook", "Outgoing", "hook_of", "slack_of", "told_of"]

URL, KEY, SHAPE = "AGENT_APPROVAL_URL", "AGENT_APPROVAL_KEY", "AGENT_APPROVAL_SHAPE"
ANSWER_KEY = "AGENT_ANSWER_KEY"
SKEW_S = 300
LEASE_S = 30.0
"""Seconds that a console has to post what it said it would; longer than all its tries take."""


def told_of(asked: Asked, origin: str) -> dict[str, Any]:
    """A question for programs."""
    left = None if asked.expires_at is None else round(asked.expires_at, 3)
    told = {"kind": "approval", "request": asked.id, "run": asked.run, "digest": asked.digest, "expires_at": left}
    return {**told, "card": asked.told, "at": f"{origin}/requests/{asked.id}"}


def slack_of(asked: Asked, origin: str) -> dict[str, Any]:
    """A question as a chat's incoming hook takes it; what came from the screen is no markup there."""
    card = asked.told
    lines = [f"{card['would']}", f"in {card['in']}"] + ([f"costs {card['costs']}"] if card["costs"] else [])
    plain = {"type": "plain_text", "text": "\n".join(lines)[:2900], "emoji": False}
    link = f"<{origin}/requests/{asked.id}|Open the question>: step {card['step'] + 1}"
    blocks = [{"type": "section", "text": plain}, {"type": "section", "text": {"type": "mrkdwn", "text": link}}]
    return {"text": f"An agent asks: {_flat(card['would'])}"[:300], "blocks": blocks}


def _flat(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class _Post(Alerts):
    """One receiver; sends exactly what it is given, and says whether it arrived."""

    def put(self, told: Mapping[str, Any]) -> bool:
        return self._delivered(json.dumps(told, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace"))

    def give_up(self) -> None:
        """Try no more."""
        self._over.set()


def hook_of(environment: Mapping[str, str], store: Store, origin: str) -> Outgoing | None:
    """The operator's receiver; None where none is named. Raises `AlertsUnusable`."""
    url = environment.get(URL, "").strip()
    if not url:
        return None
    shape = environment.get(SHAPE, "json").strip() or "json"
    if shape not in ("json", "slack"):
        raise AlertsUnusable(f"{SHAPE} takes `json` or `slack`, got `{shape}`")
    try:
        post = _Post(url, environment.get(KEY, ""))
    except AlertsUnusable as error:
        said = str(error).replace("AGENT_ALERT_URL", URL).replace("AGENT_ALERT_KEY", KEY)
        raise AlertsUnusable(said) from None
    return Outgoing(store, post, origin, shape == "slack", url)


class Outgoing:
    """Sends every question while it is open: once, however many consoles share the store and the receiver.

    A console says in the store what it is about to post; one that dies before it has leaves it to the others. Use as a
    context manager.
    """

    def __init__(self, store: Store, post: _Post, origin: str, slack: bool, receiver: str) -> None:
        self._store, self._post, self._origin, self._slack = store, post, origin, slack
        self._mark = hashlib.sha256(f"{receiver} {slack}".encode()).hexdigest()[:16]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True, name="hooks")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._post.give_up()
        self._thread.join(5)

    def _go_on(self) -> None:
        while not self._over.wait(0.5):
            with suppress(SQLAlchemyError):
                self._look()

    def _look(self) -> None:
        named = {f"out:{asked.id}:{self._mark}": asked for asked in self._store.requests.waiting(1000)}
        taken = self._store.people.taken([*named], LEASE_S)
        for name, asked in named.items():
            if self._over.is_set():
                return
            if name in taken or not self._store.people.claimed(name, LEASE_S):
                continue
            told = (slack_of if self._slack else told_of)(asked, self._origin)
            if self._post.put(told):  # else whoever comes after the lease tries again
                self._store.people.finished(name)


class AnswerHook:
    """Takes answers from outside."""

    def __init__(self, store: Store, key: Ed25519PrivateKey, shared: str) -> None:
        self._store, self._key, self._shared = store, key, shared

    def answer(self, body: bytes, stamp: str, signed: str) -> dict[str, Any]:
        """Take one. Raises `Refused`."""
        if not self._shared:
            raise Refused("hooks", 404)
        fresh = stamp.isdecimal() and len(stamp) < 12 and abs(time.time() - int(stamp)) <= SKEW_S
        wanted = signature(self._shared, stamp, body)
        if not fresh or not hmac.compare_digest(signed.encode(), wanted.encode()):
            raise Refused("signature", 401)
        told = _read(body)
        operator = self._store.people.get(told["by"])
        if operator is None:
            raise Refused("role")
        asked = self._store.requests.get(told["request"])
        if asked is None:
            raise Refused("gone", 404)
        if not self._store.people.first_use(told["nonce"]):
            raise Refused("replay", 409)
        wish = Wish(told["answer"], told["digest"], told["value"], told["minutes"])
        decide(self._store, self._key, operator, asked, wish, "webhook")
        return {"request": asked.id, "answer": wish.answer}


def _read(body: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(body)
        told = {name: plain[name] for name in ("request", "digest", "answer", "by", "nonce")}
        texts = all(isinstance(value, str) and 0 < len(value) <= 80 for value in told.values())
        told |= {"value": plain.get("value", ""), "minutes": plain.get("minutes", 0)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused("form", 400) from None
    right = isinstance(told["value"], str) and isinstance(told["minutes"], int)
    if not texts or not right or told["answer"] not in ("approved", "denied", "stopped") or len(told["nonce"]) < 8:
        raise Refused("form", 400)
    return told
