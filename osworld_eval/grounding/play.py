"""One call of `agent eval grounding`: read the suite, ask the agent, count, tell."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, get_args

from model.base import ModelError, Perception
from osworld_eval.grounding.agents import Agent, load_agent
from osworld_eval.grounding.item import Item
from osworld_eval.grounding.layouts import LAYOUTS, Layout
from osworld_eval.grounding.results import OtherRun, Row, Rows, row
from osworld_eval.grounding.scores import summary
from osworld_eval.grounding.suite import Suite, SuiteUnusable, load
from osworld_eval.grounding.wording import AUTO, asked

__all__ = ["Wanted", "main"]

_USAGE = 2
_STOPPED = 130
_MOST_FAULTS = 20
_SHEETS = (".png", ".html")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    suite: Path
    agent: str = "pilot"
    perception: str = "pixels"
    layout: str | None = None
    template: str = AUTO
    first: int = 1
    limit: int | None = None
    device: str = "auto"
    out: Path | None = None
    misses: Path | None = None
    as_json: bool = False


def main(wanted: Wanted) -> int:
    """Ask every item and print the figures. 0 when it ran, 2 for what cannot be run, 130 when it was stopped."""
    try:
        _check(wanted)
        suite = load(wanted.suite, wanted.layout, wanted.first, wanted.limit)  # type: ignore[arg-type]
        _need_nodes(suite, wanted)
        agent = load_agent(wanted.agent, wanted.perception, wanted.template, wanted.device)  # type: ignore[arg-type]
    except SuiteUnusable as problem:
        return _refused(*problem.lines)
    except (ModelError, _Unusable) as problem:
        return _refused(str(problem))
    try:
        return _play(wanted, suite, agent)
    finally:
        agent.close()


def _play(wanted: Wanted, suite: Suite, agent: Agent) -> int:
    how = {"perception": wanted.perception, "template": wanted.template}
    try:
        listed = suite.nodes_digest if wanted.perception == "both" else ""
        rows = Rows(wanted.out, agent=agent.name, agent_digest=agent.digest, nodes=listed, **how)
    except (OtherRun, OSError) as problem:
        return _refused(str(problem))
    answered: list[Row] = []
    try:
        answered += _answers(suite, agent, rows, wanted)
    except KeyboardInterrupt:
        kept = f"; the same command goes on with {wanted.out}" if wanted.out else ""
        print(f"agent eval grounding: stopped{kept}", file=sys.stderr)
        return _STOPPED
    told = {
        "agent": agent.name,
        "suite": wanted.suite.name or str(wanted.suite),
        "layout": suite.layout,
        **how,
        "digest": suite.digest,
        "agent_digest": agent.digest,
        **summary(answered),
    }
    if wanted.misses is not None:
        from osworld_eval.grounding.sheet import write_sheet

        told["misses"] = write_sheet(wanted.misses, list(zip(suite.items, answered, strict=True)))
    if wanted.as_json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        from osworld_eval.grounding.table import show

        show(told)
    return 0


def _answers(suite: Suite, agent: Agent, rows: Rows, wanted: Wanted) -> list[Row]:
    """A row for every item, in order; those of an earlier call are not asked again."""
    answered = []
    with _progress(len(suite.items)) as progress:
        for item in suite.items:
            one = rows.get(item, asked(item.instruction, wanted.template))
            if one is None:
                one = _answer(suite, agent, item, rows.run, wanted)
                rows.add(one)
            answered.append(one)
            progress.tell(one)
    return answered


def _answer(suite: Suite, agent: Agent, item: Item, run: str, wanted: Wanted) -> Row:
    seen = suite.observation(item, wanted.perception == "both")
    told = asked(item.instruction, wanted.template)
    began = time.perf_counter()
    try:
        reply = agent.propose(item, seen)
    except ModelError as problem:
        return row(item, run, told, " ".join(str(problem).split()), time.perf_counter() - began)
    return row(item, run, told, reply.move, time.perf_counter() - began, reply.confidence)


class _Unusable(Exception):
    """An option that makes no sense, in one line."""


def _check(wanted: Wanted) -> None:
    if wanted.perception not in get_args(Perception):
        raise _Unusable(f"no perception `{wanted.perception}`, expected {' or '.join(get_args(Perception))}")
    if wanted.layout is not None and wanted.layout not in get_args(Layout):
        raise _Unusable(f"no layout `{wanted.layout}`, expected one of {', '.join(LAYOUTS)}")
    if wanted.template != AUTO and "{instruction}" not in wanted.template:
        raise _Unusable(f"the template `{wanted.template}` does not hold {{instruction}}; expected it or `{AUTO}`")
    if wanted.misses is not None and wanted.misses.suffix.lower() not in _SHEETS:
        raise _Unusable(f"--misses {wanted.misses}: expected a file that ends in {' or '.join(_SHEETS)}")
    if wanted.agent == "plan" and wanted.perception == "pixels":
        raise _Unusable("the agent `plan` reads nodes and no pixels; add --perception both")


def _need_nodes(suite: Suite, wanted: Wanted) -> None:
    if wanted.perception != "both":
        return
    if suite.nodes is None:
        raise SuiteUnusable(f"{wanted.suite}: --perception both needs a nodes.json beside the annotations")
    bare = sorted({item.image.name for item in suite.items} - suite.nodes.keys())
    if bare:
        raise SuiteUnusable(*(f"nodes.json: lists no nodes of {name}" for name in bare))


def _refused(*lines: str) -> int:
    for line in lines[:_MOST_FAULTS]:
        print(f"agent eval grounding: {line}", file=sys.stderr)
    if len(lines) > _MOST_FAULTS:
        print(f"agent eval grounding: and {len(lines) - _MOST_FAULTS} more faults", file=sys.stderr)
    return _USAGE


class _Progress(Protocol):
    def tell(self, one: Row) -> None: ...


@contextmanager
def _progress(total: int) -> Iterator[_Progress]:
    """On standard error: a bar on a terminal, a line at each tenth of the way elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines(total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield _Bar(bar, bar.add_task("", total=total))


class _Lines:
    """Plain lines for pipes and logs."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._told: list[Row] = []

    def tell(self, one: Row) -> None:
        self._told.append(one)
        done = len(self._told)
        if done * 10 // self._total > (done - 1) * 10 // self._total:
            print(f"{done} of {self._total}, {_so_far(self._told)}", file=sys.stderr)


class _Bar:
    def __init__(self, bar: object, task: int) -> None:
        self._bar, self._task = bar, task
        self._told: list[Row] = []

    def tell(self, one: Row) -> None:
        self._told.append(one)
        self._bar.update(self._task, advance=1, description=_so_far(self._told))  # type: ignore[attr-defined]


def _so_far(rows: Sequence[Row]) -> str:
    there = [one.right for one in rows if not one.absent]
    return f"{sum(there)} of {len(there)} hit"
