"""From a case to what the rules see: facts in canonical form. Pure.

Places are compared as parsed origins, never as text. Whatever cannot be parsed is outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from actuators.action import Action, Drag, LaunchApp, OpenUrl, Swipe, TypeText
from actuators.observation import Node, Target
from policies.consequence import INERT_SCRIPTS, Consequence
from policies.files import within
from policies.narrow import Narrow
from policies.place import Place, origin_of, place_of
from policies.scene import NOTHING, Scene

__all__ = [
    "Case",
    "Counters",
    "Rehearsed",
    "Request",
    "counted",
    "leads",
    "plain_of",
    "received",
    "request_from",
    "request_of",
]

_NAME = 200
"""Characters of any one text from the screen that reach the rules."""
_PATH = 500


@dataclass(frozen=True, slots=True)
class Case:
    """One act to be judged, with what the runtime knows about it."""

    step: int
    action: Action
    target: Target
    scene: Scene = NOTHING
    mismatch: bool = False
    confidence: float | None = None
    """Of the model, 0 to 1; None when it does not say."""
    rehearsed: bool = False
    shown: tuple[str, ...] = ()
    """Shapes (`policies.sent.Sent.shape`) of the requests that a rehearsal would have sent; it may send no other."""
    told: tuple[str, ...] = ()
    """What the rehearsal showed, in lines for the person who is asked."""
    asked: str = ""
    """The goal and the current step, in words."""
    texts: tuple[str, ...] = ()
    """What the screen says, in reading order (`policies.scene.texts_of`): looked through for what is odd, no more."""
    files: tuple[str, ...] = ()
    """Real paths of the files that the act names (`policies.files`)."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a rehearsal showed: the shapes of the requests, and lines for a person."""

    shown: tuple[str, ...]
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counters:
    """What the broker has let happen so far in this run."""

    acts: int = 0
    buys: int = 0
    submits: int = 0
    repeats: int = 0
    seconds: int = 0
    recent: int = 0
    """Acts in the last minute."""
    sends: int = 0
    """Requests that were let go and are no reads."""
    now: float = 0.0
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the rules are asked. Everything in it is plain data in canonical form."""

    action: str
    widget: Mapping[str, object]
    parents: tuple[tuple[str, str], ...]
    """(type, id) of what the widget belongs to."""
    context: Mapping[str, object] = field(default_factory=dict)

    def but(self, **context: object) -> Request:
        """The same request with some facts of the context replaced; a fact set to None is taken out."""
        merged = {**self.context, **context}
        return replace(self, context={key: value for key, value in merged.items() if value is not None})


def plain_of(request: Request) -> dict[str, object]:
    """A request as plain data, for the trail; `request_from` reads it back."""
    return {
        "action": request.action,
        "widget": dict(request.widget),
        "parents": [list(parent) for parent in request.parents],
        "context": dict(request.context),
    }


def request_from(plain: Mapping[str, Any]) -> Request:
    """What `plain_of` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    parents = tuple((str(kind), str(name)) for kind, name in plain["parents"])
    return Request(str(plain["action"]), dict(plain["widget"]), parents, dict(plain["context"]))


def request_of(
    case: Case, consequence: Consequence, counters: Counters, narrow: Narrow, odd: Iterable[str] = ()
) -> Request:
    """The facts of one case under the limits of one run, as they are now; `odd` names the anomalies of this step."""
    node = case.target.node
    context: dict[str, object] = {
        **_effect(consequence),
        **_where(case, narrow),
        **_whither(case, consequence, narrow),
        "method": node.form.method.upper()[:16] if node and node.form else "",
        "text_length": len(case.action.text) if isinstance(case.action, TypeText) else 0,
        "secret": isinstance(case.action, TypeText) and "<secret:" in case.action.text.lower(),
        "step": case.step,
        **counted(counters),
        **received(case.scene.recipients, consequence, narrow),
        "files": sorted(set(case.files)),
        "files_inside": within(case.files, narrow.files),
        "mismatch": case.mismatch,
        "tier": narrow.tier or "bounded",
        "anomalies": sorted(set(odd)),
        "rehearsed": case.rehearsed,
    }
    context["same_origin"] = bool(context["origin"]) and context["origin"] == context["destination_origin"]
    if isinstance(case.action, Drag | Swipe):
        context["drop"] = _drop(case.target.drop)
    if case.confidence is not None:
        context["confidence"] = max(0, min(1000, round(case.confidence * 1000)))
    return Request(case.action.kind, _widget(case.target), _parents(case.target, str(context["origin"])), context)


def counted(counters: Counters) -> dict[str, object]:
    """The counters and the time as facts. `hour` and `weekday` (1 is Monday) are those of this machine's own clock."""
    stamp, hour, weekday = _clock(int(counters.now))
    return {
        "acts": counters.acts,
        "buys": counters.buys,
        "submits": counters.submits,
        "repeats": counters.repeats,
        "seconds": counters.seconds,
        "recent": counters.recent,
        "sends": counters.sends,
        "now": {"__extn": {"fn": "datetime", "arg": stamp}},
        "hour": hour,
        "weekday": weekday,
    }


