"""What a rule can reach: its conditions as cases, each a set of values for each fact, from which dead rules are told.

A rule is taken apart into cases of which one must hold. A case that asks for two things that exclude each other is
empty; so is one that asks for an act that its surface does not have. A rule all of whose cases are empty can never
match, and one all of whose cases lie in hard forbids decides nothing.

It is incomplete on purpose: a part that is not understood stays as it is and is compared only with its like, so that
nothing is called dead that may live.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from policies.consequence import KINDS
from policies.narrow import TIERS

__all__ = ["ACTIONS", "SURFACES", "Case", "cases_of"]

Body = Mapping[str, Any]

SURFACES = frozenset({"browser", "desktop", "android", "guest", "fake"})
_GROUPS: Mapping[str, frozenset[str]] = {
    "look": frozenset({"wait", "zoom", "hover", "scroll"}),
    "point": frozenset({"click", "drag", "swipe", "long_press"}),
    "type_in": frozenset({"type_text", "press_keys"}),
    "open": frozenset({"open_url", "launch_app"}),
    "wire": frozenset({"request"}),
    "system": frozenset({"system_button"}),
}
"""Of the schema: which actions each group holds."""
ACTIONS = frozenset().union(*_GROUPS.values())
_NEVER_ON: Mapping[str, frozenset[str]] = {
    "browser": frozenset({"launch_app", "swipe"}),
    "desktop": frozenset({"open_url", "swipe", "request"}),
    "guest": frozenset({"open_url", "swipe", "request"}),
    "android": frozenset({"open_url", "hover", "request"}),
}
"""Acts that a surface's hand refuses whatever the rules say, and requests, which only a browser holds."""
_ONLY_FOR: Mapping[str, frozenset[str]] = {
    "has context.sent": frozenset({"request"}),
    "has context.drop": frozenset({"drag", "swipe"}),
}
"""Facts that are there only for some actions."""
_CLOSED: Mapping[str, frozenset[Any]] = {
    "action": ACTIONS,
    "context.surface": SURFACES,
    "context.consequence": frozenset(KINDS),
    "context.tier": frozenset(TIERS),
    "principal.tier": frozenset(TIERS),
}
"""Facts with a closed list of values."""
_OPPOSITES: Mapping[str, str] = {"!=": "==", "<": ">=", "<=": ">"}
_MOST_CASES = 256


