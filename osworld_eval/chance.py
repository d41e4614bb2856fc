"""Acts at random: the floor of a score."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actuators.action import Action, Click, Drag, PressKeys, Scroll, TypeText
from actuators.geometry import Point
from actuators.observation import Observation
from model.base import Act, Done, Instruction, Perception, Reply

__all__ = ["RANDOM", "Chance", "Odds"]

RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Odds:
    """How often what is done."""

    acts: Mapping[str, int]
    """Weights of `click`, `double`, `right`, `drag`, `type` (a word of the goal), `key` and `scroll`."""
    keys: Sequence[tuple[str, ...]]
    """What `key` may press, all alike likely."""


class Chance:
    """A model that acts anywhere on the screen and never says that it is done.

    The same seed acts the same on screens of the same size, whatever they show.
    """

    name = RANDOM

    def __init__(self, seed: str, odds: Odds) -> None:
        self._dice = random.Random(seed)
        self._odds = odds

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """See `Model.propose`."""
        dice, at = self._dice, self._point(seen)
        action: Action
        match dice.choices(tuple(self._odds.acts), tuple(self._odds.acts.values()))[0]:
            case "click":
                action = Click(at=at)
            case "double":
                action = Click(at=at, count=2)
            case "right":
                action = Click(at=at, button="right")
            case "drag":
                action = Drag(start=at, end=self._point(seen))
            case "type":
                action = TypeText(text=dice.choice(asked.goal.split() or ["x"]).strip('".,'))
            case "key":
                action = PressKeys(keys=dice.choice(self._odds.keys))
            case _:
                action = Scroll(at=at, dy=dice.choice((-200, 200)))
        return Reply(Act(action), "")

    def close(self) -> None:
        """Nothing to end."""

    def _point(self, seen: Observation) -> Point:
        return Point(self._dice.randrange(seen.screen.width), self._dice.randrange(seen.screen.height))
