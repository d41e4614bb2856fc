"""What the rest of the screen adds to a judgement: the fields of the same form, and the totals the page states.

Small on purpose: it is what travels to the broker instead of the frame and all nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from actuators.observation import Node, Observation, Target
from policies.money import Amounts, totals
from policies.recipients import addresses, is_receiver, mailed

__all__ = ["NOTHING", "Field", "Scene", "scene_of", "texts_of"]

_MOST_FIELDS = 60
_MOST_TOTALS = 40
_MOST_TEXT = 60_000
"""Characters of one screen that are looked through."""


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
    recipients: tuple[str, ...] = ()
    """Whom the fields of the screen, or the target's own link, name as receivers."""


NOTHING = Scene()


def scene_of(target: Target, seen: Observation) -> Scene:
    """What `seen` adds to the judgement of `target`."""
    stated = totals(seen.text())
    if len(stated.found) > _MOST_TOTALS:
        stated = Amounts(stated.found[:_MOST_TOTALS], unclear=True)
    return Scene(seen.digest, _fields(target, seen.nodes), stated, _recipients(target, seen.nodes))


def _recipients(target: Target, nodes: tuple[Node, ...]) -> tuple[str, ...]:
    """From the target's form, or from the whole screen where it has none: many mail programs have no form."""
    form = target.node.form if target.node is not None else None
    where = form and (form.method, form.action)
    found = list(mailed(target.destination)) + (list(mailed(target.node.href)) if target.node is not None else [])
    for node in nodes:
        own = where is None or (node.form is not None and (node.form.method, node.form.action) == where)
        if own and node.editable and not node.password and is_receiver(node.name):
            found += addresses(node.value)
    return tuple(dict.fromkeys(found))[:_MOST_FIELDS]


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


def texts_of(seen: Observation, read: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What a screen says, in reading order, bounded: title, notices, names, and values that nobody typed.

    `read` is what somebody has read on its pixels; it comes last.

    What goes beyond the bound is left out, and a last line says so.
    """
    said = [seen.title, *seen.notices]
    for node in seen.nodes:
        said += [node.name, "" if node.editable else node.value]
    said += read
    kept: list[str] = []
    room = _MOST_TEXT
    for text in filter(None, dict.fromkeys(said)):
        if len(text) > room:
            return (*kept, text[:room], BEYOND)
        kept.append(text)
        room -= len(text)
    return tuple(kept)


BEYOND = "\u2026 and more than is looked through"
"""Stands last where a screen says more than `texts_of` takes."""
