"""Arguments and options that many commands of the command line share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AsJson", "RunName", "RunsRoot", "TaskFile"]

TaskFile = Annotated[Path, typer.Argument(help="A task file, for example tasks/book_flight.yaml.")]
RunName = Annotated[str, typer.Argument(help="A run's id, the beginning of one, its folder, or `last`.")]
RunsRoot = Annotated[Path, typer.Option("--runs", help="Where run folders are kept.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print for machines.")]
