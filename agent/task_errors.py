"""What is wrong with a task, one line each: `tasks/x.yaml:12: unknown key ...; did you mean ...?`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from agent.template import nearest
from agent.yaml_lines import Path

__all__ = ["Problem", "TaskError", "shape_problems"]

Problem = tuple[Path, str]
"""Where in the document, and what is wrong there."""


class TaskError(Exception):
    """The task cannot be used. Its text is the first line; `lines` has them all, each complete in itself."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(dict.fromkeys(" ".join(line.split()) for line in lines))
        super().__init__(self.lines[0])


def shape_problems(error: ValidationError, value: object, schema: Mapping[str, Any]) -> Iterator[Problem]:
    """What pydantic found, in our words. `value` is what was validated, `schema` its JSON Schema."""
    details = error.errors(include_url=False)
    strange = any(detail["type"] == "extra_forbidden" and detail["loc"][:1] == ("surface",) for detail in details)
    for detail in details:
        path = _path(detail["loc"], value)
        if not (strange and detail["type"] == "missing" and path == ("surface",)):
            yield path, _said(detail, path, schema)


def _path(loc: Sequence[str | int], value: object) -> Path:
    """The keys and indexes of `loc` that lead somewhere in `value`; the names of union members are left out."""
    path: list[str | int] = []
    for part in loc:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part in range(len(value)):
            value = value[cast(int, part)]
        else:
            continue
        path.append(part)
    return tuple(path)


def _said(detail: ErrorDetails, path: Path, schema: Mapping[str, Any]) -> str:
    loc, given, context = detail["loc"], detail["input"], detail.get("ctx", {})
    name = _name(path)
    match detail["type"]:
        case "extra_forbidden":
            what = "surface" if path[:-1] == ("surface",) else "key"
            return f"unknown {what} `{path[-1]}`{nearest(str(path[-1]), _keys(path[:-1], schema, loc[:-1]))}"
        case "missing" if isinstance(loc[-1], int):
            return f"{name} has too few items"
        case "missing":
            return f"the key `{loc[-1]}` is missing in {name}"
        case "literal_error":
            return f"{name} is {_shown(given)}{nearest(str(given), _listed(context['expected']))}"
        case "union_tag_invalid":
            return f"unknown kind `{context['tag']}`{nearest(str(context['tag']), _listed(context['expected_tags']))}"
        case "union_tag_not_found":
            return f"{name} needs a `kind`: text, url, node, file or output"
        case "value_error":
            return f"{name}: {context['error']}"
        case "string_pattern_mismatch" if loc[-1] == "[key]":
            return f"`{path[-1]}` is no name, expected lower-case letters, digits and `_`, beginning with a letter"
        case "string_pattern_mismatch":
            return f"{name}: `{given}` does not look right{_LOOKS.get(str(loc[-1]), '')}"
    return f"{name} {_bound(detail['type'], context) or _wanted(detail['type'])}, got {_shown(given)}"


_LOOKS = {
    "name": ", expected lower-case letters, digits, `_` or `-`, beginning with a letter",
    "env": ", expected the name of an environment variable like `DEMO_CARD`",
    "locale": ", expected a language like `en-US`",
    "sha256": ", expected 64 hexadecimal digits in lower case",
}
_WANTED = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "string_too_short": "must not be empty",
}


def _wanted(kind: str) -> str:
    return _WANTED.get(kind, f"is not right ({kind})")


def _bound(kind: str, context: Mapping[str, Any]) -> str:
    match kind:
        case "greater_than_equal":
            return f"must be at least {context['ge']:g}"
        case "less_than_equal":
            return f"must be at most {context['le']:g}"
        case "too_long":
            return f"must have at most {context['max_length']} items"
        case "string_too_long":
            return f"must have at most {context['max_length']} characters"
    return ""


def _name(path: Path) -> str:
    """`key`, `key` of `outer`, or item 3 of `key`, as people would say it."""
    if not path:
        return "the file"
    last = path[-1]
    if isinstance(last, int):
        return f"item {last + 1} of {_name(path[:-1])}"
    return f"`{last}`" + (f" of {_name(path[:-1])}" if len(path) > 1 else "")


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"`{value if len(value) <= 60 else value[:57] + '...'}`" if value else "an empty text"
        case dict():
            return "a mapping" + (f" (`{next(iter(value))}: ...`)" if value else "")
        case list():
            return "a list"
    return "something else"


def _listed(expected: str) -> list[str]:
    """The words in pydantic's `'a', 'b' or 'c'`."""
    return re.findall(r"'([^']*)'", expected) or expected.split(", ")


def _keys(path: Path, schema: Mapping[str, Any], loc: Sequence[str | int]) -> list[str]:
    """The keys that the mapping at `path` may have; `loc` names the members of unions on the way."""
    node: Mapping[str, Any] = schema
    for part in loc:
        node = _below(_resolved(node, schema), part, schema)
    return list(_resolved(node, schema).get("properties", {}))


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """`node` without references and without the `null` of an optional value."""
    while True:
        if "$ref" in node:
            node = schema["$defs"][str(node["$ref"]).rsplit("/", 1)[-1]]
        elif "anyOf" in node:
            node = next(one for one in node["anyOf"] if one.get("type") != "null")
        else:
            return node


def _below(node: Mapping[str, Any], part: str | int, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """One part of a location further down: a key, an index or the name of a union's member."""
    if part in node.get("properties", {}):
        found: Mapping[str, Any] = node["properties"][part]
    elif "discriminator" in node and part in node["discriminator"]["mapping"]:
        found = {"$ref": node["discriminator"]["mapping"][part]}
    elif "oneOf" in node:
        found = next((one for one in node["oneOf"] if one.get("type") != "string"), node)
    elif isinstance(part, int):
        found = node.get("items", {})
    else:
        named = next(iter(node.get("patternProperties", {}).values()), None)
        found = named or node.get("additionalProperties") or node
    return found
