"""Words for pages and instructions, split once into those that training may use and those kept for evaluation.

Sources: Faker's names, places and companies in twelve locales, identifiers and words of the standard library's
documentation strings, pseudo-words, codes, dates, prices. The split is a checksum of the word, so it never depends on
seeds or order.
"""

from __future__ import annotations

import ast
import functools
import json
import random
import re
import sysconfig
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["CITIES", "LOCALES", "Pools", "Split", "Words", "harvest", "held_out"]

Split = Literal["train", "held"]

LOCALES = (
    "de_DE", "fr_FR", "pl_PL", "cs_CZ", "tr_TR", "sv_SE", "hr_HR", "en_US", "en_GB", "it_IT", "es_ES", "pt_PT",
)  # fmt: skip

CITIES = [
    "Zurich",
    "Zürich",
    "Lisbon",
    "Geneva",
    "Genève",
    "Basel",
    "Bern",
    "Paris",
    "London",
    "Berlin",
    "Munich",
    "München",
    "Köln",
    "Cologne",
    "Vienna",
    "Wien",
    "Graz",
    "Prague",
    "Praha",
    "Brno",
    "Warsaw",
    "Warszawa",
    "Kraków",
    "Łódź",
    "Gdańsk",
    "Wrocław",
    "Poznań",
    "Budapest",
    "Zagreb",
    "Split",
    "Dubrovnik",
    "Ljubljana",
    "Maribor",
    "Belgrade",
    "Istanbul",
    "İzmir",
    "Ankara",
    "Athens",
    "Thessaloniki",
    "Rome",
    "Milan",
    "Milano",
    "Naples",
    "Turin",
    "Florence",
    "Venice",
    "Bologna",
    "Madrid",
    "Barcelona",
    "Seville",
    "Málaga",
    "Valencia",
    "Porto",
    "Faro",
    "Dublin",
    "Cork",
    "Edinburgh",
    "Glasgow",
    "Manchester",
    "Oslo",
    "Bergen",
    "Stockholm",
    "Malmö",
    "Göteborg",
    "Copenhagen",
    "Aarhus",
    "Helsinki",
    "Tampere",
    "Tallinn",
    "Riga",
    "Vilnius",
    "Kaunas",
    "Reykjavik",
    "Amsterdam",
    "Rotterdam",
    "Brussels",
    "Antwerp",
    "Luxembourg",
    "Lyon",
    "Nice",
    "Marseille",
    "Toulouse",
    "Bordeaux",
    "Nantes",
    "Hamburg",
    "Frankfurt",
    "Stuttgart",
    "Dresden",
    "Leipzig",
    "Hannover",
    "Sofia",
    "Bucharest",
    "Cluj",
    "Tirana",
    "Skopje",
    "Sarajevo",
    "Podgorica",
    "Valletta",
    "Larnaca",
    "Toronto",
    "Montreal",
    "Québec",
    "Boston",
    "Chicago",
    "Denver",
    "Seattle",
    "Austin",
    "Houston",
    "Miami",
    "Atlanta",
    "Tokyo",
    "Osaka",
    "Kyoto",
    "Seoul",
    "Busan",
    "Sydney",
    "Perth",
    "Auckland",
    "Wellington",
    "Singapore",
    "Bangkok",
    "Hanoi",
    "Delhi",
    "Mumbai",
    "Dubai",
    "Doha",
    "Cairo",
    "Tunis",
    "Casablanca",
    "Nairobi",
    "Lagos",
    "Accra",
    "Lima",
    "Quito",
    "Bogotá",
    "Santiago",
    "Montevideo",
    "Havana",
    "Kingston",
]


def held_out(word: str) -> bool:
    """Whether a word is kept for evaluation: one in five, by checksum."""
    return zlib.crc32(word.casefold().encode()) % 5 == 0


def _faker_words(seed: int) -> dict[str, set[str]]:
    from faker import Faker

    found: dict[str, set[str]] = {
        "first": set(),
        "last": set(),
        "city": set(CITIES),
        "company": set(),
        "word": set(),
        "street": set(),
    }
    for locale in LOCALES:
        fake = Faker(locale)
        fake.seed_instance(seed)
        draws: tuple[tuple[str, Callable[[], str], int], ...] = (
            ("first", fake.first_name, 300),
            ("last", fake.last_name, 300),
            ("city", fake.city, 300),
            ("company", fake.company, 120),
            ("word", fake.word, 400),
            ("street", fake.street_name, 100),
        )
        for pool, draw, count in draws:
            found[pool].update(draw() for _ in range(count))
    return found


