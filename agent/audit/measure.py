"""What the trail costs: `python -m agent.audit.measure [FOLDER]` prints p50 and p95 of a step, with and without disk.

A step here is what the loop writes: a step span with six phases, one intent with its `fdatasync`, one outcome.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from actuators.action import Click
from actuators.geometry import Point, Rect
from actuators.observation import Node, Target
from actuators.permit import Permit, Terms, signed_bytes
from actuators.receipt import Receipt
from agent.audit import journal as journal_module
from agent.audit.chain import checkpoint_bytes
from agent.audit.spans import About, Trail
from agent.audit.verify import verify
from agent.run_folder import RunFolder, list_runs
from policies.decision import Decision

__all__ = ["main", "step_times"]

_TARGET = Target("browser", Node("n1", "button", "Search flights", Rect(600, 300, 760, 340)), Point(680, 320))
_DECISION = Decision("allow", ("browse-here",), reason="this site is the task's own")
_CLICK = Click(at=Point(680, 320))


def step_times(root: Path, steps: int = 200) -> list[float]:
    """Seconds per step spent on the trail alone, sorted. Leaves a run folder under `root`."""
    key = Ed25519PrivateKey.generate()
    folder = RunFolder.create(root, "measure")
    with Trail.start(
        folder,
        About("measure"),
        lambda run, n, top: key.sign(checkpoint_bytes(run, n, top)),
        key.public_key().public_bytes_raw(),
        lambda text: text,
    ) as trail:
        with trail.run_span("measure"):
            seconds = [_one_step(trail, folder.id, key, index) for index in range(steps)]
        trail.end("verified", 0, steps=steps)
    return sorted(seconds)


def _one_step(trail: Trail, run: str, key: Ed25519PrivateKey, index: int) -> float:
    terms = Terms(run, index, _CLICK, _TARGET.digest, "0" * 64, "1" * 64, f"{index:032x}", 0.0, 1e12)
    permit = Permit(terms.to_json(), key.sign(signed_bytes(terms.to_json())))
    began = time.perf_counter()
    with trail.step(index):
        with trail.phase("observe") as span:
            span.set(seen="0" * 64, width=1280, height=800, url="http://127.0.0.1/flights", nodes=40)
        with trail.phase("chat qwen3-vl") as span:
            span.set(asked="Book the cheapest direct flight. " * 20, reply="click " * 20, output_tokens=30)
        with trail.phase("policy.decide") as span:
            span.judged(_CLICK, _TARGET, _DECISION, ("submit",))
        trail.intent(index, permit, _TARGET, _DECISION)
        receipt = Receipt("done", _CLICK, time.time(), time.time())
        with trail.phase("execute_tool click") as span:
            span.received(receipt)
        with trail.phase("settle") as span:
            span.set(still=True, waited_s=0.1)
        trail.outcome(index, receipt)
    return time.perf_counter() - began


def _bare_times(path: Path, times: int = 200) -> list[float]:
    """What this disk asks for one appended kilobyte to be safe, sorted seconds."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        os.write(fd, b"x" * 1024)
        journal_module._SYNC(fd)
        seconds.append(time.perf_counter() - began)
    os.close(fd)
    return sorted(seconds)


def main(root: Path | None = None) -> None:
    """Print the figures, then what verification of the measured run costs."""
    with tempfile.TemporaryDirectory() as scratch:
        place = root or Path(scratch)
        _print("with fdatasync", step_times(place))
        _print("one bare append with fdatasync, for comparison", _bare_times(place / "bare"))
        real, journal_module._SYNC = journal_module._SYNC, lambda fd: None
        try:
            _print("without fdatasync", step_times(place))
        finally:
            journal_module._SYNC = real
        began = time.perf_counter()
        verdict = verify(list_runs(place)[0].folder.path)
        print(f"verify: {(time.perf_counter() - began) * 1e3:.0f} ms; {verdict.line()}")


def _print(what: str, seconds: list[float]) -> None:
    p50, p95 = seconds[len(seconds) // 2], seconds[len(seconds) * 95 // 100]
    print(f"{what}: p50 {p50 * 1e3:.2f} ms, p95 {p95 * 1e3:.2f} ms over {len(seconds)} steps")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
