"""The words of `flow.patch.yaml`: what stands in for which step of a flow, why, and who says so. For review.

A patch names the flow by the SHA-256 of its file: it fits that very flow and no other. Nothing in it takes effect
until a person accepts it with `agent flow accept`.
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, ValidationError

from agent import yaml_lines
from agent.flow.file import Flow, FlowStep, FlowWords, load_flow, written
from agent.task_errors import TaskError, shape_problems

__all__ = ["Change", "FlowPatch", "applied", "diff", "flow_and_patch", "load_patch", "patch_text"]

Kind = Literal["target", "dialog", "page", "expectation"]


class Change(FlowWords):
    """One step that was proposed anew."""

    step: Annotated[int, Field(ge=1)]
    """Its number in the flow, from 1."""
    kind: Kind
    """target: something else stands in its target's place. dialog: something in between is put away first.
    page: it is done on another page. expectation: something else is to be so after it."""
    why: Annotated[str, Field(max_length=500)]
    """What was not found, or not so."""
    by: Annotated[str, Field(max_length=200)]
    """The model that proposed it, and the signs that speak for it."""
    done: bool = False
    """Whether the run went on with it; otherwise it is a suggestion only."""
    picture: Annotated[str, Field(max_length=200)] = ""
    """Before and after, beside the patch."""
    before: FlowStep
    after: FlowStep


class FlowPatch(FlowWords):
    """A patch file."""

    version: Literal[1] = 1
    flow: Annotated[str, Field(max_length=2000)]
    """Where the flow lay."""
    flow_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    run: Annotated[str, Field(max_length=200)] = ""
    changes: Annotated[tuple[Change, ...], Field(min_length=1, max_length=200)]


_HEAD = """\
# What a replay proposes to change in its flow. Nothing of it counts until it is accepted: look at the pictures, read
# `agent flow diff`, try `agent flow test`, then `agent flow accept`.
"""


def patch_text(patch: FlowPatch) -> str:
    """The file's text."""
    plain = {"version": 1, **patch.model_dump(mode="json", exclude_defaults=True)}
    return _HEAD + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)


def load_patch(path: Path) -> FlowPatch:
    """Raises TaskError when it cannot be read or is no patch; with file and line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TaskError([f"{path}: the patch cannot be read: {(error.strerror or 'error').lower()}"]) from None
    try:
        document = yaml_lines.read_yaml(data)
    except yaml_lines.YamlProblem as problem:
        raise TaskError([f"{path}:{problem.line or 1}: {problem}"]) from None
    value = document.value
    if not isinstance(value, dict) or "changes" not in value:
        raise TaskError([f"{path}:1: this is no patch of a flow; `agent replay --heal suggest` leaves flow.patch.yaml"])
    try:
        return FlowPatch.model_validate_json(json.dumps(value))
    except ValidationError as error:
        problems = shape_problems(error, value, FlowPatch.model_json_schema())
        raise TaskError([f"{path}:{document.line(where)}: {said}" for where, said in problems]) from None


def applied(flow: Flow, changes: tuple[Change, ...], where: str) -> Flow:
    """The flow with its steps changed.

    Raises:
        TaskError: a step is not what the change was made for; nothing is changed.
    """
    steps = list(flow.steps)
    for change in changes:
        there = steps[change.step - 1] if change.step <= len(steps) else None
        if there != change.before:
            raise TaskError([f"{where}: step {change.step} of the flow is not what the patch was made for"])
        steps[change.step - 1] = change.after
    return flow.model_copy(update={"steps": tuple(steps)})


def diff(flow: Flow, changes: tuple[Change, ...], name: str) -> str:
    """What accepting would change in the file, as a unified diff under one line for each change."""
    lines = []
    for one in changes:
        how = "" if one.done else " (suggested)"
        lines.append(f"# step {one.step}, {one.kind}{how}: {one.why}")
        lines.append(f"#   proposed by {one.by}" + (f"; picture: {one.picture}" if one.picture else ""))
    before, after = written(flow).splitlines(), written(applied(flow, changes, name)).splitlines()
    lines += difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", lineterm="")
    return "\n".join(lines)


def flow_and_patch(patch_file: Path, flow_file: Path | None) -> tuple[Path, Flow, FlowPatch]:
    """A patch and the flow that it was made for: the one named, or the one that the patch names.

    Raises:
        TaskError: one of them cannot be read, or the flow has changed since.
    """
    patch = load_patch(patch_file)
    place = flow_file or Path(patch.flow)
    flow, digest = load_flow(place)
    if digest != patch.flow_digest:
        raise TaskError([f"{place}: it is not the flow that {patch_file} was made for, or has changed since"])
    return place, flow, patch
