"""A request as the rules may know it: what it would do, with the names of its fields and none of their values.

Pure. Made in the agent's process from what waits at the wire; judged in the broker's.

It knows a request by its method, its address, its fields and the few words in them that name a command. A server that
does something else with `POST /save` than its name says is beyond it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl, unquote

from policies import vocabulary as say
from policies.consequence import Consequence, worst
from policies.money import Money, parse_money
from policies.place import origin_of, place_of
from policies.recipients import addresses, is_receiver
from sandboxes.wire import Held

__all__ = ["READS", "Part", "Sent", "effect_of", "recipient", "sent_of"]

READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that ask for something and, by their meaning, change nothing (RFC 9110, 9.2.1)."""

_MOST_PARTS = 60
_MOST_DEPTH = 6
_STATIC = re.compile(
    r"\.(png|jpe?g|gif|svg|webp|avif|ico|css|js|mjs|woff2?|ttf|otf|mp4|webm|mp3|map|wasm|json|txt)$", re.IGNORECASE
)
_COMMANDS = frozenset(
    {"action", "act", "op", "operation", "operationname", "method", "mutation", "cmd", "command", "do"}
)
_WORD = re.compile(r"[^\W\d_]+")
_CARD = re.compile(
    r"(?i)(card.?(number|no|num)|cc.?(num|number|csc|exp)|^pan$|^cvc$|^cvv2?$|^csc$|security.?code|^iban$"
    r"|account.?number)"
)
_PRIVATE = re.compile(r"(?i)(pass|pwd|secret|token|csrf|xsrf|nonce|otp|^pin$|session|auth|signature|^key$|api.?key)")
_MOST_SHOWN = 200
_AMOUNT = re.compile(r"(?i)^(.*[^a-z])?(amount|total|price|sum)([^a-z].*)?$")
_MOVES_MONEY = re.compile(r"(?i)(^|[^a-z])amount([^a-z]|$)")
_CURRENCY = re.compile(r"(?i)(^|[^a-z])currency([^a-z]|$)")


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a body or of a query: its name and how long its value is."""

    name: str
    length: int
    file: bool = False
    value: str = ""
    """What a person may be shown of it; empty where that is nothing. For the card alone: no rule, shape or trail has
    it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What is about to be sent. `url` is kept whole for the judgement; for people and the trail use `shown`."""

    method: str
    url: str
    kind: str
    sender: str = ""
    parts: tuple[Part, ...] = ()
    commands: tuple[str, ...] = ()
    """Words in values that name what is to be done, as `transfer` in `action=transfer`."""
    amounts: tuple[Money, ...] = ()
    unclear: bool = False
    """Something stands there that names an amount and cannot be read as one."""
    size: int = 0
    """Bytes of the body; 0 where it cannot be read."""
    readable: bool = True
    redirected: bool = False
    leaks: tuple[str, ...] = ()
    """Names of secrets that stand in it although they may not go there."""
    recipients: tuple[str, ...] = ()
    """Who would get it, as far as its fields say (`policies.recipients`)."""
    digest: str = ""
    """SHA-256 over method, address and body: two requests with the same one are the same."""

    @property
    def reads(self) -> bool:
        return self.method in READS

    @property
    def shown(self) -> str:
        """Method and address without its query."""
        return f"{self.method} {self.url.partition('?')[0].partition('#')[0]}"[:400]

    @property
    def shape(self) -> str:
        """SHA-256 over method, address, names and lengths of fields, commands and amounts, but no values.

        Two loads of a page send the same shape though each has a token of its own.
        """
        parts = [[part.name, part.length, part.file] for part in self.parts]
        amounts = [[money.minor, money.currency] for money in self.amounts]
        told = [self.shown, parts, list(self.commands), amounts, self.unclear, self.readable]
        return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def amount(self) -> Money | None:
        """The one amount it names; None for none, several, or an unclear one."""
        return self.amounts[0] if len(set(self.amounts)) == 1 and not self.unclear else None


def sent_of(held: Held, leaks: tuple[str, ...] = (), clean: Callable[[str], str] | None = None) -> Sent:
    """What may be known of a request that waits. `clean` takes secrets out of a value; without it no value is kept."""
    url = _web(held.url)
    fields = _pairs(held)
    pairs = [*_query(url), *(fields or [])]
    amounts, unclear = _amounts(pairs)
    stated = f"{held.method}\n{held.url}\n".encode("utf-8", "surrogatepass") + held.body
    return Sent(
        method=held.method[:16],
        url=url,
        kind=held.kind[:32],
        sender=held.sender[:300],
        parts=tuple(
            Part(name[:80], len(value or ""), value is None, _showable(name, value, clean))
            for name, value in pairs[:_MOST_PARTS]
        ),
        commands=_commands(pairs),
        amounts=amounts,
        unclear=unclear,
        size=len(held.body),
        readable=held.readable and (fields is not None or held.kind == "message"),
        redirected=held.redirected,
        leaks=leaks,
        recipients=_recipients(pairs),
        digest=hashlib.sha256(stated).hexdigest(),
    )


def effect_of(sent: Sent) -> Consequence:
    """What a request would do. The worst of what its method, its address, its fields and their words say."""
    place = place_of(sent.url)
    path = unquote(place.path) if place else ""
    if sent.reads:
        return _reading(sent, path)
    base = Consequence("delete", "a DELETE request") if sent.method == "DELETE" else Consequence("submit", "it sends")
    reasons = [base, _named(path, mutating=True), *map(_commanded, sent.commands), _carried(sent)]
    if not sent.readable:
        reasons.append(Consequence("unknown", "what it sends cannot be read"))
    found = worst(*reasons)
    if found.kind != "buy" or sent.amount is None:
        return found
    return Consequence("buy", found.why, sent.amount.minor, sent.amount.currency, amount_stated=True)


def _reading(sent: Sent, path: str) -> Consequence:
    """A GET reads, unless its address says that it does something: `/account/delete`."""
    if _STATIC.search(path) and "?" not in sent.url:
        return Consequence("look")
    return worst(Consequence("look"), _named(path, mutating=False), *map(_commanded, sent.commands))


def _named(path: str, mutating: bool) -> Consequence:
    """What the words of a path announce. Of a request that sends, the last part is taken at its word."""
    for kind, phrases in (("buy", say.PATH_PAY), ("delete", say.PATH_DELETE), ("submit", say.PATH_SUBMIT)):
        if said := phrases.within(path):
            return Consequence(kind, f"its address says `{said}`")  # type: ignore[arg-type]
    return _commanded(path.rstrip("/").rpartition("/")[2]) if mutating else Consequence("look")


def _commanded(words: str) -> Consequence:
    plain = " ".join(_split(words))
    if say.BENIGN.within(plain):
        return Consequence("look")
    for kind, phrases in (("buy", say.BUY), ("delete", say.DELETE), ("reveal", say.REVEAL), ("send", say.SEND)):
        if said := phrases.within(plain):
            return Consequence(kind, f"it says `{said}`")  # type: ignore[arg-type]
    return Consequence("look")


def _carried(sent: Sent) -> Consequence:
    for part in sent.parts:
        if _CARD.search(part.name):
            return Consequence("buy", f"it carries `{part.name}`")
    if (sent.amounts or sent.unclear) and any(_MOVES_MONEY.search(_spread(part.name)) for part in sent.parts):
        return Consequence("buy", "it carries an amount")
    return Consequence("submit", "it carries a file") if any(part.file for part in sent.parts) else Consequence("look")


# ---------------------------------------------------------------- reading


def _web(url: str) -> str:
    """A WebSocket's address as the web address that it shares an origin with."""
    for scheme, web in (("ws://", "http://"), ("wss://", "https://")):
        if url.lower().startswith(scheme):
            return web + url[len(scheme) :]
    return url