def _library_words() -> set[str]:
    """Words of docstrings and names of functions in the standard library."""
    found: set[str] = set()
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.update(re.findall(r"[A-Za-z]{3,14}", ast.get_docstring(node) or ""))
                if len(node.name) > 3 and not node.name.startswith("_"):
                    found.add(node.name[:20])
    return found


@dataclass(frozen=True)
class Pools:
    """All harvested words by kind, sorted."""

    first: list[str]
    last: list[str]
    city: list[str]
    company: list[str]
    word: list[str]
    street: list[str]

    def of(self, split: Split) -> Pools:
        """The part that belongs to a split."""
        wanted = split == "held"
        return Pools(**{key: [w for w in words if held_out(w) == wanted] for key, words in vars(self).items()})


def harvest(cache: Path | None = None, seed: int = 11) -> Pools:
    """All words, from `cache` where it exists. Takes some seconds otherwise."""
    if cache and cache.exists():
        return Pools(**json.loads(cache.read_text(encoding="utf-8")))
    found = _faker_words(seed)
    found["word"].update(_library_words())
    for key in found:
        found[key] = {word for word in found[key] if '"' not in word and len(word) <= 40 and word.strip() == word}
    pools = Pools(**{key: sorted(words) for key, words in found.items()})
    if cache:
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps(vars(pools), ensure_ascii=False), encoding="utf-8")
    return pools


_ONSETS = [
    "b",
    "c",
    "d",
    "f",
    "g",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "w",
    "z",
    "br",
    "ch",
    "cl",
    "cr",
    "dr",
    "fl",
    "gr",
    "kl",
    "pl",
    "pr",
    "sh",
    "sk",
    "sl",
    "st",
    "str",
    "th",
    "tr",
    "č",
    "š",
    "ž",
    "ł",
    "ñ",
    "ç",
    "ğ",
    "ř",
]
_VOWELS = [
    "a",
    "e",
    "i",
    "o",
    "u",
    "a",
    "e",
    "i",
    "o",
    "u",
    "ai",
    "ea",
    "ie",
    "oo",
    "y",
    "ä",
    "ö",
    "ü",
    "é",
    "è",
    "å",
    "ą",
    "ę",
    "í",
    "ó",
    "á",
    "ã",
    "ı",
]
_CODAS = ["", "", "", "n", "r", "s", "l", "t", "m", "k", "nd", "st", "ck", "x"]
_MONTHS = [
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
]


