"""The inside of the broker's process: the key, the rules, the counters, and the only place where permits are made.

It trusts what it is told about the screen: the facts come from the agent's process. What it guarantees is that every
permit stands for a decision on exactly the facts that the permit binds, that limits over the run are kept by what was
really minted, and that the key is nowhere else.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from actuators.action import TypeText, Wait, action_digest
from actuators.observation import Target
from actuators.permit import Permit, Terms, signed_bytes
from policies.anomaly import Anomaly, Lookout
from policies.approver import Approver, Pen, Question
from policies.cause import CAUSED_S, ONCE, Cause, aimed, uncovered
from policies.checkpoint import checkpoint_bytes
from policies.consequence import Consequence, judge
from policies.decide import PolicySet
from policies.decision import Approval, Clearance, Decision
from policies.files import files_of
from policies.grants import Grants
from policies.request import Case, Counters, Request, plain_of, request_of
from policies.sending import sending_of
from policies.sent import Sent, effect_of
from policies.wire import case_from, clearance_to, sent_from

__all__ = ["PERMIT_S", "Keeper"]

PERMIT_S = 10.0
"""Seconds from minting to expiry."""
_MOST_VOIDS = 20
"""Permits per run that the hand may report as not carried out."""


@dataclass(frozen=True, slots=True)
class _Minted:
    """What one permit counted for."""

    kind: str
    act: str


class Keeper:
    """Holds the key of one run. Not thread-safe.

    `counted` is what counts already, of a run that this one goes on with: acts, buys, submits, sends, seconds. Among it
    is what nobody knows to have happened, `doubted`: nonce of its permit to its kind. It is taken back by `void`, as an
    act of this run would be, once somebody has looked. Nothing else of that run holds here: no permit, no answer of a
    person, no grant.
    """

    def __init__(
        self,
        run: str,
        policies: PolicySet,
        approver: Approver,
        counted: Mapping[str, int] | None = None,
        doubted: Mapping[str, str] | None = None,
    ) -> None:
        self._run = run
        self._policies = policies
        self._approver = approver
        self._key = Ed25519PrivateKey.generate()
        self._pen = Pen()
        self._grants = Grants()
        given = {name: max(0, int(value)) for name, value in (counted or {}).items()}
        self._began = time.monotonic() - given.pop("seconds", 0)
        self._counters = Counters(**given)
        self._repeats: Counter[str] = Counter()
        self._minted: dict[str, _Minted] = {nonce: _Minted(kind, "") for nonce, kind in (doubted or {}).items()}
        self._named: tuple[Case, str] | None = None
        """The case whose act was named last, by identity, and that name."""
        self._recent: deque[float] = deque(maxlen=10_000)
        self._voids = 0
        self._last_step = -1
        self._last_leaf = -1
        self._cause: Cause | None = None
        self._narrow = policies.narrow
        """The limits as they are now: a tier stricter once something odd was noticed."""
        self._lookout = Lookout(policies.narrow)

    @property
    def public_key(self) -> bytes:
        """32 raw bytes."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def approver_key(self) -> bytes:
        """Of the second signature under what a person approved: 32 raw bytes."""
        return self._pen.public_key

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """The answer to one message. Raises on anything malformed."""
        match message:
            case {"ask": "decide", "case": dict(plain)}:
                decision, consequence, request, odd = self._decided(case_from(plain))
                return clearance_to(Clearance(decision, None, None, consequence, _told(request, odd)))
            case {"ask": "clear", "case": dict(plain)}:
                return clearance_to(self.clear(case_from(plain)))
            case {"ask": "send", "sent": dict(plain)}:
                return clearance_to(self.send(sent_from(plain)))
            case {"ask": "sign", "run": str(run), "n": int(n), "root": str(root)}:
                return self._sign(run, n, root)
            case {"ask": "void", "nonce": str(nonce)}:
                return {"voided": self.void(nonce)}
            case _:
                raise ValueError("unknown question")

    def clear(self, case: Case) -> Clearance:
        """Decide, ask a person where the rules want one, and mint only what is allowed then."""
        decision, consequence, request, odd = self._decided(case)
        told = _told(request, odd)
        if decision.verdict == "allow":
            return Clearance(decision, self._mint(case, consequence), None, consequence, told)
        if decision.verdict != "ask":
            return Clearance(decision, None, None, consequence, told)
        approval = self._ask(case, consequence, decision, odd)
        if approval.value:
            case, consequence, approval = _instead(case, consequence, approval)
        permit = None
        if approval.answer == "approved" and self._allowed_now(case, consequence, approval, odd):
            permit = self._mint(case, consequence, approval)
        return Clearance(decision, permit, approval, consequence, told)

    def send(self, sent: Sent) -> Clearance:
        """Decide on a request that waits at the wire. Nothing is minted: it goes when the verdict is `allow`, or when
        it is `ask` and the approval is a yes to exactly this request.
        """
        effect, now = effect_of(sent), time.monotonic()
        cause = self._cause if self._cause is not None and now - self._cause.at <= CAUSED_S else None
        why_not = uncovered(cause, sent, effect, now)
        instead = bool(why_not) and cause is not None and cause.rehearsed and effect.kind not in cause.spent
        counters = self._timed(cause.counters if cause is not None and instead else self._counters)
        odd = () if sent.reads else self._noticed(self._lookout.leaving())
        request = sending_of(sent, effect, cause, not why_not, counters, self._narrow, _names(odd))
        decision = self._policies.decide(request)
        if instead and decision.verdict == "rehearse":
            decision, request = self._not_as_rehearsed(decision, request)
        approval = None
        if decision.verdict == "ask":
            approval = self._ask_to_send(sent, effect, replace(decision, reason=_joined(decision.reason, why_not)))
            asked = self._policies.decide(request.but(approved_by=approval.by or "a person"))
            if approval.answer == "approved" and (approval.action_digest != sent.digest or asked.verdict != "allow"):
                approval = replace(approval, answer="denied")
        told = {**_told(request, odd), "uncovered": why_not, "aimed": aimed(cause, sent)}
        clearance = Clearance(decision, None, approval, effect, told)
        if clearance.released:
            self._let_go(effect, covered=not why_not or instead)
            if not sent.reads:
                self._lookout.sent()
                self._counters = replace(self._counters, sends=self._counters.sends + 1)
        return clearance

    def _not_as_rehearsed(self, decision: Decision, request: Request) -> tuple[Decision, Request]:
        """A request of an act that was rehearsed, and that the rehearsal did not show: a person decides on it now."""
        rehearsed = request.but(rehearsed=True)
        told = self._policies.decide(rehearsed)
        return (told if told.verdict in ("ask", "deny") else replace(decision, verdict="ask")), rehearsed

    def _let_go(self, effect: Consequence, covered: bool) -> None:
        """Count what leaves: under the act that covers it, or as an act of its own."""
        if covered and self._cause is not None:
            spent = {effect.kind} & ONCE
            self._cause = replace(self._cause, spent=self._cause.spent | spent)
        elif effect.kind in ONCE:
            self._count(effect.kind, 1)

    def _ask_to_send(self, sent: Sent, effect: Consequence, decision: Decision) -> Approval:
        step = self._cause.step if self._cause is not None else max(0, self._last_step)
        target = Target("browser", None, None, origin=sent.sender, destination=sent.shown.partition(" ")[2])
        recipients = sent.recipients
        return self._person(
            Question(self._run, step, Wait(seconds=0), target, effect, decision, sent, recipients=recipients)
        )

    def void(self, nonce: str) -> bool:
        """Count a permit as never made: the hand reports that nothing was touched. Once per permit, and bounded."""
        minted = self._minted.pop(nonce, None)
        if minted is None or self._voids >= _MOST_VOIDS:
            return False
        self._voids += 1
        self._repeats[minted.act] -= 1
        self._count(minted.kind, -1)
        return True

    def _decided(self, case: Case) -> tuple[Decision, Consequence, Request, tuple[Anomaly, ...]]:
        consequence = judge(case.action, case.target, case.scene)
        odd = self._noticed(self._lookout.notice(case, consequence))
        request = request_of(case, consequence, self._counted(case), self._narrow, _names(odd))
        if case.step < self._last_step:
            return Decision("deny", reason="the step is earlier than one already cleared"), consequence, request, odd
        return self._policies.decide(request), consequence, request, odd

    def _noticed(self, odd: tuple[Anomaly, ...]) -> tuple[Anomaly, ...]:
        """Go on one tier stricter, once and to the end of the run, if that is what these ask for."""
        raises = self._policies.narrow.odd("raise")
        if self._narrow is self._policies.narrow and any(one.name in raises for one in odd):
            self._narrow = self._narrow.raised()
        return odd

    def _ask(self, case: Case, consequence: Consequence, decision: Decision, odd: tuple[Anomaly, ...] = ()) -> Approval:
        decision = replace(decision, reason=_joined(decision.reason, *(one.detail for one in odd)))
        scene = case.scene
        question = Question(self._run, case.step, case.action, case.target, consequence, decision)
        return self._person(replace(question, told=case.told, seen=scene.seen_digest, recipients=scene.recipients))

    def _person(self, question: Question) -> Approval:
        """A person's answer, or what one said before for the rest of the run."""
        now = time.monotonic()
        if (grant := self._grants.covering(question, now)) is not None:
            return question.answered(Approval("approved", grant.by, granted=True))
        approval = self._approver.ask(question)
        if approval.answer == "approved" and not approval.value:
            self._grants.add(question, approval.by or "a person", approval.grant_s, time.monotonic())
        if approval.answer == "timeout" and self._policies.narrow.on_timeout == "stop":
            return replace(approval, answer="stopped", by=approval.by or "nobody answered in time")
        return approval

    def _allowed_now(
        self, case: Case, consequence: Consequence, approval: Approval, odd: tuple[Anomaly, ...] = ()
    ) -> bool:
        """INVARIANT (approval binds): an approval counts only for the act and the target that were shown."""
        if (approval.action_digest, approval.target_digest) != (action_digest(case.action), case.target.digest):
            return False
        request = request_of(case, consequence, self._counted(case), self._narrow, _names(odd))
        return self._policies.decide(request.but(approved_by=approval.by or "a person")).verdict == "allow"

    def _mint(self, case: Case, consequence: Consequence, approval: Approval | None = None) -> Permit:
        now = time.time()
        approved_by = "" if approval is None else approval.by or "a person"
        before = self._counted(case)
        self._cause = Cause(
            case.step,
            case.target,
            consequence,
            before,
            time.monotonic(),
            approved_by,
            rehearsed=case.rehearsed,
            recipients=case.scene.recipients,
            shown=case.shown,
        )
        nonce = secrets.token_hex(16)
        terms = Terms(
            run=self._run,
            step=case.step,
            action=case.action,
            target_digest=case.target.digest,
            seen_digest=case.scene.seen_digest,
            policy_digest=self._policies.digest,
            nonce=nonce,
            not_before=now,
            expires=now + PERMIT_S,
            approved_by=approved_by,
        )
        body = terms.to_json()
        act = self._act(case)
        self._minted[nonce] = _Minted(consequence.kind, act)
        self._repeats[act] += 1
        self._lookout.acted(case, consequence)
        self._count(consequence.kind, 1)
        if consequence.kind != "look":
            self._recent.append(time.monotonic())
        self._last_step = max(self._last_step, case.step)
        second = b"" if approval is None else self._pen.sign(body, approval)
        return Permit(body, self._key.sign(signed_bytes(body)), second)

    def _counted(self, case: Case) -> Counters:
        return self._timed(replace(self._counters, repeats=self._repeats[self._act(case)]))

    def _act(self, case: Case) -> str:
        if self._named is None or self._named[0] is not case:
            self._named = (case, _act(case))
        return self._named[1]

    def _timed(self, counters: Counters) -> Counters:
        now = time.monotonic()
        while self._recent and now - self._recent[0] > 60.0:
            self._recent.popleft()
        return replace(counters, seconds=int(now - self._began), recent=len(self._recent), now=time.time())

    def _count(self, kind: str, by: int) -> None:
        acts = by if kind != "look" else 0
        buys = by if kind == "buy" else 0
        submits = by if kind in ("submit", "send", "buy", "delete", "unknown") else 0
        now = self._counters
        self._counters = replace(now, acts=now.acts + acts, buys=now.buys + buys, submits=now.submits + submits)

    def _sign(self, run: str, n: int, root: str) -> dict[str, Any]:
        if run != self._run or n < self._last_leaf:
            return {"refused": "a checkpoint is signed only for this run, and never for fewer records than before"}
        self._last_leaf = n
        return {"signature": self._key.sign(checkpoint_bytes(run, n, root)).hex()}


