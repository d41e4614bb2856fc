"""A guest that is none: files, answers to commands and nothing else, under the guest protocol on loopback.

For trying the scorer without a machine. It says 404 for a file that it was not given and 500 for a command that it does
not know, as upstream's server would.
"""

from __future__ import annotations

import json
import mimetypes
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

__all__ = ["PretendGuest", "State"]

HOME = "/home/user"


@dataclass(slots=True)
class State:
    """What is in the guest."""

    files: Mapping[str, Path] = field(default_factory=dict)
    """By the guest's path; where each lies here."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """What a command prints, by a text that occurs in it."""
    terminal: str | None = None
    tree: str | None = None
    """The accessibility tree; None makes it a 500."""
    folders: Mapping[str, Any] = field(default_factory=dict)
    """Directory trees by path."""
    screen: tuple[int, int] = (1920, 1080)
    window: tuple[int, int] | None = None
    wallpaper: Path | None = None


class PretendGuest:
    """Serves one state after the other.

    Args:
        shared: a folder whose files are served under `/shared/`, for addresses that tasks download from.
        token: what requests must bring; nobody asks when None.
    """

    def __init__(self, shared: Path | None = None, token: str | None = None) -> None:
        self.state = State()
        self.token = token
        self.asked: list[str] = []
        """Method and path of each request, in order."""
        outer = self

        class Handler(_Handler):
            guest = outer
            folder = shared

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Serve no more. May be called twice."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    guest: PretendGuest
    folder: Path | None

    def do_GET(self) -> None:
        self._meet(b"")

    def do_POST(self) -> None:
        self._meet(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""

    def _meet(self, body: bytes) -> None:
        self.guest.asked.append(f"{self.command} {self.path}")
        name = self.path.partition("?")[0]
        if name.startswith("/shared/"):
            path = (self.folder or Path("/nowhere")) / Path(name).name
            return self._file(path) if path.is_file() else self._say(404, {"error": "File not found"})
        if self.guest.token is not None and self.headers.get("Authorization") != f"Bearer {self.guest.token}":
            return self._say(401, {"error": "no token"})
        return self._answer(name, self._read(body))

    def _answer(self, name: str, told: Mapping[str, Any]) -> None:
        state = self.guest.state
        match name:
            case "/file":
                path = state.files.get(str(told.get("file_path")))
                return self._file(path) if path else self._say(404, {"error": "File not found"})
            case "/execute" | "/setup/execute":
                return self._run(told.get("command"))
            case "/terminal":
                return self._say(200, {"output": state.terminal, "status": "success"})
            case "/accessibility" if state.tree is not None:
                return self._say(200, {"AT": state.tree})
            case "/screen_size":
                return self._say(200, {"width": state.screen[0], "height": state.screen[1]})
            case "/window_size" if state.window is not None:
                return self._say(200, {"width": state.window[0], "height": state.window[1]})
            case "/desktop_path":
                return self._say(200, {"desktop_path": f"{HOME}/Desktop"})
            case "/list_directory" if str(told.get("path")) in state.folders:
                return self._say(200, {"directory_tree": state.folders[str(told.get("path"))]})
            case "/list_directory":
                return self._say(400, {"error": "no such directory"})
            case "/wallpaper" if state.wallpaper is not None:
                return self._file(state.wallpaper)
            case "/setup/launch":
                return self._say(200, {"status": "success"})
            case "/requests/status.xml":
                path = state.files.get("status.xml")
                return self._file(path) if path else self._say(404, {})
        return self._say(500, {"status": "error", "message": f"no {name}"})

    def _run(self, command: Any) -> None:
        line = " ".join(command) if isinstance(command, list) else str(command)
        output = next((said for part, said in self.guest.state.outputs.items() if part in line), None)
        if output is None and "platform.system()" in line:
            output = "Linux\n"
        if output is None and (found := re.search(r"expanduser\(\s*'~/([^']+)'\)|getenv\('HOME'\), '([^']+)'\)", line)):
            output = f"{HOME}/{found[1] or found[2]}\n"
        if output is None and (found := re.search(r"expanduser\('~'\), 'Desktop', '([^']+)'\)", line)):
            output = f"{HOME}/Desktop/{found[1]}\n"
        if output is None:
            return self._say(500, {"status": "error", "message": "no such command"})
        return self._say(200, {"status": "success", "output": output, "error": f"E{output}", "returncode": 0})

    def _read(self, body: bytes) -> Mapping[str, Any]:
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("application/json"):
            told = json.loads(body or b"{}")
            return told if isinstance(told, dict) else {}
        return {key: values[0] for key, values in parse_qs(body.decode()).items()}

    def _file(self, path: Path) -> None:
        size = path.stat().st_size
        self.send_response(200)
        self.send_header("Content-Type", mimetypes.guess_type(path.name)[0] or "application/octet-stream")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        try:
            with path.open("rb") as file:
                while piece := file.read(2**20):
                    self.wfile.write(piece)
        except OSError:
            self.close_connection = True

    def _say(self, status: int, told: object) -> None:
        data = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
