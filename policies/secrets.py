"""Values that only the hand may read, each bound to where it may be typed.

A secret is typed into a permitted origin or app and into a field that fits, or not at all. It is never shown to a
model, never part of an action (`<secret:NAME>` is), and never in a `repr`.

It does not protect against the permitted page itself, nor against code in this process.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import unquote_plus

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from actuators.base import SecretRefused
from actuators.observation import Node, Target
from policies.one_time import code_at, seed_of
from policies.place import origin_of
from policies.redactor import Redactor
from sandboxes.wire import Held

__all__ = ["SecretMissing", "SecretSpec", "SecretStore"]


class SecretMissing(Exception):
    """Secrets that the task names and this machine does not have. The message names all of them and no value."""


def _origin(value: object) -> str:
    origin = origin_of(value) if isinstance(value, str) else ""
    if not origin:
        raise ValueError(f"expected an http or https address like `https://example.org`, got `{value}`")
    return origin


class SecretSpec(BaseModel):
    """Where a secret comes from and where it may go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: str | None = None
    """Name of an environment variable."""
    file: Path | None = None
    """A file that only its owner may read; one line end at its end is left out."""
    keyring: str | None = None
    """`SERVICE/USER` in the system's keyring, read through the `keyring` library."""
    totp: bool = False
    """Whether the source is a seed in base32; what is typed then is the code that holds at that moment."""
    origins: tuple[Annotated[str, BeforeValidator(_origin)], ...] = ()
    apps: tuple[str, ...] = ()
    fields: tuple[str, ...] | None = None
    """Autocomplete tokens (`cc-number`) or `password`; left out, any editable field but a search field."""

    @model_validator(mode="after")
    def _one_source_and_a_place(self) -> Self:
        if sum(source is not None for source in (self.env, self.file, self.keyring)) != 1:
            raise ValueError("a secret needs exactly one of `env`, `file` and `keyring`")
        if self.keyring is not None and not all(self.keyring.partition("/")):
            raise ValueError("a place in the keyring is written `SERVICE/USER`")
        if not self.origins and not self.apps:
            raise ValueError("a secret needs `origins` or `apps` where it may be typed")
        return self


class SecretStore:
    """The secrets of one run. Implements `actuators.base.SecretSource`."""

    def __init__(self, specs: Mapping[str, SecretSpec], values: Mapping[str, str]) -> None:
        self._specs = dict(specs)
        self._values = {name: values[name] for name in specs}
        self._redactors: dict[str, Redactor] = {}

    @classmethod
    def load(cls, specs: Mapping[str, SecretSpec], environment: Mapping[str, str] | None = None) -> SecretStore:
        """Read every value now, so that a run that would miss one does not start.

        Raises:
            SecretMissing: one line that names every secret that is absent, empty or readable by others.
        """
        known = os.environ if environment is None else environment
        values: dict[str, str] = {}
        problems: list[str] = []
        for name, spec in specs.items():
            try:
                values[name] = _value(spec, known)
                if spec.totp:
                    seed_of(values[name])
            except (OSError, ValueError) as error:
                problems.append(f"`{name}`: {error if isinstance(error, ValueError) else type(error).__name__}")
        if problems:
            raise SecretMissing("secrets are missing: " + "; ".join(problems))
        return cls(specs, values)

    def __repr__(self) -> str:
        return f"SecretStore({', '.join(sorted(self._specs))})"

    def reveal(self, name: str, target: Target) -> str:
        """The value, for this target only. Raises `SecretRefused`."""
        spec = self._specs.get(name)
        if spec is None:
            raise SecretRefused(f"the task names no secret `{name}`")
        _check_place(name, spec, target)
        _check_field(name, spec, target.node)
        return code_at(seed_of(self._values[name]), time.time()) if spec.totp else self._values[name]

    def leaks(self, held: Held) -> tuple[str, ...]:
        """Names of the secrets that a request would carry to an origin that may not have them, or in an address.

        Found as a `Redactor` finds them, also percent-encoded, in hexadecimal and written backwards.
        """
        address, body = _readings(held.url), _readings(held.body.decode("utf-8", "replace"))
        found = []
        for name, value in self._values.items():
            permitted = origin_of(_web(held.url)) in self._specs[name].origins
            texts = address + body if not permitted else address if len(value) >= _TELLING else ()
            if any(_holds(text, self._one(name), value) for text in texts):
                found.append(name)
        return tuple(found)

    def _one(self, name: str) -> Redactor:
        if name not in self._redactors:
            self._redactors[name] = Redactor({name: self._values[name]})
        return self._redactors[name]

    def redactor(self) -> Redactor:
        """Takes every value, however it is written, out of a text."""
        return Redactor(self._values)


