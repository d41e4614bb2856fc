"""One task's score, by upstream's own evaluators, behind a wall.

The evaluators read what an agent made, and some of them run it. They do so in a jail without network and with bounds;
what they need of the guest they ask for over a pipe, and it is carried out here, against the guest's address alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from osworld_eval.osworld.assets import Assets
from osworld_eval.osworld.suite import OsworldTask, Step

__all__ = ["Score", "Scorer"]

BOUND_S = 300.0


@dataclass(frozen=True, slots=True)
class Score:
    """What the evaluators said."""

    value: float | None
    """From 0 to 1; None where there is no score: `error` says why."""
    reason: str
    """One line: what decided it."""
    error: str | None
    """One line: why there is no score; None where there is one."""
    seconds: float
    """How long it took, post-configuration included."""


class Scorer:
    """Scores tasks, one at a time. Each is scored in a jail of its own; the next one is made ready meanwhile.

    Args:
        environment: where `python -m osworld_eval.osworld.scoring.install` put the evaluators; the default place.
        bound_s: the longest that one score may take, post-configuration not counted.
    """

    def __init__(self, environment: Path | None = None, bound_s: float = BOUND_S) -> None:
        self._environment = environment
        self._bound_s = bound_s

    def __enter__(self) -> Self:
        """Make the first jail ready.

        Raises:
            EnvironmentMissing: the evaluators are not installed there.
            SandboxUnavailable: no jail can be built on this machine.
        """
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process. May be called twice."""

    def score(
        self,
        task: OsworldTask,
        guest: str,
        token: str | None,
        cache: Path,
        assets: Assets,
        *,
        failed: bool,
        postconfig: Callable[[Sequence[Step]], None],
        mended: frozenset[str] = frozenset(),
        ports: Mapping[str, int] | None = None,
    ) -> Score:
        """The task's score by upstream's order: post-configuration, FAIL, getters, metrics. Raises nothing of theirs.

        Args:
            task: what was to be done.
            guest: the guest's address, `http://HOST:PORT`; nothing else is reached.
            token: sent with each request as `Authorization: Bearer TOKEN`; never seen inside the jail.
            cache: the task's folder of files that its set-up saved; read, not written.
            assets: files that the task names by address.
            failed: whether the agent's last act was FAIL.
            postconfig: carries out the evaluator's own steps on the guest; an exception of it is an error.
            mended: names of upstream's known bugs to mend, see `bugs.py`; none by default.
            ports: as `Machine.ports`, on the guest's host: `chromium` where its browser can be driven, `vlc` where its
                player answers. Getters that need one which is not given are an error.
        """
        begun = time.monotonic()
        return Score(None, "", "the scorer is not open", time.monotonic() - begun)
