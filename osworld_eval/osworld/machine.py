"""Where OSWorld's tasks run: our own desktop sandbox, a virtual machine by its address, or one that docker starts.

All speak the guest protocol at `address`, which stays the same over resets. A sandbox and what docker starts belong to
the thread that made them: they end with it, however it ends.

    python -m osworld_eval.osworld.machine --resets 20

What this does not protect against: upstream's machines ask nobody for a token, so whoever reaches the address has them.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from osworld_eval.osworld.home import write_home

if TYPE_CHECKING:
    from sandboxes.desktop import Desktop
    from sandboxes.guest_server import GuestServer

__all__ = ["PORTS", "DockerMachine", "GuestMachine", "Kind", "Machine", "MachineFault", "SandboxMachine", "installed"]

Kind = Literal["sandbox", "guest", "docker"]
PORTS: Mapping[str, int] = {"chromium": 9222, "vlc": 8080}
"""Further ports that upstream's getters and steps speak to, as they are numbered inside."""
PROGRAMS = (
    *("mousepad", "thunar", "lxterminal", "galculator", "soffice", "chromium"),
    *("gimp", "vlc", "thunderbird", "code"),
)
"""What a sandbox starts by name, where it is installed. Upstream's tasks use these and few others."""
IMAGE = "happysixd/osworld-docker"
KVM = Path("/dev/kvm")
BOOTS_S = 300.0
"""How long upstream waits for a machine to boot."""
_SCREEN = (1920, 1080)
_LOOKS_S = 0.5


class MachineFault(Exception):
    """There is no such machine, or it broke: never the task's or the agent's fault. One line."""


class Machine(Protocol):
    """A machine that speaks the guest protocol."""

    kind: Kind
    address: str
    """`http://HOST:PORT`, the same over resets."""
    token: str | None
    """What every request must bring; None where nobody asks for one."""
    screen: tuple[int, int]
    """Width and height in pixels."""
    ports: Mapping[str, int]
    """`PORTS` as they are reached on the address's host; those that cannot be are left out."""
    password: str
    """The guest user's, for `{CLIENT_PASSWORD}` in commands."""

    def reset(self) -> float:
        """Back to a clean home and no windows; returns seconds taken. The first call finds a fresh machine.

        Raises:
            MachineFault: it does not come back, or cannot be put back.
        """
        ...

    def close(self) -> None:
        """End it, or let go of it. May be called twice."""
        ...


def installed(programs: Sequence[str] = PROGRAMS) -> tuple[str, ...]:
    """Which of the programs are on this machine, and so in a sandbox."""
    places = "/usr/local/bin:/usr/bin:/bin:/usr/games"
    return tuple(name for name in programs if shutil.which(name, path=places))


class SandboxMachine:
    """Our desktop sandbox with `/home/user`, made anew by each reset. Several can run side by side.

    Args:
        apps: programs that must be there; those of `PROGRAMS` that are installed are there anyway.
        screen: width and height in pixels.

    Raises:
        MachineFault: something it needs is not installed; nothing is left running then.
    """

    kind: Kind = "sandbox"

    def __init__(self, apps: Sequence[str] = (), screen: tuple[int, int] = _SCREEN) -> None:
        from sandboxes.guest_port import GuestPort

        self.screen = screen
        self.token: str | None = secrets.token_urlsafe(24)
        self.password = "password"
        self._apps = tuple(dict.fromkeys((*apps, *installed())))
        self._desktop: Desktop | None = None
        self._server: GuestServer | None = None
        self._fresh = False
        self._closed = False
        self._folder = tempfile.TemporaryDirectory(prefix="deskhand-machine-", ignore_cleanup_errors=True)
        self._home = write_home(Path(self._folder.name) / "home")
        self._door = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self._ports = {name: GuestPort(number, self._line) for name, number in PORTS.items()}
        self.ports: Mapping[str, int] = {name: one.port for name, one in self._ports.items()}
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def reset(self) -> float:
        """See `Machine.reset`: everything in it is ended, and it begins anew behind the same address."""
        if self._closed:
            raise MachineFault("the machine was closed")
        began = time.monotonic()
        if not self._fresh:
            self._end()
            self._begin()
        self._fresh = False
        return time.monotonic() - began

    def close(self) -> None:
        """See `Machine.close`."""
        self._closed = True
        self._end()
        for one in self._ports.values():
            one.close()
        self._door.close()
        self._folder.cleanup()

    def _begin(self) -> None:
        from sandboxes.base import SandboxUnavailable
        from sandboxes.guest_server import GuestServer, guest_desktop

        try:
            desktop = guest_desktop(self._apps, self._home, self.screen, user="user")
            self._desktop = desktop.__enter__()
            self._server = GuestServer(desktop, self.token or "", door=self._door).__enter__()
            self._fresh = True
        except (SandboxUnavailable, OSError) as problem:
            self._end()
            raise MachineFault(f"no desktop sandbox: {problem}") from None

    def _end(self) -> None:
        self._fresh = False
        server, self._server = self._server, None
        if server is not None:
            server.close()
        desktop, self._desktop = self._desktop, None
        if desktop is not None:
            desktop.close()

    def _line(self) -> Path:
        """The socket into the jail as it is now."""
        server = self._server
        if server is None:
            raise OSError("the machine is being reset")
        return server.line


