"""The desktop of a run, from `with` to its end, and what becomes of the files that it leaves.

A sandboxed desktop's home is an overlay: nothing of what a run does to files is real until it is made so, and that
happens once, after every check holds, and only where the task says so. Otherwise the run folder keeps a copy.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actuators.base import Actuator, SecretSource
from actuators.errors import SurfaceUnavailable
from actuators.halt import Halt
from actuators.permit import Verifier
from agent.outcome import Ending
from agent.run_folder import RunFolder
from agent.task_file import DesktopSurface
from sandboxes.changes import Changes
from sandboxes.desktop import Desktop
from sandboxes.files_state import FilesKeeper, before_of
from sandboxes.overlay import Overlay

__all__ = ["FILES", "Files", "desk", "told_files", "undo_of"]

FILES = "files.json"
"""In the run folder: what a run did to files, and what became of it."""


@dataclass(slots=True)
class Files:
    """The files of one sandboxed desktop.

    Args:
        overlay: its home.
        folder: the run's; `files/` in it gets a copy of what came and changed.
        wanted: `leave`, `commit` or `discard`.
        redactor: takes secrets out of what is written down about them.
    """

    overlay: Overlay
    folder: RunFolder
    wanted: str
    redactor: Callable[[str], str]

    @property
    def place(self) -> FilesKeeper:
        """Keeps checkpoints of the files."""
        return FilesKeeper(self.overlay, self.redactor)

    def read(self, path: str) -> bytes | None:
        """One file of the home, for checks."""
        return self.overlay.read(path)

    def wind_up(self, ending: Ending) -> tuple[Ending, list[str]]:
        """Make the files real, or keep a copy, or neither; with the lines that say what was done."""
        changes = self.overlay.diff()
        lines, plain = changes.lines(), changes.plain()  # what differs can be told only until it is real
        if self.wanted != "discard":
            self._keep(changes)
        what = "nothing was made real"
        conflicts: tuple[str, ...] = ()
        undo = ""
        if self.wanted == "commit" and ending.outcome == "verified":
            undo = self.folder.put_state(before_of(self.overlay, changes).to_bytes())
            done = self.overlay.commit(changes)
            conflicts = done.conflicts
            if done.ok:
                what = f"made real: {len(changes.changes)} changes in {self.overlay.below}"
            else:
                why = f"its files were not made real: {conflicts[0]}"
                ending, undo = Ending("done_unverified", f"{ending.because}, but {why}", ending.outputs), ""
        told = {"changes": plain, "lines": lines, "became": what, "conflicts": conflicts, "way": self.overlay.way}
        told["undo"] = undo
        text = json.dumps(told, ensure_ascii=False, indent=1)
        (self.folder.path / FILES).write_text(self.redactor(text) + "\n", "utf-8")
        return ending, [self.redactor(line) for line in (*lines, what, *conflicts)]

    def _keep(self, changes: Changes) -> None:
        for change in changes.changes:
            if change.after is not None and change.after.kind == "file" and change.above is not None:
                place = self.folder.path / "files" / change.path
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(change.above, place)


def told_files(folder: Path) -> list[str]:
    """For a person: what a run did to files and what became of it; empty where it had none."""
    try:
        told = json.loads((folder / FILES).read_text("utf-8"))
        return [*map(str, told["lines"]), str(told["became"]), *map(str, told["conflicts"])]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def undo_of(folder: Path) -> str:
    """Digest of the state that a run's files had before it made them real; empty where nothing was made real."""
    try:
        return str(json.loads((folder / FILES).read_text("utf-8")).get("undo", ""))
    except (OSError, ValueError, AttributeError):
        return ""


@contextmanager
def desk(
    spec: DesktopSurface,
    beside: Path,
    folder: RunFolder,
    verifier: Verifier,
    secrets: SecretSource,
    redactor: Callable[[str], str],
    stop: Halt,
    announce: Callable[[int, int], None],
    rehearsing: bool,
) -> Iterator[tuple[Actuator, Files | None]]:
    """The desktop of a task, ready for its first step.

    Args:
        spec: the task's block.
        beside: the task file's folder.
        folder: the run's.
        verifier: checks permits.
        secrets: gives values while typing.
        redactor: takes secrets out of what is written down.
        stop: the red stop.
        announce: told of each motion of the pointer before it is made, on a display that a person uses too.
        rehearsing: nothing is made real, whatever the task says.

    Raises:
        SandboxUnavailable: something it needs is not there.
        SurfaceUnavailable: its display cannot be reached.
    """
    from actuators.a11y_bus import accessibility_bus
    from actuators.desktop import DesktopActuator
    from sandboxes.desktop import programs_of
    from sandboxes.jail import DESK

    if sys.platform in ("win32", "darwin"):
        with _other(spec, verifier, secrets, stop) as actuator:
            yield actuator, None
        return
    if not spec.sandbox:
        with _own(verifier, secrets, stop, announce) as actuator:
            yield actuator, None
        return
    home = (beside / Path(spec.home).expanduser()).absolute() if spec.home else None
    record = folder.path / "screen.avi" if spec.record else None
    place = folder.path / "desktop"
    try:
        desktop = Desktop(programs_of(spec.apps), home, place, spec.size, spec.hosts, record=record)
        with desktop:
            bus = accessibility_bus(desktop.bus, desktop.bus.parent, DESK)
            display = desktop.display
            with DesktopActuator(verifier, display.name, display.authority, bus, desktop, secrets, stop) as actuator:
                if spec.start:
                    actuator.open(spec.start[0], spec.start[1:])
                files = "leave" if rehearsing and spec.files == "commit" else spec.files
                yield actuator, Files(desktop.overlay, folder, files, redactor)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _other(spec: DesktopSurface, verifier: Verifier, secrets: SecretSource, stop: Halt) -> Iterator[Actuator]:
    """The user's own desktop on Windows or macOS."""
    from actuators.other_desktop import OtherDesktop

    if spec.sandbox:
        raise SurfaceUnavailable("a desktop of its own needs Linux: use `sandbox: false` for yours, or a `guest`")
    with OtherDesktop(verifier, secrets, stop) as actuator:
        yield actuator


@contextmanager
def _own(
    verifier: Verifier, secrets: SecretSource, stop: Halt, announce: Callable[[int, int], None]
) -> Iterator[Actuator]:
    """The user's own desktop, as the environment names it."""
    import os

    from actuators.a11y_bus import accessibility_bus
    from actuators.desktop import DesktopActuator
    from actuators.errors import SurfaceError

    if not os.environ.get("DISPLAY"):
        raise SurfaceUnavailable("there is no desktop here: DISPLAY is not set; use `sandbox: true`")
    bus = None
    session = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "").split(",")[0].removeprefix("unix:path=")
    if session.startswith("/"):
        try:
            bus = accessibility_bus(Path(session))
        except SurfaceError:
            bus = None  # a desktop without accessibility is one of pixels alone
    with DesktopActuator(verifier, bus=bus, secrets=secrets, halt=stop, announce=announce) as actuator:
        yield actuator
