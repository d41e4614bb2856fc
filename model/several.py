"""A model whose replies may hold several calls: one is given at a time, the next only if it still fits.

Every one of them is judged and permitted on its own, on a fresh observation. What is left of a reply is given up when
the sub-goal changed, the last act was not done, the screen has another size, or the pixels around the next point are
not those that the model saw.
"""

from __future__ import annotations

from collections.abc import Sequence

from actuators.action import pointed
from actuators.geometry import Point
from actuators.observation import Observation
from model.base import Act, Done, Instruction, Model, Move, Perception, Reply

__all__ = ["OneAtATime"]

_AROUND_PX = 24


class OneAtATime:
    """Wraps a model. Same contract."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._left: tuple[Move, ...] = ()
        self._for: tuple[Instruction, Observation, int, Reply] | None = None

    @property
    def name(self) -> str:
        return self._model.name

    def another(self) -> OneAtATime:
        """A further conversation, where the model can have one; else with the same."""
        made = getattr(self._model, "another", None)
        return OneAtATime(self._model if made is None else made())

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """The next call of the last reply, or a new reply."""
        if self._left and self._for is not None and self._fits(asked, history, seen):
            before, old, place, reply = self._for
            move, self._left = self._left[0], self._left[1:]
            self._for = (before, old, place + 1, reply)
            sure = reply.confidences[len(reply.then) - len(self._left) :]
            return Reply(
                move,
                text=reply.text,
                confidence=sure[0] if sure else None,
                confidences=sure,
                shown=reply.shown,
                then=self._left,
            )
        reply = self._model.propose(asked, history, seen, perception)
        self._left, self._for = reply.then, (asked, seen, len(history), reply)
        return reply

    def _fits(self, asked: Instruction, history: Sequence[Done], seen: Observation) -> bool:
        assert self._for is not None
        before, old, place, _ = self._for
        if (asked.goal, asked.step) != (before.goal, before.step) or asked.hint or asked.rejected:
            return False
        if len(history) != place + 1 or history[place].note or seen.screen != old.screen:
            return False
        point = pointed(self._left[0].action) if isinstance(self._left[0], Act) else None
        return point is None or _same_around(point, old, seen)

    def close(self) -> None:
        self._model.close()


def _same_around(point: Point, old: Observation, seen: Observation) -> bool:
    box = (point.x - _AROUND_PX, point.y - _AROUND_PX, point.x + _AROUND_PX, point.y + _AROUND_PX)
    return bool(old.frame.image.crop(box).tobytes() == seen.frame.image.crop(box).tobytes())
