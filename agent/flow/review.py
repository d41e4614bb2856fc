"""`agent flow diff|accept|test`: a patch of a flow is read, tried and taken over by a person, and by nothing else."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from agent.flow import patches
from agent.flow.file import Flow, FlowAct, FlowStep, load_flow, written
from agent.flow.heal_file import FlowPatch, applied, diff, flow_and_patch
from agent.flow.replay import flow_of, flow_task, replay
from agent.outcome import USAGE
from agent.run import Options
from agent.run_folder import RunNotFound, find_run
from agent.task import BoundTask, TaskError
from agent.template import TemplateProblem, render
from model.planned import understood

__all__ = ["accept", "show", "test"]

_PATCH = "flow.patch.yaml"


def show(name: Path, flow: Path | None, runs: Path) -> int:
    """Print what a patch would change. Exit 0, or 2 where it fits no flow."""
    try:
        place, was, patch = flow_and_patch(_patch_of(name, runs), flow)
        print(diff(was, patch.changes, place.name))
    except TaskError as error:
        return _refused(error)
    return 0


def accept(name: Path, flow: Path | None, runs: Path) -> int:
    """Write the changes of a patch into its flow. Exit 0, or 2 where it fits no flow or that cannot be written."""
    try:
        place, was, patch = flow_and_patch(_patch_of(name, runs), flow)
        now = applied(was, patch.changes, str(place))
        aside = place.with_suffix(".new")
        aside.write_text(written(now))
        aside.replace(place)
    except TaskError as error:
        return _refused(error)
    except OSError as error:
        return _refused(TaskError([f"{flow or name}: cannot be written: {(error.strerror or 'error').lower()}"]))
    for change in patch.changes:
        print(f"step {change.step}: {change.kind}, proposed by {change.by}")
    print(f"{place}: {len(patch.changes)} change{'s' if len(patch.changes) > 1 else ''} accepted")
    return 0


def test(name: Path, options: Options, task: Path | None, do_it: bool) -> int:
    """Look a flow over, or a patch together with its flow; with `do_it` replay it too, which does what it does.

    Exit 0; 10 where something is wrong with it; the replay's own code; 2 for what is no flow.
    """
    with tempfile.TemporaryDirectory(prefix="deskhand-flow-") as folder:
        try:
            place = _patched(name, Path(folder), options.runs) or flow_of(name, options.runs)
            found = flow_task(place, task)
            bound, _ = found.bound(options)
        except TaskError as error:
            return _refused(error)
        problems = list(_problems(found.flow, bound, place.parent / "patches"))
        for line in problems:
            print(line)
        wrong = [line for line in problems if not line.startswith("note: ")]
        if wrong:
            return 10
        print(f"{found.flow.name}: {len(found.flow.steps)} steps, nothing wrong with them")
        return replay(place, task, replace(options, task=place)) if do_it else 0


def _patch_of(name: Path, runs: Path) -> Path:
    """The patch that is meant: a file, a folder with one, or a run that left one. Raises TaskError."""
    if name.is_file():
        return name
    try:
        folder = name if name.is_dir() else find_run(runs, str(name)).path
    except RunNotFound as problem:
        raise TaskError([f"{name}: this is no patch and no run: {problem}"]) from None
    if not (folder / _PATCH).is_file():
        raise TaskError([f"{folder}: there is no {_PATCH} in it: nothing was healed or suggested there"])
    return folder / _PATCH


def _patched(name: Path, folder: Path, runs: Path) -> Path | None:
    """The flow that a patch would make, in a folder of its own; None where no patch is named. Raises TaskError."""
    if name.name != _PATCH and not (name.is_dir() and (name / _PATCH).is_file()):
        return None
    place, flow, patch = flow_and_patch(_patch_of(name, runs), None)
    return _laid_out(place, flow, patch, folder)


def _laid_out(place: Path, flow: Flow, patch: FlowPatch, folder: Path) -> Path:
    task = place.parent / flow.task
    if task.is_file():
        shutil.copy(task, folder / "task.yaml")
    if (place.parent / "patches").is_dir():
        shutil.copytree(place.parent / "patches", folder / "patches")
    now = applied(flow, patch.changes, str(place)).model_copy(update={"task": "task.yaml"})
    (folder / "flow.yaml").write_text(written(now))
    load_flow(folder / "flow.yaml")
    return folder / "flow.yaml"


def _problems(flow: Flow, task: BoundTask, beside: Path) -> Iterator[str]:
    for number, step in enumerate(flow.steps, start=1):
        for line in _of_step(step, task, beside):
            note = "note: " if line.startswith("note: ") else ""
            yield f"{note}step {number}: {line.removeprefix('note: ')}"


def _of_step(step: FlowStep, task: BoundTask, beside: Path) -> Iterator[str]:
    texts = [step.do] + [text for act in step.done_by for text in _texts(act)]
    for text in texts:
        try:
            render(text, task.inputs, tuple(task.secrets))
        except TemplateProblem as problem:
            yield f"`{text[:60]}`: {problem}"
    if step.rule and not _follows(step.do, task):
        yield f"`{step.do}` is a rule that nobody understands without a model"
    for act in step.done_by:
        anchor = act.target
        if anchor is None:
            continue
        if anchor.patch and not _whole(beside, anchor.patch):
            yield f"its picture {anchor.patch[:8]} is not in {beside.name}/, or is another"
        if not anchor.name and not anchor.patch and not anchor.near:
            yield f"a {anchor.role} without a name, a picture or neighbours cannot be found"
        if not act.known or patches.listed(beside, act.known) is None:
            yield "note: what else was there is not known, so it is not healed"


def _follows(do: str, task: BoundTask) -> bool:
    try:
        return understood(render(do, task.inputs, tuple(task.secrets)))
    except TemplateProblem:
        return True  # told already


def _texts(act: FlowAct) -> list[str]:
    anchor = act.target
    words = [act.text, act.url, act.page, *act.after.shown]
    if act.after.value is not None:
        words.append(act.after.value)
    if anchor is not None:
        words += [anchor.name, anchor.row, *(one.name for one in anchor.near)]
    return [word for word in words if "{{" in word or "<secret:" in word]


def _whole(beside: Path, digest: str) -> bool:
    import hashlib

    try:
        return hashlib.sha256((beside / f"{digest}.png").read_bytes()).hexdigest() == digest
    except OSError:
        return False


def _refused(error: TaskError) -> int:
    print("\n".join(error.lines), file=sys.stderr)
    return USAGE
