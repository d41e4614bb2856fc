"""A small office on this machine: one form that saves a name, in several states of repair."""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

FORM = '<form method="post" action="/save" id="form"><label>Name <input name="name"></label>{}</form>'
PAGES = {
    "plain": FORM.format('<button id="go">Save</button>'),
    "moved": "<p>Notice</p><p>Another</p>" + FORM.format('<div><div><button id="later">Save</button></div></div>'),
    "below": FORM.replace("{}", '<p style="height:1500px">Long</p>{}').format('<button id="go">Save</button>'),
    "twins": FORM.format('<button name="a">Save</button> <button name="b" formaction="/wrong">Save</button>'),
    "swapped": FORM.format('<button id="go" formaction="/wrong">Delete</button>'),
    "renamed": FORM.format('<button id="go">Save it</button>'),
    "elsewhere": '<script>history.replaceState(0, "", "/other")</script>'
    + FORM.format('<button id="go" formaction="/wrong">Save</button>'),
}


@dataclass
class Office:
    url: str = ""
    state: str = "plain"
    saved: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What was sent where nothing should have been."""

    def task(self, folder: Path) -> Path:
        origin = self.url.rstrip("/")
        told = {
            "version": 1,
            "name": "office",
            "goal": "Save {{name}}.",
            "surface": {"browser": {"start": self.url}},
            "inputs": {"name": {"type": "string", "default": "Ada Lovelace", "pattern": "[A-Za-z ]+"}},
            "policy": {"preset": "booking", "narrow": {"origins": [origin]}},
            "steps": ["type {{name}} into the Name field", "press Save"],
            "success": [{"kind": "text", "contains": "Saved {{name}}"}],
            "limits": {"steps": 40, "minutes": 5},
        }
        path = folder / "office.yaml"
        path.write_text(json.dumps(told))
        return path


@contextmanager
def office() -> Iterator[Office]:
    here = Office()

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(f"<!doctype html><title>Office</title><h1>Office</h1>{PAGES[here.state]}")

        def do_POST(self) -> None:
            sent = parse_qs(self.rfile.read(int(self.headers.get("content-length", 0))).decode())
            name = sent.get("name", [""])[0]
            (here.saved if self.path == "/save" else here.wrong).append(name)
            self._send(f"<!doctype html><title>Done</title><h1>Done</h1><p>Saved {html.escape(name)}</p>")

        def _send(self, text: str) -> None:
            data = text.encode()
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *given: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
