"""Virtual environments that a benchmark makes beside deskhand's own, for packages whose pins are theirs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

__all__ = ["EnvironmentMissing", "cached", "expect_room", "ran"]


class EnvironmentMissing(Exception):
    """There is no environment, or it is not made from these pins, or it cannot be made. One line."""


def cached(variable: str, name: str) -> Path:
    """Where an environment is unless somebody says so: the folder that `variable` names, else in the user's cache."""
    if said := os.environ.get(variable):
        return Path(said).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "deskhand" / name


def expect_room(folder: Path) -> None:
    """Raises `EnvironmentMissing` where something else is than an environment or nothing."""
    if folder.exists() and not folder.is_dir():
        raise EnvironmentMissing(f"{folder}: this is a file, expected a folder to make")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").is_file():
        raise EnvironmentMissing(f"{folder}: this folder holds something else; give an empty or a new one")


def ran(command: Sequence[str], folder: Path) -> None:
    """Run a part of making the environment in `folder`. Raises `EnvironmentMissing` with what pip says."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise EnvironmentMissing(f"{folder}: the environment cannot be made: {error}") from None
    if done.returncode:
        who = "pip says: " if "pip" in command else ""
        raise EnvironmentMissing(f"{folder}: {who}{_why(done.stderr)}")


def _why(said: str) -> str:
    """The line of pip's that tells most: its first error, else its last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("WARNING")]
    told = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "no word")
    return told.removeprefix("ERROR: ")[:300]
