"""The beginning of a run that goes on with one that was cut off: look for what is in doubt, then stand where it stood.

Like any part of a run it acts by the hand, under permits, and on the record. What may have happened is looked for and
never repeated; what only the page knew is filled in again, by the plan's own steps or, without a plan, from the
checkpoint.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from actuators.action import OpenUrl
from agent.loop import Loop
from agent.outcome import Ending
from agent.parts import Parts
from agent.past import Past
from agent.rollback import filling
from agent.step import Step
from agent.turn import Turn

__all__ = ["go_on"]

_SETTLE_S = 2.0


def go_on(parts: Parts, past: Past) -> Ending:
    """Run to the end from where `past` was cut off. Raises if machinery breaks."""
    parts.limits.started -= past.seconds
    parts.trail.event(
        "gui.resumes",
        {"run": past.run, "gui.resumes.records": past.head[0], "gui.resumes.root": past.head[1]},
        f"goes on with {past.run} after {past.steps} steps and {past.seconds:.0f} s",
    )
    while parts.plan.cursor < past.plan:
        parts.plan.advance()
    parts.history = past.history(bool(parts.plan.steps))
    index = past.steps
    turn = Turn(parts)
    if (ending := parts.limits.reached(index)) is not None:
        return ending
    with parts.trail.step(index):
        step = Step(index, f"go on with run {past.run}", turn.look())
        ending = _looked(turn, parts, past, step) or _stood(turn, parts, past, step)
        parts.watch.step(step)
    return ending if ending is not None else Loop(parts).run(index + 1)


def _looked(turn: Turn, parts: Parts, past: Past, step: Step) -> Ending | None:
    """The ending when what is in doubt cannot be told, or was all there was to do; None when it can be gone on."""
    if not past.doubts:
        return None
    what = "; ".join(act.what for act in past.doubts)
    told = turn.look_whether(step)
    said = f"{what}: {told.effect.replace('_', ' ')}: {told.why}"
    parts.trail.event("gui.reconciled", {"run": past.run, "effect": told.effect, "detail": told.why}, said)
    step.note = said
    if told.effect == "unknown":
        return Ending("unknown_effect", f"run {past.run} may have done this: {said}; look, then start it anew")
    if told.effect == "not_happened":
        parts.gate.undone(past.doubted)  # it was counted while nobody knew; done now, it is not the second one
        return None
    while parts.plan.cursor <= past.doubts[-1].plan and not parts.plan.finished:
        parts.plan.advance()
    step.seen = step.after or step.seen
    judged = turn.judge(step)
    if judged.outcome == "verified" or parts.plan.finished or not parts.plan.steps:
        because = f"run {past.run} had done it, nothing was repeated: {judged.because}"
        return Ending(judged.outcome, because, judged.outputs)
    return None


def _stood(turn: Turn, parts: Parts, past: Past, step: Step) -> Ending | None:
    """Stand where the checkpoint was made; where its page leads elsewhere now, at the beginning, if that is allowed."""
    if any(act.in_doubt for act in past.doubts) and parts.plan.cursor > past.plan:
        return None  # looked for and found: it goes on from the page that told
    state = parts.state
    if state is None:
        return turn.open_again(step, parts.start) if past.doubts else None
    url = str(state.data.get("url", ""))
    if (refused := turn.by_itself(step, OpenUrl(url=url))) is not None:
        return refused
    parts.actuator.settle(_SETTLE_S)
    step.after = turn.look()
    if not _same(step.after.url, url):
        return _anew(turn, parts, past, step, url)
    if not parts.plan.steps:
        return _filled_in(turn, parts, step)
    return None


def _anew(turn: Turn, parts: Parts, past: Past, step: Step, url: str) -> Ending | None:
    if past.lasted:
        return Ending(
            "infeasible",
            f"run {past.run} stood at {url}, which now leads to {step.after.url if step.after else 'nothing'}; what it"
            " has done before must not be done twice, so it is not begun anew",
        )
    parts.plan.rewind(0)
    parts.history = ()
    return turn.open_again(step, parts.start)


def _filled_in(turn: Turn, parts: Parts, step: Step) -> Ending | None:
    """Without a plan nobody would fill the fields in again: they are put back as the checkpoint has them."""
    state, keeper = parts.state, parts.place
    if state is None or keeper is None:
        return None
    page: Any = keeper
    for field in page.missing(state):
        for action in filling(field):
            if page.focus(field) and (refused := turn.by_itself(step, action)) is not None:
                return refused
    page.scroll(state)
    step.after = turn.look()
    return None


def _same(here: str, there: str) -> bool:
    one, other = urlsplit(here), urlsplit(there)
    return (one.scheme, one.netloc, one.path) == (other.scheme, other.netloc, other.path)