class Words:
    """Draws words of one split with one random generator."""

    def __init__(self, pools: Pools, dice: random.Random) -> None:
        self.pools = pools
        self.dice = dice

    def pick(self, options: Sequence[str]) -> str:
        return options[int(self.dice.random() * len(options))]

    def pseudo(self) -> str:
        """An invented word, one to four syllables."""
        parts = [
            self.pick(_ONSETS) + self.pick(_VOWELS) + (self.pick(_CODAS) if self.dice.random() < 0.5 else "")
            for _ in range(self.dice.choice((1, 2, 2, 2, 3, 3, 4)))
        ]
        return "".join(parts)

    def word(self) -> str:
        """One word of any kind."""
        draw = self.dice.random()
        if draw < 0.6:
            return self.pick(self.pools.word)
        if draw < 0.75:
            return self.pseudo()
        return self.pick(self.dice.choice((self.pools.city, self.pools.last, self.pools.first)))

    def phrase(self, longest: int = 4) -> str:
        """One to `longest` words, the first one capitalised."""
        count = min(longest, self.dice.choice((1, 1, 1, 2, 2, 2, 3, 3, 4)))
        words = [self.word() for _ in range(count)]
        text = " ".join(words)
        return text[:1].upper() + text[1:]

    def person(self) -> str:
        return f"{self.pick(self.pools.first)} {self.pick(self.pools.last)}"

    def digits(self, count: int) -> str:
        return "".join(self.dice.choice("0123456789") for _ in range(count))

    def code(self) -> str:
        """A flight number, booking reference or order number."""
        letters = "".join(self.dice.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(2))
        kind = self.dice.random()
        if kind < 0.5:
            return f"{letters} {self.dice.randint(10, 9999)}"
        if kind < 0.7:
            return f"{letters}-{self.digits(4)}"
        if kind < 0.85:
            return "".join(self.dice.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(6))
        return f"#{self.digits(5)}"

    def price(self) -> str:
        amount = f"{self.dice.randint(1, 1999)}.{self.dice.choice(('00', '00', '90', '50', '99', self.digits(2)))}"
        style = self.dice.random()
        if style < 0.6:
            return f"{amount} {self.dice.choice(('EUR', 'EUR', 'CHF', 'USD', 'GBP'))}"
        return f"{self.dice.choice('€$£')}{amount}"

    def clock(self) -> str:
        return f"{self.dice.randint(0, 23):02d}:{self.dice.randint(0, 59):02d}"

    def month(self) -> str:
        return f"{self.pick(_MONTHS)} {self.dice.randint(2024, 2031)}"

    def day(self) -> str:
        """A date in one of the usual forms."""
        day, month, year = self.dice.randint(1, 28), self.dice.randint(1, 12), self.dice.randint(1940, 2031)
        forms = (
            f"{day:02d}.{month:02d}.{year}",
            f"{day:02d}.{month:02d}.{year}",
            f"{year}-{month:02d}-{day:02d}",
            f"{month:02d}/{day:02d}/{year}",
            f"{day} {_MONTHS[month - 1]} {year}",
        )
        return self.pick(forms)

    def email(self) -> str:
        user = self.pick(self.pools.first if self.dice.random() < 0.6 else self.pools.word).lower().replace(" ", ".")
        site = self.pick(
            (
                "example.org",
                "example.com",
                "mail.example",
                "example.net",
                f"{self.word().lower().replace(' ', '')}.example",
            )
        )
        return f"{user}{self.dice.choice(('', '', self.digits(2), '.' + self.pick(self.pools.last).lower().replace(' ', '')))}@{site}"

    def secret(self) -> str:
        """A placeholder such as `<secret:card_number>`."""
        usual = (
            "card_number",
            "security_code",
            "password",
            "api_key",
            "pin",
            "login_password",
            "iban",
            "token",
            "cvc",
            "card_code",
        )
        made = re.sub(r"[^a-z0-9_]", "_", self.word().lower())
        return f"<secret:{self.pick(usual) if self.dice.random() < 0.7 else made}>"

    def sentence(self) -> str:
        text = " ".join(self.word() for _ in range(self.dice.randint(3, 8)))
        return text[:1].upper() + text[1:] + self.dice.choice(("", ".", "!", "?"))

    def value(self) -> str:
        """Something that a person would type."""
        makers = (
            self.person, self.word, self.phrase, self.code, self.email, self.day, self.sentence, self.secret, self.city,
            self.first, self.last, self.city, self.number, self.card, self.phone, self.expiry, self.address, self.first, self.last,
            self.price, self.clock, self.pseudo, self.company,
        )  # fmt: skip
        return self.dice.choice(makers)()

    def city(self) -> str:
        return self.pick(self.pools.city)

    def first(self) -> str:
        return self.pick(self.pools.first)

    def last(self) -> str:
        return self.pick(self.pools.last)

    def company(self) -> str:
        return self.pick(self.pools.company)

    def number(self) -> str:
        return str(self.dice.randint(0, self.dice.choice((9, 99, 999, 99999))))

    def card(self) -> str:
        return " ".join(self.digits(4) for _ in range(4)) if self.dice.random() < 0.7 else self.digits(16)

    def phone(self) -> str:
        return f"+{self.dice.randint(1, 99)} {self.digits(2)} {self.digits(3)} {self.digits(2)} {self.digits(2)}"

    def expiry(self) -> str:
        return f"{self.dice.randint(1, 12):02d}/{self.dice.randint(26, 35)}"

    def address(self) -> str:
        return f"{self.pick(self.pools.street)} {self.dice.randint(1, 250)}"


@functools.lru_cache(maxsize=1)
def default_pools() -> Pools:
    """The harvest with its usual seed, kept in memory and under the system's temporary folder."""
    import tempfile

    return harvest(Path(tempfile.gettempdir()) / "deskhand-pilot-words-v1.json")
