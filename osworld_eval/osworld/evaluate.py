"""One call of `agent eval osworld`: which tasks, by whom, on which machines, and what to tell of it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from model.base import ModelError, Perception
from osworld_eval.interrupt import stoppable
from osworld_eval.osworld.agents import ORACLE, Scripts, digest_of
from osworld_eval.osworld.crew import Crew, Local
from osworld_eval.osworld.episode import Hands, Settings
from osworld_eval.osworld.figures import summary
from osworld_eval.osworld.machine import Machine
from osworld_eval.osworld.manifest import (
    Manifest,
    ManifestUnusable,
    differences,
    joined,
    pinned,
    read_manifest,
    write_manifest,
)
from osworld_eval.osworld.place import Place
from osworld_eval.osworld.progress import Progress, show
from osworld_eval.osworld.results import KEEP, MANIFEST, Results, ResultsUnusable, slug
from osworld_eval.osworld.row import Job, Row
from osworld_eval.osworld.runner import Bounds, Ended, Runner
from osworld_eval.osworld.suite import OsworldTask, Suite, SuiteError, read_suite
from osworld_eval.osworld.worker import Equipment

__all__ = ["OWN", "Wanted", "main", "own_suite"]

OWN = "own"
"""What a manifest calls the bundled suite."""
_USAGE, _BROKEN, _STOPPED, _HALTED = 2, 1, 130, 30
_CODES: dict[Ended, int] = {
    "all": 0,
    "stopped": _STOPPED,
    "time": _HALTED,
    "tokens": _HALTED,
    "refused": _USAGE,
    "broken": _BROKEN,
}
_STEPS, _ORACLE_STEPS = 15, 150
_AROUND_S = 1800.0
"""What an attempt may take beside its agent: a machine that boots, files that come from afar, an evaluator."""


class _Misused(Exception):
    """The command asks for what cannot be. One line."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    folder: Path | None = None
    """Of tasks; the bundled suite when None."""
    agent: str = "pilot"
    index: str = ""
    tasks: str = ""
    """Names or beginnings of names, with commas between; all when empty."""
    only: tuple[str, ...] = ()
    """Exactly these, in this order; every task when empty."""
    limit: int | None = None
    repeat: int = 1
    seed: int = 0
    slots: int = 1
    perception: str = "pixels"
    device: str = "auto"
    steps: int | None = None
    """Passes of the loop at most; None for 15, as upstream's runner has it, and 150 for an oracle, which waits."""
    minutes: int = 30
    retries: int = 2
    budget_minutes: float | None = None
    budget_tokens: int | None = None
    phones: tuple[str, ...] = ()
    """Serial numbers, an empty one for the only phone there is: tasks are then those of phones."""
    guests: tuple[str, ...] = ()
    token_env: str = ""
    revert: str = ""
    docker: str = ""
    screen: str = "1920x1080"
    mended: tuple[str, ...] = ()
    assets: Path | None = None
    offline: bool = False
    environment: Path | None = None
    out: Path | None = None
    keep: str = "all"
    record: bool = False
    ray: str | None = None
    """Address of a cluster, `local` for one made on this machine; None for local processes."""
    ray_needs: str = ""
    """See `cluster.needs_of`."""
    model_actors: int = 0
    as_json: bool = False
    scripts: Scripts | None = field(default=None, compare=False)
    """See `Equipment.scripts`, and those below."""
    machine: Callable[[], Machine] | None = field(default=None, compare=False)
    hands: Callable[[], Hands] | None = field(default=None, compare=False)

    @property
    def command(self) -> str:
        """What it was called by, behind `agent eval`."""
        return "android" if self.phones else "osworld"

    @property
    def most_steps(self) -> int:
        return self.steps if self.steps is not None else _ORACLE_STEPS if self.agent == ORACLE else _STEPS


