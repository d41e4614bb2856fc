"""The contract of a model: from what is asked and what is seen to one `Move`.

A move is a wish. It names screen pixels of the observation it was made on and carries no right to act.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from actuators.action import Action
from actuators.geometry import Point
from actuators.observation import Observation

__all__ = [
    "Act",
    "Ask",
    "Blocked",
    "Done",
    "Finish",
    "Instruction",
    "Model",
    "ModelError",
    "Move",
    "Perception",
    "Reply",
    "Unreadable",
]

Perception = Literal["pixels", "both"]
"""`pixels`: the screenshot alone. `both`: the prompt also lists the visible, operable nodes."""


class ModelError(Exception):
    """The model's machinery broke (missing or corrupt checkpoint, out of memory, server gone). One line."""


@dataclass(frozen=True, slots=True)
class Act:
    """One grounded action, with the reason the model gave, if any."""

    action: Action
    reason: str = ""
    kind: Literal["act"] = "act"
    meant: str = ""
    """Id of the one node that this may be done to, where it is known: anything else under the point is refused."""
    wish: str = ""
    """What it is for, in words, where that is not what the plan's step says."""
    still: bool = False
    """Nothing but its target is expected to change: where that is so, what follows needs no new picture."""
    most: str = ""
    """The worst consequence (`policies.consequence.KINDS`) that it may have, where it is known; empty: any."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The model wants a person to decide or to answer."""

    question: str
    kind: Literal["ask"] = "ask"


@dataclass(frozen=True, slots=True)
class Finish:
    """The model says that the instruction is fulfilled. A claim: checks decide."""

    answer: str = ""
    kind: Literal["finish"] = "finish"


@dataclass(frozen=True, slots=True)
class Blocked:
    """The model says that the instruction cannot be carried out on this screen."""

    reason: str = ""
    kind: Literal["blocked"] = "blocked"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The reply was no move. Never happens with constrained decoding."""

    reply: str
    problem: str
    kind: Literal["unreadable"] = "unreadable"


Move = Act | Ask | Finish | Blocked | Unreadable


@dataclass(frozen=True, slots=True)
class Done:
    """One earlier step as the model is told of it. Text already free of secrets."""

    summary: str
    """Short and factual, made from what was performed, for example `left_click button "Search"`."""
    reply: str = ""
    """The model's own words at that step, thoughts removed; used by checkpoints that want whole turns."""
    seen: Observation | None = field(default=None, repr=False)
    note: str = ""
    """Why it did not happen, where it did not: `refused by policy rule buy-limit`, `the target changed`."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """What is asked now."""

    goal: str
    """The task's whole goal."""
    step: str = ""
    """The current sub-goal, where the task has a plan; empty otherwise."""
    values: tuple[str, ...] = ()
    """What the task's inputs and secrets filled into `step`: what there is to type, where it names anything."""
    unfinished: bool = False
    """The runtime knows that the sub-goal is not fulfilled on this observation: saying so would be wrong."""
    hint: str = ""
    """A remark of the runtime for this one call: what was wrong with the last reply."""
    rejected: tuple[Point, ...] = ()
    """Points already proposed on this very observation whose target contradicted the instruction."""
    since: int = 0
    """Index into the history at which the current sub-goal began; earlier steps served other sub-goals."""
    answer: Mapping[str, Any] | None = field(default=None, hash=False)
    """JSON Schema of the answer, where one is wanted as data; `Finish.answer` is then JSON that fits it."""
    number: int = 0
    """Index of the sub-goal in the task's plan."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A move and what it took to get it."""

    move: Move
    text: str
    """The raw reply."""
    confidence: float | None = None
    """Probability of the chosen point or words given the kind of action, 0..1; None where unknown."""
    confidences: tuple[float | None, ...] = ()
    """The same for `move` and each move of `then`, where it is known."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    shown: tuple[str, ...] = ()
    """Digests of the images that the model was given."""
    then: tuple[Move, ...] = ()
    """What the same reply asks for after `move`, made on the same observation; see `model.several`."""


class Model(Protocol):
    """Anything that proposes moves. One run owns it; not thread-safe."""

    @property
    def name(self) -> str: ...

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """One move for what is asked on what is seen. Bounded in time. Raises `ModelError`."""
        ...

    def close(self) -> None: ...
