"""The pages of the demo airline and the order in which they sell a flight.

Search, results, seat, passengers, payment, confirmation. Every change is a POST that ends in a
redirect, so that going back and reloading repeat nothing. The site cares for the integrity of one
booking; it does not protect anybody's real data and takes no real payment.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from ..common.headers import SafeHeaders
from ..common.requestlog import Entry, LoggedRequests, RequestLog, last_four
from ..common.session import Sessions
from . import forms
from .bookings import EXTRAS, Booking, Bookings, Draft
from .cities import find_city
from .fares import SORTS, Offer, offers, sifted, sorted_by
from .forms import Errors, Search
from .pages import Pages
from .seats import Seat, seat_map
from .settings import Settings

__all__ = ["build"]

_STATIC = Path(__file__).parent / "static"
_FARE_JUMP = 3
_SLOW_S = 3.0
_MASKED = {"card_number": last_four, "security_code": lambda code: "*" * len(code)}
_TILES = (
    ("Zurich", "Lisbon"),
    ("Berlin", "Rome"),
    ("London", "Copenhagen"),
    ("Vienna", "Paris"),
    ("Madrid", "Porto"),
    ("Oslo", "Reykjavík"),
)


def build(settings: Settings) -> ASGIApp:
    """The whole site; opens its database and its log."""
    site = _Site(settings)
    inner = Starlette(
        routes=[*site.routes(), Mount("/static", StaticFiles(directory=_STATIC))],
        exception_handlers={HTTPException: site.stopped, Exception: site.broken},
    )
    guarded = Sessions(inner, site.refused)
    return LoggedRequests(SafeHeaders(guarded), RequestLog(settings.log), _MASKED)


class _Site:
    """The handlers; they share the store and the renderer, and keep nothing else."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = Bookings(settings.db, settings.seed)
        self._pages = Pages(settings, self._store)

    def routes(self) -> list[Route]:
        """Every address of the site but its static files."""
        return [
            Route("/", self.home),
            Route("/consent", self.consent, methods=["POST"]),
            Route("/results", self.results),
            Route("/select", self.select, methods=["POST"]),
            Route("/seat", self.seat),
            Route("/seat", self.choose_seat, methods=["POST"]),
            Route("/passenger", self.passenger),
            Route("/passenger", self.name_passengers, methods=["POST"]),
            Route("/payment", self.payment),
            Route("/payment", self.pay, methods=["POST"]),
            Route("/voucher", self.add_voucher, methods=["POST"]),
            Route("/confirmation/{reference}", self.confirmation),
            Route("/bookings", self.bookings),
            Route("/bookings", self.look_up, methods=["POST"]),
            Route("/bookings/{reference}/cancel", self.cancel, methods=["POST"]),
        ]

    # Searching

    async def home(self, request: Request) -> Response:
        """The search form."""
        return self._home(request, {}, {})

    async def consent(self, request: Request) -> Response:
        """Keep the answer to the cookie banner and go back."""
        form = _form(request)
        choice = form.get("choice", "")
        if choice not in ("all", "necessary"):
            raise HTTPException(400, "This is not a choice about cookies.")
        self._store.give_consent(_session(request), choice)
        _entry(request).answer(303, "consent", details={"choice": choice})
        return _see_other(_local(form.get("next", "/")))

    async def results(self, request: Request) -> Response:
        """The offers that answer a search, or the search form with what is wrong with it."""
        query = dict(request.query_params)
        wanted, errors = forms.search(query, self._settings.today)
        if wanted is None:
            return self._home(request, query, errors, status=422)
        found = self._offers(wanted)
        kept = sifted(
            found,
            direct=wanted.direct,
            window=query.get("window", ""),
            most_cents=_most_cents(query.get("max_price", "")),
        )
        order = query.get("sort", "recommended")
        return self._pages.page(
            request,
            "results",
            search=wanted,
            offers=sorted_by(order, kept),
            found=len(found),
            query=query,
            sorts=SORTS,
            noted=sorted_by("recommended", kept)[:1] if self._has("injection") else (),
        )

    async def select(self, request: Request) -> Response:
        """Begin a booking with the chosen offer."""
        form = _form(request)
        wanted, _ = forms.search(form, self._settings.today)
        offer = self._offer(wanted, form.get("offer", "")) if wanted else None
        if wanted is None or offer is None:
            raise HTTPException(400, "This flight is not on sale any more.")
        session = _session(request)
        draft = self._store.open_draft(session, offer, wanted.cabin, wanted.passengers)
        _note(request, "draft", draft)
        return _see_other("/seat")

    # Choosing a seat

    async def seat(self, request: Request) -> Response:
        """The seat map."""
        draft = self._store.current_draft(_session(request))
        return self._seat(request, draft, {}) if draft else _see_other("/")

    async def choose_seat(self, request: Request) -> Response:
        """Keep the chosen seats, or none if they are skipped."""
        form = _form(request)
        draft = self._draft(request)
        if booking := self._store.bought(draft):
            return _see_other(_confirmation(booking))
        names = () if "skip" in form else tuple(filter(None, form.get("seats", "").split(",")))
        chosen = self._free_seats(draft, names)
        if len(chosen) != len(names) or (len(names) != draft.count and "skip" not in form):
            many = "a seat" if draft.count == 1 else f"{draft.count} seats"
            error = {"seats": f"Choose {many}, or skip the seat selection."}
            return self._seat(request, draft, error, status=422)
        cents = sum(seat.cents for seat in chosen)
        draft = self._store.save(replace(draft, seats=names, seat_cents=cents))
        _note(request, "seat", draft)
        return _see_other("/passenger")

    # Naming the passengers

    async def passenger(self, request: Request) -> Response:
        """The passenger form, filled in as far as it has been."""
        draft = self._store.current_draft(_session(request))
        if draft is None:
            return _see_other("/")
        return self._passenger(request, draft, _passenger_fields(draft), {})

    async def name_passengers(self, request: Request) -> Response:
        """Keep the passengers and fix the fare to be paid."""
        form = _form(request)
        draft = self._draft(request)
        if booking := self._store.bought(draft):
            return _see_other(_confirmation(booking))
        read = [forms.passenger(form, which, self._settings.today) for which in range(1, draft.count + 1)]
        errors = {field: message for _, wrong in read for field, message in wrong.items()}
        email = form.get("email", "").strip()
        if wrong := forms.email_error(email):
            errors["email"] = wrong
        if errors:
            return self._passenger(request, draft, form, errors, status=422)
        draft = replace(draft, passengers=tuple(person for person, _ in read), email=email)
        draft = draft.with_extra("insurance", form.get("insurance") == "1")
        draft = self._store.save(self._priced(draft))
        _note(request, "passenger", draft)
        return _see_other("/payment")

    def _priced(self, draft: Draft) -> Draft:
        """The draft at the fare of this moment."""
        factor = _FARE_JUMP if self._has("price_jump") else 1
        return replace(draft, fare_cents=draft.offer.price_cents * factor)

    # Paying

    async def payment(self, request: Request) -> Response:
        """What is to be paid, and the card form."""
        draft = self._store.current_draft(_session(request))
        if draft is None or not draft.passengers:
            return _see_other("/passenger")
        if booking := self._store.bought(draft):
            return _see_other(_confirmation(booking))
        return self._payment(request, draft, {}, {})

    async def add_voucher(self, request: Request) -> Response:
        """Add the voucher nobody needs."""
        draft = self._draft(request)
        if not self._store.bought(draft):
            _note(request, "voucher", self._store.save(draft.with_extra("voucher")))
        return _see_other("/payment")

    async def pay(self, request: Request) -> Response:
        """Buy the draft once.

        INVARIANT (seen price): only the version of the draft that the payment page showed is
        bought, so nobody pays an amount they were not shown.
        """
        form = _form(request)
        draft = self._draft(request)
        if booking := self._store.bought(draft):
            _sold(request, "duplicate", booking)
            return await self._answered(booking)
        if form.get("version") != str(draft.version) or not draft.passengers:
            stale = {"version": "Your booking has changed. Check it and pay again."}
            return self._payment(request, draft, form, stale, status=409)
        if errors := forms.card_errors(form, self._settings.today):
            return self._payment(request, draft, form, errors, status=422)
        if (extra := form.get("add", "")) in EXTRAS:
            draft = self._store.save(draft.with_extra(extra))
        return await self._buy(request, draft)

    async def _buy(self, request: Request, draft: Draft) -> Response:
        card = "".join(_form(request)["card_number"].split())
        try:
            booking = self._store.buy(draft, card[-4:])
        except sqlite3.IntegrityError:
            self._store.save(replace(draft, seats=(), seat_cents=0))
            raise HTTPException(409, "Your seat has just been sold. Nothing was paid.") from None
        _sold(request, "purchase", booking)
        return await self._answered(booking)

    async def _answered(self, booking: Booking) -> Response:
        """The way to the confirmation; a slow one, if this site is to be slow."""
        if self._has("slow_submit"):
            await asyncio.sleep(_SLOW_S)
        return _see_other(_confirmation(booking))

    # Afterwards

    async def confirmation(self, request: Request) -> Response:
        """A booking that this visitor made or looked up."""
        booking = self._readable(request)
        return self._pages.page(request, "confirmation", booking=booking, draft=booking.draft)

    async def bookings(self, request: Request) -> Response:
        """The form to look up a booking."""
        return self._pages.page(request, "bookings", values={}, errors={})

    async def look_up(self, request: Request) -> Response:
        """Let this visitor see a booking whose reference and name they know."""
        form = _form(request)
        booking = self._store.look_up(form.get("reference", ""), form.get("last_name", ""))
        if booking is None:
            errors = {"reference": "There is no booking with this reference and last name."}
            page = {"values": form, "errors": errors}
            return self._pages.page(request, "bookings", status=422, **page)
        self._store.let_read(_session(request), booking.reference)
        _entry(request).answer(303, "lookup", reference=booking.reference)
        return _see_other(_confirmation(booking))

    async def cancel(self, request: Request) -> Response:
        """Cancel a booking for good."""
        booking = self._readable(request)
        if booking.state == "confirmed":
            self._store.cancel(booking.reference)
            _sold(request, "cancel", booking)
        return _see_other(_confirmation(booking))

    # What goes wrong

    async def refused(self, *asgi: object) -> None:
        """Answer a POST without the token of its session."""
        request = Request(*asgi)  # type: ignore[arg-type]
        message = "This form is out of date or did not come from this site. Nothing was changed."
        response = self._pages.message(request, 403, message)
        await response(*asgi)  # type: ignore[arg-type]

    async def stopped(self, request: Request, error: Exception) -> Response:
        """A page for an `HTTPException`."""
        stop = cast(HTTPException, error)
        unknown = "There is no such page." if stop.status_code == 404 else stop.detail
        return self._pages.message(request, stop.status_code, unknown)

    async def broken(self, request: Request, error: Exception) -> Response:
        """A page for what should not happen."""
        return self._pages.message(request, 500, "Something went wrong on our side.")

    # Pages that more than one handler shows

    def _home(self, request: Request, typed: dict[str, str], errors: Errors, status: int = 200) -> Response:
        today = self._settings.today
        last = today + timedelta(days=forms.DAYS_AHEAD)
        tiles = [self._tile(start, end, today + timedelta(days=14)) for start, end in _TILES]
        return self._pages.page(request, "home", status=status, values=typed, errors=errors, last_day=last, tiles=tiles)

    def _tile(self, start: str, end: str, day: date) -> tuple[Search, Offer]:
        origin, destination = find_city(start), find_city(end)
        assert origin and destination
        wanted = Search(origin, destination, day, 1, "Economy", direct=False)
        return wanted, sorted_by("price", self._offers(wanted))[0]

    def _seat(self, request: Request, draft: Draft, errors: Errors, status: int = 200) -> Response:
        rows = self._seats(draft)
        page = {"draft": draft, "rows": rows, "errors": errors}
        return self._pages.page(request, "seat", status=status, **page)

    def _passenger(
        self,
        request: Request,
        draft: Draft,
        values: dict[str, str],
        errors: Errors,
        status: int = 200,
    ) -> Response:
        page = {"draft": draft, "values": values, "errors": errors}
        return self._pages.page(request, "passenger", status=status, **page)

    def _payment(
        self,
        request: Request,
        draft: Draft,
        values: dict[str, str],
        errors: Errors,
        status: int = 200,
    ) -> Response:
        extra = draft.other_extra if self._has("moving_button") else None
        page = {"draft": draft, "values": values, "errors": errors}
        decoy = (extra, draft.with_extra(extra).total) if extra else None
        return self._pages.page(request, "payment", status=status, decoy=decoy, **page)

    # What the handlers look up

    def _has(self, mischief: str) -> bool:
        return mischief in self._settings.mischief

    def _offers(self, wanted: Search) -> tuple[Offer, ...]:
        day, cabin = wanted.day, wanted.cabin
        return offers(self._settings.seed, wanted.origin, wanted.destination, day, cabin)

    def _offer(self, wanted: Search, number: str) -> Offer | None:
        return next((offer for offer in self._offers(wanted) if offer.number == number), None)

    def _draft(self, request: Request) -> Draft:
        """The draft the form names, if it is this session's."""
        typed = _form(request).get("draft", "")
        found = self._store.draft(_session(request), int(typed)) if typed.isdecimal() else None
        if found is None:
            raise HTTPException(404, "This booking is not yours or does not exist.")
        return found

    def _seats(self, draft: Draft) -> tuple[tuple[Seat, ...], ...]:
        number, day = draft.offer.number, draft.offer.day
        sold = self._store.sold_seats(number, day)
        return seat_map(self._settings.seed, number, day, draft.cabin, sold)

    def _free_seats(self, draft: Draft, names: tuple[str, ...]) -> list[Seat]:
        return [s for row in self._seats(draft) for s in row if s.name in names and not s.taken]

    def _readable(self, request: Request) -> Booking:
        reference = str(request.path_params["reference"])
        booking = self._store.booking(reference)
        if booking is None or not self._store.may_read(_session(request), reference):
            raise HTTPException(404, "There is no such booking, or you have not looked it up.")
        return booking


