"""`agent mcp` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["mcp"]


def mcp(
    tasks: Annotated[
        list[Path] | None, typer.Option("--tasks", help="Folder of task files and flows that may be asked for.")
    ] = None,
    runs: Annotated[Path, typer.Option("--runs", help="Where run folders are kept.")] = Path("runs"),
    policy: Annotated[
        list[str] | None, typer.Option("--policy", help="Preset or .cedar file; replaces the tasks'.")
    ] = None,
    tier: Annotated[
        str, typer.Option(help="How far runs are trusted: `observe`, `rehearse`, `supervised`, `bounded`.")
    ] = "",
    approve: Annotated[
        str, typer.Option(help="Who answers questions: `console`, `deny`, or `auto`: a console where one can be.")
    ] = "auto",
    model: Annotated[str, typer.Option(help="`pilot`, `plan`, a folder, or http://HOST:PORT/v1#NAME.")] = "pilot",
    http: Annotated[
        int | None, typer.Option("--http", help="Serve over HTTP on this port of 127.0.0.1 instead of stdio; 0: free.")
    ] = None,
) -> None:
    """Serve the runtime to assistants over the Model Context Protocol: same policy, same console."""
    from agent.assistants.serve import Options, serve

    raise typer.Exit(
        serve(Options(tuple(tasks or (Path("tasks"),)), runs, tuple(policy or ()), tier, approve, model, http))
    )
