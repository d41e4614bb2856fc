"""A guest and a browser that answer as upstream's machines do, keep what they were asked, and do nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from osworld_eval.osworld.machine import Kind

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
Answer = Callable[[str, str, bytes], tuple[int, bytes]]


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """An HTTP server on loopback; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, data = answer(self.command, self.path, body)
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PUT = do_GET

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class StandIn:
    """What a guest answers, and what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        """Path and JSON, or the raw body where it is none."""
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        """By path: one after the other, the last for ever."""

    def __call__(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        try:
            told: Any = json.loads(body)
        except ValueError:
            told = body
        self.asked.append((path, told))
        waiting = self.answers.get(path)
        if waiting:
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]
        match path:
            case "/screenshot":
                return 200, PNG
            case "/terminal":
                return 200, b'{"output": null, "status": "success"}'
            case "/screen_size":
                return 200, b'{"width": 1000, "height": 600}'
            case "/execute" | "/setup/execute":
                return 200, ran("out\n", "err\n", 0)
        return 200, b"{}"

    def of(self, path: str) -> list[Any]:
        return [told for asked, told in self.asked if asked == path]


def ran(output: str, error: str, code: int) -> bytes:
    return json.dumps({"status": "success", "output": output, "error": error, "returncode": code}).encode()


@dataclass
class Standing:
    """A `Machine` that is a stand-in."""

    address: str
    kind: Kind = "guest"
    token: str | None = None
    screen: tuple[int, int] = (1000, 600)
    ports: Mapping[str, int] = field(default_factory=dict)
    password: str = "password"

    def reset(self) -> float:
        return 0.0

    def close(self) -> None: ...
