"""The trail of one run, as the loop sees it: spans for what takes time, events for what was decided and done.

    with Trail.start(folder, about, sign, public_key, redact) as trail, trail.run_span("book_flight"):
        with trail.step(0):
            with trail.phase("observe") as span: ...
            trail.intent(0, permit, target, decision)
            ...
            trail.outcome(0, receipt, frame_digest)
        trail.end("verified", 0, outputs=...)

Texts are redacted and bounded on their way in. Refusals are not errors: a span's status is ERROR only for exceptions.
A span is written when it ends, so a crash loses the open ones; the intent, written before the act, has what matters.

What this does not protect against: a caller who leaves something out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack, cast

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context

from actuators.action import Action, action_digest, parse_action
from actuators.base import Settled
from actuators.observation import Observation, Target
from actuators.permit import Permit
from actuators.receipt import Receipt
from agent.audit import facts
from agent.audit.clean import Cleaner, Redact
from agent.audit.clock import Clock
from agent.audit.journal import CHECKPOINT_EVERY, Journal, Sign, TrailBroken
from agent.audit.names import OPERATIONS, Attributes, attribute_name
from agent.audit.otlp import Envelope, Value, dumps
from agent.audit.timing import Timing, phase_kind
from agent.audit.tracer import WriteSpans, own_tracer
from agent.outcome import Outcome
from agent.prices import Price, price_of
from agent.run_folder import JournalEnd, PhaseTimes, RunFolder, RunFolderUnwritable, RunRecord
from model.base import Instruction, Reply
from policies.decision import Approval, Decision
from policies.wire_gate import Outgoing

if TYPE_CHECKING:
    from agent.audit.copy import Copy
    from agent.audit.meters import Meters

__all__ = ["About", "Trail", "TrailSpan"]

_SCOPE = "deskhand"
_JOURNAL_VERSION = 1


@dataclass(frozen=True, slots=True)
class About:
    """What a run is, told once at its beginning."""

    task: str
    goal: str = ""
    task_digest: str = ""
    policy: str = ""
    """Name of the preset or file, for people."""
    policy_digest: str = ""
    model: str = ""
    surface: str = ""
    perception: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    """What makes two runs the same undertaking (`agent.earlier.run_key`)."""
    same_place: str = ""
    """See `agent.earlier.same_place_key`."""
    resumes: str = ""
    """The run that it goes on with."""


class TrailSpan:
    """An open span. Everything set on it is redacted and bounded first."""

    def __init__(
        self,
        span: Span,
        clean: Cleaner,
        judged: dict[str, str] | None = None,
        meters: Meters | None = None,
        model: str = "",
        price: Price | None = None,
    ) -> None:
        self._span = span
        self._model = model
        self._price = price
        self._clean = clean
        self._judged = {} if judged is None else judged
        self._meters = meters

    def set(self, **attributes: Unpack[Attributes]) -> None:
        """Add attributes by short name (`agent.audit.names`)."""
        self._span.set_attributes(cleaned(attributes, self._clean))

    def saw(self, frame: str, seen: Observation) -> None:
        """What was observed, and the frame kept of it (`RunFolder.put_frame`)."""
        self.set(**facts.seen_facts(seen))
        self.set(frame=frame)

    def replied(self, asked: Instruction, reply: Reply) -> None:
        """What the model was asked and what it said."""
        self.set(**facts.reply_facts(asked, reply))
        if reply.move.kind == "act":
            self.set(**facts.action_facts(reply.move.action, self._clean))
        if self._price is not None:
            cost = self._price.of(reply.prompt_tokens, reply.cached_tokens, reply.output_tokens)
            self.set(cost=cost, currency=self._price.currency)
        if self._meters is not None:
            self._meters.tokens(self._model, reply.prompt_tokens, reply.output_tokens)

    def judged(self, action: Action, target: Target, decision: Decision, consequence: tuple[str, ...] = ()) -> None:
        """What was to be done to what, and what the rules said. The only record of an act that was refused.

        `consequence` is what it was taken to do, the kind first: `("buy", "119.00 EUR")`.
        """
        self.set(**facts.action_facts(action, self._clean))
        self.set(**facts.target_facts(target))
        self.set(**facts.decision_facts(decision))
        if self._meters is not None:
            self._meters.verdict(decision.verdict, "act")
        if consequence:
            said = " ".join(consequence)
            self._judged[action_digest(action)] = said
            self.set(consequence=said)

    def answered(self, approval: Approval, question: str = "") -> None:
        """What a person, or nobody, said."""
        self.set(**facts.approval_facts(approval))
        if self._meters is not None:
            self._meters.approval(approval.answer, approval.waited_s)
        if question:
            self.set(question=question)

    def received(self, receipt: Receipt) -> None:
        """What the hand really did."""
        self.set(**facts.receipt_facts(receipt, self._clean))
        if self._meters is not None:
            self._meters.act(receipt.performed.kind if receipt.performed else "", receipt.status)

    def settled(self, settled: Settled) -> None:
        """How the wait for stillness ended."""
        self.set(**facts.settled_facts(settled))

    def failed(self, error: BaseException) -> None:
        """The machinery broke inside this span. Called for exceptions that pass through it."""
        said = self._clean.text(f"{error}")
        trace = self._clean.long("".join(traceback.format_exception(error)))
        self._span.set_status(StatusCode.ERROR, said)
        self._span.set_attribute(attribute_name("error"), type(error).__name__)
        self._span.add_event(
            "exception",
            {"exception.type": type(error).__name__, "exception.message": said, "exception.stacktrace": trace},
        )


def cleaned(attributes: Mapping[str, Value] | Attributes, clean: Cleaner) -> dict[str, Value]:
    """Short names to full ones, values redacted and bounded. Raises ValueError for a name that is not in the table."""
    out: dict[str, Value] = {}
    for short, value in cast("Mapping[str, Value]", attributes).items():
        name = attribute_name(short)
        if short in ("asked", "reply"):
            out[name] = _message(short, clean.long(str(value)))
        elif short in ("permit_body", "action", "performed", "tool_arguments", "diff", "fields", "facts", "narrow"):
            out[name] = clean.long(str(value))
        else:
            out[name] = clean.value(name, value)
    return out


def _message(short: str, text: str) -> str:
    """A prompt or a reply in the form that GenAI conventions give to messages."""
    message: dict[str, object] = {"role": "user", "parts": [{"type": "text", "content": text}]}
    if short == "reply":
        message |= {"role": "assistant", "finish_reason": "stop"}
    return dumps([message])


class Trail:
    """One run's trail. Use as a context manager; leaving it signs, closes and writes `run.json`."""

    def __init__(self, folder: RunFolder, journal: Journal, clean: Cleaner, record: RunRecord) -> None:
        self._folder = folder
        self._journal = journal
        self._clean = clean
        self._record = record
        self._clock = Clock()
        self._began = time.monotonic()
        self._timing = Timing()
        self._stack: list[Span] = []
        self._steps: list[int] = []
        self._in_flight: dict[int, int] = {}
        self._last: dict[int, int] = {}
        """Step to the record of its first intent: the act itself; what follows in a step are looks."""
        self._judged: dict[str, str] = {}
        self._prices: Mapping[str, Price] = {}
        self._ended = False
        self._closed = False
        self._copy: Copy | None = None
        self._meters: Meters | None = None

    @classmethod
    def start(
        cls,
        folder: RunFolder,
        about: About,
        sign: Sign,
        public_key: bytes,
        redact: Redact,
        *,
        resource: Mapping[str, str] | None = None,
        otlp_endpoint: str | None = None,
        every: int = CHECKPOINT_EVERY,
        prices: Mapping[str, Price] | None = None,
    ) -> Self:
        """Begin the trail: a genesis record, its signed checkpoint, and `run.json` saying that the run goes on.

        Args:
            folder: a new run folder; its id is the run's id and must be the one in the permits.
            about: what the run is.
            sign: the broker's signature over a checkpoint.
            public_key: the broker's, 32 raw bytes; checks checkpoints and permits.
            redact: takes secrets out of a text.
            resource: further OpenTelemetry resource attributes, written with every record: keep them few.
            otlp_endpoint: where a second, lossy copy goes (`agent.audit.collector`); None for nowhere.
            every: a checkpoint after so many records.
            prices: what tokens cost, by model.

        Raises:
            TrailBroken: nothing can be written; the run must not start.
            RunFolderUnwritable: the same, of `run.json`.
            ValueError: the endpoint is no collector's address.
        """
        clean = Cleaner(redact)
        version = metadata.version("deskhand")
        around = {"service.name": "deskhand", "service.version": version, "gui.run.id": folder.id}
        around |= {key: clean.text(value) for key, value in (resource or {}).items()}
        record = _record(folder, about, public_key, clean)
        genesis = _genesis(record, version)
        journal = Journal.create(folder.journal, sign, folder.id, Envelope(around, _SCOPE, version), genesis, every)
        trail = cls(folder, journal, clean, record)
        trail._prices = prices or {}
        try:
            trail._trace(version, around, otlp_endpoint)
            folder.write_run(record)
        except BaseException:
            journal.abandon()
            raise
        return trail

    def _trace(self, version: str, resource: Mapping[str, str], endpoint: str | None) -> None:
        if endpoint:
            from agent.audit.copy import Copy
            from agent.audit.meters import Meters

            self._copy = Copy(endpoint, _SCOPE, version, resource)
            self._meters = Meters(endpoint, _SCOPE, version, resource)
        copies = [self._copy.processor] if self._copy is not None else []
        self._tracer = own_tracer(_SCOPE, version, resource, WriteSpans(self._journal.append_span), *copies)

    @contextlib.contextmanager
    def run_span(self, name: str, **attributes: Unpack[Attributes]) -> Iterator[TrailSpan]:
        """The span of the whole run: `invoke_agent NAME`."""
        with self._span(f"invoke_agent {name}", {"agent": name, "conversation": self._folder.id, **attributes}) as span:
            yield span

    @contextlib.contextmanager
    def step(self, index: int, **attributes: Unpack[Attributes]) -> Iterator[TrailSpan]:
        """One pass of the loop. Everything inside is marked with its index, which counts from 0."""
        self._steps.append(index)
        if self._meters is not None:
            self._meters.step()
        try:
            with self._span("step", attributes) as span:
                yield span
        finally:
            self._steps.pop()

    @contextlib.contextmanager
    def phase(self, name: str, **attributes: Unpack[Attributes]) -> Iterator[TrailSpan]:
        """One part of a step: `observe`, `chat MODEL`, `policy.decide`, `approval.wait`, `execute_tool KIND`, ..."""
        began = time.monotonic()
        try:
            with self._span(name, attributes) as span:
                yield span
        finally:
            took = time.monotonic() - began
            self._timing.add(phase_kind(name), took)
            if self._meters is not None:
                self._meters.phase(phase_kind(name), self._clean.text(name.partition(" ")[2], 200), took)

    @contextlib.contextmanager
    def _span(self, name: str, attributes: Attributes) -> Iterator[TrailSpan]:
        kind = phase_kind(name)
        span = self._tracer.start_span(
            self._clean.text(name, 200),
            context=set_span_in_context(self._stack[-1], Context()) if self._stack else Context(),
            kind=SpanKind.CLIENT if kind == "chat" else SpanKind.INTERNAL,
            attributes=cleaned({**self._always(kind, name), **attributes}, self._clean),
            start_time=self._clock.now_ns(),
        )
        model = self._clean.text(name.partition(" ")[2], 200) if kind == "chat" else ""
        price = price_of(model, self._prices) if model else None
        opened = TrailSpan(span, self._clean, self._judged, self._meters, model, price)
        self._stack.append(span)
        try:
            yield opened
        except BaseException as error:
            opened.failed(error)
            raise
        finally:
            self._stack.pop()
            span.end(self._clock.now_ns())

    def _always(self, kind: str, name: str) -> Attributes:
        """What every span of this kind carries."""
        marks: Attributes = {}
        if self._steps:
            marks["step"] = self._steps[-1]
        if kind in OPERATIONS:
            marks["operation"] = OPERATIONS[kind]
        rest = name.partition(" ")[2]
        if kind == "chat":
            marks["model"] = rest
        elif kind == "execute_tool":
            marks["tool"] = rest
        return marks

    def intent(
        self, step: int, permit: Permit, target: Target, decision: Decision, state: str = "", plan: int = 0
    ) -> int:
        """Write down what is about to be done. It is on the disk when this returns. Returns the record's number.

        `state` is the digest of a checkpoint from before the act (`RunFolder.put_state`); empty where there is none.
        `plan` is the index of the plan's step that it is for.

        Raises:
            TrailBroken: it is not on the disk; nothing may act.
        """
        action = _permitted(permit)
        told: Attributes = {"step": step, "plan": plan, **facts.target_facts(target), **facts.decision_facts(decision)}
        told |= facts.permit_facts(permit, self._clean)
        if state:
            told["state"] = state
        body = f"step {step}"
        if action is not None:
            told |= facts.action_facts(action, self._clean)
            told["consequence"] = self._judged.get(action_digest(action), "unknown")
            body = facts.sentence(action, target)
        number = self._event("gui.intent", body, told, sync=True)
        self._in_flight[number] = step
        self._last.setdefault(step, number)
        return number

    def outcome(self, step: int, receipt: Receipt, seen_after_digest: str = "") -> None:
        """Write down how the act of this step ended. `seen_after_digest` is a frame that was kept. `TrailBroken`."""
        told: Attributes = {"step": step, **facts.receipt_facts(receipt, self._clean)}
        mine = [number for number, of in self._in_flight.items() if of == step]
        if mine:
            told["intent"] = mine[-1]
        if seen_after_digest:
            told["frame_after"] = seen_after_digest
        self._event("gui.outcome", f"{receipt.status} {receipt.detail}".strip(), told)
        for number in mine[-1:]:
            del self._in_flight[number]

    def effect(self, step: int, effect: str, why: str) -> None:
        """Write down what is known of the act of this step: `happened`, `not_happened` or `unknown`. `TrailBroken`."""
        told: Attributes = {"step": step, "effect": effect, "detail": why}
        if step in self._last:
            told["intent"] = self._last[step]
        self._event("gui.effect", f"{effect.replace('_', ' ')}: {why}", told)

    def held(self, outgoing: Outgoing) -> None:
        """Write down a request that was held at the wire, and what became of it. `TrailBroken`."""
        said = "let go" if outgoing.released else f"kept back: {outgoing.why}"
        if self._meters is not None:
            self._meters.verdict(outgoing.clearance.decision.verdict, "request")
            if (given := outgoing.clearance.approval) is not None:
                self._meters.approval(given.answer, given.waited_s)
        self._event("gui.wire", f"{outgoing.sent.shown} was {said}", facts.wire_facts(outgoing))

    def event(self, name: str, attrs: Mapping[str, Value] | None = None, body: str = "") -> int:
        """Write down anything else. Names are `gui.SOMETHING`; keys are short names from the table, or dotted ones."""
        told = attrs or {}
        if self._meters is not None and "anomaly" in told:
            self._meters.anomaly(str(told["anomaly"]), str(told.get("treatment", "")))
        return self._event(name, body, told)

    def _event(self, name: str, body: str, attrs: Mapping[str, Value] | Attributes, *, sync: bool = False) -> int:
        here: Attributes = {"step": self._steps[-1]} if self._steps else {}
        told = cleaned(here, self._clean) | cleaned(attrs, self._clean)
        trace = None
        if self._stack:
            context = self._stack[-1].get_span_context()
            trace = (context.trace_id, context.span_id)
        said, text = self._clean.text(name, 100), self._clean.text(body, 1_000)
        number = self._journal.event(said, text, told, trace, sync=sync)
        if self._copy is not None:
            self._copy.event(said, text, told, self._clock.now_ns(), trace)
        return number

    @property
    def run(self) -> str:
        """The run's id."""
        return self._folder.id

    @property
    def task(self) -> str:
        """The task's name."""
        return self._record.task

    def clean(self, text: str) -> str:
        """`text` without secrets, for whoever tells of this run elsewhere."""
        return self._clean.text(text)

    @property
    def in_flight(self) -> tuple[int, ...]:
        """Steps with an intent and no outcome: whether it happened cannot be told."""
        return tuple(self._in_flight.values())

    def phases(self) -> dict[str, PhaseTimes]:
        """How long each kind of phase took so far."""
        return self._timing.summary()

    def end(
        self,
        outcome: Outcome,
        exit_code: int,
        *,
        detail: str = "",
        steps: int = 0,
        outputs: Mapping[str, Any] | None = None,
    ) -> None:
        """Say how the run ended. The last word counts; files are written when the trail is closed. `TrailBroken`."""
        given = dict(outputs or {})
        self._record = self._record.model_copy(
            update={
                "outcome": outcome,
                "exit_code": exit_code,
                "detail": self._clean.text(detail),
                "steps": steps,
                "outputs": self._clean.tree(given),
            }
        )
        told: dict[str, Value] = {"outcome": outcome, "exit_code": exit_code, "detail": detail}
        told["gui.outputs.digest"] = outputs_digest(self._record.outputs)
        self._ended = True
        self._event("gui.end", outcome, told)

    def close(self) -> RunRecord:
        """Sign the end, close the journal, write `outputs.json` and `run.json`. May be called twice. `TrailBroken`."""
        if self._closed:
            return self._record
        if not self._ended:
            self._end_unsaid(None)
        self._closed = True
        try:
            self._journal.close()
        finally:
            try:
                self._write_end()
            finally:
                self._send_last()
        return self._record

    def _send_last(self) -> None:
        if self._copy is None or self._meters is None:
            return
        from agent.audit.copy import sent_at_last

        sent_at_last([*self._copy.closers(), *self._meters.closers()])
        self._copy.cut()

    def _write_end(self) -> None:
        end = JournalEnd(records=self._journal.records, root=self._journal.root.hex())
        now = time.monotonic() - self._began
        self._record = self._record.model_copy(
            update={
                "status": "ended",
                "seconds": round(now, 3),
                "ended_at": round(self._record.started_at + now, 3),
                "phases": self.phases(),
                "journal": end,
            }
        )
        self._folder.put_outputs(self._record.outputs)
        self._folder.write_run(self._record)

    def _end_unsaid(self, error: BaseException | None) -> None:
        """Nobody said how it ended, so an exception did it."""
        said = "" if error is None else f"{type(error).__name__}: {error}"
        if self._in_flight:
            self.end("unknown_effect", 40, detail=f"stopped in the middle of an act; {said}".rstrip("; "))
        elif error is not None and not isinstance(error, Exception):
            self.end("halted", 30, detail=said)
        else:
            self.end("error", 1, detail=said or "the run stopped without saying how it ended")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        broken = (TrailBroken, RunFolderUnwritable)  # the error that is on its way tells more
        with contextlib.suppress(*broken):
            if not self._ended:
                self._end_unsaid(error)
        with contextlib.suppress(*broken):
            self.close()


