"""From the runtime's values to the trail's short names (`agent.audit.names.Attributes`). Pure.

Actions are cleaned leaf by leaf before they are encoded, because encoding would hide a secret behind escapes.
"""

from __future__ import annotations

import hashlib
import json

from actuators.action import Action, LaunchApp, OpenUrl, PressKeys, SystemButton, TypeText, action_digest
from actuators.base import Settled
from actuators.observation import Observation, Target
from actuators.permit import Permit, signed_bytes
from actuators.receipt import Receipt
from agent.audit.clean import Cleaner
from agent.audit.names import Attributes
from agent.audit.otlp import dumps
from model.base import Instruction, Reply
from policies.decision import Approval, Decision
from policies.place import place_of
from policies.wire_gate import Outgoing

__all__ = [
    "action_facts",
    "approval_facts",
    "decision_facts",
    "permit_facts",
    "receipt_facts",
    "reply_facts",
    "seen_facts",
    "sentence",
    "settled_facts",
    "target_facts",
    "wire_facts",
]


def seen_facts(seen: Observation) -> Attributes:
    """What was looked at; the nodes themselves stay out, they are many and are the screen's claims."""
    return {
        "seen": seen.digest,
        "surface": seen.surface,
        "width": seen.screen.width,
        "height": seen.screen.height,
        "nodes": len(seen.nodes),
        "origin": seen.origin,
        "url": seen.url,
        "title": seen.title,
        "app": seen.app,
        "window": seen.window,
        "notices": seen.notices,
    }


def reply_facts(asked: Instruction, reply: Reply) -> Attributes:
    """What the model was asked, what it said, and what it took."""
    facts: Attributes = {
        "asked": "\n\n".join(part for part in (asked.goal, asked.step and f"Now: {asked.step}", asked.hint) if part),
        "reply": reply.text,
        "move": reply.move.kind,
        "input_tokens": reply.prompt_tokens,
        "cached_tokens": reply.cached_tokens,
        "output_tokens": reply.output_tokens,
    }
    if asked.step:
        facts["goal"] = asked.step
    if asked.hint:
        facts["hint"] = asked.hint
    if why := _why(reply):
        facts["why"] = why
    if reply.confidence is not None:
        facts["confidence"] = reply.confidence
    if reply.shown:
        facts["images_shown"] = reply.shown
    return facts


def _why(reply: Reply) -> str:
    move = reply.move
    match move.kind:
        case "act" | "blocked":
            return move.reason
        case "ask":
            return move.question
        case "finish":
            return move.answer
        case "unreadable":
            return move.problem


def action_facts(action: Action, clean: Cleaner) -> Attributes:
    """The action as data, and its digest (of the action as it is, not of its redacted form)."""
    return {"action": _action_json(action, clean), "action_kind": action.kind, "action_digest": action_digest(action)}


def _action_json(action: Action, clean: Cleaner) -> str:
    return dumps(clean.tree(action.model_dump(mode="json")))


def target_facts(target: Target) -> Attributes:
    """What would be touched."""
    facts: Attributes = {"target": label(target), "target_digest": target.digest, "surface": target.surface}
    if target.node is not None:
        box = target.node.rect
        facts |= {
            "target_role": target.node.role,
            "target_name": target.node.name,
            "target_value": target.node.value,
            "target_rect": (box.left, box.top, box.right, box.bottom),
        }
    if target.secret_field or (target.node is not None and target.node.password):
        facts["target_secret"] = True
    if target.origin:
        facts["target_origin"] = target.origin
    if target.url:
        facts["target_url"] = target.url
    if target.app:
        facts["target_app"] = target.app
    if target.window:
        facts["target_window"] = target.window
    if target.destination:
        facts["target_destination"] = target.destination
    return facts


def label(target: Target) -> str:
    """A target in a few words: `button "Search"`."""
    node = target.node
    if node is not None:
        return f'{node.role} "{node.name}"' if node.name else node.role
    return target.window or target.app or target.origin or "the screen"


def sentence(action: Action, target: Target) -> str:
    """An act in a few words: `click button "Search"`."""
    verb = action.kind.replace("_", " ")
    match action:
        case TypeText(text=text):
            return f'{verb} "{text}" into {label(target)}'
        case PressKeys(keys=keys):
            return f"{verb} {'+'.join(keys)}"
        case OpenUrl(url=url):
            return f"{verb} {url}"
        case LaunchApp(name=name):
            return f"{verb} {name}"
        case SystemButton(button=button):
            return f"{verb} {button}"
        case _:
            return f"{verb} {label(target)}"


def decision_facts(decision: Decision) -> Attributes:
    """What the rules said, and why."""
    facts: Attributes = {"verdict": decision.verdict, "rules": decision.rules, "reason": decision.reason}
    if decision.errors:
        facts["policy_errors"] = decision.errors
    return facts


def approval_facts(approval: Approval) -> Attributes:
    """What a person said."""
    return {"approval": approval.answer, "approved_by": approval.by, "waited_s": approval.waited_s}


def permit_facts(permit: Permit, clean: Cleaner) -> Attributes:
    """The permit itself, so that its signature can be checked later; just a digest where redaction would change it."""
    digest = hashlib.sha256(signed_bytes(permit.body) + permit.signature).hexdigest()
    facts: Attributes = {"permit_digest": digest}
    try:
        body = json.loads(permit.body)
        whole = clean.long(permit.body) == permit.body and clean.tree(body["action"]) == body["action"]
        facts |= {"permit": str(body["nonce"]), "seen": str(body["seen_digest"]), "run": str(body["run"])}
    except (ValueError, KeyError, TypeError):
        return facts
    if whole:
        facts |= {"permit_body": permit.body, "permit_signature": permit.signature.hex()}
        facts |= {"permit_approval": permit.approval.hex()} if permit.approval else {}
    return facts


def receipt_facts(receipt: Receipt, clean: Cleaner) -> Attributes:
    """What was really done."""
    facts: Attributes = {
        "receipt": receipt.status,
        "started_at": receipt.started_at,
        "ended_at": receipt.ended_at,
    }
    if receipt.performed is not None:
        facts["performed"] = _action_json(receipt.performed, clean)
    if receipt.detail:
        facts["detail"] = receipt.detail
    if receipt.notices:
        facts["notices"] = receipt.notices
    return facts


def settled_facts(settled: Settled) -> Attributes:
    """How the wait for stillness ended."""
    facts: Attributes = {"still": settled.still, "waited_s": settled.waited_s}
    if settled.watching:
        facts["watching"] = settled.watching
    return facts


def wire_facts(outgoing: Outgoing) -> Attributes:
    """A request that was held: what it was, and what became of it. No value of a field."""
    sent, found = outgoing.sent, outgoing.clearance.consequence
    place = place_of(sent.url)
    facts: Attributes = {
        "method": sent.method,
        "host": place.origin if place else sent.url[:200],
        "path": place.path if place else "",
        "fields": dumps([[part.name, part.length, part.file] for part in sent.parts]),
        "request_kind": sent.kind,
        "request_digest": sent.digest,
        "sender": sent.sender,
        "size": sent.size,
        "covered": not outgoing.clearance.facts.get("uncovered"),
        "released": outgoing.released,
        "facts": json.dumps(dict(outgoing.clearance.facts), sort_keys=True, ensure_ascii=False),
        **decision_facts(outgoing.clearance.decision),
    }
    if found is not None:
        money = f" {sent.amount}" if sent.amount is not None else ""
        facts["consequence"] = f"{found.kind}{money}"
    if outgoing.clearance.approval is not None:
        facts |= approval_facts(outgoing.clearance.approval)
    return facts
