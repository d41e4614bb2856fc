"""`agent bench stop`: from a person's stop to the hand that has let go, with real events, in the middle of four acts.

A key chord and a motion of the mouse are made through XTEST on a private display, a signal as `agent stop` sends it.
Timed is from just before the event to the moment in which the act has returned and the hand would refuse the next.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from actuators.action import Action, Drag, OpenUrl, TypeText, Wait
from actuators.halt import RedStop
from agent.bench import load_beside
from agent.outcome import USAGE

__all__ = ["BUDGET_MS", "stop"]

BUDGET_MS = 200.0
_PAGE = """<!doctype html><title>Bench</title><style>div { position: absolute; width: 90px; height: 40px }</style>
<div id=pad tabindex=0 style="top: 10px; left: 10px">Pad</div>
<div id=card role=listitem tabindex=0 style="top: 90px; left: 10px">Card</div>
<div id=tray role=listitem tabindex=0 style="top: 90px; left: 300px">Tray</div><p id=n>0</p><script>
pad.addEventListener('keydown', (e) => { e.preventDefault() }); pad.focus();
addEventListener('mousemove', (e) => { if (e.buttons) for (const t = Date.now() + 40; Date.now() < t;); });
n.animate([{opacity: 0}, {opacity: 1}], {duration: 19000, iterations: 1}); setInterval(() => { n.textContent++ }, 5)
</script>"""


def stop(n: int, as_json: bool) -> int:
    """Stop each act `n` times in each way, and print how long the hand took to let go."""
    from sandboxes.base import SandboxUnavailable
    from sandboxes.display import Display

    try:
        with ExitStack() as stack:
            display = stack.enter_context(Display((640, 480)))
            os.environ["XAUTHORITY"] = str(display.authority)
            said = stack.enter_context(_Bench.ready(display.name)).measure(n)
    except SandboxUnavailable as problem:
        print(f"agent bench stop: {problem}", file=sys.stderr)
        return USAGE
    if as_json:
        print(json.dumps(said))
        return 0
    print(f"{'stopped by':<10}{'in a':<14}{'p50 ms':>9}{'p95 ms':>9}{'worst':>9}")
    for (way, act), one in ((tuple(name.split(".")), value) for name, value in said.items()):
        print(f"{way:<10}{act:<14}{one['p50_ms']:>9.1f}{one['p95_ms']:>9.1f}{one['worst_ms']:>9.1f}")
    print(f"budget: {BUDGET_MS:.0f} ms; {n} times each; {load_beside()}")
    return 0


class _Bench:
    """A browser with the whole runtime around it, and a person at a display."""

    def __init__(self, parts: Any, halt: RedStop, display: str, places: Mapping[str, str]) -> None:
        self._parts = parts
        self._halt = halt
        self._display = display
        self._places = places
        self._step = 0

    @classmethod
    @contextmanager
    def ready(cls, display: str) -> Iterator[_Bench]:
        from agent.run_folder import RunFolder
        from agent.task import load_task
        from agent.watch import Silent
        from agent.wire_up import Wanted, wired
        from model.planned import PlanReader
        from policies.narrow import all_anomalies

        with tempfile.TemporaryDirectory() as folder, _servers() as places:
            file = Path(folder) / "bench.yaml"
            origins = [places["page"].rstrip("/"), places["silent"].rstrip("/")]
            file.write_text(
                f"version: 1\nname: bench\ngoal: Stop.\nsurface:\n  browser: {{start: '{places['page']}'}}\n"
                f"policy: {{preset: sandbox, narrow: {{origins: {json.dumps(origins)}}}}}\n"
            )
            halt = RedStop()
            wanted = Wanted((), "deny", False, "", anomalies=all_anomalies("note"))
            run = RunFolder.create(Path(folder) / "runs", "bench")
            with wired(load_task(file).bind(), wanted, run, PlanReader(), Silent(), halt) as parts:
                yield cls(parts, halt, display, places)

    def measure(self, n: int) -> dict[str, dict[str, float]]:
        """Percentiles by `WAY.ACT`."""
        from sandboxes.person import Watch

        said: dict[str, dict[str, float]] = {}
        acts = {"typing": self._typing, "wait": self._wait, "drag": self._drag, "navigation": self._navigation}
        with _body(self._display) as body:
            ways: dict[str, Callable[[], None]] = {
                "key": lambda: body("key"),
                "mouse": lambda: body("mouse"),
                "signal": lambda: os.kill(os.getpid(), signal.SIGTERM),
            }
            for way, press in ways.items():
                for name, make in acts.items():
                    times = []
                    for _ in range(n):
                        with Watch(self._halt.press, self._display, mouse=True):
                            times.append(self._one(make, press, 0.05 if name == "drag" else 0.4))
                    said[f"{way}.{name}"] = _percentiles(times)
        return said

    def _one(self, make: Callable[[Any], Action], press: Callable[[], None], after_s: float) -> float:
        """Milliseconds from one stop to the end of the act that it stopped."""
        actuator = self._parts.actuator
        self._halt.clear()
        self._halt.why = ""
        actuator.open(self._places["page"], 5.0)
        seen = actuator.observe()
        action = make(seen)
        self._step += 1
        cleared = self._parts.gate.clear(self._step, action, actuator.target(action, seen), seen)
        if cleared.permit is None:
            raise RuntimeError(f"the bench's own act was not allowed: {cleared.decision}")
        at: list[float] = []

        def person() -> None:
            time.sleep(after_s)
            at.append(time.perf_counter())
            press()

        thread = threading.Thread(target=person)
        thread.start()
        receipt = actuator.perform(cleared.permit)
        over = time.perf_counter()
        thread.join()
        if not self._halt.is_set() or over < at[0]:
            raise RuntimeError(f"the act was over before it was stopped: {receipt.status} {receipt.detail}")
        return (over - at[0]) * 1000

    def _typing(self, seen: Any) -> Action:
        return TypeText(text=f"{self._step} " + "all work and no play " * 450)

    def _wait(self, seen: Any) -> Action:
        return Wait(seconds=60)

    def _drag(self, seen: Any) -> Action:
        named = {node.name: node.rect.centre for node in seen.nodes}
        return Drag(start=named["Card"], end=named["Tray"])

    def _navigation(self, seen: Any) -> Action:
        return OpenUrl(url=f"{self._places['silent']}?{self._step}")


@contextmanager
def _servers() -> Iterator[dict[str, str]]:
    """One that shows the page, and one that takes a question and never answers."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = _PAGE.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    silent = socket.create_server(("127.0.0.1", 0), backlog=1000)
    try:
        yield {
            "page": f"http://127.0.0.1:{server.server_address[1]}/",
            "silent": f"http://127.0.0.1:{silent.getsockname()[1]}/",
        }
    finally:
        silent.close()
        server.shutdown()
        server.server_close()


