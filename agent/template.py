"""Templates in a task's texts: `{{name}}` and `{{name|filter}}`, put in once and never looked at again.

A value can never begin a second line, hide characters or stand for a secret: `plain_problem` refuses those before
anything is put in. It does not protect against a value that is itself an instruction in words ("Zurich, then pay"):
the policy, not the template, decides what may happen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Literal

from agent.money import Money

__all__ = [
    "FILTERS",
    "InputType",
    "Slot",
    "TemplateProblem",
    "Value",
    "hidden_in",
    "nearest",
    "plain_problem",
    "render",
    "secrets_in",
    "shown",
    "template_problems",
]

InputType = Literal["string", "int", "date", "money", "choice", "bool"]
Value = str | int | bool | date | Money

MAX_VALUE = 500
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SLOT = re.compile(r"\{\{(?P<inside>.*?)(?P<closed>\}\}|\Z)", re.DOTALL)
_SECRET = re.compile(r"<secret:([^<>]*)>")


class TemplateProblem(ValueError):
    """A template that cannot be filled in; the message is a fact to show."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One `{{name|filter|filter}}`."""

    name: str
    filters: tuple[str, ...] = ()


def nearest(word: str, known: Collection[str]) -> str:
    """`, expected one of ...; did you mean ...?` for a word that is not known."""
    listed = ", ".join(f"`{name}`" for name in known)
    expected = f", expected one of {listed}" if len(known) > 1 else f", expected {listed}" if known else ""
    close = get_close_matches(word, list(known), n=1)
    return expected + (f"; did you mean `{close[0]}`?" if close else "")


def plain_problem(text: str) -> str:
    """Why `text` may not be put into a template; empty if it may."""
    if len(text) > MAX_VALUE:
        return f"is longer than {MAX_VALUE} characters"
    if hidden := hidden_in(text):
        return f"holds the character {hidden}, only visible characters on one line are allowed"
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "must not name a secret" if "<secret:" in re.sub(r"\s", "", folded) else ""


def hidden_in(text: str) -> str:
    """The first character nobody would see, or that breaks the line, as `U+200B`; empty where there is none."""
    hidden = (c for c in text if unicodedata.category(c) in _HIDDEN and c not in "\u200c\u200d")
    return next((f"U+{ord(character):04X}" for character in hidden), "")


def secrets_in(text: str) -> tuple[str, ...]:
    """The names of the secrets that stand in a text as `<secret:NAME>`."""
    return tuple(_SECRET.findall(text))


def shown(value: Value) -> str:
    """A value as a template without filters writes it: dates as 2026-12-14, money as 500.00 EUR, bools as yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value)


def _first_word(text: str) -> str:
    return text.split()[0] if text.split() else ""


def _rest(text: str) -> str:
    return " ".join(text.split()[1:])


FILTERS: Mapping[str, Callable[[str], str]] = {
    "first_word": _first_word,
    "rest": _rest,
    "upper": str.upper,
    "lower": str.lower,
}
"""Filters on any text."""

_DATE_FILTERS: Mapping[str, Callable[[date], str]] = {
    "day": lambda day: str(day.day),
    "month": lambda day: str(day.month),
    "month_name": lambda day: _MONTHS[day.month - 1],
    "year": lambda day: str(day.year),
    "weekday": lambda day: _DAYS[day.weekday()],
}
_DIRECTIVES: Mapping[str, Callable[[date], str]] = {
    "%d": lambda day: f"{day.day:02}",
    "%-d": lambda day: str(day.day),
    "%m": lambda day: f"{day.month:02}",
    "%-m": lambda day: str(day.month),
    "%B": lambda day: _MONTHS[day.month - 1],
    "%b": lambda day: _MONTHS[day.month - 1][:3],
    "%Y": lambda day: f"{day.year:04}",
    "%y": lambda day: f"{day.year % 100:02}",
    "%A": lambda day: _DAYS[day.weekday()],
    "%a": lambda day: _DAYS[day.weekday()][:3],
    "%%": lambda day: "%",
}
_DIRECTIVE = re.compile(r"%-?.?")


def template_problems(text: str, inputs: Mapping[str, InputType], secrets: Collection[str]) -> Iterator[str]:
    """What is wrong with a text's templates and secrets, before any value is known."""
    try:
        slots = _slots(text)
    except TemplateProblem as problem:
        yield str(problem)
        return
    for slot in slots:
        if slot.name in secrets:
            if slot.filters:
                yield f"a secret takes no filter, write `{{{{{slot.name}}}}}`"
        elif slot.name not in inputs:
            yield f"unknown name `{slot.name}` in a template{nearest(slot.name, [*inputs, *secrets])}"
        else:
            yield from _filter_problems(slot, inputs[slot.name])
    for name in secrets_in(text):
        if name not in secrets:
            yield f"unknown secret `{name}`{nearest(name, secrets)}"


