"""A date that is to be chosen in a calendar, and which thing on the screen brings it nearer.

Rules over English words, as in `asked`; they widen nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from actuators.observation import Node
from model.protocols.elements import plain_words
from model.protocols.thesaurus import MONTHS
from model.protocols.wish import FIELDS

__all__ = ["chosen", "nearer"]

_MONTH = "|".join(rf"{name[:3]}(?:{name[3:]})?" if len(name) > 3 else name for name in MONTHS)
_DAY, _YEAR = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?", r"(?P<year>\d{4})\b"
_CHOOSE = re.compile(r"^(?:please )?(?:select|choose|pick|click(?: on)?) ", re.IGNORECASE)
_WRITTEN = (
    re.compile(r"\b(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})\b"),
    re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})\b"),
    re.compile(rf"\b{_DAY}(?: of)? (?P<month>{_MONTH})\.?,? {_YEAR}", re.IGNORECASE),
    re.compile(rf"\b(?P<month>{_MONTH})\.? {_DAY},? {_YEAR}", re.IGNORECASE),
)
_SHOWN = re.compile(rf"\b(?P<month>{_MONTH})\b\W*(?P<year>\d{{4}})\b", re.IGNORECASE)
_LATER = frozenset({"next", "forward", "later", "next month", "right", ">", "»", "›", "→"})
_EARLIER = frozenset({"prev", "previous", "back", "earlier", "previous month", "left", "<", "«", "‹", "←"})
_DATES = re.compile(r"\bdates?\b|\bday\b|\bcalendar\b", re.IGNORECASE)


def chosen(text: str) -> date | None:
    """The day that a wish wants chosen; None where it wants none, or one that there is not."""
    if not _CHOOSE.match(text.strip()):
        return None
    for written in _WRITTEN:
        if found := written.search(text):
            return _date(found["year"], found["month"], found["day"])
    return None


def nearer(nodes: Sequence[Node], wanted: date) -> tuple[Node, bool] | None:
    """What to press next on the way to a day, and whether that chooses it; None where nothing here leads there.

    A calendar that shows its month is turned towards the wanted one; where none is shown, the field opens it.
    """
    shown = _month(nodes)
    pressable = [node for node in nodes if node.enabled and node.role not in ("text", "heading", "status", "alert")]
    if shown is None:
        fields = [node for node in pressable if node.role in FIELDS]
        dated = [node for node in fields if _DATES.search(node.name)]
        opening = [node for node in fields if not node.name or node in dated] if dated else fields
        opening = opening if dated or len(fields) == 1 else []
        largest = max(opening, key=lambda node: node.rect.area, default=None)  # a label that was read as one is small
        return (largest, False) if largest is not None else None
    if (wanted.year, wanted.month) != shown:
        turn = _LATER if (wanted.year, wanted.month) > shown else _EARLIER
        turns = [node for node in pressable if node.name.strip().casefold() in turn or plain_words(node.name) in turn]
        return (turns[0], False) if turns else None
    days = [node for node in pressable if node.name.strip() == str(wanted.day) and node.role not in FIELDS]
    if not days:
        return None
    return (days[-1] if wanted.day > 15 else days[0]), True  # the days of the months around it are shown too


def _month(nodes: Sequence[Node]) -> tuple[int, int] | None:
    """Year and month of the calendar on view; its two words may be two texts that stand side by side."""
    texts = [node for node in nodes if node.role not in FIELDS]
    said = [node.name for node in texts]
    for one, other in pairwise(texts):
        if abs(one.rect.centre.y - other.rect.centre.y) < one.rect.height:
            said.append(f"{one.name} {other.name}")
    for text in said:
        if len(text) < 24 and (found := _SHOWN.search(text)) and (day := _date(found["year"], found["month"], "1")):
            return day.year, day.month
    return None


def _date(year: str, month: str, day: str) -> date | None:
    number = int(month) if month.isdigit() else 1 + [name[:3] for name in MONTHS].index(month[:3].casefold())
    try:
        return date(int(year), number, int(day))
    except ValueError:
        return None
