"""Outputs: what a task reads off its last screen, by label and pattern, without a model.

A value that cannot be found, is found twice with different answers, or is out of bounds is a problem and not a guess.
It does not protect against a page that shows a wrong number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from actuators.observation import Observation
from agent.inputs import bound_problem
from agent.reading import normal, readable
from agent.task_file import OutputSpec
from agent.template import Value
from policies.money import Money, amounts

__all__ = ["REACH", "Output", "extract", "read_output"]

REACH = 3
"""How many things after a label are looked at, in reading order."""
_LONGEST = 2000
"""Characters of one thing on the screen that are looked at."""


@dataclass(frozen=True, slots=True)
class Output:
    """One value read off the screen; `value` is None exactly when `problem` says why."""

    name: str
    value: Value | None = None
    text: str = ""
    """The words that were read."""
    problem: str = ""

    @property
    def ok(self) -> bool:
        return not self.problem

    def plain(self) -> str | int | dict[str, str | int] | None:
        """The value as JSON has it: dates as 2026-12-14, money as its smallest unit and its currency."""
        match self.value:
            case Money(minor=minor, currency=currency):
                return {"minor": minor, "currency": currency, "text": str(self.value)}
            case date():
                return self.value.isoformat()
            case _:
                return self.value


def extract(specs: Mapping[str, OutputSpec], seen: Observation) -> dict[str, Output]:
    """Every output of a task from one observation; problems are values."""
    texts = [normal(text[:_LONGEST]) for text in readable(seen)]
    return {name: read_output(name, spec, texts) for name, spec in specs.items()}


def read_output(name: str, spec: OutputSpec, texts: list[str]) -> Output:
    """One output from the words on the screen, in reading order, white space folded."""
    places: Iterable[list[str]]
    places = [texts] if spec.after is None else list(_after(normal(spec.after), texts))
    if not places:
        return Output(name, problem=f"the label `{spec.after}` is not shown")
    found = [read for place in places for read in _read(spec, place, all_of_it=spec.after is None)]
    values = {read[0]: read[1] for read in found}
    if not values:
        what = f"matches `{spec.pattern}`" if spec.pattern else f"is of type {spec.type}"
        return Output(name, problem=f"nothing {f'after `{spec.after}` ' if spec.after else ''}{what}")
    if len(values) > 1:
        shown = " and ".join(f"`{text}`" for text in list(values.values())[:2])
        return Output(name, problem=f"it is not clear which is meant, {shown} are both shown")
    [(value, text)] = values.items()
    if problem := bound_problem(spec, value):
        return Output(name, text=text, problem=problem)
    return Output(name, value, text)


def _after(label: str, texts: list[str]) -> Iterator[list[str]]:
    """For each place where the label stands, the rest of that text and what follows it.

    Things that are the label as a whole or begin with it win over things that merely hold it.
    """
    folded = label.casefold()
    starts = [(index, len(label)) for index, text in enumerate(texts) if _begins(text, folded)]
    if not starts:
        inside = re.compile(rf"(?<!\w){re.escape(label)}(?!\w)", re.IGNORECASE)
        starts = [(index, match.end()) for index, text in enumerate(texts) if (match := inside.search(text))]
    for index, end in starts:
        rest = texts[index][end:].lstrip(" :–-") if _begins(texts[index], folded) else texts[index][end:].lstrip(" :–")
        yield ([rest] if rest else []) + texts[index + 1 : index + 1 + REACH]


def _begins(text: str, folded: str) -> bool:
    return re.match(rf"{re.escape(folded)}(?!\w)", text.casefold()) is not None


def _read(spec: OutputSpec, texts: list[str], *, all_of_it: bool) -> list[tuple[Value, str]]:
    """Values of the wanted type in `texts`: all of them, or those of the first text that has any."""
    found: list[tuple[Value, str]] = []
    for text in texts:
        for piece in _pieces(spec.pattern, text):
            found += [(value, piece) for value in _READERS[spec.type](piece)]
        if found and not all_of_it:
            return found[:1]
    return found


def _pieces(pattern: str | None, text: str) -> list[str]:
    """The parts of a text that match, as whole words; of a pattern with groups, what its first one holds."""
    if pattern is None:
        return [text]
    if re.compile(pattern).groups:
        return [match[1] for match in re.finditer(pattern, text) if match[1] and _is_whole(text, *match.span(1))]
    return re.findall(rf"(?<!\w)(?:{pattern})(?!\w)", text)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether neither end of a part lies inside a word."""
    return not any(re.match(r"\w\w", text[at - 1 : at + 1]) for at in (start, end) if at > 0)


def _texts(piece: str) -> list[str]:
    return [piece] if piece.strip() else []


_INTS = re.compile(r"(?<![\w.,])-?(?:[0-9]{1,3}(?:[,.' ][0-9]{3})+|[0-9]{1,18})(?![\w]|[.,][0-9])")


def _ints(piece: str) -> list[int]:
    return [int(re.sub(r"[^0-9-]", "", number)) for number in _INTS.findall(piece)]


_MONTHS = {name: index for index, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
)}  # fmt: skip
_DATES = (
    re.compile(r"(?<!\w)(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})(?!\w)"),
    re.compile(r"(?<!\w)(?P<d>[0-9]{1,2})\.? (?P<m>[A-Za-z]{3,9})\.?,? (?P<y>[0-9]{4})(?!\w)"),
    re.compile(r"(?<!\w)(?P<m>[A-Za-z]{3,9})\.? (?P<d>[0-9]{1,2}),? (?P<y>[0-9]{4})(?!\w)"),
    re.compile(r"(?<!\w)(?P<d>[0-9]{1,2})\.(?P<m>[0-9]{1,2})\.(?P<y>[0-9]{4})(?!\w)"),
)


def _dates(piece: str) -> list[date]:
    """Dates whose day and month cannot be mistaken for each other; `12/10/2026` is left alone."""
    found = []
    for pattern in _DATES:
        for match in pattern.finditer(piece):
            month = int(match["m"]) if match["m"].isdecimal() else _MONTHS.get(match["m"][:3].lower(), 0)
            try:
                found.append(date(int(match["y"]), month, int(match["d"])))
            except ValueError:
                continue
    return found


_MINUS = re.compile(r"(?<!\w)[-−] ?(?:[0-9]|[^\w\s] ?[0-9])")


def _moneys(piece: str) -> list[Money]:
    """The amounts in a text; none where any of it cannot be read for certain, or is less than nothing."""
    read = amounts(piece)
    return [] if read.unclear or _MINUS.search(piece) else list(read.found)


_READERS: Mapping[str, Callable[[str], Iterable[Value]]] = {
    "string": _texts,
    "int": _ints,
    "money": _moneys,
    "date": _dates,
}
