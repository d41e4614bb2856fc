"""A desktop that can be thrown away: a private display, a jail with a window manager, D-Bus and accessibility, and a
home whose changes lie aside. Several can run side by side; they know nothing of each other.

Only the programs that are named can be started, and by their names. Programs of GTK are told not to animate and not to
let the caret blink, so that a still screen is still.

What this does not protect against: see `sandboxes.jail`, `sandboxes.display` and `sandboxes.overlay`. Programs on one
desktop see each other's windows and keys, as on any X display.
"""

from __future__ import annotations

import re
import select
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sandboxes.base import SandboxUnavailable
from sandboxes.display import Display, opened_with
from sandboxes.jail import DESK, Jail, Program
from sandboxes.overlay import Overlay

if TYPE_CHECKING:
    from sandboxes.recording import Recording

__all__ = ["Desktop", "programs_of"]

START_S = 15.0
_PLACES = "/usr/local/bin:/usr/bin:/bin:/usr/games"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_MANAGER = "jwm"
_AUTHORITY, _SETTINGS = "/run/authority", "/run/settings"
_CONFIG = f"{_SETTINGS}/jwmrc"
_GTK = """[Settings]
gtk-enable-animations=0
gtk-cursor-blink=0
gtk-recent-files-enabled=0
"""
_MANAGED = """<?xml version="1.0"?>
<JWM>
  <WindowStyle><Font>Sans-10</Font><Width>2</Width><Height>22</Height></WindowStyle>
  <Desktops width="1" height="1"/>
  <FocusModel>click</FocusModel>
  <SnapMode distance="0">none</SnapMode>
  <MoveMode>opaque</MoveMode>
  <ResizeMode>opaque</ResizeMode>
  <DoubleClickSpeed>400</DoubleClickSpeed>
  <DoubleClickDelta>2</DoubleClickDelta>
</JWM>
"""
"""No keys of its own, so that every key reaches the program in front, no panel, and no menu that starts anything.
(Of the window managers tried, openbox reads all of its settings anew for each key that is put on: seconds.)"""
_ENV = {
    "DBUS_SESSION_BUS_ADDRESS": f"unix:path={DESK}/bus",
    "XAUTHORITY": _AUTHORITY,
    "XDG_CONFIG_DIRS": f"{_SETTINGS}:/etc/xdg",
    "XDG_SESSION_TYPE": "x11",
    "GDK_BACKEND": "x11",
    "QT_QPA_PLATFORM": "xcb",
    "SAL_USE_VCLPLUGIN": "gtk3",
    "GSETTINGS_BACKEND": "memory",
    "GIO_USE_VFS": "local",
    "GTK_IM_MODULE": "gtk-im-context-simple",
    "GTK_OVERLAY_SCROLLING": "0",
    "XMODIFIERS": "@im=none",
    "ACCESSIBILITY_ENABLED": "1",
    "GNOME_ACCESSIBILITY": "1",
    "QT_ACCESSIBILITY": "1",
    "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
    "LIBGL_ALWAYS_SOFTWARE": "1",
}


