"""Whose a window is, by the server's word."""

from __future__ import annotations

import subprocess
import sys

import pytest

from actuators.windows import Windows
from actuators.x11 import Server
from sandboxes.display import Display

pytestmark = pytest.mark.display

_SHOWS = """
from Xlib import X
from Xlib.display import Display
x = Display()
window = x.screen().root.create_window(10, 10, 200, 100, 0, X.CopyFromParent, override_redirect=1)
window.set_wm_name("{name}")
window.map()
x.sync()
print(window.id, flush=True)
input()
"""


def shows(display: Display, name: str) -> tuple[subprocess.Popen[str], int]:
    """A program with one window, and that window's number."""
    child = subprocess.Popen(
        [sys.executable, "-c", _SHOWS.format(name=name)],
        env={"DISPLAY": display.name, "XAUTHORITY": str(display.authority)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    return child, int(child.stdout.readline())


def ends(child: subprocess.Popen[str]) -> None:
    child.communicate("\n", timeout=10)


def test_a_program_that_gets_the_number_of_one_that_has_ended_is_not_taken_for_it(display: Display) -> None:
    """LibreOffice's splash screen is drawn by a process of its own."""
    server = Server(display.name, display.authority)
    windows = Windows(server, str)
    splash, first = shows(display, "splash")
    try:
        assert [(one.title, one.pid, one.app) for one in windows.all()] == [("splash", splash.pid, str(splash.pid))]
    finally:
        ends(splash)
    program, second = shows(display, "program")
    try:
        assert first & ~0x1FFFFF == second & ~0x1FFFFF, "the server gave another number: the case is not made"
        assert [(one.title, one.pid) for one in windows.all()] == [("program", program.pid)]
    finally:
        ends(program)
        server.close()