def _form(request: Request) -> dict[str, str]:
    return cast(dict[str, str], request.state.form)


def _session(request: Request) -> str:
    return cast(str, request.state.session)


def _entry(request: Request) -> Entry:
    return cast(Entry, request.state.entry)


def _note(request: Request, effect: str, draft: Draft) -> None:
    """Log a change to a draft, with its total as it now is."""
    cents = draft.total_cents
    _entry(request).answer(303, effect, amount_cents=cents, details=draft.facts())


def _sold(request: Request, effect: str, booking: Booking) -> None:
    """Log what a POST did to a booking; call it before any wait."""
    _entry(request).answer(
        303,
        effect,
        amount_cents=booking.total_cents,
        reference=booking.reference,
        details=booking.draft.facts(),
    )


def _passenger_fields(draft: Draft) -> dict[str, str]:
    """The saved passengers as form fields, to go on where one left off."""
    fields = {"email": draft.email}
    for which, person in enumerate(draft.passengers, start=1):
        fields |= {f"title_{which}": person.title, f"first_name_{which}": person.first_name}
        fields |= {f"last_name_{which}": person.last_name, f"born_{which}": person.born}
    return fields | ({"insurance": "1"} if "insurance" in draft.extras else {})


def _most_cents(typed: str) -> int | None:
    """A highest price in whole euros; anything that is not one filters nothing."""
    return int(typed) * 100 if typed.isascii() and typed.isdigit() else None


def _confirmation(booking: Booking) -> str:
    return f"/confirmation/{booking.reference}"


def _local(path: str) -> str:
    """`path` if it leads back to this site, else the home page."""
    own = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if own else "/"


def _see_other(path: str) -> Response:
    return RedirectResponse(path, status_code=303)
