"""Date pickers that are paged through month by month."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actuators.action import Action
from osworld_eval.miniwob.oracle import Stuck, plays, pressed
from osworld_eval.miniwob.page import Look

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@plays("choose-date-nodelay", "choose-date", "choose-date-easy", "choose-date-medium")
def _pick(look: Look) -> Iterator[Action]:
    found = re.search(r"(\d\d)/(\d\d)/(\d{4})", look.utterance)
    if not found:
        raise Stuck("no date")
    month, day, year = (int(part) for part in found.groups())
    yield from pressed(look, "#datepicker")
    for _ in range(26):
        heads = look.shown(".ui-datepicker-title")
        if not heads:
            raise Stuck("no calendar is open")
        name, shown_year = heads[0].text.replace("\xa0", " ").rsplit(" ", 1)
        ahead = (int(shown_year) - year) * 12 + _MONTHS.index(name.strip()) + 1 - month
        if not ahead:
            break
        yield from pressed(look, ".ui-datepicker-prev" if ahead > 0 else ".ui-datepicker-next")
    yield from pressed(look, ".ui-datepicker-calendar a", str(day))
    yield from pressed(look, "#subbtn")
