"""`agent eval osworld` and its kin `rerun`, `compare` and `leaderboard`: options, and nothing that is heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["add"]

Out = Annotated[
    Path | None, typer.Option(help="Keep rows, run folders and upstream's layout of results here, and go on with them.")
]
Slots = Annotated[int, typer.Option(min=1, max=512, help="Attempts at once, each on a machine of its own.")]
Retries = Annotated[int, typer.Option(min=0, max=10, help="Further attempts after a machine or a worker has failed.")]
BudgetMinutes = Annotated[
    float | None, typer.Option(min=0.1, help="Begin nothing more after so many minutes; what goes on is played out.")
]
BudgetTokens = Annotated[int | None, typer.Option(min=1, help="Begin nothing more after so many tokens.")]
Guest = Annotated[
    list[str] | None, typer.Option(help="Play on this machine, `http://HOST:5000`; repeated, each is a slot.")
]
TokenEnv = Annotated[str, typer.Option(help="The environment variable that holds the guests' token.")]
Revert = Annotated[str, typer.Option(help="Puts a guest back: a command with {address} in it; met by no shell.")]
Docker = Annotated[str, typer.Option(metavar="QCOW2", help="Play on OSWorld's own machine, by its docker image.")]
Assets = Annotated[
    Path | None, typer.Option(help="The cache of files that tasks download; `cache` beside the tasks by default.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Fetch nothing: what the cache lacks is an error.")]
Environment = Annotated[Path | None, typer.Option(help="Where the evaluators are installed; their default place.")]
Keep = Annotated[str, typer.Option(help="Which run folders stay in --out: `all`, `failed` or `none`.")]
Device = Annotated[str, typer.Option(help="`auto`, `cpu`, `cuda`, `cuda:1`...")]
Ray = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Play on a Ray cluster: `HOST:PORT`, `auto`, or `local` for one made here."),
]
RayNeeds = Annotated[str, typer.Option(help="What a slot takes of the cluster, such as CPU=2,desktop=1.")]
ModelActors = Annotated[
    int, typer.Option(min=0, help="Actors that share a local model; by default one on each GPU of the cluster.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print for machines.")]


def add(app: typer.Typer) -> None:
    """Put the commands into `agent eval`."""
    app.command("osworld")(osworld)
    app.command("android")(android)
    app.command("rerun")(rerun)
    app.command("compare")(compare)
    app.command("leaderboard")(leaderboard)


def osworld(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="OSWorld's `evaluation_examples`, or the folder above; our own tasks."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Look everything over and run nothing.")] = False,
    agent: Annotated[
        str,
        typer.Option(
            help="`oracle` (our own tasks), `random`, `pilot`, a checkpoint folder, or `http://HOST/v1#NAME`."
        ),
    ] = "pilot",
    index: Annotated[str, typer.Option(help="Only the tasks of this index file, such as `test_small`.")] = "",
    tasks: Annotated[str, typer.Option(help="Only these: `DOMAIN`, `DOMAIN/ID` or ids, with commas between.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many tasks.")] = None,
    repeat: Annotated[int, typer.Option(min=1, max=100, help="Play all of it so often.")] = 1,
    slots: Slots = 1,
    out: Out = None,
    perception: Annotated[str, typer.Option(help="`pixels`, or `both` with the accessibility tree.")] = "pixels",
    steps: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Steps of an attempt; 15 as upstream, 150 for an oracle.")
    ] = None,
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="Minutes of an attempt's agent.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Of the first repeat; the next ones count on.")] = 0,
    retries: Retries = 2,
    budget_minutes: BudgetMinutes = None,
    budget_tokens: BudgetTokens = None,
    guest: Guest = None,
    token_env: TokenEnv = "",
    revert: Revert = "",
    docker: Docker = "",
    screen: Annotated[str, typer.Option(help="WIDTHxHEIGHT of a sandbox.")] = "1920x1080",
    mended: Annotated[
        list[str] | None, typer.Option(help="Mend this known bug of upstream's evaluators; may be repeated.")
    ] = None,
    assets: Assets = None,
    offline: Offline = False,
    environment: Environment = None,
    device: Device = "auto",
    keep: Keep = "all",
    record: Annotated[bool, typer.Option("--record", help="Let the machine film each attempt.")] = False,
    ray: Ray = None,
    ray_needs: RayNeeds = "",
    model_actors: ModelActors = 0,
    as_json: AsJson = False,
) -> None:
    """Play OSWorld's tasks, or our own in the same format, and score them by upstream's evaluators.

    Figures are per cent. `mean` counts everything that was scheduled, and what crashed as 0; `mean_finished` only what
    has a score, as upstream counts. With --check nothing is played: what is wrong or not supported is listed, and why.
    """
    if check:
        from osworld_eval.osworld.check import Wanted as Looked
        from osworld_eval.osworld.check import main as look
        from osworld_eval.osworld.evaluate import own_suite

        raise typer.Exit(look(Looked(folder or own_suite(), index, assets, offline, as_json)))
    from osworld_eval.osworld.evaluate import Wanted, main

    wanted = Wanted(
        folder=folder,
        agent=agent,
        index=index,
        tasks=tasks,
        limit=limit,
        repeat=repeat,
        seed=seed,
        slots=slots,
        perception=perception,
        device=device,
        steps=steps,
        minutes=minutes,
        retries=retries,
        budget_minutes=budget_minutes,
        budget_tokens=budget_tokens,
        guests=tuple(guest or ()),
        token_env=token_env,
        revert=revert,
        docker=docker,
        screen=screen,
        mended=tuple(mended or ()),
        assets=assets,
        offline=offline,
        environment=environment,
        out=out,
        keep=keep,
        record=record,
        ray=ray,
        ray_needs=ray_needs,
        model_actors=model_actors,
        as_json=as_json,
    )
    raise typer.Exit(main(wanted))


def android(
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Task files for a phone; the bundled.")] = None,
    agent: Annotated[
        str, typer.Option(help="`plan` (follows each task's own plan), `random`, `pilot`, a folder or a server.")
    ] = "pilot",
    serial: Annotated[
        list[str] | None, typer.Option(help="Play on this phone, as adb lists it; repeated, each is a slot.")
    ] = None,
    tasks: Annotated[str, typer.Option(help="Only these, with commas between.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many tasks.")] = None,
    repeat: Annotated[int, typer.Option(min=1, max=100, help="Play all of it so often.")] = 1,
    perception: Annotated[str, typer.Option(help="`pixels`, or `both` with the phone's own tree.")] = "both",
    steps: Annotated[int, typer.Option(min=1, max=10_000, help="Steps of an attempt at most.")] = 60,
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="Minutes of an attempt's agent at most.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the first repeat; the next ones count on.")] = 0,
    retries: Retries = 2,
    out: Out = None,
    keep: Keep = "all",
    device: Device = "auto",
    world: Annotated[bool, typer.Option("--world", help="AndroidWorld's tasks, where its package is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Play tasks on a phone that adb knows, in the same runner; a task's own checks say whether it is done."""
    from osworld_eval.osworld.evaluate import Wanted, main

    if world:
        from osworld_eval.osworld.android import world_missing

        typer.echo(f"agent eval android: {world_missing()}", err=True)
        raise typer.Exit(2)
    wanted = Wanted(
        folder=folder,
        phones=tuple(serial or [""]),
        agent=agent,
        tasks=tasks,
        limit=limit,
        repeat=repeat,
        perception=perception,
        steps=steps,
        minutes=minutes,
        seed=seed,
        retries=retries,
        out=out,
        keep=keep,
        device=device,
        as_json=as_json,
    )
    raise typer.Exit(main(wanted))


