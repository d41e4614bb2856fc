"""The folder of one run: its record, its frames, its outputs. Everything a later reader needs, and nothing secret.

`run.json` (what the run is and how it ended) · `task.yaml` (a copy) · `journal.jsonl` (the trail, written by
`agent.audit`) · `frames/<sha256>.png` · `states/<sha256>.json` (checkpoints; they hold the session's cookies, so only
the owner may read them) · `outputs.json` · `report.html` ·
`film.gif`.

Files appear under their name only when whole (written aside, then renamed). Only the journal is forced to the disk at
every step: after a power cut the newest frames may be missing, which verification then says.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.outcome import Outcome

__all__ = [
    "JournalEnd",
    "PhaseTimes",
    "RunFolder",
    "RunFolderUnwritable",
    "RunNotFound",
    "RunRecord",
    "RunSummary",
    "find_run",
    "list_runs",
]

_VERSION = 1
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z0-9_]+-[0-9a-f]{4}")


class RunFolderUnwritable(Exception):
    """The run folder cannot be written. One line: the path, what went wrong, what to try."""


class RunNotFound(Exception):
    """No run, or more than one, goes by this name. One line."""


class PhaseTimes(BaseModel):
    """How long one kind of phase took."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int
    p50_s: float
    p95_s: float
    total_s: float


class JournalEnd(BaseModel):
    """Where the trail ended, so that a cut-off end shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    records: int
    root: str
    """Merkle root over all records, hex."""


class RunRecord(BaseModel):
    """`run.json`. Times are seconds since the epoch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    id: str
    status: Literal["running", "ended"] = "running"
    task: str
    goal: str = ""
    started_at: float
    ended_at: float | None = None
    seconds: float | None = None
    outcome: Outcome | None = None
    """None while the run is going on."""
    exit_code: int | None = None
    detail: str = ""
    """One line for a person: why it ended like this."""
    steps: int = 0
    surface: str = ""
    model: str = ""
    perception: str = ""
    policy: str = ""
    policy_digest: str = ""
    task_digest: str = ""
    public_key: str = ""
    """The broker's, hex."""
    inputs: dict[str, Any] = Field(default_factory=dict)
    outputs: dict[str, Any] = Field(default_factory=dict)
    phases: dict[str, PhaseTimes] = Field(default_factory=dict)
    journal: JournalEnd | None = None
    pid: int = 0
    key: str = ""
    """Equal for runs of the same task with the same inputs (`agent.earlier`)."""
    same_place: str = ""
    """The same for a task file that was edited in between."""
    resumes: str = ""
    """Id of the run that this one goes on with (`agent resume`)."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder. Holds no state but its path."""

    path: Path

    @classmethod
    def create(cls, root: Path, task_name: str) -> Self:
        """Make a new folder under `root`, named for the moment and the task.

        Raises:
            RunFolderUnwritable: it cannot be made.
        """
        stamp = time.strftime("%Y%m%d-%H%M%S")
        slug = re.sub(r"[^a-z0-9]+", "_", task_name.lower()).strip("_")[:40] or "run"
        folder = cls(root.absolute() / f"{stamp}-{slug}-{secrets.token_hex(2)}")
        try:
            folder.path.mkdir(parents=True, mode=0o700)
            folder.frames.mkdir()
        except OSError as error:
            raise _unwritable(root, error) from None
        return folder

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def frames(self) -> Path:
        return self.path / "frames"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    def frame(self, digest: str) -> Path:
        """Where the frame with this digest lies.

        Raises:
            ValueError: not 64 hexadecimal digits; a digest from a file must not name a path.
        """
        if re.fullmatch(r"[0-9a-f]{64}", digest) is None:
            raise ValueError("a frame's digest is 64 hexadecimal digits")
        return self.frames / f"{digest}.png"

    def put_frame(self, png: bytes) -> str:
        """Keep a screenshot, secrets already blacked out. Returns its SHA-256; the same picture is kept once.

        Raises:
            RunFolderUnwritable: it cannot be written.
        """
        digest = hashlib.sha256(png).hexdigest()
        place = self.frame(digest)
        if not place.exists():
            self._put(place, png)
        return digest

    @property
    def states(self) -> Path:
        return self.path / "states"

    def put_state(self, data: bytes) -> str:
        """Keep a checkpoint (`sandboxes.checkpoint.State`), readable by its owner alone. Returns its SHA-256.

        Raises:
            RunFolderUnwritable: it cannot be written.
        """
        digest = hashlib.sha256(data).hexdigest()
        place = self.states / f"{digest}.json"
        if not place.exists():
            try:
                self.states.mkdir(mode=0o700, exist_ok=True)
            except OSError as error:
                raise _unwritable(self.path, error) from None
            self._put(place, data, private=True)
        return digest

    def state(self, digest: str) -> bytes | None:
        """The bytes of a checkpoint; None where it is gone or is not what its digest says."""
        if re.fullmatch(r"[0-9a-f]{64}", digest) is None:
            return None
        try:
            data = (self.states / f"{digest}.json").read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == digest else None

    def put_task(self, text: str) -> str:
        """Keep a copy of the task file. Returns the SHA-256 of its bytes."""
        data = text.encode()
        self._put(self.path / "task.yaml", data)
        return hashlib.sha256(data).hexdigest()

    def put_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Write `outputs.json`."""
        self._put(self.path / "outputs.json", _json(dict(outputs)))

    @property
    def film(self) -> Path:
        return self.path / "film.gif"

    def put_film(self, gif: bytes | None) -> None:
        """Write `film.gif`, or take it away where there is none."""
        if gif is None:
            self.film.unlink(missing_ok=True)
        else:
            self._put(self.film, gif)

    def put_report(self, html: str) -> Path:
        """Write `report.html`; returns its path."""
        self._put(self.report, html.encode("utf-8", "replace"))
        return self.report

    def write_run(self, record: RunRecord) -> None:
        """Replace `run.json`, all at once. Raises `RunFolderUnwritable`."""
        self._put(self.path / "run.json", _json(record.model_dump(mode="json")))

    def read_run(self) -> RunRecord:
        """What `run.json` says.

        Raises:
            ValueError: it is missing or not what this version writes; one line.
        """
        place = self.path / "run.json"
        try:
            return RunRecord.model_validate_json(place.read_bytes())
        except OSError as error:
            raise ValueError(f"`{place}` cannot be read: {(error.strerror or 'error').lower()}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise ValueError(
                f"`{place}` is no run record of version {_VERSION}: {where}: {first['msg'].lower()}"
            ) from None

    def _put(self, place: Path, data: bytes, private: bool = False) -> None:
        aside = place.with_name(f".{place.name}.{os.getpid()}.new")
        try:
            if private:
                aside.touch(mode=0o600)
            aside.write_bytes(data)
            aside.replace(place)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise _unwritable(self.path, error) from None


def _json(data: object) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n").encode("utf-8", "replace")


def _unwritable(path: Path, error: OSError) -> RunFolderUnwritable:
    what = (error.strerror or type(error).__name__).lower()
    return RunFolderUnwritable(
        f"cannot write the run folder in `{path}`: {what}; free some space there or choose another with --runs"
    )


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in a listing."""

    folder: RunFolder
    record: RunRecord | None
    """None where `run.json` is missing or unreadable; `problem` says why."""
    state: Literal["running", "ended", "crashed", "unreadable"]
    """crashed: it says that it is running and no process holds its journal."""
    problem: str = ""

    @property
    def id(self) -> str:
        return self.folder.id


