"""`agent run`: one task to its end, one exit code, one line that says how it went."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actuators.errors import SurfaceError
from agent.audit.journal import TrailBroken
from agent.earlier import run_key, unended_effect
from agent.loop import Loop
from agent.outcome import USAGE, Ending
from agent.report.page import write_report
from agent.run_folder import RunFolder, RunFolderUnwritable
from agent.sites import SiteError
from agent.task import BoundTask, TaskError, load_task
from agent.watch import Watch
from agent.wire_up import Wanted, wired
from model.base import Model, ModelError
from policies.broker import BrokerLost
from policies.rule import PolicyUnusable
from policies.secrets import SecretMissing
from sandboxes.base import SandboxUnavailable

__all__ = ["Options", "Ran", "run_task"]


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


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run went. `folder` is None when nothing was started."""

    ending: Ending
    folder: RunFolder | None = None
    steps: int = 0
    seconds: float = 0.0
    report: Path | None = None

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
        return json.dumps(said, ensure_ascii=False)


def run_task(options: Options) -> int:
    """Run a task and tell whoever asked. Returns the exit code; never a traceback for what a user can cause."""
    try:
        if options.approve not in ("tty", "deny"):
            raise TaskError([f"--approve takes `tty` or `deny`, got `{options.approve}`"])
        task = load_task(options.task, options.sets).with_site(options.site).bind()
    except TaskError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return USAGE
    watch = _watch(options)
    try:
        ran = run_bound(task, options, watch)
    except (SecretMissing, PolicyUnusable) as error:
        print(f"agent run: {error}", file=sys.stderr)
        return USAGE
    except (ModelError, SurfaceError, SandboxUnavailable, SiteError, BrokerLost, TrailBroken, RunFolderUnwritable) as error:
        return _broke(options, error)
    watch.end(ran.ending)
    _tell(options, ran)
    return ran.ending.exit_code


def run_bound(task: BoundTask, options: Options, watch: Watch) -> Ran:
    """Run a bound task; everything it starts has ended when this returns or raises."""
    key = run_key(task.digest, task.shown_inputs(), _where(task))
    if not options.again and (earlier := unended_effect(options.runs, key)) is not None:
        run, what = earlier
        because = f"run {run} of the same task was cut off and may have done this: {what}; look, then use --again"
        return Ran(Ending("unknown_effect", because))
    stop = threading.Event()
    model = _model(options, stop)
    began = time.monotonic()
    folder = RunFolder.create(options.runs, task.name)
    folder.put_task(task.path.read_text())
    counted = Counting(watch)
    wanted = Wanted(options.policy, options.approve, options.headed, key, options.otlp)  # type: ignore[arg-type]
    try:
        with wired(task, wanted, folder, model, counted, stop) as parts:
            ending = Loop(parts).run()
            parts.trail.end(
                ending.outcome, ending.exit_code, detail=ending.because, steps=counted.steps, outputs=ending.outputs
            )
    finally:
        model.close()
        report = _report(folder)
    return Ran(ending, folder, counted.steps, time.monotonic() - began, report)


class Counting:
    """Counts steps on their way to another watch."""

    def __init__(self, inner: Watch) -> None:
        self._inner = inner
        self.steps = 0

    def stage(self, step: Any, name: str) -> None:
        self._inner.stage(step, name)

    def step(self, step: Any) -> None:
        self.steps += 1
        self._inner.step(step)

    def end(self, ending: Ending) -> None:
        self._inner.end(ending)


def _where(task: BoundTask) -> str:
    return f"{task.site} {task.browser.start}" if task.needs_site else task.browser.start


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


def _report(folder: RunFolder) -> Path | None:
    """The report is a copy of what the folder holds; that it cannot be written must not hide how the run went."""
    try:
        return write_report(folder)
    except (RunFolderUnwritable, ValueError, OSError) as problem:
        print(f"agent run: no report: {problem}", file=sys.stderr)
        return None


def _broke(options: Options, error: Exception) -> int:
    line = " ".join(str(error).split())
    if options.as_json:
        print(Ran(Ending("error", line)).line())
    print(f"agent run: {line}", file=sys.stderr)
    return Ending("error", line).exit_code


def _tell(options: Options, ran: Ran) -> None:
    if options.as_json:
        print(ran.line(), flush=True)
        return
    print(f"{ran.ending.outcome}: {ran.ending.because}")
    for name, value in ran.ending.outputs.items():
        print(f"  {name}: {_shown(value)}")
    if ran.folder is not None:
        print(f"  {ran.steps} steps, {ran.seconds:.1f} s, report: {ran.report or ran.folder.path}")


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "minor" in value:
        return f"{value['minor'] / 100:.2f} {value.get('currency', '')}"
    return str(value)
