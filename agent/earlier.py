"""Earlier runs of the same thing that were cut off: may they have taken effect? And is one going on at this moment?

Reads only what those runs wrote down before they acted, and what they found by looking. See docs/decisions/003.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent.audit.events import events
from agent.run_folder import RunFolder, RunFolderUnwritable, RunRecord, list_runs

try:
    import fcntl
except ImportError:  # Windows has no flock; two runs of one thing at the same moment are not noticed there
    fcntl = None  # type: ignore[assignment]

__all__ = ["Alone", "Unended", "consequential", "run_key", "same_place_key", "unended_effect"]

_LASTING = frozenset({"submit", "send", "buy", "delete", "unknown"})
"""Consequences that outlive the run that caused them. `submit` counts only on its way, see `unended_effect`."""


def run_key(task_digest: str, inputs: Mapping[str, str], start: str) -> str:
    """What makes two runs the same undertaking: task file, inputs and where it begins (64 hexadecimal digits)."""
    text = json.dumps([task_digest, sorted(inputs.items()), start], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def same_place_key(task: Path, name: str, inputs: Mapping[str, str], start: str) -> str:
    """The same for a task file that was edited in between: where it lies and its name instead of its bytes."""
    text = json.dumps([str(task.absolute()), name, sorted(inputs.items()), start], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Unended:
    """A run that was cut off, and what it may have done."""

    folder: RunFolder
    what: str
    kind: str
    state: str = ""
    """Digest of the checkpoint from before it; empty where there is none."""

    @property
    def because(self) -> str:
        """One line for a person."""
        return f"run {self.folder.id} of the same task was cut off and may have done this: {self.what}"


def unended_effect(root: Path, *keys: str) -> Unended | None:
    """The newest run of any of these keys that was cut off and may have taken effect.

    Cut off are runs that crashed, and those that ended `error` or `unknown_effect`: whoever starts again after them
    does not know what became of them. A purchase, a message, a deletion or something unknown counts whether or not its
    outcome was written down; a submitted form counts only while its outcome is missing; what a look found not to have
    happened does not count. A run that was started after such a run had been cut off was started with `--again` or
    after a look, so it is known: what lies before it counts no more.
    """
    acknowledged = 0.0
    for run in list_runs(root):
        if run.record is None or not _is(run.record, keys) or run.state == "running":
            continue
        if run.state == "ended" and run.record.outcome not in ("error", "unknown_effect"):
            acknowledged = max(acknowledged, run.record.started_at)
            continue
        if _last_word(run.folder) < acknowledged:
            continue
        for body, kind, answered, state in consequential(run.folder):
            if kind != "submit" or not answered:
                return Unended(run.folder, body, kind, state)
    return None


def _is(record: RunRecord, keys: tuple[str, ...]) -> bool:
    return bool({record.key, record.same_place} & set(keys) - {""})


def _last_word(folder: RunFolder) -> float:
    """When the run last wrote into its trail, seconds since the epoch; after everything where that cannot be told."""
    try:
        return folder.journal.stat().st_mtime
    except OSError:
        return float("inf")


def consequential(folder: RunFolder) -> Iterator[tuple[str, str, bool, str]]:
    """Every intent with a lasting consequence that may have happened.

    What it was, the kind of consequence, whether its outcome is known, and the digest of the checkpoint before it.
    """
    intents: dict[int, tuple[str, str, str]] = {}
    answered: set[int] = set()
    for event in events(folder.journal):
        if event.name == "gui.intent":
            kind = str(event.get("consequence", "unknown")).split(" ")[0]
            if kind in _LASTING:
                intents[event.n] = (event.body, kind, str(event.get("state")))
            continue
        number = int(event.get("intent", -1))
        if event.name == "gui.outcome" and event.get("receipt") != "unknown":
            answered.add(number)
        elif event.name == "gui.effect":
            answered.discard(number)
            if event.get("effect") == "not_happened":
                intents.pop(number, None)
            elif event.get("effect") == "happened":
                answered.add(number)
    for number, (body, kind, state) in intents.items():
        yield body, kind, number in answered, state


class Alone:
    """Makes sure that nobody else runs the same thing from here at this moment. Use as a context manager.

    It holds a lock that ends with this process, and leaves nothing behind. Runs of the same thing under another
    `--runs` folder, or on another machine, are not seen.
    """

    def __init__(self, root: Path, key: str) -> None:
        self._place = root / ".locks" / key
        self._fd = -1
        self._new = not root.exists()
        self.granted = True
        """False when another run of the same thing is going on."""

    def __enter__(self) -> Alone:
        """Raises `RunFolderUnwritable`."""
        if fcntl is None:
            return self
        try:
            while not self._locked():
                if self._fd >= 0:
                    os.close(self._fd)
        except OSError as error:
            what = (error.strerror or "error").lower()
            said = f"cannot write the run folder in `{self._place.parent.parent}`: {what}; choose another with --runs"
            raise RunFolderUnwritable(said) from None
        return self

    def _locked(self) -> bool:
        """Whether the file that was opened is still the one in its place: whoever ended meanwhile took it away."""
        self._place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._fd = os.open(self._place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # the folder went between these two lines
            self._fd = -1
            return False
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.granted = False
            return True
        try:
            return os.fstat(self._fd).st_ino == self._place.stat().st_ino
        except FileNotFoundError:
            return False

    def __exit__(self, *error: object) -> None:
        if self._fd < 0:
            return
        if self.granted:
            with suppress(OSError):
                self._place.unlink()
                self._place.parent.rmdir()
                if self._new:
                    self._place.parent.parent.rmdir()
        os.close(self._fd)
        self._fd = -1