def _query(url: str) -> list[tuple[str, str | None]]:
    query = url.partition("#")[0].partition("?")[2]
    try:
        return [(name, value) for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=200)]
    except ValueError:
        return [("", query)]


def _pairs(held: Held) -> list[tuple[str, str | None]] | None:
    """(name, value) of the body's fields; a value of None is a file's content. None where it cannot be taken apart."""
    if not held.body:
        return []
    shape = held.content_type.partition(";")[0].strip().lower()
    try:
        if shape == "multipart/form-data":
            return list(_multipart(held)) or None
        text = held.body.decode()
        if shape == "application/json" or text.lstrip()[:1] in ("{", "["):
            return list(_flat(json.loads(text)))
        if not shape.startswith(("text/", "application/x-www-form-urlencoded")) and shape:
            return None
        if "=" not in text:
            return [("", text)]
        return [(name, value) for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=500)]
    except (ValueError, RecursionError):
        return None


def _multipart(held: Held) -> Iterator[tuple[str, str | None]]:
    whole = message_from_bytes(f"Content-Type: {held.content_type}\r\n\r\n".encode() + held.body, policy=HTTP)
    for one in whole.iter_parts():
        name = str(one.get_param("name", "", "content-disposition"))
        content = one.get_payload(decode=True)
        value = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
        yield name, None if one.get_filename() is not None else value


