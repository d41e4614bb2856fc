"""Episodes through the whole runtime, one after another on one browser: broker, policy, permits and a journal for each.

Every episode has a broker process of its own, as every run has; the next one is started while the current episode is
played, because starting one takes longer than playing an easy task.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from actuators.base import no_secrets
from actuators.browser import BrowserActuator
from actuators.errors import SurfaceError, SurfaceLost
from actuators.observation import Observation
from actuators.permit import Verifier
from agent.audit.journal import TrailBroken
from agent.audit.spans import About, Trail
from agent.checks import Checked
from agent.limits import Limits
from agent.outcome import Ending
from agent.parts import Parts
from agent.plan import Plan
from agent.run import Counting, to_the_end
from agent.run_folder import RunFolder
from agent.seal import sealed_by
from agent.watch import Silent
from model.base import Model, Perception
from osworld_eval.miniwob.agents import Agent
from osworld_eval.miniwob.area import TaskArea
from osworld_eval.miniwob.page import AREA, SCALE, VIEWPORT, NotStarted, start
from osworld_eval.miniwob.scores import Row, solved
from osworld_eval.miniwob.server import PageServer
from policies.broker import Broker, BrokerLost
from policies.gate import Gate
from policies.narrow import Narrow, all_anomalies
from policies.redact import redact
from policies.secrets import SecretStore
from sandboxes.chromium import Chromium

__all__ = ["KEEP", "MOST_STEPS", "POLICY", "Episode", "Theatre"]

MOST_STEPS = 30
POLICY = "sandbox"
"""The preset for places that are thrown away; narrowed to the pages' own origin."""
KEEP = ("failed", "all", "none")
_MINUTES = 30.0
_MOST_BROKEN = 3
_MOST_BUYS = 100


@dataclass(frozen=True, slots=True)
class Episode:
    """One task and one seed."""

    task: str
    seed: int


@dataclass(slots=True)
class _Cast:
    """What waits for its episode: a run folder and its broker."""

    folder: RunFolder
    broker: Broker


