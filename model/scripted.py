"""A model that says what it was told to say: for tests, demos and replays of a decision. Imports nothing heavy.

It checks what it is given as strictly as a real model would need it, and remembers every call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from actuators.action import Drag, Swipe, pointed
from actuators.geometry import Point
from actuators.observation import Observation
from model.base import Act, Done, Instruction, ModelError, Move, Perception, Reply

__all__ = ["Asked", "Script", "ScriptedModel"]

Script = Sequence[Move | Reply] | Callable[["Asked"], Move | Reply]
"""Moves in order, or a function from what was asked and seen to the next one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call, as it came in."""

    asked: Instruction
    history: tuple[Done, ...]
    seen: Observation
    perception: Perception


class ScriptedModel:
    """A `Model` from a list or a function.

    Args:
        strict: refuse to play a move that points outside the screen, as a mistake of the script.
    """

    def __init__(self, script: Script, name: str = "scripted", strict: bool = True) -> None:
        self._script = script
        self._name = name
        self._strict = strict
        self.calls: list[Asked] = []
        """Everything that was asked, in order."""
        self.closed = False

    @property
    def name(self) -> str:
        return self._name

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """The next scripted move.

        Raises:
            ModelError: the script is over, or the model is closed.
            ValueError: the call or the scripted move makes no sense.
        """
        if self.closed:
            raise ModelError("the model is closed")
        call = Asked(asked, tuple(history), seen, perception)
        _check_call(call)
        said = self._next(call)
        self.calls.append(call)
        reply = said if isinstance(said, Reply) else Reply(move=said, text=repr(said), shown=(seen.digest,))
        if self._strict:
            _check_move(reply.move, seen)
        return reply

    def _next(self, call: Asked) -> Move | Reply:
        if callable(self._script):
            said: Any = self._script(call)
        elif len(self.calls) < len(self._script):
            said = self._script[len(self.calls)]
        else:
            raise ModelError(f"the script is over after {len(self.calls)} moves")
        if not isinstance(said, (*get_args(Move), Reply)):
            raise ValueError(
                f"scripted move {len(self.calls) + 1} is {type(said).__name__}, expected a Move or a Reply"
            )
        return cast(Move | Reply, said)

    def close(self) -> None:
        self.closed = True


def _check_call(call: Asked) -> None:
    if not call.asked.goal.strip():
        raise ValueError("an instruction needs a goal")
    if not 0 <= call.asked.since <= len(call.history):
        raise ValueError(f"since {call.asked.since} lies outside a history of {len(call.history)}")
    if call.perception not in get_args(Perception):
        raise ValueError(f"perception `{call.perception}`, expected pixels or both")
    if not all(isinstance(step, Done) for step in call.history):
        raise ValueError("a history consists of Done values")


def _check_move(move: Move, seen: Observation) -> None:
    if not isinstance(move, Act):
        return
    action = move.action
    points: list[Point] = [action.end] if isinstance(action, Drag | Swipe) else []
    first = pointed(action)
    for point in [*points, *([first] if first is not None else [])]:
        if not seen.screen.contains(point):
            size = f"{seen.screen.width}x{seen.screen.height}"
            raise ValueError(f"scripted move points at ({point.x}, {point.y}), outside the screen of {size}")
