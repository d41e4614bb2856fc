"""Amounts of money in the many ways people write them, or the admission that it is unclear.

Reads `1.234,56 EUR`, `$1,234.56`, `CHF 1'234.50`, `89,00 €`, `89.-`. A single separator before exactly three digits
groups thousands, which reads an amount as the larger of its two meanings. What cannot be read with certainty is
reported as unclear, so that a rule can ask a person; it is never passed over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Self

__all__ = ["Amounts", "Money", "amounts", "parse_money", "totals"]

LARGEST = 10**15
"""Minor units; anything larger is no price."""

_NO_MINOR = {"JPY"}
_CODES = frozenset(
    "EUR USD GBP CHF JPY SEK NOK DKK PLN CZK HUF CAD AUD NZD INR CNY BRL MXN ZAR SGD HKD KRW".split()  # noqa: SIM905
)
_SIGNS = {"€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "$": "USD", "us$": "USD"}
_OTHER = ("fr.", "sfr.", "kr", "kr.", "zł", "kč", "ft", "r$", "a$", "c$", "ca$", "au$", "hk$", "nz$", "s$", "₽", "₩")
"""Seen as money, but no currency that can be told for certain."""

_NUMBER = (
    r"(?<![\d.,'’])(?<![\d][ \u00a0\u202f](?=\d{3}(?!\d)))(?:"
    r"[1-9]\d{0,2}(?P<group>[.,'’\u00a0\u202f\u2009 ])\d{3}(?:(?P=group)\d{3})*"
    r"(?:(?!(?P=group))[.,](?:\d{1,2}|[-–—]{1,2}))?"
    r"|\d+(?:[.,](?:\d{1,2}|[-–—]{1,2}))?"
    r")(?!\d)(?![.,'’]\d)"
)
_NAMES = sorted([*_SIGNS, *_OTHER, *(code.lower() for code in _CODES)], key=lambda name: (-len(name), name))
_CURRENCY = "|".join(
    (r"(?<![^\W\d])" if name[0].isalpha() else "") + re.escape(name) + (r"(?![^\W\d])" if name[-1].isalpha() else "")
    for name in _NAMES
)
_TOKEN = re.compile(rf"(?P<number>{_NUMBER})|(?P<currency>{_CURRENCY})", re.IGNORECASE)
_GAP = re.compile(r"[ \u00a0\u202f\u2009]{0,2}")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_DIGITS = re.compile(r"\d")
_TOTAL = re.compile(
    r"(?<![^\W])(?<!sub[- ])(?<!sous[- ])(?:grand total|total|amount due|to pay|gesamtbetrag|gesamtpreis|gesamtsumme"
    r"|gesamt|summe|endbetrag|zu zahlen|rechnungsbetrag|à payer|montant|totale|importe|a pagar|da pagare|valor total)"
    r"(?![^\W])",
    re.IGNORECASE,
)
_SEPARATORS = ".,'’ \n\u00a0\u202f\u2009"
_BARE_PRICE = re.compile(r"\d[.,]\d{2}(?!\d)")
_REACH = 27
"""Characters between digits and a currency within which the one may belong to the other; `money_like` looks as far."""
_WINDOW = 80
"""Characters after a word like `Total` in which its amount must stand."""


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (cents; whole yen) of one currency."""

    minor: int
    currency: str

    def __str__(self) -> str:
        if self.currency in _NO_MINOR:
            return f"{self.minor} {self.currency}"
        return f"{self.minor // 100}.{self.minor % 100:02d} {self.currency}"


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a text says about money: every amount read, in order, and whether something could not be read."""

    found: tuple[Money, ...] = ()
    unclear: bool = False

    @property
    def single(self) -> Money | None:
        """The one amount the text speaks of, however often; None when none, several, or unclear."""
        return self.found[0] if not self.unclear and len(set(self.found)) == 1 else None

    def __add__(self, other: Self) -> Amounts:
        return Amounts(self.found + other.found, self.unclear or other.unclear)


def parse_money(text: str) -> Money:
    """Read one amount with its currency, like `500 EUR`, and nothing else.

    Raises:
        ValueError: the text is not exactly one clear amount.
    """
    tokens = list(_TOKEN.finditer(text.strip()))
    amount = amounts(text).single
    rest = _TOKEN.sub("", text).strip()
    if amount is None or rest or len(tokens) != 2:
        raise ValueError(f"expected an amount with its currency like `500 EUR`, got `{text}`")
    return amount


@lru_cache(maxsize=512)
def amounts(text: str) -> Amounts:
    """Every amount of money in `text`."""
    text = _plain(text)
    if not _DIGITS.search(text):
        return Amounts()
    found: list[Money] = []
    unclear = False
    chains = _chains(text)
    for chain in chains:
        for pair in _pairs(chain):
            money = _money(*pair) if pair else None
            if money is None:
                unclear = True
            else:
                found.append(money)
    return Amounts(tuple(found), unclear or _loose(text, chains))


@lru_cache(maxsize=64)
def totals(text: str) -> Amounts:
    """What the words `Total`, `Amount due` and their like say in `text`, subtotals left out."""
    text = _plain(text)
    said = Amounts()
    marks = list(_TOTAL.finditer(text))
    for mark, following in zip_longest(marks, marks[1:]):
        end = following.start() if following else len(text)
        said = said + _first(text[mark.end() : min(mark.end() + _WINDOW, end)])
    return said


def _first(window: str) -> Amounts:
    """The first amount after a total word; a price with no currency is unclear."""
    head = amounts(window)
    if head.found:
        return Amounts(head.found[:1], unclear=False) if not head.unclear else head
    return Amounts(unclear=head.unclear or bool(_BARE_PRICE.search(window)))


def _plain(text: str) -> str:
    """Digits of every script as ASCII, invisible characters out; separators and signs as written."""
    return _FOREIGN.sub(_plain_character, text)


def _plain_character(match: re.Match[str]) -> str:
    character = match.group()
    if character.isdigit():
        return str(unicodedata.digit(character))
    return "" if unicodedata.category(character) == "Cf" else character


def _chains(text: str) -> list[list[re.Match[str]]]:
    """Numbers and currencies that stand next to each other and alternate; lone numbers and lone currencies left out."""
    chains: list[list[re.Match[str]]] = []
    for token in _TOKEN.finditer(text):
        last = chains[-1][-1] if chains else None
        joined = last is not None and last.lastgroup is not None and _kind(last) != _kind(token)
        if joined and last is not None and _GAP.fullmatch(text, last.end(), token.start()):
            chains[-1].append(token)
        else:
            chains.append([token])
    return [chain for chain in chains if len(chain) > 1]


def _loose(text: str, chains: list[list[re.Match[str]]]) -> bool:
    """Whether a currency stands alone by digits with which it makes no amount, as in `1,23,456.00 INR` or `5.EUR`."""
    paired = {token.start() for chain in chains for token in chain}
    alone = (token for token in _TOKEN.finditer(text) if _kind(token) == "currency" and token.start() not in paired)
    return any(text[at].isdigit() for token in alone for at in _beside(text, token))


def _beside(text: str, token: re.Match[str]) -> Iterator[int]:
    """Where the next characters on both sides stand that separate nothing; as far away as looks like money."""
    for at, by in ((token.start() - 1, -1), (token.end(), 1)):
        end = at + _REACH * by
        while 0 <= at < len(text) and at != end and text[at] in _SEPARATORS:
            at += by
        if 0 <= at < len(text):
            yield at


def _kind(token: re.Match[str]) -> str:
    return "number" if token["number"] is not None else "currency"


def _pairs(chain: list[re.Match[str]]) -> list[tuple[str, str] | None]:
    """(number, currency) pairs; None for what may be read in two ways.

    `N C N C` and `C N C N` pair from the left; `C N C` is one amount if both currencies agree; `N C N` is unclear.
    """
    texts = [token.group() for token in chain]
    first_is_number = _kind(chain[0]) == "number"
    if len(texts) == 3 and not first_is_number:
        return [(texts[1], texts[0])] if _code(texts[0]) == _code(texts[2]) else [None]
    if len(texts) % 2:
        return [None]
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return [(a, b) if first_is_number else (b, a) for a, b in pairs]


def _code(name: str) -> str | None:
    return name.upper() if name.upper() in _CODES else _SIGNS.get(name.lower())


def _money(number: str, currency: str) -> Money | None:
    code = _code(currency)
    split = re.fullmatch(r"(.*?)(?:[.,](\d{1,2}|[-–—]{1,2}))?", number)
    if code is None or split is None:
        return None
    whole = "".join(_DIGITS.findall(split[1]))
    part = split[2] if split[2] and split[2].isdigit() else ""
    if code in _NO_MINOR and part:
        return None
    minor = int(whole if code in _NO_MINOR else whole + part.ljust(2, "0"))
    return Money(minor, code) if minor <= LARGEST else None
