"""The words of `flow.yaml`: steps, what they touch, and what must be so before and after. Texts may hold templates.

A flow holds no secret (only `<secret:NAME>`), no grant and no address of the machine it was recorded on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent import yaml_lines
from agent.task_errors import TaskError, shape_problems
from agent.task_file import StepSpec

__all__ = ["After", "Anchor", "Flow", "FlowAct", "FlowStep", "FlowWords", "Near", "Recorded", "load_flow", "written"]

_Short = Annotated[str, Field(max_length=500)]


class FlowWords(BaseModel):
    """Frozen, and nothing in it that is not named."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Near(FlowWords):
    """A neighbour with a name, and on which side of the target it lies."""

    side: Literal["left", "above"]
    role: _Short
    name: _Short


class Anchor(FlowWords):
    """What a target was, for finding it again. Role and name say what it is; the rest only tells equals apart."""

    role: _Short
    name: _Short = ""
    """Accessible name or own words. May hold templates; an amount of money in it may be another one next time."""
    password: bool = False
    path: _Short = ""
    """Where it stood in the page; see `actuators.observation.Node`."""
    row: _Short = ""
    """The words of its table row or list item. May hold templates. Another row is another thing."""
    near: Annotated[tuple[Near, ...], Field(max_length=4)] = ()
    """Its neighbours, where there were several such things or it has no name."""
    among: Annotated[int, Field(ge=1)] = 1
    """How many things of this role and name were shown."""
    patch: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """SHA-256 of its picture, which lies beside the flow as `patches/<sha256>.png`."""


class After(FlowWords):
    """What an act changed; each that is given must be so after it."""

    address: _Short = ""
    """Path of the page's address, where the act led to another page."""
    value: str | None = None
    """What stands in the field. May hold templates."""
    filled: bool | None = None
    checked: bool | None = None
    shown: Annotated[tuple[_Short, ...], Field(max_length=3)] = ()
    """Headings that appeared."""
    gone: bool = False
    """The target is no longer shown."""


class FlowAct(FlowWords):
    """One act. `fill` and `choose` see to the focus by themselves."""

    do: Literal["click", "fill", "choose", "type", "keys", "open", "hover", "long_press"]
    target: Anchor | None = None
    """None for what goes to whatever has the focus, and for `open`."""
    text: Annotated[str, Field(max_length=10_000)] = ""
    """For `fill`, `choose` and `type`. May hold templates and secrets by name."""
    keys: tuple[str, ...] = ()
    url: _Short = ""
    """For `open`: an address, or a path on the site where the run stands. May hold templates."""
    button: Literal["left", "middle", "right"] = "left"
    count: Annotated[int, Field(ge=1, le=3)] = 1
    modifiers: tuple[str, ...] = ()
    page: _Short = ""
    """Path of the address on which it was done: it is done on no other page."""
    after: After = After()
    settled_s: Annotated[float, Field(ge=0)] = 0.0
    """How long it took until the screen stood still and was looked at."""
    maybe: bool = False
    """Skipped where its target is not shown: something that comes in between now and then."""
    still: bool = False
    """Nothing but the target changed by it: several such acts may go by one picture of the screen."""
    effect: _Short = ""
    """What it was judged to do (`policies.consequence.KINDS`). What stands in for it may do nothing worse."""
    leads: _Short = ""
    """Path of the address that its form or link leads to."""
    known: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """SHA-256 of the list of what else could be operated there, which lies beside the flow as `patches/<sha256>.txt`:
    none of that is what the target has become."""


class FlowStep(StepSpec):
    """A step of the plan (or, without a plan, one act), with how it was done."""

    rule: bool = False
    """Followed by the plan's own words and not by what was done once: what it chooses depends on what is shown."""
    done_by: tuple[FlowAct, ...] = ()
    """Of a rule, its first act when recorded: not done again, but what stands in for it must be like it."""


class Recorded(FlowWords):
    """Where the flow comes from."""

    run: _Short = ""
    model: _Short = ""
    seconds: Annotated[float, Field(ge=0)] = 0.0


class Flow(FlowWords):
    """A flow file."""

    version: Literal[1]
    name: _Short
    task: _Short
    """The task file, seen from the flow's folder. Surface, policy, secrets, inputs and checks are the task's."""
    task_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    recorded: Recorded = Recorded()
    notes: tuple[str, ...] = ()
    """What a reader should know: what was recorded for its own inputs alone, and what could not be told."""
    steps: Annotated[tuple[FlowStep, ...], Field(min_length=1, max_length=2000)]


_HEAD = """\
# A flow: a verified run, to be done again without a model by `agent replay`. Each step is found anew on the screen by
# what it is, judged by the task's policy, and checked afterwards. Review it like code.
"""


def written(flow: Flow) -> str:
    """The file's text. The same flow gives the same text."""
    plain = flow.model_dump(mode="json", exclude_defaults=True)
    plain = {"version": 1, **plain}
    return _HEAD + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)


def load_flow(path: Path) -> tuple[Flow, str]:
    """A flow and the SHA-256 of its bytes.

    Raises:
        TaskError: it cannot be read, or is no flow; with file and line.
    """
    data = _bytes(path)
    try:
        document = yaml_lines.read_yaml(data)
    except yaml_lines.YamlProblem as problem:
        raise TaskError([f"{path}:{problem.line or 1}: {problem}"]) from None
    value: Any = document.value
    if not isinstance(value, dict) or not {"steps", "task_digest"} <= set(value):
        raise TaskError([f"{path}:1: this is no flow; a verified run leaves one in its folder as `flow.yaml`"])
    line: Callable[[Any], int | None] = document.line
    try:
        return Flow.model_validate_json(json.dumps(value)), hashlib.sha256(data).hexdigest()
    except ValidationError as error:
        problems = shape_problems(error, value, Flow.model_json_schema())
        raise TaskError([f"{path}:{line(where)}: {said}" for where, said in problems]) from None


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise TaskError([f"{path}: there is no such file; a verified run leaves `flow.yaml` in its folder"]) from None
    except IsADirectoryError:
        raise TaskError([f"{path}: this is a folder, expected a flow such as {path / 'flow.yaml'}"]) from None
    except (OSError, ValueError) as error:
        raise TaskError([f"{path}: the file cannot be read: {getattr(error, 'strerror', None) or error}"]) from None
    if len(data) > yaml_lines.MAX_BYTES:
        raise TaskError([f"{path}: the file is larger than {yaml_lines.MAX_BYTES} bytes"])
    return data
