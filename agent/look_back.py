"""Before a run that follows one which was cut off: look whether that one did it. Never repeat without knowing.

The look is a part of the new run: with the earlier one's session where a checkpoint kept it, on the earlier one's demo
site where it had one, by acts under permits, and on the record.
"""

from __future__ import annotations

from agent.earlier import Unended
from agent.outcome import Ending
from agent.parts import Parts
from agent.step import Step
from agent.turn import Turn
from sandboxes.checkpoint import NotKept, State

__all__ = ["look_back", "session_of"]


def session_of(earlier: Unended) -> State | None:
    """The checkpoint from before what the earlier run may have done; None where there is none that can be read."""
    stored = earlier.folder.state(earlier.state)
    if stored is None:
        return None
    try:
        return State.from_bytes(stored)
    except NotKept:
        return None


def look_back(parts: Parts, earlier: Unended, start: str) -> Ending | None:
    """The ending when the earlier run did it, or when that cannot be told; None when it did not: it may be done now."""
    turn = Turn(parts)
    with parts.trail.step(0):
        step = Step(0, f"look whether run {earlier.folder.id} has done it", turn.look())
        told = turn.look_whether(step)
        facts = {"run": earlier.folder.id, "effect": told.effect, "detail": told.why}
        parts.trail.event("gui.reconciled", facts, f"{earlier.because}: {told.effect.replace('_', ' ')}")
        step.note = f"{told.effect.replace('_', ' ')}: {told.why}"
        ending = _ended(turn, step, told.effect, told.why, earlier)
        if ending is None and start:
            ending = turn.open_again(step, start)
        parts.watch.step(step)
    return ending


def _ended(turn: Turn, step: Step, effect: str, why: str, earlier: Unended) -> Ending | None:
    if effect == "not_happened":
        return None
    if effect == "unknown":
        return Ending("unknown_effect", f"{earlier.because}; it cannot be told: {why}; look, then use --again")
    step.seen = step.after or step.seen
    judged = turn.judge(step)
    because = f"run {earlier.folder.id} had done it, nothing was repeated: {judged.because}"
    return Ending(judged.outcome, because, judged.outputs)
