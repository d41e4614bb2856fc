"""A PostgreSQL server of the tests' own: in a folder, on a socket and a free port of this machine, never as root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["Postgres", "why_not"]


def _bin() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), reverse=True)
    named = shutil.which("pg_ctl")
    return found[0].parent if found else Path(named).parent if named else None


def _user() -> str | None:
    """Somebody who is not root: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def why_not() -> str:
    """Why there can be no server here; empty when there can."""
    if _bin() is None:
        return "no PostgreSQL server: apt-get install postgresql"
    return "" if _user() else "PostgreSQL does not run as root, and there is nobody else"


class Postgres:
    """A running server. Use as a context manager; it ends with it."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="deskhand-postgres-"))  # where another user gets to, too
        self._data = self._folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._made = 0
        self._parent = ThreadPoolExecutor(1, "postgres")
        """The server is sent its end when the thread that started it ends, not when the process does; so one thread, which
        lives as long as this object, starts it, whoever asks."""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if os.getuid() == 0:
            entry = pwd.getpwnam(str(_user()))
            os.chown(self._folder, entry.pw_uid, entry.pw_gid)
        self._run("initdb", "-D", self._data, "-U", "deskhand", "--auth=trust", "--no-sync", "-E", "UTF8")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # a fast end, clients or not
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        self._parent.shutdown()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start, or start again."""
        options = ("-D", self._data, "-p", str(self._port), "-h", "127.0.0.1", "-k", self._folder)
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        self._process = self._parent.submit(
            subprocess.Popen,
            [*self._as(True), str(self._tool("postgres")), *map(str, options), "-c", "max_connections=300"],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ).result()
        until = time.monotonic() + 60
        while time.monotonic() < until:
            ready = [str(self._tool("pg_isready")), "-h", "127.0.0.1", "-p", str(self._port), "-q"]
            if subprocess.run(ready, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError("PostgreSQL does not come up")

    def kill(self) -> None:
        """kill -9, the whole server."""
        assert self._process is not None
        os.killpg(self._process.pid, 9)
        self._process.wait()
        self._process = None
        time.sleep(0.3)  # its children notice that it is gone

    def database(self) -> str:
        """The address of a new, empty database."""
        self._made += 1
        name = f"store{self._made}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self._port), "-U", "deskhand", name)
        return f"postgresql://deskhand@127.0.0.1:{self._port}/{name}"

    def _tool(self, name: str) -> Path:
        found = _bin()
        assert found is not None
        return found / name

    def _as(self, ends_with_us: bool = False) -> list[str]:
        """How a program is run as somebody who is not root; one that ends with us ends however this process does."""
        dies = ["--pdeathsig", "INT"] if ends_with_us else []
        other = ["--reuid", str(_user()), "--regid", str(_gid()), "--clear-groups"] if os.getuid() == 0 else []
        return ["setpriv", *dies, *other] if dies or other else []

    def _run(self, tool: str, *arguments: Any) -> None:
        command = [*self._as(), str(self._tool(tool)), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self._folder, timeout=120, check=False)
        assert done.returncode == 0, done.stderr


def _gid() -> int:
    return pwd.getpwnam(str(_user())).pw_gid
