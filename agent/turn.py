"""What one step is made of: the verbs that `agent.loop` puts in order."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from actuators.action import Action, OpenUrl, TypeText, Wait, action_digest, pointed
from actuators.base import Settled
from actuators.errors import SurfaceError, SurfaceTimeout
from actuators.geometry import Point
from actuators.halt import stopped_by
from actuators.observation import Node, Observation, Target
from actuators.receipt import Receipt
from agent.mismatch import contradiction
from agent.outcome import Ending
from agent.reconcile import Found, Look, found
from agent.step import Step
from agent.wheel import IDLE_S, Wheel
from model.base import Act, Done, Instruction, Reply
from model.protocols.computer_use import summary
from policies.consequence import no_worse
from policies.decision import Clearance
from policies.request import Rehearsed
from sandboxes.checkpoint import NotKept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.parts import Parts
    from policies.wire_gate import Outgoing

__all__ = ["Turn", "moved"]

SLICE_S = 0.4
"""Longest single wait; a person's stop is noticed after it."""
POINT_S = 20.0
"""A run that is cut off is gone on with from a checkpoint that is not much older than this."""
LOOK_CLOSER = 2
"""How often the model is asked again when what lies under its point contradicts what was asked."""


@dataclass(slots=True)
class _Lasted:
    """The last act that may do what outlives the run, and what it has sent so far."""

    step: Step
    once: str
    sent: set[str] = field(default_factory=set)


