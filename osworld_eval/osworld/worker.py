"""One slot: a machine, an agent and the evaluators, and one attempt after another. Runs in a process of its own.

Nothing is kept here: what an attempt leaves lies in its folder, and whoever gave the job takes it from there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agent.breakage import MISUSE
from model.base import ModelError, Perception
from osworld_eval.osworld.agents import ORACLE, Agent, Scripts, agent_named
from osworld_eval.osworld.assets import AssetError, Assets
from osworld_eval.osworld.episode import Hands, Playing, Settings, play
from osworld_eval.osworld.machine import Machine, MachineFault
from osworld_eval.osworld.place import Place
from osworld_eval.osworld.row import Job, Row
from osworld_eval.osworld.scoring.install import EnvironmentMissing
from osworld_eval.osworld.scoring.score import Score, Scorer
from osworld_eval.osworld.suite import OsworldTask
from osworld_eval.osworld.suite import Step as SetupStep

__all__ = ["Equipment", "RealHands", "Refused", "Worker", "real_hands", "serve"]

_PR_SET_PDEATHSIG = 1
_MISTAKES: tuple[type[Exception], ...] = (ModelError, AssetError, EnvironmentMissing, ValueError, *MISUSE)


class Refused(Exception):
    """There can be no such worker, now or later: the caller's mistake. One line."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a worker is made of, as data that travels to another process or machine."""

    place: Place
    agent: str = ORACLE
    perception: Perception = "pixels"
    device: str = "auto"
    settings: Settings = field(default_factory=Settings)
    assets: str = ""
    """The cache of files that tasks download."""
    offline: bool = False
    environment: str = ""
    """Where the evaluators are installed; empty for the default place."""
    threads: int = 0
    """Of a local model; 0 leaves it."""
    scripts: Scripts | None = None
    """What the oracle plays, instead of the bundled tasks' own scripts."""
    machine: Callable[[], Machine] | None = None
    """Makes the machine instead of `place`; a function of a module, so that it travels by its name."""
    hands: Callable[[], Hands] | None = None
    """Instead of the real set-up and the real evaluators; the same."""


class RealHands:
    """The real set-up and upstream's evaluators. Entering it starts the scorer, leaving it ends it."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def __enter__(self) -> Self:
        self._scorer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scorer.__exit__(kind, error, trace)

    def prepare(self, task: OsworldTask, machine: Machine, assets: Assets, cache: Path) -> None:
        from osworld_eval.osworld.setup import prepare

        prepare(task, machine, assets, cache)

    def steps(self, steps: Sequence[SetupStep], machine: Machine, assets: Assets, cache: Path) -> None:
        from osworld_eval.osworld.setup import steps as do

        do(machine, steps, cache, assets)

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
        return self._scorer.score(
            task,
            machine.address,
            machine.token,
            cache,
            assets,
            failed=failed,
            postconfig=postconfig,
            mended=mended,
            ports=machine.ports,
        )


def real_hands(environment: str = "") -> AbstractContextManager[Hands]:
    """The real set-up and upstream's evaluators; `EnvironmentMissing` on entering where they are not installed."""
    return RealHands(Scorer(Path(environment) if environment else None))


class Worker:
    """A machine, an agent and the evaluators. Use as a context manager, in one thread.

    Args:
        equipment: what it is made of.
        slot: what it is called in rows.
        agent: one that is there already, instead of the equipment's; closed by whoever made it.

    Raises:
        Refused: on entering: no such agent, or no evaluators.
        MachineFault: on entering: no machine, this time.
    """

    def __init__(self, equipment: Equipment, slot: str, agent: Agent | None = None) -> None:
        self._equipment = equipment
        self._slot = slot
        self._agent = agent
        self._stack = ExitStack()
        self._playing: Playing | None = None
        self.stop = threading.Event()
        """Set by whoever wants the current attempt to end."""

    def __enter__(self) -> Self:
        given = self._equipment
        with ExitStack() as starting:
            try:
                agent = self._agent
                if agent is None:
                    agent = agent_named(
                        given.agent, given.perception, given.device, given.scripts or scripts_of(given.agent)
                    )
                    starting.callback(agent.close)
                assets = Assets(Path(given.assets), given.offline)
                hands: Any = given.hands() if given.hands is not None else None
                if hands is None and given.place.kind != "android":  # a phone's tasks are judged by their own checks
                    hands = real_hands(given.environment)
                if hasattr(hands, "__enter__"):
                    starting.enter_context(hands)
            except _MISTAKES as problem:
                raise Refused(str(problem)) from None
            machine = given.machine() if given.machine is not None else given.place.open()
            starting.callback(machine.close)
            self._playing = Playing(machine, agent, hands, assets, given.settings, self._slot, self.stop)
            self._stack = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def play(self, job: Job, folder: Path) -> Row:
        """One attempt. Raises `Refused` where none can be played."""
        assert self._playing is not None
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return play(job, self._playing, folder)
        except MISUSE as problem:
            raise Refused(str(problem)) from None


def scripts_of(agent: str) -> Scripts | None:
    """The oracle of the bundled tasks, for the agent of that name."""
    if agent != ORACLE:
        return None
    from osworld_eval.osworld.own.scripts import Player, oracle

    return lambda task: Player(oracle(task.id))


def serve(equipment: Equipment, slot: str, line: Any) -> None:
    """A worker process: says `ready`, then plays what comes down the line until it closes.

    It is in a session of its own, so that Ctrl+C at the terminal reaches whoever gave it work and nobody else, and
    ends when that one ends.
    """
    _apart()
    if equipment.threads:  # read once, when torch is first imported
        os.environ.setdefault("OMP_NUM_THREADS", str(equipment.threads))
    try:
        with Worker(equipment, slot) as worker:
            line.send(("ready", ""))
            while (told := line.recv()) is not None:
                job, folder = told
                row = worker.play(job, Path(folder))
                line.send(("row", row))
    except Refused as problem:
        _last(line, ("refused", str(problem)))
    except MachineFault as problem:
        _last(line, ("fault", str(problem)))
    except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt, SystemExit):
        pass
    except Exception as error:  # whatever it is, the job goes to another worker, and a person is told what broke
        at = traceback.extract_tb(error.__traceback__)[-1]
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        _last(line, ("fault", f"{said} ({Path(at.filename).name}:{at.lineno})"))


def _last(line: Any, words: tuple[str, str]) -> None:
    with suppress(OSError):
        line.send(words)


def _apart() -> None:
    """A session of its own; told to end when its parent does."""
    import ctypes

    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _ended)


def _ended(number: int, frame: object) -> None:
    raise SystemExit(128 + number)
