"""Who answers a suite: a model, or one of three yardsticks that no model is worth anything without."""

from __future__ import annotations

import random
from typing import Protocol

from actuators.action import Click
from actuators.geometry import Point
from actuators.observation import Observation
from model.base import Act, Blocked, Instruction, Model, ModelError, Perception, Reply
from osworld_eval.grounding.item import Item
from osworld_eval.grounding.suite import key
from osworld_eval.grounding.wording import asked

__all__ = ["YARDSTICKS", "Agent", "ModelAgent", "load_agent"]


class Agent(Protocol):
    """Answers one item at a time. `propose` raises `ModelError` for machinery that broke."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str:
        """What tells two agents of one name apart; empty where nothing does."""
        ...

    def propose(self, item: Item, seen: Observation) -> Reply: ...

    def close(self) -> None: ...


class ModelAgent:
    """Any `Model`, asked without history, one picture at a time."""

    def __init__(self, name: str, model: Model, perception: Perception, template: str) -> None:
        self.name = name
        self.digest = str(getattr(model, "digest", ""))
        self._model = model
        self._perception = perception
        self._template = template

    def propose(self, item: Item, seen: Observation) -> Reply:
        told = Instruction(goal=asked(item.instruction, self._template))
        return self._model.propose(told, [], seen, self._perception)

    def close(self) -> None:
        self._model.close()


class _Yardstick:
    digest = ""

    def close(self) -> None:
        """Nothing to end."""


class RandomPoint(_Yardstick):
    """A pixel drawn evenly from the picture, the same for the same item; refuses nothing."""

    name = "random"

    def propose(self, item: Item, seen: Observation) -> Reply:
        dice = random.Random(key(item))
        return _click(Point(dice.randrange(seen.screen.width), dice.randrange(seen.screen.height)))


class Centre(_Yardstick):
    """The middle of the picture; refuses nothing."""

    name = "centre"

    def propose(self, item: Item, seen: Observation) -> Reply:
        return _click(seen.screen.rect.centre)


class Oracle(_Yardstick):
    """Knows the answers: anything below 100 % is a fault of the suite or of the counting."""

    name = "oracle"

    def propose(self, item: Item, seen: Observation) -> Reply:
        if item.region is None:
            return Reply(Blocked("not on the screen"), "")
        point = item.region.middle(seen.screen)
        if point is None:
            raise ModelError("the region holds no pixel of the picture")
        return _click(point)


YARDSTICKS: dict[str, type[RandomPoint] | type[Centre] | type[Oracle]] = {
    "random": RandomPoint,
    "centre": Centre,
    "oracle": Oracle,
}


def _click(point: Point) -> Reply:
    return Reply(Act(Click(at=point)), "")


def load_agent(name: str, perception: Perception, template: str, device: str = "auto") -> Agent:
    """An agent by name: a yardstick, `pilot`, `plan` or the folder of a checkpoint.

    Raises:
        ModelError: there is none, or it cannot be loaded.
    """
    if name in YARDSTICKS:
        return YARDSTICKS[name]()
    from model.load import load_model

    try:
        return ModelAgent(name, load_model(name, device=device), perception, template)
    except ModelError as problem:
        if str(problem).startswith("no model"):
            raise ModelError(f"{problem}, or a yardstick: {', '.join(YARDSTICKS)}") from None
        raise
