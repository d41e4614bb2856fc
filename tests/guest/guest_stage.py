"""Our guest server with the page of the conformance kit on its desktop."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.actuator import Vault
from contract.mint import Mint
from desktop_stage import APP

from actuators.guest import GuestActuator
from sandboxes.desktop import Desktop
from sandboxes.guest import Guest
from sandboxes.guest_server import GuestServer, guest_desktop
from sandboxes.jail import DESK


@dataclass
class GuestStage:
    """See `contract.actuator.Stage`."""

    actuator: GuestActuator
    mint: Mint
    server: GuestServer
    line: Path
    dead: bool = False

    def ask(self, *told: Any) -> Any:
        """Talk to the program past the actuator."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(20)
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
        if not during_act:
            self.server.close()
            return
        guest: Any = self.actuator._guest
        execute = guest.execute

        def executed(command: list[str], **given: Any) -> Any:
            if '"click"' in command[-1]:
                self.server.close()
            return execute(command, **given)

        guest.execute = executed


class GuestStages:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._desktop: Desktop | None = None
        self._server: GuestServer | None = None

    def guest(self) -> Guest:
        server = self._alive()
        return Guest(server.address, server.token, 60.0)

    def start(self) -> GuestStage:
        server = self._alive()
        assert self._desktop is not None
        mint = Mint()
        actuator = GuestActuator(Guest(server.address, server.token, 60.0), mint.verifier(), Vault())
        stage = GuestStage(actuator, mint, server, self._desktop.bus.parent / "stage.sock")
        stage.ask("reset")
        actuator._run([["move", 360, 270]])
        until = time.monotonic() + 40
        while not {"Name", "Bin"} <= {node.name for node in actuator.observe().nodes}:
            assert time.monotonic() < until, "the stage does not show itself"
            actuator.settle(0.5)
        return stage

    def end(self, stage: GuestStage) -> None:
        stage.actuator.close()
        if stage.dead:
            self.close()

    def close(self) -> None:
        server, self._server = self._server, None
        desktop, self._desktop = self._desktop, None
        if server is not None:
            server.close()
        if desktop is not None:
            desktop.close()

    def _alive(self) -> GuestServer:
        if self._server is None or not self._server.alive:
            self.close()
            self._count += 1
            programs = {"stage": ("/usr/bin/python3", "/run/stage.py")}
            share = [(APP, "/run/stage.py")]
            folder = self._folder / str(self._count)
            self._desktop = guest_desktop((), None, (720, 540), programs, share, folder)
            self._desktop.__enter__()
            self._server = GuestServer(self._desktop).__enter__()
            self._desktop.launch("stage", (f"{DESK}/stage.sock",))
            until = time.monotonic() + 40
            while not (self._desktop.bus.parent / "stage.sock").exists():
                assert time.monotonic() < until, "the stage did not begin"
                time.sleep(0.05)
        return self._server
