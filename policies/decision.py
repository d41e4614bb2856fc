"""The answer of a policy, with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from actuators.permit import Permit
from policies.consequence import Consequence

__all__ = ["Approval", "Clearance", "Decision", "Verdict"]

Verdict = Literal["allow", "rehearse", "ask", "deny"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules say of one request. `allow` only when a permit rule matched, no forbid did, and nothing erred."""

    verdict: Verdict
    rules: tuple[str, ...] = ()
    """`@id`s of the rules that decided, sorted; empty when no rule matched (which denies)."""
    errors: tuple[str, ...] = ()
    """Rules that failed to evaluate or a request that did not fit the schema; any of them denies."""
    reason: str = ""
    """One line for a person: the deciding rule's `@because`, or why the default applied."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person, or nobody, said to an `ask`."""

    answer: Literal["approved", "denied", "timeout", "nobody", "stopped"]
    """`stopped`: no, and the whole run is to end."""
    by: str = ""
    waited_s: float = 0.0
    action_digest: str = ""
    """Of the one act that was shown. An approval is for this act on this target and nothing else."""
    target_digest: str = ""
    request: str = ""
    """Id of the question in the store, where it was asked there."""
    value: str = ""
    """What is to be typed instead; empty: what was proposed."""
    grant_s: int = 0
    """How long the like of it needs no further yes in this run."""
    granted: bool = False
    """Nobody was asked: an earlier yes for the rest of the run covers it."""


@dataclass(frozen=True, slots=True)
class Clearance:
    """The broker's whole answer: a permit exists only if the act may happen now."""

    decision: Decision
    permit: Permit | None
    approval: Approval | None = None
    consequence: Consequence | None = None
    """What the act was taken to do; None when it was never judged."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the rules were told, for the trail."""

    @property
    def released(self) -> bool:
        """For a request on the wire, which needs no permit: whether it may go."""
        approved = self.approval is not None and self.approval.answer == "approved"
        return self.decision.verdict == "allow" or (self.decision.verdict == "ask" and approved)
