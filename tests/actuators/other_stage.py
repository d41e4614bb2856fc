"""The page of the conformance kit on an X display, driven as Windows and macOS are: by pyautogui, by pixels alone.

The kit finds its buttons by the nodes of a second actuator, which only looks. What it judges and does is the driver's.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mss
from contract.actuator import Vault
from contract.mint import Mint
from desktop_stage import DesktopStage

from actuators.action import Action
from actuators.fronts import Front
from actuators.halt import Halt, never
from actuators.observation import Observation, Target
from actuators.other_desktop import OtherDesktop
from actuators.permit import Permit
from actuators.receipt import Receipt
from actuators.screens import Screens
from sandboxes.display import opened_with


@contextmanager
def as_display(name: str, authority: Path) -> Iterator[None]:
    """The process's own display for a while: pyautogui knows no other."""
    before = os.environ.get("DISPLAY")
    os.environ["DISPLAY"] = name
    try:
        with opened_with(authority):
            yield
    finally:
        os.environ.pop("DISPLAY")
        if before is not None:
            os.environ["DISPLAY"] = before


def pyautogui_on(name: str, authority: Path) -> Any:
    """A pyautogui of its own: it takes one display, when it is imported."""
    for module in [one for one in sys.modules if one.split(".")[0] == "pyautogui"]:
        del sys.modules[module]
    with as_display(name, authority):
        return importlib.import_module("pyautogui")


class XClipboard:
    """What `pyperclip` is elsewhere: owns the selection from a thread, and gives it to whoever asks."""

    def __init__(self, name: str, authority: Path) -> None:
        from Xlib.display import Display

        with opened_with(authority):
            self._x = Display(name)
        self._text = ""
        self._lock = threading.Lock()
        self._window = self._x.screen().root.create_window(0, 0, 1, 1, 0, 0)
        self._atoms = [self._x.intern_atom(one) for one in ("CLIPBOARD", "UTF8_STRING", "TARGETS")]
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def copy(self, text: str) -> None:
        with self._lock:
            self._text = text
            self._window.set_selection_owner(self._atoms[0], 0)
            self._x.sync()

    def paste(self) -> str:
        with self._lock:
            return self._text

    def close(self) -> None:
        self._ended = True
        self._thread.join(5)
        try:
            self._x.close()
        except Exception:
            self.dead = True

    def _serve(self) -> None:
        import select

        while not self._ended:
            try:
                select.select([self._x.fileno()], [], [], 0.02)
                with self._lock:
                    while self._x.pending_events():
                        self._answer(self._x.next_event())
            except Exception:
                return

    def _answer(self, event: Any) -> None:
        from Xlib import X, Xatom
        from Xlib.protocol import event as events

        if event.type != X.SelectionRequest:
            return
        _, utf8, targets = self._atoms
        kept = event.property or event.target
        if event.target == targets:
            event.requestor.change_property(kept, Xatom.ATOM, 32, [targets, utf8])
        elif event.target == utf8:
            event.requestor.change_property(kept, utf8, 8, self._text.encode())
        else:
            kept = X.NONE
        told = events.SelectionNotify(
            time=event.time, requestor=event.requestor, selection=event.selection, target=event.target, property=kept
        )
        event.requestor.send_event(told)
        self._x.flush()


@dataclass
class OneWindow:
    """The stage is all there is."""

    front: Front = field(default_factory=lambda: Front("stage", "Stage"))

    def active(self) -> Front:
        return self.front

    def at(self, x: float, y: float) -> Front:
        return self.front


class WithEyes:
    """The driver, whose observations carry the nodes that another actuator saw: for the kit to aim by."""

    def __init__(self, driver: OtherDesktop, eyes: Any) -> None:
        self.driver, self._eyes = driver, eyes
        self.surface = driver.surface
        self.settle = driver.settle
        self.perform = driver.perform
        self.close = driver.close

    def observe(self) -> Observation:
        seen = self.driver.observe()
        assert seen.nodes == ()
        told = self._eyes.observe()
        return replace(seen, nodes=told.nodes, more=told.more)

    def target(self, action: Action, seen: Observation) -> Target:
        return self.driver.target(action, seen)


@dataclass
class OtherStage:
    """See `contract.actuator.Stage`."""

    actuator: Any
    mint: Mint
    under: DesktopStage
    auto: Any
    clipboard: XClipboard
    pixels: bool = True

    def inner(self, name: str) -> str:
        return self.under.inner(name)

    def rename(self, name: str, to: str) -> None:
        self.under.rename(name, to)

    def die(self, during_act: bool = False) -> None:
        pid = self.under.desktop.display.pid
        self.under.dead = True
        if not during_act:
            os.kill(pid, signal.SIGKILL)
            return
        press = self.auto.click

        def pressed(*given: Any, **how: Any) -> None:
            os.kill(pid, signal.SIGKILL)
            press(*given, **how)

        self.auto.click = pressed

    def perform(self, action: Action) -> Receipt:
        """Without the second look that the kit's `do` takes."""
        seen = self.actuator.observe()
        permit: Permit = self.mint.permit(action, self.actuator.target(action, seen))
        return self.actuator.driver.perform(permit)


def other_stage(under: DesktopStage, halt: Halt = never) -> OtherStage:
    display = under.desktop.display
    auto = pyautogui_on(display.name, display.authority)
    clipboard = XClipboard(display.name, display.authority)

    def opened() -> Any:
        with opened_with(display.authority):
            return mss.MSS(display=display.name)

    driver = OtherDesktop(under.mint.verifier(), Vault(), halt, auto, clipboard, Screens(opened), OneWindow())
    return OtherStage(WithEyes(driver, under.actuator), under.mint, under, auto, clipboard)
