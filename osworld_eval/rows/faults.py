"""What is broken, for which row and when: drawn by seed, done once each.

Faults: `site down` (the shop's process ends and comes back after a while), `browser crash`, `kill of the run`, `kill of
the machine` (the batch and every process below it, all at once, then the same command again) and `disk full` (the disk
of the run folders and of the result file, for a while). Moments: see `osworld_eval.rows.shop`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FAULTS", "Disk", "Planned", "browser_of", "draw", "family", "killed", "of_row"]

FAULTS = ("none", "site down", "browser crash", "kill of the run", "kill of the machine", "disk full")
_MOMENTS = ("open", "before", "after")


@dataclass(frozen=True, slots=True)
class Planned:
    """One row's name, what it orders, and what happens to it."""

    name: str
    item: str
    fault: str
    moment: str
    for_s: float
    """How long a site or a disk is away."""

    @property
    def possible(self) -> bool:
        """Whether the row can be done at all: the policy forbids the dear thing."""
        return self.item == "teapot"


def draw(n: int, seed: int, faults: tuple[str, ...] = FAULTS) -> list[Planned]:
    """`n` rows, the faults in equal parts; every twentieth row wants what the policy forbids."""
    chance = random.Random(seed)
    kinds = [faults[index % len(faults)] for index in range(n)]
    chance.shuffle(kinds)
    rows = []
    for index, kind in enumerate(kinds):
        item = "gold" if index % 20 == 19 else "teapot"
        moment = "open" if item == "gold" else chance.choice(_MOMENTS)
        rows.append(Planned(f"Row {index + 1:03}", item, kind, moment, round(chance.uniform(1.0, 4.0), 1)))
    return rows


def family(pid: int) -> list[int]:
    """Every living descendant."""
    parents: dict[int, list[int]] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(each.name))
    found, ask = [], [pid]
    while ask:
        children = parents.get(ask.pop(), [])
        found += children
        ask += children
    return found


def _words(pid: int) -> list[str]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").split("\0")
    return []


def of_row(batch: int, name: str) -> int | None:
    """The process of a row's run, below the batch."""
    return next((pid for pid in family(batch) if f"name={name}" in _words(pid)), None)


def killed(pids: list[int]) -> None:
    """All of them, without a warning: first stopped, so that none can see another's end."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)


def browser_of(pid: int) -> list[int]:
    """The processes of a run's browser."""
    return [one for one in family(pid) if any("chrom" in word for word in _words(one)[:1])]


class Disk:
    """A small disk in memory, which can be filled up. Needs the right to mount."""

    def __init__(self, place: Path, megabytes: int) -> None:
        self.place, self._size = place, megabytes

    @staticmethod
    def why_not() -> str:
        """Why there can be none here; empty when there can."""
        return "" if os.geteuid() == 0 and Path("/bin/mount").exists() else "mounting a small disk needs root"

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Raises OSError where it cannot be mounted."""
        self.place.mkdir(parents=True, exist_ok=True)
        told = ["mount", "-t", "tmpfs", "-o", f"size={self._size}m,mode=700", "tmpfs", str(self.place)]
        done = subprocess.run(told, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"no small disk can be mounted: {done.stderr.strip()[:200]}")
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", str(self.place)], capture_output=True, check=False)

    def full(self, for_s: float) -> None:
        """Fill it to the last byte, wait, and make room again."""
        ballast = self.place / "ballast"
        try:
            with suppress(OSError), ballast.open("wb", buffering=0) as out:
                for size in (1 << 20, 1 << 12, 1):
                    with suppress(OSError):
                        while True:
                            out.write(b"\0" * size)
            time.sleep(for_s)
        finally:
            ballast.unlink(missing_ok=True)
