"""The act that a request on the wire comes from, and whether the leave that was given for the act covers the request.

Pure. What it cannot know is which script of a page sent what: everything that leaves soon after an act counts as
caused by it, and whether that is enough depends on what is sent, where to and for how much.
"""

from __future__ import annotations

from dataclasses import dataclass

from actuators.observation import Target
from policies.consequence import Consequence
from policies.money import Money
from policies.place import origin_of
from policies.request import Counters
from policies.sent import Sent, recipient

__all__ = ["CAUSED_S", "ONCE", "Cause", "aimed", "uncovered"]

CAUSED_S = 10.0
"""A request that leaves later than this after a permit was minted comes from nobody's act."""
ONCE = frozenset({"buy", "send", "delete", "reveal", "unknown"})
"""Kinds of which one act covers one request."""
_SENDS = frozenset({"submit", *ONCE})


@dataclass(frozen=True, slots=True)
class Cause:
    """The act that a permit was minted for last."""

    step: int
    target: Target
    consequence: Consequence
    counters: Counters
    """What they were before this act."""
    at: float
    """Seconds of `time.monotonic`."""
    approved_by: str = ""
    spent: frozenset[str] = frozenset()
    """Kinds of `ONCE` for which a request was let go already."""
    rehearsed: bool = False
    recipients: tuple[str, ...] = ()
    """Whom the act's own fields name (`policies.recipients`)."""
    shown: tuple[str, ...] = ()
    """Shapes of what a rehearsal of the act would have sent."""


def uncovered(cause: Cause | None, sent: Sent, effect: Consequence, now: float) -> str:
    """Why the leave for the act does not reach as far as this request; empty when it does."""
    if cause is None or now - cause.at > CAUSED_S:
        return "no act of the agent asked for it"
    judged = cause.consequence
    if judged.kind not in _SENDS:
        return f"the act before it was judged to {judged.kind}, not to send"
    if effect.rank > judged.rank:
        return f"it would {effect.kind}, the act before it was judged to {judged.kind}"
    if effect.kind in ONCE and effect.kind in cause.spent:
        return f"the act before it was one {effect.kind}, and this would be a second"
    if cause.rehearsed and not sent.reads and sent.shape not in cause.shown:
        return "it is not what the rehearsal showed"
    if not aimed(cause, sent):
        return "it goes somewhere else than the act before it was judged to"
    if cause.recipients and (others := set(sent.recipients) - set(cause.recipients)):
        return f"it is for {min(others)}, whom the act before it did not name"
    return _dearer(sent, judged)


def aimed(cause: Cause | None, sent: Sent) -> bool:
    """Whether a request goes to where the act before it was judged to lead; what goes elsewhere is another matter."""
    return cause is not None and recipient(sent) in _recipients(cause.target)


def _recipients(target: Target) -> set[str]:
    """Where the act was judged to lead: what it declares, else the page's own origin."""
    declared = {origin_of(target.destination)} if target.destination else set()
    if target.node is not None and target.node.form is not None and target.node.submits:
        declared.add(origin_of(target.node.form.action))
    return (declared or {origin_of(target.origin)}) - {""}


def _dearer(sent: Sent, judged: Consequence) -> str:
    amount, known = sent.amount, judged.amount_minor
    if sent.unclear:
        return "the amount in it cannot be read"
    if len(set(sent.amounts)) > 1:
        return "it names several amounts"
    if amount is None or known is None:
        return ""
    if amount.minor != known or (amount.currency and amount.currency != judged.currency):
        return f"it names {amount}, the act before it was judged as {Money(known, judged.currency)}"
    return ""
