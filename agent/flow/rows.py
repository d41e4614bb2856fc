"""Data-driven runs: one process for each row, results beside the table, no finished row done again.

What a row's run may do twice is decided where it always is: a run that was cut off after an effect is never simply
repeated (`agent.earlier`). Here it is only decided which rows are still to be done, and which to try again. A row of
unknown effect is tried again only where the task says how to look (`reconcile:`): its next run looks first.

Where one system error follows another, whatever the rows share has broken (the site, the network, the disk): no further
row is begun, one at a time is tried with longer and longer waits, and those tries cost the rows nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.earlier import Alone, consequential, run_key
from agent.flow.bar import Bar
from agent.flow.processes import HereProcesses, OnRay, Processes, RayMissing, SharedProcesses
from agent.flow.results import Result, Results, ResultsLost, Status
from agent.flow.table import Row, read_rows
from agent.flow.warm import Settings
from agent.junit import Case, Kind, junit
from agent.outcome import USAGE
from agent.run_folder import RunFolder, list_runs
from agent.task import BoundTask, Task, TaskError
from agent.wire_up import terminable

__all__ = ["Batch", "Result", "Status", "results_of", "run_rows", "status_of"]

_ELSEWHERE = "is running already"
"""What `agent.run` says of a task that another process is at."""
_EXIT: tuple[tuple[Status, int], ...] = (("unknown", 40), ("system", 1), ("business", 10))
_TROUBLE = 3
"""So many system errors one after the other, and it is no longer the rows."""
_PROBES_S = (1.0, 2.0, 4.0, 8.0, 16.0, *[30.0] * 8)
"""Waits before single tries then; after the last the batch ends."""
_UNREACHED_S = (1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
"""Waits before a row whose run outlived its batch is asked for again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be done for a table."""

    table: Path
    task: Task
    command: tuple[str, ...]
    """The arguments of `agent` for one run; `--json`, `--runs` and `--set` are added."""
    sets: Mapping[str, str]
    """Inputs for every row; a row's own count before them."""
    runs: Path
    workers: int = 1
    retries: int = 2
    rerun_failed: bool = False
    junit: Path | None = None
    as_json: bool = False
    results: Path | None = None
    """Where results go; beside the table where None."""
    warm: Settings | None = None
    """Rows share processes that stay (`agent.flow.warm`); None: `command` is run for each."""
    ray: str | None = None
    """Address of a Ray cluster, empty for `RAY_ADDRESS` or one that is started here; None for processes here."""

    @property
    def root(self) -> Path:
        """Where the runs of this table are kept: what was done for another table is another matter."""
        place = hashlib.sha256(str((self.results or self.table).absolute()).encode()).hexdigest()
        return self.runs / f"rows-{self.table.stem}-{place[:8]}"


def results_of(table: Path) -> Path:
    """Where the results of a table lie: beside it."""
    return table.with_name(f"{table.name}.results.jsonl")


def status_of(outcome: str) -> Status:
    """The kind of a run's outcome, for rows."""
    if outcome == "verified":
        return "verified"
    if outcome == "unknown_effect":
        return "unknown"
    return "system" if outcome == "error" else "business"


def run_rows(batch: Batch) -> int:
    """Do every row that is still to be done. 0: all verified; 10, 1, 40: the worst that happened; 30: interrupted."""
    try:
        bound = _bound(batch)
    except TaskError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return USAGE
    lock = hashlib.sha256(f"rows {batch.root}".encode()).hexdigest()
    with Alone(batch.root, lock) as alone:
        if not alone.granted:
            print(f"agent: {batch.table} is being worked through by another process already", file=sys.stderr)
            return 30
        try:
            processes = _processes(batch)
        except RayMissing as problem:
            print(f"agent: {problem}", file=sys.stderr)
            return USAGE
        try:
            with terminable():
                return _Work(batch, bound, processes).run()
        finally:
            processes.close()


