"""Asking whoever looks at a console or a terminal, through the store, from the broker's process.

Nobody who listens: no, at once, unless the operator said that such a question waits. An answer counts only if one of
the keys that were on the list when the run began has signed it, over exactly the card that this process wrote. A store
that is away for a while is asked again until the time is up; then the answer is no.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy.exc import SQLAlchemyError

from actuators.action import TypeText, action_digest
from agent.store.keys import trusted
from agent.store.requests import Asked
from agent.store.store import Store
from policies.approval import Answer, AnswerRefused, card_text, checked, digest_of
from policies.approver import Approver, DenyApprover, Question, interruptible
from policies.decision import Approval

__all__ = ["ConsoleApprover", "console_approver"]

OnTimeout = Literal["deny", "wait", "stop"]

POLL_S = 0.1
_AWAY_S = 15.0
NOBODY = "nobody is listening: start `agent console`, or let `agent pending --watch` run in a terminal"
NO_KEY = "no approver's key counts here: start `agent console` once, or name its key in /etc/deskhand/approvers"


class ConsoleApprover:
    """Implements `policies.approver.Approver` on a store.

    Args:
        store: where the questions go.
        keys: public keys, hexadecimal, whose answers count.
        policy_digest: stands on every card.
        wait_s: seconds that a person has.
        on_timeout: `deny` and `stop` end the wait, and the broker knows what silence means; `wait` waits until somebody
            answers, whether anybody listens or not.
    """

    def __init__(
        self, store: Store, keys: Iterable[str], policy_digest: str, wait_s: float, on_timeout: OnTimeout = "deny"
    ) -> None:
        self._store = store
        self._keys = tuple(keys)
        self._policy = policy_digest
        self._wait_s = None if on_timeout == "wait" else wait_s
        self._on_timeout = on_timeout

    def ask(self, question: Question) -> Approval:
        began = time.monotonic()
        try:
            if self._wait_s is not None and not self._heard():
                return question.answered(Approval("nobody", NOBODY))
            card = card_text(question, self._policy)
            asked = self._store.requests.ask(question.run, card, digest_of(card), self._wait_s, self._on_timeout)
        except SQLAlchemyError as error:
            return question.answered(Approval("nobody", f"the store cannot be reached: {type(error).__name__}"))
        try:
            with interruptible():
                answered = self._until_answered(asked)
                closed = not answered and self._closed(asked, "expired")
                decided = None if closed else self._decided(asked, answered)
        except KeyboardInterrupt:
            self._closed(asked, "withdrawn")
            return question.answered(Approval("denied", "the run was stopped", time.monotonic() - began))
        return self._answer(question, asked, decided, time.monotonic() - began)

    def _heard(self) -> bool:
        return any(one.key in self._keys for one in self._store.listeners.alive())

    def _until_answered(self, asked: Asked) -> bool:
        """Wait until the question is open no more, or its time is up. True where an answer stands in the store."""
        while asked.expires_at is None or time.time() < asked.expires_at:
            try:
                if (state := self._store.requests.state(asked.id)) != "open":
                    return state == "decided"
            except SQLAlchemyError:  # it may come back
                time.sleep(5 * POLL_S)
            time.sleep(POLL_S)
        return False

    def _answer(self, question: Question, asked: Asked, decided: tuple[str, str] | None, waited_s: float) -> Approval:
        """What was decided, if anything; an answer that came at the last moment counts."""
        if decided is None:
            return question.answered(Approval("timeout", "nobody answered in time", waited_s))
        try:
            answer = checked(decided[0], decided[1], self._keys, (asked.id, asked.run, asked.digest))
        except AnswerRefused as refused:
            self._taken(asked, f"refused: {refused}")
            return question.answered(Approval("denied", f"an answer that does not count: {refused}", waited_s))
        self._taken(asked, "taken by the run")
        return _approval(question, asked, answer, waited_s)

    def _decided(self, asked: Asked, answered: bool) -> tuple[str, str] | None:
        """Body and signature of the answer. A store that is away has `_AWAY_S` to come back; where an answer is known
        to stand in it, the time that the person had, since silence it was not.
        """
        ends = time.time() + _AWAY_S
        if answered:
            ends = float("inf") if asked.expires_at is None else max(ends, asked.expires_at)
        while True:
            try:
                found = self._store.requests.decided(asked.id)
                return None if found is None else (found.body, found.signature)
            except SQLAlchemyError:
                if time.time() > ends:
                    return None
                time.sleep(5 * POLL_S)

    def _closed(self, asked: Asked, how: Literal["expired", "withdrawn"]) -> bool:
        try:
            return self._store.requests.close(asked.id, how)
        except SQLAlchemyError:
            return False

    def _taken(self, asked: Asked, came_of_it: str) -> None:
        """Tell those who look on; the run does not wait for it."""

        def told() -> None:
            with suppress(SQLAlchemyError):
                self._store.requests.taken(asked.id, came_of_it)

        threading.Thread(target=told, name="taken").start()


def _approval(question: Question, asked: Asked, answer: Answer, waited_s: float) -> Approval:
    said = Approval(answer.answer, answer.by, waited_s, request=asked.id, grant_s=answer.grant_s)
    bound = question.answered(said)
    if answer.answer != "approved" or not answer.value:
        return bound
    if question.sent is not None or not isinstance(question.action, TypeText):
        return replace(bound, answer="denied", by=f"{answer.by}: there is nothing here that could be changed")
    instead = question.action.model_copy(update={"text": answer.value})
    return replace(bound, value=answer.value, action_digest=action_digest(instead))


def console_approver(hello: Mapping[str, Any], policy_digest: str) -> Approver:
    """The approver that the agent's greeting names. Never raises: what is missing is an approver that says why."""
    narrow, asking = hello["narrow"], hello["asking"]
    try:
        keys = trusted()
        store = Store(str(asking["store"]), pool=1)
    except Exception as error:
        return DenyApprover(" ".join(str(error).split()) or type(error).__name__)
    if not keys:
        return DenyApprover(NO_KEY)
    return ConsoleApprover(store, keys, policy_digest, float(hello["approve_s"]), narrow.get("on_timeout") or "deny")