@dataclass(slots=True)
class Case:
    """Everything that must hold at once. `why` says what excludes itself; empty as long as nothing does."""

    any_of: dict[str, frozenset[Any]] = field(default_factory=dict)
    """Fact to the values that it may have."""
    none_of: dict[str, frozenset[Any]] = field(default_factory=dict)
    """Fact to the values that it must not have."""
    least: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    rest: dict[str, bool] = field(default_factory=dict)
    """What is not taken apart further, as text, and whether it must hold or must not."""
    why: str = ""

    def asks(self, body: Body, holds: bool) -> None:
        """Add one part that must hold, or must not."""
        if "Value" in body:
            if body["Value"] is not holds:
                self._empty("it asks for `false`")
            return
        fact, kind, value = _read(body)
        match kind:
            case "is":
                self._may_be(fact, frozenset(value), holds)
            case ">=":
                self._bounded(fact, value, holds)
            case _:
                if self.rest.setdefault(fact, holds) != holds:
                    self._empty("it asks for a thing and for its opposite")

    def _bounded(self, fact: str, value: int, holds: bool) -> None:
        if holds:
            self.least[fact] = max(self.least.get(fact, value), value)
        else:
            self.most[fact] = min(self.most.get(fact, value - 1), value - 1)
        if self.least.get(fact, 0) > self.most.get(fact, self.least.get(fact, 0)):
            self._empty(f"no number fits the bounds of `{fact}`")

    def _may_be(self, fact: str, values: frozenset[Any], holds: bool) -> None:
        known = _CLOSED.get(fact)
        if holds:
            if known is not None and not values & known:
                self._empty(f"`{fact}` is never {_listed(values)}")
            before = self.any_of.get(fact)
            self.any_of[fact] = values if before is None else before & values
            if before is not None and not self.any_of[fact]:
                self._empty(_opposed(fact, before, values))
        else:
            self.none_of[fact] = self.none_of.get(fact, frozenset()) | values
        left = self.values(fact)
        if left is not None and not left:
            self._empty(_opposed(fact, self.any_of.get(fact, values), frozenset()))

    def values(self, fact: str) -> frozenset[Any] | None:
        """What a fact may still be; None where that is no closed list."""
        never = self.none_of.get(fact, frozenset())
        either = frozenset({True, False}) if any(isinstance(one, bool) for one in never) else None
        known = self.any_of.get(fact, _CLOSED.get(fact, either))
        return None if known is None else known - never

    def finish(self) -> None:
        """What the facts of this case say of one another: an act that its surface does not have, and the like."""
        for fact, values in self.any_of.items():
            low, high = self.least.get(fact), self.most.get(fact)
            if not any((low is None or one >= low) and (high is None or one <= high) for one in values):
                self._empty(f"no number fits the bounds of `{fact}`")
        for fact, only in _ONLY_FOR.items():
            name, actions = fact.removeprefix("has "), self.values("action") or ACTIONS
            if self.values(fact) == frozenset({True}):
                if not actions & only:
                    self._empty(f"`{name}` is there only for {_listed(only)}")
                self.any_of["action"] = actions & only
            elif self.values(fact) == frozenset({False}) and actions <= only:
                self._empty(f"`{name}` is always there for {_listed(actions)}")
        actions, surfaces = self.values("action") or ACTIONS, self.values("context.surface") or SURFACES
        if not any(actions - _NEVER_ON.get(surface, frozenset()) for surface in surfaces):
            self._empty(f"{_listed(surfaces)} never does {_listed(actions)}")

    def lies_in(self, other: Case) -> bool:
        """Whether whatever fits this case fits the other one; False also where that cannot be told."""
        if any((mine := self.values(fact)) is None or not mine <= values for fact, values in other.any_of.items()):
            return False
        for fact, values in other.none_of.items():
            mine, not_mine = self.values(fact), self.none_of.get(fact, frozenset())
            if not values <= not_mine and (mine is None or mine & values):
                return False
        numbers = all(self.least.get(fact, value - 1) >= value for fact, value in other.least.items())
        numbers = numbers and all(self.most.get(fact, value + 1) <= value for fact, value in other.most.items())
        return numbers and all(self.rest.get(text) == holds for text, holds in other.rest.items())

    def _empty(self, why: str) -> None:
        self.why = self.why or why


def cases_of(body: Body) -> list[Case]:
    """The cases of a rule in Cedar's JSON form, in which one without a contradiction may match.

    More than a bound: one case that leaves the conditions unread.
    """
    parts: list[list[tuple[Body, bool]]] = [[]]
    for condition in body["conditions"]:
        more = _either(condition["body"], condition["kind"] == "when")
        if len(parts) * len(more) > _MOST_CASES:
            more = [[(condition["body"], condition["kind"] == "when")]]
        parts = [[*one, *other] for one in parts for other in more]
    found = []
    for each in parts:
        case = Case()
        _scoped(case, body)
        for part, holds in each:
            case.asks(part, holds)
        case.finish()
        found.append(case)
    return found


def _scoped(case: Case, body: Body) -> None:
    """What the head of a rule asks for."""
    action = body["action"]
    if action["op"] in ("==", "in"):
        named = [action["entity"]] if "entity" in action else action["entities"]
        held = [_GROUPS.get(one["id"], frozenset({one["id"]})) for one in named]
        case._may_be("action", frozenset().union(*held), True)
    for name in ("principal", "resource"):
        if body[name]["op"] != "All":
            case.rest[f"{name} {json.dumps(body[name], sort_keys=True)}"] = True


