"""Whole runs of the real command against the virtual phone, with a person at the terminal where one is wanted."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.audit.verify import Verdict, verify

ROOT = Path(__file__).resolve().parents[2]
TASKS = ROOT / "tasks" / "android"


@dataclass
class Ended:
    code: int
    out: str

    @property
    def last(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads([line for line in self.out.splitlines() if line.startswith("{")][-1])
        return told

    @property
    def outcome(self) -> str:
        return str(self.last["outcome"])

    @property
    def verdict(self) -> Verdict:
        return verify(Path(self.last["folder"]))


def run_task(
    task: str | Path,
    runs: Path,
    *more: str,
    answer: str = "",
    model: str = "plan",
    stop_at: Any = None,
    timeout_s: float = 100,
    **env: str,
) -> Ended:
    """`agent run` on a terminal of its own.

    Args:
        answer: what the person types at each question; empty: nobody is asked.
        stop_at: called again and again; the first true answer sends Ctrl+C twice.
    """
    path = task if isinstance(task, Path) else TASKS / f"{task}.yaml"
    approve = "tty" if answer else "deny"
    words = ["run", str(path), "--model", model, "--approve", approve, "--runs", str(runs), "--json", "--again", *more]
    pid, end = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "-m", "agent", *words], {**os.environ, "COLUMNS": "4000", **env})
    out, until, asked, stopped = b"", time.monotonic() + timeout_s, 0, False
    try:
        while time.monotonic() < until:
            if not stopped and stop_at is not None and stop_at():
                stopped = True
                os.kill(pid, signal.SIGINT)
                time.sleep(0.05)
                os.kill(pid, signal.SIGINT)
            if not select.select([end], [], [], 0.05)[0]:
                continue
            try:
                piece = os.read(end, 65536)
            except OSError:
                break
            if not piece:
                break
            out += piece
            if out.count(b"Allow? [") > asked:
                asked += 1
                os.write(end, f"{answer}\n".encode())
        else:
            os.kill(pid, signal.SIGKILL)
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(end)
    return Ended(os.waitstatus_to_exitcode(status), out.decode("utf-8", "replace"))
