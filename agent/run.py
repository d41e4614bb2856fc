"""`agent run`: one task to its end, one exit code, one line that says how it went."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from actuators.halt import RedStop, stopped_by
from agent.attended import APPROVE, asked_where
from agent.audit.collector import unfit_endpoint
from agent.audit.journal import TrailBroken
from agent.breakage import MACHINERY, MISUSE
from agent.desk import told_files
from agent.earlier import Alone, Unended, run_key, same_place_key, unended_effect
from agent.flow.record import NoFlow, Recorder
from agent.look_back import look_back, session_of
from agent.loop import Loop
from agent.outcome import USAGE, Ending
from agent.parts import Parts
from agent.past import Past
from agent.red_button import unfit
from agent.report.ci import Told, tell_build, unfit_form
from agent.report.page import write_report
from agent.run_folder import RunFolder, RunFolderUnwritable, RunRecord
from agent.task import BoundTask, TaskError, load_task
from agent.watch import Watch
from agent.wire_up import Wanted, terminable, wired
from model.base import Model
from policies.narrow import ANOMALIES, TIERS, TREATMENTS

if TYPE_CHECKING:
    from policies.broker import Ahead
    from sandboxes.chromium import Chromium

__all__ = ["Beside", "Options", "Ran", "Warm", "run_bound", "run_task", "to_the_end"]

_MISTAKES: tuple[type[Exception], ...] = (TaskError, *MISUSE)
"""Nothing was started."""


class Beside(Protocol):
    """Goes along with one run: it hears of its parts, and has a word on its ending."""

    def begin(self, parts: Parts, folder: RunFolder) -> None:
        """Everything is there; nothing has been done yet."""
        ...

    def closing(self, ending: Ending) -> Ending:
        """The ending as it goes into the trail. Must not raise."""
        ...

    def leave(self, folder: RunFolder, task: BoundTask, ending: Ending, seconds: float) -> object:
        """Write down what remains. NoFlow, OSError, TaskError and ValueError are told and change nothing."""
        ...

    def told(self) -> Mapping[str, Any]:
        """What the result says beyond every run's."""
        ...


