"""A run that was asked for: the ordinary command in a process of its own, and what it has said so far."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.run_folder import RunFolder

__all__ = ["Job", "newest_frame"]

STOP_S = 20.0
_LAST_STEPS = 12


class Job:
    """One `agent run` or `agent replay` as a child. It has no terminal, so it can ask at a console or nowhere.

    Args:
        words: the command line after `agent`.
        runs: where its run folder will be.
    """

    def __init__(self, words: Sequence[str], runs: Path) -> None:
        self._runs = runs
        self._said: list[dict[str, Any]] = []
        self._folder: RunFolder | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        here = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))
        self._child = subprocess.Popen(
            [sys.executable, "-m", "agent", *words, "--json", "--runs", str(runs)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def ended(self) -> bool:
        return self._child.poll() is not None and not self._reader.is_alive()

    @property
    def code(self) -> int | None:
        return self._child.returncode

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(max(0.0, seconds))
            self._reader.join(5)
        return self.ended

    @property
    def folder(self) -> RunFolder | None:
        """Its run folder, once there is one."""
        if self._folder is None:
            if self.result.get("folder"):
                self._folder = RunFolder(Path(self.result["folder"]))
            else:
                self._folder = next((one for one in _newest(self._runs) if _pid_of(one) == self._child.pid), None)
        return self._folder

    @property
    def result(self) -> dict[str, Any]:
        """What it said at its end; empty before."""
        return self._said[-1] if self._said and "outcome" in self._said[-1] else {}

    @property
    def steps(self) -> list[str]:
        """Its last steps, a line each."""
        return [_line(one) for one in list(self._said) if "step" in one][-_LAST_STEPS:]

    def problem(self) -> str:
        """The last line of what it complained of."""
        with suppress(OSError, ValueError):
            self._errors.seek(0)
            lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
            return lines[-1][:500] if lines else ""
        return ""

    def stop(self) -> None:
        """As Ctrl+C: no further act begins, and the end is on the record. Asked again where it takes too long."""
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self._child.poll() is not None:
                break
            self._child.send_signal(number)
            self.wait(STOP_S)

    def end(self) -> None:
        self.stop()
        self._reader.join(5)
        self._errors.close()

    def _read(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as stream, suppress(OSError, ValueError):
            for line in stream:
                with suppress(ValueError):
                    told = json.loads(line)
                    if isinstance(told, dict):
                        self._said.append(told)


def _newest(runs: Path, most: int = 20) -> list[RunFolder]:
    """The last run folders, the newest first; without a look at the others, of which there may be thousands."""
    names = sorted((each.name for each in runs.iterdir()), reverse=True) if runs.is_dir() else []
    return [RunFolder(runs / name) for name in names[:most]]


def _pid_of(folder: RunFolder) -> int:
    try:
        return folder.read_run().pid
    except ValueError:
        return 0


def _line(step: dict[str, Any]) -> str:
    rules = f" [{', '.join(step['rules'])}]" if step.get("rules") else ""
    verdict = f": {step['verdict']}{rules}" if step.get("verdict") else ""
    return f"{step['step'] + 1} {step.get('instruction') or ''}: {step.get('wanted', '')}{verdict}"[:300]


def newest_frame(folder: Path) -> bytes | None:
    """The last screenshot that a run has kept, secrets blacked out; None before the first."""
    until = time.monotonic() + 2
    while time.monotonic() < until:
        frames = sorted((folder / "frames").glob("*.png"), key=lambda one: one.stat().st_mtime)
        if frames:
            return frames[-1].read_bytes()
        time.sleep(0.1)
    return None