@lru_cache(maxsize=2)
def _clock(seconds: int) -> tuple[str, int, int]:
    """One second since the epoch as the rules want it: in UTC as text, and this machine's own hour and weekday."""
    here = datetime.fromtimestamp(seconds, UTC)
    local = here.astimezone()
    return here.strftime("%Y-%m-%dT%H:%M:%SZ"), local.hour, local.isoweekday()


def received(recipients: Iterable[str], consequence: Consequence, narrow: Narrow) -> dict[str, object]:
    """Who gets it, and whether the run may send to them; one who is not told of a message is not among them."""
    found = sorted(set(recipients))
    known = bool(found) or consequence.kind != "send"
    return {"recipients": found, "recipients_inside": narrow.may_reach(found) if known else narrow.recipients is None}


def _drop(node: Node | None) -> dict[str, object]:
    return {
        "known": node is not None,
        "role": node.role[:_NAME] if node else "",
        "name": node.name[:_NAME] if node else "",
        "enabled": node.enabled if node else True,
    }


def _effect(consequence: Consequence) -> dict[str, object]:
    shown: dict[str, object] = {
        "consequence": consequence.kind,
        "amount_known": consequence.amount_minor is not None,
        "currency": consequence.currency,
        "amount_stated": consequence.amount_stated,
        "paid_extra": consequence.paid_extra,
    }
    if consequence.amount_minor is not None:
        shown["amount_minor"] = consequence.amount_minor
    return shown


def _where(case: Case, narrow: Narrow) -> dict[str, object]:
    target = case.target
    return {"surface": target.surface, "origin": origin_of(target.origin), "inside": _inside(case, narrow)}


def _inside(case: Case, narrow: Narrow) -> bool:
    """Whether page and frame, or the application, belong to the run's places."""
    if isinstance(case.action, OpenUrl):
        return origin_of(case.action.url) in (narrow.origins or ())
    if isinstance(case.action, LaunchApp):
        return narrow.holds_app(case.action.name)
    target = case.target
    nodes = [one.origin for one in (target.node, target.drop) if one is not None]
    stated = [text for text in (target.origin, target.url, *nodes) if text]
    if target.surface == "browser" or stated:
        return bool(target.origin) and all(origin_of(text) in (narrow.origins or ()) for text in stated)
    return narrow.holds_app(target.app)


def _whither(case: Case, consequence: Consequence, narrow: Narrow) -> dict[str, object]:
    """Where the act leads. Of several destinations the one that is worst: unreadable, then outside."""
    urls = _destinations(case.action, case.target, consequence)
    return leads(urls, lambda place: place.origin in (narrow.origins or ()))


def leads(urls: list[str], inside: Callable[[Place], bool]) -> dict[str, object]:
    """The facts about destinations. Of several the one that is worst: unreadable, then outside."""
    places = [place_of(url) for url in urls]
    known = [place for place in places if place is not None]
    outside = [place for place in known if not inside(place)]
    shown = next(iter(outside or known), None)
    return {
        "has_destination": bool(urls),
        "destination_ok": len(known) == len(places),
        "destination_inside": len(known) == len(places) and not outside,
        "destination_local": any(place.local for place in known),
        "destination_origin": shown.origin if shown else "",
        "destination_scheme": shown.scheme if shown else "",
        "destination_host": shown.host if shown else "",
        "destination_path": shown.path[:_PATH] if shown else "",
    }


def _destinations(action: Action, target: Target, consequence: Consequence) -> list[str]:
    if isinstance(action, OpenUrl):
        return [action.url]
    urls = [target.destination]
    if target.node is not None and consequence.kind not in ("look", "edit"):
        urls += _leads_to(target.node)
    return [url for url in dict.fromkeys(urls) if url and url not in INERT_SCRIPTS]


def _leads_to(node: Node) -> list[str]:
    return [node.form.action] if node.form is not None and node.form.method.upper() != "DIALOG" else [node.href]


def _widget(target: Target) -> dict[str, object]:
    node = target.node
    return {
        "known": node is not None,
        "role": node.role[:_NAME] if node else "",
        "name": node.name[:_NAME] if node else "",
        "value": node.value[:_NAME] if node and not target.secret_field else "",
        "tag": node.tag[:_NAME] if node else "",
        "app": target.app[:_NAME],
        "window": target.window[:_NAME],
        "enabled": node.enabled if node else True,
        "editable": node.editable if node else False,
        "password": node.password if node else False,
        "secret_field": target.secret_field,
        "autocomplete": node.autocomplete[:_NAME] if node else "",
    }


def _parents(target: Target, origin: str) -> tuple[tuple[str, str], ...]:
    stated = (("Gui::Origin", origin), ("Gui::App", target.app))
    return tuple((kind, name) for kind, name in stated if name)