def list_runs(root: Path) -> list[RunSummary]:
    """Every run under `root`, the newest first; an empty list where there is no such folder."""
    if not root.is_dir():
        return []
    names = sorted((each.name for each in root.iterdir() if each.is_dir() and _ID.fullmatch(each.name)), reverse=True)
    return [_summary(RunFolder(root.absolute() / name)) for name in names]


def _summary(folder: RunFolder) -> RunSummary:
    from agent.audit.journal import is_live

    try:
        record = folder.read_run()
    except ValueError as problem:
        return RunSummary(folder, None, "unreadable", str(problem))
    if record.status == "ended":
        return RunSummary(folder, record, "ended")
    return RunSummary(folder, record, "running" if is_live(folder.journal) else "crashed")


def find_run(root: Path, name: str) -> RunFolder:
    """A run by its id, the beginning of it, its last four digits, its path, or `last`.

    Raises:
        RunNotFound: none goes by that name, or several do.
    """
    given = Path(name)
    if (given / "run.json").is_file() or (given / "journal.jsonl").is_file():
        return RunFolder(given.absolute())
    runs = list_runs(root)
    if not runs:
        raise RunNotFound(
            f"there are no runs in `{root}`: start one with `agent run`, or name another folder with --runs"
        )
    if name == "last":
        return runs[0].folder
    hits = [run for run in runs if run.id == name] or [
        run for run in runs if run.id.startswith(name) or run.id.endswith(f"-{name}")
    ]
    if len(hits) == 1:
        return hits[0].folder
    if hits:
        raise RunNotFound(f"`{name}` could be {len(hits)} runs: {', '.join(run.id for run in hits[:4])}")
    raise RunNotFound(f"no run is called `{name}` in `{root}`: `agent runs` lists them, `last` is {runs[0].id}")
