"""What every training has in common: a working folder to go on from, and the course from the first step to the last."""

from __future__ import annotations

import argparse
import json
import signal
import time
from pathlib import Path
from typing import Any, Protocol

import torch

from model.training.optimiser import Optimiser

__all__ = ["Trained", "expect_checkpoint", "keep_state", "kept_state", "progress_of", "train"]


def expect_checkpoint(parser: argparse.ArgumentParser, option: str, folder: Path) -> None:
    """End with one line and exit code 2 where an option names no checkpoint folder."""
    if not (folder / "config.json").is_file():
        parser.error(f"{option}: `{folder}` is no checkpoint folder: there is no config.json in it")


class Trained(Protocol):
    """Something that is taught step by step."""

    @property
    def progress(self) -> float:
        """From 0 to 1; at 1 the course is over."""
        ...

    def step(self) -> dict[str, float]:
        """One optimiser step; returns mean losses."""
        ...

    def report(self, recent: list[dict[str, float]]) -> None:
        """Tell and log what the last steps brought."""
        ...

    def keep(self) -> None:
        """Write the state to go on from, and what is usable of it so far."""
        ...

    def finish(self) -> None:
        """Write the result."""
        ...


def progress_of(steps: int, of: int, elapsed_s: float, minutes: float) -> float:
    """How far a course has come: by its steps where their number is settled, else by the clock."""
    return min(1.0, steps / of if of else elapsed_s / (60 * minutes))


def train(trained: Trained, every: int, every_s: float) -> None:
    """Run to the end; report every so many steps, keep the state every so many seconds and when told to stop."""
    recent: list[dict[str, float]] = []
    kept = time.monotonic()
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    while trained.progress < 1.0:
        recent.append(trained.step())
        if len(recent) == every:
            trained.report(recent)
            recent = []
        if stopped or time.monotonic() - kept > every_s:
            trained.keep()
            kept = time.monotonic()
        if stopped:
            raise SystemExit("stopped; the state is saved")
    trained.keep()
    trained.finish()


def keep_state(folder: Path, numbers: dict[str, Any], optimiser: Optimiser, log: list[dict[str, Any]]) -> None:
    """Write everything that a later process needs to go on exactly here; the old state goes when the new one is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / "state.new"
    torch.save({"numbers": numbers, "optimiser": optimiser.state()}, fresh)
    fresh.replace(folder / "state.pt")
    (folder / "log.json").write_text(json.dumps(log), encoding="utf-8")


def kept_state(folder: Path, optimiser: Optimiser) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """Numbers and log of the folder's state, and the optimiser brought to it; None where there is none."""
    path = folder / "state.pt"
    if not path.exists():
        return None
    state = torch.load(path, weights_only=True)
    optimiser.load(state["optimiser"])
    logged = folder / "log.json"
    return state["numbers"], json.loads(logged.read_text(encoding="utf-8")) if logged.exists() else []
