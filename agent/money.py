"""An amount of money: exact, in the smallest unit, with its currency. Never a float, never converted."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["CURRENCIES", "Money", "amounts", "parse_money"]

CURRENCIES = {
    "AUD": 2, "BGN": 2, "BRL": 2, "CAD": 2, "CHF": 2, "CNY": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HKD": 2,
    "HUF": 2, "ILS": 2, "INR": 2, "ISK": 0, "JPY": 0, "KRW": 0, "MXN": 2, "NOK": 2, "NZD": 2, "PLN": 2, "RON": 2,
    "SEK": 2, "SGD": 2, "THB": 2, "TRY": 2, "UAH": 2, "USD": 2, "ZAR": 2,
}  # fmt: skip
"""ISO 4217 code to the number of decimal places."""

_SYMBOLS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "zł": "PLN"}


@dataclass(frozen=True, slots=True)
class Money:
    """So many of a currency's smallest unit: `Money(50_000, "EUR")` is 500 euros."""

    minor: int
    currency: str

    def __str__(self) -> str:
        places = CURRENCIES[self.currency]
        if not places:
            return f"{self.minor} {self.currency}"
        whole, part = divmod(abs(self.minor), 10**places)
        return f"{'-' if self.minor < 0 else ''}{whole}.{part:0{places}} {self.currency}"


def parse_money(text: str) -> Money:
    """An amount as people write it in a task file: `500 EUR`, `19.90 CHF`. No grouping, no symbols, no sign.

    Raises:
        ValueError: anything else, or more decimal places than the currency has; the message is a fact to show.
    """
    found = re.fullmatch(r"([0-9]{1,12})(?:\.([0-9]+))? ?([A-Z]{3})", text)
    if not found:
        raise ValueError(f"`{text}` is not an amount of money, expected one like `500 EUR` or `19.90 CHF`")
    whole, part, currency = found[1], found[2] or "", found[3]
    if currency not in CURRENCIES:
        raise ValueError(f"`{currency}` is not a known currency, expected a code like EUR, USD, GBP or CHF")
    if len(part) > CURRENCIES[currency]:
        raise ValueError(f"`{text}` has more decimal places than {currency}")
    return Money(int(whole + part.ljust(CURRENCIES[currency], "0")), currency)


_CODE = "|".join(CURRENCIES)
_UNIT = rf"(?:(?<![A-Za-z])(?:{_CODE})(?![A-Za-z])|(?<![A-Za-z])\$|[€£¥₹₩]|zł)"
_SPACE = r"[ \u00a0\u2009\u202f]"
_NUMBER = rf"[0-9](?:(?:[.,'’]|{_SPACE}(?=[0-9]{{3}}(?![0-9])))?[0-9])*"
_AMOUNT = re.compile(
    rf"(?P<sign1>[-−]?){_SPACE}?(?P<unit1>{_UNIT}){_SPACE}?(?P<sign2>[-−]?)(?P<number1>{_NUMBER})(?![0-9])"
    rf"|(?P<sign3>[-−]?)(?<![0-9])(?P<number2>{_NUMBER}){_SPACE}?(?P<unit2>{_UNIT})"
)


def amounts(text: str) -> tuple[Money, ...]:
    """Every amount that a screen's text names, in order: `€ 1.234,50`, `1,234.50 USD`, `CHF 1'234`.

    A lone separator before exactly three digits groups thousands (`1.234 EUR` is 1234 euros): of two readings
    the larger one, so that an upper limit is never met by a misreading. Numbers grouped in no known way are left out.
    """
    return tuple(money for match in _AMOUNT.finditer(text) if (money := _matched(match)))


def _matched(match: re.Match[str]) -> Money | None:
    unit = match["unit1"] or match["unit2"]
    currency = _SYMBOLS.get(unit, unit)
    minor = _minor(match["number1"] or match["number2"], CURRENCIES[currency])
    if minor is None:
        return None
    return Money(-minor if match["sign1"] or match["sign2"] or match["sign3"] else minor, currency)


def _minor(number: str, places: int) -> int | None:
    """A written number in the smallest unit; None where its separators make no sense."""
    number = re.sub(rf"{_SPACE}|['’]", "", number)
    found = re.fullmatch(r"([0-9]{1,3}(?:[.,][0-9]{3})*|[0-9]+)(?:([.,])([0-9]{1,2}))?", number)
    if not found or len(number) > 20:
        return None
    whole, separator, part = found[1], found[2], found[3] or ""
    groups = set(re.findall(r"[.,]", whole))
    if len(groups) > 1 or separator in groups or len(part) > places:
        return None
    return int(re.sub(r"[.,]", "", whole) + part.ljust(places, "0"))
