"""What assistants have going on: runs that they asked for, surfaces that they hold open, and what waits for a person.

An assistant asks; it cannot choose the policy, cannot name a file of its own, and cannot answer a question: there is no
way here to the approver's key. What this does not protect against: an assistant that has a shell of the same user.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.assistants.job import Job, newest_frame
from agent.assistants.shelf import NotThere, Shelf
from agent.session.client import Session, SessionFailed, SessionOver
from agent.session.client import Wanted as Opened
from agent.store.where import StoreUnusable
from agent.task import TaskError, load_task

if TYPE_CHECKING:
    from agent.store.requests import Requests
    from agent.store.store import Store

__all__ = ["Desk", "No", "Wanted"]

LONGEST_WAIT_S = 50.0
"""Assistants give up on a call that takes much longer; they ask again instead."""
_SLICE_S = 0.25


class No(Exception):
    """It is not done, and why: one line."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator has started the server with."""

    folders: Sequence[Path]
    runs: Path
    approve: str
    """`console` or `deny`."""
    policy: Sequence[str] = ()
    tier: str = ""
    model: str = "pilot"
    most: int = 4
    """Runs and surfaces at a time."""


@dataclass(slots=True)
class _Open:
    """A surface that is held open."""

    session: Session
    lock: threading.Lock
    seen: dict[str, Any]
    since: float = 0.0
    """When the act that waits was asked for; 0 where none waits."""


