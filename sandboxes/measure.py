"""How long places that can be thrown away take on this machine: a shadow of a page, and a home whose changes lie aside.

Numbers only; who prints them is somebody else's business.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar

from sandboxes.chromium import Chromium
from sandboxes.overlay import Overlay
from sandboxes.shadow import Shadows
from sandboxes.wire import Held

__all__ = ["overlay_ms", "shadow_ms"]

_PAGE = b"""<!doctype html><title>Pay</title><p>Total 89.00 EUR</p><form method=post action=/payment>
<input name=card value=1><input type=hidden name=amount value=89.00><button>Pay</button></form>"""
_FILES = 200
T = TypeVar("T")


def shadow_ms(n: int = 7) -> dict[str, float]:
    """From a live page to what a press would send: a page in a second browser, the press, and the page's end.

    `first` is with the start of that browser, which stays up for the others.
    """

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(_PAGE)))
            self.end_headers()
            self.wfile.write(_PAGE)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def reads(held: Held) -> bool:
        return held.url.startswith("http://127.0.0.1:")

    try:
        with Chromium((640, 480)) as chromium:
            live = chromium.new_page()
            live.goto(f"http://127.0.0.1:{server.server_address[1]}/")

            box = live.locator("button").bounding_box() or {"x": 0, "y": 0}
            with Shadows(chromium.like) as shadows:

                def once() -> None:
                    found = shadows.of(live, reads, lambda page: page.mouse.click(box["x"] + 5, box["y"] + 5))
                    if [one.method for one in found.would_send] != ["POST"]:
                        raise RuntimeError(f"the shadow would send {found.would_send}")

                first: list[float] = []
                _spent(first, once)
                return {**_timed(once, n), "first": first[0]}
    finally:
        server.shutdown()
        server.server_close()


def overlay_ms(n: int = 10) -> dict[str, dict[str, float]]:
    """Of a home with 200 files in which one was made, one changed and one deleted: `diff`, `commit` and `discard`."""
    times: dict[str, list[float]] = {"diff": [], "commit": [], "discard": []}
    for _ in range(n):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "home"
            home.mkdir()
            for number in range(_FILES):
                (home / f"{number}.txt").write_text("x" * 500)
            for name in ("commit", "discard"):
                overlay = Overlay(home, Path(folder) / name)
                script = f'cd "$1" && echo new > made && echo more >> {len(name)}.txt && rm {len(name) + 10}.txt'
                subprocess.run([*overlay.prefix, "sh", "-c", script, "sh", str(overlay.home)], check=True)
                if name == "commit":
                    shown = _spent(times["diff"], overlay.diff)
                    if not _spent(times["commit"], partial(overlay.commit, shown)).ok:
                        raise RuntimeError("the overlay could not be committed")
                _spent(times["discard"], overlay.discard)
    return {name: _percentiles(values) for name, values in times.items()}


def _spent(into: list[float], call: Callable[[], T]) -> T:
    began = time.perf_counter()
    try:
        return call()
    finally:
        into.append((time.perf_counter() - began) * 1000)


def _timed(once: Callable[[], None], n: int) -> dict[str, float]:
    taken: list[float] = []
    for _ in range(n):
        _spent(taken, once)
    return _percentiles(taken)


def _percentiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return {"p50": statistics.median(ordered), "p95": p95, "least": ordered[0]}
