"""Rules that load and yet look wrong. Cheap and incomplete: what it does not find may still be there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from policies.consequence import KINDS
from policies.rule import Rule

__all__ = ["warnings_of"]

_SURFACES = {"browser", "desktop", "android", "guest", "fake"}
_WORDS: dict[str, set[str]] = {"context.consequence": set(KINDS), "context.surface": _SURFACES}
"""Attributes with a closed list of values."""


def warnings_of(rules: Iterable[Rule]) -> list[str]:
    """One line per doubt, in the order of the rules."""
    found: list[str] = []
    for rule in rules:
        body = cast(dict[str, Any], json.loads(rule.body))
        if not rule.because:
            found.append(f"`{rule.id}` has no `@because`: a person would see only its id")
        if rule.escalate == "human" and "approved_by" not in rule.body:
            found.append(f"`{rule.id}` escalates to a person but has no `unless {{ context has approved_by }}`")
        if rule.escalate == "rehearse" and "rehearsed" not in rule.body:
            found.append(f"`{rule.id}` escalates to a rehearsal but never looks at `context.rehearsed`")
        if why := _never(body):
            found.append(f"`{rule.id}` can never match: {why}")
    return found


def _never(body: dict[str, Any]) -> str:
    """Why the conditions contradict themselves; empty when no contradiction is seen."""
    atoms = [
        atom for condition in body["conditions"] if condition["kind"] == "when" for atom in _all_of(condition["body"])
    ]
    if any(atom == {"Value": False} for atom in atoms):
        return "it asks for `false`"
    if any(c["kind"] == "unless" and {"Value": True} in _all_of(c["body"]) for c in body["conditions"]):
        return "its `unless` always holds"
    flipped = [_negated(atom) for atom in atoms]
    if any(atom in flipped for atom in atoms):
        return "it asks for a thing and for its opposite"
    return _unequal(atoms) or _empty_range(atoms)


def _all_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts that must all hold."""
    if "&&" in body:
        return _all_of(body["&&"]["left"]) + _all_of(body["&&"]["right"])
    return [body]


def _negated(atom: dict[str, Any]) -> dict[str, Any]:
    return cast(dict[str, Any], atom["!"]["arg"]) if "!" in atom else {"!": {"arg": atom}}


def _compared(atoms: list[dict[str, Any]], sign: str) -> Iterator[tuple[str, Any]]:
    """(attribute, literal) of every `attribute sign literal`."""
    for atom in atoms:
        sides = atom.get(sign)
        if sides and "Value" in sides["right"] and (name := _dotted(sides["left"])):
            yield name, sides["right"]["Value"]


def _dotted(body: dict[str, Any]) -> str:
    if "Var" in body:
        return str(body["Var"])
    inner = _dotted(body["."]["left"]) if "." in body else ""
    return f"{inner}.{body['.']['attr']}" if inner else ""


def _unequal(atoms: list[dict[str, Any]]) -> str:
    asked: dict[str, Any] = {}
    for name, value in _compared(atoms, "=="):
        if name in _WORDS and value not in _WORDS[name]:
            return f"`{name}` is never `{value}`"
        if asked.setdefault(name, value) != value:
            return f"`{name}` cannot be `{asked[name]}` and `{value}`"
    return ""


def _empty_range(atoms: list[dict[str, Any]]) -> str:
    low: dict[str, int] = {}
    high: dict[str, int] = {}
    for sign, nudge in ((">", 1), (">=", 0)):
        for name, value in _compared(atoms, sign):
            low[name] = max(low.get(name, value + nudge), value + nudge)
    for sign, nudge in (("<", -1), ("<=", 0)):
        for name, value in _compared(atoms, sign):
            high[name] = min(high.get(name, value + nudge), value + nudge)
    empty = sorted(name for name in low.keys() & high.keys() if low[name] > high[name])
    return f"no number fits the bounds of `{empty[0]}`" if empty else ""
