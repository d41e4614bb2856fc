"""What a call of the model costs, where the operator says what its tokens cost.

`AGENT_PRICES` names prices of a million tokens by the model's name, read, read from its cache, and written:

    AGENT_PRICES="Qwen3-VL-30B=0.20/0.05/0.80 EUR; pilot=0/0/0 EUR"

`IN/OUT` alone counts what comes from the cache as read anew; `*` stands for every model that is not named. A price is
written down with the call that it is for, so that a later price changes no earlier report. A model without a price has
tokens and no cost.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["NAME", "Price", "PricesUnusable", "in_words", "price_of", "prices", "summed"]

NAME = "AGENT_PRICES"
_MILLION = 1_000_000
_ONE = re.compile(
    r"(?P<model>[^=;]{1,200}?)\s*=\s*(?P<first>\d+(?:\.\d+)?)/(?P<second>\d+(?:\.\d+)?)"
    r"(?:/(?P<third>\d+(?:\.\d+)?))?\s+(?P<currency>[A-Z]{3})"
)


class PricesUnusable(ValueError):
    """The operator's setting cannot be read. One line."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens of one model cost, in units of `currency` (not cents)."""

    read: float
    cached: float
    written: float
    currency: str

    def of(self, read: int, cached: int, written: int) -> float:
        """The cost of one call. `read` counts all tokens of the prompt; `cached` are those of them from the cache."""
        anew = max(0, read - cached)
        return (anew * self.read + min(read, cached) * self.cached + written * self.written) / _MILLION


def prices(environment: Mapping[str, str] | None = None) -> dict[str, Price]:
    """The operator's prices by model; empty where none are named. Raises `PricesUnusable`."""
    text = (os.environ if environment is None else environment).get(NAME, "")
    found: dict[str, Price] = {}
    for one in filter(None, (part.strip() for part in text.split(";"))):
        match = _ONE.fullmatch(one)
        if match is None:
            raise PricesUnusable(
                f"{NAME} takes MODEL=IN/OUT CURRENCY or MODEL=IN/CACHED/OUT CURRENCY for a million tokens, "
                f"several with `;` between, got `{one[:80]}`"
            )
        read, second = float(match["first"]), float(match["second"])
        cached, written = (second, float(match["third"])) if match["third"] else (read, second)
        found[match["model"]] = Price(read, cached, written, match["currency"])
    return found


def price_of(model: str, known: Mapping[str, Price]) -> Price | None:
    """The price for one model, by its name or by the last part of it; None where there is none."""
    return known.get(model) or known.get(model.rpartition("/")[2]) or known.get("*")


def summed(costs: Iterable[tuple[float, str]]) -> dict[str, float]:
    """Sums by currency, in the order in which currencies came."""
    sums: dict[str, float] = {}
    for amount, currency in costs:
        sums[currency] = sums.get(currency, 0.0) + amount
    return sums


def in_words(costs: Iterable[tuple[float, str]]) -> str:
    """Sums for people, as `0.0123 EUR`; empty where there is no cost."""
    return " + ".join(f"{_figure(amount)} {currency}" for currency, amount in summed(costs).items())


def _figure(amount: float) -> str:
    """Two places, or as many as show two figures of what is less than that."""
    if amount == 0 or amount >= 0.1:
        return f"{amount:.2f}"
    return f"{amount:.6f}".rstrip("0") if amount >= 0.000001 else "0.000001"
