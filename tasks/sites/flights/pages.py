"""Turn what the handlers found into HTML: the templates and the words they share."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from .bookings import EXTRAS, Bookings
from .fares import CABINS, WINDOWS, euros
from .forms import MAX_PASSENGERS, TITLES
from .redesign import REDESIGNS, redesigned
from .settings import Settings

__all__ = ["Pages"]

_TEMPLATES = Path(__file__).parent / "templates"
_STEPS = ("Flight", "Seat", "Passengers", "Payment")
_HEADINGS = {
    400: "That did not work",
    403: "Refused",
    404: "Not found",
    405: "Not allowed",
    409: "Something has changed",
    500: "Something went wrong",
}


class Pages:
    """Renders templates with what every page needs: look, consent, token, path."""

    def __init__(self, settings: Settings, store: Bookings) -> None:
        self._settings = settings
        self._store = store
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(euros=euros, day=_long_day, weekday=_weekday)
        self._templates.globals.update(
            settings=settings,
            cabins=CABINS,
            windows=WINDOWS,
            titles=TITLES,
            counts=[str(n) for n in range(1, MAX_PASSENGERS + 1)],
            steps=_STEPS,
            extras=EXTRAS,
        )

    def page(self, request: Request, template: str, status: int = 200, **shown: object) -> Response:
        """One page; `shown` is what only this template knows."""
        state = request.state
        query = f"?{request.url.query}" if request.url.query else ""
        here = request.url.path + query
        asked = self._store.consent(state.session) is None
        html = self._templates.get_template(f"{template}.html").render(
            csrf=state.csrf, here=here, ask_consent=asked, **shown
        )
        if kinds := self._settings.mischief & set(REDESIGNS):
            html = redesigned(html, template, self._settings.seed, kinds)
        return HTMLResponse(html, status)

    def message(self, request: Request, status: int, text: str) -> Response:
        """A page that only says something."""
        heading = _HEADINGS.get(status, "That did not work")
        return self.page(request, "message", status, heading=heading, text=text)


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _long_day(value: date | str) -> str:
    """A date as the site writes it, like `14 December 2026`, in English in every locale."""
    day = _day(value)
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _weekday(value: date | str) -> str:
    return _WEEKDAYS[_day(value).weekday()]


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
