"""`agent bench step --surface android`: a step on the device that adb knows, and beside it what other ways would cost.

The act is a tap on the words of a heading in Settings, which do nothing. The other ways are measured in the same run on
the same device: a process for each look and each touch, and a screen packed as PNG on the phone.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actuators.observation import Node, Observation

__all__ = ["APP", "aside", "heading", "phone_parts"]

APP = "com.android.settings"


@contextmanager
def phone_parts(folder: Path) -> Iterator[Any]:
    """The device with the whole runtime around it: broker, permits, journal. Raises `SandboxUnavailable`."""
    from threading import Event

    from agent.run_folder import RunFolder
    from agent.task import load_task
    from agent.watch import Silent
    from agent.wire_up import Wanted, wired
    from model.planned import PlanReader

    file = folder / "bench.yaml"
    file.write_text(
        f"version: 1\nname: bench\ngoal: Touch the heading.\nsurface:\n  android: {{apps: [{APP}], start: {APP}}}\n"
        "policy: {preset: sandbox}\n"
    )
    run = RunFolder.create(folder / "runs", "bench")
    wanted = Wanted((), "deny", False, "")
    with wired(load_task(file).bind(), wanted, run, PlanReader(), Silent(), Event()) as parts:
        yield parts


def heading(seen: Observation, index: int) -> Node:
    """Something with words that does nothing when it is touched: one after another, so that no rule sees circles."""
    still = [node for node in seen.nodes if node.role == "text" and node.name]
    if not still:
        raise RuntimeError(f"`{APP}` shows no words that could be touched; is it a phone's own Settings?")
    return still[index % len(still)]


def aside(n: int) -> dict[str, list[float]]:
    """Milliseconds of what a loop of adb processes would do, `n` times each; empty where there is no adb program."""
    from sandboxes.adb import Adb, find_device, line

    serial, program = find_device(), shutil.which("adb")
    direct = Adb(serial)
    ways: dict[str, Any] = {
        "raw screen, one connection": lambda: direct.bytes(line("screencap")),
        "PNG screen, one connection": lambda: direct.bytes(line("screencap", "-p")),
        "tap, one connection": lambda: direct.run(line("input", "tap", "1", "1")),
    }
    if program is not None:
        adb = [program, "-s", serial]
        ways |= {
            "PNG screen, a process": lambda: _run([*adb, "exec-out", "screencap", "-p"]),
            "nodes, two processes": lambda: _nodes_by_processes(adb),
            "tap, a process": lambda: _run([*adb, "shell", "input", "tap", "1", "1"]),
        }
    return {name: [_ms(way) for _ in range(n)] for name, way in ways.items()}


def _nodes_by_processes(adb: list[str]) -> None:
    _run([*adb, "shell", "uiautomator", "dump", "/sdcard/deskhand_bench.xml"])
    _run([*adb, "shell", "cat /sdcard/deskhand_bench.xml; rm -f /sdcard/deskhand_bench.xml"])


def _run(words: list[str]) -> None:
    subprocess.run(words, capture_output=True, timeout=60, check=True)


def _ms(way: Any) -> float:
    began = time.perf_counter()
    way()
    return (time.perf_counter() - began) * 1000