def render(
    text: str,
    values: Mapping[str, Value],
    secrets: Collection[str] = (),
    quoted: Callable[[str], str] = str,
) -> str:
    """`text` with every slot filled in; `quoted` makes a value safe where it goes (a pattern, an address).

    Raises:
        TemplateProblem: an unknown name or filter, a refused value, or a slot that comes out empty.
    """

    def filled(match: re.Match[str]) -> str:
        slot = _slot(match)
        if slot.name in secrets and not slot.filters:
            return f"<secret:{slot.name}>"
        if slot.name not in values:
            raise TemplateProblem(f"unknown name `{slot.name}` in a template{nearest(slot.name, [*values, *secrets])}")
        return quoted(_filtered(slot, values[slot.name]))

    return _SLOT.sub(filled, text)


def _slots(text: str) -> tuple[Slot, ...]:
    return tuple(_slot(match) for match in _SLOT.finditer(text))


def _slot(match: re.Match[str]) -> Slot:
    name, *filters = (part.strip() for part in match["inside"].split("|"))
    if not match["closed"]:
        raise TemplateProblem("`{{` without `}}`")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        expected = "expected `{{name}}` or `{{name|filter}}`"
        raise TemplateProblem(f"`{{{{{match['inside']}}}}}` is no template, {expected}")
    return Slot(name, tuple(filters))


def _filter_problems(slot: Slot, kind: InputType) -> Iterator[str]:
    """The types are followed through the chain: a date filter makes text of a date."""
    dated = kind == "date"
    for name in slot.filters:
        if "%" in name or name in _DATE_FILTERS:
            if not dated:
                yield f"the filter `{name}` needs a date, `{slot.name}` is no date here"
            yield from (_format_problem(name),) if "%" in name and _format_problem(name) else ()
            dated = False
        elif name not in FILTERS:
            yield f"unknown filter `{name}`{nearest(name, [*FILTERS, *_DATE_FILTERS])}"
        else:
            dated = False


def _format_problem(text: str) -> str:
    for directive in _DIRECTIVE.findall(text):
        if directive not in _DIRECTIVES:
            return f"unknown date format `{directive}`, expected some of {' '.join(_DIRECTIVES)}"
    return ""


def _filtered(slot: Slot, value: Value) -> str:
    left: Value = value
    for name in slot.filters:
        left = _through(name, left, slot)
    text = shown(left)
    if not text.strip():
        raise TemplateProblem(f"`{{{{{'|'.join((slot.name, *slot.filters))}}}}}` is empty for `{shown(value)}`")
    if problem := plain_problem(text):
        raise TemplateProblem(f"the value of `{slot.name}` {problem}")
    return text


def _through(name: str, value: Value, slot: Slot) -> str:
    if name in FILTERS:
        return FILTERS[name](shown(value))
    if "%" not in name and name not in _DATE_FILTERS:
        raise TemplateProblem(f"unknown filter `{name}`{nearest(name, [*FILTERS, *_DATE_FILTERS])}")
    if not isinstance(value, date):
        raise TemplateProblem(f"the filter `{name}` needs a date, `{slot.name}` is no date here")
    if name in _DATE_FILTERS:
        return _DATE_FILTERS[name](value)
    if problem := _format_problem(name):
        raise TemplateProblem(problem)
    return _DIRECTIVE.sub(lambda match: _DIRECTIVES[match.group()](value), name)
