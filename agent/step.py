"""One pass of the loop, as it is told to whoever listens."""

from __future__ import annotations

from dataclasses import dataclass

from actuators.observation import Observation, Target
from actuators.receipt import Receipt
from model.base import Reply
from policies.decision import Clearance

__all__ = ["Step"]


@dataclass(slots=True)
class Step:
    """Filled in as the step goes on; what did not happen stays None."""

    index: int
    instruction: str
    seen: Observation
    reply: Reply | None = None
    target: Target | None = None
    clearance: Clearance | None = None
    receipt: Receipt | None = None
    after: Observation | None = None
    mismatch: bool = False
    """What lies under the point still contradicts the words after looking closer."""
    rehearsed: tuple[str, ...] = ()
    """What a rehearsal of the act showed, in lines for a person; empty where there was none."""
    noticed: tuple[str, ...] = ()
    """What was odd, in lines for a person."""
    note: str = ""
    """What the model will be told about this step beyond its summary."""
