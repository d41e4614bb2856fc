"""A model that is shown the picture and nothing that the runtime knows from the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from actuators.action import Action
from actuators.observation import Observation
from model.base import Act, Done, Instruction, Model, Perception, Reply
from model.lent import Lent

__all__ = ["PixelsOnly"]


class PixelsOnly(Lent):
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