def rerun(
    manifest: Annotated[Path, typer.Argument(help="A `manifest.json`, or the folder of results that holds it.")],
    folder: Annotated[
        Path | None, typer.Option("--tasks-in", help="Where the tasks are now, if not where the manifest says.")
    ] = None,
    slots: Slots = 1,
    out: Out = None,
    retries: Retries = 2,
    budget_minutes: BudgetMinutes = None,
    budget_tokens: BudgetTokens = None,
    guest: Guest = None,
    token_env: TokenEnv = "",
    revert: Revert = "",
    docker: Docker = "",
    assets: Assets = None,
    offline: Offline = False,
    environment: Environment = None,
    device: Device = "auto",
    keep: Keep = "all",
    ray: Ray = None,
    ray_needs: RayNeeds = "",
    model_actors: ModelActors = 0,
    as_json: AsJson = False,
) -> None:
    """Play again exactly what a manifest pins; refused where tasks, model or settings are not the same."""
    from osworld_eval.osworld.evaluate import Wanted
    from osworld_eval.osworld.rerun import main

    wanted = Wanted(
        folder=folder,
        slots=slots,
        out=out,
        retries=retries,
        budget_minutes=budget_minutes,
        budget_tokens=budget_tokens,
        guests=tuple(guest or ()),
        token_env=token_env,
        revert=revert,
        docker=docker,
        assets=assets,
        offline=offline,
        environment=environment,
        device=device,
        keep=keep,
        ray=ray,
        ray_needs=ray_needs,
        model_actors=model_actors,
        as_json=as_json,
    )
    raise typer.Exit(main(manifest, wanted))


def compare(
    one: Annotated[Path, typer.Argument(metavar="A", help="A folder of results (`--out` of `agent eval osworld`).")],
    other: Annotated[Path, typer.Argument(metavar="B", help="Another.")],
    as_json: AsJson = False,
) -> None:
    """Compare two agents on the tasks that both were given: difference of the means, with paired statistics."""
    from osworld_eval.osworld.compare import main

    raise typer.Exit(main(one, other, as_json))


def leaderboard(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of results.")],
    to: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("leaderboard.html"),
    title: Annotated[str, typer.Option(help="What stands above it.")] = "OSWorld",
) -> None:
    """Write one HTML file with the figures and charts of several runs; it works offline."""
    from osworld_eval.osworld.leaderboard import main

    raise typer.Exit(main(folders, to, title))
