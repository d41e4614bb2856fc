"""A task: loaded from its file, bound to values, ready to run.

`load_task` checks everything that can be known without running: keys, types, templates, bounds, names. `Task.bind`
fills in the values and sees that each secret is there; it never keeps what a secret is. `BoundTask.with_origin` puts
the address of the started demo site in the place of `site://NAME`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from agent import yaml_lines
from agent.inputs import parse_input
from agent.plan import Plan, PlanStep
from agent.reconcile import Look
from agent.task_errors import Problem, TaskError, shape_problems
from agent.task_file import (
    AndroidSurface,
    BrowserSurface,
    Check,
    DesktopSurface,
    GuestSurface,
    InputSpec,
    LimitSpec,
    LookSpec,
    OutputSpec,
    PolicySpec,
    SecretSpec,
    SiteSpec,
    StepSpec,
    TaskFile,
    task_schema,
)
from agent.task_rules import rule_problems
from agent.template import TemplateProblem, Value, nearest, render, shown

__all__ = ["BoundTask", "Task", "TaskError", "load_task", "task_schema"]

_SECRET = re.compile(r"<secret:[a-z0-9_]+>")
_IN_QUOTES = re.compile(r'"([^"]+)"')


@dataclass(frozen=True)
class BoundTask:
    """A task with its values filled in. Holds no secret, only where each comes from and may go."""

    path: Path
    name: str
    goal: str
    browser: BrowserSurface | None
    site: SiteSpec | None
    inputs: Mapping[str, Value]
    secrets: Mapping[str, SecretSpec]
    """`file` is absolute here."""
    policy: PolicySpec
    perception: Literal["pixels", "both"]
    steps: tuple[PlanStep, ...]
    success: tuple[Check, ...]
    outputs: Mapping[str, OutputSpec]
    limits: LimitSpec
    digest: str
    """SHA-256 of the task file's bytes."""
    android: AndroidSurface | None = None
    desktop: DesktopSurface | None = None
    guest: GuestSurface | None = None
    reconcile: tuple[Look, ...] = ()

    @property
    def surface(self) -> Literal["browser", "android", "desktop", "guest"]:
        if self.guest is not None:
            return "guest"
        if self.desktop is not None:
            return "desktop"
        return "browser" if self.browser is not None else "android"

    @property
    def where(self) -> str:
        """What tells this task's place from another's: an address, or a device and an app."""
        if self.browser is not None:
            return self.browser.start
        if self.desktop is not None:
            return f"desktop {self.desktop.home or ''}".strip()
        if self.guest is not None:
            return f"guest {self.guest.address}"
        phone = self.android
        return f"android {phone.serial or ''} {phone.start or ''}".strip() if phone else ""

    @property
    def needs_site(self) -> bool:
        """Whether a demo site has still to be started and its origin put in."""
        return self.site is not None and _holds_site(self)

    def plan(self) -> Plan:
        """A fresh plan at its first step."""
        return Plan(self.goal, self.steps)

    def shown_inputs(self) -> dict[str, str]:
        """The inputs as text, for the record of the run."""
        return {name: shown(value) for name, value in self.inputs.items()}

    def with_origin(self, origin: str) -> BoundTask:
        """The same task with `origin` (scheme://host:port, no slash at its end) for every `site://NAME` of its site."""
        if self.site is None:
            return self
        swap = _swap(self.site.name, origin)
        return replace(
            self,
            goal=swap(self.goal),
            browser=_swapped(self.browser, swap),
            secrets={name: _swapped(spec, swap) for name, spec in self.secrets.items()},
            policy=_swapped(self.policy, swap),
            steps=tuple(replace(step, do=swap(step.do), until=_swapped(step.until, swap)) for step in self.steps),
            success=tuple(_swapped(check, swap) for check in self.success),
            reconcile=tuple(
                Look(swap(look.open), _swapped(look.happened, swap), _swapped(look.not_happened, swap))
                for look in self.reconcile
            ),
        )