class Desk:
    """Thread-safe. `close` it: what goes on is then stopped."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._shelf = Shelf(wanted.folders, wanted.runs)
        self._jobs: dict[str, Job] = {}
        self._open: dict[str, _Open] = {}
        self._lock = threading.Lock()
        self._count = 0
        self._store: Store | None = None

    # Tasks and flows

    def tasks(self) -> dict[str, Any]:
        return self._shelf.told()

    def run_task(self, task: str, inputs: Mapping[str, Any], wait_s: float) -> dict[str, Any]:
        path, sets = self._task(task, inputs)
        return self._started(["run", str(path), "--model", self._wanted.model, "--stop-key", "off"], sets, wait_s)

    def replay_flow(self, flow: str, inputs: Mapping[str, Any], wait_s: float) -> dict[str, Any]:
        if self._wanted.tier:
            raise No(f"flows are not replayed here: the server was started with `--tier {self._wanted.tier}`")
        path = _or_no(lambda: self._shelf.flow(flow))
        return self._started(["replay", str(path)], _plain(inputs), wait_s)

    def run_status(self, run: str, wait_s: float) -> dict[str, Any]:
        """How a run stands; waits until it has ended, or a person is asked, or the time is up."""
        job = self._job(run)
        until = time.monotonic() + _bounded(wait_s)
        while not job.wait(min(_SLICE_S, max(0.0, until - time.monotonic()))):
            if time.monotonic() >= until or self._pending(_id(job)):
                break
        return self._status(run, job)

    def stop_run(self, run: str) -> dict[str, Any]:
        job = self._job(run)
        job.stop()
        return self._status(run, job)

    def pending(self) -> dict[str, Any]:
        """What waits for a person, of the runs and surfaces of this server."""
        mine = [(name, _id(job)) for name, job in self._jobs.items() if not job.ended]
        mine += [(name, one.session.run) for name, one in self._open.items() if one.session.ended is None]
        waiting = [{"run": name, "waits": line} for name, run in mine for line in self._pending(run)]
        how = "at `agent console`, or with `agent pending` and `agent approve` in a terminal of their own"
        return {"waiting": waiting, "answered": f"by a person, {how}; not from here"}

    def picture(self, name: str) -> bytes:
        """The last screenshot of a run or a surface, as PNG."""
        if name in self._open:
            frame = self._open[name].session.folder / "frames" / f"{self._open[name].seen['frame']}.png"
            with suppress(OSError):
                return frame.read_bytes()
        folder = self._job(name).folder if name in self._jobs or name not in self._open else None
        png = newest_frame(folder.path) if folder is not None else None
        if png is None:
            raise No(f"`{name[:40]}` has shown nothing yet; try again in a moment")
        return png

    # Surfaces

    def open_surface(self, task: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        path, sets = self._task(task, inputs)
        wanted = self._wanted
        opened = Opened(
            path, sets, wanted.approve, tuple(wanted.policy), wanted.tier, runs=wanted.runs, who="assistant"
        )
        session = Session(opened)
        name = self._place("s")
        try:
            session.start()
            seen = session.look()
        except SessionFailed as problem:
            session.end()
            raise No(str(problem)) from None
        self._open[name] = _Open(session, threading.Lock(), seen)
        return {"session": name, "run": session.run, "screen": seen_lines(seen)}

    def look(self, session: str) -> dict[str, Any]:
        one = self._session(session)
        with one.lock:
            self._none_waits(one)
            try:
                one.seen = one.session.look()
            except SessionFailed as problem:
                raise No(str(problem)) from None
            return {"screen": seen_lines(one.seen)}

    def act(self, session: str, act: Mapping[str, Any], wait_s: float) -> dict[str, Any]:
        """One act; what came of it, or that it still waits for a person."""
        one = self._session(session)
        with one.lock:
            self._none_waits(one)
            try:
                one.session.ask({"ask": "act", "act": dict(act)})
            except SessionFailed as problem:
                raise No(str(problem)) from None
            one.since = time.monotonic()
            return self._came(one, wait_s)

    def surface_status(self, session: str, wait_s: float) -> dict[str, Any]:
        """What came of the act that waited."""
        one = self._session(session)
        with one.lock:
            if not one.since:
                return {"state": "ready", "screen": seen_lines(one.seen)}
            return self._came(one, wait_s)

    def close_surface(self, session: str) -> dict[str, Any]:
        one = self._session(session)
        with one.lock:
            ended = one.session.close()
        self._open.pop(session, None)
        return {"state": "ended", **_ending(ended)}

    def close(self) -> None:
        for one in list(self._open.values()):
            one.session.end()
        for job in self._jobs.values():
            job.end()
        if self._store is not None:
            self._store.close()

    # Within

    def _task(self, task: str, inputs: Mapping[str, Any]) -> tuple[Path, dict[str, str]]:
        """The file and the values; what is wrong with them is said before anything starts."""
        path, sets = _or_no(lambda: self._shelf.task(task)), _plain(inputs)
        try:
            load_task(path, sets).bind()
        except TaskError as error:
            raise No(error.lines[0]) from None
        return path, sets

    def _started(self, words: list[str], sets: Mapping[str, str], wait_s: float) -> dict[str, Any]:
        name = self._place("r")
        wanted = self._wanted
        words = [*words, "--approve", wanted.approve]
        words += [word for policy in wanted.policy for word in ("--policy", policy)]
        words += ["--tier", wanted.tier] if wanted.tier and words[0] == "run" else []
        words += [word for key, value in sets.items() for word in ("--set", f"{key}={value}")]
        self._jobs[name] = Job(words, self._wanted.runs)
        return self.run_status(name, wait_s)

    def _place(self, kind: str) -> str:
        """A name for one more; refused where too many go on."""
        with self._lock:
            going = sum(not job.ended for job in self._jobs.values()) + len(self._open)
            if going >= self._wanted.most:
                raise No(f"{going} runs and surfaces are open already; wait for one, or stop or close it")
            self._count += 1
            return f"{kind}{self._count}"

    def _job(self, name: str) -> Job:
        if name not in self._jobs:
            raise No(f"there is no run `{name[:40]}` of this server; there are: {', '.join(self._jobs) or 'none'}")
        return self._jobs[name]

    def _session(self, name: str) -> _Open:
        if name not in self._open:
            raise No(f"no surface `{name[:40]}` is open; there are: {', '.join(self._open) or 'none'}")
        return self._open[name]

    def _none_waits(self, one: _Open) -> None:
        if one.since:
            raise No("the last act is not over yet: ask `surface_status` what came of it")

    def _status(self, name: str, job: Job) -> dict[str, Any]:
        told: dict[str, Any] = {"run": name, "id": _id(job), "steps": job.steps}
        if not job.ended:
            waiting = self._pending(_id(job))
            return {**told, "state": "waits for a person" if waiting else "running", "pending": waiting}
        if not job.result:
            raise No(job.problem() or f"the run ended with {job.code} and no word")
        return {**told, "state": "ended", **_ending(job.result)}

    def _came(self, one: _Open, wait_s: float) -> dict[str, Any]:
        until = time.monotonic() + _bounded(wait_s)
        while True:
            try:
                told = one.session.take(_SLICE_S)
            except SessionOver as over:
                one.since = 0.0
                return {"state": "over", "why": str(over), **_ending(over.ended)}
            except SessionFailed as problem:
                one.since = 0.0
                raise No(str(problem)) from None
            if told is not None:
                one.since = 0.0
                acted = told["acted"]
                one.seen = acted.pop("seen")
                return {"state": "over" if acted["over"] else "ready", **acted, "screen": seen_lines(one.seen)}
            waiting = self._pending(one.session.run)
            if time.monotonic() >= until or waiting:
                return {"state": "waits for a person" if waiting else "acting", "pending": waiting}

    def _pending(self, run: str) -> list[str]:
        """The questions of a run that wait for a person, as lines. To look is all that can be done here."""
        if self._wanted.approve != "console" or not run:
            return []
        from agent.answering import shown

        try:
            waiting = self._questions().waiting(10, run)
        except StoreUnusable:
            return []
        return [" | ".join(" ".join(line.split()) for line in shown(one)) for one in waiting]

    def _questions(self) -> Requests:
        """The store's questions; it is opened once, and can be asked from any thread."""
        from agent.store.store import Store

        with self._lock:
            if self._store is None:
                self._store = Store()
            return self._store.requests