def main(wanted: Wanted, pinned_by: Manifest | None = None) -> int:
    """Play and print. 0 when everything has its row, 1 when infrastructure gave up, 2 for what cannot be run.

    130 when stopped, 30 when time or tokens were used up. `pinned_by` is the manifest that must be met.
    """
    try:
        suite = _suite(wanted)
        tasks = _chosen(wanted, suite)
        manifest = _manifest(wanted, tasks)
        if pinned_by is not None and (differing := differences(manifest, pinned_by)):
            raise _Misused(f"it is not what the manifest pins: {'; '.join(differing)}")
        equipment = _equipment(wanted, suite, len(manifest.scheduled))
        with (
            _folder(wanted) as folder,
            Results(folder, slug(wanted.agent), manifest.settings["perception"], wanted.keep) as results,
        ):
            _go_on(folder, manifest)
            return _play(wanted, suite, tasks, manifest, equipment, results)
    except (SuiteError, ModelError, ManifestUnusable, ResultsUnusable, _Misused) as problem:
        return _said(wanted, problem, _USAGE)


def _suite(wanted: Wanted) -> Suite:
    if not wanted.phones:
        return read_suite(wanted.folder or own_suite())
    from osworld_eval.osworld.android import phone_suite

    return phone_suite(wanted.folder or Path(__file__).parents[2] / "tasks" / "android")


def own_suite() -> Path:
    """The bundled tasks."""
    from osworld_eval.osworld import own

    return Path(own.__file__).parent


def _chosen(wanted: Wanted, suite: Suite) -> tuple[OsworldTask, ...]:
    """What is to be played, in order. Raises `SuiteError`, `_Misused`."""
    listed = suite.listed(wanted.index.removesuffix(".json")) if wanted.index else suite.tasks
    listed = tuple(task for task in listed if task.platform == "linux")
    if wanted.only:
        by_name = {task.name: task for task in listed}
        if missing := [name for name in wanted.only if name not in by_name]:
            raise _Misused(f"{len(missing)} tasks are not in {suite.folder}, the first is {missing[0]}")
        return tuple(by_name[name] for name in wanted.only)
    names = [name.strip() for name in wanted.tasks.split(",") if name.strip()]
    for name in names:
        if not any(_named(task, name) for task in listed):
            raise _Misused(f"--tasks: no task is called `{name[:80]}` or begins so, expected `DOMAIN` or `DOMAIN/ID`")
    found = tuple(task for task in listed if not names or any(_named(task, name) for name in names))
    if not found:
        raise _Misused(f"there is no task to play in {suite.folder}")
    return found[: wanted.limit]


def _named(task: OsworldTask, name: str) -> bool:
    return task.name.startswith(name) or task.id.startswith(name)


def _manifest(wanted: Wanted, tasks: Sequence[OsworldTask]) -> Manifest:
    if wanted.perception not in get_args(Perception):
        raise _Misused(f"--perception takes `pixels` or `both`, got `{wanted.perception}`")
    if wanted.keep not in KEEP:
        raise _Misused(f"--keep takes {', '.join(f'`{one}`' for one in KEEP)}, got `{wanted.keep}`")
    settings = {
        "steps": wanted.most_steps,
        "minutes": wanted.minutes,
        "perception": "both" if wanted.agent == ORACLE else wanted.perception,
        "mended": sorted(wanted.mended),
        "place": (place := _kind(wanted)),
        "screen": wanted.screen if place == "sandbox" else "",
    }
    environment = wanted.environment or _environment()
    where = str(wanted.folder) if wanted.folder is not None else OWN
    model = digest_of(wanted.agent)
    return pinned(tasks, where, wanted.index, wanted.agent, model, wanted.repeat, wanted.seed, settings, environment)


def _kind(wanted: Wanted) -> str:
    return "android" if wanted.phones else "guest" if wanted.guests else "docker" if wanted.docker else "sandbox"


def _environment() -> Path | None:
    """Where the evaluators are installed by default, if they can be at all."""
    try:
        from osworld_eval.osworld.scoring.install import default_folder
    except ImportError:
        return None
    return default_folder()


