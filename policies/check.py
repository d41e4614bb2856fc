"""Rules that load and yet look wrong. Incomplete: what it does not find may still be there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from policies.reach import Case, cases_of
from policies.rule import Rule

__all__ = ["warnings_of"]


def warnings_of(rules: Iterable[Rule]) -> list[str]:
    """One line per doubt, in the order of the rules."""
    every = [(rule, cases_of(json.loads(rule.body))) for rule in rules]
    walls = [(rule.id, [case for case in cases if not case.why]) for rule, cases in every if rule.hard]
    found: list[str] = []
    for rule, cases in every:
        if not rule.because:
            found.append(f"`{rule.id}` has no `@because`: a person would see only its id")
        if rule.escalate == "human" and "approved_by" not in rule.body:
            found.append(f"`{rule.id}` escalates to a person but has no `unless {{ context has approved_by }}`")
        if rule.escalate == "rehearse" and "rehearsed" not in rule.body:
            found.append(f"`{rule.id}` escalates to a rehearsal but never looks at `context.rehearsed`")
        if why := _never(json.loads(rule.body), cases):
            found.append(f"`{rule.id}` can never match: {why}")
        elif not rule.hard and (names := _behind(cases, walls)):
            found.append(f"`{rule.id}` can never decide anything: {names} forbids all that it speaks of")
    return found


def _never(body: Mapping[str, Any], cases: Sequence[Case]) -> str:
    """Why no case can be; empty where one can."""
    if any(one["kind"] == "unless" and one["body"] == {"Value": True} for one in body["conditions"]):
        return "its `unless` always holds"
    return "" if any(not case.why for case in cases) else cases[0].why


def _behind(cases: Sequence[Case], walls: Sequence[tuple[str, Sequence[Case]]]) -> str:
    """The rules that nobody can lift and that together hold all of these cases; empty where one is left."""
    names: dict[str, None] = {}
    for case in (one for one in cases if not one.why):
        wall = next((name for name, held in walls if any(case.lies_in(other) for other in held)), "")
        if not wall:
            return ""
        names[wall] = None
    return " and ".join(f"`{name}`" for name in names)
