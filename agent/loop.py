"""The loop: perceive, propose, clear, act, record. One run, one screen, one hand, one model."""

from __future__ import annotations

from agent.outcome import Ending
from agent.parts import Parts
from agent.step import Step
from agent.turn import Turn
from model.base import Act, Ask, Blocked, Finish, Unreadable

__all__ = ["Loop"]


class Loop:
    """Runs a task to its ending. Everything it touches comes in `Parts`; it decides the order and nothing else."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._turn = Turn(parts)

    def run(self, index: int = 0) -> Ending:
        """Go on until the task is checked, refused, impossible, or a limit is reached. Raises if machinery breaks."""
        seen = self._turn.look()
        while True:
            seen = self._turn.driven(index, seen)
            self._parts.plan.skip(seen)
            if (ending := self._parts.limits.reached(index)) is not None:
                return ending
            with self._parts.trail.step(index):
                step = Step(index, self._parts.plan.instruction, seen)
                ending = self._step(step)
                self._parts.watch.step(step)
            if ending is not None:
                return ending
            seen = step.after or seen
            index += 1

    def _step(self, step: Step) -> Ending | None:
        if self._turn.lost():
            return self._turn.reconcile(step)
        if self._parts.plan.finished:
            return self._turn.judge(step)
        step.reply = self._turn.propose(step)
        match step.reply.move:
            case Act(action=action):
                return self._turn.act(step, action)
            case Finish():
                return self._turn.finish(step)
            case Blocked(reason=reason):
                return self._turn.blocked(step, reason)
            case Ask(question=question):
                return Ending("halted", f"the model needs a person: {question}")
            case Unreadable(problem=problem):
                return self._turn.unreadable(step, problem)
