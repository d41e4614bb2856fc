"""Put upstream's evaluators into an environment of their own: `python -m osworld_eval.osworld.scoring.install`.

`desktop-env` wants packages that cannot live beside deskhand's, and 259 of them; its evaluators do with 48 (light) or
79 (full), whose versions are pinned in `light.txt` and `full.txt` beside this file. `desktop-env` itself is installed
without what it wants. This is the only part of scoring that needs a package index.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from osworld_eval.environments import EnvironmentMissing, cached, expect_room, ran

__all__ = ["COMMAND", "Environment", "EnvironmentMissing", "default_folder", "environment", "install", "main"]

COMMAND = "python -m osworld_eval.osworld.scoring.install"
Level = Literal["light", "full"]
_MARK = "deskhand-scoring"
"""A file in the environment: the level, and the digest of the pins that it was made from."""
_HERE = Path(__file__).parent
_PYTHONS = ("python3.11", "python3.12", "python3.10")
"""Versions that upstream's pins (numpy below 2) can be had for, best first."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where the evaluators are."""

    folder: Path
    level: Level

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"


def default_folder() -> Path:
    """Where the environment is when nobody says otherwise: `DESKHAND_SCORING`, else the user's cache."""
    return cached("DESKHAND_SCORING", "osworld-scoring")


def environment(folder: Path | None = None) -> Environment:
    """The environment in `folder`, or in the default place.

    Raises:
        EnvironmentMissing: there is none, or it was made from other pins.
    """
    folder = folder or default_folder()
    into = "" if folder == default_folder() else f" --into {folder}"
    try:
        level, digest = (folder / _MARK).read_text("utf-8").split()
    except (OSError, ValueError):
        raise EnvironmentMissing(
            f"{folder}: OSWorld's evaluators are not installed here; try: {COMMAND}{into}"
        ) from None
    if level not in ("light", "full") or digest != _digest(level) or not (folder / "bin" / "python").is_file():
        more = " --full" if level == "full" else ""
        raise EnvironmentMissing(
            f"{folder}: OSWorld's evaluators were installed from other pins; try again: {COMMAND}{more}{into}"
        )
    return Environment(folder, "full" if level == "full" else "light")


def install(folder: Path, level: Level = "light") -> Environment:
    """Make the environment, or bring it up to the pins and the level; does nothing when it is as it should be.

    A full one is never made light again.

    Raises:
        EnvironmentMissing: the folder holds something else, no fitting Python is there, or a package cannot be had.
    """
    try:
        there = environment(folder)
        if there.level == "full" or level == "light":
            return there
    except EnvironmentMissing:
        pass
    expect_room(folder)
    python = folder / "bin" / "python"
    (folder / _MARK).unlink(missing_ok=True)
    if not python.is_file():
        ran([_base(), "-m", "venv", str(folder)], folder)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    ran([*pip, "--no-deps", "-r", str(_HERE / "light.txt")], folder)
    if level == "full":
        ran([*pip, "--no-deps", "-r", str(_HERE / "full.txt")], folder)
    (folder / _MARK).write_text(f"{level} {_digest(level)}\n", "utf-8")
    return environment(folder)


def main(arguments: Sequence[str]) -> int:
    """Install. Exit 2 when it cannot be done."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Install OSWorld's evaluators, apart from deskhand.")
    parser.add_argument("--full", action="store_true", help="also what pictures, sound, video and PDF pages need")
    parser.add_argument("--into", type=Path, metavar="DIR", help=f"where to; {default_folder()} when left out")
    given = parser.parse_args(arguments)
    folder = (given.into or default_folder()).expanduser().absolute()
    size = "1.5 GB" if given.full else "0.6 GB"
    print(f"installing OSWorld's evaluators into {folder} (up to {size})", flush=True)
    try:
        made = install(folder, "full" if given.full else "light")
    except EnvironmentMissing as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"ready: the {made.level} set, in {made.folder}")
    return 0


def _base() -> str:
    """A Python that upstream's pins can be had for. Raises `EnvironmentMissing`."""
    here = f"python3.{sys.version_info.minor}"
    if here in _PYTHONS:
        return sys.executable
    for name in _PYTHONS:
        if found := shutil.which(name):
            return found
    raise EnvironmentMissing(
        f"OSWorld's evaluators need numpy below 2, so Python 3.10 to 3.12; this is {here}: install python3.12"
    )


def _digest(level: str) -> str:
    made = hashlib.sha256((_HERE / "light.txt").read_bytes())
    if level == "full":
        made.update((_HERE / "full.txt").read_bytes())
    return made.hexdigest()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
