"""`agent work`: does what is in the queue, so many items at once, each as a process of its own.

What a run has done in the world stands in its trail, and nowhere else. Whoever takes an item over from a dead worker
therefore looks at the item's run folders first: a run that still goes on is waited for, one that has ended is believed,
one that was cut off is gone on with (`agent.resume`), and only where there is none is one begun. An item that was begun
on another machine, whose folders cannot be seen from here, is marked as in doubt and never begun anew.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from agent.outcome import EXIT_CODES, USAGE
from agent.resume import resumable
from agent.run_folder import RunSummary, list_runs
from agent.store.queue import Job, JobState
from agent.store.store import Store
from agent.store.where import StoreUnusable, machine

__all__ = ["Next", "Worker", "next_for", "work"]

LEASE_S = 30.0
_LOOK_S = 0.2
_ELSEWHERE = "is running already"
"""What `agent.run` says of a task that another process is at."""
_MARK, _OUT, _ERR = "begun", "out.jsonl", "err.txt"


@dataclass(frozen=True, slots=True)
class Next:
    """What is to be done about an item now: exactly one of the three, or to wait where none is set."""

    words: tuple[str, ...] = ()
    """Arguments of `agent` for a process."""
    over: Mapping[str, Any] = field(default_factory=dict)
    """How its run has ended."""
    doubt: str = ""
    """Why nobody here can tell what became of it."""


def next_for(job: Job, here: str) -> Next:
    """Read what earlier processes of an item have left, on the machine `here`."""
    root = Path(job.root)
    if job.begun_at is not None and job.machine != here and not (root / _MARK).is_file():
        return Next(doubt=f"it was begun on {job.machine}, and its runs cannot be seen from here")
    runs = list_runs(root)
    begun = [run for run in runs if run.folder.journal.is_file()]
    if not begun:
        return Next(words=job.words)
    newest = begun[0]
    if newest.state == "running" or (newest.state == "crashed" and job.machine != here):
        # a lock on a file that several machines share may not be seen from each of them
        return Next() if job.machine == here else Next(doubt=f"run {newest.id} may still go on, on {job.machine}")
    if newest.record is None:
        return Next(doubt=newest.problem)
    return _after(job, newest, root)


def _after(job: Job, newest: RunSummary, root: Path) -> Next:
    record = newest.record
    assert record is not None
    if record.outcome is not None and record.outcome not in ("error", "unknown_effect", "halted"):
        return Next(over=_told(newest))
    if record.outcome == "halted" and not _cut_off(record.detail):
        return Next(over=_told(newest))
    if problem := resumable(newest.folder, root):
        return Next(doubt=problem)
    return Next(words=("resume", newest.id, "--stop-key", "off"))


def _cut_off(detail: str) -> bool:
    """Whether a run was told to end, as by a stopped worker or a reboot, and not by its limits or at a console."""
    return detail.startswith(("a person stopped the run", "KeyboardInterrupt"))


def _told(run: RunSummary) -> dict[str, Any]:
    record = run.record
    assert record is not None
    return {"outcome": record.outcome, "because": record.detail, "outputs": record.outputs, "run": run.id}


@dataclass(slots=True)
class _Going:
    """An item that this worker has."""

    job: Job
    child: subprocess.Popen[bytes] | None
    """None: the process of a dead worker is waited for."""
    beaten: float
    stopped: bool = False
    lost: bool = False


class Worker:
    """Takes items and does them. `say` is told what happens, one line each."""

    def __init__(
        self, store: Store, slots: int, lease_s: float = LEASE_S, say: Callable[[str], None] = lambda line: None
    ) -> None:
        self._queue, self._slots, self._lease_s, self._say = store.queue, slots, lease_s, say
        self._here = machine()
        self._name = f"{self._here}:{os.getpid()}"
        self._going: list[_Going] = []
        self._stop = threading.Event()
        self.ended: list[tuple[JobState, str]] = []
        """State and outcome of everything that this worker has ended."""

    def stop(self) -> None:
        """Take nothing more, end what is going on, and put it back into the queue. Safe in a signal handler."""
        self._stop.set()

    def run(self, once: bool) -> None:
        """Work until told to stop; with `once` until nothing is left that this worker can do."""
        while True:
            with suppress(SQLAlchemyError):  # a store that is away may come back; leases run out meanwhile
                self._round()
            if self._stop.is_set() and not self._going:
                return
            if once and not self._going and not self._stop.is_set():
                with suppress(SQLAlchemyError):
                    if not self._left():
                        return
            self._stop.wait(_LOOK_S) if not self._stop.is_set() else time.sleep(_LOOK_S)

    def _left(self) -> bool:
        """Whether anything waits for its time, or is in the hands of somebody who may be dead."""
        return bool(self._queue.listed(("waiting", "leased"), 1))

    def _round(self) -> None:
        for going in list(self._going):
            self._look_at(going)
        while not self._stop.is_set() and len(self._going) < self._slots:
            job = self._queue.take(self._name, self._here, self._lease_s)
            if job is None:
                return
            self._begin(job)

    def _begin(self, job: Job) -> None:
        if job.cancel_by:
            self._finish(job, "cancelled", {"outcome": "halted", "because": f"cancelled by {job.cancel_by}"})
            return
        what = next_for(job, self._here)
        if what.doubt:
            self._finish(job, "doubt", {"outcome": "unknown_effect", "because": what.doubt})
        elif what.over:
            self._finish(job, "ended", what.over)
        elif not what.words:
            self._say(f"{job.id}: its run goes on without its worker; waiting for it")
            self._going.append(_Going(job, None, time.monotonic()))
        else:
            self._start(job, what.words)

    def _start(self, job: Job, words: Sequence[str]) -> None:
        begun = self._queue.begin(job, self._here)
        if begun is None:
            return
        root = Path(job.root)
        try:
            root.mkdir(parents=True, exist_ok=True)
            (root / _MARK).touch()
            child = self._spawned(root, words)
        except OSError as error:
            self._queue.put_back(
                begun, 10.0, f"`{root}` cannot be written: {(error.strerror or 'error').lower()}", True
            )
            return
        self._going.append(_Going(begun, child, time.monotonic()))
        self._say(f"{job.id}: {'goes on with ' + words[1] if words[0] == 'resume' else 'begins'}")

    def _spawned(self, root: Path, words: Sequence[str]) -> subprocess.Popen[bytes]:
        """A process that tells files and no pipe: it must not break where its worker dies."""
        command = [sys.executable, "-m", "agent", *words, "--json", "--runs", str(root)]
        with (root / _OUT).open("wb") as out, (root / _ERR).open("wb") as err:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)

    def _look_at(self, going: _Going) -> None:
        self._beat(going)
        if (self._stop.is_set() or going.job.cancel_by or going.lost) and not going.stopped:
            going.stopped = True
            if going.child is not None:
                going.child.send_signal(signal.SIGTERM)
        if going.child is None:
            if self._stop.is_set():
                self._drop(going, lambda: self._queue.put_back(going.job, 0.0, "", False))
            elif next_for(going.job, self._here) != Next():
                self._drop(going, lambda: self._begin(going.job))
        elif going.child.poll() is not None:
            self._over(going)

    def _drop(self, going: _Going, then: Callable[[], object]) -> None:
        """`then` first: where the store is away it is tried again in the next round."""
        then()
        self._going.remove(going)

    def _beat(self, going: _Going) -> None:
        if going.lost or time.monotonic() - going.beaten < self._lease_s / 4:
            return
        kept = self._queue.beat(going.job, self._lease_s)
        going.beaten = time.monotonic()
        if kept is None:
            going.lost = True
            self._say(f"{going.job.id}: somebody else has taken it over; its run is stopped here")
        else:
            going.job = kept

    def _over(self, going: _Going) -> None:
        """What becomes of an item whose process has ended."""
        job, said = going.job, self._said(going)
        outcome = str(said.get("outcome", ""))
        if going.lost:
            self._going.remove(going)
            return
        if going.job.cancel_by and outcome == "halted":
            self._drop(going, lambda: self._finish(job, "cancelled", said))
        elif going.stopped and outcome in ("halted", "error"):
            self._drop(going, lambda: self._queue.put_back(job, 0.0, "its worker was stopped", False))
        elif outcome == "halted" and _ELSEWHERE in str(said.get("because", "")):
            self._drop(going, lambda: self._queue.put_back(job, 2.0, str(said["because"]), False))
        elif outcome in ("error", "unknown_effect") and job.tries < job.retries:
            wait_s = min(60.0, 1.0 * 2**job.tries)
            self._say(f"{job.id}: {outcome}: {said.get('because', '')}; once more in {wait_s:.0f} s")
            self._drop(going, lambda: self._queue.put_back(job, wait_s, str(said.get("because", "")), True))
        else:
            state: JobState = "doubt" if outcome == "unknown_effect" else "ended"
            self._drop(going, lambda: self._finish(job, state, said))

    def _said(self, going: _Going) -> dict[str, Any]:
        """The last line of a run; how its process ended where that says nothing."""
        assert going.child is not None
        root = Path(going.job.root)
        with suppress(ValueError):
            said = json.loads(_last_line(root / _OUT))
            if isinstance(said, dict) and "outcome" in said:
                return said
        why = _last_line(root / _ERR)[:300]
        code = going.child.returncode
        if code == USAGE:
            return {"outcome": "infeasible", "because": why}
        how = f"killed by signal {-code}" if code < 0 else f"ended with {code}"
        return {"outcome": "error", "because": f"the run was {how}{f': {why}' if why else ''}"}

    def _finish(self, job: Job, state: JobState, told: Mapping[str, Any]) -> None:
        if not self._queue.finish(job, state, told):
            return
        outcome = str(told.get("outcome", ""))
        self.ended.append((state, outcome))
        self._say(f"{job.id}: {outcome if state == 'ended' else state}: {told.get('because', '')}")

    def code(self) -> int:
        """The worst that has happened to what it has ended."""
        if any(state == "doubt" for state, _ in self.ended):
            return EXIT_CODES["unknown_effect"]
        outcomes = {outcome for state, outcome in self.ended if state == "ended"}
        if "error" in outcomes:
            return EXIT_CODES["error"]
        return EXIT_CODES["done_unverified"] if outcomes - {"verified"} else 0


def _last_line(file: Path) -> str:
    try:
        lines = file.read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip() if lines else ""


def work(slots: int, once: bool, lease_s: float) -> int:
    """Work. Returns 0, or with `once` the worst that has happened; 30 where it was stopped, 2 without a store."""
    try:
        with Store() as store:
            worker = Worker(store, slots, lease_s, lambda line: print(line, flush=True))

            def stop(number: int, frame: FrameType | None) -> None:
                worker.stop()

            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, stop)
            worker.run(once)
            return worker.code() if once and not worker._stop.is_set() else EXIT_CODES["halted"]
    except StoreUnusable as problem:
        print(f"agent work: {problem}", file=sys.stderr)
        return USAGE