@contextmanager
def _body(name: str) -> Iterator[Callable[[str], None]]:
    """A person at a display: `key` presses the stop key, `mouse` pushes the mouse."""
    from sandboxes.base import SandboxUnavailable

    try:
        from Xlib import XK, X, display
        from Xlib.error import DisplayError
        from Xlib.ext import xtest
    except ImportError:
        raise SandboxUnavailable("the stop key needs python-xlib; try: pip install 'deskhand[desktop]'") from None
    try:
        screen = display.Display(name)
    except DisplayError as problem:
        raise SandboxUnavailable(f"the private display is gone: {' '.join(str(problem).split())}") from None
    codes = [screen.keysym_to_keycode(XK.string_to_keysym(one)) for one in ("Control_L", "Alt_L", "Escape")]
    place = [100]

    def does(what: str) -> None:
        if what == "mouse":
            place[0] = 100 + (place[0] + 37) % 200
            xtest.fake_input(screen, X.MotionNotify, x=place[0], y=place[0])
        else:
            for kind, which in ((X.KeyPress, codes), (X.KeyRelease, codes[::-1])):
                for code in which:
                    xtest.fake_input(screen, kind, code)
        screen.sync()

    try:
        yield does
    finally:
        screen.close()


def _percentiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1),
        "worst_ms": round(ordered[-1], 1),
    }
