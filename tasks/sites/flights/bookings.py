"""Drafts and bookings: the state of the airline, in SQLite.

One connection, used from one thread; every method is one transaction. A draft is bought at most
once, which the database itself refuses to break (`bookings.draft` is unique).
"""

from __future__ import annotations

import json
import random
import sqlite3
import unicodedata
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .fares import Offer, euros
from .forms import Passenger

__all__ = ["EXTRAS", "Booking", "Bookings", "Draft"]

EXTRAS = {"insurance": ("Travel insurance", 1900), "voucher": ("Voucher", 20000)}
"""Per booking: name and price in cents."""

_REFERENCE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SCHEMA = """
create table if not exists consents (session text primary key, choice text not null);
create table if not exists drafts (
    id integer primary key, session text not null, version integer not null,
    state text not null default 'open', body text not null);
create table if not exists bookings (
    reference text primary key, draft integer not null unique references drafts (id),
    total_cents integer not null, card_last_four text not null,
    state text not null default 'confirmed');
create table if not exists sold_seats (
    flight text not null, day text not null, seat text not null, reference text not null,
    primary key (flight, day, seat));
create table if not exists readers (
    session text not null, reference text not null, primary key (session, reference));
"""


@dataclass(frozen=True)
class Draft:
    """A booking in the making; every saved change raises `version` by one."""

    id: int
    session: str
    version: int
    offer: Offer
    cabin: str
    count: int
    fare_cents: int
    """Per person; differs from `offer.price_cents` if the fare has changed since."""
    seats: tuple[str, ...] = ()
    seat_cents: int = 0
    passengers: tuple[Passenger, ...] = ()
    email: str = ""
    extras: tuple[str, ...] = ()

    @property
    def total_cents(self) -> int:
        """What is to be paid, for everyone and with the extras."""
        return sum(cents for _, cents in self.lines())

    @property
    def total(self) -> str:
        """The same as it is written."""
        return euros(self.total_cents)

    @property
    def fare_changed(self) -> bool:
        """Whether the fare is no longer that of the offer chosen."""
        return self.fare_cents != self.offer.price_cents

    @property
    def other_extra(self) -> str | None:
        """The cheapest extra not chosen, if any is left to sell."""
        return next((extra for extra in EXTRAS if extra not in self.extras), None)

    def lines(self) -> list[tuple[str, int]]:
        """What is charged for, as (label, cents)."""
        people = "1 passenger" if self.count == 1 else f"{self.count} passengers"
        lines = [(f"Fare, {people}", self.fare_cents * self.count)]
        if self.seat_cents:
            lines.append(("Extra legroom", self.seat_cents))
        return lines + [EXTRAS[extra] for extra in self.extras]

    def with_extra(self, extra: str, wanted: bool = True) -> Draft:
        """The same draft with or without one extra."""
        others = tuple(name for name in self.extras if name != extra)
        return replace(self, extras=(*others, extra) if wanted else others)

    def facts(self) -> dict[str, object]:
        """The draft as plain values, for the log."""
        return {
            "draft": self.id,
            "version": self.version,
            "flight": self.offer.number,
            "from": self.offer.origin,
            "to": self.offer.destination,
            "date": self.offer.day,
            "cabin": self.cabin,
            "count": self.count,
            "seats": list(self.seats),
            "extras": list(self.extras),
            "passengers": [person.name for person in self.passengers],
        }


@dataclass(frozen=True)
class Booking:
    """A draft that has been paid."""

    reference: str
    draft: Draft
    total_cents: int
    card_last_four: str
    state: str

    @property
    def total(self) -> str:
        """What was paid, as it is written."""
        return euros(self.total_cents)