class Desktop:
    """One desktop.

    Args:
        programs: what may be started, by name: the program's path inside, and arguments that it always gets.
        home: the folder below the home; None for an empty one.
        folder: where changes are kept; a temporary one, which goes away, when None.
        size: of the screen, width and height in pixels.
        hosts: that programs may reach; see `sandboxes.doorman.Doorman`. None are reached when left out.
        share: further files or folders that can be read inside: (outside, inside).
        record: the file for a recording of the screen; see `sandboxes.recording`. None records nothing.
        user: as for `Jail`.
    """

    def __init__(
        self,
        programs: Mapping[str, Sequence[str]],
        home: Path | None = None,
        folder: Path | None = None,
        size: tuple[int, int] = (1280, 800),
        hosts: Sequence[str] = (),
        share: Sequence[tuple[Path, str]] = (),
        record: Path | None = None,
        user: str = "agent",
    ) -> None:
        self._programs = {name: tuple(argv) for name, argv in programs.items()}
        self._home = home
        self._kept = folder
        self._hosts = tuple(hosts)
        self._share = tuple(share)
        self._record = record
        self._user = user
        self._recording: Recording | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._sockets: tempfile.TemporaryDirectory[str] | None = None
        self.display = Display(size)
        self._overlay: Overlay | None = None
        self._jail: Jail | None = None
        self._names: dict[int, str] = {}
        self._watched: list[Program] = []

    @property
    def overlay(self) -> Overlay:
        """The home. RuntimeError before the start; still there after the end, unless its folder was temporary."""
        if self._overlay is None:
            raise RuntimeError("the desktop was not started")
        return self._overlay

    @property
    def bus(self) -> Path:
        """The socket of the session's D-Bus."""
        return self._desk / "bus"

    @property
    def refused(self) -> tuple[str, ...]:
        """Hosts that were asked for and not let through."""
        return self._jail.refused if self._jail is not None else ()

    @property
    def network(self) -> bool:
        """Whether programs may reach anything at all."""
        return bool(self._hosts)

    @property
    def apps(self) -> tuple[str, ...]:
        return tuple(self._programs)

    def __enter__(self) -> Self:
        """Start it. Raises `SandboxUnavailable`; nothing is left running then."""
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

    def launch(self, name: str, arguments: Sequence[str] = ()) -> Program:
        """Start one of the programs; `failed` of what comes back says why it did not start.

        Args:
            name: as `programs` calls it.
            arguments: more of them; never words of a model.

        Raises:
            KeyError: no program of that name may be started.
            SandboxUnavailable: the jail has ended.
        """
        if self._jail is None:
            raise SandboxUnavailable("the desktop has ended")
        program = self._jail.start([*self._programs[name], *arguments], name)
        if program.pid:
            self._names[program.pid] = name
        return program

    def start(self, name: str, arguments: Sequence[str] = ()) -> str:
        """As `launch`, for whoever wants to know only why it failed; empty when it did not."""
        program = self.launch(name, arguments)
        if not program.failed:
            self._watched.append(program)
        return program.failed

    def news(self) -> tuple[str, ...]:
        """Which of the programs that were started have ended since the last call, and how."""
        gone = [(one, how) for one in self._watched if (how := self.ended(one))] if self._jail is not None else []
        self._watched = [one for one in self._watched if one.code is None]
        return tuple(f"the program {one.name} is not running any more: {how}" for one, how in gone)

    def inner(self, pid: int) -> int:
        """A process of this machine as the jail counts it; 0 when it has gone."""
        told = _status(pid)
        return told[0] if told is not None else 0

    def ended(self, program: Program) -> str:
        """How a program ended, in words; empty while it runs."""
        assert self._jail is not None
        if not any(one is program for one in self._jail.programs) or program.code is None:
            return ""
        words = self._jail.words_of(program)
        return f"it ended with code {program.code}" + (f": {words}" if words else "")

    def name_of(self, pid: int) -> str:
        """The program to which a process of this machine belongs, by the kernel's word; empty for any other.

        A process belongs to the program that started it or one of its forebears; one that has cut itself loose is
        told by the file it runs.
        """
        at = pid
        while at > 1:
            told = _status(at)
            if told is None:
                break
            inner, parent = told
            if inner in self._names and inner != at:
                return self._names[inner]
            at = parent
        with suppress(OSError):
            runs = Path(f"/proc/{pid}/exe").readlink().name
            return next((name for name, argv in self._programs.items() if Path(argv[0]).resolve().name == runs), "")
        return ""

    def trouble(self) -> str:
        """What has broken, in words; empty while all is well."""
        if not self.display.pid:
            return "its display has ended"
        if self._jail is None or not self._jail.alive:
            return "its jail has ended"
        return ""

    def close(self) -> None:
        """End everything, and forget the home's changes unless a folder was given. May be called twice."""
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.close()
        jail, self._jail = self._jail, None
        if jail is not None:
            jail.close()
        self.display.close()
        sockets, self._sockets = self._sockets, None
        if sockets is not None:
            sockets.cleanup()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    @property
    def _desk(self) -> Path:
        """Sockets and logs; in a place of its own, because the name of a socket may not be long."""
        if self._sockets is None:
            raise RuntimeError("the desktop was not started")
        return Path(self._sockets.name)

    @property
    def _folder(self) -> Path:
        if self._kept is not None:
            return self._kept
        if self._temporary is None:
            raise RuntimeError("the desktop was not started")
        return Path(self._temporary.name)

    def _start(self) -> None:
        if self._kept is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="deskhand-desktop-", ignore_cleanup_errors=True)
        for name in (_MANAGER, "dbus-daemon"):
            if shutil.which(name, path=_PLACES) is None:
                raise SandboxUnavailable(f"no `{name}`: install it (Debian: `apt-get install jwm dbus at-spi2-core`)")
        self.display.__enter__()
        self._overlay = Overlay(self._home, self._folder / "home")
        settings = self._folder / "settings"
        (settings / "gtk-3.0").mkdir(parents=True, exist_ok=True)
        (settings / "gtk-3.0" / "settings.ini").write_text(_GTK)
        (settings / "jwmrc").write_text(_MANAGED)
        self._sockets = tempfile.TemporaryDirectory(prefix="deskhand-", ignore_cleanup_errors=True)
        desk = self._desk
        seen_inside = [
            (self.display.socket, str(self.display.socket)),
            (self.display.authority, _AUTHORITY),
            (settings, _SETTINGS),
            *self._share,
        ]
        env = {**_ENV, **_own_settings(self._home), "DISPLAY": self.display.name}
        self._jail = Jail(self._overlay, desk, seen_inside, env, self._hosts, self._user)
        self._jail.__enter__()
        bus = ("dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address=unix:path={DESK}/bus")
        started = [self._jail.start(bus), self._jail.start((_MANAGER, "-f", _CONFIG))]
        self._wait_for_manager(started)
        if self._record is not None:
            from sandboxes.recording import Recording

            self._recording = Recording(self.display, self._record)
            self._recording.start()

    def _wait_for_manager(self, started: list[Program]) -> None:
        """Until the window manager has said that it is there, and the bus has its socket."""
        from Xlib import X
        from Xlib.display import Display as Connection

        until = time.monotonic() + START_S
        with opened_with(self.display.authority):
            connection = Connection(self.display.name)
        try:
            root = connection.screen().root
            root.change_attributes(event_mask=X.PropertyChangeMask)
            there = connection.intern_atom("_NET_SUPPORTING_WM_CHECK")
            while root.get_full_property(there, X.AnyPropertyType) is None or not self.bus.exists():
                for program in started:
                    if program.failed or self.ended(program):
                        said = program.failed or self.ended(program)
                        raise SandboxUnavailable(f"the desktop did not start: {program.name}: {said}")
                if time.monotonic() > until:
                    raise SandboxUnavailable("the desktop did not start: its window manager did not answer in time")
                select.select([connection.fileno()], [], [], 0.02)
                while connection.pending_events():
                    connection.next_event()
        finally:
            connection.close()


def _own_settings(home: Path | None) -> dict[str, str]:
    """Where programs keep their own settings: in the home where it has such a folder, else where all is forgotten."""
    places = {"XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share", "XDG_STATE_HOME": ".local/state"}
    return {name: f"/tmp/{name}" for name, path in places.items() if home is None or not (home / path).is_dir()}


def programs_of(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The paths of programs by their names, as they are installed here.

    Raises:
        SandboxUnavailable: one is not installed, or is no name of a program.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        path = shutil.which(name, path=_PLACES) if _NAME.fullmatch(name) else None
        if path is None:
            raise SandboxUnavailable(f"there is no program `{name}` here: install it, or take it out of `apps`")
        found[name] = (path,)
    return found


def _status(pid: int) -> tuple[int, int] | None:
    """A process as its innermost namespace counts it, and its parent; None when it has gone."""
    inner = parent = 0
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("PPid:"):
                parent = int(line.split()[1])
            elif line.startswith("NSpid:"):
                inner = int(line.split()[-1])
        return inner, parent
    return None
