"""One attempt's files as upstream's runner leaves them, so that upstream's own scripts read them.

traj.jsonl                      a line for each step, a last one with `Error` where it broke
step_<n>_<stamp>.png            the screen after the act of step n
result.txt                      the score; only where there is one
runtime.log, recording.mp4
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.outcome import Ending
from agent.step import Step
from model.base import Blocked, Finish
from osworld_eval.osworld.pyautogui_words import words_of

__all__ = ["Trajectory"]


@dataclass(slots=True)
class Trajectory:
    """A `Watch` that writes every step into a folder as it ends."""

    folder: Path
    steps: int = 0
    said: str = ""
    """`DONE` or `FAIL` where the last step said so; empty where it did anything else."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def stage(self, step: Step, name: str) -> None:
        """Nothing is kept of a step that goes on."""

    def step(self, step: Step) -> None:
        """Write the line and the picture."""
        self.steps += 1
        move = step.reply.move if step.reply is not None else None
        self.said = {Finish: "DONE", Blocked: "FAIL"}.get(type(move), "") if move is not None else ""
        now = time.time()
        stamp = time.strftime("%Y%m%d@%H%M%S", time.localtime(now)) + f"{int(now * 1e6) % 1_000_000:06d}"
        shown = step.after or step.seen
        name = f"step_{self.steps}_{stamp}.png"
        (self.folder / name).write_bytes(shown.frame.png)
        self._line({
            "step_num": self.steps,
            "action_timestamp": stamp,
            "action": words_of(move) if move is not None else "",
            "response": step.reply.text if step.reply is not None else "",
            "reward": 0,
            "done": self.said != "",
            "info": {"done": True} if self.said == "DONE" else {"fail": True} if self.said == "FAIL" else {},
            "screenshot_file": name,
        })  # fmt: skip
        happened = step.receipt.status if step.receipt is not None else "nothing"
        self.log(
            f"step {self.steps}: {type(move).__name__ if move is not None else 'no move'}, {happened}; {step.note}"
        )

    def end(self, ending: Ending) -> None:
        """How the run ended, into the log."""
        self.log(f"{ending.outcome}: {ending.because}")

    def scored(self, value: float) -> None:
        """The score, as upstream's scripts read it."""
        (self.folder / "result.txt").write_text(f"{value}\n", "utf-8")

    def broken(self, task: str, why: str) -> None:
        """Why there is no score."""
        self._line({"Error": f"{task} - {why}"})
        self.log(why)

    def log(self, line: str) -> None:
        with (self.folder / "runtime.log").open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(line.split())}\n")

    def _line(self, told: dict[str, Any]) -> None:
        with (self.folder / "traj.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(told, ensure_ascii=False) + "\n")