class GuestMachine:
    """A machine by its address, as it is. It is put back only by a command of the operator's.

    Args:
        address: of its control server: `http://HOST:5000`.
        token: what it wants to be shown; None for upstream's machines.
        revert: a program with arguments that puts the machine back (a snapshot, a restart), run without a shell; empty
            where there is none: then it serves one task.
        ports: as `Machine.ports`; as they are numbered inside when left out.
        password: the guest user's.
        boots_s: how long it may take to answer after it was put back.

    Raises:
        MachineFault: it does not answer, or the address is none.
    """

    kind: Kind = "guest"

    def __init__(
        self,
        address: str,
        token: str | None = None,
        revert: Sequence[str] = (),
        ports: Mapping[str, int] | None = None,
        password: str = "password",
        boots_s: float = BOOTS_S,
    ) -> None:
        from sandboxes.base import SandboxUnavailable
        from sandboxes.guest import Guest, GuestGone, GuestSaid

        self.token = token
        self.password = password
        self.ports: Mapping[str, int] = dict(PORTS if ports is None else ports)
        self._revert = tuple(revert)
        self._boots_s = boots_s
        self._used = False
        try:
            self._guest = Guest(address, token or "")
            self.address = self._guest.address
            self.screen = self._guest.screen_size()
        except (SandboxUnavailable, GuestGone, GuestSaid) as problem:
            raise MachineFault(f"no machine at {address[:120]}: {problem}") from None

    def reset(self) -> float:
        """See `Machine.reset`: as it was found the first time; from then on by `revert`."""
        began = time.monotonic()
        if self._used:
            if not self._revert:
                raise MachineFault(
                    f"the machine at {self.address} was used, and there is no command that puts it back: give one "
                    "that reverts its snapshot, or let it serve one task"
                )
            _run(self._revert, self._boots_s)
        self.screen = _booted(self.address, self.token, self._boots_s, lambda: "")
        self._used = True
        return time.monotonic() - began

    def close(self) -> None:
        """See `Machine.close`: the machine is its owner's."""


class DockerMachine:
    """OSWorld's virtual machine as upstream's docker image starts it; a reset is a new container, as upstream's is.

    Args:
        disk: the machine's disk, `Ubuntu.qcow2`; it is never written to.
        image: which image.
        memory: of the machine.
        cores: of the machine.
        boots_s: how long it may take to answer.

    Raises:
        MachineFault: docker or `/dev/kvm` is not there, the disk is not, or it does not boot; nothing is left running.
    """

    kind: Kind = "docker"

    def __init__(
        self, disk: Path, image: str = IMAGE, memory: str = "4G", cores: int = 4, boots_s: float = BOOTS_S
    ) -> None:
        if why := _no_docker(disk):
            raise MachineFault(why)
        self.token: str | None = None
        self.password = "password"
        self._disk, self._image, self._memory, self._cores = disk.absolute(), image, memory, cores
        self._boots_s = boots_s
        self._container = ""
        self._fresh = False
        names = ("control", *PORTS, "screen")
        free = dict(zip(names, _free_ports(len(names)), strict=True))
        self._published = {5000: free["control"], 8006: free["screen"], **{PORTS[name]: free[name] for name in PORTS}}
        self.address = f"http://127.0.0.1:{free['control']}"
        self.ports: Mapping[str, int] = {name: free[name] for name in PORTS}
        self.screen = _SCREEN
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def reset(self) -> float:
        """See `Machine.reset`."""
        began = time.monotonic()
        if not self._fresh:
            self.close()
            self._begin()
        self._fresh = False
        return time.monotonic() - began

    def close(self) -> None:
        """See `Machine.close`."""
        container, self._container = self._container, ""
        self._fresh = False
        if container:
            with suppress(MachineFault):
                _run(("docker", "rm", "--force", container), 60.0)

    def _begin(self) -> None:
        self._container = f"deskhand-{secrets.token_hex(6)}"
        published = [f"127.0.0.1:{outside}:{inside}" for inside, outside in self._published.items()]
        _run(
            (
                *("docker", "run", "--detach", "--rm", "--name", self._container),
                *("--device", "/dev/kvm", "--cap-add", "NET_ADMIN", "--volume", f"{self._disk}:/System.qcow2:ro"),
                *("--env", "DISK_SIZE=32G", "--env", f"RAM_SIZE={self._memory}", "--env", f"CPU_CORES={self._cores}"),
                *(word for one in published for word in ("--publish", one)),
                self._image,
            ),
            self._boots_s,
        )
        self.screen = _booted(self.address, None, self._boots_s, self._gone)
        self._fresh = True

    def _gone(self) -> str:
        """Why the container will not answer any more; empty while it runs."""
        done = subprocess.run(
            ["docker", "inspect", "--format", "{{.State.Running}}", self._container],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return "" if done.stdout.strip() == "true" else "its container has ended"


def _no_docker(disk: Path) -> str:
    """Why there can be no machine of docker's here; empty where there can."""
    if shutil.which("docker") is None:
        return "no `docker` here: install it, or give a machine by its address, or use the sandbox"
    if not KVM.exists():
        return f"no {KVM} here, without which OSWorld's machine takes hours: use a host with hardware virtualization"
    if not disk.is_file():
        return f"there is no disk `{disk}`, expected the unpacked Ubuntu.qcow2 that OSWorld publishes"
    return ""


def _free_ports(count: int) -> list[int]:
    """Free a moment ago; docker says so where one is taken meanwhile."""
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(door.getsockname()[1]) for door in doors]
    finally:
        for door in doors:
            door.close()