def _processes(batch: Batch) -> Processes:
    """Raises RayMissing."""
    if batch.ray is not None:
        return OnRay(batch.root, batch.ray, batch.workers)
    return SharedProcesses(replace(batch.warm, runs=str(batch.root))) if batch.warm is not None else HereProcesses()


@dataclass(frozen=True, slots=True)
class _Bound:
    """A row with its key; with what is wrong with it where it cannot be run."""

    row: Row
    key: str
    problem: str = ""


def _bound(batch: Batch) -> list[_Bound]:
    """Raises TaskError when the table cannot be read or none of its rows can be run."""
    found, wrong = [], None
    for row in read_rows(batch.table):
        try:
            task = batch.task.bind({**batch.sets, **row.inputs})
            found.append(_Bound(row, run_key(task.digest, task.shown_inputs(), _where(task))))
        except TaskError as error:
            wrong = wrong or error
            raw = json.dumps([batch.task.digest, sorted(row.inputs.items())])
            found.append(
                _Bound(row, hashlib.sha256(raw.encode()).hexdigest(), " ".join("; ".join(error.lines).split()))
            )
    if wrong is not None and all(one.problem for one in found):
        raise TaskError([f"{batch.table}: no row can be run; of the first:", *wrong.lines])
    return found


def _where(task: BoundTask) -> str:
    return f"{task.site} {task.where}" if task.needs_site else task.where


@dataclass(slots=True)
class _Tried:
    """A row that is to be done, and what it has taken so far."""

    bound: _Bound
    tries: int = 0
    seconds: float = 0.0
    unreached: int = 0


