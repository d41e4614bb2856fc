"""Plays every task of the suite as its author would, which must score 1, and nearly so, which must score 0.

    python -m osworld_eval.osworld.own.verify [--tasks ID,DOMAIN/...] [--slots 2] [--json]

Acts go through the ordinary runtime, and every score is upstream's evaluators'. A near miss that consists of commands
alone is scored without a run: what an agent would have left is put there.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from model.base import Model, Perception
from osworld_eval.osworld.assets import Assets
from osworld_eval.osworld.machine import Machine, MachineFault, SandboxMachine
from osworld_eval.osworld.own.scripts import Player, Script, ScriptError, near_misses, oracle
from osworld_eval.osworld.scoring.score import Scorer
from osworld_eval.osworld.setup import SetupFailed
from osworld_eval.osworld.suite import OsworldTask, Step, SuiteError, read_suite
from osworld_eval.osworld.worker import RealHands

__all__ = ["Stage", "Tried", "main", "own_tasks"]

FOLDER = Path(__file__).parent
_STEPS = 60
_SCREEN = (1280, 800)
ORACLE = "oracle"
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Tried:
    """One script, and what it scored."""

    task: str
    script: str
    """`oracle`, or what is wrong about a near miss."""
    score: float | None
    why: str
    """What decided it, or why there is no score."""
    seconds: float
    steps: int = 0

    @property
    def good(self) -> bool:
        return self.score == (1.0 if self.script == ORACLE else 0.0)


def own_tasks(named: str = "") -> tuple[OsworldTask, ...]:
    """The suite's tasks, or those whose name or id begins with one of the words between commas.

    Raises:
        SuiteError: there is none such.
    """
    tasks = read_suite(FOLDER).listed("test_all")
    words = [word.strip() for word in named.split(",") if word.strip()]
    for word in words:
        if not any(_named(task, word) for task in tasks):
            raise SuiteError(f"no task is called `{word[:80]}` or begins so")
    return tuple(task for task in tasks if not words or any(_named(task, word) for word in words))


def _named(task: OsworldTask, word: str) -> bool:
    return task.name.startswith(word) or task.id.startswith(word)


def _machine() -> Machine:
    return SandboxMachine(screen=_SCREEN)


class Stage:
    """A machine and the evaluators, for one script after another. Use as a context manager, in one thread.

    Raises:
        MachineFault: on entering: no sandbox here.
        EnvironmentMissing: on entering: the evaluators are not installed.
    """

    def __init__(self, folder: Path, machine: Callable[[], Machine] = _machine) -> None:
        self._folder = folder
        self._make = machine
        self._stack = ExitStack()
        self._count = 0

    def __enter__(self) -> Stage:
        with ExitStack() as starting:
            self._scorer = starting.enter_context(Scorer())
            self._machine = self._make()
            starting.callback(self._machine.close)
            self._assets = Assets(self._folder / "assets", offline=True)
            self._stack = starting.pop_all()
        return self

    def __exit__(self, *how: object) -> None:
        self._stack.close()

    def task(self, task: OsworldTask, which: str = "all") -> list[Tried]:
        """The oracle of a task, and its near misses; or with `oracle` or `near` only those."""
        played = [oracle(task.id)] if which != "near" else []
        return [self.script(task, one) for one in (*played, *(near_misses(task.id) if which != ORACLE else ()))]

    def script(self, task: OsworldTask, script: Script) -> Tried:
        """One of them."""
        began = time.monotonic()
        self._count += 1
        folder = self._folder / f"{task.id}-{self._count}"
        folder.mkdir(parents=True)
        try:
            direct = bool(script.name) and not script.acts
            score, why, steps = self._scored(task, script, folder) if direct else self._played(task, script, folder)
        except (MachineFault, SetupFailed, ScriptError) as problem:
            score, why, steps = None, str(problem), 0
        return Tried(task.name, script.name or ORACLE, score, why, round(time.monotonic() - began, 2), steps)

    def _played(self, task: OsworldTask, script: Script, folder: Path) -> tuple[float | None, str, int]:
        """Through the ordinary runtime."""
        from osworld_eval.osworld.episode import Playing, Settings, play
        from osworld_eval.osworld.row import Job

        playing = Playing(
            self._machine, _Scripted(script), _Hands(self._scorer, script), self._assets, Settings(steps=_STEPS)
        )
        row = play(Job(task), playing, folder)
        because = f" ({row.because})" if row.because else ""
        return row.score, f"{row.reason}{because if row.score is None or row.outcome == 'error' else ''}", row.steps

    def _scored(self, task: OsworldTask, script: Script, folder: Path) -> tuple[float | None, str, int]:
        """What its commands leave, without a run."""
        hands, cache = _Hands(self._scorer, script), folder / "cache"
        self._machine.reset()
        hands.prepare(task, self._machine, self._assets, cache)
        said = hands.score(
            task, self._machine, cache, self._assets, script.said == "fail", self.after(cache), frozenset()
        )
        return said.value, said.error or said.reason, 0

    def after(self, cache: Path) -> Callable[[Sequence[Step]], None]:
        """What does an evaluator's own steps."""
        from osworld_eval.osworld.setup import steps as do

        return lambda steps: _nothing(do(self._machine, steps, cache, self._assets))


