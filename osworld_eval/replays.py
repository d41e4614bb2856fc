"""The airline booked again and again by one recorded flow: random inputs and layouts, judged by the server's own log.

One verified run leaves the flow. Then come replays, alone (each a process of its own, from nothing to nothing) and as
rows of a table (in a process that stays), and beside them runs of the model with some of the same seeds, in the same
queue, so that their times can be compared. Whether a model could have been in a replay is looked up: torch among its
modules, or its library among its memory maps.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.flow.warm import Row, Settings, WarmRows
from osworld_eval.bookings import CARD, Booking, Result, draw, judged, play

__all__ = ["Replayed", "main", "recorded", "replayed", "row"]

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
    wall_s: float = 0.0
    """From its process's start to its end; of a row, from its being given to its answer."""
    cpu_s: float = 0.0
    """Seconds of a processor by it and all that it started; tells the same on a busy machine. 0 where not known."""

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
    began, spent = time.monotonic(), _children_cpu()
    done = subprocess.run(
        command, env={**CARD, **os.environ}, capture_output=True, text=True, timeout=3600, check=False
    )
    took, cpu = time.monotonic() - began, _children_cpu() - spent
    loaded = "no model" not in done.stderr.splitlines()[-1:]
    return Replayed(judged(booking, done.stdout, done.stderr), loaded, took, cpu)


def _children_cpu() -> float:
    """Seconds of a processor by everything that this process has started and that has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tree_cpu(root: int) -> float:
    """Seconds of a processor by a process and everything under it, living or ended; 0 where the system does not say."""
    found: dict[int, tuple[int, float]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[int(place.parent.name)] = int(told[1]), sum(map(int, told[11:15])) / os.sysconf("SC_CLK_TCK")
    under, total = {root}, 0.0
    while under:
        total += sum(found[pid][1] for pid in under if pid in found)
        under = {pid for pid, (parent, _) in found.items() if parent in under}
    return total


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


def main(n: int, rows: int, driven: int, first_seed: int, model: str, workers: int, runs: Path, as_json: bool) -> int:
    """Record once, replay `n` times alone and `rows` times as rows of one table, let the model run `driven` times
    beside it. Exit 0 at 98 % verified, nothing wrong and nothing loaded.
    """
    try:
        flow = recorded(model, runs)
    except RuntimeError as problem:
        print(f"agent eval replay: {problem}", file=sys.stderr)
        return 1
    print(f"recorded with {model}: {flow}", file=sys.stderr, flush=True)
    drawn = [draw(first_seed + index) for index in range(max(n, rows, driven))]
    tell = _silent if as_json else _printed
    with ThreadPoolExecutor(workers) as pool, WarmRows(_settings(flow, runs), {**CARD, **os.environ}) as warm:
        every = max(1, n // max(1, driven))
        queue: list[tuple[str, Future[Replayed]]] = []
        for index, booking in enumerate(drawn):
            if index % every == 0 and index // every < driven:
                queue.append((model, pool.submit(_driven, booking, model, runs)))
            if index < n:
                queue.append(("alone", pool.submit(replayed, flow, booking, runs)))
            if index < rows:
                queue.append(("row", pool.submit(row, warm, booking)))
        found: dict[str, list[Replayed]] = {"alone": [], "row": [], model: []}
        for how, future in queue:
            one = future.result()
            found[how].append(one)
            tell(how, one)
    return _told(found["alone"], found["row"], found[model], model, as_json)


def row(warm: WarmRows, booking: Booking) -> Replayed:
    """One replay as a row of a table, in a process that has done others before."""
    settings = {"seed": str(booking.seed), "layout": booking.layout, "theme": booking.theme}
    began, spent = time.monotonic(), sum(map(_tree_cpu, warm.waiting))
    said = warm.run(Row(booking.inputs, settings, again=True))
    took, cpu = time.monotonic() - began, sum(map(_tree_cpu, warm.waiting)) - spent
    loaded = any("libtorch" in _maps(pid) for pid in warm.waiting)
    return Replayed(judged(booking, json.dumps(said), ""), loaded, took, max(0.0, cpu))


def _maps(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return ""


def _settings(flow: Path, runs: Path) -> Settings:
    return Settings(str(flow), str(runs))


def _driven(booking: Booking, model: str, runs: Path) -> Replayed:
    began, spent = time.monotonic(), _children_cpu()
    result = play(booking, model, runs)
    return Replayed(result, False, time.monotonic() - began, _children_cpu() - spent)


def _told(alone: list[Replayed], rows: list[Replayed], beside: list[Replayed], model: str, as_json: bool) -> int:
    found = [*alone, *rows]
    good, loaded = sum(one.good for one in found), sum(one.loaded for one in found)
    wrong = sum(bool(one.result.wrong) for one in found)
    medians = {name: _median(some) for name, some in (("alone", alone), ("row", rows), (model, beside))}
    if as_json:
        told = {"n": len(found), "verified": good, "wrong": wrong, "loaded": loaded, "median_s": medians}
        each = {name: [asdict(one) | {"good": one.good} for one in some]
                for name, some in (("alone", alone), ("row", rows), (model, beside))}  # fmt: skip
        print(json.dumps({**told, "model": model, "results": each}, ensure_ascii=False))
    else:
        print(f"{good} of {len(found)} replays verified, {wrong} bought something wrong, {loaded} had torch loaded")
        for name, some in (("alone", alone), ("row", rows), (model, beside)):
            if some:
                part = f", {medians[name] / medians[model]:.3f} of {model}" if beside and name != model else ""
                inside = statistics.median(one.result.seconds for one in some)
                cpu = statistics.median(one.cpu_s for one in some)
                spent = f"the run itself {inside:.1f} s; {cpu:.1f} s of a processor"
                print(f"{name}: median {medians[name]:.1f} s of {len(some)} ({spent}){part}")
    return 0 if good >= 0.98 * len(found) and not wrong and not loaded else 1


def _median(some: list[Replayed]) -> float:
    return statistics.median(one.wall_s for one in some) if some else 0.0


def _silent(how: str, one: Replayed) -> None:
    """Nothing between."""


def _printed(how: str, one: Replayed) -> None:
    r = one.result
    why = r.wrong or ("" if r.good else r.because)
    mark = "ok " if one.good else "NOT"
    look = f"{r.layout:<8}{r.theme:<6}"
    took = f"{r.steps:>3} steps {r.seconds:6.1f} s, process {one.wall_s:6.1f} s, processor {one.cpu_s:5.1f} s"
    print(f"{mark} {how:<6} seed {r.seed}  {look}{r.outcome:<12}{took}  {why}", flush=True)
