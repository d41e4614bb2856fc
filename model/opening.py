"""How a checkpoint is opened: where it lies, in which numbers, how it attends, how long its prompts may be.

Written behind the folder's name: `/models/8B?weights=int8&context=1000000`. What belongs to a checkpoint itself stands
in its profile; this belongs to the machine.
"""

from __future__ import annotations

import difflib
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from model.base import ModelError

__all__ = ["Attention", "Dtype", "Opening", "Weights", "opening"]

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Weights = Literal["stored", "int8", "int4"]
Attention = Literal["auto", "sdpa", "flash"]


@dataclass(frozen=True, slots=True)
class Opening:
    """The settings of one opening."""

    device: str = "auto"
    """`auto` (a GPU where there is one, all of them where one does not suffice), `cpu`, `cuda`, `cuda:1`, or `all`."""
    dtype: Dtype = "auto"
    """`auto` is the checkpoint's own on a GPU; on a CPU bfloat16 where that is quicker."""
    weights: Weights = "stored"
    """`int8` and `int4` quantise the decoder's linear layers while loading, by torchao."""
    attention: Attention = "auto"
    """`flash` wants the flash-attn package and a GPU; `auto` takes it where both are there."""
    context: int = 0
    """Longest prompt in tokens; beyond what the checkpoint was trained on by YaRN. 0 leaves it as it was trained."""
    threads: int = 0
    """torch's threads for the whole process; 0 leaves them."""


def opening(text: str) -> tuple[str, Opening]:
    """Take `FOLDER?setting=value&...` apart. A folder that is called so is meant as it stands.

    Raises:
        ModelError: an unknown setting or a value it cannot have.
    """
    name, mark, query = text.rpartition("?")
    if not mark or Path(text).expanduser().is_dir():
        return text, Opening()
    kinds = get_type_hints(Opening)
    given: dict[str, Any] = {}
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if key not in kinds:
            near = difflib.get_close_matches(key, list(kinds), n=1)
            hint = f"did you mean `{near[0]}`" if near else f"expected one of {', '.join(kinds)}"
            raise ModelError(f"`{text}`: no setting `{key}`, {hint}")
        given[key] = _value(text, key, urllib.parse.unquote(value), kinds[key])
    return name, Opening(**given)


def _value(text: str, key: str, value: str, kind: Any) -> Any:
    if kind is int:
        if not value.isdecimal():
            raise ModelError(f"`{text}`: {key} is `{value}`, expected a whole number")
        return int(value)
    choices = get_args(kind)
    if choices and value not in choices:
        raise ModelError(f"`{text}`: {key} is `{value}`, expected one of {', '.join(choices)}")
    return value