def _run(argv: Sequence[str], bound_s: float) -> None:
    """Raises `MachineFault` with the program's own last words."""
    try:
        done = subprocess.run(list(argv), capture_output=True, timeout=bound_s, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineFault(f"`{argv[0]}` did not end well: {type(error).__name__}") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no word"]
        raise MachineFault(f"`{shlex.join(argv[:2])}` ended with code {done.returncode}: {said[-1][:200]}")


def _booted(address: str, token: str | None, bound_s: float, gone: Callable[[], str]) -> tuple[int, int]:
    """Wait until it shows its screen; returns the size. Raises `MachineFault`."""
    from sandboxes.guest import Guest, GuestGone, GuestSaid

    guest = Guest(address, token or "", 10.0)
    until = time.monotonic() + bound_s
    while True:
        try:
            guest.screenshot()
            return guest.screen_size()
        except (GuestGone, GuestSaid) as problem:
            if why := gone():
                raise MachineFault(f"the machine at {address} did not boot: {why}") from None
            if time.monotonic() > until:
                raise MachineFault(
                    f"the machine at {address} did not boot within {bound_s:g} seconds: {problem}"
                ) from None
        time.sleep(_LOOKS_S)  # there is nothing to watch but its answers


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure resets of the sandbox."""
    parser = argparse.ArgumentParser("python -m osworld_eval.osworld.machine", description="Measure resets.")
    parser.add_argument("--resets", type=int, default=20)
    parser.add_argument("--screen", default="1920x1080", help="WIDTHxHEIGHT")
    given = parser.parse_args(arguments)
    size = re.fullmatch(r"(\d{3,4})x(\d{3,4})", given.screen)
    if size is None or given.resets < 1:
        parser.error("expected --resets of at least 1 and --screen as WIDTHxHEIGHT")
    try:
        machine = SandboxMachine(screen=(int(size[1]), int(size[2])))
    except MachineFault as problem:
        print(problem, file=sys.stderr)
        return 1
    try:
        machine.reset()
        took = sorted(_used_and_reset(machine) for _ in range(given.resets))
    finally:
        machine.close()
    told = {"resets": len(took), "median_s": statistics.median(took), "slowest_s": took[-1], "fastest_s": took[0]}
    print(json.dumps({key: round(value, 3) for key, value in told.items()}))
    return 0


def _used_and_reset(machine: SandboxMachine) -> float:
    """A window and a file are there before, and not after."""
    from sandboxes.guest import Guest

    guest = Guest(machine.address, machine.token or "", 30.0)
    guest.execute(["sh", "-c", "echo a > ~/Desktop/left.txt"])
    if "mousepad" in installed():
        guest.verified(["sh", "-c", "mousepad ~/Desktop/left.txt >/dev/null 2>&1 &"], {"window_exists": "left"})
    took = machine.reset()
    guest.screenshot()
    if guest.download("~/Desktop/left.txt") is not None:
        raise MachineFault("a file was left over by a reset")
    return took


if __name__ == "__main__":
    sys.exit(main())
