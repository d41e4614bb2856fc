"""What the rest of the screen adds to a judgement: the fields of the same form, and the totals the page states.

Small on purpose: it is what travels to the broker instead of the frame and all nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from actuators.observation import Node, Observation, Target
from policies.money import Amounts, totals

__all__ = ["NOTHING", "Field", "Scene", "scene_of"]

_MOST_FIELDS = 60
_MOST_TOTALS = 40


@dataclass(frozen=True, slots=True)
class Field:
    """A field or button that shares the target's form. Names are the screen's claims."""

    name: str
    submits: bool = False
    password: bool = False
    autocomplete: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything about an observation that a decision needs besides the target."""

    seen_digest: str = ""
    fields: tuple[Field, ...] = ()
    totals: Amounts = field(default_factory=Amounts)
    """What the visible text states as a total, anywhere."""


NOTHING = Scene()


def scene_of(target: Target, seen: Observation) -> Scene:
    """What `seen` adds to the judgement of `target`."""
    stated = totals(seen.text())
    if len(stated.found) > _MOST_TOTALS:
        stated = Amounts(stated.found[:_MOST_TOTALS], unclear=True)
    return Scene(seen.digest, _fields(target, seen.nodes), stated)


def _fields(target: Target, nodes: tuple[Node, ...]) -> tuple[Field, ...]:
    if target.node is None or target.node.form is None:
        return ()
    where = (target.node.form.method, target.node.form.action)
    told = (
        Field(node.name[:200], node.submits, node.password, node.autocomplete)
        for node in nodes
        if node.form is not None
        and (node.form.method, node.form.action) == where
        and (node.submits or node.password or "cc-" in node.autocomplete)
    )
    return tuple(told)[:_MOST_FIELDS]
