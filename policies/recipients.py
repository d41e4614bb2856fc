"""Who would get what is sent: addresses in the fields that name receivers, and in `mailto:` links. Pure.

The words of a field are the screen's claims, in the six languages that `policies.vocabulary` knows. A page that keeps
the receiver in a script, or names the field otherwise, has none here; a rule may then treat the receiver as unknown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from fnmatch import fnmatchcase
from urllib.parse import unquote

__all__ = ["addresses", "among", "is_receiver", "mailed"]

_FIELD = re.compile(
    r"(to|cc|bcc|recipients?|receivers?|send to|e-?mail to|payee|beneficiary|an|empf[aä]nger|kopie|à|destinataires?"
    r"|b[ée]n[ée]ficiaire|para|destinatarios?|beneficiario|a|destinatari[oi]?|begunstigde|aan|ontvanger)"
    r"(\s*[:*]|\s*\(.*\)|\s+(address(es)?|e-?mail|name|iban|account))*",
    re.IGNORECASE,
)
_WIRE = frozenset({"to", "cc", "bcc", "recipient", "recipients", "receiver", "payee", "beneficiary", "iban", "sendto"})
_MOST = 40
_LONGEST = 120


def is_receiver(field: str, wire: bool = False) -> bool:
    """Whether a field's name says that it names who gets something; `wire` for the short names of requests."""
    flat = " ".join(field.split())
    if wire:
        return re.sub(r"[^a-z]", "", flat.lower()) in _WIRE
    return _FIELD.fullmatch(flat) is not None


def addresses(text: str) -> tuple[str, ...]:
    """The receivers that a value names, in one writing: lower case, without display names, white space inside gone."""
    parts = (part.rpartition("<")[2].rstrip("> \t") for part in re.split(r"[,;\n]", text))
    flat = ("".join(unicodedata.normalize("NFKC", part).casefold().split())[:_LONGEST] for part in parts)
    return tuple(dict.fromkeys(one for one in flat if one))[:_MOST]


def mailed(url: str) -> tuple[str, ...]:
    """Whom a `mailto:` link names."""
    if url[:7].lower() != "mailto:":
        return ()
    first, _, more = url[7:].partition("?")
    copies = [
        part.partition("=")[2] for part in more.split("&") if part.partition("=")[0].lower() in ("to", "cc", "bcc")
    ]
    return addresses(",".join(unquote(one) for one in (first, *copies)))


def among(found: Iterable[str], allowed: Iterable[str]) -> bool:
    """Whether every receiver is allowed; a `*` in an allowed one stands for anything but `@`."""
    patterns = [(*one.casefold().rpartition("@"),) for one in allowed]
    return all(any(_fits(one, pattern) for pattern in patterns) for one in found)


def _fits(found: str, pattern: tuple[str, ...]) -> bool:
    name, sign, place = found.rpartition("@")
    return sign == pattern[1] and _plain(name, pattern[0]) and _plain(place, pattern[2])


def _plain(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]").replace("?", "[?]"))
