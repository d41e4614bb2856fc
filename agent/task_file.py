"""The shape of a task file: pydantic models, nothing resolved. Unknown keys are errors everywhere.

What one field alone can get wrong is refused here; what two fields together get wrong is in `agent.task_rules`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)

from agent.money import WRITTEN, Money, written_money
from agent.template import InputType

__all__ = [
    "AndroidSurface",
    "BrowserSurface",
    "Check",
    "Consequence",
    "DesktopSurface",
    "FileCheck",
    "GuestSurface",
    "InputSpec",
    "LimitSpec",
    "LookSpec",
    "NarrowSpec",
    "NodeCheck",
    "OutputCheck",
    "OutputSpec",
    "PolicySpec",
    "SecretSpec",
    "SiteSpec",
    "StepSpec",
    "Surface",
    "TaskFile",
    "TextCheck",
    "TokenSpec",
    "UrlCheck",
    "task_schema",
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


# Words


def _pattern(text: str) -> str:
    """A regular expression that compiles; the templates in it stand for text."""
    try:
        re.compile(re.sub(r"\{\{.*?\}\}", "x", text))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"`{text}` is not a regular expression: {error}") from None
    return text


def _origin(text: str) -> str:
    """scheme://host[:port]; one slash at the end is forgiven."""
    trimmed = text.removesuffix("/")
    if re.fullmatch(r"site://[a-z][a-z0-9_]*", trimmed):
        return trimmed
    found = re.fullmatch(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?", trimmed)
    if not found:
        raise ValueError(f"`{text}` is not an origin, expected one like `https://example.org` or `site://flights`")
    default = {"http": "80", "https": "443"}[found[1]]
    return trimmed.removesuffix(f":{default}") if found[3] == default else trimmed


def _address(text: str) -> str:
    if not re.match(r"(?:https?|site)://[^/\s]", text) and text != "about:blank":
        raise ValueError(f"`{text}` is not an address, expected one like `https://example.org/` or `site://flights/`")
    return text


def _one_line(text: str) -> str:
    if len(text.splitlines()) > 1:
        raise ValueError("must be a single line; write one item per line, each after its own `- `")
    return text


def _scalar(value: object) -> object:
    if not isinstance(value, str | int | bool):
        what = "a decimal number" if isinstance(value, float) else "no text or number"
        raise ValueError(f"must be text, a whole number or true/false, got {what}; put it in quotes if it is text")
    return value


def _money(value: object) -> Money:
    if isinstance(value, Money):
        return value
    if not isinstance(value, str):
        raise ValueError(f"`{value}` is not an amount of money, expected one like `500 EUR`")
    return written_money(value)


def _listed(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


_MONEY_SCHEMA: dict[str, Any] = {"type": "string", "pattern": WRITTEN}
_Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
_Line = Annotated[_Short, AfterValidator(_one_line)]
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
_Pattern = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_pattern)]
_Origin = Annotated[_Short, AfterValidator(_origin)]
_Readable = Annotated[_Short, AfterValidator(lambda value: value if value == "*" else _origin(value))]
_Sending = Annotated[_Short, StringConstraints(pattern=r"^[A-Z]{3,16} /[^\s?#]*$")]
_Scalar = Annotated[Any, PlainValidator(_scalar), WithJsonSchema({"type": ["string", "integer", "boolean"]})]
_Money = Annotated[Money, PlainValidator(_money), PlainSerializer(str), WithJsonSchema(_MONEY_SCHEMA)]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
_Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]\w*(\.[A-Za-z]\w*)+$", max_length=223)]
_App = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")]
_Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?$")]


# Where


class BrowserSurface(_Model):
    """A browser with one page."""

    start: Annotated[_Short, AfterValidator(_address)]
    """The address to begin at; `site://NAME/` is the bundled demo site of the `site` block. May hold templates."""
    viewport: tuple[Annotated[int, Field(ge=320, le=7680)], Annotated[int, Field(ge=240, le=4320)]] = (1280, 800)
    """Width and height of the page in CSS pixels."""
    scale: Annotated[float, Field(ge=0.5, le=4)] = 1.0
    """Device pixels to one CSS pixel."""
    locale: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en-US"
    """The language the browser asks for."""
    headed: bool = False
    """Whether the window is shown."""
    uploads: tuple[_Short, ...] = ()
    """The only files that a page may be given, seen from the task file's folder."""


