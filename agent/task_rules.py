"""What several fields of a task file together can get wrong. Each rule is a function from the file to problems."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from agent.inputs import parse_input, parse_value
from agent.task_errors import Problem
from agent.task_file import (
    FileCheck,
    InputSpec,
    NodeCheck,
    OutputCheck,
    OutputSpec,
    StepSpec,
    TaskFile,
    TextCheck,
    UrlCheck,
)
from agent.template import InputType, hidden_in, nearest, secrets_in, template_problems
from agent.yaml_lines import Path

__all__ = ["rule_problems", "templated"]


def rule_problems(file: TaskFile) -> Iterator[Problem]:
    """Everything wrong with a file whose shape is right."""
    for rule in _RULES:
        yield from rule(file)


def templated(file: TaskFile) -> Iterator[tuple[Path, str]]:
    """Every text in which templates are filled in, with its place."""
    yield ("goal",), file.goal
    if file.surface.browser is not None:
        yield ("surface", "browser", "start"), file.surface.browser.start
    for index, step in enumerate(file.steps):
        yield from _step_texts(("steps", index), step)
    for index, check in enumerate(file.success):
        yield from _check_texts(("success", index), check)
    for index, look in enumerate(file.reconcile):
        if look.open is not None:
            yield ("reconcile", index, "open"), look.open
        for term in ("happened", "not_happened"):
            for number, check in enumerate(getattr(look, term)):
                yield from _check_texts(("reconcile", index, term, number), check)


def _step_texts(path: Path, step: str | StepSpec) -> Iterator[tuple[Path, str]]:
    if isinstance(step, str):
        yield path, step
        return
    yield (*path, "do"), step.do
    if step.when_shown is not None:
        yield (*path, "when_shown"), step.when_shown
    if isinstance(step.until, str):
        yield (*path, "until"), step.until
    elif step.until is not None:
        yield from _check_texts((*path, "until"), step.until)


_CHECK_FIELDS = ("contains", "absent", "pattern", "prefix", "path", "value")


def _check_texts(
    path: Path, check: TextCheck | UrlCheck | NodeCheck | FileCheck | OutputCheck
) -> Iterator[tuple[Path, str]]:
    fields = _CHECK_FIELDS if not isinstance(check, NodeCheck) else (*_CHECK_FIELDS, "name")
    for name in fields:
        text = getattr(check, name, None)
        if isinstance(text, str):
            yield (*path, name), text


def _names(file: TaskFile) -> Iterator[Problem]:
    for name in file.secrets:
        if name in file.inputs:
            yield ("secrets", name), f"`{name}` is an input and a secret, rename one of them"


def _templates(file: TaskFile) -> Iterator[Problem]:
    kinds: Mapping[str, InputType] = {name: spec.type for name, spec in file.inputs.items()}
    for path, text in templated(file):
        for problem in template_problems(text, kinds, file.secrets):
            yield path, problem


def _hidden(file: TaskFile) -> Iterator[Problem]:
    """No words that the model would read and a person would not see."""
    for path, text in templated(file):
        if found := hidden_in(text.replace("\n", " ") if path == ("goal",) else text):
            yield path, f"the text holds the invisible character {found}"


def _hosts(file: TaskFile) -> Iterator[Problem]:
    """An input never picks the machine one talks to."""
    for path, text in templated(file):
        if path[-1] in ("start", "open", "prefix") and re.match(r"[a-z]+://[^/?#]*\{\{", text):
            yield path, "a template can stand in the path or the query of an address, not in its host"


def _secrets_in_checks(file: TaskFile) -> Iterator[Problem]:
    """Secrets are for typing: an address or a check would have to read them."""
    for path, text in templated(file):
        typed = path[0] == "goal" or (path[0] == "steps" and (len(path) == 2 or path[2] == "do"))
        used = [name for name in file.secrets if re.search(r"\{\{\s*" + name + r"\s*\}\}", text)]
        if not typed and (used or secrets_in(text)):
            yield path, f"the secret `{[*used, *secrets_in(text)][0]}` can only stand in `goal` or in what a step does"


def _inputs(file: TaskFile) -> Iterator[Problem]:
    for name, spec in file.inputs.items():
        yield from _input(("inputs", name), spec)


def _input(path: Path, spec: InputSpec) -> Iterator[Problem]:
    if (spec.type == "choice") != (spec.choices is not None):
        missing = spec.choices is None
        yield path, "an input of type choice needs `choices`" if missing else "`choices` needs `type: choice`"
        return
    if spec.pattern is not None and spec.type != "string":
        yield (*path, "pattern"), "`pattern` needs `type: string`"
        return
    wrong = list(_bounds(path, spec))
    yield from wrong
    if spec.default is not None and not wrong:
        try:
            parse_input(spec, spec.default)
        except ValueError as problem:
            yield (*path, "default"), f"`default` of `{path[-1]}`: {problem}"


def _bounds(path: Path, spec: InputSpec | OutputSpec) -> Iterator[Problem]:
    limits = []
    for key, bound in (("min", spec.min), ("max", spec.max)):
        if bound is None:
            continue
        if spec.type not in ("int", "date", "money"):
            yield (*path, key), f"`{key}` needs a type that has an order: int, date or money"
            return
        try:
            limits.append(parse_value(spec.type, bound))
        except ValueError as problem:
            yield (*path, key), f"`{key}` of `{path[-1]}`: {problem}"
    if len(limits) == 2:
        yield from _ordered(path, spec)


def _ordered(path: Path, spec: InputSpec | OutputSpec) -> Iterator[Problem]:
    try:
        parse_input(InputSpec(type=spec.type, max=spec.max), spec.min)
    except ValueError:
        yield (*path, "min"), f"`min` of `{path[-1]}` does not lie below its `max`"


def _outputs(file: TaskFile) -> Iterator[Problem]:
    for name, spec in file.outputs.items():
        yield from _bounds(("outputs", name), spec)
    for index, check in enumerate(file.success):
        if isinstance(check, OutputCheck) and check.name not in file.outputs:
            yield ("success", index, "name"), f"unknown output `{check.name}`{nearest(check.name, file.outputs)}"


def _until(file: TaskFile) -> Iterator[Problem]:
    for index, step in enumerate(file.steps):
        if isinstance(step, StepSpec) and isinstance(step.until, FileCheck | OutputCheck):
            yield ("steps", index, "until"), "`until` looks at the screen: a text, or a check of kind text, url or node"


def _sites(file: TaskFile) -> Iterator[Problem]:
    """`site://NAME` is the one site of the `site` block."""
    for path, text in _site_texts(file):
        for name in re.findall(r"site://([a-z][a-z0-9_]*)", text):
            if file.site is None:
                yield path, f"`site://{name}` needs a block `site: {{name: {name}}}`"
            elif name != file.site.name:
                yield path, f"`site://{name}` is not the task's site, expected `site://{file.site.name}`"


def _site_texts(file: TaskFile) -> Iterator[tuple[Path, str]]:
    yield from templated(file)
    for index, origin in enumerate(file.policy.narrow.origins or ()):
        yield ("policy", "narrow", "origins", index), origin
    for name, secret in file.secrets.items():
        for index, origin in enumerate(secret.origins):
            yield ("secrets", name, "origins", index), origin
    for index, check in enumerate(file.success):
        if isinstance(check, TextCheck | UrlCheck | NodeCheck) and check.origin is not None:
            yield ("success", index, "origin"), check.origin


def _phones(file: TaskFile) -> Iterator[Problem]:
    """What only a browser has, and what a phone's own block leaves open."""
    phone = file.surface.android
    if phone is None:
        return
    if phone.start is not None and phone.start not in phone.apps:
        yield ("surface", "android", "start"), f"`{phone.start}` is not among the task's `apps`"
    if file.site is not None:
        yield ("site",), "a demo site needs `surface: {browser: ...}`"
    for index, check in enumerate(file.success):
        if isinstance(check, UrlCheck) or getattr(check, "origin", None) is not None:
            yield ("success", index), "a phone has no addresses: use a check of kind text or node without `origin`"
    for name, secret in file.secrets.items():
        if strange := [app for app in secret.apps if app not in phone.apps]:
            yield ("secrets", name, "apps"), f"`{strange[0]}` is not among the task's `apps`"