class Turn:
    """Holds the history of a run; everything else it needs is in `Parts`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._history: list[Done] = list(parts.history)
        self._since = len(self._history) if parts.plan.steps else 0
        self._cursor = parts.plan.cursor
        self._begun: list[tuple[int, str]] = []
        """Plan step and address of each act."""
        self._sent: set[str] = set()
        """Acts that sent something, each on the screen on which it was done."""
        self._lasted: _Lasted | None = None
        self._lost = ""
        """Why it is not known whether the last act that lasts has happened; empty when nothing speaks against it."""
        self._redone = False
        self._unread = False
        """Whether it is on the trail that nobody reads the screen."""
        self._kept = time.monotonic()
        self._unkept = False
        """Whether something that lasts was done since a checkpoint was last made of what came after it."""

    def look(self) -> Observation:
        """Observe, and keep the frame with its secrets blacked out."""
        with self._parts.trail.phase("observe") as span:
            seen = self._parts.actuator.observe()
            span.saw(self._parts.keep_frame(seen), seen)
        return seen

    def propose(self, step: Step, hint: str = "", rejected: tuple[Point, ...] = ()) -> Reply:
        """Ask the model for one move."""
        parts, plan = self._parts, self._parts.plan
        if plan.cursor != self._cursor:
            self._cursor, self._since = plan.cursor, len(self._history)
            self._keep_point()
        elif not plan.steps:
            self._keep_point()
        parts.watch.stage(step, "thinking")
        asked = Instruction(plan.goal, plan.instruction, plan.values, plan.awaits, hint, rejected, self._since)
        asked = replace(asked, number=plan.cursor)
        with parts.trail.phase(f"chat {parts.model.name}") as span:
            reply = parts.model.propose(asked, self._history, step.seen, parts.perception)
            span.replied(asked, reply)
        return reply

    def act(self, step: Step, action: Action) -> Ending | None:
        """Resolve, clear, perform, record. A refusal ends the run; a target that changed does not."""
        action, target = self._resolve(step, action)
        step.target = target
        if another := _not_meant(step.reply, target):
            return self.blocked(step, another)
        if circling := self._circles(step, action, target):
            return Ending("halted", circling)
        if self._parts.plan.spent:
            return Ending("halted", f"`{step.instruction}` took all the acts that the plan allows and is not over")
        if not step.seen.pictured and self._needs_a_picture(step, action, target):
            step.after = self.look()
            return None
        if worse := self._exceeds(step, action, target):
            return Ending("denied", worse)
        step.clearance = self._clear(step, action, target)
        if self._parts.stop.is_set():
            return Ending("halted", stopped_by(self._parts.stop))
        if step.clearance.permit is None:
            return self._refused(step, action, target, step.clearance)
        action = _as_approved(action, step.clearance)
        if (once := _once(step, action, target)) in self._sent:
            self._parts.gate.void(step.clearance)
            self._lost = "the same was sent from this very screen before"
            return self.reconcile(step)
        self._begun.append((self._parts.plan.cursor, step.seen.url))
        receipt = self._perform(step, action, target)
        self._parts.gate.settle(step.clearance, receipt)
        kept = self._parts.kept_back()
        self._remember(step, action, target, receipt, kept)
        if _lasting(step.clearance):
            self._lasted = _Lasted(step, once)
        if ending := self._stopped_at_the_wire(step, kept):
            return ending
        if receipt.status == "unknown":
            self._lasted, self._lost = _Lasted(step, once), receipt.detail or "it broke in the middle"
        if self._lost or self.lost():
            return self.reconcile(step)
        return self._received(step, receipt)

    def by_itself(self, step: Step, action: Action) -> Ending | None:
        """An act of the runtime's own, on the way of every other: cleared, written down, performed. Moves `step` on."""
        seen = step.after or step.seen
        mine = Step(step.index, step.instruction, seen)
        with self._parts.trail.phase("resolve"):
            target = self._parts.actuator.target(action, seen)
        mine.target, mine.clearance = target, self._clear(mine, action, target)
        if mine.clearance.permit is None:
            return self._refused(mine, action, target, mine.clearance)
        receipt = self._perform(mine, action, target)
        self._parts.gate.settle(mine.clearance, receipt)
        step.after = mine.after or step.after
        if receipt.status == "done":
            return None
        return Ending("error", f"{summary(action, target)}: {receipt.detail or receipt.status}")

    def driven(self, index: int, seen: Observation) -> Observation:
        """While a person has the wheel, what they do, through the same gate; then a new look. Else just `seen`."""
        parts = self._parts
        by = parts.wheel.driver() if parts.wheel is not None else ""
        if parts.wheel is None or not by:
            return seen
        began = busy = time.monotonic()
        with parts.trail.step(index):
            parts.trail.event("gui.person", body=f"{by} took the wheel")
            step = Step(index, f"{by} drives", seen)
            while parts.wheel.driver() == by and not parts.stop.is_set():
                parts.watch.stage(step, "driven")
                busy = time.monotonic() if self._hand(step, parts.wheel, by) else busy
                if time.monotonic() - busy > IDLE_S:
                    parts.wheel.let_go()
            parts.trail.event("gui.person", body=f"{by} gave the wheel back")
            step.after = self.look()
        parts.limits.waited(time.monotonic() - began)
        self._history.append(Done("looked again", "", step.after, f"{by} used the screen meanwhile"))
        return step.after

    def _hand(self, step: Step, wheel: Wheel, by: str) -> bool:
        """One act of the person who drives, judged as every act is; False where there was none to do."""
        wanted = wheel.next()
        if wanted is None:
            self._parts.actuator.settle(SLICE_S)
            self._parts.stop.wait(SLICE_S)  # a page that stands still is looked at twice a second, not all the time
            step.after = self.look()
            return False
        try:
            refused = self.by_itself(step, wanted.action)
        except SurfaceError as error:
            refused = Ending("error", str(error))
        said = f"{by}: {wanted.action.kind}: {refused.because if refused else 'done'}"
        self._parts.trail.event("gui.person", body=said)
        wheel.done(wanted.n, said)
        return True

    def lost(self) -> bool:
        """Whether what the last act that lasts has sent got no answer. Waits a while for one that is under way."""
        lasted = self._lasted
        own = {one.sent.shown for one in self._parts.sent() if one.own}
        if lasted is None:
            return False
        lasted.sent |= own
        if lasted.sent:
            self._sent.add(lasted.once)
        self._lost = "; ".join(self._parts.unanswered(lasted.sent))
        return bool(self._lost)

    def reconcile(self, step: Step) -> Ending | None:
        """Whether an act happened is found out by looking. Goes on when that tells; else the effect stays unknown."""
        parts, why = self._parts, self._lost
        of = self._lasted.step if self._lasted is not None else step
        self._lost, self._lasted = "", None
        parts.watch.stage(step, "looking")
        parts.trail.effect(of.index, "unknown", why)
        try:
            told = self.look_whether(step)
        except SurfaceError as error:
            return Ending("unknown_effect", f"the act may or may not have happened: {why}; nobody can look: {error}")
        parts.trail.effect(of.index, told.effect, told.why)
        if told.effect == "unknown":
            return Ending("unknown_effect", f"the act may or may not have happened: {why}; {told.why}")
        step.note = f"{why}: it has {'' if told.effect == 'happened' else 'not '}happened: {told.why}"
        self._history.append(Done("looked whether it had happened", "", step.after, step.note))
        if told.effect == "not_happened":
            return self._once_more(step, of)
        if of is step:
            parts.plan.advance()
        parts.limits.succeeded()
        return None

    def look_whether(self, step: Step) -> Found:
        """What looking tells of an act whose effect is not known. Raises `SurfaceError`."""
        parts, told = self._parts, Found("unknown", "")
        for look in parts.looks or (Look(),):
            if look.open and (refused := self.by_itself(step, OpenUrl(url=look.open))) is not None:
                told = Found("unknown", refused.because)
                continue
            told = found(look, lambda: self._seen_anew(step), parts.check_s) if parts.looks else self._by_success(step)
            if told.effect != "unknown":
                break
        return told

    def _by_success(self, step: Step) -> Found:
        """Without words of the task on how to look: its success checks, which can only say that it happened."""
        checked, _ = self._parts.judge(self._seen_anew(step))
        failed = [one.line for one in checked if not one.ok]
        if checked and not failed:
            return Found("happened", f"all {len(checked)} checks hold")
        return Found("unknown", "; ".join(failed[:2]) or "the task does not say how to look")

    def _seen_anew(self, step: Step) -> Observation:
        self._parts.actuator.settle(SLICE_S)
        step.after = self.look()
        return step.after

    def _once_more(self, step: Step, of: Step) -> Ending | None:
        """It has not happened: back to where it was to be done, and to the step of the plan that this page began with.

        Only once in a run: the task's word that something did not happen must not let it be done again and again.
        """
        if self._redone:
            return Ending("halted", "it did not happen for the second time; nothing more is tried")
        self._redone = True
        if of.clearance is not None:
            self._parts.gate.void(of.clearance)
        self._sent.clear()
        self._parts.plan.rewind(self._first_on(of.seen.url))
        return self.open_again(step, of.seen.url)

    def open_again(self, step: Step, url: str) -> Ending | None:
        """Go to an address of the run's own, or say why not; nothing without an address."""
        return self.by_itself(step, OpenUrl(url=url)) if url else None

    def _first_on(self, url: str) -> int:
        """The first plan step of the acts in a row that ended on this page."""
        cursor = self._parts.plan.cursor
        for begun, where in reversed(self._begun):
            if where.partition("#")[0] != url.partition("#")[0]:
                break
            cursor = min(cursor, begun)
        return cursor

    def finish(self, step: Step) -> Ending | None:
        """The model says done: go on with the plan, or judge the whole. A step with `until` is over only then."""
        plan = self._parts.plan
        if plan.awaits:
            self._history.append(Done("terminate", step.reply.text if step.reply else "", step.seen, "not so yet"))
            self._again(step)
            return None
        plan.advance()
        self._parts.limits.succeeded()
        return self.judge(step) if plan.finished else None

    def judge(self, step: Step) -> Ending:
        """Done is checked, not claimed: look until every check holds or the bound is reached."""
        parts = self._parts
        parts.watch.stage(step, "checking")
        until = time.monotonic() + parts.check_s
        seen = step.seen
        with parts.trail.phase("check") as span:
            while True:
                checked, outputs = parts.judge(seen)
                failed = [one.line for one in checked if not one.ok]
                if not failed or time.monotonic() > until or parts.stop.is_set():
                    break
                parts.actuator.settle(SLICE_S)
                seen = parts.actuator.observe()
            span.saw(parts.keep_frame(seen), seen)
            for number, one in enumerate(checked, 1):
                told: dict[str, str | bool] = {"check": one.name or f"check {number}"}
                told |= {"passed": one.ok, "detail": one.line}
                parts.trail.event("gui.check", told, one.line)
            span.set(check=f"{len(checked)} checks", passed=not failed, detail="; ".join(failed))
        step.after = seen
        if not checked:
            return Ending("done_unverified", "the model says done; the task names nothing to check it by")
        if failed and _unloaded(seen):
            return Ending("error", _UNLOADED)
        if failed:
            return Ending("done_unverified", f"the model says done, but {failed[0]}", outputs)
        return Ending("verified", f"all {len(checked)} checks hold", outputs)

    def blocked(self, step: Step, reason: str) -> Ending | None:
        """The model says it cannot be done here: believed the second time, once the screen had time to change."""
        if self._history and self._history[-1].note.startswith("blocked"):
            if _unloaded(step.seen):
                return Ending("error", _UNLOADED)
            what = self._parts.plan.instruction or self._parts.plan.goal
            return Ending("infeasible", f"the model sees no way to `{what}`" + (f": {reason}" if reason else ""))
        self._history.append(Done("terminate", step.reply.text if step.reply else "", step.seen, "blocked: look again"))
        self._await_change(step.seen)
        self._again(step)
        return None

    def _await_change(self, seen: Observation) -> None:
        """Give the screen a while to show something else: a page that loads in parts is still in between them."""
        parts = self._parts
        until = time.monotonic() + parts.blocked_s
        while not parts.stop.is_set() and time.monotonic() < until:
            parts.actuator.settle(SLICE_S)
            if _shown(parts.actuator.observe()) != _shown(seen):
                return

    def unreadable(self, step: Step, problem: str) -> Ending | None:
        """A reply that was no move costs a try and tells the model why."""
        self._history.append(Done("unreadable reply", note=problem))
        self._again(step)
        return None

    def _again(self, step: Step) -> None:
        self._parts.limits.failed()
        self._settle()
        step.after = self.look()

    def _settle(self) -> Settled:
        """Wait for stillness in slices, so that a person's stop is noticed within one."""
        until = time.monotonic() + self._parts.settle_s
        while True:
            settled = self._parts.actuator.settle(SLICE_S)
            if settled.still or self._parts.stop.is_set() or time.monotonic() >= until:
                return settled

    def _resolve(self, step: Step, action: Action) -> tuple[Action, Target]:
        """What would be touched; asks again, at most `LOOK_CLOSER` times, while the words contradict it."""
        parts = self._parts
        rejected: tuple[Point, ...] = ()
        for _ in range(LOOK_CLOSER):
            with parts.trail.phase("resolve"):
                target = parts.actuator.target(action, step.seen)
            assert step.reply is not None
            wrong = contradiction(action, target, self._asked(step), _reason(step.reply), step.seen.nodes)
            if not wrong:
                return action, target
            parts.trail.event("gui.mismatch", body=wrong)
            rejected += (point,) if (point := pointed(action)) else ()
            again = self.propose(step, wrong, rejected)
            if not isinstance(again.move, Act) or again.move.action == action:
                break
            step.reply, action = again, again.move.action
        with parts.trail.phase("resolve"):
            target = parts.actuator.target(action, step.seen)
        wrong = contradiction(action, target, self._asked(step), _reason(step.reply), step.seen.nodes)
        step.mismatch = bool(wrong)
        return action, target

    def _asked(self, step: Step) -> str:
        """What an act is held against: the plan's words, or those of a step that stands in for the plan's."""
        move = step.reply.move if step.reply is not None else None
        return (move.wish if isinstance(move, Act) else "") or self._parts.plan.instruction

    def _clear(self, step: Step, action: Action, target: Target) -> Clearance:
        parts = self._parts
        parts.watch.stage(step, "deciding")
        with parts.trail.phase("policy.decide") as span:
            confidence = step.reply.confidence if step.reply else None
            clearance = parts.gate.clear(
                step.index,
                action,
                target,
                step.seen,
                mismatch=step.mismatch,
                confidence=confidence,
                rehearse=self._rehearser(step),
                asked=f"{parts.plan.goal}\n{parts.plan.instruction}",
                read=self._read_on(step.seen),
            )
            span.judged(action, target, clearance.decision, _effect(clearance))
            if step.rehearsed and (price := _effect(clearance)[1:]):
                step.rehearsed += (f"would cost {price[0]}, by what the page says",)
            span.set(facts=json.dumps(dict(clearance.facts), sort_keys=True, ensure_ascii=False))
            if clearance.approval is not None:
                span.answered(clearance.approval)
                parts.limits.waited(clearance.approval.waited_s)
            step.noticed = parts.noticed(clearance)
        return clearance

    def _needs_a_picture(self, step: Step, action: Action, target: Target) -> bool:
        """On an earlier picture only that is done which the rules allow by themselves and which does not last."""
        found = self._foreseen(step, action, target)
        return found.decision.verdict != "allow" or _lasting(found)

    def _exceeds(self, step: Step, action: Action, target: Target) -> str:
        """Why an act must not even be asked about: it would do more than it is for. Empty where it would not."""
        most = step.reply.move.most if step.reply is not None and isinstance(step.reply.move, Act) else ""
        if not most:
            return ""
        found = self._foreseen(step, action, target).consequence
        if found is not None and no_worse(found.kind, most):
            return ""
        kind = found.kind if found is not None else "unknown"
        return f"{summary(action, target)}: it would {kind}, and what stands in its place was to {most}"

    def _foreseen(self, step: Step, action: Action, target: Target) -> Clearance:
        plan = self._parts.plan
        asked = f"{plan.goal}\n{plan.instruction}"
        with self._parts.trail.phase("policy.foresee") as span:
            found = self._parts.gate.foreseen(step.index, action, target, step.seen, step.mismatch, asked)
            span.set(verdict=found.decision.verdict)
        return found

    def _read_on(self, seen: Observation) -> tuple[str, ...]:
        """What the model's own reader has read on the pixels, where it goes by them alone.

        A screen of which nobody can read a word is not looked through for orders; that is on the trail, once.
        """
        parts = self._parts
        reads = getattr(parts.model, "read", None)
        found = reads(seen) if reads is not None and parts.perception == "pixels" else None
        if found is None and not seen.nodes and not self._unread:
            self._unread = True
            parts.trail.event("gui.unread", body="nobody reads this screen: orders on it are not looked for")
        return () if found is None else tuple(dict.fromkeys(node.name for node in found.nodes if node.name))

    def _rehearser(self, step: Step) -> Callable[[Action, Target], Rehearsed | None] | None:
        """How an act is rehearsed here, with what came of it in the trail and in the step."""
        rehearse = self._parts.rehearse
        if rehearse is None:
            return None

        def rehearsed(action: Action, target: Target) -> Rehearsed | None:
            self._parts.watch.stage(step, "rehearsing")
            with self._parts.trail.phase("rehearse") as span:
                found = rehearse(action, target, step.seen.screen)
                step.rehearsed = tuple(found.lines())
                span.set(diff="\n".join(step.rehearsed), passed=not found.failed)
            self._parts.watch.stage(step, "deciding")
            return None if found.shapes is None else Rehearsed(found.shapes, step.rehearsed)

        return rehearsed

    def _perform(self, step: Step, action: Action, target: Target) -> Receipt:
        """Intent on disk, act, outcome on disk, settle, look."""
        parts, clearance = self._parts, step.clearance
        assert clearance is not None and clearance.permit is not None
        parts.watch.stage(step, "acting")
        every = parts.place is not None and parts.place.every_act
        state = self._kept_state() if every or _lasting(clearance) else ""
        parts.trail.intent(step.index, clearance.permit, target, clearance.decision, state, parts.plan.cursor)
        self._unkept = self._unkept or _lasting(clearance)
        with parts.trail.phase(f"execute_tool {action.kind}") as span:
            receipt = parts.actuator.perform(clearance.permit)
            span.received(receipt)
        parts.trail.outcome(step.index, receipt)
        step.receipt = receipt
        if parts.stop.is_set():  # nothing follows that would need another look
            return receipt
        parts.watch.stage(step, "settling")
        try:
            step.after = self._glance(step, receipt, target)
            if step.after is None:
                with parts.trail.phase("settle") as span:
                    span.settled(self._settle())
                step.after = self.look()
        except SurfaceError as problem:
            if receipt.status == "unknown":  # a surface that broke in the act cannot be looked at: `reconcile` says so
                return receipt
            if not isinstance(problem, SurfaceTimeout) or not _lasting(clearance):
                raise
            return replace(receipt, status="unknown", detail=f"the page does not answer: {problem}")
        return receipt

    def _glance(self, step: Step, receipt: Receipt, target: Target) -> Observation | None:
        """The nodes after an act by which nothing else moved; None where the screen has to be watched and pictured."""
        parts, reply = self._parts, step.reply
        if parts.glance is None or reply is None or not isinstance(reply.move, Act) or not reply.move.still:
            return None
        if receipt.status != "done" or _lasting(step.clearance) or target.node is None:
            return None
        with parts.trail.phase("observe") as span:
            now = parts.glance(step.seen)
            if now is None or moved(step.seen.nodes, now.nodes, target.node.id):
                span.set(detail="something else has moved")
                return None
            span.set(nodes=len(now.nodes), detail="nodes alone: nothing else has moved")
        return now

    def _keep_point(self) -> None:
        """A checkpoint that `agent resume` can go on from: after what lasts, and now and then; before a plan's step."""
        if not self._unkept and time.monotonic() - self._kept < POINT_S:
            return
        self._kept = time.monotonic()
        if state := self._kept_state():
            self._unkept = False
            told: dict[str, str | int] = {"state": state, "plan": self._parts.plan.cursor}
            self._parts.trail.event("gui.kept", told, "a run that goes on with this one can begin here")

    def _kept_state(self) -> str:
        """A checkpoint from before an act that lasts, where the surface has them; its digest, empty without one."""
        parts = self._parts
        if parts.keep_state is None:
            return ""
        with parts.trail.phase("checkpoint") as span:
            try:
                return parts.keep_state()
            except NotKept as problem:  # it can then not be taken back, which is no reason not to do it
                span.set(detail=str(problem))
                return ""

    def _stopped_at_the_wire(self, step: Step, kept: Sequence[Outgoing]) -> Ending | None:
        """An act whose own request was kept back did not happen: that is a refusal, as of the act itself."""
        own = next((one for one in kept if one.own), None)
        if own is None:
            return None
        step.note = f"{own.sent.shown} was kept back: {own.why}"
        said = own.clearance.approval
        return Ending("halted" if said is not None and said.answer == "stopped" else "denied", step.note)

    def _circles(self, step: Step, action: Action, target: Target) -> str:
        """Why this would only be more of the same; empty where it is not. A wait is counted by its time."""
        limits, frame = self._parts.limits, step.seen.digest
        if isinstance(action, Wait):
            idle = limits.idled(action.seconds, frame)
            return f"{limits.idle_s:g} seconds of waiting did not change the screen" if idle else ""
        again = limits.repeated(action_digest(action), target.digest, frame)
        return "the same act was tried again and again and the screen did not change" if again else ""

    def _remember(
        self, step: Step, action: Action, target: Target, receipt: Receipt, kept: Sequence[Outgoing] = ()
    ) -> None:
        note = {"stale": "the target changed", "refused": "refused", "failed": "it did not work"}.get(
            receipt.status, ""
        )
        if note and receipt.detail:
            note = f"{note}: {receipt.detail}"
        # A note says why an act came to nothing: a page that is not there, not a picture that is missing on it.
        if pages := [one for one in kept if one.sent.kind == "document"]:
            note = "; ".join(filter(None, (note, f"the page was kept from sending {pages[-1].sent.shown}")))
        text = step.reply.text if step.reply else ""
        self._history.append(Done(summary(action, target), text, step.seen, note))

    def _received(self, step: Step, receipt: Receipt) -> Ending | None:
        limits = self._parts.limits
        if receipt.status == "done":
            limits.succeeded()
            self._parts.plan.acted()
        else:
            limits.failed()
        return None

    def _refused(self, step: Step, action: Action, target: Target, clearance: Clearance) -> Ending:
        decision = clearance.decision
        rules = ", ".join(decision.rules) or "no rule allows it"
        because = f"{summary(action, target)}: {decision.reason or rules}"
        if clearance.approval is not None:
            answers = {
                "nobody": "nobody was there to ask",
                "timeout": "nobody answered in time",
                "denied": "a person said no",
                "stopped": f"{clearance.approval.by}: the run was stopped",
            }
            because += f"; {answers.get(clearance.approval.answer, clearance.approval.answer)}"
        step.note = because
        stopped = clearance.approval is not None and clearance.approval.answer == "stopped"
        return Ending("halted" if stopped else "denied", because)


