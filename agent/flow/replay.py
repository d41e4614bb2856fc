"""`agent replay`: a flow once more, with other inputs if need be, and without a model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.flow.file import Flow, load_flow
from agent.flow.kept import Kept
from agent.flow.player import Player
from agent.flow.slots import Slots
from agent.junit import Case, Kind
from agent.junit import junit as junit_of
from agent.run import Options, Ran, run_task
from agent.run_folder import RunNotFound, find_run
from agent.task import BoundTask, Task, TaskError, load_task
from agent.task_file import StepSpec
from agent.task_rules import rule_problems
from agent.yaml_lines import Path as Where
from model.base import Model

if TYPE_CHECKING:
    from agent.flow.heal import Heal

__all__ = ["FlowTask", "flow_of", "flow_task", "replay"]


@dataclass(frozen=True, slots=True)
class FlowTask:
    """A flow together with the task it is a way through."""

    flow: Flow
    place: Path
    task: Task
    """The task with the flow's steps as its plan."""

    digest: str
    """SHA-256 of the flow's file."""

    def bound(
        self, options: Options, heal: Heal = "off", load: Callable[[], Model] | None = None
    ) -> tuple[BoundTask, Options]:
        """The task with its values, and options that hold the player; `load` brings the model that heals. TaskError."""
        options = replace(options, flow=self.place)
        task = replace(self.task, sets=dict(options.sets)).with_site(options.site).bind()
        player = Player(self.flow, task.inputs, tuple(task.secrets), self.place.parent)
        if heal == "off":
            return task, replace(options, opened=player, beside=Kept(self.flow, self.place.parent))
        from agent.flow.heal import Healer

        slots = Slots(task.inputs, task.path.read_text(), tuple(task.secrets))
        load = load or _loader(options.model)
        healer = Healer(player, self.flow, self.place, self.digest, heal, load, slots)
        return task, replace(options, opened=healer, beside=healer)


def flow_of(place: Path, runs: Path) -> Path:
    """The flow that is meant: a file, or `flow.yaml` of a run that is named by its folder, its id or `last`.

    Raises:
        TaskError: there is no such run.
    """
    if place.is_dir():
        return place / "flow.yaml"
    if place.exists() or place.suffix in (".yaml", ".yml"):
        return place
    try:
        return find_run(runs, str(place)).path / "flow.yaml"
    except RunNotFound as problem:
        raise TaskError([f"{place}: this is no flow and no run: {problem}"]) from None


def flow_task(place: Path, task_file: Path | None = None) -> FlowTask:
    """A flow and its task, both checked.

    Raises:
        TaskError: one of them cannot be read, or is wrong.
    """
    flow, digest = load_flow(place)
    file = task_file or place.parent / flow.task
    if not file.exists():
        raise TaskError(
            [f"{place}: its task `{flow.task}` is not there; put it beside the flow, or name it with --task"]
        )
    task = load_task(file)
    if task.digest != flow.task_digest:
        print(f"note: {file} has changed since the flow was recorded; what it says now counts", file=sys.stderr)
    if task.file.surface.browser is None:
        raise TaskError([f"{place}: flows are replayed in browsers only for now"])
    steps = tuple(StepSpec(do=s.do, when_shown=s.when_shown, until=s.until, acts=s.acts) for s in flow.steps)
    changed = task.file.model_copy(update={"steps": steps})
    problems = [_told(place, where, said) for where, said in rule_problems(changed) if where[:1] == ("steps",)]
    if problems:
        raise TaskError(problems)
    return FlowTask(flow, place, replace(task, file=changed), digest)


def _loader(name: str) -> Callable[[], Model]:
    """Loads a model when it is needed: a replay in which nothing is lost never does."""

    def load() -> Model:
        from model.load import load_model

        return load_model(name)

    return load


def _told(place: Path, where: Where, said: str) -> str:
    number = where[1] if len(where) > 1 and isinstance(where[1], int) else 0
    return f"{place}: step {number + 1}: {said}"


def replay(flow: Path, task_file: Path | None, options: Options, junit: Path | None = None, heal: Heal = "off") -> int:
    """Replay and tell, in a JUnit report as well where one is wanted. Returns the exit code; see `agent.outcome`.

    Where healing changed or suggests something, the difference follows on stderr.
    """
    name = flow.stem

    def load() -> tuple[BoundTask, Options]:
        nonlocal name
        found = flow_task(flow_of(flow, options.runs), task_file)
        name = found.flow.name
        task, with_player = found.bound(options, heal)
        beside.append(with_player.beside)
        return task, with_player

    told: list[Ran] = []
    beside: list[object] = []
    code = run_task(options, load, told.append)
    if beside and (text := getattr(beside[0], "diff", str)()):
        print(text, file=sys.stderr)
    if junit is not None and told:
        _report(junit, name, told[-1])
    return code


_KINDS: dict[str, Kind] = {"verified": "passed", "error": "broken", "unknown_effect": "broken"}


def _report(place: Path, name: str, ran: Ran) -> None:
    outcome = ran.ending.outcome
    kind: Kind = _KINDS.get(outcome, "failed")
    log = f"run folder: {ran.folder.path}" if ran.folder is not None else ""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(junit_of(name, [Case(name, kind, outcome, ran.ending.because, ran.seconds, log)]))
    except OSError as error:
        print(f"agent replay: no JUnit report: {place}: {(error.strerror or 'error').lower()}", file=sys.stderr)