def _equipment(wanted: Wanted, suite: Suite, scheduled: int) -> list[Equipment]:
    """One for each slot. Raises `_Misused`."""
    places = _places(wanted, scheduled)
    settings = Settings(
        steps=wanted.most_steps,
        minutes=wanted.minutes,
        mended=_mended(wanted),
        record=wanted.record,
    )
    assets = wanted.assets or suite.folder / "cache"
    cores = os.cpu_count() or 1
    one = Equipment(
        place=places[0],
        agent=wanted.agent,
        perception=wanted.perception,  # type: ignore[arg-type]
        device=wanted.device,
        settings=settings,
        assets=str(assets.absolute()),
        offline=wanted.offline,
        environment=str(wanted.environment or ""),
        threads=max(1, cores // len(places)) if len(places) > 1 else 0,
        scripts=wanted.scripts,
        machine=wanted.machine,
        hands=wanted.hands,
    )
    return [replace(one, place=place) for place in places]


def _mended(wanted: Wanted) -> tuple[str, ...]:
    """The names of bugs that are mended. Raises `_Misused` for one that is not known."""
    if not wanted.mended:
        return ()
    from osworld_eval.osworld.scoring.bugs import MENDABLE, unknown_names

    for name in unknown_names(wanted.mended):
        known = ", ".join(sorted(MENDABLE))
        raise _Misused(f"--mended: no bug that can be mended is called `{name[:60]}`, expected some of: {known}")
    return tuple(sorted(set(wanted.mended)))


def _places(wanted: Wanted, scheduled: int) -> list[Place]:
    if wanted.phones:
        return [Place("android", serial) for serial in dict.fromkeys(wanted.phones)]
    if wanted.guests and wanted.docker:
        raise _Misused("--guest and --docker exclude each other")
    if wanted.guests:
        if not wanted.revert and scheduled > len(wanted.guests):
            raise _Misused(
                f"{scheduled} attempts on {len(wanted.guests)} guests need a machine to be put back in between: "
                "give the command that reverts its snapshot as --revert 'PROGRAM {address}'"
            )
        return [Place("guest", address, wanted.token_env, wanted.revert) for address in dict.fromkeys(wanted.guests)]
    if wanted.docker:
        return [Place("docker", disk=wanted.docker)] * wanted.slots
    width, _, height = wanted.screen.partition("x")
    if not (width.isdigit() and height.isdigit() and 320 <= int(width) <= 7680 and 240 <= int(height) <= 4320):
        raise _Misused(f"--screen takes WIDTHxHEIGHT such as 1920x1080, got `{wanted.screen[:40]}`")
    return [Place(screen=(int(width), int(height)))] * wanted.slots


@contextmanager
def _folder(wanted: Wanted) -> Iterator[Path]:
    """Where results go: into `--out`, else nowhere that lasts."""
    if wanted.out is None and not wanted.as_json:
        print(
            f"agent eval {wanted.command}: nothing is kept: say --out DIR to keep results and to go on after a stop",
            file=sys.stderr,
        )
    with nullcontext(str(wanted.out)) if wanted.out else tempfile.TemporaryDirectory() as place:
        yield Path(place).absolute()


def _go_on(folder: Path, manifest: Manifest) -> None:
    """Write the manifest; a folder that holds something else is refused. Raises `ManifestUnusable`."""
    before = read_manifest(folder) if (folder / MANIFEST).exists() else None
    if before is not None and (differing := differences(manifest, before)):
        raise ManifestUnusable(
            f"`{folder}` holds results of something else: {'; '.join(differing)}; name another --out"
        )
    write_manifest(folder, joined(manifest, before))


def _jobs(tasks: Sequence[OsworldTask], manifest: Manifest, done: set[tuple[str, int]]) -> list[Job]:
    """What is still to be played: everything once, then everything again."""
    by_name = {task.name: task for task in tasks}
    return [
        Job(by_name[name], repeat, manifest.seed + repeat - 1, file=by_name[name].path.read_text("utf-8"))
        for name, repeat in manifest.scheduled
        if (name, repeat) not in done
    ]


def _play(
    wanted: Wanted,
    suite: Suite,
    tasks: Sequence[OsworldTask],
    manifest: Manifest,
    equipment: list[Equipment],
    results: Results,
) -> int:
    scheduled = manifest.scheduled
    done = {key for key, row in results.last.items() if row.finished}
    jobs = _jobs(tasks, manifest, done)
    results.begin({"agent": wanted.agent, **manifest.settings}, manifest.repeat)
    ended: Ended = "all"
    jobs, why = _without_unsupported(jobs, suite, results), ""
    if jobs:
        stop = threading.Event()
        equipment = equipment[: max(1, min(len(equipment), len(jobs)))]
        before = len(scheduled) - len(jobs)
        with (
            stoppable(stop),
            _crew(wanted, equipment, results.work) as crew,
            Progress(wanted.agent, len(scheduled), before, len(equipment), wanted.as_json) as progress,
        ):

            def take(row: Row, folder: Path | None) -> None:
                placed = results.take(row, folder)
                progress.step(placed, row.status == "infrastructure" and row.attempt <= wanted.retries)

            bounds = Bounds(
                wanted.retries, wanted.minutes * 60 + _AROUND_S, wanted.budget_minutes, wanted.budget_tokens
            )
            runner = Runner(jobs, crew, take, bounds, stop)
            ended, why = runner.run(), runner.why
    told = _told(wanted, manifest, results, ended)
    if ended == "refused":
        return _said(wanted, why, _USAGE)
    print(json.dumps(told, ensure_ascii=False)) if wanted.as_json else show(told)
    if ended != "all":
        return _said(wanted, _left(wanted, ended, why, told), _CODES[ended])
    return 0 if told["finished"] == told["scheduled"] else _BROKEN


def _without_unsupported(jobs: list[Job], suite: Suite, results: Results) -> list[Job]:
    """Tasks that cannot be served count 0 and begin nothing; what is missing stands in their rows."""
    why = {problem.task: str(problem) for problem in suite.problems if problem.kind == "unsupported"}
    for job in jobs:
        if job.task.name in why:
            task = job.task
            row = Row(task.name, job.repeat, 1, "task", reason=f"not supported: {why[task.name]}", digest=task.digest)
            results.take(row, None)
    return [job for job in jobs if job.task.name not in why]


@contextmanager
def _crew(wanted: Wanted, equipment: list[Equipment], folder: Path) -> Iterator[Crew]:
    """Local processes, or a cluster. Raises `_Misused`."""
    crew: Crew
    if wanted.ray is None:
        crew = Local(equipment, folder)
    else:
        from osworld_eval.osworld.cluster import Cluster, ClusterUnavailable, needs_of

        try:
            address = "" if wanted.ray == "local" else wanted.ray
            crew = Cluster(equipment, folder, address, wanted.model_actors, needs_of(wanted.ray_needs))
        except (ClusterUnavailable, ValueError) as problem:
            raise _Misused(str(problem)) from None
    try:
        yield crew
    finally:
        crew.close()


def _told(wanted: Wanted, manifest: Manifest, results: Results, ended: Ended) -> dict[str, Any]:
    rows = results.last
    faults = [rows[key] for key in manifest.scheduled if key in rows and not rows[key].finished]
    return {
        "agent": wanted.agent,
        "suite": manifest.suite,
        "manifest": manifest.digest,
        "out": str(results.folder) if wanted.out else None,
        "ended": ended,
        "repeat": manifest.repeat,
        "settings": manifest.settings,
        **summary(rows, manifest.scheduled, wanted.most_steps),
        "faults": [
            {"task": row.task, "repeat": row.repeat, "status": row.status, "reason": row.reason} for row in faults
        ],
        "rows": [
            {"task": row.task, "repeat": row.repeat, "score": row.score, "status": row.status, "outcome": row.outcome,
             "steps": row.steps, "seconds": row.seconds, "place": row.place, "scoring": row.scoring}
            for key in manifest.scheduled if (row := rows.get(key)) is not None
        ],
    }  # fmt: skip


def _left(wanted: Wanted, ended: Ended, why: str, told: dict[str, Any]) -> str:
    unplayed = told["scheduled"] - told["finished"]
    more = f"; the same command goes on from {wanted.out}" if wanted.out else ""
    words = {
        "stopped": "stopped",
        "time": f"the time of {wanted.budget_minutes:g} minutes is used up" if wanted.budget_minutes else "",
        "tokens": f"{wanted.budget_tokens} tokens are used up",
    }.get(ended, why)
    return f"{words}; {unplayed} of {told['scheduled']} have no score{more}"


def _said(wanted: Wanted, problem: object, code: int) -> int:
    print(f"agent eval {wanted.command}: {problem}", file=sys.stderr)
    return code