def seen_lines(seen: Mapping[str, Any]) -> list[str]:
    """What a surface shows, one line for the page and one for each thing on it."""
    where = " ".join(filter(None, (seen["url"], seen["window"], f'"{seen["title"]}"' if seen["title"] else "")))
    lines = [f"{where} {seen['size'][0]}x{seen['size'][1]} px; more: {', '.join(seen['more']) or 'nothing'}"]
    lines += [f"noticed: {line}" for line in seen["notices"]]
    return lines + [_node(node) for node in seen["nodes"]]


def _node(node: Mapping[str, Any]) -> str:
    told = f'{node["id"]} {node["role"]} "{node["name"]}" at {node["x"]},{node["y"]}'
    told += f' value "{node["value"]}"' if node.get("value") else ""
    for name in ("checked", "expanded", "selected", "focused", "password"):
        if node.get(name) is not None:
            told += f" {name}" if node[name] else f" not {name}"
    return told + ("" if node.get("enabled", True) else " disabled")


def _ending(ended: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("outcome", "because", "outputs", "seconds", "folder", "report")
    return {name: ended[name] for name in wanted if name in ended}


def _id(job: Job) -> str:
    return job.folder.id if job.folder is not None else ""


def _bounded(wait_s: float) -> float:
    return min(max(0.0, wait_s), LONGEST_WAIT_S)


def _plain(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Values as the command line would give them."""
    told = {}
    for name, value in inputs.items():
        if isinstance(value, bool):
            told[name] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            told[name] = str(value)
        else:
            raise No(f"the input `{name[:40]}` takes text, a number or true/false")
    return told


def _or_no(find: Any) -> Path:
    try:
        found: Path = find()
    except NotThere as problem:
        raise No(str(problem)) from None
    return found
