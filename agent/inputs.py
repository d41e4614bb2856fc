"""Inputs: from what was written in the file or after `--set` to a value of the declared type."""

from __future__ import annotations

import re
from datetime import date
from typing import assert_never

from agent.money import Money, written_money
from agent.task_file import InputSpec, OutputSpec
from agent.template import InputType, Value, nearest, plain_problem

__all__ = ["bound_problem", "parse_input", "parse_value"]


def parse_input(spec: InputSpec, written: object) -> Value:
    """The value of one input.

    Raises:
        ValueError: it is not of the type, or not within what the file allows; the message is a fact to show.
    """
    value = parse_value(spec.type, written)
    if isinstance(value, str):
        _check_text(spec, value)
    elif problem := bound_problem(spec, value):
        raise ValueError(problem)
    return value


def parse_value(kind: InputType, written: object) -> Value:
    """`written` as a value of type `kind`: a date as 2026-12-14, money as `500 EUR`, bools as true or false.

    Raises:
        ValueError: the message is a fact to show.
    """
    match kind:
        case "string" | "choice":
            return _text(written)
        case "int":
            return _int(written)
        case "bool":
            return _bool(written)
        case "date":
            return _date(written)
        case "money":
            return written_money(_text(written))
        case _:
            assert_never(kind)


def _text(written: object) -> str:
    if not isinstance(written, str):
        shown = str(written).lower() if isinstance(written, bool) else str(written)
        raise ValueError(f'`{shown}` is not text; put it in quotes: "{shown}"')
    if problem := plain_problem(written):
        raise ValueError(f"the value {problem}")
    if not written.strip():
        raise ValueError("the value is empty")
    return written.strip()


def _int(written: object) -> int:
    if isinstance(written, int) and not isinstance(written, bool):
        return written
    if isinstance(written, str) and re.fullmatch(r"-?[0-9]{1,18}", written.strip(), re.ASCII):
        return int(written)
    raise ValueError(f"`{written}` is not a whole number")


def _bool(written: object) -> bool:
    if isinstance(written, bool):
        return written
    if isinstance(written, str) and written.strip().lower() in ("true", "false", "yes", "no"):
        return written.strip().lower() in ("true", "yes")
    raise ValueError(f"`{written}` is not true or false")


def _date(written: object) -> date:
    if isinstance(written, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", written.strip(), re.ASCII):
        try:
            return date.fromisoformat(written.strip())
        except ValueError:
            raise ValueError(f"`{written}` is not a day of the calendar") from None
    raise ValueError(f"`{written}` is not a date, expected one like 2026-12-14")


def _check_text(spec: InputSpec, value: str) -> None:
    if spec.type == "choice" and value not in (spec.choices or ()):
        raise ValueError(f"`{value}` is not a choice{nearest(value, spec.choices or ())}")
    if spec.pattern is not None and not re.fullmatch(spec.pattern, value):
        raise ValueError(f"`{value}` does not match the pattern `{spec.pattern}`")


def bound_problem(spec: InputSpec | OutputSpec, value: Value) -> str:
    """Why a value is out of its bounds (both inclusive); empty when it is not."""
    for bound, word in ((spec.min, "less than the smallest allowed,"), (spec.max, "more than the largest allowed,")):
        if bound is None or isinstance(value, str | bool):
            continue
        limit = parse_value(spec.type, bound)
        if isinstance(value, Money) and isinstance(limit, Money) and value.currency != limit.currency:
            return f"{value} is not in {limit.currency}"
        order = _order(value), _order(limit)
        if order[0] < order[1] if bound is spec.min else order[0] > order[1]:
            return f"{value} is {word} {limit}"
    return ""


def _order(value: Value) -> int:
    """Where a value lies among its kind."""
    if isinstance(value, Money):
        return value.minor
    if isinstance(value, date):
        return value.toordinal()
    return int(value)
