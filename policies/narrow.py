"""The `policy:` block of a task, and of an operator: limits as data. It may narrow, never widen.

Two blocks meet by intersection. What comes out reaches the rules as attributes of `Gui::Run`; nothing a task says is
ever written into policy text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from policies.consequence import KINDS, Kind
from policies.files import within
from policies.money import Money, parse_money
from policies.place import origin_of
from policies.recipients import among

__all__ = [
    "ANOMALIES",
    "TIERS",
    "TREATMENTS",
    "Narrow",
    "NarrowConflict",
    "Odd",
    "Preset",
    "Tier",
    "Treatment",
    "all_anomalies",
]

Preset = Literal["observe", "browse", "booking", "phone", "sandbox", "benchmark"]


Tier = Literal["observe", "rehearse", "supervised", "bounded"]
"""For a gradual rollout. `observe`: nothing but looking. `rehearse`: what cannot be taken back is rehearsed, and then a
person is asked. `supervised`: a person is asked for everything that is sent. `bounded`: what the rules allow."""
TIERS: tuple[Tier, ...] = get_args(Tier)
"""From the strictest."""

Odd = Literal["repetition", "burst", "elsewhere", "orders", "against_goal"]
"""What may be odd about a step; `policies.anomaly` finds it. `repetition`: the same act again on what did not change.
`burst`: too much in too short a time. `elsewhere`: outside the task's places. `orders`: text on the screen that gives
orders to an agent. `against_goal`: the act contradicts what was asked for."""
Treatment = Literal["note", "raise", "ask", "stop"]
"""`note`: on the record only. `raise`: the run goes on one tier stricter, to its end. `ask`: a person is asked before
anything but looking. `stop`: nothing more is done."""
TREATMENTS: tuple[Treatment, ...] = get_args(Treatment)
OnTimeout = Literal["wait", "deny", "stop"]
"""When nobody answers in time. `wait`: the question stands until somebody does, and the run with it. `deny`: no.
`stop`: no, and the run ends."""
ON_TIMEOUT: tuple[OnTimeout, ...] = get_args(OnTimeout)
"""From the mildest."""
ANOMALIES: Mapping[Odd, Treatment] = {
    "repetition": "raise",
    "burst": "ask",
    "elsewhere": "raise",
    "orders": "raise",
    "against_goal": "ask",
}
"""What is done where nobody says otherwise. An operator may say anything, a task only something stricter."""


def all_anomalies(treatment: Treatment) -> dict[Odd, Treatment]:
    """The same treatment for every kind."""
    return dict.fromkeys(ANOMALIES, treatment)


T = TypeVar("T")


class NarrowConflict(ValueError):
    """Two blocks that cannot both hold, as limits in two currencies."""


def _origin(value: object) -> str:
    origin = origin_of(value) if isinstance(value, str) else ""
    if not origin:
        raise ValueError(f"expected an http or https address like `https://example.org`, got `{value}`")
    return origin


def _money(value: object) -> Money:
    if isinstance(value, Money):
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected an amount with its currency like `500 EUR`, got `{value}`")
    return parse_money(value)


def _readable(value: object) -> str:
    return "*" if value == "*" else _origin(value)


def _sending(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3,16} /[^\s?#]*", value):
        raise ValueError(f"expected a method and a path like `POST /payment` or `POST /seats/*`, got `{value}`")
    return value


Origin = Annotated[str, BeforeValidator(_origin)]
Sending = Annotated[str, BeforeValidator(_sending)]
Readable = Annotated[str, BeforeValidator(_readable)]
Amount = Annotated[Money, BeforeValidator(_money), PlainSerializer(str, return_type=str)]


class Narrow(BaseModel):
    """Limits for one run. What is left out is not narrowed further."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Preset | None = None
    """At most what this preset allows, whatever the operator's own rules allow."""
    tier: Tier | None = None
    """How far the run is trusted; left out, `bounded`. See `Tier`."""
    origins: tuple[Origin, ...] | None = None
    """The only origins where anything but looking may happen. None given means none allowed by the presets."""
    reads: tuple[Readable, ...] | None = None
    """Further origins that a page may read from: pictures, styles, fonts. `*` stands for all but private networks."""
    sends: tuple[Sending, ...] | None = None
    """The only requests that pages may send, as `POST /payment` or `POST /seats/*`; left out, what the rules allow."""
    recipients: tuple[str, ...] | None = None
    """The only ones whom anything may be sent to, as `ada@example.org` or `*@example.org`."""
    files: tuple[str, ...] | None = None
    """The only files, or folders of files, that may be named or uploaded: absolute paths."""
    apps: tuple[str, ...] | None = None
    """Applications outside the browser; `*` stands for every application of the surface."""
    consequences: tuple[Kind, ...] | None = None
    """The only consequences allowed; `look` always is."""
    ask_above: Amount | None = None
    """Above this a person is asked for each purchase; left out, every purchase is asked for."""
    deny_above: Amount | None = None
    """Above this a purchase is refused, and no person is asked."""
    max_buys: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Purchases per run; left out, 1."""
    anomalies: dict[Odd, Treatment] | None = None
    """What is done about what is odd; what is left out is as in `ANOMALIES`."""
    on_timeout: OnTimeout | None = None
    """What an unanswered question to a person means; left out, `deny`. See `OnTimeout`."""
    answer_within_s: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """Seconds a person has; left out, 60 at a terminal and 300 at a console."""
    never: tuple[Origin, ...] = ()
    """Origins where nothing but looking may ever happen, as the console's own."""

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        if self.ask_above and self.deny_above and self.ask_above.currency != self.deny_above.currency:
            raise ValueError("`ask_above` and `deny_above` must name the same currency")
        return self

    @property
    def currency(self) -> str:
        """The currency of the limits; EUR where none is given."""
        limit = self.ask_above or self.deny_above
        return limit.currency if limit else "EUR"

    def meet(self, other: Narrow) -> Narrow:
        """What both allow.

        Raises:
            NarrowConflict: they name different presets or limits in different currencies.
        """
        if self.preset and other.preset and self.preset != other.preset:
            raise NarrowConflict(f"one block asks for `{self.preset}`, the other for `{other.preset}`")
        return Narrow(
            preset=self.preset or other.preset,
            tier=_stricter(self.tier, other.tier),
            origins=_common(self.origins, other.origins),
            reads=_common_or_all(self.reads, other.reads),
            sends=_common(self.sends, other.sends),
            recipients=_both(self.recipients, other.recipients, lambda one, all_: among([one], all_)),
            files=_both(self.files, other.files, lambda one, all_: within([one], all_)),
            apps=_common_or_all(self.apps, other.apps),
            consequences=_common(self.consequences, other.consequences),
            ask_above=_lower(self.ask_above, other.ask_above, (self, other)),
            deny_above=_lower(self.deny_above, other.deny_above, (self, other)),
            max_buys=_least(self.max_buys, other.max_buys),
            anomalies=_sterner(self.anomalies, other.anomalies),
            on_timeout=max(_given(self.on_timeout, other.on_timeout), key=ON_TIMEOUT.index, default=None),
            answer_within_s=_least(self.answer_within_s, other.answer_within_s),
            never=tuple(dict.fromkeys(self.never + other.never)),
        )

    def attributes(self) -> dict[str, object]:
        """The attributes of `Gui::Run`, as Cedar JSON."""
        kinds = set(self.consequences if self.consequences is not None else KINDS) | {"look"}
        shown: dict[str, object] = {
            "origins": sorted(set(self.origins or ())),
            "never": sorted(set(self.never)),
            "tier": self.tier or "bounded",
            "kinds": sorted(kinds),
            "currency": self.currency,
            "max_buys": 1 if self.max_buys is None else self.max_buys,
            **{f"anomaly_{treatment}s": self.odd(treatment) for treatment in ("raise", "ask", "stop")},
        }
        if self.ask_above is not None:
            shown["ask_above"] = self.ask_above.minor
        if self.deny_above is not None:
            shown["deny_above"] = self.deny_above.minor
        return shown

    def odd(self, treatment: str) -> list[str]:
        """The kinds of anomaly that are treated so, sorted."""
        return sorted(name for name, said in {**ANOMALIES, **(self.anomalies or {})}.items() if said == treatment)

    def raised(self) -> Narrow:
        """The same, one tier stricter; `observe` is the strictest."""
        stricter = TIERS[max(0, TIERS.index(self.tier or "bounded") - 1)]
        return self.model_copy(update={"tier": stricter})

    def may_read(self, origin: str, local: bool) -> bool:
        """Whether a page may read from an origin; `local` says that it lies on this machine or a private network."""
        named = set(self.origins or ()) | set(self.reads or ())
        return bool(origin) and (origin in named or ("*" in named and not local))

    def may_reach(self, recipients: Iterable[str]) -> bool:
        """Whether all of these are among those whom anything may be sent to."""
        return self.recipients is None or among(recipients, self.recipients)

    def may_send(self, method: str, path: str) -> bool:
        """Whether a request is among those that pages may send at all. A `*` stands for anything, slashes too."""
        if self.sends is None:
            return True
        wanted = (re.escape(one).replace(r"\*", ".*") for one in self.sends)
        return any(re.fullmatch(one, f"{method} {path}") for one in wanted)

    def holds_app(self, app: str) -> bool:
        """Whether an application outside the browser is within the limits."""
        return self.apps is not None and ("*" in self.apps or (bool(app) and app in self.apps))


