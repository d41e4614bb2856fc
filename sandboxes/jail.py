"""A jail for programs: bubblewrap with namespaces of its own, no capabilities, no network, and one home.

Inside, `/usr` and a few files of `/etc` can be read; the home and `/run/desk` can be written; everything else is empty
and forgotten at the end. There is no network: where hosts are named, a `Doorman` outside forwards to those alone, so
the network namespace, and with it every abstract socket of the machine, stays closed. Every program ends with the
thread that started the jail, however that ends.

What this does not protect against: a hole in the kernel (no system calls are filtered), programs that use up memory or
processors, and whatever is done over the sockets that are handed in.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandboxes.base import SandboxUnavailable
from sandboxes.doorman import Doorman
from sandboxes.overlay import Overlay
from sandboxes.syscalls import filter_file

__all__ = ["DESK", "Jail", "Program", "bare_walls", "what_is_missing"]

DESK = "/run/desk"
"""A folder that both sides see: sockets and logs."""
START_S = 15.0
STOP_S = 3.0
_PROXY = "http://127.0.0.1:3128"
_ETC = (
    *("alternatives", "fonts", "gtk-2.0", "gtk-3.0", "gtk-4.0", "ld.so.cache", "ld.so.conf", "ld.so.conf.d"),
    *("localtime", "timezone", "locale.alias", "default/locale", "machine-id", "mime.types", "mailcap", "magic"),
    *("nsswitch.conf", "os-release", "dbus-1", "xdg", "X11", "pango", "ImageMagick-6"),
    *("ssl/certs", "ca-certificates", "libreoffice", "java-17-openjdk", "papersize"),
)
"""Files that programs read to find fonts, libraries and words; no passwords, keys or settings of services."""
_KERNEL = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi", "mtrr")
"""Settings of the whole machine, which the kernel lets root's processes write by owner, without capabilities: a jail
that root starts runs as root outside, and could name a program in `core_pattern`."""
_BWRAP = "apt-get install bubblewrap"


@dataclass(slots=True)
class Program:
    """One program that was started inside."""

    id: int
    name: str
    pid: int = 0
    """As it is counted inside."""
    code: int | None = None
    """How it ended; None while it runs."""
    failed: str = ""
    """Why it did not start; empty when it did."""


class Jail:
    """Programs behind one wall.

    Args:
        home: seen as `/home/USER` inside.
        desk: seen as `DESK` inside; made if missing, for its owner alone.
        share: further files or folders that may be read, at the same place inside: (outside, inside).
        env: variables for every program.
        hosts: see `Doorman`; none means no network at all.
        user: the name of the one user inside, whose home is `/home/USER`.
    """

    def __init__(
        self,
        home: Overlay,
        desk: Path,
        share: Sequence[tuple[Path, str]] = (),
        env: Mapping[str, str] | None = None,
        hosts: Sequence[str] = (),
        user: str = "agent",
    ) -> None:
        self._home = home
        self._user = user
        self._inside = f"/home/{user}"
        self._desk = desk
        self._share = tuple(share)
        self._env = dict(env or {})
        self._doorman = Doorman(desk / "doorman", hosts) if hosts else None
        self._wall: subprocess.Popen[str] | None = None
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        self._programs: dict[int, Program] = {}

    @property
    def programs(self) -> tuple[Program, ...]:
        """All that were started, with what is known of them now."""
        self._listen()
        return tuple(self._programs.values())

    @property
    def alive(self) -> bool:
        return self._wall is not None and self._wall.poll() is None

    @property
    def refused(self) -> tuple[str, ...]:
        """Hosts that were asked for and not let through."""
        return tuple(self._doorman.refused) if self._doorman else ()

    def __enter__(self) -> Self:
        """Build it. Raises `SandboxUnavailable`; nothing is left running then."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, argv: Sequence[str], name: str = "", env: Mapping[str, str] | None = None) -> Program:
        """Start a program inside; `failed` says why it did not. Its output goes to a log in the desk.

        Raises:
            SandboxUnavailable: the jail has ended.
        """
        program = Program(len(self._programs) + 1, name or Path(argv[0]).name)
        self._programs[program.id] = program
        log = f"{DESK}/{program.name}-{program.id}.log"
        told = {"do": "start", "id": program.id, "argv": list(argv), "env": dict(env or {}), "log": log}
        told["cwd"] = self._inside
        self._say(told)
        until = time.monotonic() + START_S
        while not program.pid and not program.failed and program.code is None:
            if not self._hear(until):
                raise SandboxUnavailable(f"the jail did not answer when `{program.name}` was started")
        return program

    def stop(self, program: Program) -> None:
        """Ask a program and all it started to end."""
        if self.alive:
            self._say({"do": "stop", "id": program.id})

    def words_of(self, program: Program) -> str:
        """The last line a program wrote about itself."""
        log = self._desk / f"{program.name}-{program.id}.log"
        with suppress(OSError):
            lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
            if lines:
                return lines[-1].strip()[-200:]
        return ""

    def close(self) -> None:
        """End everything inside. May be called twice."""
        wall, self._wall = self._wall, None
        if wall is not None:
            with suppress(OSError):
                if wall.stdin:
                    wall.stdin.close()
            for harder in (None, wall.terminate, wall.kill):
                if harder is not None:
                    harder()
                with suppress(subprocess.TimeoutExpired):
                    wall.wait(STOP_S)
                    break
            if wall.stdout:
                wall.stdout.close()
        if self._doorman is not None:
            self._doorman.close()

    def _start(self) -> None:
        if why := what_is_missing():
            raise SandboxUnavailable(why)
        self._desk.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._doorman is not None:
            self._doorman.__enter__()
        filter_at = filter_file()
        with ExitStack() as stack:
            log = stack.enter_context((self._desk / "jail.log").open("wb"))
            if filter_at is not None:
                stack.callback(os.close, filter_at)
            self._wall = subprocess.Popen(
                [*self._home.prefix, *self._argv(filter_at)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
                start_new_session=True,
                pass_fds=() if filter_at is None else (filter_at,),
            )
        assert self._wall.stdout is not None
        threading.Thread(target=_read, args=(self._wall.stdout, self._told), daemon=True).start()
        if not self._hear(time.monotonic() + START_S):
            with suppress(OSError):
                said = (self._desk / "jail.log").read_text("utf-8", "replace").strip().splitlines()
                raise SandboxUnavailable(f"the jail did not start: {(said or ['no word'])[-1][:200]}")
            raise SandboxUnavailable("the jail did not start")

    def _argv(self, filter_at: int | None) -> list[str]:
        python = _python()
        warden = Path(__file__).with_name("warden.py")
        argv = ["bwrap", *_walls(), *_system()]
        argv += [] if filter_at is None else ["--seccomp", str(filter_at)]
        self._users()
        for outside, inside in [(warden, "/run/warden.py"), *self._share, *_also(python)]:
            argv += ["--ro-bind", str(outside), inside]
        for name in ("passwd", "group"):
            argv += ["--ro-bind", str(self._desk / name), f"/etc/{name}"]
        argv += ["--bind", str(self._home.home), self._inside]
        argv += ["--bind", str(self._desk), DESK, "--chdir", self._inside]
        own = {"HOME": self._inside, "USER": self._user}
        for name, value in (_BASE_ENV | own | self._env | (_PROXY_ENV if self._doorman else {})).items():
            argv += ["--setenv", name, value]
        return [*argv, "--", python, "-I", "-S", "/run/warden.py"]

    def _users(self) -> None:
        """The one user and the one group that there are inside."""
        (self._desk / "passwd").write_text(f"{self._user}:x:1000:1000:{self._user}:{self._inside}:/bin/sh\n")
        (self._desk / "group").write_text(f"{self._user}:x:1000:\n")

    def _say(self, told: dict[str, Any]) -> None:
        if not self.alive:
            raise SandboxUnavailable("the jail has ended")
        assert self._wall is not None and self._wall.stdin is not None
        try:
            self._wall.stdin.write(json.dumps(told) + "\n")
            self._wall.stdin.flush()
        except OSError:
            raise SandboxUnavailable("the jail has ended") from None

    def _hear(self, until: float) -> bool:
        """Take in one word from inside; False when none comes in time."""
        try:
            told = self._told.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return False
        program = self._programs.get(told.get("id", 0))
        match told.get("did"):
            case "start" if program:
                program.pid = told["pid"]
            case "end" if program:
                program.code = told["code"]
            case "fail" if program:
                program.failed = told["why"]
            case "gone":
                return False
        return True

    def _listen(self) -> None:
        while not self._told.empty() and self._hear(0.0):
            pass


_BASE_ENV = {
    "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/games",
    "LANG": "C.UTF-8",
    "XDG_RUNTIME_DIR": DESK,
    "XDG_CACHE_HOME": "/tmp/cache",
    "XDG_DATA_DIRS": "/usr/local/share:/usr/share",
}
_PROXY_ENV = {"http_proxy": _PROXY, "https_proxy": _PROXY, "HTTP_PROXY": _PROXY, "HTTPS_PROXY": _PROXY}


@lru_cache(maxsize=1)
def what_is_missing() -> str:
    """Why no jail can be built on this machine, with what mends it; empty when one can. Tried once."""
    if sys.platform != "linux":
        return "jails need Linux: use the browser, or a desktop of your own"
    if shutil.which("bwrap") is None:
        return f"no bubblewrap: install it (Debian: `{_BWRAP}`)"
    try:
        done = subprocess.run(
            ["bwrap", *_walls(), *_system(), "--", "/usr/bin/true"], capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not work here: {type(error).__name__}"
    if done.returncode == 0:
        return ""
    said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no word"]
    hint = "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1), or start the container with them"
    return f"bubblewrap does not work here: {said[-1][:160]}; {hint}"


def bare_walls() -> list[str]:
    """The beginning of a command for a jail without a home: its walls, and what programs need to run, read only."""
    return ["bwrap", *_walls(), *_system()]


def _walls() -> list[str]:
    return [
        *("--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--hostname", "deskhand"),
        *("--cap-drop", "ALL", "--new-session", "--die-with-parent", "--clearenv"),
    ]


def _system() -> list[str]:
    """The parts of the machine that programs need to run, all of them read only."""
    argv = ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        place = Path("/") / name
        if place.is_symlink():
            argv += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            argv += ["--ro-bind", str(place), str(place)]
    for name in _ETC:
        argv += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in _KERNEL:
        argv += ["--ro-bind-try", f"/proc/{name}", f"/proc/{name}"]
    return [*argv, "--ro-bind-try", "/var/cache/fontconfig", "/var/cache/fontconfig", "--dir", "/tmp/cache"]


def _python() -> str:
    """A Python for the warden: the system's own, or the one this runs on."""
    return "/usr/bin/python3" if Path("/usr/bin/python3").exists() else str(Path(sys.executable).resolve())


def _also(python: str) -> list[tuple[Path, str]]:
    return [] if python.startswith("/usr/") else [(Path(sys.base_prefix), sys.base_prefix)]


def _read(stream: Any, told: queue.Queue[dict[str, Any]]) -> None:
    with suppress(ValueError, OSError):
        for line in stream:
            told.put(json.loads(line))
    told.put({"did": "gone"})
