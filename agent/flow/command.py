"""What `agent replay`, and `agent run --inputs`, do with their options."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from agent.attended import APPROVE
from agent.flow.warm import Settings
from agent.outcome import USAGE
from agent.run import Options
from agent.task import TaskError

if TYPE_CHECKING:
    from agent.flow.heal import Heal

__all__ = ["HEAL", "Wanted", "each_row", "replayed"]

HEAL = ("off", "suggest", "auto")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted beyond one run."""

    junit: Path | None = None
    inputs: Path | None = None
    workers: int = 1
    retries: int = 2
    rerun_failed: bool = False
    results: Path | None = None
    """Beside the table where None."""
    fresh: bool = False
    """A process and a browser of its own for each row, where rows could share them."""
    ray: bool = False
    """Rows go on somewhere on a Ray cluster."""


def replayed(flow: Path, task: Path | None, heal: str, options: Options, wanted: Wanted) -> int:
    """Replay a flow, once or for each row. Returns the exit code."""
    if heal not in HEAL:
        return _refused(TaskError([f"agent replay: --heal takes one of {', '.join(HEAL)}, got `{heal}`"]))
    from agent.flow.replay import flow_of, flow_task, replay

    if wanted.inputs is None:
        return replay(flow, task, options, wanted.junit, cast("Heal", heal))
    try:
        place = flow_of(flow, options.runs)
        found = flow_task(place, task).task.with_site(options.site)
    except TaskError as error:
        return _refused(error)
    words = ["replay", str(place), *(["--task", str(task)] if task else []), "--heal", heal, "--model", options.model]
    words += ["--report"] if options.report else []
    return _rows(found, words, options, wanted, None if wanted.fresh else _warm(place, task, heal, options))


def _warm(flow: Path, task: Path | None, heal: str, options: Options) -> Settings:
    return Settings(
        str(flow),
        str(options.runs),
        str(task or ""),
        options.approve,
        options.policy,
        dict(options.site),
        options.headed,
        options.otlp,
        heal,
        options.model,
        options.report,
    )


def each_row(options: Options, wanted: Wanted) -> int:
    """`agent run --inputs`: the task once for each row. Returns the exit code."""
    from agent.task import load_task

    try:
        task = load_task(options.task).with_site(options.site)
    except TaskError as error:
        return _refused(error)
    words = ["run", str(options.task), "--model", options.model]
    if options.tier:
        words += ["--tier", options.tier]
    words += [word for name, value in options.anomalies.items() for word in ("--anomaly", f"{name}={value}")]
    return _rows(task, [*words, "--stop-key", options.stop_key], options, wanted)


def _rows(task: object, words: Sequence[str], options: Options, wanted: Wanted, warm: Settings | None = None) -> int:
    from agent.flow.rows import Batch, run_rows
    from agent.task import Task

    assert isinstance(task, Task) and wanted.inputs is not None
    if options.approve not in APPROVE or options.approve == "tty":
        given = f"with --inputs, --approve takes one of {', '.join(one for one in APPROVE if one != 'tty')}"
        return _refused(TaskError([f"{given}, got `{options.approve}`: many runs cannot ask on one terminal"]))
    if options.again:
        said = "with --inputs there is no --again: a row that may have taken effect is not repeated"
        return _refused(TaskError([f"{said}; look, then run that row alone"]))
    command = [*words, "--approve", options.approve]
    command += [word for name in options.policy for word in ("--policy", name)]
    command += [word for name, value in options.site.items() for word in ("--site", f"{name}={value}")]
    command += [*(["--headed"] if options.headed else [])]
    if options.otlp:
        command += ["--otlp", options.otlp]
    batch = Batch(
        wanted.inputs, replace(task, sets={}), tuple(command), dict(options.sets), options.runs, wanted.workers,
        wanted.retries, wanted.rerun_failed, wanted.junit, options.as_json, wanted.results, warm,
        "" if wanted.ray else None,
    )  # fmt: skip
    return run_rows(batch)


def _refused(error: TaskError) -> int:
    print("\n".join(error.lines), file=sys.stderr)
    return USAGE