_TELLING = 6
"""Characters from which on a value in an address is no coincidence, as `737` in `/page/737` would be."""


def _readings(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((text, unquote_plus(text), unquote_plus(unquote_plus(text)))))


def _holds(text: str, redactor: Redactor, value: str) -> bool:
    if redactor(text) != text or redactor(text[::-1]) != text[::-1]:
        return True
    return len(value) >= 4 and value.encode().hex() in text.lower()


def _web(url: str) -> str:
    return re.sub(r"^ws(s?)://", r"http\1://", url)


def _value(spec: SecretSpec, environment: Mapping[str, str]) -> str:
    if spec.env is not None:
        value = environment.get(spec.env, "")
        where = f"the environment variable {spec.env}"
    elif spec.keyring is not None:
        value = _from_keyring(spec.keyring)
        where = f"`{spec.keyring}` in the keyring"
    else:
        value = _from_file(spec.file or Path())
        where = f"the file {spec.file}"
    if not value.strip():
        raise ValueError(f"{where} is not set or empty")
    return value


def _from_keyring(place: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise ValueError("the keyring needs a package; try: pip install 'deskhand[keyring]'") from None
    service, _, user = place.partition("/")
    try:
        return keyring.get_password(service, user) or ""
    except KeyringError as error:
        raise ValueError(f"the keyring cannot be read: {type(error).__name__}") from None


def _from_file(path: Path) -> str:
    with path.open(encoding="utf-8") as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path} is not a file")
        if status.st_mode & 0o077:
            raise ValueError(f"others may read {path}; run `chmod 600 {path}`")
        if status.st_uid != os.getuid():
            raise ValueError(f"{path} belongs to someone else")
        return opened.read(65536).removesuffix("\n").removesuffix("\r")


def _check_place(name: str, spec: SecretSpec, target: Target) -> None:
    """Page, frame and form destination must all be permitted; outside a browser, the application."""
    node = target.node
    stated = [target.origin, target.url, node.origin if node else ""]
    if target.surface == "browser" or any(stated):
        form = node.form.action if node and node.form and node.form.method.upper() != "DIALOG" else ""
        leads = [text for text in (*stated, form) if text]
        if not target.origin or any(origin_of(text) not in spec.origins for text in leads):
            raise SecretRefused(f"secret `{name}` may not be typed on this page")
    elif not target.app or target.app not in spec.apps:
        raise SecretRefused(f"secret `{name}` may not be typed in this application")


def _check_field(name: str, spec: SecretSpec, node: Node | None) -> None:
    if node is None or not (node.editable or node.password):
        raise SecretRefused(f"secret `{name}` may be typed only into a field")
    if not node.enabled:
        raise SecretRefused(f"secret `{name}` may not be typed into a disabled field")
    if node.form is not None and node.form.method.upper() == "GET":
        raise SecretRefused(f"secret `{name}` would stand in the address: the form is sent with GET")
    tokens = set(node.autocomplete.lower().split())
    if spec.fields is None:
        fits = node.role != "searchbox"
    else:
        fits = bool(tokens & set(spec.fields)) or (node.password and (tokens <= _SILENT or "password" in spec.fields))
    if not fits:
        raise SecretRefused(f"secret `{name}` does not belong into this field")


_SILENT = frozenset({"on", "off"})
"""Autocomplete tokens that say nothing: a masked field without better ones takes any secret of its place."""
