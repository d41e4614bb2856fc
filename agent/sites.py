"""A bundled demo site as a child process on loopback, from `with` to its end.

The site is code. It is taken from the repository this package lies in, or from the folder one works in and those
above it; never from beside a task file, which is data that may have come from anywhere. The child is told no more of
the environment than it needs to start, so it cannot see the secrets of a run.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from agent.task_file import SiteSpec

__all__ = ["Site", "SiteError", "find_site", "known_sites"]

START_S = 20.0
STOP_S = 5.0
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONPATH")


class SiteError(Exception):
    """The site did not start. One line: what happened, and what to try."""


class Site:
    """One running demo site. `with Site(spec) as site:` starts it and ends it."""

    def __init__(self, spec: SiteSpec, folder: Path | None = None, start_s: float = START_S) -> None:
        """`folder` receives the site's database and log (made if missing); a temporary one goes away at the end."""
        self._spec = spec
        self._folder = folder
        self._start_s = start_s
        self._child: subprocess.Popen[bytes] | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT/`."""
        return self._url

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return self._url.rstrip("/")

    @property
    def log(self) -> Path:
        """The site's own record of requests, one JSON object to a line. Only between start and end."""
        return self._home / f"{self._spec.name}.log.jsonl"

    @property
    def database(self) -> Path:
        """The site's SQLite file. Only between start and end."""
        return self._home / f"{self._spec.name}.db"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the site and wait until it answers.

        Raises:
            SiteError: there is no such site, or it ended or said nothing within the time it has.
        """
        self.begin()
        with self._starting():
            assert self._child is not None
            self._url = _announced(self._child, time.monotonic() + self._start_s)

    def begin(self) -> None:
        """Start its process and do not wait for it; `start` does. Nothing where it has begun. Raises `SiteError`."""
        if self._child is not None:
            return
        script = find_site(self._spec.name)
        if self._folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="deskhand-site-")
        with self._starting():
            self._home.mkdir(parents=True, exist_ok=True)
            self._child = self._spawned(script)

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """Whatever goes wrong in it ends the site; what the site said of it is in the `SiteError`."""
        try:
            yield
        except (OSError, ValueError) as problem:
            why = self._last_words() or str(problem)
            self.stop()
            raise SiteError(f"the demo site `{self._spec.name}` did not start: {why}") from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the site: it stops when its stdin closes, and is killed when it does not. Safe to call twice."""
        child, self._child = self._child, None
        if child is not None:
            with suppress(OSError):
                if child.stdin:
                    child.stdin.close()
            _ended(child)
            if child.stdout:
                child.stdout.close()
            self._forget_empty()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def _forget_empty(self) -> None:
        """Keep what the child wrote to stderr only if it wrote anything."""
        with suppress(OSError):
            if self._errors.stat().st_size == 0:
                self._errors.unlink()

    @property
    def _home(self) -> Path:
        if self._folder is not None:
            return self._folder
        if self._temporary is None:
            raise SiteError(f"the demo site `{self._spec.name}` is not running")
        return Path(self._temporary.name)

    @property
    def _errors(self) -> Path:
        return self._home / f"{self._spec.name}.err"

    def _spawned(self, script: Path) -> subprocess.Popen[bytes]:
        with self._errors.open("wb") as errors:
            return subprocess.Popen(
                [sys.executable, str(script), *self._arguments()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                start_new_session=True,
            )

    def _arguments(self) -> Sequence[str]:
        spec = self._spec
        arguments = ["--port", "0", "--seed", str(spec.seed), "--db", str(self.database), "--log", str(self.log)]
        if spec.layout is not None:
            arguments += ["--layout", spec.layout]
        if spec.theme is not None:
            arguments += ["--theme", spec.theme]
        if spec.mischief:
            arguments += ["--mischief", ",".join(spec.mischief)]
        return [*arguments, "--with-parent"]

    def _last_words(self) -> str:
        """The last line the child wrote about its trouble, and what to try where a package is missing."""
        with suppress(OSError, SiteError):
            lines = [line for line in self._errors.read_text("utf-8", "replace").splitlines() if line.strip()]
            if lines:
                said = lines[-1].strip()[-300:]
                missing = "ModuleNotFoundError" in said
                return said + ("; try: pip install 'deskhand[sites]'" if missing else "")
        return ""


def _announced(child: subprocess.Popen[bytes], until: float) -> str:
    """The address in the first line of the child's stdout.

    Raises:
        ValueError: the child ended, said something else or nothing in time.
    """
    line = _first_line(child.stdout, until) if child.stdout else b""
    if not line.endswith(b"\n"):
        ended = child.poll() is not None or line or time.monotonic() < until
        raise ValueError("it ended without a word" if ended else "it did not answer in time")
    try:
        url = json.loads(line)["url"]
    except (ValueError, KeyError, TypeError):
        raise ValueError("it said something that is no address") from None
    if not isinstance(url, str) or not url.startswith("http://127.0.0.1:"):
        raise ValueError("it does not listen on 127.0.0.1")
    return url


def _first_line(stream: IO[bytes], until: float) -> bytes:
    """Bytes up to the first line end; less where the stream ends or time is up before."""
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n") and len(line) < 4096:
            if not selector.select(max(0.0, until - time.monotonic())):
                break
            piece = os.read(stream.fileno(), 1)
            if not piece:
                break
            line += piece
    return line


def _ended(child: subprocess.Popen[bytes]) -> None:
    for harder in (None, child.terminate, child.kill):
        if harder is not None:
            harder()
        with suppress(subprocess.TimeoutExpired):
            child.wait(STOP_S)
            return


def find_site(name: str) -> Path:
    """The script that serves the bundled site `name`.

    Raises:
        SiteError: there is no such site in this repository or above the current folder.
    """
    for folder in _site_folders():
        script = folder / name / "serve.py"
        if script.is_file():
            return script
    known = ", ".join(f"`{one}`" for one in known_sites())
    hint = f"expected one of {known}" if known else "run this from the folder that holds `tasks/sites`"
    raise SiteError(f"there is no demo site `{name}`, {hint}")


def known_sites() -> tuple[str, ...]:
    """The names of all bundled sites, sorted."""
    scripts = (script for folder in _site_folders() for script in folder.glob("*/serve.py"))
    return tuple(sorted({script.parent.name for script in scripts}))


def _site_folders() -> tuple[Path, ...]:
    here = Path.cwd()
    roots = (Path(__file__).resolve().parents[1], here, *here.parents)
    return tuple(dict.fromkeys(folder for root in roots if (folder := root / "tasks" / "sites").is_dir()))