@dataclass(frozen=True, slots=True)
class Warm:
    """What one run may use that was there before it: both are empty of any other run's doings."""

    chromium: Chromium | None = None
    """The run gets a context of its own in it."""
    broker: Ahead | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    task: Path
    sets: Mapping[str, str] = field(default_factory=dict)
    policy: tuple[str, ...] = ()
    approve: str = "tty"
    model: str = "pilot"
    site: Mapping[str, str] = field(default_factory=dict)
    runs: Path = Path("runs")
    headed: bool = False
    as_json: bool = False
    again: bool = False
    otlp: str = ""
    tier: str = ""
    """`observe`, `rehearse`, `supervised` or `bounded`; empty for what the task and the rules say."""
    anomalies: Mapping[str, str] = field(default_factory=dict)
    """What the operator wants done about what is odd: kind to `note`, `raise`, `ask` or `stop`."""
    junit: Path | None = None
    """Where a JUnit file is written."""
    annotations: str = ""
    """`github` or `gitlab`, for a build that shows what was found."""
    stop_key: str = "off"
    """The chord that stops the run at this display, `auto` for the usual one where it can be listened for, or `off`."""
    opened: Model | None = None
    """A model that is there already, instead of `model`; the run closes it."""
    beside: Beside | None = None
    """What goes along with the run; None: a recorder that leaves a flow."""
    warm: Warm = Warm()
    """What was started for this run before."""
    report: bool = True
    """Whether the report of a verified run is written at its end; `agent view` writes it when it is asked for."""
    drive: Callable[[Parts], Ending] | None = None
    """What goes through the run in place of the loop; such a run leaves no flow."""
    flow: Path | None = None
    """The flow that is replayed."""
    resumes: Past | None = None
    """What earlier runs have done, where this one goes on with them; see `agent.resume`."""

    def told(self) -> str:
        """How the run was started, as JSON for its trail: what `agent resume` needs."""
        told: dict[str, Any] = {
            "task": str(self.task.absolute()),
            "policy": [*self.policy],
            "approve": self.approve,
            "model": self.model,
            "site": dict(self.site),
            "tier": self.tier,
            "anomalies": dict(self.anomalies),
            "otlp": self.otlp,
            "driven": self.drive is not None and self.resumes is None,
        }
        if self.flow is not None:
            digest = hashlib.sha256(self.flow.read_bytes()).hexdigest()
            told |= {"flow": str(self.flow.absolute()), "flow_digest": digest}
        return json.dumps(told, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run went. `folder` is None when nothing was started."""

    ending: Ending
    folder: RunFolder | None = None
    steps: int = 0
    seconds: float = 0.0
    report: Path | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    """More for the result, by whoever went along."""

    def line(self) -> str:
        """One JSON object for machines."""
        said: dict[str, Any] = {
            "outcome": self.ending.outcome,
            "because": self.ending.because,
            "run": self.folder.id if self.folder else "",
            "folder": str(self.folder.path) if self.folder else "",
            "outputs": dict(self.ending.outputs),
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "report": str(self.report) if self.report else "",
        }
        if self.folder is not None and (files := told_files(self.folder.path)):
            said["files"] = files
        said |= self.told
        return json.dumps(said, ensure_ascii=False)


def run_task(
    options: Options,
    load: Callable[[], tuple[BoundTask, Options]] | None = None,
    ended: Callable[[Ran], object] = lambda ran: None,
) -> int:
    """Run a task and tell whoever asked. Returns the exit code; never a traceback for what a user can cause.

    `load` makes the task, and the options for it, of something else than `options.task`; it may raise TaskError.
    `ended` is told of a run that began.
    """
    try:
        if options.approve not in APPROVE:
            raise TaskError([f"--approve takes one of {', '.join(APPROVE)}, got `{options.approve}`"])
        if options.tier and options.tier not in TIERS:
            raise TaskError([f"--tier takes one of {', '.join(TIERS)}, got `{options.tier}`"])
        if problem := (options.otlp and unfit_endpoint(options.otlp)) or unfit_form(options.annotations):
            raise TaskError([problem])
        if problem := unfit(options.stop_key):
            raise TaskError([f"--stop-key: {problem}, or `auto` or `off`"])
        for kind, treatment in options.anomalies.items():
            if kind not in ANOMALIES or treatment not in TREATMENTS:
                kinds, treatments = ", ".join(ANOMALIES), ", ".join(TREATMENTS)
                said = f"--anomaly takes KIND=TREATMENT with one of {kinds} and one of {treatments}"
                raise TaskError([f"{said}, got `{kind}={treatment}`"])
        if load is not None:
            task, options = load()
        else:
            task = load_task(options.task, options.sets).with_site(options.site).bind()
    except TaskError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return USAGE
    watch = _watch(options)
    try:
        with terminable():
            ran = run_bound(task, options, watch)
    except _MISTAKES as error:
        print(f"agent run: {_one_line(error)}", file=sys.stderr)
        return USAGE
    except MACHINERY as error:
        ran = Ran(Ending("error", _one_line(error)))
    watch.end(ran.ending)
    _tell(options, ran)
    told = Told(ran.ending, ran.folder, options.task, task.name, ran.seconds)
    tell_build(told, options.junit, options.annotations, sys.stderr if options.as_json else sys.stdout)
    ended(ran)
    return ran.ending.exit_code


def run_bound(task: BoundTask, options: Options, watch: Watch) -> Ran:
    """Run a bound task; everything it starts has ended when this returns or raises. A run that breaks is a `Ran` too.

    Raises:
        TaskError, SecretMissing, PolicyUnusable: the caller's mistake; nothing was started and nothing is left.
        ModelError, RunFolderUnwritable: no run began.
    """
    key = run_key(task.digest, task.shown_inputs(), _where(task))
    same_place = same_place_key(task.path, task.name, task.shown_inputs(), _where(task))
    if options.again:
        return _run_now(task, options, watch, (key, same_place), None)
    with Alone(options.runs, key) as alone:
        if not alone.granted:
            return Ran(Ending("halted", "the same task with the same inputs is running already; wait, or use --again"))
        if options.resumes is not None:
            return _run_now(task, options, watch, (key, same_place), None)
        earlier = unended_effect(options.runs, key, same_place)
        if earlier is not None and not task.reconcile:
            return Ran(Ending("unknown_effect", f"{earlier.because}; look, then use --again"))
        return _run_now(task, options, watch, (key, same_place), earlier)


def _run_now(task: BoundTask, options: Options, watch: Watch, keys: tuple[str, str], earlier: Unended | None) -> Ran:
    """The run itself, which first looks whether an earlier one has done it."""
    stop = RedStop()
    model = options.opened or _model(options, stop)
    began = time.monotonic()
    folder = RunFolder.create(options.runs, task.name)
    past = options.resumes
    counted = Counting(watch, past.steps if past is not None else 0)
    wanted = Wanted(
        options.policy,
        asked_where(options.approve),
        options.headed,
        keys[0],
        options.otlp,
        options.tier or None,  # type: ignore[arg-type]
        options.stop_key,
        options.anomalies,  # type: ignore[arg-type]
        keys[1],
        broker=options.warm.broker,
        state=session_of(earlier) if earlier is not None else past.state if past is not None else None,
        site_home=_site_of(earlier) if past is None else past.site_home,
        started=options.told(),
        resumes=past.run if past is not None else "",
        counted=past.counted if past is not None else {},
        doubted=past.doubted if past is not None else {},
    )
    beside = options.beside or Recorder()
    try:
        folder.put_task(task.path.read_text())
        ending = _ran(task, wanted, folder, model, counted, stop, earlier, options, beside)
    except _MISTAKES:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    finally:
        model.close()
    page = _report(folder, stop.is_set()) if options.report or ending.outcome != "verified" else None
    return Ran(ending, folder, counted.steps, time.monotonic() - began, page, beside.told())


def _site_of(earlier: Unended | None) -> Path | None:
    """Where the demo site of an earlier run keeps its state, when it had one: what was done was done there."""
    home = earlier.folder.path / "site" if earlier is not None else None
    return home if home is not None and home.is_dir() else None


def _ran(
    task: BoundTask,
    wanted: Wanted,
    folder: RunFolder,
    model: Model,
    counted: Counting,
    stop: threading.Event,
    earlier: Unended | None,
    options: Options,
    beside: Beside,
) -> Ending:
    """The whole run, from nothing to nothing. What breaks is in the trail, if there is one, and in `run.json`."""
    ending: Ending | None = None
    try:
        with wired(task, wanted, folder, model, counted, stop, options.warm.chromium) as parts:
            began = time.monotonic()
            beside.begin(parts, folder)
            ending = beside.closing(to_the_end(parts, earlier, options.drive))
            if parts.wind_up is not None:
                ending, lines = parts.wind_up(ending)
                parts.trail.event("gui.files", body="\n".join(lines))
            parts.trail.end(
                ending.outcome, ending.exit_code, detail=ending.because, steps=counted.steps, outputs=ending.outputs
            )
            if options.drive is None:
                _keep_flow(beside, folder, task, ending, time.monotonic() - began)
        return ending
    except _MISTAKES:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if ending is None or ending.outcome not in ("error", "unknown_effect"):
            ending = _broken(error)
    _write_down(ending, folder, task, wanted.key, counted.steps)
    return ending


def _keep_flow(beside: Beside, folder: RunFolder, task: BoundTask, ending: Ending, seconds: float) -> None:
    """The flow is a copy of what was done; that there is none must not hide how the run went."""
    try:
        beside.leave(folder, task, ending, seconds)
    except (NoFlow, RunFolderUnwritable, TaskError, OSError, ValueError) as problem:
        print(f"agent run: no flow: {_one_line(problem)}", file=sys.stderr)


def to_the_end(parts: Parts, earlier: Unended | None = None, drive: Callable[[Parts], Ending] | None = None) -> Ending:
    """The loop's ending; where the machinery broke, what that means: an act in flight may have happened.

    With `earlier`, a run that was cut off, it is first looked whether that one has done it.
    """
    try:
        if drive is not None:
            return drive(parts)
        if earlier is None:
            return Loop(parts).run()
        return look_back(parts, earlier, parts.start) or Loop(parts).run(1)
    except (Exception, KeyboardInterrupt) as error:
        ending = _broken(error)
        if parts.trail.in_flight:
            ending = Ending("unknown_effect", f"it broke in the middle of an act: {_one_line(error)}")
        elif parts.stop.is_set() and not isinstance(error, TrailBroken):
            ending = Ending("halted", stopped_by(parts.stop))
        return replace(ending, because=parts.trail.clean(ending.because))  # an error may tell what it had in its hands


_STOPPED = Ending("halted", "a person stopped the run")


def _broken(error: BaseException) -> Ending:
    return _STOPPED if isinstance(error, KeyboardInterrupt) else Ending("error", _one_line(error))


def _write_down(ending: Ending, folder: RunFolder, task: BoundTask, key: str, steps: int) -> None:
    """Make `run.json` say how it ended where the trail could not: it never began, or broke at its very end.

    A record that says the run goes on is left alone when an act may be in flight: the next run must find it crashed.
    """
    try:
        record = folder.read_run()
    except ValueError:
        record = RunRecord(id=folder.id, task=task.name, goal=task.goal, started_at=round(time.time(), 3), key=key)
    if record.outcome == ending.outcome or (record.status == "running" and folder.journal.exists()):
        return
    now = round(time.time(), 3)
    told: dict[str, Any] = {
        "status": "ended",
        "outcome": ending.outcome,
        "exit_code": ending.exit_code,
        "detail": ending.because,
    }
    told |= {"ended_at": now, "seconds": round(now - record.started_at, 3), "steps": steps}
    with suppress(RunFolderUnwritable):  # what broke tells more
        folder.write_run(record.model_copy(update=told))


class Counting:
    """Counts steps on their way to another watch, from `steps` on."""

    def __init__(self, inner: Watch, steps: int = 0) -> None:
        self._inner = inner
        self.steps = steps

    def stage(self, step: Any, name: str) -> None:
        self._inner.stage(step, name)

    def step(self, step: Any) -> None:
        self.steps += 1
        self._inner.step(step)

    def end(self, ending: Ending) -> None:
        self._inner.end(ending)


def _where(task: BoundTask) -> str:
    return f"{task.site} {task.where}" if task.needs_site else task.where


def _model(options: Options, stop: threading.Event) -> Model:
    from model.load import load_model

    return load_model(options.model, cancel=stop)


def _watch(options: Options) -> Watch:
    from agent.progress import JsonLines, Plain, Rich

    if options.as_json:
        return JsonLines()
    if not sys.stdout.isatty():
        return Plain()
    from rich.console import Console

    return Rich(Console())


def _report(folder: RunFolder, stopped: bool) -> Path | None:
    """The report is a copy of what the folder holds; that it cannot be written must not hide how the run went.

    Of a run that a person stopped it is a short one, since they wait for the end.
    """
    if not folder.journal.exists():
        return None
    try:
        return write_report(folder, brief=stopped)
    except (RunFolderUnwritable, ValueError, OSError) as problem:
        print(f"agent run: no report: {_one_line(problem)}", file=sys.stderr)
        return None


def _one_line(error: BaseException) -> str:
    """What went wrong, in one line; errors that are not ours are named, since their text alone may say little."""
    said = " ".join(str(error).split())
    return said if isinstance(error, (*MACHINERY, *_MISTAKES)) else f"{type(error).__name__}: {said}"


def _tell(options: Options, ran: Ran) -> None:
    if ran.ending.outcome == "error":
        print(f"agent run: {ran.ending.because}", file=sys.stderr)
    if options.as_json:
        print(ran.line(), flush=True)
        return
    if ran.ending.outcome != "error":
        print(f"{ran.ending.outcome}: {ran.ending.because}")
    for name, value in ran.ending.outputs.items():
        print(f"  {name}: {_shown(value)}")
    for line in told_files(ran.folder.path) if ran.folder is not None else ():
        print(f"  {line}")
    if ran.folder is not None:
        page = ran.report or f"agent view {ran.folder.path}"
        print(f"  {ran.steps} steps, {ran.seconds:.1f} s, report: {page}")


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "minor" in value:
        return f"{value['minor'] / 100:.2f} {value.get('currency', '')}"
    return str(value)
