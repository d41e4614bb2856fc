"""`agent resume RUN`: goes on with a run that was cut off by a crash, a reboot or a lost network.

A new run, in a folder of its own that names the old one. It cannot be the old folder: the key that signs a trail and
its permits lives in the broker's process and died with it, so that nothing could be added there under the old key, and
a new key would make two trails of one. The new trail begins with the old one's length and root instead.

What is carried over: the task and its inputs, how far the plan was, the session from the last checkpoint, the steps and
minutes used, and what the broker has counted against the limits. What is not: permits, answers of people, grants.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from agent.earlier import unended_effect
from agent.go_on import go_on
from agent.outcome import USAGE
from agent.past import NothingToResume, Past, past_of
from agent.run import Options, run_task
from agent.run_folder import RunFolder, RunNotFound, find_run
from agent.task import BoundTask, Task, TaskError, load_task

__all__ = ["Given", "resumable", "resume"]


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says. Empty: as the run was started."""

    run: str
    runs: Path = Path("runs")
    approve: str = ""
    model: str = ""
    headed: bool = False
    as_json: bool = False
    stop_key: str = "off"
    junit: Path | None = None


def resume(given: Given) -> int:
    """Go on with a run. Returns its exit code; what a user can get wrong is one line on standard error."""
    try:
        folder = find_run(given.runs, given.run)
        root = folder.path.parent
        past = past_of(folder, root)
        _fit(past, root)
    except (RunNotFound, NothingToResume) as problem:
        print(f"agent resume: {problem}", file=sys.stderr)
        return USAGE
    options = _options(given, past, root)
    return run_task(options, lambda: _bound(past, options))


def _fit(past: Past, root: Path) -> None:
    """Raises NothingToResume. An earlier run of the same task that nobody has looked for comes first."""
    record = past.records[-1]
    if past.started.get("driven"):
        raise NothingToResume(f"{past.run} was driven from outside, act by act: whoever drove it has to go on")
    found = unended_effect(root, record.key, record.same_place)
    if found is not None and found.folder.id not in {one.id for one in past.folders}:
        raise NothingToResume(f"{found.because}: resume that one")


def _options(given: Given, past: Past, root: Path) -> Options:
    told = past.started
    return Options(
        task=Path(str(told.get("task") or past.folders[-1].path / "task.yaml")),
        policy=tuple(map(str, told.get("policy", ()))),
        approve=given.approve or str(told.get("approve", "deny")),
        model=given.model or str(told.get("model", "pilot")),
        site={str(name): str(value) for name, value in dict(told.get("site", {})).items()},
        runs=root,
        headed=given.headed,
        as_json=given.as_json,
        tier=str(told.get("tier", "")),
        anomalies={str(name): str(value) for name, value in dict(told.get("anomalies", {})).items()},
        otlp=str(told.get("otlp", "")),
        stop_key=given.stop_key,
        junit=given.junit,
        flow=Path(str(told["flow"])) if told.get("flow") else None,
        resumes=past,
        drive=lambda parts: go_on(parts, past),
    )


def _bound(past: Past, options: Options) -> tuple[BoundTask, Options]:
    """The task as it was, with the inputs that it had; of a replay, its flow as well. Raises TaskError."""
    record = past.records[-1]
    sets = {name: str(value) for name, value in record.inputs.items()}
    place = _same_file(options.task, record.task_digest) or past.folders[-1].path / "task.yaml"
    if options.flow is None:
        if record.model == "flow":
            raise TaskError([f"agent resume: {record.id} was a replay, and where its flow lies was not written down"])
        task = _checked(place, sets, record.task_digest).with_site(options.site)
        return task.bind(), options
    from agent.flow.replay import flow_task

    if _digest(options.flow) != past.started.get("flow_digest"):
        raise TaskError([f"{options.flow}: the flow has changed since {record.id} followed it: start it anew"])
    found = flow_task(options.flow, place)
    return found.bound(replace(options, sets=sets))


def _checked(place: Path, sets: dict[str, str], digest: str) -> Task:
    task = load_task(place, sets)
    if task.digest != digest:
        raise TaskError([f"{place}: this is not the task file that the run began with"])
    return task


def _same_file(place: Path, digest: str) -> Path | None:
    """The task file where it was, as what it names lies beside it; None where it has changed or gone."""
    return place if _digest(place) == digest else None


def _digest(place: Path) -> str:
    try:
        return hashlib.sha256(place.read_bytes()).hexdigest()
    except OSError:
        return ""


def resumable(folder: RunFolder, root: Path) -> str:
    """Why a run cannot be gone on with; empty when it can."""
    try:
        _fit(past_of(folder, root), root)
    except NothingToResume as problem:
        return str(problem)
    return ""