def _desktops(file: TaskFile) -> Iterator[Problem]:
    """What only a browser has, and what goes together in a desktop's own block."""
    desktop = file.surface.desktop
    if desktop is None:
        return
    block: Path = ("surface", "desktop")
    if desktop.start and desktop.start[0] not in desktop.apps:
        yield (*block, "start"), f"`{desktop.start[0]}` is not among the task's `apps`"
    if desktop.files == "commit" and desktop.home is None:
        yield (*block, "files"), "`files: commit` needs a `home` in which they become real"
    if not desktop.sandbox:
        for name in ("start", "home", "hosts", "record"):
            if getattr(desktop, name):
                yield (*block, name), f"`{name}` needs `sandbox: true`: your own desktop is used as it is"
    if desktop.record and file.secrets:
        yield (*block, "record"), "a film would show the secrets of this task: leave `record` out"
    if file.site is not None:
        yield ("site",), "a demo site needs `surface: {browser: ...}`"
    for index, check in enumerate(file.success):
        if isinstance(check, UrlCheck) or getattr(check, "origin", None) is not None:
            yield ("success", index), "a desktop has no addresses: use a check of kind text, node or file"
    for name, secret in file.secrets.items():
        if strange := [app for app in secret.apps if app not in desktop.apps]:
            yield ("secrets", name, "apps"), f"`{strange[0]}` is not among the task's `apps`"


def _guests(file: TaskFile) -> Iterator[Problem]:
    """What only a browser has, and what a guest's own block leaves open."""
    guest = file.surface.guest
    if guest is None:
        return
    if guest.start and guest.start[0] not in guest.apps:
        yield ("surface", "guest", "start"), f"`{guest.start[0]}` is not among the task's `apps`"
    if file.site is not None:
        yield ("site",), "a demo site needs `surface: {browser: ...}`"
    for index, check in enumerate(file.success):
        if isinstance(check, UrlCheck) or getattr(check, "origin", None) is not None:
            yield ("success", index), "a guest has no addresses: use a check of kind text, node or file"
    for name, secret in file.secrets.items():
        if strange := [app for app in secret.apps if app not in guest.apps]:
            yield ("secrets", name, "apps"), f"`{strange[0]}` is not among the task's `apps`"


_RULES: tuple[Callable[[TaskFile], Iterator[Problem]], ...] = (
    _names,
    _inputs,
    _templates,
    _hidden,
    _hosts,
    _secrets_in_checks,
    _outputs,
    _until,
    _sites,
    _phones,
    _desktops,
    _guests,
)
