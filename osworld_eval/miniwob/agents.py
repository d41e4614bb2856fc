"""Who plays: models, and the two yardsticks, which are models like any other and go through the same runtime."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from actuators.action import Action, Click, Drag, PressKeys, Scroll, TypeText
from actuators.geometry import Point
from actuators.observation import Observation
from model.base import Act, Blocked, Done, Finish, Instruction, Model, Perception, Reply
from osworld_eval.miniwob.oracle import Oracle, Stuck, oracle_for
from osworld_eval.miniwob.page import Look

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["ORACLE", "RANDOM", "Agent", "OraclePlayer", "PixelsOnly", "RandomPlayer", "agent_named", "fingerprint"]

ORACLE, RANDOM = "oracle", "random"


class Agent(Protocol):
    """Gives one model for each episode; what is dear to load is loaded once."""

    @property
    def name(self) -> str: ...

    def model_for(self, task: str, seed: int, page: Page) -> Model: ...

    def close(self) -> None: ...


def agent_named(name: str, perception: Perception, device: str = "auto") -> Agent:
    """The yardsticks `oracle` and `random`, or whatever `model.load` knows by that name. Raises `ModelError`."""
    if name == ORACLE:
        return _Oracles()
    if name == RANDOM:
        return _Randoms()
    from model.load import load_model

    return _Loaded(load_model(name, device=device), perception)


def fingerprint(name: str) -> str:
    """Tells a checkpoint folder from what lay there before by names, sizes and times; empty for other names."""
    import hashlib

    folder = Path(__file__).parents[2] / "model" / "pilot" if name == "pilot" else Path(name).expanduser()
    if name in (ORACLE, RANDOM) or not folder.is_dir():
        return ""
    stats = sorted((one.name, one.stat().st_size, one.stat().st_mtime_ns) for one in folder.iterdir() if one.is_file())
    return hashlib.sha256(repr(stats).encode()).hexdigest()[:16]


class _Loaded:
    def __init__(self, model: Model, perception: Perception) -> None:
        self._model = model
        self._perception = perception

    @property
    def name(self) -> str:
        return self._model.name

    def model_for(self, task: str, seed: int, page: Page) -> Model:
        return PixelsOnly(self._model) if self._perception == "pixels" else _Kept(self._model)

    def close(self) -> None:
        self._model.close()


class _Oracles:
    name = ORACLE

    def model_for(self, task: str, seed: int, page: Page) -> Model:
        return OraclePlayer(task, page)

    def close(self) -> None:
        """Nothing to end."""


class _Randoms:
    name = RANDOM

    def model_for(self, task: str, seed: int, page: Page) -> Model:
        return RandomPlayer(f"{task}/{seed}")

    def close(self) -> None:
        """Nothing to end."""


class _Kept:
    """A model that outlives the run it is lent to."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """See `Model.propose`."""
        return self._model.propose(asked, history, seen, perception)

    def close(self) -> None:
        """The one who lent it closes it."""


class PixelsOnly(_Kept):
    """Keeps from a model what the runtime knows from the page and not from the picture.

    The history tells what was done without the words of what was under the point, and the reason of an act is kept
    from the loop, which would compare its words with those of the page and ask again.
    """

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self._acts: dict[int, Action] = {}

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """See `Model.propose`."""
        told = [self._blind(step) for step in history]
        reply = self._model.propose(asked, told, replace(seen, nodes=()), "pixels")
        if isinstance(reply.move, Act):
            self._acts[seen.seq] = reply.move.action
            reply = replace(reply, move=replace(reply.move, reason=""))
        return reply

    def _blind(self, step: Done) -> Done:
        from model.protocols.computer_use import summary

        action = self._acts.get(step.seen.seq) if step.seen is not None else None
        if action is None:
            return step
        note = step.note.partition(":")[0]
        return replace(step, summary=summary(action, None), note=note)


class OraclePlayer:
    """The scripted oracle of a task as a `Model`: it reads the live page and not the observation."""

    name = ORACLE

    def __init__(self, task: str, page: Page) -> None:
        self._task = task
        self._page = page
        self._oracle: Oracle | None = None
        self._last: Action | None = None

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """See `Model.propose`. Says done when the play is over, blocked where there is none.

        An act that was held back because something changed under the pointer (some things look different once it is
        over them) is asked for again.
        """
        if self._last is not None and history and history[-1].note.startswith("the target changed"):
            return Reply(Act(self._last), "")
        try:
            self._oracle = self._oracle or oracle_for(self._task, Look(self._page))
        except Stuck as problem:
            return Reply(Blocked(str(problem)), "")
        self._last = self._oracle.next()
        return Reply(Act(self._last) if self._last else Finish(), "")

    def close(self) -> None:
        """Nothing to end."""


_KEYS = ("enter", "tab", "down", "up", "left", "right", "backspace")


class RandomPlayer:
    """Acts at random, most often a click anywhere; types words of the goal. The floor of a score."""

    name = RANDOM

    def __init__(self, seed: str) -> None:
        self._dice = random.Random(seed)

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """See `Model.propose`."""
        dice, at = self._dice, self._point(seen)
        action: Action
        match dice.choices(("click", "double", "drag", "type", "key", "scroll"), (70, 5, 10, 8, 4, 3))[0]:
            case "click":
                action = Click(at=at)
            case "double":
                action = Click(at=at, count=2)
            case "drag":
                action = Drag(start=at, end=self._point(seen))
            case "type":
                action = TypeText(text=dice.choice(asked.goal.split() or ["x"]).strip('".,'))
            case "key":
                action = PressKeys(keys=(dice.choice(_KEYS),))
            case _:
                action = Scroll(at=at, dy=dice.choice((-200, 200)))
        return Reply(Act(action), "")

    def close(self) -> None:
        """Nothing to end."""

    def _point(self, seen: Observation) -> Point:
        return Point(self._dice.randrange(seen.screen.width), self._dice.randrange(seen.screen.height))
