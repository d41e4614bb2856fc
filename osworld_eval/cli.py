"""`agent eval ...`: the benchmarks' command line, found by the runtime through an entry point."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app", "main"]

app = typer.Typer(
    name="agent eval", help="Run benchmarks.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)


@app.callback()
def _root() -> None:
    """Run benchmarks: each prints a table, or JSON for machines."""


@app.command()
def bookings(
    n: Annotated[int, typer.Option("--n", help="How many bookings.")] = 20,
    first_seed: Annotated[
        int, typer.Option(help="Seed of the first; training never uses seeds from 900000.")
    ] = 900_000,
    model: Annotated[str, typer.Option(help="`pilot` or a checkpoint folder.")] = "pilot",
    runs: Annotated[Path, typer.Option(help="Where run folders are kept.")] = Path("runs/bookings"),
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Book flights on the demo airline with random inputs, layouts and themes; judge by the server's own log."""
    from osworld_eval.bookings import main as play

    raise typer.Exit(play(n, first_seed, model, runs, as_json))


def main(arguments: list[str]) -> int:
    """Run one benchmark command and return its exit code."""
    try:
        app(arguments, standalone_mode=False, prog_name="agent eval")
    except typer.Exit as done:
        return int(done.exit_code)
    return 0