def _instead(case: Case, consequence: Consequence, approval: Approval) -> tuple[Case, Consequence, Approval]:
    """The case as the person wants it, to be judged again; an answer that cannot be followed is a no."""
    action = case.action
    secret = case.target.secret_field or "<secret:" in approval.value.lower()
    if not isinstance(action, TypeText) or secret or "<secret:" in action.text.lower():
        return case, consequence, replace(approval, answer="denied", value="")
    action = action.model_copy(update={"text": approval.value})
    changed = replace(case, action=action, files=files_of(action, ()), rehearsed=False, shown=(), told=())
    return changed, judge(action, case.target, case.scene), approval


def _told(request: Request, odd: tuple[Anomaly, ...]) -> dict[str, Any]:
    """What the rules were told, and in words what was odd."""
    return {**plain_of(request), "noticed": [[one.name, one.detail] for one in odd]}


def _names(odd: tuple[Anomaly, ...]) -> tuple[str, ...]:
    return tuple(one.name for one in odd)


def _joined(*reasons: str) -> str:
    return "; ".join(filter(None, reasons))


def _act(case: Case) -> str:
    """The same act on the same target, wherever on it the pointer stood."""
    action = case.action.model_dump(mode="json", exclude={"at", "start", "end", "region"})
    return f"{json.dumps(action, sort_keys=True)} {case.target.digest}"
