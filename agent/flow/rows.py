"""Data-driven runs: one process for each row, results beside the table, no finished row done again.

What a row's run may do twice is decided where it always is: a run that was cut off after an effect is never simply
repeated (`agent.earlier`). Here it is only decided which rows are still to be done, and which to try again.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from agent.earlier import Alone, consequential, run_key
from agent.flow.table import Row, read_rows
from agent.flow.warm import Process, Settings, WarmRows
from agent.flow.warm import Row as WarmRow
from agent.junit import Case, Kind, junit
from agent.outcome import USAGE
from agent.run_folder import RunFolder, list_runs
from agent.task import BoundTask, Task, TaskError
from agent.wire_up import terminable

__all__ = ["Batch", "Result", "Status", "results_of", "run_rows", "status_of"]

Status = Literal["verified", "business", "system", "unknown", "duplicate"]
"""verified: done. business: the task could not be done with these inputs; trying again would tell nothing new.
system: machinery broke. unknown: it may have taken effect, a person must look. duplicate: the same as an earlier row.
"""
_ELSEWHERE = "is running already"
"""What `agent.run` says of a task that another process is at."""
_EXIT: tuple[tuple[Status, int], ...] = (("unknown", 40), ("system", 1), ("business", 10))


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one row."""

    row: int
    key: str
    """Equal for rows with the same inputs for the same task; see `agent.earlier.run_key`."""
    status: Status
    outcome: str
    because: str
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    folder: str = ""
    tries: int = 0
    seconds: float = 0.0
    at: float = 0.0
    """When it was known, seconds since the epoch."""


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
        with terminable():
            return _Work(batch, bound).run()


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


