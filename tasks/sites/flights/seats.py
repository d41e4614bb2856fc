"""The seats of a flight: which there are, which are gone and what they cost."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

from .fares import euros

__all__ = ["LEGROOM_CENTS", "Seat", "seat_map"]

LEGROOM_CENTS = 2500
_TAKEN_SHARE = 0.35


@dataclass(frozen=True)
class _Cabin:
    rows: int
    left: str
    right: str
    legroom_rows: frozenset[int]


_CABINS = {
    "Economy": _Cabin(18, "ABC", "DEF", frozenset({1, 10})),
    "Premium Economy": _Cabin(8, "AB", "EF", frozenset({1})),
    "Business": _Cabin(5, "A", "F", frozenset()),
}


@dataclass(frozen=True)
class Seat:
    """One seat, named by row and letter like `12A`."""

    name: str
    taken: bool
    cents: int
    last_before_aisle: bool

    @property
    def label(self) -> str:
        """What a screen reader says of it."""
        if self.taken:
            return f"Seat {self.name}, taken"
        if self.cents:
            return f"Seat {self.name}, extra legroom, {euros(self.cents)}"
        return f"Seat {self.name}"


def seat_map(seed: int, number: str, day: str, cabin: str, sold: Collection[str]) -> tuple[tuple[Seat, ...], ...]:
    """The rows from front to back; some seats are gone by chance, those in `sold` for certain."""
    plan = _CABINS[cabin]
    dice = random.Random(f"{seed}|{number}|{day}|{cabin}")
    rows = []
    for row in range(1, plan.rows + 1):
        cents = LEGROOM_CENTS if row in plan.legroom_rows else 0
        seats = []
        for letter in plan.left + plan.right:
            name = f"{row}{letter}"
            taken = dice.random() < _TAKEN_SHARE or name in sold
            seats.append(Seat(name, taken, cents, letter == plan.left[-1]))
        rows.append(tuple(seats))
    return tuple(rows)
