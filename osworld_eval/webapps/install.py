"""Put the applications into an environment of their own: `python -m osworld_eval.webapps.install [FOLDER]`.

They stay apart from deskhand: their pins are theirs (`requirements.txt` beside this file), and nothing of deskhand is
importable there. This is the only part of the benchmark that needs a package index.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from osworld_eval.environments import EnvironmentMissing, cached, expect_room, ran

__all__ = ["REQUIREMENTS", "Environment", "EnvironmentMissing", "default_folder", "environment", "install", "main"]

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_MARK = "deskhand-webapps"
"""A file in the environment with the digest of the pins it was made from."""
COMMAND = "python -m osworld_eval.webapps.install"

Environment = Path
"""The environment's Python."""


def default_folder() -> Path:
    """Where the environment is when nobody says otherwise: `DESKHAND_WEBAPPS`, else the user's cache."""
    return cached("DESKHAND_WEBAPPS", "webapps")


def environment(folder: Path) -> Environment:
    """The Python of the environment in `folder`.

    Raises:
        EnvironmentMissing: there is none, or it was made from other pins.
    """
    python, mark = _python(folder), folder / _MARK
    if not python.is_file() or not mark.is_file():
        raise EnvironmentMissing(f"{folder}: the applications are not installed here; try: {COMMAND} {folder}")
    if mark.read_text().strip() != _digest():
        raise EnvironmentMissing(f"{folder}: the applications are of other versions; try again: {COMMAND} {folder}")
    return python


def install(folder: Path) -> Environment:
    """Make the environment, or bring it up to the pins; does nothing when it is as it should be.

    Raises:
        EnvironmentMissing: the folder holds something else, or a package cannot be had.
    """
    try:
        return environment(folder)
    except EnvironmentMissing:
        pass
    expect_room(folder)
    if not _python(folder).is_file():
        ran([sys.executable, "-m", "venv", str(folder)], folder)
    ran([str(_python(folder)), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)], folder)
    (folder / _MARK).write_text(_digest() + "\n")
    return environment(folder)


def main(arguments: list[str]) -> int:
    """Install into the folder that is given, or the default one. Exit 2 when it cannot be done."""
    if len(arguments) > 1 or any(word.startswith("-") for word in arguments):
        print(f"usage: {COMMAND} [FOLDER]   (default: {default_folder()})", file=sys.stderr)
        return 0 if arguments in (["--help"], ["-h"]) else 2
    folder = Path(arguments[0]).expanduser().absolute() if arguments else default_folder()
    print(f"installing the applications into {folder} (half a gigabyte)", flush=True)
    try:
        install(folder)
    except EnvironmentMissing as problem:
        print(problem, file=sys.stderr)
        return 2
    there = "" if folder == default_folder() else f" --environment {folder}"
    print(f"ready: agent eval webapps{there}")
    return 0


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _digest() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
