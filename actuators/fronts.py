"""Whose window is in front, and whose lies under a point, on Windows and macOS: by the system's word, not the window's.

A program is called by the file that it runs: on Windows without `.exe` and in lower case (`notepad`), on macOS as it is
written; blanks become hyphens (`Microsoft-Excel`).

No Windows or macOS machine was at hand: the calls into these systems were never made, only the words around them were.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any, Protocol

__all__ = ["Front", "Fronts", "in_front", "of_this_system", "under"]


@dataclass(frozen=True, slots=True)
class Front:
    """A window. Empty words where it cannot be told; no rule about applications then holds."""

    app: str = ""
    title: str = ""


class Fronts(Protocol):
    """Coordinates are the units of the system's input."""

    def active(self) -> Front:
        """The window that has the keyboard."""
        ...

    def at(self, x: float, y: float) -> Front:
        """The topmost window at a place."""
        ...


def of_this_system() -> Fronts:
    """Raises `ImportError` or `OSError` where the system is another, or lacks what is asked."""
    return _Mac() if sys.platform == "darwin" else _Windows()


class _Windows:
    def __init__(self) -> None:
        calls: Any = importlib.import_module("ctypes")
        self._ctypes, self._types = calls, importlib.import_module("ctypes.wintypes")
        self._user, self._kernel = calls.WinDLL("user32"), calls.WinDLL("kernel32")
        handle, types = self._types.HWND, self._types
        for call, takes, gives in (
            (self._user.GetForegroundWindow, [], handle),
            (self._user.WindowFromPoint, [types.POINT], handle),
            (self._user.GetAncestor, [handle, types.UINT], handle),
            (self._user.GetWindowTextW, [handle, types.LPWSTR, calls.c_int], calls.c_int),
            (self._user.GetWindowThreadProcessId, [handle, calls.POINTER(types.DWORD)], types.DWORD),
            (self._kernel.OpenProcess, [types.DWORD, types.BOOL, types.DWORD], types.HANDLE),
            (self._kernel.CloseHandle, [types.HANDLE], types.BOOL),
            (
                self._kernel.QueryFullProcessImageNameW,
                [types.HANDLE, types.DWORD, types.LPWSTR, calls.POINTER(types.DWORD)],
                types.BOOL,
            ),
        ):
            call.argtypes, call.restype = takes, gives

    def active(self) -> Front:
        return self._told(self._user.GetForegroundWindow())

    def at(self, x: float, y: float) -> Front:
        found = self._user.WindowFromPoint(self._types.POINT(math.floor(x), math.floor(y)))
        return self._told(self._user.GetAncestor(found, 2) if found else None)  # GA_ROOT

    def _told(self, window: Any) -> Front:
        if not window:
            return Front()
        title = self._ctypes.create_unicode_buffer(512)
        self._user.GetWindowTextW(window, title, 512)
        pid = self._types.DWORD()
        self._user.GetWindowThreadProcessId(window, self._ctypes.byref(pid))
        return Front(windows_name(self._runs(pid)), str(title.value))

    def _runs(self, pid: Any) -> str:
        process = self._kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if not process:
            return ""
        try:
            size = self._types.DWORD(32768)
            path = self._ctypes.create_unicode_buffer(size.value)
            told = self._kernel.QueryFullProcessImageNameW(process, 0, path, self._ctypes.byref(size))
            return str(path.value) if told else ""
        finally:
            self._kernel.CloseHandle(process)


class _Mac:
    def __init__(self) -> None:
        self._quartz: Any = importlib.import_module("Quartz")
        self._kit: Any = importlib.import_module("AppKit")

    def active(self) -> Front:
        return self._told(in_front(self._windows()))

    def at(self, x: float, y: float) -> Front:
        return self._told(under(self._windows(), x, y))

    def _windows(self) -> Sequence[Mapping[str, Any]]:
        """On the screen now, the topmost first."""
        return self._quartz.CGWindowListCopyWindowInfo(self._quartz.kCGWindowListOptionOnScreenOnly, 0) or ()

    def _told(self, window: Mapping[str, Any] | None) -> Front:
        if window is None:
            return Front()
        name = ""
        with suppress(Exception):  # a process that has ended has none
            app = self._kit.NSRunningApplication.runningApplicationWithProcessIdentifier_(window["kCGWindowOwnerPID"])
            name = str(app.executableURL().lastPathComponent())
        return Front(name.replace(" ", "-"), str(window.get("kCGWindowName") or ""))


def windows_name(path: str) -> str:
    """What a program is called, by the path of the file that it runs."""
    name = PureWindowsPath(path).name
    return name.lower().removesuffix(".exe").replace(" ", "-")


def in_front(windows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The topmost ordinary window of those that Quartz tells, the topmost first."""
    return next((one for one in windows if not one.get("kCGWindowLayer") and one.get("kCGWindowAlpha", 1)), None)


def under(windows: Sequence[Mapping[str, Any]], x: float, y: float) -> Mapping[str, Any] | None:
    """The topmost window of those that Quartz tells that can be seen at a place: menus and bars too."""
    for one in windows:
        box = one["kCGWindowBounds"]
        across, down = x - box["X"], y - box["Y"]
        if one.get("kCGWindowAlpha", 1) and 0 <= across < box["Width"] and 0 <= down < box["Height"]:
            return one
    return None
