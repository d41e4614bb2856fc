"""The parts of a run, put together in `agent.wire_up` and used by the loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actuators.action import Action
from actuators.base import Actuator
from actuators.geometry import Screen
from actuators.observation import Observation, Target
from agent.audit.spans import Trail
from agent.checks import Checked
from agent.limits import Limits
from agent.outcome import Ending
from agent.plan import Plan
from agent.reconcile import Look
from agent.watch import Silent, Watch
from agent.wheel import Wheel
from model.base import Done, Model, Perception
from policies.decision import Clearance
from policies.gate import Gate
from policies.wire_gate import Outgoing
from sandboxes.checkpoint import Rewindable, State

if TYPE_CHECKING:
    from agent.rehearsal import Rehearsal

__all__ = ["Judge", "Parts"]

Judge = Callable[[Observation], tuple[list[Checked], Mapping[str, Any]]]
"""All of a task's checks against one observation (none when the task has none), and its outputs as plain data."""


@dataclass(slots=True)
class Parts:
    """Everything a loop touches. `gate` and `trail` are not optional: without them there is no run."""

    actuator: Actuator
    model: Model
    gate: Gate
    trail: Trail
    plan: Plan
    judge: Judge
    limits: Limits
    keep_frame: Callable[[Observation], str]
    """Stores an observation's frame, secrets blacked out, and returns the digest of what was stored."""
    perception: Perception = "both"
    settle_s: float = 3.0
    glance: Callable[[Observation], Observation | None] | None = None
    """The nodes read anew under an earlier picture; None from it where that will not do. None: always look whole."""
    check_s: float = 5.0
    """How long a finished task may take to show what its checks want."""
    blocked_s: float = 3.0
    """How long a screen on which the model sees no way may take to show something else."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when a person says stop: waits end early and no further act begins."""
    watch: Watch = field(default_factory=Silent)
    rehearse: Callable[[Action, Target, Screen], Rehearsal] | None = None
    """Does an act where nothing can come of it; None where the surface cannot."""
    kept_back: Callable[[], Sequence[Outgoing]] = tuple
    """Requests that were held at the wire and kept back since the last call; raises what broke the gate."""
    noticed: Callable[[Clearance], tuple[str, ...]] = lambda clearance: ()
    """Tells the trail and whoever else must know what is odd in an answer of the broker; lines for a person."""
    looks: Sequence[Look] = ()
    """Where to look when an act ended and nobody knows whether it happened."""
    unanswered: Callable[[Collection[str]], Sequence[str]] = lambda sent: ()
    """Which of some requests (`METHOD ADDRESS`) got no answer, and why, one line each; waits a while for them."""
    sent: Callable[[], Sequence[Outgoing]] = tuple
    """What else than plain reads was let go since the last call."""
    keep_state: Callable[[], str] | None = None
    """Keeps a checkpoint of the surface and returns its digest; raises `NotKept`. None where the surface has none."""
    place: Rewindable | None = None
    """The surface as something that can be put back; None where it cannot."""
    state: State | None = None
    """The checkpoint that the surface was started from."""
    start: str = ""
    """The address that the run began at; empty outside a browser."""
    history: Sequence[Done] = ()
    """What earlier runs did, where this one goes on with them."""
    wheel: Wheel | None = None
    """Where a person takes the surface over; None where nobody can."""
    wind_up: Callable[[Ending], tuple[Ending, list[str]]] | None = None
    """Called once when the loop has ended: what becomes of the files that it leaves. None where it leaves none."""
