"""The pages on loopback: nothing else is served, and nothing leaves the machine."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from osworld_eval.miniwob.tasks import pages

__all__ = ["PageServer"]


class _Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "max-age=86400")
        super().end_headers()

    def list_directory(self, path: Any) -> None:
        self.send_error(404)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up early is no news."""


class PageServer:
    """Serves the installed pages on a free port of 127.0.0.1 from a thread. Use as a context manager.

    Raises:
        PagesMissing: the package is not installed.
    """

    def __init__(self, folder: Path | None = None) -> None:
        handler = partial(_Quiet, directory=str(folder or pages()))
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def may_load(self, url: str, method: str, kind: str) -> bool:
        """The gate of a browser that may see these pages and nothing else."""
        return url.startswith((f"{self.origin}/", "data:"))

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
