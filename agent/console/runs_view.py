"""Runs as the pages show them: those of the store, and those whose folders lie on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.report.story import StepStory, read_story
from agent.run_folder import RunFolder, RunNotFound, find_run, list_runs
from agent.store.requests import Asked, Decided
from agent.store.runs import Hand, Run
from agent.store.store import Store
from agent.store.where import machine

__all__ = ["Row", "RunView", "RunsView", "Segment"]

STATES = ("asking", "running", "ended", "lost")
_WIDTH = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    id: str
    task: str
    goal: str
    state: str
    """asking, running, ended, lost, crashed or unreadable."""
    outcome: str
    detail: str
    steps: int
    machine: str
    started_at: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a step's time: what, from where and how wide (of `_WIDTH`), and its seconds."""

    name: str
    x: float
    width: float
    seconds: float


@dataclass(frozen=True, slots=True)
class RunView:
    """One run's page."""

    row: Row
    run: Run | None
    """As the store knows it; None for one that is only a folder here."""
    live: bool
    frame: str
    size: tuple[int, int] | None
    steps: Sequence[tuple[StepStory, Sequence[Segment]]]
    told: Sequence[tuple[Asked, Decided | None]]
    hands: Sequence[Hand]
    report: bool
    cost: str = ""
    """Of the model, in words; empty where it is not known or the folder is elsewhere."""


class RunsView:
    """Reads the store and the folders under one root."""

    def __init__(self, store: Store, root: Path) -> None:
        self._store, self._root = store, root

    def listed(self, words: str = "", state: str = "") -> list[Row]:
        """The newest first, those that fit `words` (task, goal, id, machine, outcome) and `state`."""
        asking = {asked.run for asked in self._store.requests.waiting(10_000)}
        known = [_row(run, run.id in asking) for run in self._store.runs.listed()]
        ids = {row.id for row in known}
        here = [_folder_row(one) for one in list_runs(self._root)[:300] if one.id not in ids]
        rows = sorted([*known, *here], key=lambda row: row.started_at, reverse=True)
        wanted = words.lower().split()
        return [row for row in rows if (not state or row.state == state) and _fits(row, wanted)]

    def one(self, name: str) -> RunView | None:
        """A run's page; None where there is no such run."""
        run = self._store.runs.get(name[:120])
        folder = self._folder(name, run)
        if run is None and folder is None:
            return None
        asked = self._store.requests.of_run(name)
        row = _row(run, any(one.open for one in asked)) if run is not None else self._only_here(name)
        if row is None:
            return None
        story = read_story(folder) if folder is not None else None
        steps = [(step, _bar(step)) for step in story.steps] if story is not None else []
        frame = run.frame if run is not None else ""
        return RunView(
            row=row,
            run=run,
            live=row.state in ("asking", "running"),
            frame=frame,
            size=self._size(name, frame),
            steps=steps,
            told=[(one, self._store.requests.decided(one.id)) for one in asked],
            hands=self._store.runs.hands(name),
            report=folder is not None and folder.report.is_file(),
            cost=story.cost if story is not None else "",
        )

    def stop(self, name: str, by: str) -> bool:
        """Ask a run to stop, through the store or, for one that is only a folder here, as `agent stop` does."""
        if self._store.runs.get(name[:120]) is not None:
            return self._store.runs.stop(name, by)
        row = self._only_here(name)
        if row is None or row.state != "running":
            return False
        from agent.stop import stop

        return stop(row.id, self._root) == 0

    def frame(self, name: str, digest: str) -> bytes | None:
        """A frame of a run, from the store or its folder; never anything that is not what its digest says."""
        png = self._store.runs.frame(name[:120], digest)
        folder = self._folder(name, self._store.runs.get(name[:120])) if png is None else None
        if folder is not None:
            try:
                png = folder.frame(digest).read_bytes()
            except (OSError, ValueError):
                return None
        return png if png is not None and hashlib.sha256(png).hexdigest() == digest else None

    def _size(self, name: str, frame: str) -> tuple[int, int] | None:
        from agent.console.cards import frame_size

        png = self._store.runs.frame(name, frame) if frame else None
        return frame_size(png) if png is not None else None

    def _folder(self, name: str, run: Run | None) -> RunFolder | None:
        """Where a run lies on this machine; a name never leads anywhere but to a run folder of that name."""
        if run is not None:
            place = Path(run.folder)
            there = run.machine == machine() and place.name == run.id and (place / "journal.jsonl").is_file()
            return RunFolder(place) if there else None
        known = any(one.id == name for one in list_runs(self._root))
        try:
            return find_run(self._root, name) if known else None
        except RunNotFound:
            return None

    def _only_here(self, name: str) -> Row | None:
        return next((_folder_row(one) for one in list_runs(self._root) if one.id == name), None)


def _row(run: Run, asking: bool) -> Row:
    state = "asking" if asking and run.state == "running" else run.state
    detail = run.detail or run.doing
    return Row(run.id, run.task, run.goal, state, run.outcome, detail, run.steps, run.machine, run.started_at)


def _folder_row(one: Any) -> Row:
    record = one.record
    if record is None:
        return Row(one.id, "", "", one.state, "", one.problem, 0, machine(), 0.0)
    told = (record.outcome or "", record.detail, record.steps, machine(), record.started_at)
    return Row(one.id, record.task, record.goal, one.state, *told)


def _fits(row: Row, words: list[str]) -> bool:
    text = " ".join((row.id, row.task, row.goal, row.machine, row.outcome, row.detail)).lower()
    return all(word in text for word in words)


def _bar(step: StepStory) -> list[Segment]:
    """The phases of a step side by side."""
    whole = sum(seconds for _, seconds in step.phases) or 1.0
    segments, x = [], 0.0
    for name, seconds in step.phases:
        width = _WIDTH * max(0.0, seconds) / whole
        kind = name.partition(".")[0] if name.partition(".")[0] in ("policy", "approval") else name
        segments.append(Segment(kind, round(x, 1), round(width, 1), seconds))
        x += width
    return segments
