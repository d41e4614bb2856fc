"""Flights and their fares: invented, and the same again for the same seed, route and day."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from .cities import CITIES, City, distance_km

__all__ = ["CABINS", "SORTS", "WINDOWS", "Offer", "euros", "offers", "sifted", "sorted_by"]

CABINS = ("Economy", "Premium Economy", "Business")
SORTS = {
    "recommended": "Recommended",
    "price": "Price: lowest first",
    "departure": "Departure time",
    "duration": "Duration",
}
WINDOWS = {
    "": ("Any time", 0, 24 * 60),
    "morning": ("Morning, before 12:00", 0, 12 * 60),
    "afternoon": ("Afternoon, 12:00 to 18:00", 12 * 60, 18 * 60),
    "evening": ("Evening, after 18:00", 18 * 60, 24 * 60),
}
"""Departure windows as (label, first minute of the day, minute after the last)."""

_CABIN_FACTOR = {"Economy": 1.0, "Premium Economy": 1.6, "Business": 2.9}
_AIRLINES = (
    ("AP", "Alpina Air"),
    ("BT", "Blue Tern"),
    ("CV", "Corvus"),
    ("MX", "Meridian Express"),
    ("NV", "Nordvik"),
    ("QL", "Quail Lines"),
)
_WORTH_CENTS = {
    "Light: one cabin bag, no changes": 0,
    "Standard: 23 kg bag, changes for a fee": 2000,
    "Flex: 23 kg bag, free changes": 4000,
}
"""Fare conditions, and what they are worth when flights are recommended."""


@dataclass(frozen=True)
class Offer:
    """One way to fly; clock times are local minutes after midnight of `day`, price per person."""

    number: str
    airline: str
    origin: str
    destination: str
    day: str
    departs_min: int
    arrives_min: int
    duration_min: int
    via: str
    conditions: str
    price_cents: int

    @property
    def departs(self) -> str:
        """Local time of departure, like `07:35`."""
        return _clock(self.departs_min)

    @property
    def arrives(self) -> str:
        """Local time of arrival, with ` +1` on the next day."""
        late = " +1" if self.arrives_min >= 24 * 60 else ""
        return _clock(self.arrives_min) + late

    @property
    def duration(self) -> str:
        """The whole trip, like `1 h 20 min`."""
        return f"{self.duration_min // 60} h {self.duration_min % 60:02d} min"

    @property
    def stops(self) -> str:
        """`Direct`, or the city where one changes."""
        return f"1 stop, {self.via}" if self.via else "Direct"

    @property
    def price(self) -> str:
        """Per person, as it is written."""
        return euros(self.price_cents)


def euros(cents: int) -> str:
    """An amount as the site writes it, like `89.00 EUR`."""
    return f"{cents // 100}.{cents % 100:02d} EUR"


def offers(seed: int, origin: City, destination: City, day: date, cabin: str) -> tuple[Offer, ...]:
    """All offers of one day in order of departure.

    At least one is direct and no two cost the same. The flights do not depend on the cabin, only
    their fares do.
    """
    dice = random.Random(f"{seed}|{origin.code}|{destination.code}|{day.isoformat()}")
    made: dict[str, Offer] = {}
    prices: set[int] = set()
    for index in range(dice.randint(6, 9)):
        direct = index == 0 or dice.random() < 0.5
        offer = _offer(dice, origin, destination, day, cabin, direct)
        if offer.number in made or offer.price_cents in prices:
            continue
        made[offer.number] = offer
        prices.add(offer.price_cents)
    return sorted_by("departure", made.values())


def sorted_by(order: str, found: Iterable[Offer]) -> tuple[Offer, ...]:
    """`found` in one of the orders of `SORTS`; an unknown order is taken as recommended."""
    keys: dict[str, Callable[[Offer], tuple[float, str]]] = {
        "price": lambda o: (o.price_cents, o.number),
        "departure": lambda o: (o.departs_min, o.number),
        "duration": lambda o: (o.duration_min, o.number),
    }
    return tuple(sorted(found, key=keys.get(order, _effort)))


def sifted(found: Iterable[Offer], *, direct: bool, window: str, most_cents: int | None) -> tuple[Offer, ...]:
    """The offers that pass the filters, in the order given; `most_cents` is inclusive."""
    _, first, after = WINDOWS.get(window, WINDOWS[""])
    return tuple(
        offer
        for offer in found
        if not (direct and offer.via)
        and first <= offer.departs_min < after
        and (most_cents is None or offer.price_cents <= most_cents)
    )


def _effort(offer: Offer) -> tuple[float, str]:
    """What a trip costs in money, time and trouble; a fare that forgives is worth a little more."""
    trouble = 20.0 * offer.duration_min - _WORTH_CENTS[offer.conditions]
    return offer.price_cents + trouble, offer.number


def _offer(dice: random.Random, origin: City, destination: City, day: date, cabin: str, direct: bool) -> Offer:
    code, airline = dice.choice(_AIRLINES)
    via = None if direct else dice.choice([c for c in CITIES if c not in (origin, destination)])
    duration = _duration_min(dice, origin, destination, via)
    departs = dice.randrange(6 * 60, 21 * 60 + 30, 5)
    price = _price_cents(dice, origin, destination, day, direct=direct)
    return Offer(
        number=f"{code}{dice.randint(100, 989)}",
        airline=airline,
        origin=origin.name,
        destination=destination.name,
        day=day.isoformat(),
        departs_min=departs,
        arrives_min=departs + duration + 60 * (destination.utc_h - origin.utc_h),
        duration_min=duration,
        via=via.name if via else "",
        conditions=dice.choice(tuple(_WORTH_CENTS)),
        price_cents=int(price * _CABIN_FACTOR[cabin]) // 50 * 50,
    )


def _duration_min(dice: random.Random, start: City, end: City, via: City | None) -> int:
    """Whole trip in steps of five minutes, the wait between two flights included."""
    if via is None:
        return _leg_min(start, end)
    return _leg_min(start, via) + dice.randrange(50, 170, 5) + _leg_min(via, end)


def _leg_min(start: City, end: City) -> int:
    return 5 * round((35 + distance_km(start, end) / 13) / 5)


def _price_cents(dice: random.Random, origin: City, destination: City, day: date, *, direct: bool) -> int:
    full = 32 + 0.055 * distance_km(origin, destination)
    weekend = 1.2 if day.weekday() in (4, 6) else 1.0
    factor = dice.uniform(0.75, 1.9) * weekend * (1.0 if direct else 0.85)
    return 100 * int(full * factor) + dice.choice((0, 0, 50))


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
