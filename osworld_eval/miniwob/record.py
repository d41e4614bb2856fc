"""Demonstrations for training: `python -m osworld_eval.miniwob.record OUT --tasks 59 --seeds 5000000:5000150`.

Oracles play on bare pages; of each task's episodes those with the full reward are written, one line each, to
`OUT/TASK.jsonl`:

    {"task", "seed", "utterance", "screen": [320, 420], "raw", "steps": [step...]}
    step: {"nodes": [{"role", "name", "value", "rect": [left, top, right, bottom], ...states}], "frame": name or null,
           "act": {...as `actuators.action.canonical`}, "node": index of the smallest node under the act's first point,
           or null, "end_node": the same for the end of a drag, else null}

Lengths are screen pixels. With `--frames` each step's picture lies in `OUT/TASK.zip` under its `frame` name. A folder
that has some of the seeds already is gone on with. `OUT/NOTES.md` says what of each task the nodes do not hold.
Held-out tasks and the seeds that evaluations use are refused.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actuators.action import Action, Drag, canonical, pointed
from actuators.observation import Node
from osworld_eval.miniwob.bare_hand import BareHand, node_at
from osworld_eval.miniwob.oracle import Oracle, oracle_for, with_oracle
from osworld_eval.miniwob.page import AREA, SCALE, VIEWPORT, End, Look, NotStarted, how_it_ended, start
from osworld_eval.miniwob.server import PageServer
from osworld_eval.miniwob.tasks import GRADED, HELD_OUT, HELD_OUT_KIN, LEAVES_TRACES, PIX2ACT_59, chosen

__all__ = ["FIRST_TRAINING_SEED", "Demo", "NotRecorded", "Stage", "main", "recordable", "seeds_of", "trainable"]

FIRST_TRAINING_SEED = 5_000_000
"""Training seeds lie from here up to `_SEEDS_END`; evaluations use seeds beyond."""
_SEEDS_END = 100_000_000
_MOST_STEPS = 30
_KEPT_FROM = 0.95
"""The raw reward from which an episode of a graded task is kept; other tasks need 1."""


class NotRecorded(Exception):
    """A task or a seed that demonstrations must not show. One line."""


@dataclass(frozen=True, slots=True)
class Demo:
    """One episode as it was played."""

    task: str
    seed: int
    utterance: str
    steps: list[dict[str, Any]]
    frames: dict[str, bytes]
    end: End

    @property
    def kept(self) -> bool:
        return self.end.raw >= (_KEPT_FROM if self.task in GRADED else 1.0)

    def line(self) -> str:
        """JSON without frames."""
        said = {"task": self.task, "seed": self.seed, "utterance": self.utterance}
        shape = {"screen": [AREA.width, AREA.height], "raw": self.end.raw}
        return json.dumps({**said, **shape, "steps": self.steps}, ensure_ascii=False, separators=(",", ":"))


class Stage:
    """A browser with the pages, for playing oracles without a run. Use as a context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Stage:
        from sandboxes.chromium import Chromium

        with ExitStack() as starting:
            server = starting.enter_context(PageServer())
            chromium = starting.enter_context(Chromium(VIEWPORT, SCALE, may_load=server.may_load))
            self.origin, self.refused = server.origin, chromium.refused
            self.page = chromium.new_page()
            self.hand = BareHand(self.page)
            self._stack = starting.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def play(self, task: str, seed: int, frames: bool = False) -> Demo:
        """One episode by the task's oracle. Raises `NotStarted`, `Stuck`."""
        said = start(self.page, self.origin, task, seed, reload=task in LEAVES_TRACES or seed % 20 == 0)
        self.hand.settle()
        oracle = oracle_for(task, Look(self.page))
        demo = Demo(task, seed, said, [], {}, how_it_ended(self.page))
        for number in range(_MOST_STEPS):
            if not self._step(oracle, demo, number, frames):
                break
            end = how_it_ended(self.page)
            if end.done:
                return Demo(task, seed, said, demo.steps, demo.frames, end)
        return demo

    def _step(self, oracle: Oracle, demo: Demo, number: int, frames: bool) -> bool:
        nodes = self.hand.nodes()
        action = oracle.next()
        if action is None:
            return False
        name = f"{demo.seed}-{number:02d}.png" if frames else None
        if name:
            demo.frames[name] = self.hand.picture()
        demo.steps.append(_told(nodes, action, name))
        self.hand.do(action)
        self.hand.settle()
        return True


def _told(nodes: tuple[Node, ...], action: Action, frame: str | None) -> dict[str, Any]:
    end = action.end if isinstance(action, Drag) else None
    return {
        "nodes": [_node(one) for one in nodes],
        "frame": frame,
        "act": json.loads(canonical(action)),
        "node": node_at(nodes, pointed(action)),
        "end_node": node_at(nodes, end),
    }


_ALWAYS = ("role", "name", "value", "tag")
_STATES = ("focused", "checked", "expanded", "selected", "password", "filled", "editable")


