"""A desk that takes one form: every kind of field, a script that saves drafts on its own, and a list of what it has."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

FORM = """<!doctype html><title>Desk</title><h1>Order a desk</h1>
<form method="post" action="/save">
<p><label>Name <input name="name"></label> <label>Day <input name="day" type="date"></label></p>
<p><label>Wood <select name="wood"><option>oak</option><option>beech</option><option>pine</option></select></label></p>
<p><label><input type="checkbox" name="oiled"> Oiled</label>
<label><input type="radio" name="size" value="s"> Small</label> <label><input type="radio" name="size" value="l"> Large</label></p>
<p><label>Remarks <textarea name="remarks"></textarea></label></p>
<p><label>Password <input type="password" name="password"></label></p>
<p><button>Pay 80.00 EUR</button></p></form>
<script>document.addEventListener('input', () => fetch('/draft', { method: 'POST', body: 'x=1' }));
localStorage.setItem('seen', (localStorage.getItem('seen') || '') + '.');
sessionStorage.setItem('tab', sessionStorage.getItem('tab') || 'first');</script>"""
STEPS = (
    "type Ada into the Name field",
    "type 2026-12-14 into the Day field",
    "choose beech in the Wood list",
    "check Oiled",
    "press Large",
    "type <secret:password> into the Password field",
    "press the Pay 80.00 EUR button",
)


@dataclass
class Desk:
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    orders: list[dict[str, list[str]]] = field(default_factory=list)

    def posts(self, path: str) -> int:
        return self.asked.count(("POST", path))

    def task(self, folder: Path, url: str = "", name: str = "desk.yaml", **more: Any) -> Path:
        start = url or self.url
        origin = start.rstrip("/")
        told: dict[str, Any] = {
            "version": 1,
            "name": "desk",
            "goal": "Order a desk for Ada.",
            "surface": {"browser": {"start": start}},
            "secrets": {"password": {"env": "DEMO_CARD", "origins": [origin]}},
            "policy": {"preset": "booking", "narrow": {"origins": [origin], "ask_above": "250 EUR", "max_buys": 1}},
            "steps": [*STEPS],
            "success": [{"kind": "text", "contains": "Ordered"}],
            "reconcile": [
                {
                    "open": f"{start}orders",
                    "happened": [{"kind": "text", "contains": "Ordered: Ada"}],
                    "not_happened": [{"kind": "text", "contains": "Nothing ordered"}],
                }
            ],
            "limits": {"steps": 40, "minutes": 2},
            **more,
        }
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(json.dumps(told))
        return path


@contextmanager
def desk() -> Iterator[Desk]:
    here = Desk()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            here.asked.append(("GET", self.path))
            orders = "".join(f"<p>Ordered: {one['name'][0]}</p>" for one in here.orders) or "<p>Nothing ordered</p>"
            self._send(f"<!doctype html><title>Orders</title>{orders}" if self.path == "/orders" else FORM)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            here.asked.append(("POST", self.path))
            if self.path == "/save":
                here.orders.append(parse_qs(body))
            self._send("<!doctype html><title>Done</title><h1>Ordered</h1>")

        def _send(self, text: str) -> None:
            data = text.encode()
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *given: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
