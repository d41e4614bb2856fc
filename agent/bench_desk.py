"""`agent bench step --surface desktop`: a step on a program in a private desktop, and a loop of processes beside it.

The act is a click on one of a calculator's digits. The other way is what a script of `scrot`, `xdotool` and a fixed
sleep would cost, measured in the same run on the same display; left out where those programs are not installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actuators.observation import Node, Observation

__all__ = ["APP", "aside", "desk_parts", "digit"]

APP = "galculator"
SLEEP_S = 0.5
"""What scripts wait after an act for want of anything better."""


@contextmanager
def desk_parts(folder: Path) -> Iterator[Any]:
    """A desktop with the whole runtime around it: broker, permits, journal. Raises `SandboxUnavailable`."""
    from threading import Event

    from agent.run_folder import RunFolder
    from agent.task import load_task
    from agent.watch import Silent
    from agent.wire_up import Wanted, wired
    from model.planned import PlanReader

    file = folder / "bench.yaml"
    file.write_text(
        f"version: 1\nname: bench\ngoal: Press digits.\nsurface:\n  desktop: {{apps: [{APP}], start: [{APP}]}}\n"
        "policy: {preset: sandbox}\n"
    )
    run = RunFolder.create(folder / "runs", "bench")
    wanted = Wanted((), "deny", False, "")
    with wired(load_task(file).bind(), wanted, run, PlanReader(), Silent(), Event()) as parts:
        yield parts


def digit(seen: Observation, index: int) -> Node:
    """One digit's button after another."""
    found = [node for node in seen.nodes if node.role == "button" and node.name.isdigit()]
    if not found:
        raise RuntimeError(f"`{APP}` shows no digits")
    return found[index % len(found)]


def aside(parts: Any, folder: Path, n: int) -> dict[str, list[float]]:
    """Milliseconds of what a loop of processes does, `n` times each; empty where its programs are not installed."""
    programs = [shutil.which(name) for name in ("scrot", "xdotool")]
    if None in programs:
        return {}
    scrot, xdotool = map(str, programs)
    server = parts.actuator.connection
    env = {**os.environ, "DISPLAY": server.name, "XAUTHORITY": str(server.authority or "")}
    picture = folder / "shot.png"

    def look() -> None:
        subprocess.run([scrot, "-o", str(picture)], env=env, check=True, timeout=30)

    def click() -> None:
        subprocess.run([xdotool, "mousemove", "5", "5", "click", "1"], env=env, check=True, timeout=30)

    def step() -> None:
        look()
        click()
        time.sleep(SLEEP_S)

    ways = {"screen, a process": look, "click, a process": click, "step of processes": step}
    return {name: [_ms(way) for _ in range(n)] for name, way in ways.items()}


def _ms(way: Any) -> float:
    began = time.perf_counter()
    way()
    return (time.perf_counter() - began) * 1000
