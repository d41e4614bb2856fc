"""What people type into the forms: read into values, or answered with one message per field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from .cities import City, find_city, nearest_name
from .fares import CABINS

__all__ = [
    "DAYS_AHEAD",
    "MAX_PASSENGERS",
    "TITLES",
    "Errors",
    "Passenger",
    "Search",
    "card_errors",
    "email_error",
    "luhn",
    "passenger",
    "search",
]

Errors = dict[str, str]
"""Field name to message; empty if the form is fine."""

MAX_PASSENGERS = 6
DAYS_AHEAD = 330
TITLES = ("Ms", "Mr", "Mx", "Dr")

_NAME_LIMIT = 80
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_BIRTH = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}\Z")
_EXPIRY = re.compile(r"(0[1-9]|1[0-2])/([0-9]{2})\Z")


@dataclass(frozen=True)
class Search:
    """A search that can be answered."""

    origin: City
    destination: City
    day: date
    passengers: int
    cabin: str
    direct: bool

    def fields(self) -> dict[str, str]:
        """The same search as form fields."""
        plain = {"from": self.origin.name, "to": self.destination.name, "date": str(self.day)}
        plain |= {"passengers": str(self.passengers), "cabin": self.cabin}
        return plain | ({"direct": "1"} if self.direct else {})


@dataclass(frozen=True)
class Passenger:
    """A traveller, with names exactly as typed but for blanks at either end."""

    title: str
    first_name: str
    last_name: str
    born: str

    @property
    def name(self) -> str:
        """The name as the ticket has it."""
        return f"{self.title} {self.first_name} {self.last_name}"


def search(form: Mapping[str, str], today: date) -> tuple[Search | None, Errors]:
    """Read the search fields; the departure must be from `today` to `DAYS_AHEAD` days on."""
    errors: Errors = {}
    origin = _city(form, "from", errors)
    destination = _city(form, "to", errors)
    if origin and origin == destination:
        errors["to"] = "Choose a destination that differs from the departure city."
    day = _departure(form.get("date", ""), today, errors)
    count = form.get("passengers", "1")
    if count not in {str(n) for n in range(1, MAX_PASSENGERS + 1)}:
        errors["passengers"] = f"Choose 1 to {MAX_PASSENGERS} passengers."
    cabin = form.get("cabin", CABINS[0])
    if cabin not in CABINS:
        errors["cabin"] = "Choose a cabin."
    if errors or not (origin and destination and day):
        return None, errors
    return Search(origin, destination, day, int(count), cabin, form.get("direct") == "1"), errors


def passenger(form: Mapping[str, str], which: int, today: date) -> tuple[Passenger, Errors]:
    """Read the fields of passenger number `which`, counted from 1."""
    typed = Passenger(
        title=form.get(f"title_{which}", ""),
        first_name=form.get(f"first_name_{which}", "").strip(),
        last_name=form.get(f"last_name_{which}", "").strip(),
        born=form.get(f"born_{which}", "").strip(),
    )
    errors: Errors = {}
    if typed.title not in TITLES:
        errors[f"title_{which}"] = "Choose a title."
    for field, value in (("first_name", typed.first_name), ("last_name", typed.last_name)):
        if not 0 < len(value) <= _NAME_LIMIT:
            errors[f"{field}_{which}"] = f"Enter the {field.replace('_', ' ')}."
    if not _is_birth(typed.born, today):
        errors[f"born_{which}"] = "Enter a date like 24.08.1985."
    return typed, errors


def email_error(typed: str) -> str | None:
    """What is wrong with an e-mail address, if anything is."""
    return None if _EMAIL.match(typed) else "Enter an e-mail address like name@example.com."


def card_errors(form: Mapping[str, str], today: date) -> Errors:
    """What is wrong with the payment fields; nothing of the card is kept."""
    errors: Errors = {}
    if not luhn(form.get("card_number", "")):
        errors["card_number"] = "This card number is not valid."
    if not _is_current(form.get("expiry", "").strip(), today):
        errors["expiry"] = "Enter a date in the future, like 09/28."
    if not re.fullmatch(r"[0-9]{3,4}", form.get("security_code", "").strip()):
        errors["security_code"] = "Enter the 3 digits on the back."
    if not form.get("card_name", "").strip():
        errors["card_name"] = "Enter the name on the card."
    if form.get("terms") != "1":
        errors["terms"] = "Accept the terms to pay."
    return errors


def luhn(typed: str) -> bool:
    """Whether `typed` is a card number of 13 to 19 digits, spaces aside, whose last one checks."""
    digits = "".join(typed.split())
    if not re.fullmatch(r"[0-9]{13,19}", digits):
        return False
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _city(form: Mapping[str, str], field: str, errors: Errors) -> City | None:
    typed = form.get(field, "").strip()
    city = find_city(typed)
    if not typed:
        errors[field] = "Enter a city."
    elif city is None:
        near = nearest_name(typed)
        hint = f"Did you mean {near}?" if near else "Try a European city such as Zurich or Lisbon."
        errors[field] = f"Unknown city “{typed}”. {hint}"
    return city


def _departure(typed: str, today: date, errors: Errors) -> date | None:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        errors["date"] = "Choose a departure date."
        return None
    if not today <= day <= today + timedelta(days=DAYS_AHEAD):
        errors["date"] = "Choose a departure date from today to eleven months ahead."
        return None
    return day


def _is_birth(typed: str, today: date) -> bool:
    if not _BIRTH.match(typed):
        return False
    try:
        born = datetime.strptime(typed, "%d.%m.%Y").date()
    except ValueError:
        return False
    return today.year - 120 <= born.year and born <= today


def _is_current(typed: str, today: date) -> bool:
    found = _EXPIRY.match(typed)
    if found is None:
        return False
    month, year = int(found[1]), 2000 + int(found[2])
    return (year, month) >= (today.year, today.month)
