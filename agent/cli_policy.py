"""`agent policy`: policies and what they decided."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli_arguments import RunName, RunsRoot

__all__ = ["app"]

app = typer.Typer(help="Check and explain policies.", no_args_is_help=True)


@app.command("check")
def check(policies: Annotated[list[str], typer.Argument(help="Presets or .cedar files.")]) -> None:
    """Load and validate policies; warn of rules that can never decide anything."""
    from agent.front import check_policy

    raise typer.Exit(check_policy(policies))


@app.command("test")
def test(
    policy: Annotated[str, typer.Argument(help="Preset or .cedar file.")],
    table: Annotated[
        Path | None, typer.Argument(help="A table of requests and verdicts; a preset's own by default.")
    ] = None,
) -> None:
    """Run a table of requests against a policy."""
    from agent.front import test_policy

    raise typer.Exit(test_policy(policy, table))


@app.command("explain")
def explain(
    run: RunName,
    step: Annotated[int, typer.Argument(help="Number of the step, from 1.")],
    runs: RunsRoot = Path("runs"),
) -> None:
    """Say which rule decided a step, why, and what would have changed it."""
    from agent.front import explain_step

    raise typer.Exit(explain_step(run, step, runs))
