"""A yes for the rest of a run: what it covers, how long, and when a person is asked again all the same.

It covers the like of what was approved: the same effect, in the same place, to the same place, asked for by the same
rules, for no more money and to nobody else. Whatever is worse in any of these, or cannot be told, is asked again.
Nothing odd is ever covered, and nothing whose effect is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.approver import Question, clean
from policies.money import Money
from policies.place import origin_of, place_of

__all__ = ["Grant", "Grants", "Scope", "scope_of"]

_NEVER = frozenset({"house/anomaly-asks"})
"""Rules that ask because of this one step; a yes to it says nothing of the next."""
_MOST_USES = 50


@dataclass(frozen=True, slots=True)
class Scope:
    """What a yes covers."""

    rules: frozenset[str]
    act: str
    """Kind of action, or `request` for one at the wire."""
    effect: str
    place: str
    leads: str
    """Origin and path of where it leads; empty for nowhere."""
    thing: str
    """The very control; empty where the place it leads to says enough."""
    most_minor: int | None
    currency: str
    recipients: frozenset[str]

    def covers(self, other: Scope) -> bool:
        """Whether `other` is on terms that are no worse."""
        mine = (self.act, self.effect, self.place, self.leads, self.thing, self.currency)
        if mine != (other.act, other.effect, other.place, other.leads, other.thing, other.currency):
            return False
        if not other.rules <= self.rules or not other.recipients <= self.recipients:
            return False
        if self.most_minor is None or other.most_minor is None:
            return self.most_minor is other.most_minor
        return other.most_minor <= self.most_minor

    def lines(self) -> Iterator[str]:
        """The scope for a person, one limit a line."""
        yield f"the same kind of act ({self.act.replace('_', ' ')}) with the same effect ({self.effect})"
        yield f"in {clean(self.place) or 'the same place'}" + (
            f", leading to {clean(self.leads)}" if self.leads else ""
        )
        if self.thing:
            yield f"on {clean(self.thing)}"
        if self.most_minor is not None:
            yield f"for {Money(self.most_minor, self.currency)} or less each time"
        if self.recipients:
            yield f"to {', '.join(clean(one) for one in sorted(self.recipients)[:8])} and nobody else"
        yield f"as long as nothing else asks than {', '.join(sorted(self.rules))}"


def scope_of(question: Question) -> Scope | None:
    """What a yes to this question can cover; None where it can cover nothing but itself."""
    found, target, sent = question.consequence, question.target, question.sent
    rules = frozenset(question.decision.rules)
    if found.kind == "unknown" or rules & _NEVER or not rules:
        return None
    if found.kind == "buy" and (found.amount_minor is None or not found.currency):
        return None
    leads = _leads(sent.url if sent is not None else target.destination)
    place = origin_of(target.origin) or target.app
    if not place or leads is None:
        return None
    node = target.node
    named = f'{node.role} "{node.name}"' if node is not None else ""
    if sent is None and not named:
        return None
    exact = sent is None and (not leads or found.kind == "delete")
    return Scope(
        rules=rules,
        act="request" if sent is not None else question.action.kind,
        effect=found.kind,
        place=place,
        leads=f"{sent.method} {leads}" if sent is not None else leads,
        thing=named if exact else "",
        most_minor=found.amount_minor if found.kind == "buy" else None,
        currency=found.currency if found.kind == "buy" else "",
        recipients=frozenset(question.recipients),
    )


def _leads(url: str) -> str | None:
    """Origin and path; empty for nowhere, None where it cannot be read."""
    if not url:
        return ""
    place = place_of(url)
    return f"{place.origin}{place.path}" if place is not None else None


@dataclass(slots=True)
class Grant:
    """One yes for the rest of the run."""

    scope: Scope
    by: str
    ends: float
    """On the clock that `Grants` is asked with."""
    uses: int = 0


class Grants:
    """What was granted in one run. Not thread-safe."""

    def __init__(self) -> None:
        self._grants: list[Grant] = []

    def add(self, question: Question, by: str, seconds: float, now: float) -> bool:
        """Remember a yes; False where it can cover nothing but itself."""
        scope = scope_of(question)
        if scope is None or seconds <= 0:
            return False
        self._grants.append(Grant(scope, by, now + seconds))
        return True

    def covering(self, question: Question, now: float) -> Grant | None:
        """The yes that covers this question, and one use of it is counted."""
        asked = scope_of(question)
        if asked is None:
            return None
        for grant in self._grants:
            if now < grant.ends and grant.uses < _MOST_USES and grant.scope.covers(asked):
                grant.uses += 1
                return grant
        return None
