"""Decisions by Cedar rules: pure, deny by default, a rule that fails denies.

The engine skips a rule that fails to evaluate, even a forbid. So policies are validated strictly when loaded, and any
error in an evaluation denies. Escalation is written as a forbid that people or a rehearsal can lift; when every
forbid that matched can be lifted, the request is decided again as if it were, and only if that allows is anyone asked.

It judges the facts it is given. It does not know whether they are true.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cedarpy

from policies.check import warnings_of
from policies.decision import Decision
from policies.narrow import Narrow
from policies.request import Request
from policies.rule import PolicyUnusable, Rule, rules_in
from policies.shape import shape_of

__all__ = ["PolicySet", "PolicyUnusable", "preset_text", "schema_text"]

_HERE = Path(__file__).parent
_RUN = {"type": "Gui::Run", "id": "run"}
_TARGET = {"type": "Gui::Widget", "id": "target"}
_STRICTNESS = {"allow": 0, "ask": 1, "rehearse": 2, "deny": 3}
"""A rehearsal comes before a person is asked, so that the person sees what it brought."""
_SUPPOSED = "supposed"
"""Stands for the person in a decision made as if one had approved; never leaves this file."""
_MOST_SHAPES = 500


def schema_text() -> str:
    """The Cedar schema that every policy is checked against."""
    return (_HERE / "schema.cedarschema").read_text(encoding="utf-8")


def preset_text(name: str) -> str:
    """The source of a preset (`observe`, `browse`, `booking`, `sandbox`) or of the `house` rules."""
    path = _HERE / f"{name}.cedar" if name == "house" else _HERE / "presets" / f"{name}.cedar"
    return path.read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one layer of rules says to one request."""

    allowed: bool
    rules: tuple[Rule, ...] = ()
    errors: tuple[str, ...] = ()


class _Layer:
    """Rules that are decided together."""

    def __init__(self, sources: Mapping[str, str], schema: cedarpy.Schema) -> None:
        self.rules = [rule for name, text in sources.items() for rule in rules_in(text, name)]
        _refuse_twice(self.rules)
        whole = "\n".join(sources.values())
        _refuse_invalid(whole, self.rules, schema)
        self._set = cedarpy.PolicySet.from_str(whole)
        self._by_position = {f"policy{n}": rule for n, rule in enumerate(self.rules)}

    def answer(self, request: dict[str, object], entities: cedarpy.Entities, schema: cedarpy.Schema | None) -> _Answer:
        """`schema`: what the request is checked against; None where it is known to fit."""
        result = cedarpy.is_authorized(request, self._set, entities, schema)
        try:
            rules = tuple(self._by_position[name] for name in result.diagnostics.reasons)
        except KeyError as error:
            return _Answer(False, errors=(f"a rule decided that was never loaded: {error}",))
        errors = tuple(_named(text, self._by_position) for text in result.diagnostics.errors)
        if result.decision is cedarpy.Decision.NoDecision and not errors:
            errors = ("the engine gave no decision",)
        return _Answer(result.allowed and not errors, tuple(sorted(rules, key=lambda rule: rule.id)), errors)


