"""`agent queue add|list|cancel`: what is to be done by whoever works (`agent.work`)."""

from __future__ import annotations

import getpass
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from agent.attended import APPROVE
from agent.earlier import run_key
from agent.outcome import USAGE
from agent.schedule import is_flow
from agent.store.queue import Job, JobState, Wish
from agent.store.store import Store
from agent.store.where import StoreUnusable
from agent.task import BoundTask, Task, TaskError, load_task

__all__ = ["Adding", "add", "cancel", "listed"]


@dataclass(frozen=True, slots=True)
class Adding:
    """What `agent queue add` was told."""

    file: Path
    """A task, or a flow."""
    sets: Mapping[str, str]
    inputs: Path | None = None
    """A table: one item for each row."""
    policy: tuple[str, ...] = ()
    approve: str = "deny"
    model: str = "pilot"
    site: Mapping[str, str] | None = None
    runs: Path = Path("runs")
    retries: int = 2
    again: bool = False
    as_json: bool = False


def add(given: Adding) -> int:
    """Put items into the queue. 0, or 2 with one line for what a user can get wrong; then none was put there."""
    try:
        if given.approve not in APPROVE or given.approve == "tty":
            allowed = ", ".join(one for one in APPROVE if one != "tty")
            raise TaskError([f"--approve takes one of {allowed}, got `{given.approve}`: a worker has no terminal"])
        wishes = _wishes(given)
        with Store() as store:
            made = store.queue.add(wishes, str(given.runs.absolute() / "queue"), given.again)
    except TaskError as error:
        return _refused("\n".join(error.lines))
    except StoreUnusable as problem:
        return _refused(f"agent queue: {problem}")
    for wish, job in zip(wishes, made, strict=True):
        if given.as_json:
            print(json.dumps({"id": job.id if job else "", "name": wish.name, "inputs": dict(wish.inputs)}))
        elif job is not None:
            print(f"{job.id}  {_named(wish.name, wish.inputs)}")
    if there := sum(job is None for job in made):
        print(
            f"{there} of {len(made)} are in the queue already and were not added (--again adds them)", file=sys.stderr
        )
    return 0


def _wishes(given: Adding) -> list[Wish]:
    task, words = _task_and_words(given)
    rows: list[Mapping[str, str]] = [{}]
    if given.inputs is not None:
        from agent.flow.table import read_rows

        rows = [row.inputs for row in read_rows(given.inputs)]
    found = []
    for number, row in enumerate(rows, start=1):
        sets = {**given.sets, **row}
        try:
            bound = task.bind(sets, missing_secrets=True)  # the worker has them, whoever adds may not
        except TaskError as error:
            where = f"{given.inputs}: row {number}: " if given.inputs is not None else ""
            raise TaskError([f"{where}{line}" for line in error.lines]) from None
        command = [*words, *(word for name, value in sets.items() for word in ("--set", f"{name}={value}"))]
        found.append(Wish(_key(bound), task.name, command, bound.shown_inputs(), given.retries))
    return found


def _task_and_words(given: Adding) -> tuple[Task, list[str]]:
    site = given.site or {}
    words = ["--approve", given.approve]
    words += [word for name in given.policy for word in ("--policy", name)]
    words += [word for name, value in site.items() for word in ("--site", f"{name}={value}")]
    if is_flow(given.file):
        from agent.flow.replay import flow_of, flow_task

        place = flow_of(given.file, given.runs).absolute()
        task = replace(flow_task(place).task, sets={}).with_site(site)
        return task, ["replay", str(place), *words]
    task = load_task(given.file).with_site(site)
    return task, ["run", str(given.file.absolute()), "--model", given.model, "--stop-key", "off", *words]


def _key(task: BoundTask) -> str:
    where = f"{task.site} {task.where}" if task.needs_site else task.where
    return run_key(task.digest, task.shown_inputs(), where)


def listed(states: Sequence[str], as_json: bool) -> int:
    """Print the queue, in the order in which items are taken."""
    known: tuple[JobState, ...] = ("waiting", "leased", "ended", "doubt", "cancelled")
    wanted = [state for state in known if state in states]
    if len(wanted) != len(set(states)):
        return _refused(f"agent queue: --state takes one of {', '.join(known)}")
    try:
        with Store() as store:
            found = store.queue.listed(wanted)
    except StoreUnusable as problem:
        return _refused(f"agent queue: {problem}")
    if as_json:
        print(json.dumps([asdict(job) for job in found], ensure_ascii=False))
        return 0
    for job in found:
        print(f"{job.id}  {_state(job):<22}{_named(job.name, job.inputs)}{f'  {job.detail}' if job.detail else ''}")
    if not found:
        print("the queue is empty" if not states else "there is no such item")
    return 0


def _state(job: Job) -> str:
    if job.state == "leased":
        return f"at {job.holder}"[:21]
    if job.state == "waiting" and job.not_before > time.time():
        return f"waits {job.not_before - time.time():.0f} s more"
    return job.outcome if job.state == "ended" else job.state


def _named(name: str, inputs: Mapping[str, str]) -> str:
    said = ", ".join(f"{name}={value}" for name, value in inputs.items())
    return f"{name} ({said[:100]})" if said else name


def cancel(names: Sequence[str]) -> int:
    """Take items back. One that is being done is stopped by its worker, and its end says how far it came."""
    try:
        with Store() as store:
            found = [store.queue.get(name) for name in names]
            if unknown := next((name for name, job in zip(names, found, strict=True) if job is None), None):
                return _refused(f"agent queue: no item is called `{unknown}`, or several are: `agent queue list`")
            for job in found:
                assert job is not None
                now = store.queue.cancel(job.id, getpass.getuser())
                told = {"cancelled": "cancelled", "leased": "is being stopped"}.get(str(now), f"is over: {now}")
                print(f"{job.id}: {told}")
    except StoreUnusable as problem:
        return _refused(f"agent queue: {problem}")
    return 0


def _refused(line: str) -> int:
    print(line, file=sys.stderr)
    return USAGE
