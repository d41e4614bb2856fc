"""The part of the command line for runs that outlive a crash: `resume`, `queue`, `work`, `schedule`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["add_to"]

RunsRoot = Annotated[Path, typer.Option("--runs", help="Where run folders are kept.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print for machines.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(resume)


def resume(
    run: Annotated[str, typer.Argument(help="A run's id, the beginning of one, its folder, or `last`.")] = "last",
    runs: RunsRoot = Path("runs"),
    approve: Annotated[str, typer.Option(help="Who answers questions; as the run was started by default.")] = "",
    model: Annotated[str, typer.Option(help="Another model than the one that the run had.")] = "",
    headed: Annotated[bool, typer.Option("--headed", help="Show the browser window.")] = False,
    as_json: AsJson = False,
    stop_key: Annotated[
        str, typer.Option(envvar="AGENT_STOP_KEY", help="Keys that stop the run at this display; `auto` or `off`.")
    ] = "auto",
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit file here.")] = None,
) -> None:
    """Go on with a run that a crash, a reboot or a lost network cut off. What may have happened is looked for first."""
    from agent.resume import Given
    from agent.resume import resume as go_on

    raise typer.Exit(go_on(Given(run, runs, approve, model, headed, as_json, stop_key, junit)))
