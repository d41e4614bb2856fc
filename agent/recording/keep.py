"""The folder of a recording: a task, a flow, its pictures and the film."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agent.flow.file import FlowAct, written
from agent.recording.acts import settled
from agent.recording.browser import Pulse, Watched, Wish, watch
from agent.recording.desktop import DeskWatched
from agent.recording.draft import Draft, Drafted, Known, Rows
from agent.sites import Site
from agent.task import Task, TaskError, load_task

__all__ = ["FILM", "Kept", "Wanted", "empty", "own_desktop", "record"]

FILM = "recording.avi"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says."""

    folder: Path
    start: str = ""
    """The address to begin at; empty with a task, which says it."""
    task: Path | None = None
    sets: tuple[tuple[str, str], ...] = ()
    site: tuple[tuple[str, str], ...] = ()
    name: str = "recorded"
    goal: str = ""
    secrets: tuple[str, ...] = ()
    rows: Rows = "same"
    headed: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """What came out."""

    folder: Path
    steps: int
    inputs: tuple[str, ...]
    secrets: tuple[str, ...]
    notes: tuple[str, ...]


def record(wanted: Wanted, pulse: Pulse) -> Kept:
    """Watch a person, and keep what they did.

    Raises:
        TaskError: the task, its inputs, the address or the folder is wrong; nothing was started.
        NoDraft: what was done cannot be kept; the film is.
        SandboxUnavailable, SiteError, SurfaceError, OSError: the machinery.
    """
    empty(wanted.folder)
    try:
        return _recorded(wanted, pulse)
    finally:
        if not (wanted.folder / "flow.yaml").exists():  # the task that was only begun
            (wanted.folder / "task.yaml").unlink(missing_ok=True)


def _recorded(wanted: Wanted, pulse: Pulse) -> Kept:
    task = _task(wanted)
    bound = task.bind(missing_secrets=True)
    with ExitStack() as stack:
        if bound.needs_site and bound.site is not None:
            bound = bound.with_origin(stack.enter_context(Site(bound.site)).origin)
        assert bound.browser is not None
        wish = Wish(bound.browser.start, wanted.folder / FILM, bound.browser.viewport, wanted.headed, wanted.secrets)
        watched = watch(wish, pulse)
    origin = _origin(bound.browser.start)
    known = _known(task) if wanted.task is not None else None
    drafted = _drafted(wanted, watched, task.name, known)
    return _written(wanted, task, drafted, origin, watched.seconds)


