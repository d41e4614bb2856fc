"""The part of the command line for runs that outlive a crash: `resume`, `queue`, `work`, `schedule`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli_arguments import AsJson, RunsRoot

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    queue_app = typer.Typer(help="Put runs into a queue for workers, look at it, take them back.", no_args_is_help=True)
    for command in (add, cancel):
        queue_app.command()(command)
    queue_app.command("list")(listed)
    app.command()(resume)
    app.add_typer(queue_app, name="queue")
    app.command()(work)
    app.command()(schedule)


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


def add(
    file: Annotated[Path, typer.Argument(help="A task file, or a flow.yaml.")],
    sets: Annotated[list[str] | None, typer.Option("--set", help="An input, as name=value. May be repeated.")] = None,
    inputs: Annotated[
        Path | None, typer.Option("--inputs", help="An item for each row of this .csv, .jsonl or .xlsx.")
    ] = None,
    policy: Annotated[
        list[str] | None, typer.Option("--policy", help="Preset or .cedar file; replaces the task's.")
    ] = None,
    approve: Annotated[str, typer.Option(help="Who answers questions: `console`, `deny` or `auto`.")] = "deny",
    model: Annotated[str, typer.Option(help="`pilot`, `plan`, a folder, or http://HOST:PORT/v1#NAME.")] = "pilot",
    site: Annotated[list[str] | None, typer.Option("--site", help="A demo site's setting, as name=value.")] = None,
    runs: RunsRoot = Path("runs"),
    retries: Annotated[int, typer.Option(min=0, max=10, help="More tries after a system error.")] = 2,
    again: Annotated[bool, typer.Option("--again", help="Also what is in the queue already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a task or a flow into the queue, once or for each row of a table."""
    needs_store()
    from agent.queueing import Adding
    from agent.queueing import add as put

    given = Adding(
        file, pairs(sets, "--set"), inputs, tuple(policy or ()), approve, model, pairs(site, "--site"), runs, retries,
        again, as_json,
    )  # fmt: skip
    raise typer.Exit(put(given))


def listed(
    state: Annotated[
        list[str] | None, typer.Option(help="Only `waiting`, `leased`, `ended`, `doubt` or `cancelled`; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the queue: what waits, who is at what, how it ended, and what a person must look at."""
    needs_store()
    from agent.queueing import listed as told

    raise typer.Exit(told(state or (), as_json))


def cancel(
    items: Annotated[list[str], typer.Argument(help="Ids of items, or the beginnings of some.")],
) -> None:
    """Take items back; one that is being done is stopped."""
    needs_store()
    from agent.queueing import cancel as take_back

    raise typer.Exit(take_back(items))


def work(
    slots: Annotated[int, typer.Option(min=1, max=64, help="Items at once, each a process of its own.")] = 1,
    once: Annotated[bool, typer.Option("--once", help="End when the queue is empty.")] = False,
    lease: Annotated[
        float, typer.Option(min=2, max=3600, help="Seconds after which another worker takes over from a dead one.")
    ] = 30.0,
) -> None:
    """Do what is in the queue, until told to stop."""
    needs_store()
    from agent.work import work as go

    raise typer.Exit(go(slots, once, lease))


def schedule(
    file: Annotated[Path, typer.Argument(help="A task file, or a flow.yaml.")],
    kind: Annotated[str, typer.Option("--as", help="`systemd`, `cron`, `github` or `gitlab`.")],
    every: Annotated[str, typer.Option(help="As 15m, 2h or 1d.")] = "",
    at: Annotated[str, typer.Option(help="Every day at this time, as 07:30.")] = "",
    cron: Annotated[str, typer.Option(help='Five fields, as "30 7 * * 1-5".')] = "",
    sets: Annotated[list[str] | None, typer.Option("--set", help="An input, as name=value. May be repeated.")] = None,
    inputs: Annotated[
        Path | None, typer.Option("--inputs", help="A run for each row of this .csv, .jsonl or .xlsx.")
    ] = None,
    policy: Annotated[
        list[str] | None, typer.Option("--policy", help="Preset or .cedar file; replaces the task's.")
    ] = None,
    approve: Annotated[str, typer.Option(help="Who answers questions: `console`, `deny` or `auto`.")] = "deny",
    model: Annotated[str, typer.Option(help="`pilot`, `plan`, a folder, or http://HOST:PORT/v1#NAME.")] = "pilot",
    runs: RunsRoot = Path("runs"),
    name: Annotated[str, typer.Option(help="Of the timer or job; the task's by default.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Write the files into this folder.")] = None,
) -> None:
    """Print a systemd timer, a cron line or a CI schedule that runs a task. Nothing of deskhand waits for it."""
    from agent.schedule import Given
    from agent.schedule import schedule as written

    given = Given(
        file, kind, every, at, cron, pairs(sets, "--set"), inputs, tuple(policy or ()), approve, model, runs, name, out
    )
    raise typer.Exit(written(given))


def needs_store() -> None:
    """End with one line where the packages of the store are not installed."""
    from importlib.util import find_spec

    if find_spec("sqlalchemy") is None:
        typer.echo("this needs further packages; try: pip install 'deskhand[console]'", err=True)
        raise typer.Exit(2)


def pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """From name=value to a mapping; a usage error for anything else."""
    found = {}
    for item in given or []:
        name, sign, value = item.partition("=")
        if not sign or not name:
            raise typer.BadParameter(f"{option} takes name=value, got `{item}`")
        found[name] = value
    return found
