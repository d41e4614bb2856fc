"""The one table from the trail's short names to attribute names.

GenAI names are copied from the OpenTelemetry semantic conventions (repository semantic-conventions-genai, as released
in opentelemetry-semantic-conventions 0.66b2; all still "Development") and pinned here, so that a rename there changes
one line here. There is no settled convention for policies, approvals or graphical interfaces: ours live under `gui.`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

__all__ = ["NAMES", "OPERATIONS", "Attributes", "attribute_name"]


class Attributes(TypedDict, total=False):
    """What may be said about a phase or an event, by short name. Text may be anything: it is redacted and bounded."""

    # GenAI
    operation: str
    provider: str
    model: str
    agent: str
    conversation: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: float
    """Of one call of the model, in units of `currency`; only where the operator says what its tokens cost."""
    currency: str
    asked: str
    """What the model was asked, as text; becomes `gen_ai.input.messages`."""
    reply: str
    """What the model said, as text; becomes `gen_ai.output.messages`."""
    tool: str
    tool_kind: str
    tool_call: str
    tool_arguments: str
    error: str
    # the run and its steps
    run: str
    task: str
    step: int
    goal: str
    plan: int
    """Index of the plan's step that the act is for, or that comes next."""
    outcome: str
    exit_code: int
    # the screen. A `frame` is a file of the run folder; `seen` is the identity of an observation
    frame: str
    frame_before: str
    frame_after: str
    images_shown: Sequence[str]
    """Digests of what the model was given: often crops or smaller copies that nobody keeps."""
    seen: str
    seen_after: str
    width: int
    height: int
    nodes: int
    surface: str
    origin: str
    url: str
    title: str
    app: str
    window: str
    notices: Sequence[str]
    # the move
    move: str
    why: str
    hint: str
    confidence: float
    perception: str
    action: str
    action_kind: str
    action_digest: str
    # the target
    target: str
    target_role: str
    target_name: str
    target_value: str
    target_rect: Sequence[int]
    target_origin: str
    target_url: str
    target_app: str
    target_window: str
    target_destination: str
    target_secret: bool
    target_digest: str
    consequence: str
    """The kind first, then the amount where one was read: `buy 119.00 EUR`."""
    # the decision
    verdict: str
    rules: Sequence[str]
    policy_errors: Sequence[str]
    facts: str
    """What the rules were told, as JSON (`policies.request.plain_of`)."""
    narrow: str
    """The limits of the run, as JSON (`policies.narrow.Narrow`)."""
    reason: str
    policy: str
    policy_digest: str
    question: str
    approval: str
    approved_by: str
    waited_s: float
    diff: str
    diff_digest: str
    state: str
    """A checkpoint from before the act: a file of the run folder."""
    permit: str
    permit_digest: str
    permit_body: str
    permit_signature: str
    permit_approval: str
    # the act
    intent: int
    receipt: str
    effect: str
    """What looking told: happened, not_happened, unknown."""
    performed: str
    detail: str
    started_at: float
    ended_at: float
    still: bool
    watching: str
    check: str
    passed: bool
    # what was odd
    anomaly: str
    """repetition, burst, elsewhere, orders, against_goal."""
    treatment: str
    """note, raise, ask, stop."""
    tier: str
    """The tier of the run at that moment."""
    # a request held at the wire
    method: str
    host: str
    path: str
    fields: str
    """Names, lengths and files of what it carries, as JSON; no values."""
    request_kind: str
    request_digest: str
    sender: str
    size: int
    covered: bool
    """Whether the leave for the act before it reached as far."""
    released: bool