class AndroidSurface(_Model):
    """A phone or an emulator that adb knows; `agent devices` lists them."""

    serial: _Short | None = None
    """Its serial number; left out, the environment variable ANDROID_SERIAL or the only device there is."""
    apps: Annotated[tuple[_Package, ...], Field(min_length=1, max_length=50)]
    """The packages that may be touched and started, for example `com.android.settings`."""
    start: _Package | None = None
    """The package to begin in, afresh; left out, whatever is on the screen."""
    restore: bool = False
    """Whether the device is put back afterwards to what it was. Only an emulator can: it takes a snapshot."""


class DesktopSurface(_Model):
    """A Linux desktop: one of its own that is thrown away afterwards, or the one that DISPLAY names."""

    sandbox: bool = True
    """Whether it is a desktop of its own, in a jail; `false` means yours."""
    apps: Annotated[tuple[_App, ...], Field(min_length=1, max_length=50)]
    """The programs that may be touched and, in a sandbox, started, by their names, for example `mousepad`."""
    start: tuple[_Short, ...] = ()
    """The program to begin with, and what it is given: `[mousepad, notes.txt]`. Left out, an empty screen."""
    home: _Short | None = None
    """The folder that programs see as their home, seen from the task file's folder; left out, an empty one."""
    files: Literal["leave", "commit", "discard"] = "leave"
    """What becomes of the files: a copy in the run folder, or made real in `home` once verified, or nothing."""
    size: tuple[Annotated[int, Field(ge=320, le=7680)], Annotated[int, Field(ge=240, le=4320)]] = (1280, 800)
    """Width and height of the screen in pixels."""
    hosts: tuple[_Host, ...] = ()
    """The only hosts that programs may reach; left out, there is no network."""
    record: bool = False
    """Whether the run folder gets a film of the screen. It shows the screen as it is."""


class TokenSpec(_Model):
    """Where the token of a guest comes from; never what it is."""

    env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """The environment variable that holds it."""


class GuestSurface(_Model):
    """A machine that speaks the OSWorld guest protocol, as `python -m sandboxes.guest_server` does."""

    address: Annotated[str, StringConstraints(pattern=r"^https?://([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?/?$")]
    """Where it listens, for example `http://127.0.0.1:5000`."""
    token: TokenSpec | None = None
    """What it wants to be shown, where it wants anything: `{env: NAME}`."""
    apps: Annotated[tuple[_App, ...], Field(min_length=1, max_length=50)]
    """The programs that may be touched and started, as the guest's accessibility names them, for example `mousepad`."""
    start: tuple[_Short, ...] = ()
    """The program to begin with, and what it is given; left out, whatever is on the screen."""
    nodes: bool = True
    """Whether its accessibility tree is read; without it nothing is known but pixels, and text is typed wherever the
    keyboard is."""


class Surface(_Model):
    """Where the task takes place: exactly one kind of surface."""

    browser: BrowserSurface | None = None
    android: AndroidSurface | None = None
    desktop: DesktopSurface | None = None
    guest: GuestSurface | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        kinds = list(type(self).model_fields)
        if sum(getattr(self, kind) is not None for kind in kinds) != 1:
            raise ValueError(f"a task has exactly one surface, expected one of {', '.join(kinds)}")
        return self


class SiteSpec(_Model):
    """A bundled demo site to start for the run, on loopback."""

    name: _Name
    """Its folder under `tasks/sites`."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 7
    """Decides what the site shows; the same seed shows the same."""
    layout: _Name | None = None
    """One of the site's own layouts."""
    theme: _Name | None = None
    """One of the site's own themes."""
    mischief: tuple[_Name, ...] = ()
    """What the site does to put an agent to the test."""


# What it is given


class InputSpec(_Model):
    """A value that the person who starts the task may choose."""

    type: InputType
    default: _Scalar | None = None
    """Used where `--set` gives nothing; without one the input must be given."""
    pattern: _Pattern | None = None
    """For strings: a regular expression that the whole value must match."""
    choices: tuple[_Short, ...] | None = None
    """For choices: the values to choose from."""
    min: _Scalar | None = None
    """For int, date and money: the smallest value allowed."""
    max: _Scalar | None = None
    """For int, date and money: the largest value allowed."""
    description: _Text | None = None


