"""Tables of requests and expected verdicts that stand beside a policy, and their reading.

A table is YAML: the limits all rows share, then rows. A row says what is done (`do`), on what (`target`), what else the
page shows (`page`), and what must come out (`expect`). It goes through the same code as a real act, from the target to
the verdict, so a table tests the consequence as well as the rules.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from actuators.action import Action, parse_action
from actuators.geometry import Point, Rect
from actuators.observation import Form, Node, Surface, Target
from policies.cause import Cause, uncovered
from policies.consequence import judge
from policies.decide import PolicySet
from policies.decision import Decision, Verdict
from policies.money import totals
from policies.narrow import Narrow
from policies.request import Case, Counters, Request, request_of
from policies.scene import Field as FormField
from policies.scene import Scene
from policies.sending import sending_of
from policies.sent import Sent, effect_of, sent_of
from sandboxes.wire import Held

__all__ = ["Row", "Table", "failures", "load_table"]

_AT = {"x": 5, "y": 5}


def _action(value: object) -> Action:
    """A mapping as `parse_action` reads it, or a bare kind; a point is filled in where one is needed."""
    plain: dict[str, Any] = {"kind": value} if isinstance(value, str) else dict(value)  # type: ignore[call-overload]
    kind = plain["kind"]
    if kind in ("click", "scroll", "hover", "long_press"):
        plain.setdefault("at", _AT)
    if kind in ("drag", "swipe"):
        plain.setdefault("start", _AT)
        plain.setdefault("end", {"x": 5, "y": 300})
    if kind == "zoom":
        plain.setdefault("region", {"left": 0, "top": 0, "right": 10, "bottom": 10})
    return parse_action(plain)


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")
    method: str = "POST"
    action: str
    text: str = ""


class _Thing(BaseModel):
    """The node under the point, as `actuators.observation.Node` names its fields."""

    model_config = ConfigDict(extra="forbid")
    role: str = "button"
    name: str = ""
    tag: str = ""
    value: str = ""
    href: str = ""
    origin: str = ""
    autocomplete: str = ""
    enabled: bool = True
    focused: bool = False
    editable: bool = False
    password: bool = False
    submits: bool = False
    checked: bool | None = None
    form: _Form | None = None

    def node(self, origin: str, known: str = "1") -> Node:
        form = Form(self.form.method, self.form.action, self.form.text) if self.form else None
        told = self.model_dump(exclude={"form", "origin"})
        return Node(id=known, rect=Rect(0, 0, 10, 10), origin=self.origin or origin, form=form, **told)


class _FieldOn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = ""
    submits: bool = False
    password: bool = False
    autocomplete: str = ""


class _Counters(BaseModel):
    model_config = ConfigDict(extra="forbid")
    acts: int = 0
    buys: int = 0
    submits: int = 0
    repeats: int = 0
    seconds: int = 0
    recent: int = 0
    sends: int = 0
    now: float = 0.0
    """Seconds since the epoch."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")
    method: str = "POST"
    url: str
    kind: str = "xhr"
    sender: str | None = None
    """Left out, the origin of the page."""
    body: str = ""
    content_type: str = "application/x-www-form-urlencoded"
    readable: bool = True
    redirected: bool = False
    leaks: tuple[str, ...] = ()

    def sent(self, origin: str) -> Sent:
        told = self.model_dump(exclude={"body", "sender", "leaks"})
        sender = origin if self.sender is None else self.sender
        return sent_of(Held(**told, sender=sender, body=self.body.encode()), self.leaks)


class Row(BaseModel):
    """One request and what must come of it."""

    model_config = ConfigDict(extra="forbid")

    name: str
    do: Annotated[Any, BeforeValidator(_action)] = None
    send: _Request | None = None
    """A request at the wire instead of an act; `do` and `target` are then the act before it, if there was one."""
    target: _Thing | None = None
    """Left out: nothing is known about what lies there."""
    at: str | None = None
    """Origin of the page; left out, the table's."""
    surface: Surface | None = None
    app: str = ""
    destination: str = ""
    page: str = ""
    """Visible text outside the form."""
    window: str = ""
    drop: _Thing | None = None
    """Where a drag lets go."""
    recipients: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    fields: tuple[_FieldOn, ...] = ()
    counters: _Counters = Field(default_factory=_Counters)
    mismatch: bool = False
    confidence: float | None = None
    approved: bool = False
    narrow: dict[str, Any] = Field(default_factory=dict)
    """Replaces single limits of the table for this row."""
    expect: Verdict
    rules: tuple[str, ...] | None = None
    """The deciding rules, all of them; left out, any."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.do is None and self.send is None:
            raise ValueError(f"row `{self.name}` needs `do` or `send`")
        return self


class Table(BaseModel):
    """Rows with what they share."""

    model_config = ConfigDict(extra="forbid")

    policies: tuple[str, ...]
    narrow: dict[str, Any] = Field(default_factory=dict)
    surface: Surface = "browser"
    at: str = ""
    rows: tuple[Row, ...]


def load_table(path: Path) -> Table:
    """Raises pydantic.ValidationError or yaml.YAMLError with what is wrong."""
    return Table.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def failures(table: Table) -> list[str]:
    """One line for each row that does not come out as expected; empty when all do."""
    sets: dict[str, PolicySet] = {}
    lines = []
    for row in table.rows:
        narrow = Narrow.model_validate({**table.narrow, **row.narrow})
        policies = sets.setdefault(narrow.model_dump_json(), PolicySet.load(table.policies, narrow))
        decision, request = decided(table, row, policies)
        wrong_rules = row.rules is not None and sorted(row.rules) != list(decision.rules)
        if decision.verdict != row.expect or wrong_rules:
            got = f"{decision.verdict} by {', '.join(decision.rules) or 'no rule'} ({decision.reason})"
            lines.append(f"{row.name}: expected {row.expect}, got {got}; taken as {request.context['consequence']}")
    return lines


def decided(table: Table, row: Row, policies: PolicySet) -> tuple[Decision, Request]:
    """The decision on one row, and what the rules were told."""
    origin = table.at if row.at is None else row.at
    counters = Counters(**row.counters.model_dump())
    node = row.target.node(origin) if row.target else None
    drop = row.drop.node(origin, "2") if row.drop else None
    target = Target(
        row.surface or table.surface,
        node,
        Point(5, 5),
        origin,
        app=row.app,
        window=row.window,
        destination=row.destination,
        drop=drop,
    )
    text = "\n".join((row.page, node.name if node else ""))
    scene = Scene("", tuple(FormField(**one.model_dump()) for one in row.fields), totals(text), row.recipients)
    cause = None
    if row.do is not None:
        case = Case(1, row.do, target, scene, row.mismatch, row.confidence, files=row.files)
        consequence = judge(case.action, target, scene)
        request = request_of(case, consequence, counters, policies.narrow)
        cause = Cause(
            1, target, consequence, counters, 0.0, "someone" if row.approved else "", recipients=row.recipients
        )
    if row.send is not None:
        sent = row.send.sent(origin)
        effect = effect_of(sent)
        covered = not uncovered(cause, sent, effect, 0.0)
        request = sending_of(sent, effect, cause, covered, counters, policies.narrow)
    request = request.but(approved_by="someone") if row.approved else request
    return policies.decide(request), request
