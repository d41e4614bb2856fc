"""The cities one can fly between, and how people spell them."""

from __future__ import annotations

import difflib
import math
import unicodedata
from dataclasses import dataclass

__all__ = ["CITIES", "City", "distance_km", "find_city", "nearest_name"]

_EARTH_RADIUS_KM = 6371.0
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "ß": "ss", "æ": "ae", "đ": "d"})


@dataclass(frozen=True)
class City:
    """A city with its airport code; latitude and longitude in degrees, winter hours from UTC."""

    name: str
    code: str
    latitude: float
    longitude: float
    utc_h: int
    also: tuple[str, ...] = ()


CITIES = (
    City("Amsterdam", "AMS", 52.37, 4.90, 1),
    City("Athens", "ATH", 37.98, 23.73, 2, ("Athen", "Athina", "Athènes")),
    City("Barcelona", "BCN", 41.39, 2.17, 1),
    City("Basel", "BSL", 47.56, 7.59, 1, ("Bâle",)),
    City("Berlin", "BER", 52.52, 13.40, 1),
    City("Brussels", "BRU", 50.85, 4.35, 1, ("Brüssel", "Bruxelles", "Brussel")),
    City("Bucharest", "OTP", 44.43, 26.10, 2, ("Bukarest", "București")),
    City("Budapest", "BUD", 47.50, 19.04, 1),
    City("Copenhagen", "CPH", 55.68, 12.57, 1, ("Kopenhagen", "København")),
    City("Dublin", "DUB", 53.35, -6.26, 0),
    City("Edinburgh", "EDI", 55.95, -3.19, 0),
    City("Frankfurt", "FRA", 50.11, 8.68, 1),
    City("Geneva", "GVA", 46.20, 6.14, 1, ("Genf", "Genève", "Ginevra")),
    City("Hamburg", "HAM", 53.55, 9.99, 1),
    City("Helsinki", "HEL", 60.17, 24.94, 2),
    City("Kraków", "KRK", 50.06, 19.94, 1, ("Cracow", "Krakau")),
    City("Lisbon", "LIS", 38.72, -9.14, 0, ("Lissabon", "Lisboa")),
    City("London", "LHR", 51.51, -0.13, 0, ("Londres",)),
    City("Madrid", "MAD", 40.42, -3.70, 1),
    City("Milan", "MXP", 45.46, 9.19, 1, ("Mailand", "Milano")),
    City("Munich", "MUC", 48.14, 11.58, 1, ("München", "Muenchen")),
    City("Nice", "NCE", 43.70, 7.27, 1, ("Nizza",)),
    City("Oslo", "OSL", 59.91, 10.75, 1),
    City("Palma", "PMI", 39.57, 2.65, 1, ("Palma de Mallorca",)),
    City("Paris", "CDG", 48.86, 2.35, 1),
    City("Porto", "OPO", 41.15, -8.61, 0),
    City("Prague", "PRG", 50.08, 14.44, 1, ("Prag", "Praha")),
    City("Reykjavík", "KEF", 64.15, -21.94, 0),
    City("Rome", "FCO", 41.90, 12.50, 1, ("Rom", "Roma")),
    City("Stockholm", "ARN", 59.33, 18.07, 1),
    City("Vienna", "VIE", 48.21, 16.37, 1, ("Wien", "Vienne")),
    City("Warsaw", "WAW", 52.23, 21.01, 1, ("Warschau", "Warszawa")),
    City("Zurich", "ZRH", 47.38, 8.54, 1, ("Zürich", "Zuerich")),
)


def find_city(typed: str) -> City | None:
    """The city meant by `typed`: a name in any case, with or without accents, or a code."""
    wanted = _folded(typed)
    for city in CITIES:
        names = {city.name, city.code, *city.also, f"{city.name} ({city.code})"}
        if wanted in {_folded(name) for name in names}:
            return city
    return None


def nearest_name(typed: str) -> str | None:
    """The city name that looks most like `typed`, for a question back to the reader."""
    names = {_folded(name): city.name for city in CITIES for name in (city.name, *city.also)}
    near = difflib.get_close_matches(_folded(typed), names, n=1, cutoff=0.7)
    return names[near[0]] if near else None


def distance_km(start: City, end: City) -> float:
    """Great-circle distance."""
    here, there = math.radians(start.latitude), math.radians(end.latitude)
    across = math.radians(end.longitude - start.longitude)
    cosine = math.sin(here) * math.sin(there) + math.cos(here) * math.cos(there) * math.cos(across)
    return _EARTH_RADIUS_KM * math.acos(min(1.0, cosine))


def _folded(text: str) -> str:
    spread = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    return " ".join("".join(c for c in spread if not unicodedata.combining(c)).split())