class Theatre:
    """A browser with the pages and an agent. Use as a context manager; not thread-safe.

    Args:
        agent: who plays; closed by the caller.
        perception: `pixels` gives observations without nodes.
        runs: where run folders go.
        keep: which run folders stay: `failed`, `all` or `none`.
        stop: set by whoever wants the current episode to end.

    Raises:
        PagesMissing, SandboxUnavailable: on entering.
    """

    def __init__(
        self, agent: Agent, perception: Perception, runs: Path, keep: str = "all", stop: threading.Event | None = None
    ) -> None:
        self._agent = agent
        self._perception: Perception = perception
        self._runs = runs
        self._keep = keep
        self._stop = stop or threading.Event()
        self._stack = ExitStack()
        self._waiting: Future[_Cast] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._server = starting.enter_context(PageServer())
            self._chromium = starting.enter_context(Chromium(VIEWPORT, SCALE, may_load=self._server.may_load))
            self._page = self._chromium.new_page()
            self._ahead = starting.enter_context(ThreadPoolExecutor(1))
            starting.callback(self._dismiss)
            self._stack = starting.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def refused(self) -> list[str]:
        """Requests that led elsewhere than to the pages, and were stopped."""
        return self._chromium.refused

    def play(self, episodes: Sequence[Episode]) -> Iterator[Row]:
        """The episodes in turn, each as it ends; fewer when told to stop.

        An episode in which the machinery breaks is a row with the outcome `error`, unsolved, and the next one begins on
        a new page. When it breaks again and again, or a run folder cannot be written, all ends.

        Raises:
            SurfaceError: the machinery broke several times in a row.
            RunFolderUnwritable: as its name says.
        """
        broken = 0
        for number, episode in enumerate(episodes):
            if self._stop.is_set():
                return
            began = time.monotonic()
            try:
                cast = self._take(episode)
                if number + 1 < len(episodes):
                    self._waiting = self._ahead.submit(self._prepare, episodes[number + 1])
                row = self._played(episode, cast)
            except (BrokerLost, NotStarted, SurfaceError, TrailBroken) as problem:
                took = round(time.monotonic() - began, 3)
                row = Row(episode.task, episode.seed, 0.0, False, 0, took, "error", str(problem))
            if self._stop.is_set() and row.outcome in ("halted", "error"):
                return
            broken = broken + 1 if row.outcome == "error" else 0
            if broken >= _MOST_BROKEN:
                raise SurfaceError(f"{broken} episodes in a row broke, the last with: {row.because}")
            if broken:
                self._renew()
            yield row

    def _renew(self) -> None:
        """Another page in place of one on which something broke. Raises `SurfaceLost` when the browser is gone."""
        from playwright.sync_api import Error

        try:
            old, self._page = self._page, self._chromium.new_page()
            old.close()
        except Error as error:
            raise SurfaceLost(f"the browser is gone: {str(error).splitlines()[0][:160]}") from None

    def _take(self, episode: Episode) -> _Cast:
        waiting, self._waiting = self._waiting, None
        return waiting.result() if waiting else self._prepare(episode)

    def _prepare(self, episode: Episode) -> _Cast:
        folder = RunFolder.create(self._runs, f"miniwob {episode.task}")
        odd = all_anomalies("note")  # pages that are toys ask for odd things
        narrow = Narrow.model_validate({"origins": [self._server.origin], "max_buys": _MOST_BUYS, "anomalies": odd})
        broker = Broker(folder.id, (POLICY,), narrow)
        broker.__enter__()
        return _Cast(folder, broker)

    def _dismiss(self) -> None:
        """End what was prepared and has not played."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        with suppress(Exception):
            cast = waiting.result()
            cast.broker.close()
            shutil.rmtree(cast.folder.path, ignore_errors=True)

    def _played(self, episode: Episode, cast: _Cast) -> Row:
        began = time.monotonic()
        said = start(self._page, self._server.origin, episode.task, episode.seed)
        model = self._agent.model_for(episode.task, episode.seed, self._page)
        with cast.broker, self._runtime(episode, cast, said, model) as (parts, area, counted):
            ending = to_the_end(parts)
            parts.trail.end(ending.outcome, ending.exit_code, detail=ending.because, steps=counted.steps)
        row = Row(
            task=episode.task,
            seed=episode.seed,
            raw=area.end.raw,
            done=area.end.done,
            acts=area.acts,
            seconds=round(time.monotonic() - began, 3),
            outcome=ending.outcome,
            because=ending.because if not solved(episode.task, area.end.raw) else "",
            run=cast.folder.id,
        )
        if self._keep == "none" or (self._keep == "failed" and solved(row.task, row.raw)):
            shutil.rmtree(cast.folder.path, ignore_errors=True)
        return row

    @contextmanager
    def _runtime(
        self, episode: Episode, cast: _Cast, said: str, model: Model
    ) -> Iterator[tuple[Parts, TaskArea, Counting]]:
        """Everything a run has: trail, verifier, actuator, gate, limits."""
        folder, broker = cast.folder, cast.broker
        secrets = SecretStore.load({})

        about = About(
            task=episode.task,
            goal=said,
            policy=POLICY,
            policy_digest=broker.policy_digest,
            model=model.name,
            surface="browser",
            perception=self._perception,
            inputs={"seed": episode.seed},
        )
        verifier = Verifier(broker.public_key, folder.id, broker.policy_digest)
        with (
            Trail.start(folder, about, sealed_by(broker), broker.public_key, secrets.redactor()) as trail,
            trail.run_span(episode.task),
            BrowserActuator(self._chromium.context, verifier, no_secrets, SCALE) as inner,
        ):
            inner.settle()
            area = TaskArea(inner, self._page, with_nodes=self._perception == "both")
            counted = Counting(Silent())
            yield (
                Parts(
                    actuator=area,
                    model=model,
                    gate=Gate(broker),
                    trail=trail,
                    plan=_EpisodePlan(said, area),
                    judge=lambda seen: _verdict(episode.task, area),
                    limits=_EpisodeLimits(MOST_STEPS, _MINUTES, stop=self._stop, area=area),
                    keep_frame=lambda seen: folder.put_frame(redact(seen, redactor=secrets.redactor())),
                    perception=self._perception,
                    check_s=0.0,
                    stop=self._stop,
                    watch=counted,
                ),
                area,
                counted,
            )


class _EpisodePlan(Plan):
    """Over as soon as the page says that the episode is, and not before: the protocol knows no saying done."""

    def __init__(self, goal: str, area: TaskArea) -> None:
        super().__init__(goal)
        self._area = area

    @property
    def awaits(self) -> bool:
        return not self.finished

    def skip(self, seen: Observation) -> None:
        if self._area.end.done:
            self.advance()


@dataclass(slots=True)
class _EpisodeLimits(Limits):
    """Leaves an episode that is over time to be judged."""

    area: TaskArea | None = field(default=None)

    def reached(self, index: int) -> Ending | None:
        if self.area is not None and self.area.end.done:
            return None
        return Limits.reached(self, index)


def _verdict(task: str, area: TaskArea) -> tuple[list[Checked], dict[str, Any]]:
    """The page's own verdict as the run's only check."""
    end = area.end
    said = f"the page's raw reward is {end.raw:g}" if end.done else "the episode is not over"
    return [Checked(ok=end.done and solved(task, end.raw), line=said)], {}


assert AREA.width <= VIEWPORT[0] * SCALE and AREA.height <= VIEWPORT[1] * SCALE
