"""What exactly was played, so that the same can be played again: tasks, model, versions, seeds and settings.

A manifest pins the bytes of every task file and of the model. `agent eval rerun` compares them before anything runs.
What it cannot pin: pages of the live web, a model behind a server's name, and the machines' own clocks.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from osworld_eval.osworld.results import MANIFEST
from osworld_eval.osworld.suite import OsworldTask

__all__ = ["Manifest", "ManifestUnusable", "differences", "joined", "pinned", "read_manifest", "write_manifest"]

FORMAT = 1
_PACKAGES = ("deskhand", "torch", "transformers", "numpy", "pillow", "ray", "playwright")


class ManifestUnusable(Exception):
    """It cannot be read, or what it pins is not what is there. One line."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One run's."""

    suite: str
    """The folder of tasks; `own` for the bundled ones."""
    index: str
    tasks: Mapping[str, str]
    """SHA-256 of each task file by `DOMAIN/ID`, in the order of play."""
    agent: str
    model: str
    """SHA-256 of the model's files; of its name, where there are no files."""
    repeat: int
    seed: int
    settings: Mapping[str, Any]
    """What else decides a score: steps, minutes, perception, mended, places."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of what it ran on: told, and not compared."""
    made_at: str = ""
    format: int = FORMAT

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides a score: the same for two runs that may be put together."""
        return hashlib.sha256(json.dumps(_deciding(self), sort_keys=True).encode()).hexdigest()

    @property
    def scheduled(self) -> list[tuple[str, int]]:
        """Every task and repeat, in the order of play: all tasks once, then all again."""
        return [(task, repeat) for repeat in range(1, self.repeat + 1) for task in self.tasks]


def _deciding(manifest: Manifest) -> dict[str, Any]:
    told = asdict(manifest)
    for name in ("versions", "made_at", "repeat", "suite", "index"):
        told.pop(name)
    return told


def differences(mine: Manifest, other: Manifest) -> list[str]:
    """What keeps the rows of two manifests from being put together, one line each.

    A folder may be gone on with for other tasks or more repeats, and never with other bytes under the same name.
    """
    found = []
    if mine.agent != other.agent or mine.model != other.model:
        found.append(
            f"the agent is `{other.agent}` ({other.model[:12]}) there and `{mine.agent}` ({mine.model[:12]}) here"
        )
    changed = [name for name, digest in mine.tasks.items() if other.tasks.get(name, digest) != digest]
    if changed:
        found.append(f"{len(changed)} task files are not the same, the first is {changed[0]}")
    if mine.seed != other.seed:
        found.append(f"the seed is {other.seed} there and {mine.seed} here")
    for name in sorted(set(mine.settings) | set(other.settings)):
        there, here = other.settings.get(name), mine.settings.get(name)
        if json.dumps(there) != json.dumps(here):
            found.append(f"{name} is {there} there and {here} here")
    return found


def joined(mine: Manifest, before: Manifest | None) -> Manifest:
    """One manifest for what was played before in a folder and what is played now; they do not differ."""
    if before is None:
        return mine
    return replace(mine, tasks={**before.tasks, **mine.tasks}, repeat=max(before.repeat, mine.repeat))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put it into a folder of results."""
    part = folder / f"{MANIFEST}.part"
    told = {**asdict(manifest), "digest": manifest.digest}
    part.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    part.replace(folder / MANIFEST)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest, or that of a folder of results.

    Raises:
        ManifestUnusable: there is none, or it is something else.
    """
    path = path / MANIFEST if path.is_dir() else path
    try:
        told = json.loads(path.read_text("utf-8"))
        if not isinstance(told, dict):
            raise ValueError("it is no object")
        digest = told.pop("digest", None)
        if told.get("format") != FORMAT:
            raise ValueError(f"its format is {told.get('format')}, expected {FORMAT}")
        manifest = Manifest(**told)
        _typed(manifest)
    except OSError as error:
        raise ManifestUnusable(f"`{path}` cannot be read: {(error.strerror or 'error').lower()}") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise ManifestUnusable(
            f"`{path}` is no manifest of this benchmark: {' '.join(str(error).split())[:160]}"
        ) from None
    if digest != manifest.digest:
        raise ManifestUnusable(f"`{path}` was edited: what it says does not fit its own digest")
    return manifest


def _typed(manifest: Manifest) -> None:
    """Raises ValueError for fields of another type."""
    texts = (manifest.suite, manifest.index, manifest.agent, manifest.model)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("suite, index, agent and model are texts")
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in (manifest.repeat, manifest.seed)):
        raise ValueError("repeat and seed are whole numbers")
    if not isinstance(manifest.tasks, dict) or not isinstance(manifest.settings, dict):
        raise ValueError("tasks and settings are objects")


def versions(environment: Path | None) -> dict[str, str]:
    """Of Python, of our own packages, and of the evaluators where they are installed."""
    found = {"python": platform.python_version(), "system": platform.platform(terse=True)}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    if environment is not None:
        for path in sorted(environment.glob("lib/python*/site-packages/desktop_env-*.dist-info")):
            found["desktop-env"] = path.name.removeprefix("desktop_env-").removesuffix(".dist-info")
    return found


def pinned(
    tasks: Sequence[OsworldTask],
    suite: str,
    index: str,
    agent: str,
    model: str,
    repeat: int,
    seed: int,
    settings: Mapping[str, Any],
    environment: Path | None,
) -> Manifest:
    """The manifest of what is about to be played."""
    return Manifest(
        suite=suite,
        index=index,
        tasks={task.name: task.digest for task in tasks},
        agent=agent,
        model=model,
        repeat=repeat,
        seed=seed,
        settings=dict(settings),
        versions=versions(environment),
        made_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