class _Work:
    def __init__(self, batch: Batch, bound: Sequence[_Bound], processes: Processes) -> None:
        self._batch, self._bound, self._processes = batch, bound, processes
        self._stop = threading.Event()
        self._results = Results(batch.results or results_of(batch.table), lambda seconds: not self._stop.wait(seconds))
        self._known = self._results.known()
        self._looks = bool(batch.task.file.reconcile)
        self._bar = Bar(len(bound), batch.as_json)
        self._trouble = 0
        self._probes = 0
        self._lost = ""

    def run(self) -> int:
        results: dict[int, Result] = {}
        try:
            todo = self._sorted_out(results)
            if done := len(results):
                self._bar.say(f"{done} of {len(self._bound)} rows need no run")
            with self._bar.shown(len(results)):
                self._each(todo, results)
        except ResultsLost as problem:
            self._lost = str(problem)
        if not self._lost and not self._results.compact(results[number] for number in sorted(results)):
            self._bar.say("the file of results stays in the order in which they came: it cannot be written anew")
        return self._end(results)

    def _sorted_out(self, results: dict[int, Result]) -> list[_Bound]:
        """The rows that need a run; what is known of the others goes into `results`."""
        todo: list[_Bound] = []
        firsts: dict[str, int] = {}
        for one in self._bound:
            number = one.row.number
            if one.key in firsts:
                said = f"the same inputs as row {firsts[one.key]}, which is done once"
                results[number] = Result(number, one.key, "duplicate", "", said, one.row.inputs)
                continue
            firsts[one.key] = number
            earlier = self._known.get(one.key)
            if earlier is not None and not (self._batch.rerun_failed and earlier.status != "verified"):
                results[number] = _moved(earlier, number)
            elif earlier is not None and (may := self._not_again(earlier)):
                said = f"run {earlier.run} may have done this: {may}; look, then run the row alone"
                results[number] = self._told(replace(earlier, row=number, status="unknown", because=said))
            elif one.problem:
                results[number] = self._told(
                    Result(number, one.key, "business", "invalid", one.problem, one.row.inputs)
                )
            else:
                todo.append(one)
        return todo

    def _not_again(self, earlier: Result) -> str:
        """What a failed row has done or may have done, where no look of its next run would find that out."""
        if self._looks and earlier.outcome in ("error", "unknown_effect"):
            return ""  # `agent.earlier` looks at exactly these before anything is done
        return _may_have_done(earlier)

    def _each(self, todo: list[_Bound], results: dict[int, Result]) -> None:
        """Every row in a process of its own, so many at once; what broke comes again after the others."""
        going: dict[Future[dict[str, Any] | Result | None], _Tried] = {}
        left = deque(_Tried(one) for one in todo)
        with ThreadPoolExecutor(self._batch.workers) as pool:
            try:
                while (left or going) and not (self._stop.is_set() and not going):
                    while left and len(going) < self._most() and not self._stop.is_set():
                        tried = left.popleft()
                        going[pool.submit(self._try, tried, self._pause(tried))] = tried
                    over, _ = wait(going, return_when=FIRST_COMPLETED)
                    for future in over:
                        self._over(going.pop(future), future.result(), left, results, len(going))
            except KeyboardInterrupt:
                self._stop.set()
                self._processes.stop()
            except ResultsLost:
                self._stop.set()  # what goes on is waited for, and found in its folder the next time
                raise
        for future, tried in going.items():
            self._over(tried, future.result(), deque(), results, 0)

    def _most(self) -> int:
        """How many rows may go on at once now."""
        return 1 if self._trouble >= _TROUBLE else self._batch.workers

    def _pause(self, tried: _Tried) -> float:
        """Seconds to wait before a try."""
        if self._trouble >= _TROUBLE:
            wait_s = _PROBES_S[min(self._probes, len(_PROBES_S) - 1)]
            self._probes += 1
            if self._probes > 1:
                self._bar.say(f"{self._trouble} system errors in a row: one row at a time, in {wait_s:.0f} s")
            return wait_s
        if tried.unreached:
            return _UNREACHED_S[min(tried.unreached, len(_UNREACHED_S)) - 1]
        return min(30.0, 0.5 * 2**tried.tries) if tried.tries else 0.0

    def _try(self, tried: _Tried, pause_s: float) -> dict[str, Any] | Result | None:
        """One try: what its run says, a result that was there already, or None when the batch was stopped before it."""
        if pause_s:
            self._stop.wait(pause_s)
        if (found := self._finished(tried.bound)) is not None:
            return found
        if self._stop.is_set():
            return None
        began = time.monotonic()
        said = self._one_run(tried.bound)
        tried.seconds += time.monotonic() - began
        return said

    def _over(
        self,
        tried: _Tried,
        said: dict[str, Any] | Result | None,
        left: deque[_Tried],
        results: dict[int, Result],
        going: int,
    ) -> None:
        """What becomes of a row after a try: known, to come again, or not begun."""
        number = tried.bound.row.number
        if said is None:
            return
        if isinstance(said, Result):
            results[number] = self._told(said)
            self._progress(said, len(left) + going)
            return
        outcome, because = str(said["outcome"]), str(said.get("because", ""))
        if self._stop.is_set() and outcome in ("halted", "error"):
            return
        status = status_of(outcome)
        if outcome == "halted" and _ELSEWHERE in because:  # a run of this row that outlived its batch
            status = "system"
            if tried.unreached < len(_UNREACHED_S):
                tried.unreached += 1
                left.append(tried)
                return
        if not self._last_word(tried, status):
            left.append(tried)
            self._bar.say(f"row {number}: {outcome}: {because}; it comes again")
            return
        result = Result(
            number, tried.bound.key, status, outcome, because, tried.bound.row.inputs, dict(said.get("outputs") or {}),
            str(said.get("run", "")), str(said.get("folder", "")), tried.tries, round(tried.seconds, 2),
            round(time.time(), 3),
        )  # fmt: skip
        results[number] = self._told(result)
        self._progress(result, len(left) + going)

    def _last_word(self, tried: _Tried, status: Status) -> bool:
        """Whether this is what stands of the row; else it comes again. Counts the try."""
        if status == "system" and self._trouble >= _TROUBLE and self._probes < len(_PROBES_S):
            self._trouble += 1
            return False
        tried.tries += 1
        if status != "system":
            self._trouble = self._probes = 0
            return status != "unknown" or not self._looks or tried.tries > self._batch.retries
        self._trouble += 1
        if self._probes >= len(_PROBES_S):
            self._stop.set()  # nothing has worked for minutes
            return True
        return tried.tries > self._batch.retries

    def _finished(self, one: _Bound) -> Result | None:
        """A verified run of this very row that nobody wrote down, as after a kill."""
        for run in list_runs(self._batch.root):
            record = run.record
            if record is not None and record.key == one.key and record.outcome == "verified":
                because = f"run {run.id} had done it: {record.detail}"
                seconds = record.seconds or 0.0
                return Result(
                    one.row.number, one.key, "verified", "verified", because, one.row.inputs, record.outputs, run.id,
                    str(run.folder.path), 0, seconds, round(time.time(), 3),
                )  # fmt: skip
        return None

    def _one_run(self, one: _Bound) -> dict[str, Any]:
        """One run; what its last line says, or how it ended when that says nothing."""
        sets = {**self._batch.sets, **one.row.inputs}
        try:
            return self._processes.run([*self._batch.command, "--json", "--runs", str(self._batch.root)], sets)
        except OSError as error:
            return {"outcome": "error", "because": f"no process can be started: {(error.strerror or 'error').lower()}"}

    def _told(self, result: Result) -> Result:
        """On the disk before anything else is done about it."""
        self._results.add(result)
        return result

    def _progress(self, result: Result, left: int) -> None:
        if self._batch.as_json:
            print(result.line(), flush=True)
        why = "" if result.status == "verified" else f": {result.because}"
        self._bar.done(f"row {result.row}: {result.outcome}, {result.seconds:.1f} s", why, left)

    def _end(self, results: Mapping[int, Result]) -> int:
        counts = Counter(result.status for result in results.values())
        missing = len(self._bound) - len(results)
        if self._batch.junit is not None:
            self._batch.junit.parent.mkdir(parents=True, exist_ok=True)
            cases = [_case(one) for one in self._listed(results)]
            self._batch.junit.write_bytes(junit(self._batch.task.name, cases))
        words = {"verified": "verified", "business": "business errors", "system": "system errors",
                 "unknown": "of unknown effect", "duplicate": "duplicates"}  # fmt: skip
        told = ", ".join(f"{counts[status]} {word}" for status, word in words.items() if counts[status])  # type: ignore[index]
        left = f", {missing} not begun" if missing else ""
        self._bar.say(f"{len(self._bound)} rows: {told or 'nothing'}{left}; results: {self._results.place}")
        if self._lost:
            print(f"agent: {self._lost}; run the same once more: what is done is found in the runs", file=sys.stderr)
            return 1
        if missing or self._stop.is_set():
            return 1 if self._probes >= len(_PROBES_S) else 30
        return next((code for status, code in _EXIT if counts[status]), 0)

    def _listed(self, results: Mapping[int, Result]) -> list[Result]:
        return [results[number] for number in sorted(results)]


_LASTING = frozenset({"buy", "send", "delete", "unknown"})


def _may_have_done(earlier: Result) -> str:
    """What the failed run of a row did, or may have done, that must not be done twice; empty when nothing."""
    if not earlier.folder or not (folder := RunFolder(Path(earlier.folder))).journal.is_file():
        return ""
    return next((body for body, kind, _, _ in consequential(folder) if kind in _LASTING), "")


def _moved(earlier: Result, number: int) -> Result:
    return replace(earlier, row=number)


_KINDS: Mapping[Status, Kind] = {
    "verified": "passed", "business": "failed", "system": "broken", "unknown": "broken", "duplicate": "skipped",
}  # fmt: skip


def _case(result: Result) -> Case:
    said = ", ".join(f"{name}={value}" for name, value in result.inputs.items())[:120]
    kind, name = _KINDS[result.status], f"row {result.row}: {said}"
    log = f"run folder: {result.folder}" if result.folder else ""
    return Case(name, kind, result.outcome, result.because, result.seconds, log)