@dataclass(frozen=True)
class Task:
    """A task file that is right in itself."""

    path: Path
    file: TaskFile
    sets: Mapping[str, str] = field(repr=False)
    """What `--set` gave; checked by `bind`."""
    digest: str
    document: yaml_lines.Document = field(repr=False)

    @property
    def name(self) -> str:
        return self.file.name

    def with_site(self, settings: Mapping[str, str]) -> Task:
        """The same task with other settings of its demo site: `seed`, `layout`, `theme`, `mischief` (comma-separated).

        Raises:
            TaskError: the task has no site, or a setting is unknown or wrong.
        """
        if not settings:
            return self
        if self.file.site is None:
            raise TaskError([f"{self.path}: --site is given, but the task has no `site` block"])
        site = _set_site(self.path, self.file.site, settings)
        return replace(self, file=self.file.model_copy(update={"site": site}))

    def bind(
        self,
        sets: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        missing_secrets: bool = False,
    ) -> BoundTask:
        """The task with the file's defaults, `--set` and `sets` in this order; later ones win.

        Args:
            sets: further values, for example one row of a table.
            environ: where secrets are looked for; the process's environment when None.
            missing_secrets: leave out the secrets that are not there, for a run that types none.

        Raises:
            TaskError: a value is missing or wrong, or a secret is not there.
        """
        found = os.environ if environ is None else environ
        values, problems = self._values({**self.sets, **(sets or {})})
        problems += self._upload_problems()
        missing = {name: problem for name in self.file.secrets if (problem := self._secret_problem(name, found))}
        self._raise(problems if missing_secrets else [*problems, *missing.values()])
        bound = _Binding(self.file, values)
        task = bound.task(self.path, self.digest)
        self._raise(bound.problems)
        return replace(task, secrets={name: spec for name, spec in task.secrets.items() if name not in missing})

    def _values(self, sets: Mapping[str, str]) -> tuple[dict[str, Value], list[Problem]]:
        values: dict[str, Value] = {}
        problems: list[Problem] = [self._stray(name) for name in sets if name not in self.file.inputs]
        for name, spec in self.file.inputs.items():
            try:
                values[name] = _value(name, spec, sets)
            except ValueError as problem:
                problems.append((("inputs", name), str(problem)))
        return values, problems

    def _stray(self, name: str) -> Problem:
        if name in self.file.secrets:
            source = self.file.secrets[name]
            where = f"the environment variable {source.env}" if source.env else f"the file `{source.file}`"
            where = f"the keyring's `{source.keyring}`" if source.keyring else where
            return ("secrets", name), f"`{name}` is a secret and cannot be given with `--set`; it comes from {where}"
        return ("inputs",), f"--set {name}=...: unknown input `{name}`{nearest(name, self.file.inputs)}"

    def _upload_problems(self) -> list[Problem]:
        browser = self.file.surface.browser
        named = [(name, _beside(self.path, name)) for name in browser.uploads] if browser else []
        return [
            (("surface", "browser", "uploads"), f"`{name}` cannot be uploaded: there is no such file, or it is a link")
            for name, file in named
            if not file.is_file() or file.is_symlink()
        ]

    def _secret_problem(self, name: str, environ: Mapping[str, str]) -> Problem | None:
        secret = self.file.secrets[name]
        if secret.env is not None and not environ.get(secret.env):
            said = f"set the environment variable {secret.env}, for example: export {secret.env}=..."
            return ("secrets", name), f"the secret `{name}` is not there; {said}"
        if secret.file is not None and not _beside(self.path, secret.file).is_file():
            return ("secrets", name), f"the secret `{name}` is not there; put it into the file `{secret.file}`"
        return None

    def _raise(self, problems: list[Problem]) -> None:
        if problems:
            raise TaskError(_lines(self.path, self.document, problems))


def load_task(path: Path, sets: Mapping[str, str] | None = None) -> Task:
    """Read and check a task file. `sets` is kept for `Task.bind`.

    Raises:
        TaskError: the file cannot be read, or is wrong.
    """
    data = _bytes(path)
    try:
        document = yaml_lines.read_yaml(data)
    except yaml_lines.YamlProblem as problem:
        where = f"{path}:{problem.line}" if problem.line else f"{path}"
        raise TaskError([f"{where}: {problem}"]) from None
    file = _shaped(path, document)
    if problems := list(rule_problems(file)):
        raise TaskError(_lines(path, document, problems))
    return Task(path, file, dict(sets or {}), hashlib.sha256(data).hexdigest(), document)


def _bytes(path: Path) -> bytes:
    if path.is_dir():
        raise TaskError([f"{path}: this is a folder, expected a task file"])
    try:
        if path.exists() and not path.is_file():
            raise TaskError([f"{path}: this is not a regular file"])
        with path.open("rb") as opened:
            return opened.read(yaml_lines.MAX_BYTES + 1)
    except FileNotFoundError:
        raise TaskError([f"{path}: there is no such file{_near(path)}"]) from None
    except OSError as error:
        raise TaskError([f"{path}: the file cannot be read: {error.strerror or error}"]) from None
    except ValueError:
        raise TaskError([f"{path!s}: this is not a file name"]) from None