def empty(folder: Path) -> None:
    """Make a folder for a recording. Raises TaskError where something is in it already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TaskError([f"{folder}: there is something already; name another folder with --to"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TaskError([f"{folder}: it cannot be made: {(error.strerror or 'error').lower()}"]) from None


def own_desktop(apps: Sequence[str], film: Path) -> DeskWatched:
    """Watch a person at their own X desktop until Ctrl+C.

    Raises:
        SurfaceUnavailable: there is none, or it cannot be listened to.
    """
    import os
    from secrets import token_bytes

    from actuators.a11y_bus import accessibility_bus
    from actuators.desktop import DesktopActuator
    from actuators.errors import SurfaceError, SurfaceUnavailable
    from actuators.permit import Verifier
    from agent.recording.desktop import watch_desktop

    if not os.environ.get("DISPLAY"):
        raise SurfaceUnavailable("there is no desktop here: DISPLAY is not set")
    session = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "").split(",")[0].removeprefix("unix:path=")
    try:
        bus = accessibility_bus(Path(session)) if session.startswith("/") else None
    except SurfaceError:
        bus = None
    if bus is None:
        raise SurfaceUnavailable("this desktop has no accessibility (AT-SPI): nothing could be told of what is pressed")
    nobody = Verifier(token_bytes(32), "", "")  # no permit is valid here
    with DesktopActuator(nobody, bus=bus) as actuator:
        return watch_desktop(actuator, film, apps, lambda: True)


def _task(wanted: Wanted) -> Task:
    """The task that is recorded: the one that was named, or one that knows no more than where it begins."""
    place = wanted.task
    if place is None:
        place = wanted.folder / "task.yaml"
        goal = wanted.goal or "What was recorded."
        place.write_text(_first(wanted.name, goal, wanted.start))
    try:
        task = load_task(place, dict(wanted.sets)).with_site(dict(wanted.site))
    except TaskError as error:
        if wanted.task is None:
            place.unlink(missing_ok=True)
            lines = [line.replace(f"{place}:", "agent record:", 1) for line in error.lines]
            raise TaskError(lines[:1]) from None
        raise
    if task.file.surface.browser is None:
        raise TaskError([f"{place}: it does not begin in a browser; a desktop is recorded with --desktop"])
    return task


def _first(name: str, goal: str, start: str) -> str:
    import yaml

    told: dict[str, Any] = {"version": 1, "name": name, "goal": goal, "surface": {"browser": {"start": start}}}
    if start.startswith("site://"):
        told["site"] = {"name": urlsplit(start).netloc}
    return str(yaml.safe_dump(told, sort_keys=False))


def _known(task: Task) -> Known:
    bound = task.bind(missing_secrets=True)
    fields = {name: tuple(spec.fields or ()) for name, spec in task.file.secrets.items()}
    return Known(bound.inputs, task.path.read_text(), fields)


def _drafted(wanted: Wanted, watched: Watched, name: str, known: Known | None) -> Drafted:
    done, lost = settled(watched.heard, watched.last, watched.still)
    draft = Draft(done, watched.last, watched.screen, wanted.folder, name, known, wanted.rows)
    return draft.drafted(lost)


def _written(wanted: Wanted, task: Task, drafted: Drafted, origin: str, seconds: float) -> Kept:
    folder, file = wanted.folder, task.file
    if wanted.task is not None:
        text = task.path.read_text()
    else:
        if file.site is not None:
            drafted = _on_site(drafted, origin, f"site://{file.site.name}")
        surface = {"browser": {"start": file.surface.browser.start if file.surface.browser else wanted.start}}
        site = file.site.model_dump(mode="json", exclude_none=True, exclude_defaults=True) if file.site else None
        goal = wanted.goal or _goal(drafted)
        text = drafted.task(task.name, goal, surface, {**site, "seed": file.site.seed} if site and file.site else None)
    (folder / "task.yaml").write_text(text)
    load_task(folder / "task.yaml")  # what is written must be a task
    flow = drafted.flow(task.name, text.encode(), seconds)
    (folder / "flow.yaml").write_text(written(flow))
    return Kept(folder, len(drafted.steps), tuple(drafted.inputs), tuple(drafted.secrets), drafted.notes)


def _goal(drafted: Drafted) -> str:
    given = ", ".join(f"{name.replace('_', ' ')} {{{{{name}}}}}" for name in drafted.inputs)
    return f"Do what was recorded{f', with {given}' if given else ''}."[:3000]


def _on_site(drafted: Drafted, origin: str, name: str) -> Drafted:
    """The same with the demo site's own name in place of the address that it had this time."""

    def swap(text: str) -> str:
        return text.replace(origin, name)

    secrets = {
        one: {**spec, "origins": [swap(place) for place in spec["origins"]]} for one, spec in drafted.secrets.items()
    }
    narrow = {**drafted.policy["narrow"], "origins": [swap(one) for one in drafted.policy["narrow"]["origins"]]}
    steps = tuple(
        step.model_copy(update={"done_by": tuple(_swapped(act, swap) for act in step.done_by)})
        for step in drafted.steps
    )
    return replace(drafted, secrets=secrets, policy={**drafted.policy, "narrow": narrow}, steps=steps)


def _swapped(act: FlowAct, swap: Callable[[str], str]) -> FlowAct:
    return act.model_copy(update={"url": swap(act.url)}) if act.url else act


def _origin(start: str) -> str:
    parts = urlsplit(start)
    return f"{parts.scheme}://{parts.netloc}"
