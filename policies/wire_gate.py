"""The gate at the wire, in the agent's process: each request that waits goes to the broker, and goes on or stays.

It remembers what it kept back, so that the loop can say why nothing happened, and it tells the trail. When the broker
or the trail breaks, everything is kept back from then on, and the loop hears of it at its next question.

It does not see what never reaches the browser's network stack, and it believes the browser about who sends what.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from policies.broker import Broker
from policies.decision import Clearance
from policies.sent import Sent, sent_of
from sandboxes.wire import Held

__all__ = ["Outgoing", "WireGate"]

_INSIDE = frozenset({"data", "blob"})
"""Addresses that name something the page already has; nothing leaves the browser for them."""
_OWN = frozenset({"document", "xhr", "fetch", "message"})
_SENDING = frozenset({"submit", "send", "buy", "delete", "reveal", "unknown"})
_MOST_KEPT = 200


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request and what became of it."""

    sent: Sent
    clearance: Clearance
    beside: bool = False
    """Another request of the same act went, so this one is not what the act was for."""

    @property
    def released(self) -> bool:
        return self.clearance.released

    @property
    def plain_read(self) -> bool:
        """A read that was let go: there is nothing to tell."""
        found = self.clearance.consequence
        return self.released and found is not None and found.kind == "look"

    @property
    def own(self) -> bool:
        """Whether the act before it, which was allowed to send, comes to nothing without this request.

        What a page sends to somebody else meanwhile (counting visitors, say) is not what the act was for.
        """
        aimed = self.clearance.facts.get("aimed") is True and not self.beside
        return aimed and self.sent.kind in _OWN and not self.sent.reads and self._caused in _SENDING

    @property
    def step(self) -> int:
        """Of the act before it; 0 where there was none."""
        return int(self.clearance.facts.get("context", {}).get("step", 0))

    @property
    def _caused(self) -> str:
        """What the act before it was judged to do; empty where there was none."""
        return str(self.clearance.facts.get("context", {}).get("sent", {}).get("cause", ""))

    @property
    def why(self) -> str:
        """Why it was kept back, on one line."""
        decision = self.clearance.decision
        reasons = [decision.reason or ", ".join(decision.rules), str(self.clearance.facts.get("uncovered", ""))]
        if self.clearance.approval is not None:
            reasons.append({"nobody": "nobody was there to ask"}.get(self.clearance.approval.answer, "no was said"))
        return "; ".join(filter(None, reasons))


class WireGate:
    """Implements `sandboxes.wire.WireJudge` with the broker of one run.

    Args:
        broker: decides.
        leaks: names of the secrets that a request would carry to where they may not go.
        told: hears of everything but plain reads that were let go.
        clean: takes secrets out of a value that a person is shown; without it they are shown none.
    """

    def __init__(
        self,
        broker: Broker,
        leaks: Callable[[Held], tuple[str, ...]],
        told: Callable[[Outgoing], None],
        clean: Callable[[str], str] | None = None,
    ) -> None:
        self._clean = clean
        self._broker = broker
        self._leaks = leaks
        self._told = told
        self._kept: list[Outgoing] = []
        self._went: set[int] = set()
        self._broken: Exception | None = None

    def __call__(self, held: Held) -> bool:
        """Whether the request may go. Never raises: what goes wrong keeps it back."""
        if self._broken is not None:
            return False
        if held.url.partition(":")[0].lower() in _INSIDE and held.kind != "document":
            return True
        try:
            return self._judged(held)
        except Exception as error:
            self._broken = error
            return False

    def _judged(self, held: Held) -> bool:
        sent = sent_of(held, self._leaks(held), self._clean)
        outgoing = Outgoing(sent, self._broker.send(sent))
        if not outgoing.plain_read:
            self._told(outgoing)
        if outgoing.released and outgoing.own:
            self._went.add(outgoing.step)
        if not outgoing.released and len(self._kept) < _MOST_KEPT:
            self._kept.append(outgoing)
        return outgoing.released

    def kept(self) -> tuple[Outgoing, ...]:
        """What was kept back since the last call, oldest first.

        Raises:
            Exception: the one that broke the gate.
        """
        if self._broken is not None:
            raise self._broken
        kept, self._kept = self._kept, []
        return tuple(replace(one, beside=one.step in self._went) for one in kept)