NAMES: Mapping[str, str] = {
    "operation": "gen_ai.operation.name",
    "provider": "gen_ai.provider.name",
    "model": "gen_ai.request.model",
    "agent": "gen_ai.agent.name",
    "conversation": "gen_ai.conversation.id",
    "input_tokens": "gen_ai.usage.input_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cost": "gui.cost.amount",
    "currency": "gui.cost.currency",
    "asked": "gen_ai.input.messages",
    "reply": "gen_ai.output.messages",
    "tool": "gen_ai.tool.name",
    "tool_kind": "gen_ai.tool.type",
    "tool_call": "gen_ai.tool.call.id",
    "tool_arguments": "gen_ai.tool.call.arguments",
    "error": "error.type",
    "run": "gui.run.id",
    "task": "gui.task.name",
    "step": "gui.step.index",
    "goal": "gui.step.goal",
    "plan": "gui.step.plan",
    "outcome": "gui.run.outcome",
    "exit_code": "gui.run.exit_code",
    "frame": "gui.frame",
    "frame_before": "gui.frame.before",
    "frame_after": "gui.frame.after",
    "images_shown": "gui.model.images",
    "seen": "gui.screen.before.digest",
    "seen_after": "gui.screen.after.digest",
    "width": "gui.screen.width",
    "height": "gui.screen.height",
    "nodes": "gui.screen.nodes",
    "surface": "gui.surface",
    "origin": "gui.screen.origin",
    "url": "gui.screen.url",
    "title": "gui.screen.title",
    "app": "gui.screen.app",
    "window": "gui.screen.window",
    "notices": "gui.screen.notices",
    "move": "gui.move.kind",
    "why": "gui.move.reason",
    "hint": "gui.model.hint",
    "confidence": "gui.model.confidence",
    "perception": "gui.model.perception",
    "action": "gui.action",
    "action_kind": "gui.action.kind",
    "action_digest": "gui.action.digest",
    "target": "gui.target",
    "target_role": "gui.target.role",
    "target_name": "gui.target.name",
    "target_value": "gui.target.value",
    "target_rect": "gui.target.rect",
    "target_origin": "gui.target.origin",
    "target_url": "gui.target.url",
    "target_app": "gui.target.app",
    "target_window": "gui.target.window",
    "target_destination": "gui.target.destination",
    "target_secret": "gui.target.secret",
    "target_digest": "gui.target.digest",
    "consequence": "gui.consequence",
    "facts": "gui.policy.facts",
    "narrow": "gui.policy.narrow",
    "verdict": "gui.policy.decision",
    "rules": "gui.policy.determining",
    "policy_errors": "gui.policy.errors",
    "reason": "gui.policy.reason",
    "policy": "gui.policy.name",
    "policy_digest": "gui.policy.set.digest",
    "question": "gui.approval.question",
    "approval": "gui.approval.decision",
    "approved_by": "gui.approval.by",
    "waited_s": "gui.waited_s",
    "diff": "gui.sandbox.diff",
    "diff_digest": "gui.sandbox.diff.digest",
    "state": "gui.state.digest",
    "permit": "gui.permit.id",
    "permit_digest": "gui.permit.digest",
    "permit_body": "gui.permit.body",
    "permit_signature": "gui.permit.signature",
    "permit_approval": "gui.permit.approval",
    "intent": "gui.intent.n",
    "receipt": "gui.receipt.status",
    "effect": "gui.effect",
    "performed": "gui.receipt.performed",
    "detail": "gui.detail",
    "started_at": "gui.started_at",
    "ended_at": "gui.ended_at",
    "still": "gui.settle.still",
    "watching": "gui.settle.watching",
    "check": "gui.check.kind",
    "passed": "gui.check.passed",
    "anomaly": "gui.anomaly.kind",
    "treatment": "gui.anomaly.treatment",
    "tier": "gui.policy.tier",
    "method": "gui.wire.method",
    "host": "gui.wire.host",
    "path": "gui.wire.path",
    "fields": "gui.wire.fields",
    "request_kind": "gui.wire.kind",
    "request_digest": "gui.wire.digest",
    "sender": "gui.wire.sender",
    "size": "gui.wire.size",
    "covered": "gui.wire.covered",
    "released": "gui.wire.released",
}

OPERATIONS: Mapping[str, str] = {"invoke_agent": "invoke_agent", "chat": "chat", "execute_tool": "execute_tool"}
"""Phases that GenAI conventions know, by the first word of the span's name; the rest carry no operation."""


def attribute_name(short: str) -> str:
    """The attribute's full name. A dotted name is one already.

    Raises:
        ValueError: no such short name.
    """
    if "." in short:
        return short
    try:
        return NAMES[short]
    except KeyError:
        raise ValueError(
            f"no attribute is called `{short}`: add it to agent/audit/names.py or write a dotted name"
        ) from None
