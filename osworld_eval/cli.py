"""`agent eval ...`: the benchmarks' command line, found by the runtime through an entry point."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osworld_eval.osworld import command as osworld

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


@app.command()
def chores(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder with browser/ and desktop/.")] = Path("tasks"),
    only: Annotated[list[str] | None, typer.Option(help="Only this task; may be repeated.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="`plan`, `pilot` or a checkpoint folder; may be repeated.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Where run folders are kept.")] = Path("runs/chores"),
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Run the task files that come along, with the plan and with the built-in model; a task's own checks decide."""
    from osworld_eval.chores import main as play

    raise typer.Exit(play(folder, only or (), model or ("plan", "pilot"), runs, as_json))


@app.command()
def replay(
    n: Annotated[int, typer.Option("--n", min=0, help="How many replays, each a process of its own.")] = 50,
    rows: Annotated[int, typer.Option(min=0, help="How many replays as rows of one table.")] = 50,
    driven: Annotated[int, typer.Option(min=0, help="Runs of the model beside them, for its time.")] = 5,
    first_seed: Annotated[int, typer.Option(help="Seed of the first.")] = 900_000,
    model: Annotated[
        str, typer.Option(help="Records the flow and runs beside it: `pilot`, `plan` or a folder.")
    ] = "pilot",
    workers: Annotated[int, typer.Option(min=1, help="Processes at once.")] = 1,
    runs: Annotated[Path, typer.Option(help="Where run folders are kept.")] = Path("runs/replays"),
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Replay one recorded booking with random inputs, layouts and themes; judge by the server's own log."""
    from osworld_eval.replays import main as play

    if not n + rows:
        raise typer.BadParameter("nothing to replay: --n and --rows are both 0", param_hint="--n")
    raise typer.Exit(play(n, rows, driven, first_seed, model, workers, runs, as_json))


@app.command()
def drift(
    n: Annotated[int, typer.Option("--n", min=1, help="How many cases of each kind.")] = 10,
    heal: Annotated[str, typer.Option(help="`off`, `suggest` or `auto`.")] = "auto",
    model: Annotated[str, typer.Option(help="Proposes lost steps anew: `pilot`, `plan` or a folder.")] = "pilot",
    recorder: Annotated[str, typer.Option(help="Records the flow on the old pages.")] = "plan",
    kind: Annotated[list[str] | None, typer.Option("--kind", help="`renamed`, `moved` or `dialog`; all.")] = None,
    first_seed: Annotated[int, typer.Option(help="Seed of the first.")] = 910_000,
    runs: Annotated[Path, typer.Option(help="Where run folders are kept.")] = Path("runs/drift"),
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Replay a flow on a redesigned airline: heal or stop, and nothing wrong reaches the server."""
    from osworld_eval.drifts import KINDS, Wanted
    from osworld_eval.drifts import main as play

    raise typer.Exit(play(Wanted(n, first_seed, heal, recorder, model, tuple(kind or KINDS), runs, as_json)))


@app.command()
def ambiguity(
    n: Annotated[int, typer.Option("--n", min=1, help="How many cases, the kinds in turn.")] = 200,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="`twin`, `row`, `meaning`, `leads` or `harmless`; all.")
    ] = None,
    first_seed: Annotated[int, typer.Option(help="Seed of the first.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Change generated pages so that a recorded target is ambiguous: is anything else ever acted on?"""
    from osworld_eval.ambiguity import KINDS
    from osworld_eval.ambiguity import main as play

    raise typer.Exit(play(n, first_seed, tuple(kind or KINDS), as_json))


@app.command()
def rows(
    n: Annotated[int, typer.Option("--n", min=1, help="How many rows.")] = 200,
    seed: Annotated[int, typer.Option(help="Of what breaks, for which row and when.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Rows at once.")] = 2,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="Only these, as `--fault 'site down' --fault none`; all of them by default."),
    ] = None,
    runs: Annotated[Path, typer.Option(help="A new folder for everything.")] = Path("runs/rows"),
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Do a table of orders while site, browser, runs, machine and disk break; judge by the shop's own log."""
    from osworld_eval.rows.faults import FAULTS
    from osworld_eval.rows.play import Wanted
    from osworld_eval.rows.play import main as play

    if unknown := next((one for one in fault or () if one not in FAULTS), None):
        raise typer.BadParameter(f"expected one of {', '.join(FAULTS)}, got `{unknown}`", param_hint="--fault")
    raise typer.Exit(play(Wanted(n, seed, workers, tuple(fault or FAULTS), runs, as_json)))


@app.command("grounding-pages")
def grounding_pages(
    out: Annotated[Path, typer.Argument(help="Folder to write: images/, annotations.json, nodes.json.")],
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT in CSS pixels.")] = "1280x800",
    scale: Annotated[float, typer.Option(min=0.5, max=4, help="Device pixels to one CSS pixel.")] = 1.0,
    npm: Annotated[Path | None, typer.Option(help="Folder that holds node_modules with the CSS packages.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this page; may be repeated.")] = None,
) -> None:
    """Draw the hand-written pages with Chromium, as a suite for `agent eval grounding`."""
    from osworld_eval.grounding.render import main as render

    given = ["--size", size, "--scale", str(scale), *(["--npm", str(npm)] if npm else [])]
    raise typer.Exit(render([str(out), *given, *(word for name in only or () for word in ("--only", name))]))


@app.command()
def grounding(
    suite: Annotated[Path, typer.Argument(metavar="DIR", help="The suite's folder, or one annotation file of it.")],
    agent: Annotated[
        str, typer.Option(help="`pilot`, `plan`, a checkpoint folder, or a yardstick: `random`, `centre`, `oracle`.")
    ] = "pilot",
    perception: Annotated[str, typer.Option(help="`pixels`, or `both` with the nodes in nodes.json.")] = "pixels",
    layout: Annotated[
        str | None,
        typer.Option(help="`plain`, `screenspot`, `screenspot-v2`, `screenspot-pro` or `osworld-g`; found by default."),
    ] = None,
    template: Annotated[
        str, typer.Option(help="What the model is told, with {instruction}; `auto` makes a sentence of a bare name.")
    ] = "auto",
    first: Annotated[int, typer.Option(min=1, help="Number of the first item.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many items.")] = None,
    device: Annotated[str, typer.Option(help="`auto`, `cpu`, `cuda`, `cuda:1`...")] = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Keep a row for each item here (JSON lines), and go on with it.")
    ] = None,
    misses: Annotated[
        Path | None, typer.Option(help="Write a picture sheet of the misses: a .png or .html file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Point at what an instruction names, on pictures of screens: ScreenSpot, v2, -Pro, OSWorld-G or a plain folder."""
    from osworld_eval.grounding.play import Wanted
    from osworld_eval.grounding.play import main as play

    wanted = Wanted(suite, agent, perception, layout, template, first, limit, device, out, misses, as_json)
    raise typer.Exit(play(wanted))


@app.command()
def miniwob(
    tasks: Annotated[
        str, typer.Option(help="`59` (Pix2Act's), `all`, `held-out`, or names with commas between.")
    ] = "59",
    seeds: Annotated[int, typer.Option(min=1, help="How many episodes of each task.")] = 100,
    first_seed: Annotated[
        int, typer.Option(min=0, help="Seed of the first; the default is Pix2Act's.")
    ] = 1_201_539_860,
    agent: Annotated[
        str,
        typer.Option(help="`pilot`, a checkpoint folder, `oracle` or `random`; several with commas, side by side."),
    ] = "pilot",
    perception: Annotated[str, typer.Option(help="`pixels`, or `both` with the list of nodes.")] = "pixels",
    device: Annotated[str, typer.Option(help="`auto`, `cpu`, `cuda`, `cuda:1`...")] = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes, each with a browser and a model of its own.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Keep a row for each episode and its run folder here, and go on with them.")
    ] = None,
    keep: Annotated[str, typer.Option(help="Which run folders stay in --out: `failed`, `all` or `none`.")] = "failed",
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """MiniWoB++ through the whole runtime, by Pix2Act's protocol: 30 steps, no time limit, pages loaded anew.

    Figures are per cent, means over tasks. `mean` counts solved episodes: raw reward 1, or above 0.8 in the six tasks
    whose reward is a distance. `mean_positive` counts raw rewards above 0, as Pix2Act does; `mean_exact` those of 1.
    """
    from osworld_eval.miniwob.evaluate import Wanted
    from osworld_eval.miniwob.evaluate import main as play

    wanted = Wanted(tasks, seeds, first_seed, agent, perception, device, workers, out, keep, as_json)
    raise typer.Exit(play(wanted))


@app.command()
def webapps(
    tasks: Annotated[
        str, typer.Option(help="Names or beginnings of names with commas between, such as `django,wiki_new`; all.")
    ] = "",
    agent: Annotated[str, typer.Option(help="`pilot`, `plan` or a checkpoint folder.")] = "pilot",
    environment: Annotated[
        Path | None, typer.Option(help="Where `python -m osworld_eval.webapps.install` put the applications.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Where run folders are kept.")] = Path("runs/webapps"),
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Eleven chores on Django's admin, Wagtail, Otter Wiki, Roundup and JupyterLab; judged by screen and data."""
    from osworld_eval.webapps.play import Wanted
    from osworld_eval.webapps.play import main as play

    raise typer.Exit(play(Wanted(tuple(tasks.split(",")), agent, environment, runs, as_json)))


@app.command()
def injection(
    cases: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Folder of cases; the bundled ones.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this case; may be repeated.")] = None,
    bare: Annotated[
        bool, typer.Option("--bare", help="What the same orders do with a bare browser, without deskhand.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Let pages give orders to a model that obeys every one; judge by what reached the servers."""
    from osworld_eval.injection.case import BUNDLED
    from osworld_eval.injection.play import main as play

    raise typer.Exit(play(cases or BUNDLED, only or (), as_json, bare))


osworld.add(app)


@app.command("osworld-scoring")
def osworld_scoring(
    full: Annotated[
        bool, typer.Option("--full", help="Also what pictures, sound, video and pages of PDF need.")
    ] = False,
    into: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to; the user's cache.")] = None,
) -> None:
    """Install OSWorld's own evaluators into an environment of theirs; the light set serves all metrics but 17."""
    from osworld_eval.osworld.scoring.install import main as make

    raise typer.Exit(make([*(["--full"] if full else []), *(["--into", str(into)] if into else [])]))


def main(arguments: list[str]) -> int:
    """Run one benchmark command and return its exit code."""
    code = app(arguments, standalone_mode=False, prog_name="agent eval")  # an Exit comes back as its code
    return code if isinstance(code, int) else 0