def _flat(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str | None]]:
    """Every leaf with the name that is nearest to it."""
    if depth > _MOST_DEPTH:
        yield name, ""
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, str(key), depth + 1)
    elif isinstance(value, list):
        for inner in value[:_MOST_PARTS]:
            yield from _flat(inner, name, depth + 1)
    else:
        yield name, "" if value is None else str(value)


def _showable(name: str, value: str | None, clean: Callable[[str], str] | None) -> str:
    """What a person may read of a value: nothing of a field that by its name holds a secret, and no secret."""
    if value is None or clean is None or _CARD.search(name) or _PRIVATE.search(name):
        return ""
    return clean(value)[:_MOST_SHOWN]


def _commands(pairs: list[tuple[str, str | None]]) -> tuple[str, ...]:
    """Words only: no digits, nothing long. A command is not a secret, and a value that could be one is left out."""
    found = []
    for name, value in pairs:
        said = name.lower().replace("_", "").replace("-", "")
        graph = said == "query" and (value or "").lstrip().lower().startswith("mutation")
        if value and (said in _COMMANDS or graph):
            found += [" ".join(_split(value[:400])[:12])[:80]]
    return tuple(one for one in found if one)[:8]


def _recipients(pairs: list[tuple[str, str | None]]) -> tuple[str, ...]:
    found = [one for name, value in pairs if value and is_receiver(name, wire=True) for one in addresses(value)]
    return tuple(dict.fromkeys(found))[:40]


def _split(text: str) -> list[str]:
    """`deleteAccount`, `delete_account` and `DELETE-ACCOUNT` as `delete account`."""
    return [word.lower() for word in _WORD.findall(_spread(text))]


def _spread(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def _amounts(pairs: list[tuple[str, str | None]]) -> tuple[tuple[Money, ...], bool]:
    currencies = {value.strip().upper() for name, value in pairs if value and _CURRENCY.search(_spread(name))}
    currency = next(iter(currencies)) if len(currencies) == 1 else ""
    found, unclear = [], False
    for name, value in pairs:
        if not value or not _AMOUNT.match(_spread(name)):
            continue
        money = _money(_spread(name).lower(), value.strip(), currency)
        if money is None:
            unclear = True
        else:
            found.append(money)
    return tuple(dict.fromkeys(found))[:8], unclear


def _money(name: str, value: str, currency: str) -> Money | None:
    """An amount from a field. `amount_cents=8900` is minor units; `amount=89` is not. None where it is unclear."""
    if re.search(r"cent|minor", name) and re.fullmatch(r"\d{1,15}", value):
        return Money(int(value), currency)
    try:
        return parse_money(value)
    except ValueError:
        pass
    if re.fullmatch(r"\d{1,12}(\.\d{1,2})?", value):
        whole, _, part = value.partition(".")
        return Money(int(whole) * 100 + int((part or "0").ljust(2, "0")), currency)
    return None


def recipient(sent: Sent) -> str:
    """Origin of whoever gets it; empty where that is no plain web address."""
    return origin_of(sent.url)
