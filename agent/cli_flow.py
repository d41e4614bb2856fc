"""The part of the command line for flows that are reviewed: `flow diff`, `flow accept`, `flow test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli_arguments import RunsRoot
from agent.cli_durable import pairs

__all__ = ["add_to"]

Patch = Annotated[Path, typer.Argument(metavar="PATCH", help="A flow.patch.yaml, or the run that left it.")]
FlowFile = Annotated[Path | None, typer.Option("--flow", help="The flow it is for; where the patch says by default.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    flow = typer.Typer(help="Review what a replay proposes to change in its flow.", no_args_is_help=True)
    for command in (diff, accept, test):
        flow.command()(command)
    app.add_typer(flow, name="flow")


def diff(patch: Patch, flow: FlowFile = None, runs: RunsRoot = Path("runs")) -> None:
    """Show what a patch would change in its flow, why, and who proposed it."""
    from agent.flow.review import show

    raise typer.Exit(show(patch, flow, runs))


def accept(patch: Patch, flow: FlowFile = None, runs: RunsRoot = Path("runs")) -> None:
    """Write the changes of a patch into its flow."""
    from agent.flow.review import accept as take

    raise typer.Exit(take(patch, flow, runs))


def test(
    flow: Annotated[Path, typer.Argument(help="A flow.yaml, a flow.patch.yaml, or a run that left one.")],
    replay: Annotated[bool, typer.Option("--replay", help="Replay it too: this does what the flow does.")] = False,
    sets: Annotated[list[str] | None, typer.Option("--set", help="An input, as name=value. May be repeated.")] = None,
    task: Annotated[
        Path | None, typer.Option("--task", help="The task file; the one beside the flow by default.")
    ] = None,
    approve: Annotated[str, typer.Option(help="With --replay: who answers questions.")] = "deny",
    site: Annotated[list[str] | None, typer.Option("--site", help="A demo site's setting, as name=value.")] = None,
    runs: RunsRoot = Path("runs"),
) -> None:
    """Look a flow over, or a patch with its flow: pictures, templates, rules. Exit 10 where something is wrong."""
    from agent.flow.review import test as look_over
    from agent.run import Options

    options = Options(
        task=flow, sets=pairs(sets, "--set"), approve=approve, site=pairs(site, "--site"), runs=runs, again=True
    )
    raise typer.Exit(look_over(flow, options, task, replay))
