"""What the trail costs: `agent bench trail` prints p50 and p95 of a step, with and without disk, and of the check.

A step here is what the loop writes: a step span with six phases, one intent with its `fdatasync`, one outcome.
"""

from __future__ import annotations

import json
import os
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

__all__ = ["long_trail", "step_times", "trail"]

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


def long_trail(root: Path, records: int) -> tuple[Path, float]:
    """A whole run of at least so many records, made of real steps without the disk's part. Its folder; seconds."""
    real, journal_module._SYNC = journal_module._SYNC, lambda fd: None
    began = time.perf_counter()
    try:
        step_times(root, -(-records // _PER_STEP))
    finally:
        journal_module._SYNC = real
    return list_runs(root)[0].folder.path, time.perf_counter() - began


_PER_STEP = 8
"""Records of one measured step: five phases, an intent, an outcome, the step itself; checkpoints come on top."""


def trail(records: int, as_json: bool) -> int:
    """Print what a step costs, and how long the check of a trail of so many records takes. Exit 1 if it fails."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        told = {"with fdatasync": step_times(place), "one bare append with fdatasync": _bare_times(place / "bare")}
        real, journal_module._SYNC = journal_module._SYNC, lambda fd: None
        try:
            told["without fdatasync"] = step_times(place)
        finally:
            journal_module._SYNC = real
        folder, wrote_s = long_trail(place / "long", records)
        size = (folder / "journal.jsonl").stat().st_size
        began, busy = time.perf_counter(), time.process_time()
        verdict = verify(folder)
        took_s, busy_s = time.perf_counter() - began, time.process_time() - busy
    rows = {what: (s[len(s) // 2] * 1e3, s[len(s) * 95 // 100] * 1e3, len(s)) for what, s in told.items()}
    if as_json:
        steps = {what: {"p50_ms": row[0], "p95_ms": row[1], "n": row[2]} for what, row in rows.items()}
        check = {
            "records": verdict.records,
            "bytes": size,
            "seconds": took_s,
            "cpu_seconds": busy_s,
            "written_s": wrote_s,
            "ok": verdict.ok,
        }
        print(json.dumps({"step": steps, "verify": check}))
    else:
        for what, row in rows.items():
            print(f"{what}: p50 {row[0]:.2f} ms, p95 {row[1]:.2f} ms over {row[2]}")
        print(
            f"verify: {verdict.records} records, {size / 1e6:.0f} MB in {took_s:.2f} s ({busy_s:.2f} s of a processor)"
        )
        print(verdict.line())
    return 0 if verdict.ok else 1


if __name__ == "__main__":
    raise SystemExit(trail(100_000, as_json=False))
