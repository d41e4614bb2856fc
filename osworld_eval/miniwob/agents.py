"""Who plays: models, and the two yardsticks, which are models like any other and go through the same runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from actuators.action import Action
from actuators.observation import Observation
from model.base import Act, Blocked, Done, Finish, Instruction, Model, Perception, Reply
from model.lent import Lent
from osworld_eval.chance import RANDOM, Chance, Odds
from osworld_eval.miniwob.oracle import Oracle, Stuck, oracle_for
from osworld_eval.miniwob.page import Look
from osworld_eval.pixels_only import PixelsOnly

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["ORACLE", "RANDOM", "Agent", "OraclePlayer", "PixelsOnly", "agent_named", "fingerprint"]

ORACLE = "oracle"


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
        return PixelsOnly(self._model) if self._perception == "pixels" else Lent(self._model)

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
        return Chance(f"{task}/{seed}", _ODDS)

    def close(self) -> None:
        """Nothing to end."""


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


_ODDS = Odds(
    {"click": 70, "double": 5, "drag": 10, "type": 8, "key": 4, "scroll": 3},
    (("enter",), ("tab",), ("down",), ("up",), ("left",), ("right",), ("backspace",)),
)