class SecretSpec(_Model):
    """Something only the hand may read. Where it comes from, and where it may go; never what it is."""

    env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """The environment variable that holds it."""
    file: _Short | None = None
    """The file that holds it, seen from the task file's folder."""
    keyring: Annotated[_Short, StringConstraints(pattern=r"^[^/]+/.+$")] | None = None
    """Its place in the system's keyring, as `SERVICE/USER`."""
    totp: bool = False
    """Whether it is the seed of one-time codes (base32): what is typed then is the code of that moment."""
    origins: tuple[_Origin, ...] = ()
    """The sites it may be typed into."""
    apps: tuple[_Short, ...] = ()
    """The applications it may be typed into."""
    fields: tuple[_Short, ...] | None = None
    """The kinds of field it may be typed into, as autocomplete tokens: `cc-number`, `cc-csc`. Left out: any field."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if sum(source is not None for source in (self.env, self.file, self.keyring)) != 1:
            raise ValueError("a secret comes from exactly one of `env`, `file` and `keyring`")
        if not self.origins and not self.apps:
            raise ValueError("a secret must be bound to `origins` or `apps`")
        return self


# What it may do

_Odd = Literal["repetition", "burst", "elsewhere", "orders", "against_goal"]
_Treatment = Literal["note", "raise", "ask", "stop"]
Consequence = Literal["look", "move", "edit", "submit", "send", "buy", "delete", "reveal"]


class NarrowSpec(_Model):
    """What this task takes away from its policy. It can only narrow: a limit above the policy's own changes nothing."""

    origins: tuple[_Origin, ...] | None = None
    """The only sites that may be touched."""
    reads: tuple[_Readable, ...] | None = None
    """Further sites that a page may load pictures, styles and fonts from; `*` for all that are public."""
    sends: tuple[_Sending, ...] | None = None
    """The only requests that pages may send: `POST /payment`, `POST /seats/*`. Reading needs no line here."""
    recipients: tuple[_Short, ...] | None = None
    """The only ones whom anything may be sent to, as `ada@example.org` or `*@example.org`."""
    files: tuple[_Short, ...] | None = None
    """The only files, or folders of files, that may be named or uploaded, seen from the task file's folder."""
    consequences: tuple[Consequence, ...] | None = None
    """The only things an act may bring about."""
    ask_above: _Money | None = None
    """Above this price a person is asked."""
    deny_above: _Money | None = None
    """Above this price nothing is bought."""
    max_buys: Annotated[int, Field(ge=0, le=1000)] | None = None
    """How often something may be bought in one run."""
    anomalies: dict[_Odd, _Treatment] | None = None
    """What is done about what is odd: `orders: stop`. Only what is stricter than the operator's own counts."""
    on_timeout: Literal["wait", "deny", "stop"] | None = None
    """When nobody answers a question in time: the question stands (`wait`), it is a no (`deny`), or a no that ends the
    run (`stop`). Left out: `deny`."""
    answer_within_s: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """Seconds that a person has. Left out: 60 at a terminal, 300 at a console."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        ask, deny = self.ask_above, self.deny_above
        if ask and deny and ask.currency != deny.currency:
            raise ValueError("`ask_above` and `deny_above` must name the same currency")
        if ask and deny and ask.minor > deny.minor:
            raise ValueError("`ask_above` must not be more than `deny_above`")
        return self


class PolicySpec(_Model):
    """Which policy the task was written for, and what it takes away from it."""

    preset: Annotated[
        tuple[_Name, ...],
        BeforeValidator(_listed),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = ()
    """The name or names of presets."""
    narrow: NarrowSpec = NarrowSpec()


# How it is known to have worked


class TextCheck(_Model):
    """The page says something, or does not."""

    kind: Literal["text"]
    contains: _Short | None = None
    absent: _Short | None = None
    pattern: _Pattern | None = None
    """A regular expression, searched in the page's words with white space folded; upper and lower case count."""
    origin: _Origin | None = None
    """Reads the words of this origin (a frame) instead of the page's own."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(term is not None for term in (self.contains, self.absent, self.pattern)) != 1:
            raise ValueError("a text check needs exactly one of `contains`, `absent`, `pattern`")
        return self


class UrlCheck(_Model):
    """The page's address."""

    kind: Literal["url"]
    prefix: Annotated[_Short, AfterValidator(_address)] | None = None
    """The address itself, or what lies below it."""
    pattern: _Pattern | None = None
    """A regular expression that the whole address must match."""
    origin: _Origin | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.prefix is None and self.pattern is None and self.origin is None:
            raise ValueError("a url check needs `prefix`, `pattern` or `origin`")
        return self


class NodeCheck(_Model):
    """One thing on the screen, in a certain state."""

    kind: Literal["node"]
    role: _Short | None = None
    name: _Short | None = None
    """Its whole name, case and white space aside."""
    value: _Short | None = None
    checked: bool | None = None
    origin: _Origin | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.role is None and self.name is None:
            raise ValueError("a node check needs `role` or `name`")
        return self


_At = Annotated[str, StringConstraints(pattern=r"^\d{1,5},\d{1,5}$")]
_Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]