def _permitted(permit: Permit) -> Action | None:
    try:
        return parse_action(json.loads(permit.body)["action"])
    except (ValueError, KeyError, TypeError):
        return None


def outputs_digest(outputs: Mapping[str, Any]) -> str:
    """SHA-256 of canonical JSON, by which the signed trail vouches for the outputs in `run.json`."""
    text = json.dumps(outputs, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _record(folder: RunFolder, about: About, public_key: bytes, clean: Cleaner) -> RunRecord:
    return RunRecord(
        id=folder.id,
        task=clean.text(about.task, 200),
        goal=clean.text(about.goal),
        started_at=round(time.time(), 3),
        surface=about.surface,
        model=clean.text(about.model, 200),
        perception=about.perception,
        policy=clean.text(about.policy, 200),
        policy_digest=about.policy_digest,
        task_digest=about.task_digest,
        public_key=public_key.hex(),
        inputs=cast("dict[str, Any]", clean.tree(about.inputs)),
        pid=os.getpid(),
        key=about.key,
        same_place=about.same_place,
        resumes=about.resumes,
    )


def _genesis(record: RunRecord, version: str) -> dict[str, Value]:
    return {
        "gui.journal.version": _JOURNAL_VERSION,
        "gui.run.id": record.id,
        "gui.task.name": record.task,
        "gui.task.goal": record.goal,
        "gui.task.digest": record.task_digest,
        "gui.policy.name": record.policy,
        "gui.policy.set.digest": record.policy_digest,
        "gui.surface": record.surface,
        "gui.public_key": record.public_key,
        "gen_ai.request.model": record.model,
        "gui.version.deskhand": version,
        "gui.version.python": platform.python_version(),
        "gui.version.opentelemetry": metadata.version("opentelemetry-sdk"),
        "gui.version.system": f"{platform.system()} {platform.release()}",
    }