class PolicySet:
    """The rules of one run: the house's, the operator's, and the preset that the task narrows to.

    A request is allowed only when every layer allows it.

    Args:
        layers: per layer the sources by name; ids are unique over all of them.
        narrow: the limits of the run.

    Raises:
        PolicyUnusable: a source does not parse or validate, or an id is missing or used twice.
    """

    def __init__(self, layers: Iterable[Mapping[str, str]], narrow: Narrow | None = None) -> None:
        self.narrow = narrow or Narrow()
        self._schema = cedarpy.Schema.from_str(schema_text())
        self._layers = [_Layer(sources, self._schema) for sources in layers]
        every = [rule for layer in self._layers for rule in layer.rules]
        _refuse_twice(every)
        self.rules = {rule.id: rule for rule in every}
        run = [{"uid": _RUN, "attrs": self.narrow.attributes(), "parents": []}]
        self._run = cedarpy.Entities.from_json_str(json.dumps(run), self._schema)
        self.digest = _digest(self._layers, self.narrow)
        self._fitting: set[Hashable] = set()
        """Shapes of contexts and of widgets that the engine found to fit the schema."""

    @classmethod
    def load(cls, names: Iterable[str | Path], narrow: Narrow | None = None) -> PolicySet:
        """The operator's policies by preset name or path, with the house rules and the task's narrowing.

        Raises:
            PolicyUnusable: as the class says, or a file is not there.
        """
        operator = {"house": preset_text("house")} | {str(name): _source(name) for name in names}
        layers = [operator]
        preset = narrow.preset if narrow else None
        if preset and preset not in operator:
            layers.append({preset: preset_text(preset)})
        return cls(layers, narrow)

    def decide(self, request: Request) -> Decision:
        """What all layers say; the strictest answer stands."""
        entities, errors = self._entities(request)
        if entities is None:
            return Decision("deny", errors=errors, reason="the facts do not fit the schema")
        decisions = [self._decide(layer, request, entities) for layer in self._layers]
        if not decisions:
            return Decision("deny", reason="there are no rules")
        strictest = max(decisions, key=lambda one: _STRICTNESS[one.verdict])
        same = [one for one in decisions if one.verdict == strictest.verdict]
        rules = tuple(sorted({name for one in same for name in one.rules}))
        return Decision(strictest.verdict, rules, sum((one.errors for one in same), ()), strictest.reason)

    def check(self) -> list[str]:
        """What looks wrong in the rules though it loads: a rule that can never match, an escalation nobody can lift."""
        return warnings_of(self.rules.values())

    def _decide(self, layer: _Layer, request: Request, entities: cedarpy.Entities) -> Decision:
        answer = self._answer(layer, request, entities)
        forbids = [rule for rule in answer.rules if rule.effect == "forbid"]
        match bool(answer.errors), answer.allowed, bool(forbids), any(rule.hard for rule in forbids):
            case True, _, _, _:  # a rule failed, or the request does not fit: nothing it says can be trusted
                return Decision("deny", _ids(answer.rules), answer.errors, "a rule could not be evaluated")
            case _, True, _, _:
                return Decision("allow", _ids(answer.rules), reason=_because(answer.rules))
            case _, _, False, _:  # the default
                return Decision("deny", reason="no rule permits it")
            case _, _, _, True:  # no approval can help
                hard = tuple(rule for rule in forbids if rule.hard)
                return Decision("deny", _ids(hard), reason=_because(hard))
            case _:
                return self._escalate(layer, request, entities, tuple(forbids))

    def _escalate(
        self, layer: _Layer, request: Request, entities: cedarpy.Entities, forbids: tuple[Rule, ...]
    ) -> Decision:
        """Every forbid can be lifted: is it worth asking? A rehearsal comes first, a person sees what it brought."""
        needed = {rule.escalate for rule in forbids}
        supposed = request.but(approved_by=_SUPPOSED) if "human" in needed else request
        supposed = supposed.but(rehearsed=True) if "rehearse" in needed else supposed
        lifted = self._answer(layer, supposed, entities)
        if not lifted.allowed:
            why = _because(lifted.rules) if lifted.rules else "no rule permits it, with or without approval"
            return Decision("deny", _ids(lifted.rules or forbids), lifted.errors, why)
        return Decision("rehearse" if "rehearse" in needed else "ask", _ids(forbids), reason=_because(forbids))

    def _answer(self, layer: _Layer, request: Request, entities: cedarpy.Entities) -> _Answer:
        context = shape_of(request.context)
        shape = None if context is None else (request.action, context)
        known = shape in self._fitting
        answer = layer.answer(_cedar(request), entities, None if known else self._schema)
        if not known and not answer.errors:
            self._fits(shape)
        return answer

    def _entities(self, request: Request) -> tuple[cedarpy.Entities | None, tuple[str, ...]]:
        parents = [{"type": kind, "id": name} for kind, name in request.parents]
        widget = [{"uid": _TARGET, "attrs": dict(request.widget), "parents": parents}]
        attributes = shape_of(request.widget)
        shape = None if attributes is None else (tuple(kind for kind, _ in request.parents), attributes)
        known = shape in self._fitting
        try:
            found = self._run.with_added_json_str(json.dumps(widget), None if known else self._schema)
        except (ValueError, TypeError) as error:
            return None, (_line(str(error)),)
        if not known:
            self._fits(shape)
        return found, ()

    def _fits(self, shape: Hashable) -> None:
        """INVARIANT (a shape fits): the engine has checked facts of this shape against the schema and they fit."""
        if shape is not None:
            if len(self._fitting) >= _MOST_SHAPES:
                self._fitting.clear()
            self._fitting.add(shape)


def _cedar(request: Request) -> dict[str, object]:
    return {
        "principal": _RUN,
        "action": {"type": "Gui::Action", "id": request.action},
        "resource": _TARGET,
        "context": dict(request.context),
    }


def _ids(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(sorted(rule.id for rule in rules))


def _because(rules: Iterable[Rule]) -> str:
    return "; ".join(rule.because or rule.id for rule in rules)


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


def _named(error: str, by_position: Mapping[str, Rule]) -> str:
    """An engine error with rules by their id; positions mean nothing to a reader."""
    words = (by_position[w.strip("`,:;")].id if w.strip("`,:;") in by_position else w for w in error.split())
    return _line(" ".join(words))


def _source(name: str | Path) -> str:
    presets = {path.stem for path in (_HERE / "presets").glob("*.cedar")}
    path = _HERE / "presets" / f"{name}.cedar" if str(name) in presets else Path(name)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(sorted(presets))
        raise PolicyUnusable(f"no policy `{name}`: {type(error).__name__}; expected a file or one of {known}") from None


def _refuse_twice(rules: list[Rule]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise PolicyUnusable(f"rule id `{rule.id}` is used twice")
        seen.add(rule.id)


def _refuse_invalid(text: str, rules: list[Rule], schema: cedarpy.Schema) -> None:
    result = cedarpy.validate_policies(text, schema)
    if not result.validation_passed:
        by_position = {f"policy{n}": rule for n, rule in enumerate(rules)}
        first = next(iter(result.errors), None)
        raise PolicyUnusable(_named(first.error, by_position) if first else "validation failed without a reason")


def _digest(layers: list[_Layer], narrow: Narrow) -> str:
    """SHA-256 over every rule, the schema and the limits; white space, comments and order do not count."""
    stated = {
        "layers": [{rule.id: rule.body for rule in layer.rules} for layer in layers],
        "schema": hashlib.sha256(schema_text().encode()).hexdigest(),
        "narrow": {**narrow.attributes(), "apps": sorted(narrow.apps or ()), "reads": sorted(narrow.reads or ())}
        | {
            name: sorted(given)
            for name in ("sends", "recipients", "files")
            if (given := getattr(narrow, name)) is not None
        },
    }
    text = json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
