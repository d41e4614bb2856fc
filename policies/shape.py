"""The shape of facts: which there are and of what type, without what they say.

The engine checks facts against the schema by their names and types alone. So once facts of one shape have fitted,
others of the same shape do as well, and need not be checked again. What cannot be told safely has no shape.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

__all__ = ["CONVERTED", "shape_of"]

_PLAIN = frozenset({bool, int, str})
CONVERTED = frozenset({"now"})
"""Facts whose type in the schema is an extension's: a text there is converted only where the schema is at hand."""


def shape_of(facts: Mapping[str, object]) -> Hashable:
    """Equal for facts with the same names in the same order and values of the same types; None where it has none."""
    told: list[Hashable] = []
    for name, value in facts.items():
        kind: Any = type(value)
        if kind not in _PLAIN:
            kind = _nested(value)
        if kind is None or (kind is str and name in CONVERTED):
            return None
        told.append((name, kind))
    return tuple(told)


def _nested(value: object) -> Hashable:
    """Of a value that is no plain one. A set is told by the types in it, an extension's value by its function."""
    if isinstance(value, list | tuple):
        kinds = frozenset(type(one) for one in value)
        return ("set", kinds) if kinds <= _PLAIN else None
    if not isinstance(value, dict):
        return None
    if value.keys() == {"__extn"}:
        inner = value["__extn"]
        plain = isinstance(inner, dict) and inner.keys() == {"fn", "arg"} and type(inner["arg"]) is str
        return ("extension", str(inner["fn"])) if plain else None
    if any(not isinstance(name, str) or name.startswith("__") for name in value):
        return None
    inside = shape_of(value)
    return None if inside is None else ("record", inside)