class _Work:
    def __init__(self, batch: Batch, bound: Sequence[_Bound]) -> None:
        self._batch, self._bound = batch, bound
        self._place = batch.results or results_of(batch.table)
        self._known = _read(self._place)
        self._stop = threading.Event()
        self._began = time.monotonic()
        self._took: list[float] = []
        self._children: set[subprocess.Popen[str] | Process] = set()
        self._warm = WarmRows(replace(batch.warm, runs=str(batch.root))) if batch.warm is not None else None

    def run(self) -> int:
        results: dict[int, Result] = {}
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
            elif earlier is not None and (may := _may_have_done(earlier)):
                said = f"run {earlier.run} may have done this: {may}; look, then run the row alone"
                results[number] = self._told(replace(earlier, row=number, status="unknown", because=said))
            elif one.problem:
                results[number] = self._told(
                    Result(number, one.key, "business", "invalid", one.problem, one.row.inputs)
                )
            else:
                todo.append(one)
        if done := len(results):
            self._say(f"{done} of {len(self._bound)} rows need no run")
        try:
            self._each(todo, results)
        finally:
            if self._warm is not None:
                self._warm.close()
        self._compact(results)
        return self._end(results)

    def _each(self, todo: list[_Bound], results: dict[int, Result]) -> None:
        """Every row in a process of its own, so many at once."""
        going: dict[Future[Result | None], _Bound] = {}
        left = list(todo)
        with ThreadPoolExecutor(self._batch.workers) as pool:
            try:
                while left or going:
                    while left and len(going) < self._batch.workers and not self._stop.is_set():
                        one = left.pop(0)
                        going[pool.submit(self._row, one)] = one
                    over, _ = wait(going, return_when=FIRST_COMPLETED)
                    for future in over:
                        one = going.pop(future)
                        if (result := future.result()) is not None:
                            results[one.row.number] = self._told(result)
                            self._progress(result, len(left) + len(going))
                    if self._stop.is_set():
                        left.clear()
            except KeyboardInterrupt:
                self._stop.set()
                for child in list(self._children):
                    child.terminate()  # a run that is told to stop ends by itself, which is waited for
        for future, one in going.items():
            if (result := future.result()) is not None:
                results[one.row.number] = self._told(result)

    def _row(self, one: _Bound) -> Result | None:
        """One row to its end; None when the batch was stopped before it."""
        began, tries = time.monotonic(), 0
        while True:
            if (found := self._finished(one)) is not None:
                return found
            if self._stop.is_set():
                return None
            tries += 1
            said = self._one_run(one)
            if self._stop.is_set() and said["outcome"] in ("halted", "error"):
                return None
            status = status_of(said["outcome"])
            if said["outcome"] == "halted" and _ELSEWHERE in str(said.get("because", "")):
                status = "system"  # a run of this row that outlived its batch: wait for its end
            if status != "system" or tries > self._batch.retries:
                break
            self._stop.wait(min(30.0, 0.5 * 2**tries))
        return Result(
            one.row.number, one.key, status, said["outcome"], str(said.get("because", "")), one.row.inputs,
            dict(said.get("outputs", {})), said.get("run", ""), said.get("folder", ""), tries,
            round(time.monotonic() - began, 2), round(time.time(), 3),
        )  # fmt: skip

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
        """One process; what its last line says, or how it ended when that says nothing."""
        sets = {**self._batch.sets, **one.row.inputs}
        if self._warm is not None:
            return self._warm.run(WarmRow(sets), self._children)
        command = [sys.executable, "-m", "agent", *self._batch.command, "--json", "--runs", str(self._batch.root)]
        command += [word for name, value in sets.items() for word in ("--set", f"{name}={value}")]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as done:
            self._children.add(done)
            try:
                out, err = done.communicate()
            finally:
                self._children.discard(done)
        last = out.strip().splitlines()[-1:] or [""]
        problem = " ".join(err.strip().splitlines()[-1:])[:300]
        try:
            said = json.loads(last[0])
            if isinstance(said, dict) and "outcome" in said:
                return said
        except ValueError:
            pass
        if done.returncode == USAGE:
            return {"outcome": "invalid", "because": problem}
        how = f"killed by signal {-done.returncode}" if done.returncode < 0 else f"ended with {done.returncode}"
        return {"outcome": "error", "because": f"the run was {how}{f': {problem}' if problem else ''}"}

    def _told(self, result: Result) -> Result:
        """On the disk before anything else is done about it."""
        with self._place.open("a", encoding="utf-8") as out:
            out.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")
            out.flush()
            os.fsync(out.fileno())
        return result

    def _compact(self, results: Mapping[int, Result]) -> None:
        """One line for each row, in their order."""
        lines = [json.dumps(asdict(results[number]), ensure_ascii=False) for number in sorted(results)]
        aside = self._place.with_suffix(".new")
        aside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        aside.replace(self._place)

    def _progress(self, result: Result, left: int) -> None:
        self._took.append(time.monotonic() - self._began)
        each = self._took[-1] / len(self._took)
        if self._batch.as_json:
            print(json.dumps(asdict(result), ensure_ascii=False), flush=True)
            return
        about = f", about {_span(each * left)} left" if left else ""
        why = "" if result.status == "verified" else f": {result.because}"
        total, done = len(self._bound), len(self._bound) - left
        self._say(f"row {result.row}: {result.outcome}, {result.seconds:.1f} s ({done} of {total}{about}){why}")

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr if self._batch.as_json else sys.stdout, flush=True)

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
        self._say(f"{len(self._bound)} rows: {told or 'nothing'}{left}; results: {self._place}")
        if self._stop.is_set() or missing:
            return 30
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


def _read(place: Path) -> dict[str, Result]:
    """The last word on each key; a torn line, as after a power cut, is no word."""
    found: dict[str, Result] = {}
    try:
        lines = place.read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            result = Result(**json.loads(line))
        except (ValueError, TypeError):
            continue
        if result.status != "duplicate":
            found[result.key] = result
    return found


_KINDS: Mapping[Status, Kind] = {
    "verified": "passed", "business": "failed", "system": "broken", "unknown": "broken", "duplicate": "skipped",
}  # fmt: skip


def _case(result: Result) -> Case:
    said = ", ".join(f"{name}={value}" for name, value in result.inputs.items())[:120]
    kind, name = _KINDS[result.status], f"row {result.row}: {said}"
    log = f"run folder: {result.folder}" if result.folder else ""
    return Case(name, kind, result.outcome, result.because, result.seconds, log)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