def _common(mine: tuple[T, ...] | None, theirs: tuple[T, ...] | None) -> tuple[T, ...] | None:
    if mine is None or theirs is None:
        return mine if theirs is None else theirs
    return tuple(dict.fromkeys(one for one in mine if one in theirs))


def _both(
    mine: tuple[str, ...] | None, theirs: tuple[str, ...] | None, fits: Callable[[str, tuple[str, ...]], bool]
) -> tuple[str, ...] | None:
    """Of two lists of patterns those that lie within the other list."""
    if mine is None or theirs is None:
        return mine if theirs is None else theirs
    kept = [*(one for one in mine if fits(one, theirs)), *(one for one in theirs if fits(one, mine))]
    return tuple(dict.fromkeys(kept))


def _common_or_all(mine: tuple[str, ...] | None, theirs: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if mine is not None and "*" in mine:
        return mine if theirs is None else theirs
    if theirs is not None and "*" in theirs:
        return theirs if mine is None else mine
    return _common(mine, theirs)


def _sterner(mine: dict[Odd, Treatment] | None, theirs: dict[Odd, Treatment] | None) -> dict[Odd, Treatment] | None:
    if mine is None or theirs is None:
        return mine if theirs is None else theirs
    both = {**theirs, **mine}
    return {name: max(said, theirs.get(name, said), key=TREATMENTS.index) for name, said in both.items()}


def _stricter(mine: Tier | None, theirs: Tier | None) -> Tier | None:
    return min((one for one in (mine, theirs) if one is not None), key=TIERS.index, default=None)


def _given(*values: T | None) -> list[T]:
    return [one for one in values if one is not None]


def _least(mine: int | None, theirs: int | None) -> int | None:
    return min((one for one in (mine, theirs) if one is not None), default=None)


def _lower(mine: Money | None, theirs: Money | None, blocks: tuple[Narrow, Narrow]) -> Money | None:
    limits = [limit for block in blocks for limit in (block.ask_above, block.deny_above) if limit]
    if len({limit.currency for limit in limits}) > 1:
        raise NarrowConflict("the operator and the task name limits in different currencies")
    return min((one for one in (mine, theirs) if one is not None), default=None)
