"""A model that outlives the run it is lent to."""

from __future__ import annotations

from collections.abc import Sequence

from actuators.observation import Observation
from model.base import Done, Instruction, Model, Perception, Reply

__all__ = ["Lent"]


class Lent:
    """Says what the model says; whoever lent it closes it. A `Model`."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """See `Model.propose`."""
        return self._model.propose(asked, history, seen, perception)

    def close(self) -> None:
        """Not the borrower's to end."""
