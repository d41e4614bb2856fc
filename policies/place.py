"""Addresses taken apart once, strictly. What a browser might read in another way than we do is not an address here.

Only http and https. No user names, no backslashes, no control characters, no percent signs in hosts, no trailing
dots. Hosts come out lower case, in punycode, with IPv4 in dotted form however it was written. Origins are compared
as whole strings, never by prefix.

It does not resolve names: a name that points at a private address looks like any other name here, and a redirect is
seen only at the wire.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

__all__ = ["Place", "known_apps", "origin_of", "place_of"]

LONGEST = 8192
"""Characters; longer addresses are refused."""

_PORTS = {"http": 80, "https": 443}
_SHAPE = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<authority>[^/?#]+)(?P<path>[^?#]*)(?:\?[^#]*)?(?:#.*)?")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]@]+)(?::(?P<port>[0-9]{0,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")


@dataclass(frozen=True, slots=True)
class Place:
    """An http(s) address in canonical form."""

    scheme: str
    host: str
    """Lower case ASCII; IPv6 in brackets."""
    port: int
    path: str
    """Begins with a slash; dot segments resolved; percent-escapes as written."""

    @property
    def origin(self) -> str:
        """scheme://host, with the port unless it is the scheme's own."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @property
    def local(self) -> bool:
        """Whether the host is, by its own writing, this machine or a private or link-local network."""
        return _is_local(self.host)


@lru_cache(maxsize=1024)
def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return not mapped.is_global


@lru_cache(maxsize=1024)
def place_of(url: str) -> Place | None:
    """The place an address names; None for everything that is not plainly an http(s) address."""
    if len(url) > LONGEST or any(c <= " " or c == "\x7f" or unicodedata.category(c)[0] in "CZ" for c in url):
        return None
    shape = _SHAPE.fullmatch(url)
    if shape is None or "\\" in shape["authority"] + shape["path"]:
        return None
    scheme = shape["scheme"].lower()
    authority = _AUTHORITY.fullmatch(shape["authority"])
    if scheme not in _PORTS or authority is None:
        return None
    host = _host(authority["host"])
    port = int(authority["port"] or _PORTS[scheme])
    if host is None or port > 65535:
        return None
    return Place(scheme, host, port, _path(shape["path"]))


def origin_of(url: str) -> str:
    """The origin of an address in canonical form; empty for everything that `place_of` does not accept."""
    place = place_of(url)
    return place.origin if place else ""


def known_apps(packages: Iterable[str]) -> tuple[str, ...]:
    """Packages of a phone, and after them the names by which they may be started: `com.android.contacts`, `contacts`.

    A short name stands for a package only where no two end alike. A package always has a dot in it and a short name
    never, so no app can pass for another by being called like its short name.
    """
    listed = tuple(dict.fromkeys(packages))
    ends = [package.rpartition(".")[2].lower() for package in listed]
    short = [end for end in ends if ends.count(end) == 1]
    return (*listed, *short, *(end.capitalize() for end in short))


def _host(text: str) -> str | None:
    if text.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(text[1:-1]).compressed}]"
        except ValueError:
            return None
    labels = [_label(label) for label in _DOTS.split(text)]
    known = [label for label in labels if label is not None]
    if len(known) < len(labels) or sum(map(len, known)) + len(known) > 254:
        return None
    if _NUMBER.fullmatch(known[-1]):
        return _ipv4(known)
    return ".".join(known)


def _label(text: str) -> str | None:
    """One label in lower case ASCII, punycode where it was not; None where it is no label."""
    flat = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    if not flat.isascii():
        flat = "xn--" + flat.encode("punycode").decode()
    elif flat.startswith("xn--"):
        return flat if _is_punycode(flat[4:]) else None
    return flat if _LABEL.fullmatch(flat) else None


def _is_punycode(text: str) -> bool:
    try:
        decoded = text.encode().decode("punycode")
        return not decoded.isascii() and decoded.encode("punycode").decode() == text
    except UnicodeError:
        return False


def _ipv4(parts: list[str]) -> str | None:
    """The address that browsers read from numbers: decimal, octal or hexadecimal, the last filling what is left.

    Source: WHATWG URL standard, "IPv4 parser".
    """
    if len(parts) > 4 or not all(map(_NUMBER.fullmatch, parts)):
        return None
    try:
        numbers = [_integer(part) for part in parts]
    except ValueError:
        return None
    *head, last = numbers
    if any(n > 255 for n in head) or last >= 256 ** (5 - len(numbers)):
        return None
    value = last + sum(n * 256 ** (3 - i) for i, n in enumerate(head))
    return str(ipaddress.IPv4Address(value))


def _integer(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if len(part) > 1 and part[0] == "0" else int(part)


def _path(text: str) -> str:
    kept: list[str] = []
    for segment in text.split("/")[1:]:
        plain = unquote(segment)
        if plain == "..":
            kept = kept[:-1]
        elif plain != ".":
            kept.append(segment)
    return "/" + "/".join(kept)