class Bookings:
    """The store; `path` may be `:memory:`."""

    def __init__(self, path: Path, seed: int) -> None:
        self._db = sqlite3.connect(path)
        self._seed = seed
        self._db.execute("pragma synchronous = off")  # nobody's booking has to outlive a power cut
        self._db.executescript(_SCHEMA)

    def consent(self, session: str) -> str | None:
        """What the visitor chose in the cookie banner, if they have."""
        row = self._one("select choice from consents where session = ?", session)
        return str(row[0]) if row else None

    def give_consent(self, session: str, choice: str) -> None:
        """Keep the choice, replacing an earlier one."""
        with self._db:
            self._db.execute("insert or replace into consents values (?, ?)", (session, choice))

    def open_draft(self, session: str, offer: Offer, cabin: str, count: int) -> Draft:
        """Begin a draft; it becomes the current one of its session."""
        draft = Draft(0, session, 1, offer, cabin, count, offer.price_cents)
        with self._db:
            added = self._db.execute(
                "insert into drafts (session, version, body) values (?, ?, ?)",
                (session, draft.version, _dumped(draft)),
            )
        return replace(draft, id=added.lastrowid or 0)

    def current_draft(self, session: str) -> Draft | None:
        """The draft the session began last, even if it has been paid."""
        row = self._one("select max(id) from drafts where session = ?", session)
        return self.draft(session, row[0]) if row and row[0] else None

    def draft(self, session: str, draft_id: int) -> Draft | None:
        """A draft of this session."""
        sql = "select id, session, version, body from drafts where id = ? and session = ?"
        row = self._one(sql, draft_id, session)
        return _loaded(row) if row else None

    def save(self, draft: Draft) -> Draft:
        """Write a changed draft that is not paid, and return it with its next version."""
        saved = replace(draft, version=draft.version + 1)
        with self._db:
            self._db.execute(
                "update drafts set version = ?, body = ? where id = ? and state = 'open'",
                (saved.version, _dumped(saved), draft.id),
            )
        return saved

    def buy(self, draft: Draft, card_last_four: str) -> Booking:
        """Turn a draft into a booking.

        Raises `sqlite3.IntegrityError` if it is one already or one of its seats is sold meanwhile.
        """
        with self._db:
            count = self._db.execute("select count(*) from bookings").fetchone()[0]
            reference = self._reference(count)
            self._db.execute(
                "insert into bookings (reference, draft, total_cents, card_last_four) values (?, ?, ?, ?)",
                (reference, draft.id, draft.total_cents, card_last_four),
            )
            flight = (draft.offer.number, draft.offer.day)
            sold = [(*flight, seat, reference) for seat in draft.seats]
            self._db.executemany("insert into sold_seats values (?, ?, ?, ?)", sold)
            self._db.execute("update drafts set state = 'paid' where id = ?", (draft.id,))
        self.let_read(draft.session, reference)
        return Booking(reference, draft, draft.total_cents, card_last_four, "confirmed")

    def bought(self, draft: Draft) -> Booking | None:
        """The booking made from a draft."""
        row = self._one("select reference from bookings where draft = ?", draft.id)
        return self.booking(row[0]) if row else None

    def booking(self, reference: str) -> Booking | None:
        """A booking by its reference, whoever asks."""
        row = self._one("select * from bookings where reference = ?", reference)
        if row is None:
            return None
        sql = "select id, session, version, body from drafts where id = ?"
        return Booking(row[0], _loaded(self._one(sql, row[1])), row[2], row[3], row[4])

    def look_up(self, reference: str, last_name: str) -> Booking | None:
        """A booking for someone who knows its reference and a passenger's last name."""
        booking = self.booking(reference.strip().upper())
        if booking is None:
            return None
        names = {_folded(person.last_name) for person in booking.draft.passengers}
        return booking if _folded(last_name) in names else None

    def let_read(self, session: str, reference: str) -> None:
        """From now on this session may see and cancel the booking."""
        with self._db:
            self._db.execute("insert or ignore into readers values (?, ?)", (session, reference))

    def may_read(self, session: str, reference: str) -> bool:
        """Whether the session bought the booking or has looked it up."""
        sql = "select 1 from readers where session = ? and reference = ?"
        return self._one(sql, session, reference) is not None

    def cancel(self, reference: str) -> None:
        """Cancel a booking and give its seats back."""
        with self._db:
            self._db.execute("update bookings set state = 'cancelled' where reference = ?", (reference,))
            self._db.execute("delete from sold_seats where reference = ?", (reference,))

    def sold_seats(self, number: str, day: str) -> frozenset[str]:
        """Seats of one flight that visitors of this site have bought."""
        sql = "select seat from sold_seats where flight = ? and day = ?"
        return frozenset(row[0] for row in self._db.execute(sql, (number, day)))

    def _reference(self, count: int) -> str:
        """The reference of booking number `count`; the same again for the same seed."""
        dice = random.Random(f"{self._seed}|reference|{count}")
        return "".join(dice.choices(_REFERENCE_LETTERS, k=6))

    def _one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
        return row


def _dumped(draft: Draft) -> str:
    body = asdict(draft)
    return json.dumps({key: body[key] for key in body if key not in ("id", "session", "version")})


def _loaded(row: tuple[Any, ...] | None) -> Draft:
    assert row is not None
    draft_id, session, version, body = row
    kept = json.loads(body)
    kept["offer"] = Offer(**kept["offer"])
    kept["passengers"] = tuple(Passenger(**person) for person in kept["passengers"])
    kept["seats"], kept["extras"] = tuple(kept["seats"]), tuple(kept["extras"])
    return Draft(id=draft_id, session=session, version=version, **kept)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).casefold()
