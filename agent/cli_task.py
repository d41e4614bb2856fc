"""`agent task`: task files."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli_arguments import TaskFile
from agent.cli_durable import pairs

__all__ = ["app"]

app = typer.Typer(help="Check task files and print their schema.", no_args_is_help=True)


@app.command("check")
def check(
    file: TaskFile, sets: Annotated[list[str] | None, typer.Option("--set", help="An input, as name=value.")] = None
) -> None:
    """Read a task file and say what is wrong with it, one line each."""
    from agent.front import check_task

    raise typer.Exit(check_task(file, pairs(sets, "--set")))


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of task files, for editors."""
    import json

    from agent.task import task_schema as schema

    typer.echo(json.dumps(schema(), indent=2))