class _Hands(RealHands):
    """A script's commands come after the real set-up."""

    def __init__(self, scorer: Scorer, script: Script) -> None:
        super().__init__(scorer)
        self._script = script

    def prepare(self, task: OsworldTask, machine: Machine, assets: Assets, cache: Path) -> None:
        from sandboxes.guest import Guest

        super().prepare(task, machine, assets, cache)
        guest = Guest(machine.address, machine.token or "", 60.0)
        for command in self._script.commands:
            ran = guest.execute(list(command))
            if ran.code != 0:
                raise ScriptError(f"`{' '.join(command)[:80]}` ended with code {ran.code}: {ran.error.strip()[:160]}")


class _Scripted:
    """An agent that plays one script."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.perception: Perception = "both" if script.names else "pixels"  # what is not asked for takes no time

    @property
    def name(self) -> str:
        return self._script.name or ORACLE

    def model_for(self, task: OsworldTask, seed: int) -> Model:
        return Player(self._script, "oracle")

    def close(self) -> None:
        """Nothing to end."""


def _nothing(notes: object) -> None:
    return None


_stage: Stage | None = None
"""Of this process."""


def _in_process(folder: str, name: str, which: str) -> list[Tried]:
    """One task, in a process that keeps its machine for the next."""
    global _stage
    if _stage is None:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)  # whoever gave the work has gone
        _stage = Stage(Path(folder) / f"slot-{multiprocessing.current_process().pid}")
        _stage.__enter__()
    return _stage.task(next(task for task in own_tasks() if task.name == name), which)


def _line(one: Tried) -> str:
    mark = "ok  " if one.good else "FAIL"
    score = "none" if one.score is None else f"{one.score:g}"
    why = "" if one.good else f": {one.why[:300]}"
    return f"{mark} {one.task[:34]:34} {one.script[:34]:34} {score:>4} {one.steps:3} steps {one.seconds:6.1f} s{why}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 0 when every oracle scored 1 and every near miss 0, 1 when one did not, 2 for no such task."""
    parser = argparse.ArgumentParser("python -m osworld_eval.osworld.own.verify", description=__doc__.split("\n\n")[0])
    parser.add_argument("--tasks", default="", help="beginnings of names or ids, with commas between; all by default")
    parser.add_argument("--only", choices=("all", ORACLE, "near"), default="all", help="oracles, or near misses")
    parser.add_argument("--slots", type=int, default=1, help="tasks at once")
    parser.add_argument("--keep", type=Path, help="a folder for journals and files; left out, they are thrown away")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each script")
    given = parser.parse_args(arguments)
    try:
        tasks = own_tasks(given.tasks)
    except SuiteError as problem:
        print(problem, file=sys.stderr)
        return 2
    from osworld_eval.osworld.scoring.install import EnvironmentMissing

    began = time.monotonic()
    tried: list[Tried] = []
    with tempfile.TemporaryDirectory(prefix="deskhand-verify-", ignore_cleanup_errors=True) as temporary:
        folder = (given.keep or Path(temporary)).absolute()
        try:
            for one in _all(tasks, folder, given.only, given.slots):
                tried.append(one)
                print(json.dumps(asdict(one), ensure_ascii=False) if given.json else _line(one), flush=True)
        except (MachineFault, ScriptError, EnvironmentMissing) as problem:
            print(problem, file=sys.stderr)
            return 1
    oracles = [one for one in tried if one.script == ORACLE]
    near = [one for one in tried if one.script != ORACLE]
    told = {
        "tasks": len(tasks),
        "oracle": sum(one.good for one in oracles),
        "near_misses": len(near),
        "near_misses_at_0": sum(one.good for one in near),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(told))
    return 0 if all(one.good for one in tried) else 1


def _all(tasks: Sequence[OsworldTask], folder: Path, which: str, slots: int) -> Iterator[Tried]:
    if slots <= 1:
        with Stage(folder) as stage:
            for task in tasks:
                yield from stage.task(task, which)
        return
    with ProcessPoolExecutor(slots, multiprocessing.get_context("spawn")) as pool:
        work = [pool.submit(_in_process, str(folder), task.name, which) for task in tasks]
        for done in as_completed(work):
            yield from done.result()


if __name__ == "__main__":
    sys.exit(main())