def _node(node: Node) -> dict[str, Any]:
    """Of a node what a prompt may need; states that do not apply or are off are left out, `enabled` where it is on."""
    said: dict[str, Any] = {name: getattr(node, name) for name in _ALWAYS}
    said["rect"] = [node.rect.left, node.rect.top, node.rect.right, node.rect.bottom]
    said |= {name: value for name in _STATES if (value := getattr(node, name)) not in (None, False)}
    if node.checked is False:
        said["checked"] = False
    if node.expanded is False:
        said["expanded"] = False
    if not node.enabled:
        said["enabled"] = False
    return said


def recordable(tasks: Sequence[str], seeds: range) -> tuple[str, ...]:
    """The tasks to record: those with an oracle, in the order given.

    Raises:
        NotRecorded: a held-out task, or seeds outside the training range.
    """
    kept_out = set(HELD_OUT) | set(HELD_OUT_KIN)
    if wrong := [task for task in tasks if task in kept_out]:
        raise NotRecorded(f"`{wrong[0]}` is held out of training and is not recorded")
    if seeds.start < FIRST_TRAINING_SEED or seeds.stop > _SEEDS_END or not seeds:
        raise NotRecorded(
            f"training seeds lie in {FIRST_TRAINING_SEED}..{_SEEDS_END - 1}, got {seeds.start}:{seeds.stop}"
        )
    known = set(with_oracle())
    return tuple(task for task in tasks if task in known)


def record(out: Path, tasks: Sequence[str], seeds: range, frames: bool) -> None:
    """Play and write; prints a line for each task. Raises `NotRecorded`."""
    out.mkdir(parents=True, exist_ok=True)
    with Stage() as stage:
        for task in recordable(tasks, seeds):
            began, kept, tried = time.monotonic(), 0, 0
            for demo in _played(stage, out, task, seeds, frames):
                tried += 1
                if demo is not None and demo.kept:
                    kept += 1
                    _keep(out, demo)
            if tried:
                print(f"{task:<32}{kept:>5} of {tried} kept  {time.monotonic() - began:6.1f} s", flush=True)


def _played(stage: Stage, out: Path, task: str, seeds: range, frames: bool) -> Iterator[Demo | None]:
    """Each seed that was not tried before; None for one that did not come up."""
    tried = out / f"{task}.tried"
    done = set(tried.read_text().split()) if tried.exists() else set()
    for seed in seeds:
        if str(seed) in done:
            continue
        try:
            yield stage.play(task, seed, frames)
        except NotStarted as problem:
            print(f"{task} {seed}: {problem}", file=sys.stderr)
            yield None
        with tried.open("a") as file:
            file.write(f"{seed}\n")


def _keep(out: Path, demo: Demo) -> None:
    if demo.frames:
        with zipfile.ZipFile(out / f"{demo.task}.zip", "a", zipfile.ZIP_STORED) as pictures:
            for name, png in demo.frames.items():
                if name not in pictures.namelist():
                    pictures.writestr(name, png)
    with (out / f"{demo.task}.jsonl").open("a", encoding="utf-8") as file:
        file.write(demo.line() + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Exit 2 for what must not or cannot be recorded."""
    parser = argparse.ArgumentParser(prog="python -m osworld_eval.miniwob.record", description="Record demonstrations.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--tasks", default="trainable", help="names, `59`-like sets, or `trainable`: all but held out")
    parser.add_argument("--seeds", default=f"{FIRST_TRAINING_SEED}:{FIRST_TRAINING_SEED + 150}", help="FIRST:END")
    parser.add_argument("--frames", action="store_true", help="keep pictures too")
    parser.add_argument("--workers", type=int, default=1, help="processes; tasks are dealt out among them")
    given = parser.parse_args(arguments)
    try:
        seeds = seeds_of(given.seeds)
        tasks = recordable(trainable() if given.tasks == "trainable" else chosen(given.tasks), seeds)
    except (ValueError, NotRecorded) as problem:
        print(f"record: {problem}", file=sys.stderr)
        return 2
    return _shared_out(given.out, tasks, seeds, given.frames, max(1, given.workers))


def trainable() -> tuple[str, ...]:
    """All tasks with an oracle but those that are held out."""
    kept_out = set(HELD_OUT) | set(HELD_OUT_KIN)
    ordered = [*PIX2ACT_59, *(task for task in with_oracle() if task not in PIX2ACT_59)]
    return tuple(task for task in ordered if task not in kept_out)


def seeds_of(text: str) -> range:
    """Seeds written as FIRST:END. Raises ValueError."""
    first, _, end = text.partition(":")
    if not (first.isdigit() and end.isdigit()):
        raise ValueError(
            f"--seeds takes FIRST:END, for example {FIRST_TRAINING_SEED}:{FIRST_TRAINING_SEED + 150}, got `{text}`"
        )
    return range(int(first), int(end))


def _shared_out(out: Path, tasks: Sequence[str], seeds: range, frames: bool, workers: int) -> int:
    from osworld_eval.miniwob.coverage import notes

    if workers == 1:
        record(out, tasks, seeds, frames)
    else:
        import multiprocessing

        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            pool.starmap(record, [(out, tasks[number::workers], seeds, frames) for number in range(workers)])
    (out / "NOTES.md").write_text(notes(out), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
