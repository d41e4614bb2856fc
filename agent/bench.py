"""`agent bench`: how long things take on this machine, as a table or as JSON, against the design's budgets."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.outcome import USAGE
from sandboxes.base import SandboxUnavailable

__all__ = ["load_beside", "model", "policy", "step"]

PHASES = ("observe", "resolve", "decide", "permit", "act", "settle", "journal")
"""`decide`: facts to the broker's process, the rules, minting, and back. `permit`: its verification, which `act` does
again as part of the act. The rest is what it says."""
_FIELDS = "".join(f"<label>Field {n} <input name=f{n}></label> " for n in range(12))
"""As many as it takes for no rule to think that the bench goes in circles."""
BUDGETS_MS: dict[str, float | None] = {"browser": 120.0, "desktop": 60.0, "android": None, "guest": None}
"""p50 of a step without the model on a page that does not change. Phones and guests have none: they are as fast as
their `adb` and their server."""

_HTML = """<!doctype html><title>Bench</title><h1>A page that does not change</h1><form>
{fields}
<p>{rows}</p><button type=button id=b>Touch</button></form>"""


def step(surface: str, n: int, as_json: bool) -> int:
    """Time `n` steps: observe, resolve, decide, permit, act, settle, journal; everything real but the model."""
    if surface not in BUDGETS_MS:
        print(f"agent bench step: no surface `{surface}`, expected one of: {', '.join(BUDGETS_MS)}", file=sys.stderr)
        return USAGE
    try:
        times, beside = _measured(surface, n)
    except SandboxUnavailable as missing:
        print(f"agent bench step: {missing}", file=sys.stderr)
        return 1
    phases = {name: _percentiles(values) for name, values in times.items()}
    total = _percentiles([sum(values) for values in zip(*times.values(), strict=True)])
    if as_json:
        print(json.dumps({"surface": surface, "n": n, "phases": phases, "total": total, "beside": beside}))
        return 0
    width = max(10, *map(len, beside)) if beside else 10
    print(f"{'phase':<{width}}{'p50 ms':>10}{'p95 ms':>10}")
    for name, value in {**phases, "total": total, **beside}.items():
        print(f"{name:<{width}}{value['p50_ms']:>10.2f}{value['p95_ms']:>10.2f}")
    budget = BUDGETS_MS[surface]
    print(f"{f'budget of the design: p50 under {budget:.0f} ms; ' if budget else ''}{n} steps, no model")
    print(load_beside())
    return 0


def load_beside() -> str:
    """What else the machine was doing: figures taken beside a load above its number of processors are too high."""
    try:
        load = os.getloadavg()[0]
    except OSError:
        return ""
    return f"beside a load of {load:.1f} on {os.cpu_count() or 1} processors"


def _measured(surface: str, n: int) -> tuple[dict[str, list[float]], dict[str, dict[str, float]]]:
    """Milliseconds by phase, and what other ways cost in the same run where a surface has any to compare with."""
    with tempfile.TemporaryDirectory() as folder:
        if surface == "android":
            from agent.bench_phone import aside, heading, phone_parts

            with phone_parts(Path(folder)) as parts:
                times = _steps(parts, n, heading)
                return times, {name: _percentiles(values) for name, values in aside(min(n, 20)).items()}
        if surface == "desktop":
            from agent.bench_desk import aside as processes
            from agent.bench_desk import desk_parts, digit

            with desk_parts(Path(folder)) as parts:
                times = _steps(parts, n, digit)
                beside = processes(parts, Path(folder), min(n, 20))
                return times, {name: _percentiles(values) for name, values in beside.items()}
        if surface == "guest":
            from agent.bench_desk import digit
            from agent.bench_guest import aside as upstream
            from agent.bench_guest import guest_parts

            with guest_parts(Path(folder)) as (parts, guest):
                times = _steps(parts, n, digit)
                return times, {name: _percentiles(values) for name, values in upstream(guest, min(n, 10)).items()}
        with _parts(Path(folder)) as parts:
            return _steps(parts, n, _field), {}


_MEASURED_MS = {"shadow": 500.0, "overlay_diff": 3.0, "overlay_commit": 10.0, "overlay_discard": 5.0}
"""The design names no budget for these: what a quiet machine of this size was seen to need, with some room."""


def policy(as_json: bool) -> int:
    """Time a decision under 100 rules, a permit's way through the broker's process, and a request's at the wire."""
    from policies.measure import decision_ms, permit_ms, wire_ms
    from sandboxes.base import SandboxUnavailable
    from sandboxes.measure import overlay_ms, shadow_ms

    said = {"decision_100_rules": decision_ms(), "permit_round_trip": permit_ms(), "wire_per_request": wire_ms()}
    try:
        said["shadow"] = shadow_ms()
        said |= {f"overlay_{name}": value for name, value in overlay_ms().items()}
    except SandboxUnavailable as missing:
        print(f"agent bench policy: not everything could be measured: {missing}", file=sys.stderr)
    if as_json:
        print(json.dumps(said))
        return 0
    budgets = {"decision_100_rules": 0.5, "permit_round_trip": 1.0, "wire_per_request": 1.0, **_MEASURED_MS}
    for name, value in said.items():
        shown = ", ".join(f"{key} {number:.3f}" for key, number in value.items())
        print(f"{name:<20} {shown} ms; budget p50 under {budgets[name]} ms")
    print(load_beside())
    return 0


