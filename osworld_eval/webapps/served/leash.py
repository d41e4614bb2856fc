"""What every script in this folder shares: its two verbs, a plain WSGI server on loopback, and an end with its parent.

    python SCRIPT prepare FOLDER        seed FOLDER with a user and content; the password is in DEMO_PASSWORD
    python SCRIPT serve FOLDER PORT     serve it on 127.0.0.1:PORT until SIGTERM, or until stdin closes

These scripts run under the applications' own environment and know nothing of deskhand. They do not protect the
applications from other users of the machine: whoever reaches 127.0.0.1 reaches them.
"""

from __future__ import annotations

import os
import signal
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

__all__ = ["PASSWORD", "main", "serve_wsgi"]

PASSWORD = os.environ.get("DEMO_PASSWORD", "")

Wsgi = Callable[..., Iterable[bytes]]


def main(prepare: Callable[[Path], None], serve: Callable[[Path, int], None]) -> None:
    """Do what the command line says, with FOLDER as the current folder and the only home."""
    verb, folder = sys.argv[1], Path(sys.argv[2]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    os.environ["HOME"] = str(folder)
    if verb == "prepare":
        prepare(folder)
        return
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    serve(folder, int(sys.argv[3]))


def _end_with_stdin() -> None:
    """The parent's death closes stdin; SIGTERM to ourselves ends the server as an ordinary stop does."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


class _Threaded(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def serve_wsgi(app: Wsgi, port: int) -> None:
    """Serve one WSGI application until SIGTERM."""
    server = _Threaded(("127.0.0.1", port), _Quiet)
    server.set_app(app)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.serve_forever()
