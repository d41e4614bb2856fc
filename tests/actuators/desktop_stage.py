"""A desktop with the page of the conformance kit on it."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.actuator import Vault
from contract.mint import Mint

from actuators.a11y_bus import accessibility_bus
from actuators.desktop import DesktopActuator
from actuators.errors import SurfaceError
from sandboxes.desktop import Desktop
from sandboxes.jail import DESK

APP = Path(__file__).with_name("desktop_stage_app.py")


def stage_desktop(folder: Path | None = None, **given: Any) -> Desktop:
    """Not started. Its one program is the stage."""
    programs = {"stage": ("/usr/bin/python3", "/run/stage.py"), "mousepad": ("/usr/bin/mousepad",)}
    return Desktop(programs, folder=folder, size=given.pop("size", (720, 540)), share=[(APP, "/run/stage.py")], **given)


@dataclass
class DesktopStage:
    """See `contract.actuator.Stage`."""

    actuator: DesktopActuator
    mint: Mint
    desktop: Desktop
    line: Path
    dead: bool = False

    def ask(self, *told: Any) -> Any:
        """Talk to the program past the actuator."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(self.line))
            with line.makefile("rw") as file:
                file.write(json.dumps(told) + "\n")
                file.flush()
                return json.loads(file.readline())

    def inner(self, name: str) -> str:
        return str(self.ask("inner", name))

    def rename(self, name: str, to: str) -> None:
        self.ask("rename", name, to)

    def die(self, during_act: bool = False) -> None:
        self.dead = True
        pid = self.desktop.display.pid
        if not during_act:
            os.kill(pid, signal.SIGKILL)
            return
        mouse: Any = self.actuator._mouse
        press = mouse._number

        def pressed(number: int, down: bool) -> None:
            press(number, down)
            os.kill(pid, signal.SIGKILL)
            mouse._number = press

        mouse._number = pressed


class DesktopStages:
    """One desktop for many tests; a new one when it has died."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._desktop: Desktop | None = None

    def start(self) -> DesktopStage:
        desktop = self._alive()
        mint = Mint()
        bus = accessibility_bus(desktop.bus, desktop.bus.parent, DESK)
        actuator = DesktopActuator(
            mint.verifier(), desktop.display.name, desktop.display.authority, bus, desktop, Vault()
        )
        stage = DesktopStage(actuator, mint, desktop, desktop.bus.parent / "stage.sock")
        stage.ask("reset")
        actuator._mouse.move(actuator._desk().screen.rect.centre)
        until = time.monotonic() + 20
        while not {"Name", "Bin"} <= {node.name for node in actuator.observe().nodes}:
            assert time.monotonic() < until, "the stage does not show itself"
            actuator.settle(0.5)
        return stage

    def end(self, stage: DesktopStage) -> None:
        stage.actuator.close()
        if stage.dead:
            self.close()

    def close(self) -> None:
        desktop, self._desktop = self._desktop, None
        if desktop is not None:
            desktop.close()

    def _alive(self) -> Desktop:
        if self._desktop is None or self._desktop.trouble():
            self.close()
            self._count += 1
            self._desktop = stage_desktop(self._folder / str(self._count))
            self._desktop.__enter__()
            program = self._desktop.launch("stage", (f"{DESK}/stage.sock",))
            line = self._desktop.bus.parent / "stage.sock"
            until = time.monotonic() + 20
            while not line.exists():
                if self._desktop.ended(program) or time.monotonic() > until:
                    raise SurfaceError(self._desktop.ended(program) or "the stage did not begin")
                time.sleep(0.02)
        return self._desktop