def _either(body: Body, holds: bool) -> list[list[tuple[Body, bool]]]:
    """Ways in which it holds (or does not), each as parts that must all be so."""
    if "!" in body:
        return _either(body["!"]["arg"], not holds)
    for sign, opposite in _OPPOSITES.items():
        if sign in body:
            return _either({opposite: body[sign]}, not holds)
    for sign, together in (("&&", holds), ("||", not holds)):
        if sign in body:
            left, right = _either(body[sign]["left"], holds), _either(body[sign]["right"], holds)
            if not together:
                return left + right
            if len(left) * len(right) > _MOST_CASES:
                return [[(body, holds)]]
            return [[*one, *other] for one in left for other in right]
    return [[(body, holds)]]


def _read(body: Body) -> tuple[str, str, Any]:
    """(fact, kind, value): `is` with a list of values, `>=` with a number, or the whole as a text."""
    for sign, read in _COMPARED.items():
        if sign in body and (found := read(body[sign])) is not None:
            return found
    if name := _dotted(body):
        return name, "is", [True]
    return json.dumps(body, sort_keys=True), "", None


def _equal(sides: Body) -> tuple[str, str, Any] | None:
    for one, other in ((sides["left"], sides["right"]), (sides["right"], sides["left"])):
        name, value = _dotted(one), _value(other)
        if name and value is not None:
            return name, "is", [value]
    return None


def _contained(sides: Body) -> tuple[str, str, Any] | None:
    name, members = _dotted(sides["right"]), sides["left"].get("Set")
    values = [_value(one) for one in members] if isinstance(members, list) else [None]
    return None if not name or None in values else (name, "is", values)


def _there(sides: Body) -> tuple[str, str, Any] | None:
    name = _dotted(sides["left"])
    return (f"has {name}.{sides['attr']}", "is", [True]) if name else None


def _bound(nudge: int) -> Callable[[Body], tuple[str, str, Any] | None]:
    def read(sides: Body) -> tuple[str, str, Any] | None:
        name, value = _dotted(sides["left"]), _value(sides["right"])
        if not name or isinstance(value, bool) or not isinstance(value, int):
            return None
        return name, ">=", value + nudge

    return read


def _acted(sides: Body) -> tuple[str, str, Any] | None:
    """`action in GROUP`."""
    if sides["left"] != {"Var": "action"} or (value := _value(sides["right"])) is None:
        return None
    return "action", "is", sorted(_GROUPS.get(str(value), {str(value)}))


_COMPARED: Mapping[str, Callable[[Body], tuple[str, str, Any] | None]] = {
    "==": _equal,
    "contains": _contained,
    "has": _there,
    ">=": _bound(0),
    ">": _bound(1),
    "in": _acted,
}


def _value(body: Body) -> Any:
    """A literal; of an entity that is an action its name; None for anything else."""
    value = body.get("Value")
    if isinstance(value, dict):
        entity = cast("Body", value.get("__entity", {}))
        return entity.get("id") if entity.get("type") == "Gui::Action" else None
    return value


def _dotted(body: Body) -> str:
    if "Var" in body:
        return str(body["Var"])
    inner = _dotted(body["."]["left"]) if "." in body else ""
    return f"{inner}.{body['.']['attr']}" if inner else ""


def _listed(values: Iterable[Any]) -> str:
    return " or ".join(f"`{str(one).lower() if isinstance(one, bool) else one}`" for one in sorted(values, key=str))


def _opposed(fact: str, before: frozenset[Any], values: frozenset[Any]) -> str:
    if isinstance(next(iter(before | values), None), bool) or not values:
        return "it asks for a thing and for its opposite"
    return f"`{fact}` cannot be {_listed(before)} and {_listed(values)}"
