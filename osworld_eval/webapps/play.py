"""Tasks on real web applications: run through the whole runtime, judged by the screen and by the application's data.

Each task is a run of its own file in `tasks/` in a process of its own, on an application that was started for it over
a fresh copy of seeded data, under the operator's rules in `policies/`. It counts only if the run says `verified` *and*
the application's database or files show exactly the differences that `expectations` names and no other.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from osworld_eval.webapps.application import APPLICATIONS, PASSWORD, Application, ApplicationError, Served, prepare
from osworld_eval.webapps.expectations import TASKS, WebTask
from osworld_eval.webapps.install import EnvironmentMissing, default_folder, environment
from osworld_eval.webapps.state import StateUnreadable, differences, judge, read

__all__ = ["FOLDER", "PLACEHOLDER", "Result", "Wanted", "chosen", "main", "placed", "play", "policies_for"]

FOLDER = Path(__file__).parent
PLACEHOLDER = "http://127.0.0.1:8000"
"""The address in the task files, where the harness puts the one it got."""
RUN_S = 1200.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says."""

    tasks: tuple[str, ...] = ()
    """Names, or beginnings of names; all when empty."""
    agent: str = "pilot"
    environment: Path | None = None
    runs: Path = Path("runs/webapps")
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one task. `wrong` is the application's word, not the agent's."""

    task: str
    application: str
    outcome: str
    steps: int
    seconds: float
    wrong: tuple[str, ...]
    """What is missing from the application's data, and what should not have changed there."""
    because: str
    run: str

    @property
    def good(self) -> bool:
        return self.outcome == "verified" and not self.wrong


def chosen(names: Iterable[str]) -> list[WebTask]:
    """The tasks of these names or beginnings of names, in the order of the table; all for none.

    Raises:
        ValueError: a name fits no task.
    """
    wanted = [name for name in names if name]
    for name in wanted:
        if not any(task.startswith(name) for task in TASKS):
            raise ValueError(f"--tasks: there is no task `{name}`; there are: {', '.join(TASKS)}")
    return [task for name, task in TASKS.items() if not wanted or any(name.startswith(one) for one in wanted)]


def policies_for(application: str) -> list[Path]:
    """The operator's rules for an application: those of every office application, and its own where it has any."""
    own = FOLDER / "policies" / f"{application}.cedar"
    return [FOLDER / "policies" / "office.cedar", *([own] if own.is_file() else [])]


def placed(task: WebTask, origin: str, folder: Path) -> Path:
    """The task file with the application's real address in it, written into `folder`."""
    text = (FOLDER / "tasks" / f"{task.name}.yaml").read_text(encoding="utf-8")
    text = text.replace(PLACEHOLDER, origin).replace(_in_pattern(PLACEHOLDER), _in_pattern(origin))
    path = folder / f"{task.name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _in_pattern(origin: str) -> str:
    """An address as it stands in a regular expression inside double quotes."""
    return origin.replace(".", "\\\\.")


def play(task: WebTask, application: Application, python: Path, prepared: Path, folder: Path, wanted: Wanted) -> Result:
    """One task on an application of its own.

    Raises:
        ApplicationError, StateUnreadable: the application, not the agent, is at fault.
    """
    source = application.source
    with Served(application, python, prepared, folder / "data") as served:
        before = read(source, served.folder)
        said = _run(placed(task, served.origin, folder), application, wanted)
    changes = differences(before, read(source, served.folder), source.volatile)
    wrong = tuple(judge(task.effects, changes, source.volatile))
    return Result(
        task.name, application.name, str(said.get("outcome", "error")), int(str(said.get("steps", 0))),
        float(str(said.get("seconds", 0.0))), wrong, str(said.get("because", "")), str(said.get("run", "")),
    )  # fmt: skip


def _run(file: Path, application: Application, wanted: Wanted) -> dict[str, object]:
    command = [sys.executable, "-m", "agent", "run", str(file), "--json", "--approve", "deny", "--again"]
    command += ["--model", wanted.agent, "--runs", str(wanted.runs)]
    command += [word for path in policies_for(application.name) for word in ("--policy", str(path))]
    environ = {**os.environ, "DEMO_PASSWORD": PASSWORD}
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=RUN_S, check=False)
    except subprocess.TimeoutExpired:
        return {"outcome": "error", "because": f"the run did not end within {RUN_S:.0f} s"}
    last = done.stdout.strip().splitlines()[-1:]
    try:
        said = json.loads(last[0])
    except (IndexError, ValueError):
        return {"outcome": "error", "because": done.stderr.strip()[-300:]}
    return said if isinstance(said, dict) else {}


def main(wanted: Wanted) -> int:
    """Play the chosen tasks in turn and print the table. Exit 0 when every one is good, 1 otherwise, 2 for misuse."""
    try:
        tasks = chosen(wanted.tasks)
        python = environment(wanted.environment or default_folder())
    except (ValueError, EnvironmentMissing) as problem:
        print(f"agent eval webapps: {problem}", file=sys.stderr)
        return 2
    results: list[Result] = []
    try:
        with tempfile.TemporaryDirectory(prefix="deskhand-webapps-") as folder:
            for result in _each(tasks, python, Path(folder), wanted):
                results.append(result)
                if not wanted.as_json:
                    print(_row(result), flush=True)
    except (ApplicationError, StateUnreadable) as problem:
        print(f"agent eval webapps: {problem}", file=sys.stderr)
        return 1
    _tell(results, wanted)
    return 0 if all(result.good for result in results) else 1


def _each(tasks: Sequence[WebTask], python: Path, folder: Path, wanted: Wanted) -> Iterable[Result]:
    for task in tasks:
        application = APPLICATIONS[task.application]
        prepared = folder / application.name
        if not prepared.exists():
            prepare(application, python, prepared)
        own = folder / task.name
        own.mkdir()
        yield play(task, application, python, prepared, own, wanted)


def _tell(results: Sequence[Result], wanted: Wanted) -> None:
    good = sum(result.good for result in results)
    unwanted = [result for result in results if any(line.startswith("unwanted") for line in result.wrong)]
    if wanted.as_json:
        rows = [asdict(result) | {"good": result.good} for result in results]
        said = {"agent": wanted.agent, "n": len(results), "verified": good, "unwanted": len(unwanted), "results": rows}
        print(json.dumps(said, ensure_ascii=False))
        return
    median = statistics.median(result.seconds for result in results)
    print(
        f"{good} of {len(results)} verified by screen and data, {len(unwanted)} with unwanted changes, "
        f"median {median:.1f} s a task, agent `{wanted.agent}`"
    )


def _row(result: Result) -> str:
    mark = "ok " if result.good else "NOT"
    took = f"{result.steps:>3} steps {result.seconds:6.1f} s"
    why = "" if result.good else "; ".join((*result.wrong, result.because))
    return f"{mark} {result.task:<24}{result.application:<17}{result.outcome:<16}{took}  {why} {result.run}".rstrip()