def _near(path: Path) -> str:
    """The task files in the same folder, for whoever mistyped one."""
    try:
        names = sorted(one.name for one in path.parent.glob("*.y*ml"))[:20]
    except OSError:
        return ""
    return nearest(path.name, names)


def _shaped(path: Path, document: yaml_lines.Document) -> TaskFile:
    value = document.value
    if not isinstance(value, dict):
        line = document.line(())
        raise TaskError([f"{path}:{line}: expected keys like `version:` and `goal:` at the top of the file"])
    try:
        return TaskFile.model_validate_json(json.dumps(value))
    except ValidationError as error:
        problems = list(shape_problems(error, value, task_schema()))
        raise TaskError(_lines(path, document, problems)) from None


def _lines(path: Path, document: yaml_lines.Document, problems: list[Problem]) -> list[str]:
    """In the order of the file."""
    placed = sorted(((document.line(where), said) for where, said in problems), key=lambda one: one[0])
    return [f"{path}:{line}: {said}" for line, said in placed]


def _value(name: str, spec: InputSpec, sets: Mapping[str, str]) -> Value:
    if name in sets:
        try:
            return parse_input(spec, sets[name])
        except ValueError as problem:
            raise ValueError(f"--set {name}=...: {problem}") from None
    if spec.default is None:
        raise ValueError(f"the input `{name}` has no value; give one with `--set {name}=...`")
    return parse_input(spec, spec.default)


def _beside(path: Path, name: str) -> Path:
    """`name` seen from the folder of the task file; `~` is the home folder."""
    return (path.parent / Path(name).expanduser()).absolute()


# Filling in


class _Binding:
    """Fills templates in, and collects what goes wrong with the place where it did."""

    def __init__(self, file: TaskFile, values: Mapping[str, Value]) -> None:
        self._file = file
        self._values = values
        self.problems: list[Problem] = []

    def task(self, path: Path, digest: str) -> BoundTask:
        file = self._file
        return BoundTask(
            path=path,
            name=file.name,
            goal=self._text(("goal",), file.goal),
            browser=_with_uploads(path, self._browser(file.surface.browser)),
            site=file.site,
            inputs=dict(self._values),
            secrets={name: _placed(path, secret) for name, secret in file.secrets.items()},
            policy=_with_files(path, file.policy),
            perception=file.perception,
            steps=tuple(self._step(index, step) for index, step in enumerate(file.steps)),
            success=tuple(self._check(("success", index), check) for index, check in enumerate(file.success)),
            reconcile=tuple(self._look(index, look) for index, look in enumerate(file.reconcile)),
            outputs=file.outputs,
            limits=file.limits,
            digest=digest,
            android=file.surface.android,
            desktop=file.surface.desktop,
            guest=file.surface.guest,
        )

    def _browser(self, browser: BrowserSurface | None) -> BrowserSurface | None:
        if browser is None:
            return None
        start = self._text(("surface", "browser", "start"), browser.start, _in_address)
        return browser.model_copy(update={"start": start})

    def _text(self, path: yaml_lines.Path, text: str, quoted: Callable[[str], str] = str) -> str:
        try:
            return render(text, self._values, self._file.secrets, quoted)
        except TemplateProblem as problem:
            self.problems.append((path, str(problem)))
            return text

    def _instruction(self, path: yaml_lines.Path, text: str) -> tuple[str, tuple[str, ...]]:
        """A step's words, and the values in them: what was filled in, what stands in quotes, and secrets by name.

        Several values that belong together (`{{first}} {{last}}`) count as one more, from the first to the last.
        """
        filled: list[str] = []

        def noted(value: str) -> str:
            filled.append(value)
            return value

        do = self._text(path, text, noted)
        if len(filled) > 1:
            filled.append(do[do.find(filled[0]) : do.rfind(filled[-1]) + len(filled[-1])])
        return do, tuple(dict.fromkeys([*filled, *_IN_QUOTES.findall(do), *_SECRET.findall(do)]))

    def _step(self, index: int, step: str | StepSpec) -> PlanStep:
        path: yaml_lines.Path = ("steps", index)
        each = self._file.limits.acts_per_step
        if isinstance(step, str):
            do, values = self._instruction(path, step)
            return PlanStep(do, acts=each, values=values)
        until = step.until
        do, values = self._instruction((*path, "do"), step.do)
        return PlanStep(
            do=do,
            values=values,
            when_shown=self._text((*path, "when_shown"), step.when_shown or ""),
            until=self._text((*path, "until"), until)
            if isinstance(until, str)
            else until and self._check((*path, "until"), until),
            acts=step.acts or each,
        )

    def _look(self, index: int, look: LookSpec) -> Look:
        path: yaml_lines.Path = ("reconcile", index)
        return Look(
            self._text((*path, "open"), look.open, _in_address) if look.open else "",
            tuple(self._check((*path, "happened", n), one) for n, one in enumerate(look.happened)),
            tuple(self._check((*path, "not_happened", n), one) for n, one in enumerate(look.not_happened)),
        )

    def _check(self, path: yaml_lines.Path, check: Check) -> Check:
        filled = {
            name: self._text((*path, name), text, quoted)
            for name, quoted in _QUOTED.items()
            if isinstance(text := getattr(check, name, None), str)
        }
        if check.kind == "output":
            return check
        return check.model_copy(update=filled)


