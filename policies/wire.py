"""Cases, decisions and clearances as plain JSON data, field by field, for the way to the broker and back.

Reading is strict: an unknown or missing field raises, and the side that reads treats that as garbage.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from actuators.action import parse_action
from actuators.geometry import Point, Rect
from actuators.observation import Form, Node, Target
from actuators.permit import Permit
from policies.consequence import Consequence
from policies.decision import Approval, Clearance, Decision
from policies.money import Amounts, Money
from policies.request import Case
from policies.scene import Field, Scene
from policies.sent import Part, Sent

__all__ = [
    "case_from",
    "case_to",
    "clearance_from",
    "clearance_to",
    "decision_from",
    "decision_to",
    "sent_from",
    "sent_to",
]

Plain = dict[str, Any]


def case_to(case: Case) -> Plain:
    """A case as plain data."""
    return {
        "step": case.step,
        "action": case.action.model_dump(mode="json"),
        "target": _target_to(case.target),
        "scene": {
            "seen_digest": case.scene.seen_digest,
            "fields": [[one.name, one.submits, one.password, one.autocomplete] for one in case.scene.fields],
            "totals": [[one.minor, one.currency] for one in case.scene.totals.found],
            "unclear": case.scene.totals.unclear,
            "recipients": list(case.scene.recipients),
        },
        "mismatch": case.mismatch,
        "confidence": case.confidence,
        "rehearsed": case.rehearsed,
        "shown": list(case.shown),
        "told": list(case.told),
        "asked": case.asked,
        "texts": list(case.texts),
        "files": list(case.files),
    }


def case_from(plain: Plain) -> Case:
    """Raises ValueError, TypeError or KeyError on anything that `case_to` does not write."""
    scene = plain["scene"]
    totals = Amounts(tuple(Money(*one) for one in scene["totals"]), _flag(scene["unclear"]))
    return Case(
        step=_whole(plain["step"]),
        action=parse_action(plain["action"]),
        target=_target_from(plain["target"]),
        scene=Scene(
            scene["seen_digest"], tuple(Field(*one) for one in scene["fields"]), totals, _texts(scene["recipients"])
        ),
        mismatch=_flag(plain["mismatch"]),
        confidence=plain["confidence"],
        rehearsed=_flag(plain["rehearsed"]),
        shown=tuple(map(_text, plain["shown"])),
        told=tuple(map(_text, plain["told"])),
        asked=_text(plain["asked"]),
        texts=_texts(plain["texts"]),
        files=_texts(plain["files"]),
    )


def _target_to(target: Target) -> Plain:
    plain = {name: getattr(target, name) for name in Target.__dataclass_fields__}
    plain["node"] = _node_to(target.node) if target.node else None
    plain["drop"] = _node_to(target.drop) if target.drop else None
    plain["point"] = _corners(target.point, "x", "y")
    plain["region"] = _corners(target.region, "left", "top", "right", "bottom")
    return plain


def _node_to(node: Node) -> Plain:
    plain = {name: getattr(node, name) for name in Node.__dataclass_fields__}
    plain["rect"] = _corners(node.rect, "left", "top", "right", "bottom")
    plain["form"] = [getattr(node.form, name) for name in Form.__dataclass_fields__] if node.form else None
    return plain


def _corners(thing: object, *names: str) -> list[int] | None:
    return None if thing is None else [getattr(thing, name) for name in names]


def _target_from(plain: Plain) -> Target:
    node, point, region, drop = plain["node"], plain["point"], plain["region"], plain["drop"]
    return Target(
        **{
            **plain,
            "node": None if node is None else _node_from(node),
            "drop": None if drop is None else _node_from(drop),
            "drop_digest": _text(plain["drop_digest"]),
            "point": None if point is None else Point(*point),
            "region": None if region is None else Rect(*region),
            "secret_field": _flag(plain["secret_field"]),
        }
    )


def _node_from(plain: Plain) -> Node:
    form = plain["form"]
    flags = {name: _flag(plain[name]) for name in ("enabled", "password", "editable", "submits")}
    form = None if form is None else Form(*map(_text, form))
    texts = {name: _text(plain[name]) for name in ("name", "role", "tag", "href", "origin", "autocomplete")}
    return Node(**{**plain, **flags, **texts, "rect": Rect(*plain["rect"]), "form": form})


def sent_to(sent: Sent) -> Plain:
    """A request on the wire as plain data."""
    plain = {name: getattr(sent, name) for name in Sent.__dataclass_fields__}
    plain["parts"] = [[part.name, part.length, part.file, part.value] for part in sent.parts]
    plain["amounts"] = [[money.minor, money.currency] for money in sent.amounts]
    return plain


def sent_from(plain: Plain) -> Sent:
    """Raises ValueError, TypeError or KeyError on anything that `sent_to` does not write."""
    texts = {name: _text(plain[name]) for name in ("method", "url", "kind", "sender", "digest")}
    flags = {name: _flag(plain[name]) for name in ("unclear", "readable", "redirected")}
    lists = {name: tuple(map(_text, plain[name])) for name in ("commands", "leaks", "recipients")}
    parts = tuple(
        Part(_text(name), _whole(size), _flag(file), _text(value)) for name, size, file, value in plain["parts"]
    )
    amounts = tuple(Money(_whole(minor), _text(currency)) for minor, currency in plain["amounts"])
    size = _whole(plain["size"])
    return Sent(**{**plain, **texts, **flags, **lists, "parts": parts, "amounts": amounts, "size": size})


def decision_to(decision: Decision) -> Plain:
    """A decision as plain data."""
    return _fields(decision) or {}


def decision_from(plain: Plain) -> Decision:
    """Raises ValueError, TypeError or KeyError on anything else."""
    if plain["verdict"] not in ("allow", "rehearse", "ask", "deny"):
        raise ValueError("unknown verdict")
    return Decision(plain["verdict"], tuple(plain["rules"]), tuple(plain["errors"]), _text(plain["reason"]))


def clearance_to(clearance: Clearance) -> Plain:
    """A clearance as plain data; the signature in hexadecimal."""
    permit = clearance.permit
    return {
        "decision": decision_to(clearance.decision),
        "permit": [permit.body, permit.signature.hex(), permit.approval.hex()] if permit else None,
        "approval": _fields(clearance.approval),
        "consequence": _fields(clearance.consequence),
        "facts": dict(clearance.facts),
    }


def clearance_from(plain: Plain) -> Clearance:
    """Raises ValueError, TypeError or KeyError on anything that `clearance_to` does not write."""
    permit, approval, consequence = plain["permit"], plain["approval"], plain["consequence"]
    return Clearance(
        decision=decision_from(plain["decision"]),
        permit=None if permit is None else Permit(_text(permit[0]), *map(bytes.fromhex, permit[1:3])),
        approval=None if approval is None else Approval(**approval),
        consequence=None if consequence is None else Consequence(**consequence),
        facts=dict(plain["facts"]),
    )


def _fields(flat: Consequence | Approval | Decision | None) -> Plain | None:
    """A flat dataclass as plain data."""
    return None if flat is None else {one.name: getattr(flat, one.name) for one in fields(flat)}


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("expected true or false")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("expected a whole number")
    return value


def _texts(value: list[object]) -> tuple[str, ...]:
    return tuple(map(_text, value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value
