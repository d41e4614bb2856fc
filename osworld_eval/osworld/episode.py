"""One attempt at one task: put the machine back, prepare it, let the agent play through the ordinary runtime, score.

Everything an agent does goes the way of every run: policy `benchmark`, a broker, permits, a journal. What fails is told
apart by whose fault it is: the machine's (tried again), the task's own (it is not), or the agent's, which is a score.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from actuators.action import canonical
from agent.outcome import Ending
from agent.prices import price_of, prices
from agent.run import Options, run_bound
from agent.step import Step
from agent.task import BoundTask
from agent.task_file import GuestSurface, LimitSpec, NarrowSpec, PolicySpec, TokenSpec
from osworld_eval.osworld.agents import Agent, Metered
from osworld_eval.osworld.assets import Assets
from osworld_eval.osworld.machine import Machine, MachineFault
from osworld_eval.osworld.row import Job, Row, Status
from osworld_eval.osworld.scoring.score import Score
from osworld_eval.osworld.setup import SetupFailed
from osworld_eval.osworld.suite import OsworldTask
from osworld_eval.osworld.suite import Step as SetupStep
from osworld_eval.osworld.trajectory import Trajectory
from policies.narrow import ANOMALIES
from sandboxes.guest import Guest, GuestGone, GuestSaid

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["POLICY", "Attempt", "Fault", "Hands", "Playing", "Settings", "play"]

POLICY = "benchmark"
_TOKEN = "DESKHAND_GUEST_TOKEN"
_QUIET_S, _LOOK_S = 0.6, 0.1
_SAME = 0.002
"""Part of the pixels that may differ between two pictures of a screen that is still: a caret, a clock."""
_APP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is the same for every attempt of a run."""

    steps: int = 15
    """Passes of the loop at most, as upstream's runner has them."""
    minutes: int = 30
    """The longest that an agent may take."""
    settle_s: float = 20.0
    """The longest that a prepared machine is waited for to come to rest."""
    mended: tuple[str, ...] = ()
    """Names of upstream's known bugs that are mended."""
    record: bool = False
    """Whether the guest films the attempt."""


class Hands(Protocol):
    """What is done to a machine beside the agent's acts."""

    def prepare(self, task: OsworldTask, machine: Machine, assets: Assets, cache: Path) -> None:
        """A task's set-up. Raises `SetupFailed`."""
        ...

    def steps(self, steps: Sequence[SetupStep], machine: Machine, assets: Assets, cache: Path) -> None:
        """Further steps of the same kind. Raises `SetupFailed`."""
        ...

    def score(
        self,
        task: OsworldTask,
        machine: Machine,
        cache: Path,
        assets: Assets,
        failed: bool,
        postconfig: Callable[[Sequence[SetupStep]], None],
        mended: frozenset[str],
    ) -> Score:
        """A task's score. Raises nothing of the task's."""
        ...


@dataclass(slots=True)
class Playing:
    """What one worker holds while it plays."""

    machine: Machine
    agent: Agent
    hands: Hands
    assets: Assets
    settings: Settings
    slot: str = "1"
    stop: threading.Event = field(default_factory=threading.Event)
    """Set by whoever wants the current attempt to end."""


class Fault(Exception):
    """An attempt ends without a score."""

    def __init__(self, kind: Status, words: str) -> None:
        super().__init__(" ".join(words.split()))
        self.kind = kind


@dataclass
class _Watching(Trajectory):
    """The trajectory, and what the row wants of it."""

    acts: int = 0
    acted: Any = field(default_factory=hashlib.sha256)

    def step(self, step: Step) -> None:
        Trajectory.step(self, step)
        receipt = step.receipt
        if receipt is not None and receipt.performed is not None:
            self.acts += 1
            self.acted.update(f"{canonical(receipt.performed)}\n".encode())