class FileCheck(_Model):
    """A file of the surface's own file system."""

    kind: Literal["file"]
    path: _Short
    exists: bool = True
    contains: _Short | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    pixels: Annotated[dict[_At, _Color], Field(max_length=100)] = {}
    """Of a picture (PNG or BMP): colours of single pixels, from its top left corner: `{"120,40": "#cc0000"}`."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if not self.exists and (self.contains is not None or self.sha256 is not None or self.pixels):
            raise ValueError("a file that must not exist has neither `contains` nor `sha256` nor `pixels`")
        return self


class OutputCheck(_Model):
    """An output was read and keeps its own bounds."""

    kind: Literal["output"]
    name: _Name


Check = Annotated[TextCheck | UrlCheck | NodeCheck | FileCheck | OutputCheck, Field(discriminator="kind")]


class LookSpec(_Model):
    """Where to look, and for what, when an act ended and nobody knows whether it happened."""

    open: Annotated[_Short, AfterValidator(_address)] | None = None
    """The address to look at; left out, the screen as it is. May hold templates."""
    happened: Annotated[tuple[Check, ...], Field(max_length=20)] = ()
    """All of these on the screen show that it happened."""
    not_happened: Annotated[tuple[Check, ...], Field(max_length=20)] = ()
    """All of these on the screen show that it did not happen, and that it may be done now, once."""

    @model_validator(mode="after")
    def _tells(self) -> Self:
        if not self.happened and not self.not_happened:
            raise ValueError("a look needs `happened` or `not_happened`")
        if any(one.kind == "output" for one in (*self.happened, *self.not_happened)):
            raise ValueError("outputs are read at the end of a run, they cannot tell whether something happened")
        return self


class OutputSpec(_Model):
    """Something to read off the last screen."""

    type: Literal["string", "money", "int", "date"]
    pattern: _Pattern | None = None
    """A regular expression for the words to take; its first group if it has one."""
    after: _Short | None = None
    """The label that stands before it."""
    min: _Scalar | None = None
    max: _Scalar | None = None

    @model_validator(mode="after")
    def _findable(self) -> Self:
        if self.type in ("string", "int") and self.pattern is None and self.after is None:
            raise ValueError(f"an output of type {self.type} needs `pattern` or `after` to be found by")
        return self


# The plan


def _shape(value: object) -> str:
    return "a text" if isinstance(value, str) else "a mapping"


def _acts(value: object) -> str:
    return "a text" if isinstance(value, str) else "a check"


_Until = Annotated[
    Annotated[_Line, Tag("a text")] | Annotated[Check, Tag("a check")],
    Discriminator(_acts),
]


class StepSpec(_Model):
    """One sub-goal. May hold templates."""

    do: _Line
    """What to do, in words."""
    when_shown: _Line | None = None
    """The step is skipped unless the screen shows this text when its turn comes."""
    until: _Until | None = None
    """The step is over as soon as this text is shown, or this check holds."""
    acts: Annotated[int, Field(ge=1, le=200)] | None = None
    """The most acts it may take; `limits: acts_per_step` where nothing is given."""


_Step = Annotated[
    Annotated[_Line, Tag("a text")] | Annotated[StepSpec, Tag("a mapping")],
    Discriminator(_shape),
]


class LimitSpec(_Model):
    """When to give up."""

    steps: Annotated[int, Field(ge=1, le=10_000)] = 60
    """Passes of the loop."""
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 10
    acts_per_step: Annotated[int, Field(ge=1, le=200)] = 12
    """Acts for one step of the plan."""


class TaskFile(_Model):
    """A deskhand task."""

    version: Literal[1]
    """The version of this format."""
    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    """Short and lower case; names run folders and reports."""
    goal: _Text
    """What is wanted, in words. May hold templates."""
    surface: Surface
    site: SiteSpec | None = None
    inputs: dict[_Name, InputSpec] = {}
    secrets: dict[_Name, SecretSpec] = {}
    policy: PolicySpec = PolicySpec()
    perception: Literal["pixels", "both"] = "both"
    """What the model is shown: the picture alone, or the list of things on the screen as well."""
    steps: Annotated[tuple[_Step, ...], Field(max_length=200)] = ()
    """The plan, one sub-goal each; a large model needs none."""
    success: Annotated[tuple[Check, ...], Field(max_length=50)] = ()
    """The task is verified when all of these hold."""
    reconcile: Annotated[tuple[LookSpec, ...], Field(max_length=10)] = ()
    """How to find out whether something happened when the answer was lost: looked at in turn until one tells."""
    outputs: Annotated[dict[_Name, OutputSpec], Field(max_length=50)] = {}
    limits: LimitSpec = LimitSpec()


def task_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a task file, for editors."""
    schema = TaskFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "deskhand task", **schema}
