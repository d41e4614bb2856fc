"""`agent_run`: a task to its end as a process of its own, and how it went as a value."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

__all__ = ["AgentRun", "Ran", "Settings", "task_file", "words_of"]

MOST_S = 1800.0


@dataclass(frozen=True)
class Settings:
    """What pytest was started with, and where the test stands."""

    folder: Path
    """The test's own, for run folders and tasks that were given as a dict."""
    places: Sequence[Path]
    """Where a task file is looked for: the folder of the test, then the root."""
    model: str
    headed: bool


@dataclass(frozen=True)
class Ran:
    """How a run went. Falsy unless it is verified."""

    outcome: str
    """`verified`, `done_unverified`, `denied`, `infeasible`, `halted`, `unknown_effect` or `error`."""
    because: str
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What the task reads off the last screen; money as `{minor, currency, text}`."""
    folder: Path = Path()
    """The run folder: trail, frames, report, flow."""
    exit_code: int = 0
    steps: int = 0
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return self.outcome == "verified"


class AgentRun:
    """Callable; what it starts has ended when it returns."""

    def __init__(self, settings: Settings, made: Callable[[Path], object]) -> None:
        self._settings, self._made = settings, made

    def __call__(
        self,
        task: str | Path | Mapping[str, Any],
        *,
        inputs: Mapping[str, Any] | None = None,
        model: str | None = None,
        policy: str | Sequence[str] = (),
        site: Mapping[str, Any] | None = None,
    ) -> Ran:
        """Run a task. Nobody is asked: what needs a person is refused.

        Args:
            task: a file, seen from the test's folder or the root, or the same as a dict.
            inputs: values for the task's inputs.
            model: as `agent run --model`; what pytest was started with where None.
            policy: presets or files in place of the task's own.
            site: settings of the demo site, where the task has one.
        """
        settings = self._settings
        words = ["run", str(task_file(settings, task)), "--model", model or settings.model, "--approve", "deny"]
        words += ["--again", "--json", "--runs", str(settings.folder / "runs")]
        words += words_of("--set", inputs) + words_of("--site", site)
        words += [word for one in ([policy] if isinstance(policy, str) else policy) for word in ("--policy", one)]
        words += ["--headed"] if settings.headed else []
        done = subprocess.run(
            [sys.executable, "-m", "agent", *words],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=MOST_S,
            check=False,
            env=clean_environment(),
        )
        return self._ran(done)

    def _ran(self, done: subprocess.CompletedProcess[str]) -> Ran:
        lines = done.stdout.splitlines()
        told = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
        if "outcome" not in told:
            pytest.fail(done.stderr.strip() or f"agent run ended with {done.returncode} and no word", pytrace=False)
        folder = Path(told["folder"]) if told["folder"] else Path()
        if told["folder"]:
            self._made(folder)
        return Ran(
            told["outcome"], told["because"], told["outputs"], folder, done.returncode, told["steps"], told["seconds"]
        )


def clean_environment() -> dict[str, str]:
    """The environment, without what pytest itself keeps there."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def words_of(option: str, given: Mapping[str, Any] | None) -> list[str]:
    """`--set name=value` for each; true and false as YAML has them."""
    plain = {name: str(one).lower() if isinstance(one, bool) else str(one) for name, one in (given or {}).items()}
    return [word for name, value in plain.items() for word in (option, f"{name}={value}")]


def task_file(settings: Settings, task: str | Path | Mapping[str, Any]) -> Path:
    """The file of a task; one that was given as a dict is written down, with a name and a goal where it has none."""
    if isinstance(task, Mapping):
        place = settings.folder / "tasks" / f"task_{len(list(settings.folder.glob('tasks/*')))}.yaml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({"version": 1, "name": "test", "goal": "What the test does.", **task}, default=str))
        return place
    places = [Path(task)] if Path(task).is_absolute() else [folder / task for folder in settings.places]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        pytest.fail(f"there is no task file `{task}`, neither beside the test nor at the root", pytrace=False)
    return found