def play(job: Job, playing: Playing, folder: Path) -> Row:
    """One attempt. Its files go into `folder`: `upstream/`, `runs/`; what it downloads into `cache/`.

    Raises:
        ModelError, MISUSE of `agent.breakage`: no attempt can be played with this agent or these settings.
    """
    if playing.machine.kind not in ("sandbox", "guest", "docker"):
        from osworld_eval.osworld.android import PhoneAttempt

        return PhoneAttempt(job, playing, folder).row()
    return Attempt(job, playing, folder).row()


class Attempt:
    """One attempt on a machine that speaks the guest protocol."""

    def __init__(self, job: Job, playing: Playing, folder: Path) -> None:
        self._job = job
        self._playing = playing
        self._folder = folder
        self._cache = folder / "cache"
        self._watching = _Watching(folder / "upstream")
        self._phases: dict[str, float] = {}
        self._told: dict[str, Any] = {}
        """What becomes known for the row on the way."""

    @property
    def scoring(self) -> str:
        """Which evaluators say the score."""
        return self._job.task.scoring

    @property
    def _guest(self) -> Guest:
        return Guest(self._playing.machine.address, self._playing.machine.token or "", 30.0)

    def row(self) -> Row:
        """Play it."""
        job, began, clock = self._job, time.time(), time.monotonic()
        status: Status = "scored"
        try:
            score, reason = self._scored()
        except Fault as fault:
            status, score, reason = fault.kind, None, str(fault)
        watching = self._watching
        if score is None:
            watching.broken(job.task.name, reason)
        else:
            watching.scored(score)
        return Row(
            task=job.task.name,
            repeat=job.repeat,
            attempt=job.attempt,
            status=status,
            score=score,
            reason=reason,
            steps=watching.steps,
            acts=watching.acts,
            acted=watching.acted.hexdigest()[:16] if watching.acts else "",
            seconds=round(time.monotonic() - clock, 3),
            phases={name: round(seconds, 3) for name, seconds in self._phases.items()},
            seed=job.seed,
            digest=job.task.digest,
            place=self._playing.machine.kind,
            slot=self._playing.slot,
            scoring=self.scoring,
            began=round(began, 3),
            **self._told,
        )

    def _scored(self) -> tuple[float, str]:
        """The score and what decided it. Raises `Fault`."""
        playing = self._playing
        self._cache.mkdir(parents=True, exist_ok=True)
        with self._phase("reset"):
            try:
                playing.machine.reset()
            except MachineFault as fault:
                raise Fault("infrastructure", str(fault)) from None
        with self._phase("prepare"):
            self._set_up(lambda: playing.hands.prepare(self._job.task, playing.machine, playing.assets, self._cache))
        with self._phase("settle"):
            self._rest()
        with self._phase("agent"), self._filmed():
            ending = self._run()
        if ending.outcome in ("error", "unknown_effect"):
            raise Fault("infrastructure", f"the run broke: {ending.because}")
        with self._phase("score"):
            score = self._score(self._watching.said == "FAIL")
        if score.value is None:
            why = f"it could not be scored: {score.error or score.reason}"
            raise Fault("task" if self._answers() else "infrastructure", why)
        return float(score.value), score.reason

    # The machine

    def _set_up(self, does: Callable[[], None]) -> None:
        try:
            does()
        except SetupFailed as failed:
            raise Fault("task" if failed.fault == "task" else "infrastructure", str(failed)) from None
        except (GuestGone, GuestSaid, MachineFault) as gone:
            raise Fault("infrastructure", str(gone)) from None

    def _rest(self) -> None:
        """Wait until the screen is still, within a bound: what was started may not have come up yet."""
        from actuators.observation import Frame

        until = time.monotonic() + self._playing.settings.settle_s
        before, since = None, time.monotonic()
        try:
            while time.monotonic() < until and not self._playing.stop.is_set():
                now = Frame(self._guest.screenshot()).image.convert("L").resize((480, 270))
                if before is None or _differ(before, now) > _SAME:
                    before, since = now, time.monotonic()
                elif time.monotonic() - since >= _QUIET_S:
                    return
                time.sleep(_LOOK_S)  # between two looks
        except (GuestGone, GuestSaid) as gone:
            raise Fault("infrastructure", str(gone)) from None

    @contextmanager
    def _filmed(self) -> Iterator[None]:
        """The guest's own film of what happens, where it is asked for and can make one."""
        if not self._playing.settings.record:
            yield
            return
        with suppress(GuestGone, GuestSaid):
            self._guest.start_recording()
        try:
            yield
        finally:
            with suppress(GuestGone, GuestSaid):
                (self._watching.folder / "recording.mp4").write_bytes(self._guest.end_recording())

    def _answers(self) -> bool:
        """Whether the machine is still there: then it is not its fault."""
        try:
            self._guest.screenshot()
        except (GuestGone, GuestSaid):
            return False
        return True

    # The agent

    def _run(self) -> Ending:
        """The agent's run, whole, with its journal and its report."""
        playing, agent = self._playing, self._playing.agent
        try:
            metered = Metered(agent.model_for(self._job.task, self._job.seed))
        except ValueError as problem:
            raise Fault("task", str(problem)) from None
        os.environ[_TOKEN] = playing.machine.token or ""
        options = Options(
            task=self._file(),
            policy=(POLICY,),
            approve="deny",
            runs=self._folder / "runs",
            again=True,
            anomalies=dict.fromkeys(map(str, ANOMALIES), "note"),  # machines of benchmarks are asked for odd things
            opened=metered,
            as_json=True,
        )
        ran = run_bound(self._task(options.task), options, self._watching)
        self._phases["model"] = metered.seconds
        price = price_of(agent.name, prices())
        self._told = {
            "outcome": ran.ending.outcome,
            "because": ran.ending.because,
            "said": self._watching.said,
            "prompt_tokens": metered.prompt_tokens,
            "cached_tokens": metered.cached_tokens,
            "output_tokens": metered.output_tokens,
            "run": ran.folder.id if ran.folder is not None else "",
        }
        if price is not None:
            cost = price.of(metered.prompt_tokens, metered.cached_tokens, metered.output_tokens)
            self._told |= {"cost": round(cost, 6), "currency": price.currency}
        self._watching.end(ran.ending)
        return ran.ending

    def _file(self) -> Path:
        path = self._folder / "task.json"
        path.write_text(self._job.file or self._job.task.path.read_text("utf-8"), "utf-8")
        return path

    def _task(self, file: Path) -> BoundTask:
        task, settings, machine = self._job.task, self._playing.settings, self._playing.machine
        apps = tuple(name for name in dict.fromkeys(task.apps) if _APP.fullmatch(name))[:50]
        nodes = self._playing.agent.perception == "both"
        return BoundTask(
            path=file,
            name=f"osworld {task.name}",
            goal=task.instruction,
            browser=None,
            site=None,
            inputs={},
            secrets={},
            policy=PolicySpec(narrow=NarrowSpec(max_buys=1000)),
            perception=self._playing.agent.perception,
            steps=(),
            success=(),
            outputs={},
            limits=LimitSpec(steps=settings.steps, minutes=settings.minutes),
            digest=task.digest,
            guest=GuestSurface(
                address=machine.address,
                token=TokenSpec(env=_TOKEN) if machine.token else None,
                apps=apps or ("desktop",),
                nodes=nodes,
            ),
        )

    # The score

    def _score(self, failed: bool) -> Score:
        playing = self._playing

        def postconfig(steps: Sequence[SetupStep]) -> None:
            playing.hands.steps(steps, playing.machine, playing.assets, self._cache)

        mended = frozenset(playing.settings.mended)
        task, machine, assets = self._job.task, playing.machine, playing.assets
        return playing.hands.score(task, machine, self._cache, assets, failed, postconfig, mended)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self._phases[name] = time.monotonic() - began


def _differ(one: Image, other: Image) -> float:
    """Part of the pixels that are not the same in two grey pictures."""
    import numpy as np

    return float((np.abs(np.asarray(one, dtype=np.int16) - np.asarray(other, dtype=np.int16)) > 8).mean())
