"""The one way from a proposal to a permit: what is seen goes to the broker, what comes back is an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from actuators.action import Action
from actuators.observation import Observation, Target
from actuators.receipt import Receipt
from policies.broker import Broker
from policies.decision import Clearance, Decision
from policies.files import files_of
from policies.request import Case, Rehearsed
from policies.scene import scene_of, texts_of

__all__ = ["Gate"]

_ASKED = 4_000
_NO_REHEARSAL = "rehearsal is not available on this surface"


class Gate:
    """Asks the broker. Holds no state of its own; `uploads` are the files that a page may be given."""

    def __init__(self, broker: Broker, uploads: Sequence[Path] = ()) -> None:
        self._broker = broker
        self._uploads = tuple(uploads)

    @property
    def public_key(self) -> bytes:
        return self._broker.public_key

    @property
    def policy_digest(self) -> str:
        return self._broker.policy_digest

    def clear(
        self,
        step: int,
        action: Action,
        target: Target,
        seen: Observation,
        mismatch: bool = False,
        confidence: float | None = None,
        rehearse: Callable[[Action, Target], Rehearsed | None] | None = None,
        asked: str = "",
        read: tuple[str, ...] = (),
    ) -> Clearance:
        """Leave to act, or the reason why not.

        Args:
            step: number of the step, from 0.
            action: what is to be done.
            target: what it would touch.
            seen: the look on which it was decided.
            mismatch: what lies there contradicts the words of the model.
            confidence: of the model, 0 to 1.
            asked: the goal and the current step, in words: an act that contradicts them is odd.
            read: what was read on the pixels, beside what the surface says.
            rehearse: does the act where nothing can come of it; None from it means that it cannot be rehearsed.

        Raises:
            BrokerLost: nothing may be done any more.
        """
        scene, texts, files = scene_of(target, seen), texts_of(seen, read), files_of(action, self._uploads)
        case = Case(step, action, target, scene, mismatch, confidence, asked=asked[:_ASKED], texts=texts, files=files)
        clearance = self._broker.clear(case)
        if clearance.decision.verdict != "rehearse":
            return clearance
        shown = rehearse(action, target) if rehearse is not None else None
        if shown is not None:
            clearance = self._broker.clear(replace(case, rehearsed=True, shown=shown.shown, told=shown.told))
            if clearance.decision.verdict != "rehearse":
                return clearance
        rules, errors = clearance.decision.rules, clearance.decision.errors
        return replace(clearance, decision=Decision("deny", rules, errors, _NO_REHEARSAL), permit=None)

    def foreseen(
        self, step: int, action: Action, target: Target, seen: Observation, mismatch: bool = False, asked: str = ""
    ) -> Clearance:
        """What the answer would be. No permit, nobody is asked, nothing is counted. Raises BrokerLost."""
        files = files_of(action, self._uploads)
        scene, texts = scene_of(target, seen), texts_of(seen)
        return self._broker.decide(
            Case(step, action, target, scene, mismatch, asked=asked[:_ASKED], texts=texts, files=files)
        )

    def void(self, clearance: Clearance) -> bool:
        """Tell the broker that somebody looked and the act has not happened. Raises BrokerLost."""
        return clearance.permit is not None and self._broker.void(json.loads(clearance.permit.body)["nonce"])

    def undone(self, nonces: Iterable[str]) -> None:
        """Tell the broker that acts of an earlier run, by their permits, have not happened. Raises BrokerLost."""
        for nonce in nonces:
            self._broker.void(nonce)

    def settle(self, clearance: Clearance, receipt: Receipt) -> None:
        """Tell the broker how a permit ended, so that an act that never happened does not count. Raises BrokerLost."""
        if (
            clearance.permit is not None
            and receipt.performed is None
            and receipt.status in ("refused", "stale", "failed")
        ):
            self._broker.void(json.loads(clearance.permit.body)["nonce"])
