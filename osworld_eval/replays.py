"""The airline booked again and again by one recorded flow: random inputs and layouts, judged by the server's own log.

One verified run leaves the flow. Then come replays, and beside them runs of the model with some of the same seeds, in
the same queue, so that their times can be compared. Each is a process of its own; a replay's process says at its end
whether a model could have been in it: torch among its modules, or its library among its memory maps.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from osworld_eval.bookings import CARD, Booking, Result, draw, judged, play

__all__ = ["Replayed", "main", "replayed"]

_TASK = "tasks/book_flight.yaml"
_WATCHED = """
import sys
from pathlib import Path
code = 1
try:
    from agent.cli import main
    main()
except SystemExit as end:
    code = end.code or 0
maps = Path("/proc/self/maps")
mapped = "libtorch" in maps.read_text() if maps.exists() else False
print("model loaded" if "torch" in sys.modules or mapped else "no model", file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One replay."""

    result: Result
    loaded: bool
    """Whether torch was in the process."""

    @property
    def good(self) -> bool:
        return self.result.good and not self.loaded


def replayed(flow: Path, booking: Booking, runs: Path) -> Replayed:
    """One replay in its own process, then a look into the server's log."""
    words = ["replay", str(flow), "--json", "--approve", "deny", "--runs", str(runs), "--again"]
    settings = {"seed": booking.seed, "layout": booking.layout, "theme": booking.theme}
    words += [word for name, value in settings.items() for word in ("--site", f"{name}={value}")]
    words += [word for name, value in booking.inputs.items() for word in ("--set", f"{name}={value}")]
    command = [sys.executable, "-c", _WATCHED, *words]
    done = subprocess.run(command, env={**CARD, **os.environ}, capture_output=True, text=True, timeout=900, check=False)
    return Replayed(judged(booking, done.stdout, done.stderr), "no model" not in done.stderr.splitlines()[-1:])


def recorded(model: str, runs: Path) -> Path:
    """The flow that one run of the task leaves. Raises RuntimeError when it was not verified."""
    command = [sys.executable, "-m", "agent", "run", _TASK, "--json", "--approve", "deny", "--model", model]
    command += ["--runs", str(runs), "--again"]
    done = subprocess.run(command, env={**CARD, **os.environ}, capture_output=True, text=True, timeout=900, check=False)
    last = done.stdout.strip().splitlines()[-1:] or ["{}"]
    said = json.loads(last[0])
    flow = Path(said.get("folder", "")) / "flow.yaml"
    if done.returncode or not flow.is_file():
        why = said.get("because") or done.stderr.strip()[-300:]
        raise RuntimeError(f"the run that is to be recorded was not verified: {why}")
    return flow


def main(n: int, driven: int, first_seed: int, model: str, workers: int, runs: Path, as_json: bool) -> int:
    """Record once, replay `n` times, let the model run `driven` times beside it. Exit 0 at 98 % and nothing wrong."""
    try:
        flow = recorded(model, runs)
    except RuntimeError as problem:
        print(f"agent eval replay: {problem}", file=sys.stderr)
        return 1
    print(f"recorded with {model}: {flow}", file=sys.stderr, flush=True)
    every = max(1, n // max(1, driven))
    with ThreadPoolExecutor(workers) as pool:
        replays: list[Future[Replayed]] = []
        beside: list[Future[Result]] = []
        for index in range(n):
            booking = draw(first_seed + index)
            if len(beside) < driven and index % every == 0:
                beside.append(pool.submit(play, booking, model, runs))
            replays.append(pool.submit(replayed, flow, booking, runs))
        found = []
        for one in replays:
            found.append(one.result())
            if not as_json:
                print(_row(found[-1]), flush=True)
        runs_of_model = [one.result() for one in beside]
    return _told(found, runs_of_model, model, as_json)


def _told(found: list[Replayed], beside: list[Result], model: str, as_json: bool) -> int:
    good, loaded = sum(one.good for one in found), sum(one.loaded for one in found)
    wrong = sum(bool(one.result.wrong) for one in found)
    ours = statistics.median(one.result.seconds for one in found)
    theirs = statistics.median(one.seconds for one in beside) if beside else None
    if as_json:
        rows = [asdict(one) | {"good": one.good} for one in found]
        told = {"n": len(found), "verified": good, "wrong": wrong, "loaded": loaded, "median_s": ours}
        more = {"model": model, "model_median_s": theirs, "model_runs": [asdict(one) for one in beside]}
        print(json.dumps({**told, **more, "results": rows}, ensure_ascii=False))
    else:
        print(f"{good} of {len(found)} replays verified, {wrong} bought something wrong, {loaded} had torch loaded")
        print(
            f"median {ours:.1f} s a replay"
            + (f"; {model} beside it, {len(beside)} runs: {theirs:.1f} s" if beside else "")
        )
    return 0 if good >= 0.98 * len(found) and not wrong and not loaded else 1


def _row(one: Replayed) -> str:
    r = one.result
    why = r.wrong or ("" if r.good else r.because)
    mark = "ok " if one.good else "NOT"
    return f"{mark} seed {r.seed}  {r.layout:<8}{r.theme:<6}{r.outcome:<12}{r.steps:>3} steps {r.seconds:6.1f} s  {why}"
