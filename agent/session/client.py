"""The other side of a session: starts its process, asks, and takes what comes. Imports nothing of a run."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["Session", "SessionFailed", "SessionOver", "Wanted"]

START_S = 90.0
CLOSE_S = 60.0


class SessionFailed(Exception):
    """It did not start, broke, or refused what was asked. One line."""


class SessionOver(SessionFailed):
    """Nothing more can be done in it. `ended` says how it ended, where that is known."""

    def __init__(self, line: str, ended: Mapping[str, Any] | None = None) -> None:
        super().__init__(line)
        self.ended = dict(ended or {})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a session is opened with."""

    task: Path
    sets: Mapping[str, str]
    approve: str = "deny"
    """`deny` or `console`: there is no terminal to ask on."""
    policy: Sequence[str] = ()
    """Presets or files; the task's own when empty."""
    tier: str = ""
    site: Mapping[str, str] | None = None
    runs: Path = Path("runs")
    headed: bool = False
    who: str = "session"
    """Who drives, for the record."""


class Session:
    """One run in a process of its own, that does what it is told. Thread-safe as far as one asks at a time."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.run = ""
        self.ended: dict[str, Any] | None = None
        """How it ended, as `agent run --json` says it; None while it goes on."""
        self._child: subprocess.Popen[bytes] | None = None
        self._came: queue.Queue[dict[str, Any]] = queue.Queue()
        self._errors: Any = None
        self.waits = False
        """Whether something was asked that has not been answered."""

    @property
    def folder(self) -> Path:
        return self.wanted.runs.absolute() / self.run

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def start(self) -> None:
        """Start the run. Raises `SessionFailed` where it cannot begin."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        here = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))
        self._child = subprocess.Popen(
            [sys.executable, "-m", "agent.session.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self._child,), daemon=True).start()
        wanted = self.wanted
        self._tell({
            "task": str(wanted.task.absolute()), "sets": dict(wanted.sets), "approve": wanted.approve,
            "policy": list(wanted.policy), "tier": wanted.tier, "site": dict(wanted.site or {}),
            "runs": str(wanted.runs.absolute()), "headed": wanted.headed, "who": wanted.who,
        })  # fmt: skip
        try:
            told = self._next(START_S)
        except BaseException:
            self.end()
            raise
        if told is None or "ready" not in told:
            self.end()
            ended = (told or {}).get("ended", {})
            line = (told or {}).get("failed") or ended.get("because") or "it did not begin in time"
            raise SessionFailed(str(line))
        self.run = str(told["ready"])

    def look(self, within_s: float | None = None) -> dict[str, Any]:
        """What is on the screen now."""
        self.ask({"ask": "look"})
        return dict((self.take(within_s) or {})["seen"])

    def act(self, act: Mapping[str, Any]) -> dict[str, Any]:
        """One act, and what came of it; waits as long as a person is asked. Raises `SessionFailed`."""
        self.ask({"ask": "act", "act": dict(act)})
        return dict((self.take(None) or {})["acted"])

    def ask(self, what: Mapping[str, Any]) -> None:
        """Put a question without waiting for its answer; see `take`."""
        if self.ended is not None:
            raise SessionOver(f"the session is over: {self.ended.get('because', '')}", self.ended)
        if self.waits:
            raise SessionFailed("the last act is not over yet")
        self._tell(what)
        self.waits = True

    def take(self, within_s: float | None) -> dict[str, Any] | None:
        """The answer to what was asked; None where it has not come within so many seconds."""
        told = self._next(within_s)
        if told is None:
            return None
        self.waits = False
        if "ended" in told:
            raise SessionOver(f"the session is over: {told['ended']['because']}", told["ended"])
        if "no" in told or "failed" in told:
            raise SessionFailed(str(told.get("no") or told.get("failed")))
        return told

    def close(self) -> dict[str, Any]:
        """Say that it is done: the task's checks decide. Returns how it ended, as `agent run --json` says it.

        An act that still waits for a person is broken off, and the run with it.
        """
        if self.ended is None:
            with suppress(SessionOver):
                if self.waits and self._child is not None:
                    self._child.terminate()
                else:
                    self._tell({"ask": "close"})
                while self.ended is None and self._next(CLOSE_S) is not None:
                    pass
        self.end()
        return self.ended or {"outcome": "error", "because": "the session did not end in time", "outputs": {}}

    def end(self) -> None:
        """End the process, whatever it does. May be called twice."""
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(OSError):
            if child.stdin is not None:
                child.stdin.close()
        for harder in (None, child.terminate, child.terminate, child.kill):
            if harder is not None:
                harder()
            with suppress(subprocess.TimeoutExpired):
                child.wait(15)
                break
        if child.stdout is not None:
            child.stdout.close()
        self._errors.close()

    def _tell(self, what: Mapping[str, Any]) -> None:
        if self._child is None or self._child.stdin is None:
            raise SessionOver("the session is over", self.ended)
        try:
            self._child.stdin.write(json.dumps(what).encode() + b"\n")
            self._child.stdin.flush()
        except OSError:
            raise SessionOver("the session's process has gone", self.ended) from None

    def _next(self, within_s: float | None) -> dict[str, Any] | None:
        try:
            told = self._came.get(timeout=within_s)
        except queue.Empty:
            return None
        if "gone" in told:
            if self.ended is None:
                self.ended = {"outcome": "error", "because": self._last_words(), "outputs": {}}
            raise SessionOver(f"the session is over: {self.ended['because']}", self.ended)
        if "ended" in told:
            self.ended = dict(told["ended"])
        return told

    def _read(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        with suppress(OSError, ValueError):
            for line in child.stdout:
                with suppress(ValueError):
                    self._came.put(json.loads(line))
        self._came.put({"gone": True})

    def _last_words(self) -> str:
        with suppress(OSError, ValueError, AttributeError):
            self._errors.seek(0)
            lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
            if lines:
                return str(lines[-1])[:300]
        return "its process has gone"