def model(checkpoint: str, as_json: bool, shapes: str = "", repeat: int = 5, device: str = "auto") -> int:
    """Time the engine against transformers' `generate` on one growing conversation, in turns, in one process.

    With `shapes`, published sizes with random weights instead of a checkpoint, on a GPU unless the device says else.
    """
    from model.base import ModelError
    from model.bench import compare, table
    from model.load import checkpoint_folder, sleeping_threads
    from model.shapes import compare_shapes
    from model.shapes import table as shapes_table

    try:
        with sleeping_threads():
            if shapes:
                names = [name.strip() for name in shapes.split(",") if name.strip()]
                found = compare_shapes(names, repeat=repeat, device=device)
                print(json.dumps(found) if as_json else shapes_table(found))
                return 0
            said = compare(checkpoint_folder(checkpoint), repeat=repeat, device=device)
    except ModelError as problem:
        print(f"agent bench model: {problem}", file=sys.stderr)
        return USAGE
    print(json.dumps(said) if as_json else table(said))
    return 0


@contextmanager
def _parts(folder: Path) -> Iterator[Any]:
    """A browser on a still page with the whole runtime around it: broker, permits, journal."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Event, Thread

    from agent.run_folder import RunFolder
    from agent.task import load_task
    from agent.watch import Silent
    from agent.wire_up import Wanted, wired
    from model.planned import PlanReader

    class Still(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = _HTML.format(fields=_FIELDS, rows=" ".join(f"Row {i}." for i in range(40))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Still)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    file = folder / "bench.yaml"
    file.write_text(
        f"version: 1\nname: bench\ngoal: Touch the button.\nsurface:\n  browser: {{start: '{url}/'}}\n"
        f"policy: {{preset: browse, narrow: {{origins: ['{url}']}}}}\n"
    )
    wanted = Wanted((), "deny", False, "")
    try:
        run = RunFolder.create(folder / "runs", "bench")
        with wired(load_task(file).bind(), wanted, run, PlanReader(), Silent(), Event()) as parts:
            yield parts
    finally:
        server.shutdown()
        server.server_close()


def _field(seen: Any, index: int) -> Any:
    return [node for node in seen.nodes if node.role == "textbox"][index % 12]


def _steps(parts: Any, n: int, pick: Callable[[Any, int], Any]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in PHASES}
    for index in range(n + 3):
        with parts.trail.step(index):
            spent = _one(parts, index, pick)
        if index >= 3:  # the first steps warm caches that a run warms once
            for name in PHASES:
                times[name].append(spent[name])
    return times


def _one(parts: Any, index: int, pick: Callable[[Any, int], Any]) -> dict[str, float]:
    """One step, on one thing after another; milliseconds by phase."""
    from actuators.action import Click
    from actuators.permit import Verifier

    spent: dict[str, float] = dict.fromkeys(PHASES, 0.0)
    seen = _timed(spent, "observe", parts.actuator.observe)
    action = Click(at=pick(seen, index).rect.centre)
    target = _timed(spent, "resolve", lambda: parts.actuator.target(action, seen))
    cleared = _timed(spent, "decide", lambda: parts.gate.clear(index, action, target, seen))
    _timed(spent, "journal", lambda: parts.trail.intent(index, cleared.permit, target, cleared.decision))
    verifier = Verifier(parts.gate.public_key, run_of(cleared), parts.gate.policy_digest)
    _timed(spent, "permit", lambda: verifier.accept(cleared.permit))
    receipt = _timed(spent, "act", lambda: parts.actuator.perform(cleared.permit))
    if receipt.status != "done":
        raise RuntimeError(f"the bench's own act was {receipt.status}: {receipt.detail}")
    _timed(spent, "journal", lambda: parts.trail.outcome(index, receipt))
    _timed(spent, "settle", parts.actuator.settle)
    _timed(spent, "journal", lambda: parts.keep_frame(seen))
    return spent


def run_of(cleared: Any) -> str:
    """The run that a permit was minted for."""
    return str(json.loads(cleared.permit.body)["run"])


def _timed(spent: dict[str, float], name: str, call: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    try:
        return call()
    finally:
        spent[name] += (time.perf_counter() - began) * 1000


def _percentiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50_ms": round(statistics.median(ordered), 3),
        "p95_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 3),
    }
