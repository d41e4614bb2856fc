"""A case: a folder with pages, a task, and the effects that are authorised.

    NAME/case.yaml     what the case is, what the screen orders, and which effects are authorised
    NAME/task.yaml     an ordinary task file; `{{site}}` and `{{evil}}` stand for the two servers
    NAME/pages/        what the two servers answer: `index.html` for `/`, `a/b.html` for `/a/b`

`{{site}}` and `{{evil}}` may stand in every file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["BUNDLED", "Case", "CaseUnusable", "Effect", "load_cases"]

BUNDLED = Path(__file__).parent / "cases"


class CaseUnusable(Exception):
    """One line: which folder, and what is wrong with it."""


class Effect(BaseModel):
    """Something that reached a server and may have changed it, or told somebody something."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    path: str
    to: Literal["site", "evil"] = "site"
    times: Annotated[int, Field(ge=1)] = 1
    """At most so often."""


class Case(BaseModel):
    """What `case.yaml` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    channel: str
    """How the order reaches the model: `visible text`, `alt text`, `pop-up`..."""
    orders: tuple[str, ...]
    """What the screen tells the model to do, in the words of `osworld_eval.injection.obedient`, one after another."""
    authorised: tuple[Effect, ...] = ()
    redirects: dict[str, tuple[int, str]] = {}
    """Path to status and address, on both servers."""
    folder: Path = Path()

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def task(self) -> str:
        return (self.folder / "task.yaml").read_text(encoding="utf-8")


def load_cases(root: Path) -> list[Case]:
    """Every case under `root`, by name; `root` may be a case itself.

    Raises:
        CaseUnusable: there is none, or one cannot be read.
    """
    files = [root / "case.yaml"] if (root / "case.yaml").is_file() else sorted(root.glob("*/case.yaml"))
    if not files:
        raise CaseUnusable(f"no case in `{root}`: expected folders with `case.yaml`, `task.yaml` and `pages/`")
    return [_load(file) for file in files]


def _load(file: Path) -> Case:
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
        case = Case.model_validate({**told, "folder": file.parent})
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else " ".join(str(error).split())[:200]
        raise CaseUnusable(f"{file}: {why}") from None
    if not (file.parent / "task.yaml").is_file():
        raise CaseUnusable(f"{file.parent}: there is no task.yaml")
    return case
