"""From a request on the wire to what the rules see: the same facts as for an act, with `sent` beside them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from policies.cause import Cause
from policies.consequence import Consequence
from policies.narrow import Narrow
from policies.place import Place, origin_of, place_of
from policies.request import Counters, Request, counted, leads, received
from policies.sent import Sent, recipient

__all__ = ["sending_of"]


def sending_of(
    sent: Sent,
    effect: Consequence,
    cause: Cause | None,
    covered: bool,
    counters: Counters,
    narrow: Narrow,
    odd: Iterable[str] = (),
) -> Request:
    """The facts of one request; `odd` names the anomalies of what leaves.

    A request that the leave for an act covers is judged on that act's terms: its price, its counters, its approval.
    """
    whose = cause.counters if cause is not None and covered else counters
    context: dict[str, object] = {
        **_price(effect, cause if covered else None),
        **leads([sent.url], lambda place: _inside(place, effect, narrow)),
        "surface": "browser",
        "origin": origin_of(sent.sender),
        "inside": _both(sent, narrow),
        "method": sent.method,
        "text_length": 0,
        "secret": False,
        "step": cause.step if cause is not None else 0,
        **counted(replace(whose, repeats=0, seconds=counters.seconds, sends=counters.sends, now=counters.now)),
        **received(sent.recipients, effect, narrow),
        "files": [],
        "files_inside": True,
        "mismatch": False,
        "tier": narrow.tier or "bounded",
        "anomalies": sorted(set(odd)),
        "rehearsed": covered and cause is not None and cause.rehearsed,
        "sent": {**_sent(sent, cause, covered), "named": sent.reads or _named(sent, narrow)},
    }
    context["same_origin"] = bool(context["origin"]) and context["origin"] == context["destination_origin"]
    if covered and cause is not None and cause.approved_by:
        context["approved_by"] = cause.approved_by
    return Request("request", _WIDGET, (), context)


_WIDGET: dict[str, object] = {
    "known": False,
    "role": "",
    "name": "",
    "value": "",
    "tag": "",
    "app": "",
    "window": "",
    "enabled": True,
    "editable": False,
    "password": False,
    "secret_field": False,
    "autocomplete": "",
}
"""Nothing lies under a request."""


def _sent(sent: Sent, cause: Cause | None, covered: bool) -> dict[str, object]:
    return {
        "kind": sent.kind,
        "covered": covered,
        "cause": cause.consequence.kind if cause is not None else "",
        "size": sent.size,
        "readable": sent.readable,
        "fields": sorted({part.name for part in sent.parts}),
        "files": sum(part.file for part in sent.parts),
        "leaks": sorted(sent.leaks),
        "redirected": sent.redirected,
    }


def _named(sent: Sent, narrow: Narrow) -> bool:
    place = place_of(sent.url)
    return narrow.may_send(sent.method, place.path if place else "")


def _price(effect: Consequence, cause: Cause | None) -> dict[str, object]:
    judged = cause.consequence if cause is not None and cause.consequence.kind == "buy" == effect.kind else effect
    known = judged.amount_minor is not None and bool(judged.currency)
    told: dict[str, object] = {
        "consequence": effect.kind,
        "amount_known": known,
        "currency": judged.currency if known else "",
        "amount_stated": judged.amount_stated,
        "paid_extra": False,
    }
    return {**told, "amount_minor": judged.amount_minor} if known else told


def _inside(place: Place, effect: Consequence, narrow: Narrow) -> bool:
    if effect.kind == "look":
        return narrow.may_read(place.origin, place.local)
    return place.origin in (narrow.origins or ())


def _both(sent: Sent, narrow: Narrow) -> bool:
    """Whether who asks (as far as the browser says) and who gets it both belong to the run's places."""
    places = narrow.origins or ()
    return recipient(sent) in places and (not sent.sender or origin_of(sent.sender) in places)
