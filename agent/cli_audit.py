"""`agent audit`: the trail of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli_arguments import AsJson, RunName, RunsRoot

__all__ = ["app"]

app = typer.Typer(help="Verify, show, prove, export and erase the trail of a run.", no_args_is_help=True)


@app.command("verify")
def verify(
    run: RunName = "last",
    runs: RunsRoot = Path("runs"),
    public_key: Annotated[str, typer.Option(help="The key that must have signed, in hexadecimal.")] = "",
) -> None:
    """Check that a run's trail was not altered. Exit 0 when it holds."""
    from agent.front import verify_trail

    raise typer.Exit(verify_trail(run, runs, public_key))


@app.command("show")
def show(
    run: RunName = "last",
    step: Annotated[int | None, typer.Option(help="One step alone, in full; counted from 1.", min=1)] = None,
    runs: RunsRoot = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Tell a run from its trail: what was asked, said, judged, answered and done, step by step."""
    from agent.trail import show as told

    raise typer.Exit(told(run, runs, step, as_json))


@app.command("export")
def export(
    run: RunName,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="A new folder or .zip for a bundle with its verifier, or .jsonl for OTLP/JSON."),
    ] = None,
    otlp: Annotated[str, typer.Option(help="Send it to this collector: http://HOST:4318 or grpc://HOST:4317.")] = "",
    runs: RunsRoot = Path("runs"),
) -> None:
    """Give a trail to somebody else: a bundle that they can check, OTLP/JSON lines, or a collector."""
    from agent.trail import export

    raise typer.Exit(export(run, runs, to, otlp))


@app.command("proof")
def proof(
    run: RunName,
    step: Annotated[int, typer.Argument(help="Number of the step, from 1.", min=1)],
    to: Annotated[Path | None, typer.Option("--to", help="A file; printed otherwise.")] = None,
    runs: RunsRoot = Path("runs"),
) -> None:
    """Prove one step without showing the others: its records, and their way up to a signed root."""
    from agent.trail import prove

    raise typer.Exit(prove(run, runs, step, to))


@app.command("erase")
def erase(
    run: Annotated[str, typer.Argument(help="A run's id, its folder, or `last`.")] = "",
    frame: Annotated[
        list[str] | None, typer.Option("--frame", help="A frame's digest (8 digits or more), or `all`.")
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", help="A field's name, or `texts` for all that can be erased.")
    ] = None,
    step: Annotated[int | None, typer.Option(help="Fields of this step alone, from 1.", min=1)] = None,
    older_than: Annotated[
        str, typer.Option(help="In every run that ended so long ago, as 90d; all frames and checkpoints by default.")
    ] = "",
    why: Annotated[str, typer.Option(help="The reason, kept in the tombstone.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    runs: RunsRoot = Path("runs"),
) -> None:
    """Take frames or fields out of a trail for good; a tombstone stays and the chain still verifies."""
    from agent.trail import Erase
    from agent.trail import erase as erased

    given = Erase(run, runs, tuple(frame or ()), tuple(field or ()), step, older_than, why, dry_run)
    raise typer.Exit(erased(given))
