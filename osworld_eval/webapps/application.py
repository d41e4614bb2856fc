"""One web application: how it is made ready, started on a free loopback port, asked whether it is up, and ended.

Everything it writes lies in a folder that is given; nothing is left of it, neither a process nor a listening port, once
`Served` is over. It does not protect the application from other users of this machine.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from osworld_eval.webapps.state import Source

__all__ = ["APPLICATIONS", "PASSWORD", "Application", "ApplicationError", "Served", "prepare"]

PASSWORD = "quay-4-lantern"
"""Of the user `operator` in every application: throw-away, on loopback, for one run."""
START_S, STOP_S, PREPARE_S = 60.0, 10.0, 180.0
_SCRIPTS = Path(__file__).parent / "served"
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")
_REFUSED_S = 0.05


class ApplicationError(Exception):
    """An application could not be made ready or started. One line, with what to try."""


@dataclass(frozen=True, slots=True)
class Application:
    """An application by the name of its script in `served/`."""

    name: str
    title: str
    package: str
    """The distribution it comes from."""
    ready: str
    """A path that answers 200 once it is up."""
    source: Source


_DJANGO_PASSING = r"sqlite_sequence|django_session|django_migrations|django_content_type"
APPLICATIONS: Mapping[str, Application] = {
    one.name: one
    for one in (
        Application(
            "django_admin",
            "Django's admin",
            "Django",
            "/admin/login/",
            Source("app.db", passing=_DJANGO_PASSING + r"|django_admin_log", volatile=frozenset({"last_login"})),
        ),
        Application(
            "wagtail_cms",
            "Wagtail",
            "wagtail",
            "/admin/login/",
            Source(
                "app.db",
                passing=_DJANGO_PASSING + r"|wagtail(core|images|docs)_\w*(log|logentry|referenceindex|indexentry)\w*"
                r"|wagtailsearch_\w+|wagtailadmin_editingsession|wagtailusers_userprofile",
                volatile=frozenset({"last_login"}),
            ),
        ),
        Application(
            "otter_wiki",
            "Otter Wiki",
            "otterwiki",
            "/",
            Source("app.db", "pages", passing=r"\.git(/.*)?|drafts|cache", volatile=frozenset({"last_seen"})),
        ),
        Application(
            "roundup_tracker",
            "Roundup",
            "roundup",
            "/",
            Source(
                "tracker/db/db",
                passing=r"sqlite_sequence|ids|schema|\w+__journal|__textids|__words|__fts\w*|otks|sessions",
                volatile=frozenset({"_activity", "_actor", "__retired__"}),
            ),
        ),
        Application(
            "jupyter_lab",
            "JupyterLab",
            "jupyterlab",
            "/login",
            Source(files="work", passing=r"(.*/)?\.ipynb_checkpoints(/.*)?"),
        ),
    )
}


def prepare(application: Application, python: Path, folder: Path) -> None:
    """Seed `folder` with the application's user and content, once; runs begin from copies of it.

    Raises:
        ApplicationError: its packages are not there, or seeding failed.
    """
    command = [str(python), str(_script(application)), "prepare", str(folder)]
    try:
        done = subprocess.run(
            command, env=_environment(), capture_output=True, text=True, timeout=PREPARE_S, check=False
        )
    except OSError:
        raise ApplicationError(f"{python}: there is no such Python; {_TRY}") from None
    except subprocess.TimeoutExpired:
        raise ApplicationError(f"{application.title} was not ready after {PREPARE_S:.0f} s") from None
    if done.returncode:
        raise ApplicationError(f"{application.title} could not be made ready: {_last_line(done.stderr)}")


_TRY = "try: python -m osworld_eval.webapps.install FOLDER, then --environment FOLDER"


class Served:
    """One application over a fresh copy of its prepared folder, for as long as it is entered."""

    def __init__(self, application: Application, python: Path, prepared: Path, folder: Path) -> None:
        """`folder` must not exist yet; it stays, for whoever wants to look at what the application holds."""
        self._application, self._python = application, python
        self._prepared, self.folder = prepared, folder
        self._child: subprocess.Popen[bytes] | None = None
        self.origin = ""

    def __enter__(self) -> Self:
        shutil.copytree(self._prepared, self.folder)
        port = _free_port()
        self.origin = f"http://127.0.0.1:{port}"
        try:
            self._child = self._spawned(port)
            self._wait(self._child, time.monotonic() + START_S)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it and whatever it started in its process group. Safe to call twice."""
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(STOP_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdin:
            child.stdin.close()

    @property
    def _errors(self) -> Path:
        return self.folder.with_suffix(".err")

    def _spawned(self, port: int) -> subprocess.Popen[bytes]:
        command = [str(self._python), str(_script(self._application)), "serve", str(self.folder), str(port)]
        with self._errors.open("wb") as errors:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                env=_environment(),
                start_new_session=True,
            )

    def _wait(self, child: subprocess.Popen[bytes], until: float) -> None:
        """Ask until it answers; each refusal is answered at once, so the pause is what bounds the asking."""
        while time.monotonic() < until:
            if child.poll() is not None:
                said = self._errors.read_text("utf-8", "replace")
                raise ApplicationError(f"{self._application.title} did not start: {_last_line(said)}")
            try:
                with urllib.request.urlopen(self.origin + self._application.ready, timeout=START_S) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                with suppress(subprocess.TimeoutExpired):
                    child.wait(_REFUSED_S)
        raise ApplicationError(f"{self._application.title} did not answer within {START_S:.0f} s")


def _script(application: Application) -> Path:
    return _SCRIPTS / f"{application.name}.py"


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**kept, "DEMO_PASSWORD": PASSWORD, "PYTHONDONTWRITEBYTECODE": "1"}


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][-300:] if lines else "it said nothing"
