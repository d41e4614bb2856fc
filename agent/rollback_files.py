"""Taking back a run on a sandboxed desktop: the files that it has made real, as they were at a step or before the run.

Nothing else of such a run is left: its programs had no other home and, unless hosts were named, no network. It is a run
of its own with a trail of its own, as every rollback; no program is started for it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from agent.audit.spans import About, Trail
from agent.breakage import MACHINERY, MISUSE
from agent.desk import undo_of
from agent.outcome import USAGE, Ending
from agent.report.page import write_report
from agent.run_folder import RunFolder
from agent.seal import sealed_by
from agent.take_back import TakeBack
from agent.task import BoundTask
from policies.broker import Broker
from policies.secrets import SecretStore
from sandboxes.checkpoint import NotKept, State
from sandboxes.files_state import Return, put_back, returns

__all__ = ["GOES_NOT_ON", "Options", "files_back"]

GOES_NOT_ON = "the run does not go on from here: start its task again, or go on by hand (--headed leaves a page open)"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line of `agent rollback` says."""

    run: str
    to: int
    """Number of the step, from 1."""
    runs: Path = Path("runs")
    policy: tuple[str, ...] = ()
    approve: str = "tty"
    dry_run: bool = False
    headed: bool = False
    """Show the browser, and leave it open until the person closes it."""
    as_json: bool = False


def files_back(options: Options, folder: RunFolder, plan: TakeBack, state: State, task: BoundTask) -> int:
    """Put the files back. Returns the exit code; what a user can get wrong is one line on standard error."""
    undo = folder.state(undo_of(folder.path)) if undo_of(folder.path) else None
    if undo is None:
        why = "its checkpoint from before is gone" if undo_of(folder.path) else "nothing of it was made real"
        return _tell(options, plan, [], (), Ending("infeasible", f"there are no files to take back: {why}"), None)
    try:
        before = State.from_bytes(undo)
        steps, left = returns(before, state)
    except (NotKept, KeyError, TypeError, ValueError) as problem:
        print(f"agent rollback: {' '.join(str(problem).split())}", file=sys.stderr)
        return USAGE
    if options.dry_run:
        return _tell(options, plan, steps, left, None, None)
    home = Path(str(before.data["home"]))
    try:
        ending, mine = _done(options, folder, plan, (home, steps, left), task)
    except MISUSE as problem:
        print(f"agent rollback: {problem}", file=sys.stderr)
        return USAGE
    except MACHINERY as problem:
        print(f"agent rollback: {problem}", file=sys.stderr)
        return 1
    return _tell(options, plan, steps, left, ending, mine)


def _done(
    options: Options,
    folder: RunFolder,
    plan: TakeBack,
    wanted: tuple[Path, list[Return], tuple[str, ...]],
    task: BoundTask,
) -> tuple[Ending, RunFolder]:
    """Write it down, do it, write down what came of it."""
    home, steps, left = wanted
    mine = RunFolder.create(options.runs, f"rollback {task.name}"[:60])
    mine.put_task((folder.path / "task.yaml").read_text())
    names = options.policy or task.policy.preset or ("observe",)
    clean = SecretStore.load({}).redactor()
    with Broker(mine.id, names) as broker:
        about = About(task=task.name, goal=task.goal, policy=", ".join(names), policy_digest=broker.policy_digest)
        with Trail.start(mine, about, sealed_by(broker), broker.public_key, clean) as trail:
            told: dict[str, str | int] = {"run": folder.id, "step": plan.step, "state": plan.state}
            trail.event("gui.rollback", told, f"{folder.id} is taken back to before step {plan.step + 1}")
            for line in (*(one.line() for one in steps), *left):
                trail.event("gui.rollback.deed", {"detail": line}, line)
            ending = _ending(home, steps, left)
            trail.end(ending.outcome, ending.exit_code, detail=ending.because, steps=0)
    write_report(mine)
    return ending, mine


def _what(plan: TakeBack) -> str:
    """The act of the step that is gone back to, so that a person sees whether it is the one they mean."""
    return f" ({plan.since[0].what})" if plan.since else ""


def _ending(home: Path, steps: list[Return], left: tuple[str, ...]) -> Ending:
    try:
        conflicts = put_back(home, steps)
    except OSError as problem:
        return Ending("error", f"nothing was changed: {(problem.strerror or str(problem)).lower()}")
    if conflicts:
        return Ending("denied", f"nothing was changed: {conflicts[0]}")
    if left:
        return Ending("done_unverified", f"{len(steps)} files are as they were, {len(left)} are not: {left[0]}")
    return Ending("verified", f"{len(steps)} files in {home} are as they were")


def _tell(
    options: Options,
    plan: TakeBack,
    steps: list[Return],
    left: tuple[str, ...],
    ending: Ending | None,
    mine: RunFolder | None,
) -> int:
    lines = [one.line() for one in steps]
    if options.as_json:
        told = {
            "to": plan.step + 1,
            "taken_back": lines,
            "not_taken_back": list(left),
            "outcome": ending.outcome if ending else None,
            "because": ending.because if ending else "",
            "run": mine.id if mine else "",
            "folder": str(mine.path) if mine else "",
        }
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(f"files, back to before step {plan.step + 1}{_what(plan)}:")
        if plan.step != options.to - 1:
            print(f"  {plan.instead(options.to)}")
        for line in (*lines, *(f"cannot be taken back: {one}" for one in left)):
            print(f"  {line}")
        print("nothing was touched" if ending is None else f"{ending.outcome}: {ending.because}")
        if mine is not None:
            print(f"  report: {mine.report}")
            print(f"  {GOES_NOT_ON}")
    return ending.exit_code if ending else 0
