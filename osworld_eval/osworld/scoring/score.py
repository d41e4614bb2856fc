"""One task's score, by upstream's own evaluators, behind a wall.

The evaluators read what an agent made, and some of them run it. They do so in a jail without network and with bounds;
what they need of the guest they ask for over a pipe, and it is carried out here, against the guest's address alone.
Each scoring has a jail of its own, so that nothing of one task is there when the next is scored.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from osworld_eval.osworld.assets import Assets
from osworld_eval.osworld.scoring.bugs import MENDABLE, unknown_names
from osworld_eval.osworld.scoring.cell import Bounds, Cell
from osworld_eval.osworld.scoring.errands import Errands, give
from osworld_eval.osworld.scoring.install import COMMAND, Environment, environment
from osworld_eval.osworld.scoring.served import wanted_ports
from osworld_eval.osworld.suite import OsworldTask, Step
from sandboxes.base import SandboxUnavailable

__all__ = ["Score", "Scorer"]

BOUND_S = 300.0
RETRY_S = 5.0
"""Upstream's pause between its three tries for a file that is not there."""
_SHARED = ("metrics.table", "metrics.docs", "metrics.slides", "metrics.vscode", "getters.chrome")
"""What is imported once where several scorings share a jail."""
_MOST_SCORE = 1e9
"""Upstream's metrics give 0 to 1, one of them whatever a database says; beyond this it is none of theirs."""
_GRACE_S = 1.0
_MOST_CACHE = 2**31
"""Bytes of a task's cache that are handed in."""


@dataclass(frozen=True, slots=True)
class Score:
    """What the evaluators said."""

    value: float | None
    """Upstream's number, from 0 to 1 for nearly all metrics; None where there is no score: `error` says why."""
    reason: str
    """One line: what decided it."""
    error: str | None
    """One line: why there is no score; None where there is one."""
    seconds: float
    """How long it took, post-configuration included."""