def _in_address(text: str) -> str:
    return quote(text, safe="")


def _in_path(text: str) -> str:
    """A value as one name in a path: it can lead nowhere else."""
    if "/" in text or "\\" in text or text in (".", ".."):
        raise TemplateProblem(f"`{text}` cannot stand in a path")
    return text


_QUOTED: Mapping[str, Callable[[str], str]] = {
    "contains": str,
    "absent": str,
    "pattern": re.escape,
    "prefix": _in_address,
    "path": _in_path,
    "name": str,
    "value": str,
}
"""The fields of checks that hold templates, and how a value is made safe in each."""


def _with_uploads(path: Path, browser: BrowserSurface | None) -> BrowserSurface | None:
    """The files of `uploads` by their whole paths."""
    if browser is None or not browser.uploads:
        return browser
    return browser.model_copy(update={"uploads": tuple(str(_beside(path, name)) for name in browser.uploads)})


def _with_files(path: Path, policy: PolicySpec) -> PolicySpec:
    """The files of `policy.narrow.files` by their whole paths."""
    if policy.narrow.files is None:
        return policy
    files = tuple(str(_beside(path, name)) for name in policy.narrow.files)
    return policy.model_copy(update={"narrow": policy.narrow.model_copy(update={"files": files})})


def _placed(path: Path, secret: SecretSpec) -> SecretSpec:
    return secret.model_copy(update={"file": str(_beside(path, secret.file))}) if secret.file else secret


# The demo site


def _set_site(path: Path, site: SiteSpec, settings: Mapping[str, str]) -> SiteSpec:
    known = [name for name in SiteSpec.model_fields if name != "name"]
    stray = [name for name in settings if name not in known]
    if lines := [f"{path}: --site {name}=...: unknown setting{nearest(name, known)}" for name in stray]:
        raise TaskError(lines)
    given: dict[str, object] = dict(settings)
    if "mischief" in given:
        given["mischief"] = [one for one in settings["mischief"].split(",") if one]
    if settings.get("seed", "").isdecimal():
        given["seed"] = int(settings["seed"])
    try:
        return SiteSpec.model_validate_json(json.dumps({**site.model_dump(exclude_none=True), **given}))
    except ValidationError as error:
        problems = shape_problems(error, given, SiteSpec.model_json_schema())
        raise TaskError([f"{path}: --site: {said}" for _, said in problems]) from None


# Its address

T = TypeVar("T")


def _swap(name: str, origin: str) -> Callable[[str], str]:
    pattern = re.compile(rf"site://{re.escape(name)}(?=[/?#\s]|\Z)")
    return lambda text: pattern.sub(lambda _: origin, text)


def _swapped(value: T, swap: Callable[[str], str]) -> T:
    """`value` with `swap` applied to every text in it."""
    changed: Any = value
    match value:
        case str():
            changed = swap(value)
        case tuple():
            changed = tuple(_swapped(one, swap) for one in value)
        case BaseModel():
            fields = {name: _swapped(getattr(value, name), swap) for name in type(value).model_fields}
            changed = value.model_copy(update=fields)
    return changed  # type: ignore[no-any-return]


def _holds_site(task: BoundTask) -> bool:
    addresses = [*([task.browser.start] if task.browser else []), *(task.policy.narrow.origins or ())]
    addresses += [origin for secret in task.secrets.values() for origin in secret.origins]
    return any(address.startswith("site://") for address in addresses)
