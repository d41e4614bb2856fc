"""Put the applications into an environment of their own: `python -m osworld_eval.webapps.install [FOLDER]`.

They stay apart from deskhand: their pins are theirs (`requirements.txt` beside this file), and nothing of deskhand is
importable there. This is the only part of the benchmark that needs a package index.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["REQUIREMENTS", "Environment", "EnvironmentMissing", "default_folder", "environment", "install", "main"]

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_MARK = "deskhand-webapps"
"""A file in the environment with the digest of the pins it was made from."""
COMMAND = "python -m osworld_eval.webapps.install"

Environment = Path
"""The environment's Python."""


class EnvironmentMissing(Exception):
    """There is no environment, or it is not made from these pins, or it cannot be made. One line."""


def default_folder() -> Path:
    """Where the environment is when nobody says otherwise: `DESKHAND_WEBAPPS`, else the user's cache."""
    if said := os.environ.get("DESKHAND_WEBAPPS"):
        return Path(said).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "deskhand" / "webapps"


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
    if folder.exists() and not folder.is_dir():
        raise EnvironmentMissing(f"{folder}: this is a file, expected a folder to make")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").is_file():
        raise EnvironmentMissing(f"{folder}: this folder holds something else; give an empty or a new one")
    try:
        if not _python(folder).is_file():
            venv.create(folder, with_pip=True)
        command = [str(_python(folder)), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except (OSError, subprocess.CalledProcessError) as error:
        raise EnvironmentMissing(f"{folder}: the environment cannot be made: {error}") from None
    if done.returncode:
        raise EnvironmentMissing(f"{folder}: pip says: {_why(done.stderr)}")
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


def _why(said: str) -> str:
    """The line of pip's that tells most: its first error, else its last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("WARNING")]
    told = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "nothing")
    return told.removeprefix("ERROR: ")[:300]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
