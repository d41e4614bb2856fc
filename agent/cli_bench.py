"""`agent bench`: how long things take here."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli_arguments import AsJson
from agent.cli_durable import needs_store

__all__ = ["app"]

app = typer.Typer(help="Measure deskhand on this machine.", no_args_is_help=True)


@app.command("step")
def step(
    surface: Annotated[str, typer.Option(help="`browser`, `desktop`, `android` or `guest`.")] = "browser",
    n: Annotated[int, typer.Option(help="Steps to measure.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Time a step without the model, phase by phase."""
    from agent.bench import step

    raise typer.Exit(step(surface, n, as_json))


@app.command("policy")
def policy(as_json: AsJson = False) -> None:
    """Time a decision and a permit's round trip through the broker."""
    from agent.bench import policy

    raise typer.Exit(policy(as_json))


@app.command("stop")
def stop(n: Annotated[int, typer.Option(help="Stops of each kind, in each act.")] = 5, as_json: AsJson = False) -> None:
    """Time from a person's stop (key, mouse, signal) to the hand that has let go."""
    from agent.bench_stop import stop as measured

    raise typer.Exit(measured(n, as_json))


@app.command("console")
def console(
    runs: Annotated[int, typer.Option("--runs", help="Runs that wait for an answer.")] = 200,
    requests: Annotated[int, typer.Option(help="Questions that stand in all.")] = 1000,
    store: Annotated[str, typer.Option(help="A store to use, as postgresql://...; a SQLite of its own else.")] = "",
    as_json: AsJson = False,
) -> None:
    """Time from a person's answer to the run that waits for it, with many of both."""
    needs_store()
    from agent.bench_console import console as measured

    raise typer.Exit(measured(runs, requests, store, as_json))


@app.command("trail")
def trail(
    n: Annotated[int, typer.Option(help="Records of the trail that is checked.", min=8)] = 100_000,
    as_json: AsJson = False,
) -> None:
    """Time what a step costs the trail, and the check of a long one."""
    from agent.audit.measure import trail

    raise typer.Exit(trail(n, as_json))


@app.command("model")
def model(
    checkpoint: Annotated[str, typer.Argument(help="`pilot` or a folder.")] = "pilot",
    shapes: Annotated[str, typer.Option(help="Sizes such as 2B,4B,8B with random weights instead, on a GPU.")] = "",
    repeat: Annotated[int, typer.Option(help="How often each is timed; medians are shown.", min=1)] = 5,
    device: Annotated[
        str, typer.Option(help="`auto`, `cpu`, `cuda`, `cuda:1`; sizes want a GPU unless told.")
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """Time the engine against transformers' generate on a growing conversation."""
    from agent.bench import model

    raise typer.Exit(model(checkpoint, as_json, shapes, repeat, device))
