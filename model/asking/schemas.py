"""JSON Schemas that people bring: looked over before a model is loaded, and what answers are held against."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from model.asking.media import Unusable

__all__ = ["enforceable", "fields_of", "misfit", "read_schema"]

_MOST_BYTES = 1 << 20


def read_schema(path: Path) -> dict[str, Any]:
    """A JSON Schema (2020-12) from a file.

    Raises:
        Unusable: no such file, no JSON, no schema, or one that points outside of itself.
    """
    if find_spec("jsonschema") is None:
        raise Unusable(f"{path}: schemas need jsonschema: pip install 'deskhand[ask]'")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise Unusable(f"{path}: {path.stat().st_size} bytes are too many for a schema, at most {_MOST_BYTES}")
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unusable(f"{path}: there is no such file") from None
    except OSError as error:
        raise Unusable(f"{path}: not readable: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{path}: no JSON: {' '.join(str(error).split())[:120]}") from None
    if not isinstance(found, dict):
        raise Unusable(f"{path}: a schema is a JSON object, got {type(found).__name__}")
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(found)
    except SchemaError as error:
        where = "/".join(str(step) for step in error.absolute_path) or "the top"
        raise Unusable(f"{path}: no JSON Schema: at {where}: {' '.join(error.message.split())[:120]}") from None
    except RecursionError:
        raise Unusable(f"{path}: the schema is nested too deeply") from None
    outside = next((ref for ref in _references(found) if not ref.startswith("#")), None)
    if outside is not None:
        raise Unusable(
            f"{path}: `$ref: {outside}` points outside of the file; only references such as #/$defs/x are followed"
        )
    return found


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        for key, value in part.items():
            if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            yield from _references(value)
    elif isinstance(part, list):
        for one in part:
            yield from _references(one)


def enforceable(lark: str) -> str:
    """Why constrained decoding cannot hold replies to a grammar; empty where it can, or is not installed."""
    if find_spec("llguidance") is None:
        return ""
    from llguidance import LLMatcher

    said = str(LLMatcher.validate_grammar(lark) or "")
    line = next((part for part in said.splitlines() if part.strip()), "")
    return " ".join(line.split())[:200]


def fields_of(schema: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """The fields that an `extract` schema names: its properties, each plain.

    Raises:
        Unusable: no object of plain fields.
    """
    fields = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(fields, dict) or not fields:
        raise Unusable(f'{where}: expected {{"type": "object", "properties": {{FIELD: {{"type": "string", ...}}}}}}')
    for name, field in fields.items():
        kind = field.get("type", "string") if isinstance(field, dict) else None
        if kind not in ("string", "number", "integer", "boolean"):
            raise Unusable(f"{where}: field `{name}`: expected type string, number, integer or boolean, got {kind!r}")
    return fields


def misfit(value: Any, schema: Mapping[str, Any]) -> str:
    """Why a value does not fit a schema; empty where it does. Nothing is fetched."""
    from jsonschema import Draft202012Validator
    from jsonschema_specifications import REGISTRY

    checker = Draft202012Validator(schema, registry=REGISTRY)
    error = next(iter(checker.iter_errors(value)), None)
    if error is None:
        return ""
    where = "/".join(str(step) for step in error.absolute_path)
    return (f"{where}: " if where else "") + " ".join(error.message.split())[:150]