class Scorer:
    """Scores tasks, one at a time; the jail for the next one is made ready meanwhile.

    Args:
        folder: where `python -m osworld_eval.osworld.scoring.install` put the evaluators; the default place.
        bound_s: the longest that one scoring may take, post-configuration not counted.
        retry_s: upstream's pause between tries for a file that the guest does not have.
        bounds: what one scoring may use.
        keep: how many scorings share a jail, each in a process of its own. More than one only for files that nobody
            but us has made: one scoring's could hurt the next one's.
    """

    def __init__(
        self,
        folder: Path | None = None,
        bound_s: float = BOUND_S,
        retry_s: float = RETRY_S,
        bounds: Bounds | None = None,
        keep: int = 1,
    ) -> None:
        self._keep = keep
        self._where = folder
        self._bound_s, self._retry_s = bound_s, retry_s
        self._bounds = bounds or Bounds()
        self._environment: Environment | None = None
        self._next: _Room | None = None

    def __enter__(self) -> Self:
        """Make the first jail ready.

        Raises:
            EnvironmentMissing: the evaluators are not installed there.
            SandboxUnavailable: no jail can be built on this machine.
        """
        self._environment = environment(self._where)
        self._next = self._ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process. May be called twice."""
        room, self._next = self._next, None
        if room is not None:
            room.close()
        self._environment = None

    def score(
        self,
        task: OsworldTask,
        guest: str,
        token: str | None,
        cache: Path,
        assets: Assets,
        *,
        failed: bool,
        postconfig: Callable[[Sequence[Step]], None],
        mended: frozenset[str] = frozenset(),
        ports: Mapping[str, int] | None = None,
    ) -> Score:
        """The task's score by upstream's order: post-configuration, FAIL, getters, metrics. Raises nothing of theirs.

        Args:
            task: what was to be done.
            guest: the guest's address, `http://HOST:PORT`; nothing else is reached.
            token: sent with each request as `Authorization: Bearer TOKEN`; never seen inside the jail.
            cache: the task's folder of files that its set-up saved; read, not written.
            assets: files that the task names by address.
            failed: whether the agent's last act was FAIL.
            postconfig: carries out the evaluator's own steps on the guest; an exception of it is an error.
            mended: names of upstream's known bugs to mend, see `bugs.py`; none by default.
            ports: as `Machine.ports`, on the guest's host: `chromium` where its browser can be driven, `vlc` where its
                player answers. Getters that need one which is not given are an error.

        Raises:
            ValueError: the address, the token or a name in `mended` is none.
        """
        begun = time.monotonic()
        if wrong := unknown_names(mended):
            raise ValueError(f"no bug is called `{wrong[0]}`, expected some of: {', '.join(sorted(MENDABLE))}")
        given = {name: port for name, port in (ports or {}).items() if name in ("chromium", "vlc")}
        value, reason, error = self._scored(
            task, Errand(guest, token, cache, assets, failed, postconfig, mended, given)
        )
        return Score(value, reason, error, time.monotonic() - begun)

    def _scored(self, task: OsworldTask, errand: Errand) -> tuple[float | None, str, str | None]:
        if task.evaluator.infeasible or errand.failed:
            return _by_last_act(task, errand)
        try:
            evaluator = _evaluator_of(task)
        except (OSError, ValueError) as problem:
            return None, "", f"{task.path} cannot be read again: {problem}"
        for port, getter in wanted_ports(task):
            if port not in errand.ports:
                what = "browser cannot be driven" if port == "chromium" else "player does not answer"
                return None, "", f"not supported: `{getter}` needs the guest's {port} port, and its {what}"
        if self._environment is None:
            return None, "", "the scorer is not open"
        try:
            room = self._ready()
        except SandboxUnavailable as problem:
            return None, "", str(problem)
        room.served += 1
        try:
            alone = self._keep == 1
            return _Scoring(room, task, evaluator, errand, alone, self._bound_s, self._retry_s).outcome()
        finally:
            if room.served < self._keep and room.cell.alive:
                room.cell.until = math.inf
                self._next = room
            else:
                room.close()
                self._prepare()

    def _ready(self) -> _Room:
        """A jail that waits for its task: the one that was made ready, or another where that has ended meanwhile."""
        for last in (False, True):
            room, self._next = self._next or self._room(), None
            why = room.why_not()
            if not why:
                return room
            room.close()
            if last:
                raise SandboxUnavailable(why)
        raise AssertionError("unreachable")

    def _prepare(self) -> None:
        """Start the next jail, without waiting for it."""
        try:
            self._next = self._room()
        except SandboxUnavailable:
            self._next = None  # said by the scoring that needs it

    def _room(self) -> _Room:
        assert self._environment is not None
        return _Room(self._environment, self._bounds, _SHARED if self._keep > 1 else ())


@dataclass(frozen=True, slots=True)
class Errand:
    """The arguments of `Scorer.score`."""

    guest: str
    token: str | None
    cache: Path
    assets: Assets
    failed: bool
    postconfig: Callable[[Sequence[Step]], None]
    mended: frozenset[str]
    ports: Mapping[str, int]


class _Room:
    """A jail, and the folder that is handed in."""

    def __init__(self, environment: Environment, bounds: Bounds, warm: Sequence[str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="deskhand-score-", ignore_cleanup_errors=True)
        self.handed = Path(self._folder.name)
        self._is_ready = False
        self.served = 0
        try:
            self.cell = Cell(environment, self.handed, bounds, warm)
        except BaseException:
            self._folder.cleanup()
            raise

    def why_not(self) -> str:
        """Wait until it is ready, once; why it is not, or nothing."""
        if self._is_ready:
            return "" if self.cell.alive else "the scoring jail ended while it waited"
        why = self.cell.ready()
        self._is_ready = not why
        return why

    def close(self) -> None:
        self.cell.close()
        self._folder.cleanup()


class _Scoring:
    """One conversation with a jail."""

    def __init__(
        self,
        room: _Room,
        task: OsworldTask,
        evaluator: Any,
        errand: Errand,
        alone: bool,
        bound_s: float,
        retry_s: float,
    ) -> None:
        self._room, self._task, self._errand = room, task, errand
        self._bound_s = bound_s
        self._errands = Errands(errand.guest, errand.token, errand.ports, errand.assets, task.assets, room.handed)
        self._told = {
            "id": task.id,
            "evaluator": evaluator,
            "failed": errand.failed,
            "mended": sorted(errand.mended),
            "ports": self._errands.inside,
            "retry_s": retry_s,
            "alone": alone,
            "cache": f"cache-{room.served}",
        }

    def outcome(self) -> tuple[float | None, str, str | None]:
        """Value, reason and error."""
        if why := _hand_in(self._errand.cache, self._room.handed / str(self._told["cache"])):
            return None, "", why
        try:
            self._errands.open_browser()
            self._room.cell.say(self._told)
            return self._conversation()
        finally:
            self._errands.close()

    def _conversation(self) -> tuple[float | None, str, str | None]:
        until = time.monotonic() + self._bound_s
        cell = self._room.cell
        cell.until = until + _GRACE_S
        while True:
            told = cell.hear(until)
            if told is None:
                return None, "", self._silence(until)
            match told:
                case {"ask": "http", "n": number}:
                    cell.say({"n": number, **self._errands.answer(told, until)})
                case {"ask": "postconfig", "n": number}:
                    paused, cell.until = time.monotonic(), math.inf
                    done = _carried_out(self._task, self._errand)
                    until += time.monotonic() - paused
                    cell.until = until + _GRACE_S
                    cell.say({"n": number, **done})
                case {"did": "score", "value": int() | float() as value} if abs(value) < _MOST_SCORE:
                    return float(value), self._reason(told), None
                case {"did": "error", "kind": kind, "words": words}:
                    return None, self._reason(told), self._error(str(kind), str(words))
                case _:
                    return None, "", "the evaluators said something that is no answer"

    def _silence(self, until: float) -> str:
        cell = self._room.cell
        if cell.broke:
            return f"scoring was ended: {cell.broke}"
        if cell.alive and time.monotonic() >= until:
            cell.close()
            return f"scoring did not end within {self._bound_s:g} s"
        return f"the evaluators broke off: {cell.words or 'no word'}"

    def _reason(self, told: Mapping[str, Any]) -> str:
        """What the evaluators logged last of what went wrong, and what was not let through."""
        said = [str(line)[:200] for line in told.get("logged", ()) if isinstance(line, str)][-1:]
        return "; ".join([*_names(self._task), *said, *self._errands.notes[:3]])[:600]

    def _error(self, kind: str, words: str) -> str:
        if kind == "Wanting":
            return _wanting(words)
        return f"upstream's evaluator broke: {kind[:60]}: {words[:300]}"


def _names(task: OsworldTask) -> list[str]:
    evaluator = task.evaluator
    joint = f" {evaluator.conj} " if evaluator.listed else ""
    return [joint.join(check.func for check in evaluator.checks)]


def _wanting(packages: str) -> str:
    if "easyocr" in packages:
        return "not supported: it needs easyocr, which is in no set, as it fetches its weights while it runs"
    if "pydrive" in packages:
        return "not supported: it needs a Google account, which is not given to a benchmark here"
    return f"not supported: it needs the full set ({packages}); try: {COMMAND} --full"


def _by_last_act(task: OsworldTask, errand: Errand) -> tuple[float | None, str, str | None]:
    """Where the last act alone decides, no evaluator is asked; the post-configuration is carried out all the same."""
    if "gone" in (answer := _carried_out(task, errand)):
        return None, "", answer["gone"]
    if not task.evaluator.infeasible:
        return 0.0, "the last act was FAIL, and the task can be done", None
    if errand.failed:
        return 1.0, "infeasible, and the last act was FAIL", None
    return 0.0, "infeasible, and the last act was not FAIL", None


def _carried_out(task: OsworldTask, errand: Errand) -> dict[str, Any]:
    if task.evaluator.postconfig:
        try:
            errand.postconfig(task.evaluator.postconfig)
        except Exception as error:  # whatever broke in the guest is this task's error, and the next one's turn comes
            return {"gone": f"post-configuration broke: {' '.join(str(error).split())[:200] or type(error).__name__}"}
    return {}


def _evaluator_of(task: OsworldTask) -> Any:
    """The evaluator as it stands in the task's file. Raises `OSError`, `ValueError`."""
    data = task.path.read_bytes()
    if hashlib.sha256(data).hexdigest() != task.digest:
        raise ValueError("it was changed since it was looked over")
    return json.loads(data)["evaluator"]


def _hand_in(cache: Path, to: Path) -> str:
    """Put the plain files of a task's cache where the jail can read them; why it cannot be done, or nothing."""
    to.mkdir()
    if not cache.is_dir():
        return ""
    size = 0
    for one in os.scandir(cache):
        if one.is_file(follow_symlinks=False):
            size += one.stat(follow_symlinks=False).st_size
            if size > _MOST_CACHE:
                return f"the files in {cache} are more than {_MOST_CACHE >> 20} MiB"
            give(Path(one.path), to / one.name)
    return ""
