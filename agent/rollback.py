"""`agent rollback RUN --to STEP`: says what can be taken back, puts the surface back, looks whether it is so.

It is a run of its own, under the policy of the run that it takes back and with a trail of its own. The page is opened
by an act with a permit, each field is filled in by one; while it goes on nothing but reading may leave the browser.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from actuators.action import Action, OpenUrl, PressKeys, TypeText
from actuators.halt import RedStop
from agent.audit.verify import verify
from agent.breakage import MACHINERY, MISUSE
from agent.outcome import USAGE, Ending
from agent.parts import Parts
from agent.report.page import write_report
from agent.rollback_files import GOES_NOT_ON, Options, files_back
from agent.run_folder import RunFolder, RunNotFound, find_run
from agent.step import Step
from agent.take_back import TakeBack, take_back
from agent.task import BoundTask, TaskError, load_task
from agent.turn import Turn
from agent.watch import Silent
from agent.wire_up import Wanted, terminable, wired
from sandboxes.checkpoint import NotKept, State
from sandboxes.files_state import KIND as FILES

__all__ = ["Options", "filling", "put_back", "rollback"]

_SETTLE_S = 2.0
_MISTAKES: tuple[type[Exception], ...] = (TaskError, *MISUSE)


def rollback(options: Options) -> int:
    """Take a run back. Returns the exit code; what a user can get wrong is one line on standard error."""
    try:
        folder = find_run(options.runs, options.run)
        plan, state, task = _read(folder, options)
    except (RunNotFound, TaskError, NotKept, ValueError, OSError) as problem:
        print(f"agent rollback: {problem}", file=sys.stderr)
        return USAGE
    if state.kind == FILES:
        return files_back(options, folder, plan, state, task)
    _say(options, folder, plan)
    if options.dry_run:
        return _tell(options, plan, None, None)
    try:
        with terminable():
            ending, mine = _put_back(options, folder, plan, state, task)
    except _MISTAKES as problem:
        print(f"agent rollback: {problem}", file=sys.stderr)
        return USAGE
    except MACHINERY as problem:
        print(f"agent rollback: {problem}", file=sys.stderr)
        return 1
    return _tell(options, plan, ending, mine)


def _read(folder: RunFolder, options: Options) -> tuple[TakeBack, State, BoundTask]:
    """The plan, the checkpoint and the task. A trail that does not hold is not followed."""
    from agent.audit.journal import is_live

    if is_live(folder.journal):
        raise ValueError(f"{folder.id} is going on: stop it first with `agent stop {folder.id}`")
    verdict = verify(folder.path, frames=False)
    if not verdict.ok:
        raise ValueError(f"the trail of {folder.id} does not hold ({verdict.line()}); nothing is taken from it")
    plan = take_back(folder, options.to - 1)
    if isinstance(plan, str):
        raise ValueError(plan)
    state = State.from_bytes(folder.state(plan.state) or b"")
    record = folder.read_run()
    task = load_task(folder.path / "task.yaml", {name: str(value) for name, value in record.inputs.items()})
    return plan, state, task.bind(missing_secrets=True)


def _put_back(
    options: Options, folder: RunFolder, plan: TakeBack, state: State, task: BoundTask
) -> tuple[Ending, RunFolder]:
    from model.scripted import ScriptedModel

    mine = RunFolder.create(options.runs, f"rollback {task.name}"[:60])
    mine.put_task((folder.path / "task.yaml").read_text())
    home = folder.path / "site"
    wanted = Wanted(
        options.policy,
        options.approve,  # type: ignore[arg-type]
        options.headed,
        "",
        state=state,
        site_home=home if home.is_dir() else None,
        put_back=True,
    )
    with wired(task, wanted, mine, ScriptedModel([]), Silent(), RedStop()) as parts:
        told: dict[str, str | int] = {"run": folder.id, "step": plan.step, "state": plan.state}
        parts.trail.event("gui.rollback", told, f"{folder.id} is taken back to before step {plan.step + 1}")
        for line in plan.lines():
            parts.trail.event("gui.rollback.deed", {"detail": line}, line)
        ending, steps = put_back(parts)
        parts.trail.end(ending.outcome, ending.exit_code, detail=ending.because, steps=steps)
        if options.headed:
            _leave_open(parts)
    write_report(mine)
    return ending, mine


def put_back(parts: Parts) -> tuple[Ending, int]:
    """Open the page as it was, fill in what is missing, look. The ending, and how many steps it took."""
    state, place, turn = parts.state, parts.place, Turn(parts)
    if state is None or place is None:
        return Ending("infeasible", "this surface cannot be put back"), 0
    keeper: Any = place
    index = 0

    def act(action: Action, why: str) -> Ending | None:
        nonlocal index
        with parts.trail.step(index):
            step = Step(index, why, turn.look())
            ending = turn.by_itself(step, action)
            parts.watch.step(step)
        index += 1
        return ending

    if (refused := act(OpenUrl(url=str(state.data["url"])), "open the page as it was")) is not None:
        return refused, index
    for field in keeper.missing(state):
        for action in filling(field):
            if keeper.focus(field) and (refused := act(action, f"put back {field['words']}")) is not None:
                return refused, index
    keeper.scroll(state)
    parts.actuator.settle(_SETTLE_S)
    with parts.trail.phase("check") as span:
        span.saw(parts.keep_frame(seen := parts.actuator.observe()), seen)
        differs = place.differs(state)
        span.set(check="the surface is as it was", passed=not differs, detail="; ".join(differs))
    if differs:
        return Ending("done_unverified", f"it is not as it was: {'; '.join(differs)}"), index
    return Ending("verified", "the page is as it was: its address, its fields, its scroll"), index


def filling(field: Mapping[str, Any]) -> tuple[Action, ...]:
    """What the hand does in a field of a checkpoint that has the focus, its text marked."""
    if field["type"] in ("checkbox", "radio"):
        return (PressKeys(keys=("space",)),)
    if field["tag"] == "select":
        return (TypeText(text=field["chosen"] or field["value"]),)
    return (TypeText(text=field["value"]),) if field["value"] else (PressKeys(keys=("delete",)),)


def _leave_open(parts: Parts) -> None:
    """The window stays until the person closes it, or says stop."""
    from actuators.errors import SurfaceError

    try:
        while not parts.stop.is_set():
            parts.actuator.settle(0.2)
    except SurfaceError:
        return


def _say(options: Options, folder: RunFolder, plan: TakeBack) -> None:
    if options.as_json:
        return
    print(f"{folder.id}, back to before step {plan.step + 1}:")
    if plan.step != options.to - 1:
        print(f"  {plan.instead(options.to)}")
    for line in plan.lines():
        print(f"  {line}")


def _tell(options: Options, plan: TakeBack, ending: Ending | None, mine: RunFolder | None) -> int:
    if options.as_json:
        told: dict[str, Any] = {
            "to": plan.step + 1,
            "taken_back": [deed.line() for deed in plan.since if deed.fate == "undone"],
            "not_taken_back": [deed.line() for deed in plan.gone] + list(plan.unasked),
            "outcome": ending.outcome if ending else None,
            "because": ending.because if ending else "",
            "run": mine.id if mine else "",
            "folder": str(mine.path) if mine else "",
        }
        print(json.dumps(told, ensure_ascii=False))
    elif ending is None:
        print("nothing was touched")
    else:
        print(f"{ending.outcome}: {ending.because}")
        print(f"  report: {mine.report if mine else ''}")
        print(f"  {GOES_NOT_ON}")
    return ending.exit_code if ending else 0