_UNLOADED = "the page could not be loaded: its site does not answer; try again when it does"


def _unloaded(seen: Observation) -> bool:
    """Whether the browser shows its own page in place of one that it could not load: no fault of the task."""
    return seen.url.startswith("chrome-error:")


def _shown(seen: Observation) -> object:
    """What a screen shows, less the caret and the focus; its picture where there are no nodes."""
    return [(node.role, node.name, node.rect) for node in seen.nodes] or seen.digest


def moved(before: Sequence[Node], now: Sequence[Node], touched: str) -> bool:
    """Whether anything but the node that was touched is another thing, or at another place, than before."""
    return _standing(before, touched) != _standing(now, touched)


def _standing(nodes: Sequence[Node], touched: str) -> list[object]:
    return [
        (one.id, one.role, one.name, one.rect, one.value, one.enabled, one.checked, one.href, one.submits)
        for one in nodes
        if one.id != touched
    ]


def _as_approved(action: Action, clearance: Clearance) -> Action:
    """What the permit lets happen: the proposed act, or the text that a person put in its place."""
    said = clearance.approval
    if said is None or not said.value or not isinstance(action, TypeText):
        return action
    return action.model_copy(update={"text": said.value})


_LASTING = frozenset({"submit", "send", "reveal", "delete", "buy", "unknown"})


