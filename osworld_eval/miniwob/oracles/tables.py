"""Reading a value and using it: tables, tickets, contacts, search results, small forms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actuators.action import Action
from osworld_eval.miniwob.oracle import Stuck, clicked, plays, pressed, typed
from osworld_eval.miniwob.page import Look


def _rows(look: Look) -> dict[str, str]:
    cells = [box.text for box in look.all("#tab td")]
    return dict(zip(cells[::2], cells[1::2], strict=True))


@plays("read-table")
def _value(look: Look) -> Iterator[Action]:
    found = re.search(r"the value of (.*) into", look.utterance)
    yield from typed(look, "#tt", _rows(look)[found.group(1) if found else ""])
    yield from pressed(look, "#subbtn")


@plays("read-table-2")
def _values(look: Look) -> Iterator[Action]:
    for number in ("1", "2"):
        label = look.all(f"#ll{number}")[0].text.rstrip(":")
        yield from typed(look, f"#tt{number}", _rows(look)[label])
    yield from pressed(look, "#subbtn")


@plays("form-sequence-2")
def _form(look: Look) -> Iterator[Action]:
    found = re.search(r'the (\d)\w+ radio button and enter the number "(-?\d+)" into the (\d)', look.utterance)
    if not found:
        raise Stuck("not this form")
    radio, value, field = found.groups()
    yield from pressed(look, f"#area input[type=radio][value='{radio}']")
    yield from typed(look, f"#input-{field}", value)
    yield from pressed(look, "#subbtn")


@plays("buy-ticket")
def _ticket(look: Look) -> Iterator[Action]:
    prices = [int(re.sub(r"\D", "", box.text)) for box in look.all(".buy-ticket")]
    spans = [_minutes(box.text) for box in look.all(".time-duration")]
    values = prices if "cost" in look.utterance else spans
    most = "expensive" in look.utterance or "longest" in look.utterance
    number = values.index(max(values) if most else min(values))
    box = look.all(".buy-ticket")[number]
    if not box.spot:
        raise Stuck("the ticket cannot be reached")
    yield clicked(box.spot)


def _minutes(text: str) -> int:
    hours, minutes = (int(part) for part in re.findall(r"\d+", text)[:2])
    return hours * 60 + minutes


@plays("phone-book")
def _contact(look: Look) -> Iterator[Action]:
    found = re.search(r"Find (.*) in the contact book and click on their (phone|email|address)", look.utterance)
    if not found:
        raise Stuck("who?")
    for _ in range(6):
        if look.all("#contact .name")[0].text == found.group(1):
            yield from pressed(look, f"#contact .{found.group(2)}")
            return
        yield from pressed(look, "#pagination .next a")


@plays("search-engine")
def _search(look: Look) -> Iterator[Action]:
    found = re.search(r'enter "(.*)" and press .* the (\d)\w+ search result', look.utterance)
    if not found:
        raise Stuck("what?")
    yield from typed(look, "#search-text", found.group(1))
    yield from pressed(look, "#search")
    number = int(found.group(2)) - 1
    if number // 3:
        yield from pressed(look, "#pagination a", str(number // 3 + 1))
    box = look.all("#page-content a")[number % 3]
    if not box.spot:
        raise Stuck("the result cannot be reached")
    yield clicked(box.spot)
