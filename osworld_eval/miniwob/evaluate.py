"""One call of `agent eval miniwob`: which episodes, by whom, through the runtime, and what to tell of it."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from agent.breakage import MACHINERY
from model.base import ModelError, Perception
from osworld_eval.interrupt import stoppable
from osworld_eval.miniwob.agents import ORACLE, RANDOM, agent_named, fingerprint
from osworld_eval.miniwob.page import NotStarted
from osworld_eval.miniwob.results import Rows, RowsUnusable
from osworld_eval.miniwob.scores import Row, summary
from osworld_eval.miniwob.table import Progress, show
from osworld_eval.miniwob.tasks import PagesMissing, chosen
from osworld_eval.miniwob.theatre import KEEP, Episode, Theatre

__all__ = ["FIRST_SEED", "SEEDS", "Wanted", "main"]

FIRST_SEED = 1_201_539_860
"""Pix2Act's first test seed; never trained on."""
SEEDS = 100
_USAGE, _BROKEN, _STOPPED = 2, 1, 130
_BREAKS: tuple[type[Exception], ...] = (*MACHINERY, NotStarted)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    tasks: str = "59"
    seeds: int = SEEDS
    first_seed: int = FIRST_SEED
    agent: str = "pilot"
    perception: str = "pixels"
    device: str = "auto"
    workers: int = 1
    out: Path | None = None
    keep: str = "failed"
    as_json: bool = False


def main(wanted: Wanted) -> int:
    """Play and print. 0 when all was played, 1 when something broke, 2 for what cannot be run, 130 when stopped."""
    try:
        tasks, agents = chosen(wanted.tasks), _checked(wanted)
        kept = [Rows(wanted.out, name, wanted.perception, fingerprint(name)) for name in agents]
    except (ValueError, PagesMissing, RowsUnusable) as problem:
        return _said(problem, _USAGE)
    stop = threading.Event()
    told = []
    with stoppable(stop), _run_folder(wanted) as runs:
        for name, rows in zip(agents, kept, strict=True):
            try:
                _play(wanted, name, tasks, rows, runs, stop)
            except _BREAKS as problem:
                return _said(problem, _USAGE if isinstance(problem, ModelError) else _BROKEN)
            if stop.is_set():
                more = f"; the same command goes on from {wanted.out}" if wanted.out else ""
                return _said(f"stopped{more}", _STOPPED)
            told.append(_told(wanted, name, tasks, rows))
    if wanted.as_json:
        print(json.dumps(told[0] if len(told) == 1 else {"agents": told}, ensure_ascii=False))
    else:
        show(told)
    return 0


def _checked(wanted: Wanted) -> list[str]:
    """The agents' names. Raises ValueError, one line."""
    if wanted.perception not in get_args(Perception):
        raise ValueError(f"--perception takes `pixels` or `both`, got `{wanted.perception}`")
    if wanted.keep not in KEEP:
        raise ValueError(f"--keep takes `failed`, `all` or `none`, got `{wanted.keep}`")
    names = list(dict.fromkeys(filter(None, (name.strip() for name in wanted.agent.split(",")))))
    if not names:
        raise ValueError("--agent names nobody, expected `oracle`, `random`, `pilot` or a checkpoint folder")
    return names


def _episodes(wanted: Wanted, tasks: Sequence[str], rows: Rows) -> list[Episode]:
    """What is still to be played, task by task; what broke last time is played again."""
    done = {key for key, row in rows.rows.items() if row.outcome != "error"}
    seeds = range(wanted.first_seed, wanted.first_seed + wanted.seeds)
    return [Episode(task, seed) for task in tasks for seed in seeds if (task, seed) not in done]


def _play(wanted: Wanted, name: str, tasks: Sequence[str], rows: Rows, runs: Path, stop: threading.Event) -> None:
    left = _episodes(wanted, tasks, rows)
    if not left:
        return
    total = len(tasks) * wanted.seeds
    with Progress(name, total, total - len(left), quiet=wanted.as_json) as progress:
        played = _alone(wanted, name, left, runs, stop)
        if wanted.workers > 1:
            played = _together(wanted, name, left, runs, stop)
        for row in played:
            rows.add(row)
            progress.step(row)


def _alone(wanted: Wanted, name: str, left: Sequence[Episode], runs: Path, stop: threading.Event) -> Iterator[Row]:
    """Play in this process."""
    agent = agent_named(name, wanted.perception, wanted.device)  # type: ignore[arg-type]
    try:
        with Theatre(agent, wanted.perception, runs, wanted.keep, stop) as theatre:  # type: ignore[arg-type]
            yield from theatre.play(left)
    finally:
        agent.close()


def _together(wanted: Wanted, name: str, left: Sequence[Episode], runs: Path, stop: threading.Event) -> Iterator[Row]:
    """Play in several processes, each with a browser and a model of its own; episodes are dealt out in turn."""
    import multiprocessing
    import queue

    spawn = multiprocessing.get_context("spawn")
    rows: Any = spawn.Queue()
    halt = spawn.Event()
    hands = [left[number :: wanted.workers] for number in range(min(wanted.workers, len(left)))]
    workers = [spawn.Process(target=_work, args=(wanted, name, hand, runs, rows, halt), daemon=True) for hand in hands]
    for worker in workers:
        worker.start()
    try:
        going = len(workers)
        while going:
            if stop.is_set():
                halt.set()
            try:
                kind, value = rows.get(timeout=0.5)
            except queue.Empty:
                if not any(worker.is_alive() for worker in workers):
                    raise ModelError("a worker process ended without a word; try --workers 1") from None
                continue
            if kind == "row":
                yield Row(**value)
            elif kind == "end":
                going -= 1
            else:
                raise ModelError(value)
    finally:
        halt.set()
        for worker in workers:
            worker.join(30)
            if worker.is_alive():
                worker.terminate()


def _work(wanted: Wanted, name: str, hand: Sequence[Episode], runs: Path, rows: Any, halt: Any) -> None:
    """One worker process. What is interrupted is told to stop by `halt` alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for row in _alone(wanted, name, hand, runs, halt):
            rows.put(("row", asdict(row)))
        rows.put(("end", None))
    except _BREAKS as problem:
        rows.put(("broken", str(problem)))


@contextmanager
def _run_folder(wanted: Wanted) -> Iterator[Path]:
    """Where run folders go: into `--out`, else nowhere that lasts."""
    with nullcontext(str(wanted.out / "runs")) if wanted.out else tempfile.TemporaryDirectory() as place:
        yield Path(place)


def _told(wanted: Wanted, name: str, tasks: Sequence[str], rows: Rows) -> dict[str, Any]:
    seeds = range(wanted.first_seed, wanted.first_seed + wanted.seeds)
    mine = [row for (task, seed), row in rows.rows.items() if task in tasks and seed in seeds]
    seen = {ORACLE: "page", RANDOM: "nothing"}.get(name, wanted.perception)
    return {"agent": name, "perception": seen, "seeds": list(seeds), **summary(mine)}


def _said(problem: object, code: int) -> int:
    print(f"agent eval miniwob: {problem}", file=sys.stderr)
    return code
