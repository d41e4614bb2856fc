"""A person at a display is noticed: a chord of keys and a mouse that moves by itself, with real events of the server."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sandboxes.base import SandboxUnavailable
from sandboxes.person import STOP_KEY, Watch, key_names


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("ctrl+alt+escape", (12, "Escape")),
        ("Ctrl + Shift + F12", (5, "F12")),
        ("super+q", (64, "q")),
        ("pause", (0, "Pause")),
    ],
)
def test_a_chord_is_read(text: str, known: tuple[int, str]) -> None:
    assert key_names(text) == known


@pytest.mark.parametrize("text", ["", "escape", "q", "ctrl+", "ctrl+alt", "hyper+q", "ctrl+alt+launch", "ctrl+q+w"])
def test_what_is_no_stop_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="stop"):
        key_names(text)


@contextmanager
def xvfb() -> Iterator[str]:
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        number = os.read(read, 20).decode().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        os.close(read)
        server.send_signal(signal.SIGCONT)
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    pytest.importorskip("Xlib")
    if shutil.which("Xvfb") is None:
        pytest.skip("needs Xvfb: apt-get install xvfb")
    with xvfb() as name:
        yield name


class Body:
    """A person's, or an agent's, hands at a display: real events through the XTEST extension."""

    def __init__(self, name: str) -> None:
        from Xlib import display

        self._display = display.Display(name)

    def chord(self, *names: str) -> None:
        from Xlib import XK, X
        from Xlib.ext import xtest

        codes = [self._display.keysym_to_keycode(XK.string_to_keysym(name)) for name in names]
        for kind, which in ((X.KeyPress, codes), (X.KeyRelease, codes[::-1])):
            for code in which:
                xtest.fake_input(self._display, kind, code)
        self._display.sync()

    def move(self, x: int, y: int) -> None:
        from Xlib import X
        from Xlib.ext import xtest

        xtest.fake_input(self._display, X.MotionNotify, x=x, y=y)
        self._display.sync()

    def close(self) -> None:
        self._display.close()


@pytest.fixture
def body(display: str) -> Iterator[Body]:
    made = Body(display)
    yield made
    made.close()


@contextmanager
def watched(display: str, **told: Any) -> Iterator[tuple[Watch, queue.Queue[str]]]:
    said: queue.Queue[str] = queue.Queue()
    with Watch(said.put, display, **told) as watch:
        yield watch, said


def silent(said: queue.Queue[str], for_s: float = 0.4) -> bool:
    time.sleep(for_s)
    return said.empty()


@pytest.mark.display
@pytest.mark.parametrize("chord", [("Control_L", "Alt_L", "Escape"), ("Control_R", "Shift_L", "Alt_R", "Escape")])
def test_the_stop_key_is_heard(display: str, body: Body, chord: tuple[str, ...]) -> None:
    with watched(display) as (_, said):
        body.chord(*chord)
        assert said.get(timeout=20) == f"the stop key {STOP_KEY} was pressed"


@pytest.mark.display
def test_other_keys_are_not(display: str, body: Body) -> None:
    with watched(display) as (_, said):
        for chord in (("Escape",), ("Control_L", "Escape"), ("Alt_L", "Escape"), ("Control_L", "Alt_L", "q")):
            body.chord(*chord)
        assert silent(said)
        body.chord("Control_L", "Alt_L", "Escape")
        assert said.get(timeout=20)


@pytest.mark.display
def test_a_mouse_that_the_hand_did_not_move_is_a_person(display: str, body: Body) -> None:
    with watched(display, mouse=True) as (watch, said):
        for step in range(30):
            watch.moves(100 + step * 5, 100)
            body.move(100 + step * 5, 100)
        assert silent(said), "the hand's own way"
        body.move(400, 300)
        assert said.get(timeout=20) == "a person moved the mouse"


@pytest.mark.display
def test_a_person_who_moves_while_the_hand_does_is_noticed(display: str, body: Body) -> None:
    with watched(display, mouse=True) as (watch, said):
        watch.moves(50, 50)
        body.move(50, 50)
        watch.moves(60, 50)
        body.move(61, 57)
        assert said.get(timeout=20) == "a person moved the mouse"


@pytest.mark.display
def test_without_being_asked_to_it_leaves_the_mouse_alone(display: str, body: Body) -> None:
    with watched(display) as (_, said):
        body.move(10, 10)
        body.move(300, 200)
        assert silent(said)


@pytest.mark.display
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_watch_that_dies_or_hangs_is_a_stop(display: str, number: signal.Signals) -> None:
    with watched(display) as (watch, said):
        os.kill(watch.pid, number)
        assert said.get(timeout=20) == "the watch for a person has died or hangs"


@pytest.mark.display
def test_a_display_that_dies_is_a_stop(display: str) -> None:
    with xvfb() as other, watched(other) as (watch, said):
        pass
    assert watch.pid and said.empty(), "closing is none"
    with xvfb() as other:
        made = Watch(said.put, other)
        made.__enter__()
    assert said.get(timeout=20) == "the watch for a person has died or hangs"
    made.close()


@pytest.mark.display
def test_no_display_no_watch(display: str) -> None:
    with pytest.raises(SandboxUnavailable, match="no X display"):
        Watch(print, ":4711").__enter__()
