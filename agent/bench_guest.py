"""`agent bench step --surface guest`: a step on a desktop sandbox behind the guest protocol, and upstream's way.

The act is a click on one of a calculator's digits. The other way is what a loop of screenshots and `pyautogui` programs
costs, one Python for each act and a fixed sleep after it, measured in the same run on the same guest.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["APP", "SLEEP_S", "aside", "guest_parts"]

APP = "galculator"
SLEEP_S = 2.0
"""What upstream's environment waits after an act."""
_TOKEN = "DESKHAND_BENCH_GUEST"
_PRESS = "import pyautogui; pyautogui.PAUSE = 0; pyautogui.click(5, 5)"


@contextmanager
def guest_parts(folder: Path) -> Iterator[tuple[Any, Any]]:
    """A guest with the whole runtime around it (broker, permits, journal), and a client of it.

    Raises `SandboxUnavailable`.
    """
    from threading import Event

    from agent.run_folder import RunFolder
    from agent.task import load_task
    from agent.watch import Silent
    from agent.wire_up import Wanted, wired
    from model.planned import PlanReader
    from sandboxes.guest import Guest
    from sandboxes.guest_server import GuestServer, guest_desktop

    with guest_desktop((APP,), size=(1280, 800)) as desktop, GuestServer(desktop) as server, _shown(server.token):
        file = folder / "bench.yaml"
        file.write_text(
            f"version: 1\nname: bench\ngoal: Press digits.\nsurface:\n  guest:\n    address: {server.address}\n"
            f"    token: {{env: {_TOKEN}}}\n    apps: [{APP}]\n    start: [{APP}]\npolicy: {{preset: sandbox}}\n"
        )
        run = RunFolder.create(folder / "runs", "bench")
        wanted = Wanted((), "deny", False, "")
        with wired(load_task(file).bind(), wanted, run, PlanReader(), Silent(), Event()) as parts:
            yield parts, Guest(server.address, server.token)


def aside(guest: Any, n: int) -> dict[str, list[float]]:
    """Milliseconds of upstream's way, `n` times each; without the act where the guest has no pyautogui."""
    ways: dict[str, Any] = {"screen, one picture": guest.screenshot, "tree, whole": guest.accessibility}
    if guest.execute(["python", "-c", "import pyautogui"]).code == 0:

        def press() -> None:
            guest.execute(["python", "-c", _PRESS])

        def step() -> None:
            guest.screenshot()
            guest.accessibility()
            press()
            time.sleep(SLEEP_S)

        ways |= {"click, a process": press, "step with a sleep": step}
    return {name: [_ms(way) for _ in range(n)] for name, way in ways.items()}


@contextmanager
def _shown(token: str) -> Iterator[None]:
    """The token where a task finds it."""
    os.environ[_TOKEN] = token
    try:
        yield
    finally:
        del os.environ[_TOKEN]


def _ms(way: Any) -> float:
    began = time.perf_counter()
    way()
    return (time.perf_counter() - began) * 1000
