"""How one checkpoint wants to be used: what it is shown, how long it may speak, how it is sampled.

Read from `profile.yaml` inside the checkpoint folder. A checkpoint without one is taken for a published Qwen3-VL.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from model.base import ModelError, Perception

__all__ = ["FILE", "GridSize", "MaxPixels", "Profile", "Sampling", "default_profile", "read_profile"]

FILE = "profile.yaml"

_TOKEN_PX = 32 * 32
"""Pixels behind one image token: patch 16, merged 2 x 2."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MaxPixels(_Part):
    """Largest picture shown, in pixels after resizing, by perception."""

    both: Annotated[int, Field(ge=_TOKEN_PX)] = 1280 * _TOKEN_PX
    pixels: Annotated[int, Field(ge=_TOKEN_PX)] = 1280 * _TOKEN_PX


class Sampling(_Part):
    """How a token is chosen. The published table's values; they count only when `greedy` is false."""

    greedy: bool = True
    temperature: Annotated[float, Field(gt=0, le=5)] = 0.7
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.8
    top_k: Annotated[int, Field(ge=0)] = 20
    """0 keeps every token."""
    seed: int = 3407


class GridSize(_Part):
    """The whole numbers in which points are named; see `model.protocols.grid`."""

    most: Annotated[int, Field(ge=1, le=9999)] = 1000
    """The largest that may be said."""
    divisor: Annotated[int, Field(ge=1, le=9999)] = 1000
    """The one that stands for the far edge."""


class Profile(_Part):
    """Everything a runtime must know about a checkpoint beside its weights."""

    protocol: Literal["computer_use", "mobile_use"] = "computer_use"
    grid: GridSize | None = None
    """None takes the protocol's own: 0-1000 for `computer_use`, 0-999 for `mobile_use`."""
    tool: dict[str, Any] | None = None
    """The function schema a fine-tune was trained on, shown word for word; its `action` enum limits the actions."""
    zooms: Annotated[int, Field(ge=0, le=4)] = 0
    """How often the model may look closer before it acts; 0 does not offer the tool."""
    calls: Annotated[int, Field(ge=1, le=8)] = 1
    """Most calls in one reply; each is judged and done on its own."""
    turns: Annotated[int, Field(ge=0, le=16)] = 4
    """Earlier steps shown whole, with their screenshots; older ones as one line each."""
    slide: Annotated[int, Field(ge=1, le=16)] = 4
    """How many steps the window of whole turns moves on at a time: it holds `turns` to `turns + slide - 1` of them, and
    all but every `slide`-th prompt only adds to the one before."""
    with_goal: bool = True
    """Whether the whole goal is repeated beside a plan's current step, and earlier sub-goals' steps are listed."""
    perception: Annotated[tuple[Perception, ...], Field(min_length=1)] = ("pixels", "both")
    """What it was trained on; others run too, without a promise."""
    max_pixels: MaxPixels = MaxPixels()
    min_pixels: Annotated[int, Field(ge=_TOKEN_PX)] | None = None
    """Smaller pictures are enlarged; None leaves it to the checkpoint's preprocessor config."""
    max_new_tokens: Annotated[int, Field(ge=16, le=65536)] = 1024
    """Words the model may choose before it is made to close the call; thoughts are counted apart."""
    action_line: bool = True
    """Whether one `Action: ...` line may come before the call."""
    points: Literal["any", "listed", "named"] = "any"
    """`listed`: with a node list, only the centres on it may be pressed. `named`: of these, where the instruction holds
    the whole name of some, only those. A small checkpoint errs less; a large one can press what no list names."""
    words: Literal["any", "instruction"] = "any"
    """`instruction`: only the task's own values in the instruction may be typed, or, where it has none, a run of the
    instruction's words."""
    thinking: bool = False
    think_budget: Annotated[int, Field(ge=0, le=65536)] = 2048
    """Tokens of thought before they are closed."""
    sampling: Sampling = Sampling()
    deadline_s: Annotated[float, Field(gt=0)] = 120.0
    """Longest time for one reply."""
    forms: tuple[str, ...] | None = None
    """The forms of `agent ask` that it answers, see `model.asking.forms`; None for all of them."""

    @model_validator(mode="before")
    @classmethod
    def _told_in_words(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("protocol") == "mobile_use":
            return {"turns": 0, **data}
        return data

    @field_validator("forms")
    @classmethod
    def _known_forms(cls, forms: tuple[str, ...] | None) -> tuple[str, ...] | None:
        from model.asking.forms import NAMES

        strange = next((name for name in forms or () if name not in NAMES), None)
        if strange is not None:
            raise ValueError(f"no form `{strange}`, expected some of {', '.join(NAMES)}")
        return forms

    @model_validator(mode="after")
    def _fits_its_protocol(self) -> Self:
        from model.protocols.speech import tool_problem

        if self.protocol == "mobile_use" and self.turns:
            raise ValueError("mobile_use tells its history in words: turns must be 0")
        problem = tool_problem(self.protocol, self.tool)
        if problem:
            raise ValueError(problem)
        return self


def default_profile(thinking: bool) -> Profile:
    """The profile of a published Qwen3-VL, Instruct or Thinking edition."""
    if not thinking:
        return Profile()
    return Profile(thinking=True, sampling=Sampling(temperature=0.6, top_p=0.95, seed=1234), deadline_s=300.0)


def read_profile(folder: Path, thinking: bool = False) -> Profile:
    """The folder's `profile.yaml`, or the default of the edition where there is none.

    Raises:
        ModelError: the file is no YAML mapping, has an unknown key or a value out of bounds.
    """
    path = folder / FILE
    if not path.is_file():
        return default_profile(thinking)
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not readable as YAML: {_flat(str(error))}") from error
    if not isinstance(data, Mapping):
        raise ModelError(f"{path}: expected a mapping of keys, got {type(data).__name__}")
    try:
        return Profile.model_validate(dict(data))
    except ValidationError as error:
        raise ModelError(f"{path}: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    """The first problem of a validation as one line, with the nearest known key for an unknown one."""
    problem: Any = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        if not key:
            return _flat(problem["msg"].removeprefix("Value error, "))
        return f"`{key}`: {_flat(problem['msg'].removeprefix('Value error, '))}, got {problem['input']!r}"
    models: dict[str, type[BaseModel]] = {"sampling": Sampling, "max_pixels": MaxPixels, "grid": GridSize}
    known = models.get(str(problem["loc"][0]), Profile) if len(problem["loc"]) > 1 else Profile
    near = difflib.get_close_matches(str(problem["loc"][-1]), list(known.model_fields), n=1)
    return f"unknown key `{key}`" + (f", did you mean `{near[0]}`" if near else "")


def _flat(text: str) -> str:
    return " ".join(text.split())
