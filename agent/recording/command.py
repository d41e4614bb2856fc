"""`agent record` and `agent learn` on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agent.recording.keep import Kept

__all__ = ["learn", "record"]

_USAGE = 2


def record(
    start: Annotated[
        str, typer.Argument(help="The address to begin at; `site://flights/` is the demo site. Left out with --task.")
    ] = "",
    to: Annotated[Path, typer.Option("--to", help="A new folder for the task, the flow and the film.")] = Path(
        "recorded"
    ),
    task: Annotated[
        Path | None, typer.Option("--task", help="A task that is there already: only its way is recorded.")
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="With --task: the value of an input that you will type.")
    ] = None,
    site: Annotated[list[str] | None, typer.Option("--site", help="A demo site's setting, as name=value.")] = None,
    name: Annotated[str, typer.Option(help="The task's name: letters, digits and `_`.")] = "recorded",
    goal: Annotated[str, typer.Option(help="What it is for, in words.")] = "",
    secret: Annotated[
        list[str] | None, typer.Option("--secret", help="The name of a further field that is secret. May be repeated.")
    ] = None,
    rows: Annotated[
        str, typer.Option(help="What one of several like buttons means: the one in the `same` row, or the `first`.")
    ] = "same",
    headless: Annotated[bool, typer.Option("--headless", help="Without a window, for a script that acts.")] = False,
    desktop: Annotated[
        str, typer.Option("--desktop", help="Watch these programs on your X desktop instead, as mousepad,galculator.")
    ] = "",
) -> None:
    """Watch a person do a task, and write down a task file and a flow. Ends when the window is closed, or by Ctrl+C."""
    if desktop:
        if start or task:
            raise typer.Exit(_refused("--desktop takes no address and no --task: a desktop is recorded as it is"))
        raise typer.Exit(_at_desktop(desktop, to, name, goal))
    from agent.cli_durable import pairs

    if rows not in ("same", "first"):
        raise typer.Exit(_refused(f"--rows takes `same` or `first`, got `{rows}`"))
    if bool(start) == (task is not None):
        raise typer.Exit(_refused("give the address to begin at, or --task with a task that says it"))
    if sets and task is None:
        raise typer.Exit(_refused("--set needs --task: without one what you type becomes an input"))
    from agent.breakage import MACHINERY
    from agent.recording.draft import NoDraft
    from agent.recording.keep import FILM, Wanted
    from agent.recording.keep import record as recorded
    from agent.task import TaskError

    broken: tuple[type[Exception], ...] = (*MACHINERY, OSError)
    wanted = Wanted(
        to, start, task, tuple(pairs(sets, "--set").items()), tuple(pairs(site, "--site").items()), name, goal,
        tuple(secret or ()), "first" if rows == "first" else "same", not headless,
    )  # fmt: skip
    print("recording: do the task, then close the window. Alt+Shift+S in a field marks it as secret.", file=sys.stderr)
    try:
        kept = recorded(wanted, lambda page: True)
    except TaskError as error:
        print("\n".join(error.lines), file=sys.stderr)
        raise typer.Exit(_USAGE) from None
    except NoDraft as problem:
        print(f"agent record: {problem}; the film is in {to / FILM}", file=sys.stderr)
        raise typer.Exit(1) from None
    except broken as error:
        print(f"agent record: {' '.join(str(error).split())}", file=sys.stderr)
        raise typer.Exit(1) from None
    raise typer.Exit(_told(kept))


def _at_desktop(apps: str, to: Path, name: str, goal: str) -> int:
    from agent.breakage import MACHINERY
    from agent.recording.desk_draft import desk_task
    from agent.recording.draft import NoDraft
    from agent.recording.keep import FILM, empty, own_desktop
    from agent.task import TaskError

    broken: tuple[type[Exception], ...] = (*MACHINERY, OSError)
    print("recording: do the task, then press Ctrl+C here.", file=sys.stderr)
    try:
        empty(to)
        watched = own_desktop(tuple(one.strip() for one in apps.split(",") if one.strip()), to / FILM)
        text, notes = desk_task(watched, name, goal)
        (to / "task.yaml").write_text(text)
    except TaskError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return _USAGE
    except NoDraft as problem:
        print(f"agent record: {problem}; the film is in {to / FILM}", file=sys.stderr)
        return 1
    except broken as error:
        print(f"agent record: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    print(f"{to / 'task.yaml'}: read it before it runs")
    for note in notes:
        print(f"  check: {note}")
    return 0


def _refused(line: str) -> int:
    print(f"agent record: {line}", file=sys.stderr)
    return _USAGE


def _told(kept: Kept) -> int:
    print(f"{kept.folder}: {kept.steps} steps; inputs: {', '.join(kept.inputs) or 'none'}")
    if kept.secrets:
        print(f"  secrets, by name alone: {', '.join(kept.secrets)}; task.yaml says where each is read from")
    for note in kept.notes:
        print(f"  check: {note}")
    print(f"  read {kept.folder / 'task.yaml'}, then: agent replay {kept.folder / 'flow.yaml'}")
    return 0


def learn(
    film: Annotated[Path, typer.Argument(help="A screen recording: webm, mp4, mkv, avi.")],
    to: Annotated[Path, typer.Option("--to", help="The task file to write.")] = Path("learned.yaml"),
    model: Annotated[str, typer.Option(help="`pilot`, a folder, or http://HOST:PORT/v1#NAME.")] = "pilot",
    name: Annotated[str, typer.Option(help="The task's name: letters, digits and `_`.")] = "learned",
    goal: Annotated[str, typer.Option(help="What it is for, in words.")] = "",
    deadline: Annotated[float, typer.Option(help="Seconds for the model.")] = 600.0,
) -> None:
    """Draft a task file from a film of somebody doing it. Every step is a guess, marked `# check`."""
    from model.asking.media import Unusable
    from model.base import ModelError

    try:
        raise typer.Exit(_learned(film, to, model, name, goal, deadline))
    except Unusable as problem:
        print(f"agent learn: {problem}", file=sys.stderr)
        raise typer.Exit(_USAGE) from None
    except ModelError as problem:
        print(f"agent learn: {' '.join(str(problem).split())}", file=sys.stderr)
        raise typer.Exit(1) from None


def _learned(film: Path, to: Path, model: str, name: str, goal: str, deadline: float) -> int:
    from agent.recording.learn import asked_of, drafted, guesses, guesses_told, watched_by
    from agent.task import TaskError, load_task
    from model.asking.ask import answerer, answers, check_model
    from model.asking.forms import form
    from model.asking.media import Unusable, open_media

    if to.exists():
        raise Unusable(f"{to}: there is something already; name another file with --to")
    recording = open_media([film]).recording
    if recording is None:
        raise Unusable(f"{film}: this is no recording; expected webm, mp4, mkv or avi")
    asked, notes = asked_of(recording), []
    try:
        check_model(model, form("question"), asked)
        watches = True
    except Unusable as problem:
        if "cannot do" not in str(problem):
            raise
        watches = False
    if watches:
        [answered] = answers(form("question"), asked, answerer(model, form("question"), deadline))
        said, steps = guesses_told(answered.read.answer)
        goal = goal or said
    else:
        notes.append(f"the model `{model}` watches no films: this is from where pictures differ and what is read there")
        print(f"agent learn: {notes[0]}; what was pressed cannot be told", file=sys.stderr)
        steps = guesses(recording, watched_by(model, deadline))
    if not steps:
        raise Unusable(f"{film}: nothing changes on it that could be a step")
    to.write_text(drafted(name, goal or "What the recording shows.", film, steps, notes))
    try:
        load_task(to)
    except TaskError as error:
        print(f"agent learn: the draft is in {to} and is no task yet: {error.lines[0]}", file=sys.stderr)
        return 1
    print(f"{to}: {sum(bool(step.do) for step in steps)} steps, each to be checked")
    return 0
