"""Who plays: models, and the yardsticks, which are models like any other and go through the same runtime."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from actuators.observation import Observation
from model.base import Done, Instruction, Model, Perception, Reply
from osworld_eval.chance import RANDOM, Chance, Odds
from osworld_eval.osworld.suite import OsworldTask
from osworld_eval.pixels_only import PixelsOnly

__all__ = ["ORACLE", "RANDOM", "Agent", "Metered", "Scripts", "agent_named", "digest_of"]

ORACLE = "oracle"

Scripts = Callable[[OsworldTask], Model]
"""What plays a task as its author would. Raises `ValueError`, one line, for a task that has no script."""


class Agent(Protocol):
    """Gives one model for each attempt; what is dear to load is loaded once."""

    @property
    def name(self) -> str: ...

    @property
    def perception(self) -> Perception:
        """What it is shown. An oracle may be shown more than the rest."""
        ...

    def model_for(self, task: OsworldTask, seed: int) -> Model:
        """Raises ValueError for a task that it cannot play."""
        ...

    def close(self) -> None: ...


def agent_named(name: str, perception: Perception, device: str = "auto", scripts: Scripts | None = None) -> Agent:
    """The yardsticks `oracle` and `random`, or whatever `model.load` knows by that name.

    Raises:
        ModelError: no such model.
        ValueError: there are no scripts for an oracle.
    """
    if name == ORACLE:
        if scripts is None:
            raise ValueError("--agent oracle: only the bundled tasks have an oracle")
        return _Oracles(scripts)
    if name == RANDOM:
        return _Randoms(perception)
    from model.load import load_model

    return Loaded(load_model(name, device=device), perception)


def digest_of(name: str) -> str:
    """What tells one agent from another of the same name: SHA-256 over a checkpoint's files, or over what it is called.

    Raises:
        ModelError: no such model.
    """
    if name in (ORACLE, RANDOM) or "://" in name:
        return hashlib.sha256(name.encode()).hexdigest()
    from model.load import PLAN, checkpoint_folder
    from model.opening import opening

    if name == PLAN:
        return hashlib.sha256(name.encode()).hexdigest()
    folder = checkpoint_folder(opening(name)[0])
    return _of_files(sorted(one for one in folder.iterdir() if one.is_file()))


def _of_files(files: Sequence[Path]) -> str:
    made = hashlib.sha256()
    for path in files:
        own = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(2**20):
                own.update(piece)
        made.update(f"{path.name} {own.hexdigest()}\n".encode())
    return made.hexdigest()


class Loaded:
    """A model that is loaded already; closed with the agent."""

    def __init__(self, model: Model, perception: Perception) -> None:
        self._model = model
        self.perception: Perception = perception

    @property
    def name(self) -> str:
        return self._model.name

    def model_for(self, task: OsworldTask, seed: int) -> Model:
        return PixelsOnly(self._model) if self.perception == "pixels" else self._model

    def close(self) -> None:
        self._model.close()


class _Oracles:
    name = ORACLE
    perception: Perception = "both"

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def model_for(self, task: OsworldTask, seed: int) -> Model:
        return self._scripts(task)

    def close(self) -> None:
        """Nothing to end."""


class _Randoms:
    name = RANDOM

    def __init__(self, perception: Perception) -> None:
        self.perception: Perception = perception

    def model_for(self, task: OsworldTask, seed: int) -> Model:
        return Chance(f"{task.name}/{seed}", _ODDS)

    def close(self) -> None:
        """Nothing to end."""


_ODDS = Odds(
    {"click": 50, "double": 8, "right": 8, "drag": 8, "type": 12, "key": 9, "scroll": 5},
    (
        *(("enter",), ("tab",), ("escape",), ("down",), ("up",)),
        *(("ctrl", "s"), ("ctrl", "a"), ("alt", "f4"), ("delete",)),
    ),
)


@dataclass
class Metered:
    """A model that outlives the run it is lent to, and what was asked of it.

    Every reply counts, also one that the runtime asked again for.
    """

    inner: Model
    seconds: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    last: Reply | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.inner.name

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """See `Model.propose`."""
        began = time.monotonic()
        try:
            reply = self.inner.propose(asked, history, seen, perception)
        finally:
            self.seconds += time.monotonic() - began
        self.prompt_tokens += reply.prompt_tokens
        self.cached_tokens += reply.cached_tokens
        self.output_tokens += reply.output_tokens
        self.last = reply
        return reply

    def close(self) -> None:
        """The one who lent it closes it."""
