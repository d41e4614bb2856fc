"""Those who play: what a runner asks of them, and local processes as one kind of them.

A crew has slots. A slot that is ready is given one job at a time and says how it went; one that dies says so too, and
is replaced by the crew. Which job is given next, and what becomes of one whose slot died, is the runner's business.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal, Protocol

from osworld_eval.osworld.row import Job, Row
from osworld_eval.osworld.worker import Equipment, serve

__all__ = ["Crew", "Event", "Local"]

STARTS_S = 420.0
"""How long a slot may take to be ready: a virtual machine boots in up to five minutes."""
_ENDS_S = 20.0
_MOST_FAILED = 3


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a slot.

    ready: it can be given a job. played: `row` came of its job, whose files lie in `folder`. died: it ended and is
    being replaced; its job, if it had one, was not played. gone: it died too often while it started and is not
    replaced. refused: there can be no such slot at all.
    """

    slot: str
    kind: Literal["ready", "played", "died", "gone", "refused"]
    row: Row | None = None
    folder: Path | None = None
    why: str = ""


class Crew(Protocol):
    """Slots that play."""

    @property
    def idle(self) -> Sequence[str]:
        """Slots that are ready and have no job."""
        ...

    @property
    def starting(self) -> Sequence[str]:
        """Slots that may still become ready."""
        ...

    def give(self, slot: str, job: Job) -> None: ...

    def wait(self, bound_s: float) -> Sequence[Event]:
        """What has happened since; returns after `bound_s` at the latest, at once where something has."""
        ...

    def kill(self, slot: str) -> None:
        """End a slot that does not come back; it dies and is replaced."""
        ...

    def stop(self) -> None:
        """Ask every attempt that goes on to end early."""
        ...

    def close(self) -> None: ...


@dataclass
class _Slot:
    name: str
    equipment: Equipment
    process: Any = None
    line: Connection | None = None
    state: Literal["starting", "idle", "playing", "gone"] = "starting"
    folder: Path | None = None
    since: float = field(default_factory=time.monotonic)
    failed: int = 0
    """Starts in a row that came to nothing."""


class Local:
    """Processes on this machine, each with a machine, an agent and a jail of its own.

    Args:
        equipment: one for each slot.
        folder: where attempts leave their files until the runner takes them.
    """

    def __init__(self, equipment: Sequence[Equipment], folder: Path) -> None:
        import multiprocessing

        self._spawn = multiprocessing.get_context("spawn")
        self._folder = folder
        self._slots = {str(place): _Slot(str(place), one) for place, one in enumerate(equipment, 1)}
        for slot in self._slots.values():
            self._start(slot)

    @property
    def idle(self) -> Sequence[str]:
        return [slot.name for slot in self._slots.values() if slot.state == "idle"]

    @property
    def starting(self) -> Sequence[str]:
        return [slot.name for slot in self._slots.values() if slot.state == "starting"]

    @property
    def pids(self) -> dict[str, int]:
        """The process of each slot."""
        return {slot.name: slot.process.pid for slot in self._slots.values() if slot.state != "gone"}

    def give(self, slot: str, job: Job) -> None:
        """Begin a job. A slot that has died meanwhile says so in the next `wait`."""
        one = self._slots[slot]
        assert one.state == "idle" and one.line is not None
        one.folder = self._folder / job.name
        one.state, one.since = "playing", time.monotonic()
        with suppress(OSError):
            one.line.send((job, str(one.folder)))

    def wait(self, bound_s: float) -> Sequence[Event]:
        """See `Crew.wait`."""
        by_line = {slot.line: slot for slot in self._slots.values() if slot.line is not None}
        events = [self._heard(by_line[line]) for line in wait(list(by_line), bound_s)]  # type: ignore[index]
        late = [one for one in self._slots.values() if one.state == "starting" and _age(one) > STARTS_S]
        return [*events, *(self._ended(slot, f"it was not ready within {STARTS_S:g} seconds") for slot in late)]

    def kill(self, slot: str) -> None:
        """See `Crew.kill`."""
        _end(self._slots[slot].process, signal.SIGKILL)

    def stop(self) -> None:
        """See `Crew.stop`."""
        for slot in self._slots.values():
            if slot.state == "playing" and slot.process is not None:
                _signal(slot.process, signal.SIGTERM, group=False)

    def close(self) -> None:
        """End every process: those that are idle by themselves, the others by force after a while."""
        for slot in self._slots.values():
            if slot.line is not None:
                with suppress(OSError):
                    slot.line.send(None)
        until = time.monotonic() + _ENDS_S
        for slot in self._slots.values():
            if slot.process is None:
                continue
            if slot.state != "idle":
                _signal(slot.process, signal.SIGTERM, group=False)
            slot.process.join(max(0.0, until - time.monotonic()))
            _end(slot.process, signal.SIGKILL)
            if slot.line is not None:
                slot.line.close()
            slot.line, slot.state = None, "gone"

    def _start(self, slot: _Slot) -> None:
        ours, theirs = self._spawn.Pipe()
        name = f"osworld-slot-{slot.name}"
        slot.process = self._spawn.Process(target=serve, args=(slot.equipment, slot.name, theirs), name=name)
        slot.process.start()
        theirs.close()
        slot.line, slot.state, slot.since, slot.folder = ours, "starting", time.monotonic(), None

    def _heard(self, slot: _Slot) -> Event:
        assert slot.line is not None
        try:
            kind, value = slot.line.recv()
        except (EOFError, OSError):
            slot.process.join(1.0)
            return self._ended(slot, f"its process ended with code {slot.process.exitcode}")
        if kind == "ready":
            slot.state, slot.failed = "idle", 0
            return Event(slot.name, "ready")
        if kind == "row":
            slot.state = "idle"
            return Event(slot.name, "played", row=value, folder=slot.folder)
        if kind == "refused":
            return Event(slot.name, "refused", why=value)
        return self._ended(slot, value)

    def _ended(self, slot: _Slot, why: str) -> Event:
        """Clear a dead slot away and start it anew, unless it has never come up for some time."""
        slot.failed += slot.state == "starting"
        _end(slot.process, signal.SIGKILL)
        if slot.line is not None:
            slot.line.close()
        slot.line = None
        if slot.failed >= _MOST_FAILED:
            slot.state = "gone"
            return Event(slot.name, "gone", why=why)
        self._start(slot)
        return Event(slot.name, "died", why=why)


def _age(slot: _Slot) -> float:
    return time.monotonic() - slot.since


def _end(process: Any, number: signal.Signals) -> None:
    """End a process with all in its session, and take its place in the table back."""
    _signal(process, number, group=True)
    process.join(5.0)


def _signal(process: Any, number: signal.Signals, group: bool) -> None:
    if process is None or process.pid is None:
        return
    with suppress(ProcessLookupError, PermissionError):
        if group and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, number)
        elif process.is_alive():
            os.kill(process.pid, number)