def _lasting(clearance: Clearance | None) -> bool:
    """Whether an act may do what outlives the run."""
    found = clearance.consequence if clearance is not None else None
    return found is not None and found.kind in _LASTING


def _once(step: Step, action: Action, target: Target) -> str:
    """An act on a screen: the same again where the same is done to the same thing while everything looks the same."""
    act = action.model_dump(mode="json", exclude={"at", "start", "end", "region"})
    shown = [(node.role, node.name, node.value, node.checked) for node in step.seen.nodes] or step.seen.digest
    return json.dumps([act, target.digest, step.seen.url, shown], sort_keys=True, default=str)


def _effect(clearance: Clearance) -> tuple[str, ...]:
    """What the act was taken to do, for the trail: the kind, then the amount where one was read."""
    consequence = clearance.consequence
    if consequence is None:
        return ()
    if consequence.amount_minor is None:
        return (consequence.kind,)
    return (consequence.kind, f"{consequence.amount_minor / 100:.2f} {consequence.currency}")


def _not_meant(reply: Reply | None, target: Target) -> str:
    """Why the act must not go on: it names the one thing that it is for, and something else would get it."""
    meant = reply.move.meant if reply is not None and isinstance(reply.move, Act) else ""
    if not meant or (target.node is not None and target.node.id == meant):
        return ""
    there = f'{target.node.role} "{target.node.name[:60]}"' if target.node is not None else "nothing that can be told"
    return f"what was found is no longer there to be touched, but {there}"


def _reason(reply: Reply | None) -> str:
    return reply.move.reason if reply is not None and isinstance(reply.move, Act) else ""
