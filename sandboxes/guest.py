"""A machine that speaks the OSWorld guest protocol over HTTP: pictures, the accessibility tree, programs and files.

Only the address that the operator gave is ever spoken to: no redirects are followed and no proxies asked. Every request
has a bound in time and every answer one in size. A request that may have done something is never sent twice.

The protocol's quirks are met here, so that nobody else has to know them: `/execute` says `returncode` and `/run_python`
says `return_code`; `/run_bash_script` may answer 500 although the script ran; a file that is not there yet is a 404
that may go away; a program that fails is a 200.

What this does not protect against: the machine answers whatever it wants to, and upstream's own server listens to
everybody who can reach it. Its answers are data.
"""

from __future__ import annotations

import http.client
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from sandboxes.base import SandboxUnavailable

__all__ = ["Guest", "GuestGone", "GuestSaid", "Ran", "Tree"]

MOST_FILE = 512 * 2**20
_MOST_PICTURE = 64 * 2**20
_MOST_TREE = 64 * 2**20
_MOST_TEXT = 32 * 2**20
_PIECE = 2**18
_AGAIN_S = 0.25
_TRIES = 3

Tree = Mapping[str, Any]
"""`{"type": "directory", "name": ..., "children": [...]}`, as the guest tells it."""


class GuestGone(Exception):
    """The machine does not answer, or not in time. What was asked for may have happened unless `unsent`."""

    def __init__(self, words: str, unsent: bool = False) -> None:
        super().__init__(words)
        self.unsent = unsent
        """No connection was made, so nothing can have happened."""


class GuestSaid(Exception):
    """The machine answered that it could not. One line."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"the guest answered {status}: {words}")
        self.status = status
        self.words = words


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program in the guest ended."""

    code: int | None
    """None where the guest does not tell, though it ran: upstream's broken `/run_bash_script`."""
    output: str
    error: str


class Guest:
    """One guest. Holds no connection; may be used from several threads.

    Args:
        address: `http://HOST:PORT`, as the operator gave it.
        token: sent as `Authorization: Bearer TOKEN`; upstream's servers know none.
        bound_s: for each request that has no bound of its own.

    Raises:
        SandboxUnavailable: the address is none.
    """

    def __init__(self, address: str, token: str = "", bound_s: float = 20.0) -> None:
        shape = urlsplit(address)
        try:
            port = shape.port
        except ValueError:
            port = -1
        plain = (
            port != -1 and shape.path in ("", "/") and not shape.query and not shape.fragment and shape.username is None
        )
        if shape.scheme not in ("http", "https") or not shape.hostname or not plain:
            raise SandboxUnavailable(f"`{address[:120]}` is no guest, expected an address like `http://127.0.0.1:5000`")
        if re.search(r"[\s\x00-\x1f]", token):
            raise SandboxUnavailable("the guest's token must be a single word")
        self._secure = shape.scheme == "https"
        self._host, self._port = shape.hostname, port or (443 if self._secure else 5000)
        self._token = token
        self._bound_s = bound_s

    @property
    def address(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._secure else 'http'}://{host}:{self._port}"

    # Looking

    def screenshot(self) -> bytes:
        """PNG of the whole screen, the pointer drawn in. Raises `GuestGone`, `GuestSaid`."""
        png = self._asked_again("/screenshot", _MOST_PICTURE)
        if not png.startswith(b"\x89PNG\r\n\x1a\n"):
            raise GuestSaid(200, "what it sent as a screenshot is no PNG picture")
        return png

    def accessibility(self, bound_s: float = 60.0) -> str:
        """The accessibility tree as XML. Raises `GuestGone`, `GuestSaid`."""
        told = _object(self._asked_again("/accessibility", _MOST_TREE, bound_s))
        if not isinstance(told.get("AT"), str):
            raise GuestSaid(200, "its accessibility tree has no text")
        return str(told["AT"])

    def terminal(self) -> str | None:
        """The text of the terminal in front; None where there is none."""
        said = _object(self._asked_again("/terminal", _MOST_TEXT)).get("output")
        return said if isinstance(said, str) else None

    def platform(self) -> str:
        """`Linux`, `Windows` or `Darwin`, as it says."""
        return self._asked_again("/platform", 4096).decode("utf-8", "replace").strip()

    def cursor(self) -> tuple[int, int]:
        told = _json(self._asked_again("/cursor_position", 4096))
        if not isinstance(told, list) or len(told) != 2:
            raise GuestSaid(200, "its pointer is nowhere")
        return int(told[0]), int(told[1])

    def screen_size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return _size(_object(self._post("/screen_size")))

    def window_size(self, app_class: str) -> tuple[int, int] | None:
        """Of the first window of this class; None where there is none, which upstream answers with 500."""
        try:
            return _size(_object(self._form("/window_size", {"app_class_name": app_class})))
        except GuestSaid as said:
            if said.status in (404, 500):
                return None
            raise

    def desktop_path(self) -> str | None:
        try:
            return str(_object(self._post("/desktop_path"))["desktop_path"])
        except (GuestSaid, KeyError):
            return None

    def wallpaper(self) -> bytes | None:
        try:
            return self._post("/wallpaper", most=_MOST_PICTURE)
        except GuestSaid:
            return None

    # Programs

    def execute(self, command: str | Sequence[str], shell: bool = False, bound_s: float = 125.0) -> Ran:
        """Run a program to its end. A list is passed on as it is and meets no shell.

        Raises:
            GuestSaid: it could not be started, or did not end in time.
            GuestGone: no answer; it may have run.
        """
        told = {"command": command if isinstance(command, str) else list(command), "shell": shell}
        return _ran(_object(self._post("/execute", told, bound_s, _MOST_TEXT)))

    def verified(
        self,
        command: str | Sequence[str],
        verification: Mapping[str, Any],
        shell: bool = False,
        wait_s: float = 10.0,
        interval_s: float = 1.0,
    ) -> bool:
        """Run a program and wait until a window or a command says that it worked; False when none did."""
        told = {
            "command": command if isinstance(command, str) else list(command),
            "shell": shell,
            "verification": dict(verification),
            "max_wait_time": wait_s,
            "check_interval": interval_s,
        }
        try:
            answer = _object(self._post("/execute_with_verification", told, wait_s + 130, _MOST_TEXT))
        except GuestSaid as said:
            if said.status == 500 and "verification" in said.words:
                return False
            raise
        return answer.get("verification") == "passed"

    def launch(self, command: str | Sequence[str], shell: bool = False) -> None:
        """Start a program and leave it. Raises `GuestSaid`, `GuestGone`."""
        self._post("/setup/launch", {"command": command if isinstance(command, str) else list(command), "shell": shell})

    def run_python(self, code: str, bound_s: float = 90.0) -> Ran:
        """Run a Python program of the caller's. Whatever the program's end, the guest answers 200."""
        told = _object(self._post("/run_python", {"code": code}, bound_s, _MOST_TEXT))
        return _ran(told)

    def run_bash(self, script: str, timeout_s: float = 100.0, folder: str | None = None) -> Ran:
        """Run a script of the caller's, once: a 500 that says `returncode: -1` means that it ran and nothing is told.

        Raises:
            GuestSaid: it did not end in time, or there is no such endpoint.
            GuestGone: no answer; it may have run.
        """
        told: dict[str, Any] = {"script": script, "timeout": timeout_s}
        if folder is not None:
            told["working_dir"] = folder
        status, data = self._send("POST", "/run_bash_script", *_as_json(told), timeout_s + 15, _MOST_TEXT)
        if status == 200:
            return _ran(_object(data))
        said = _json(data, quiet=True)
        if status == 500 and isinstance(said, dict) and said.get("returncode") == -1 and not _timed_out(said):
            return Ran(None, "", str(said.get("error") or said.get("message") or ""))
        raise GuestSaid(status, _words(data))

    def open_file(self, path: str, bound_s: float = 1810.0) -> None:
        """Open a file, or a program by its name, and wait for its window. Raises `GuestSaid`, `GuestGone`."""
        self._post("/setup/open_file", {"path": path}, bound_s)

    def activate_window(self, name: str, strict: bool = False, by_class: bool = False) -> None:
        """Bring a window to the front; the guest says yes even where it has none."""
        self._post("/setup/activate_window", {"window_name": name, "strict": strict, "by_class": by_class})

    def close_window(self, name: str, strict: bool = False, by_class: bool = False) -> None:
        self._post("/setup/close_window", {"window_name": name, "strict": strict, "by_class": by_class})

    def change_wallpaper(self, path: str) -> None:
        self._post("/setup/change_wallpaper", {"path": path})

    def start_recording(self) -> None:
        self._post("/start_recording")

    def end_recording(self) -> bytes:
        """The film. Raises `GuestSaid` when none was being made."""
        return self._post("/end_recording", bound_s=60, most=MOST_FILE)

    # Files

    def download(self, path: str, wait_s: float = 0.0, most: int = MOST_FILE) -> bytes | None:
        """A file of the guest's; None where there is none, or none came within `wait_s`.

        Raises:
            GuestSaid: it is there and cannot be read, or is larger than `most` bytes.
            GuestGone: no answer.
        """
        until = time.monotonic() + wait_s
        while True:
            body, kind = urlencode({"file_path": path}).encode(), "application/x-www-form-urlencoded"
            status, data = self._send("POST", "/file", body, kind, 120.0, most)
            if status == 200:
                return data
            if status != 404:
                raise GuestSaid(status, _words(data))
            if time.monotonic() >= until:
                return None
            time.sleep(min(_AGAIN_S, max(0.0, until - time.monotonic())))  # there is nothing to watch but the answer

    def upload(self, path: str, data: bytes) -> None:
        """Write a file, with the folders above it. Raises `GuestSaid`, `GuestGone`."""
        edge = secrets.token_hex(16)
        head = (
            f'--{edge}\r\nContent-Disposition: form-data; name="file_path"\r\n\r\n{path}\r\n'
            f'--{edge}\r\nContent-Disposition: form-data; name="file_data"; filename="file"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + data + f"\r\n--{edge}--\r\n".encode()
        status, said = self._send("POST", "/setup/upload", body, f"multipart/form-data; boundary={edge}", 600.0, 2**20)
        if status != 200:
            raise GuestSaid(status, _words(said))

    def download_into(self, url: str, path: str) -> None:
        """Let the guest itself fetch an address into a file."""
        self._post("/setup/download_file", {"url": url, "path": path}, 300.0)

    def list_directory(self, path: str) -> Tree | None:
        """A folder and all below it; None where there is none."""
        try:
            told = _object(self._post("/list_directory", {"path": path}, most=_MOST_TEXT))
        except GuestSaid as said:
            if said.status in (400, 404):
                return None
            raise
        tree = told.get("directory_tree")
        return tree if isinstance(tree, dict) else None

    # Sending

    def _asked_again(self, path: str, most: int, bound_s: float | None = None) -> bytes:
        """A question that changes nothing: asked again when it fails."""
        for left in reversed(range(_TRIES)):
            try:
                status, data = self._send("GET", path, None, "", bound_s or self._bound_s, most)
                if status == 200:
                    return data
                if not left or status < 500:
                    raise GuestSaid(status, _words(data))
            except GuestGone as gone:
                if not left or gone.unsent:
                    raise
            time.sleep(_AGAIN_S)
        raise AssertionError("unreachable")

    def _post(self, path: str, told: Any = None, bound_s: float | None = None, most: int = 2**20) -> bytes:
        status, data = self._send("POST", path, *_as_json({} if told is None else told), bound_s or self._bound_s, most)
        if status != 200:
            raise GuestSaid(status, _words(data))
        return data

    def _form(self, path: str, fields: Mapping[str, str]) -> bytes:
        kind = "application/x-www-form-urlencoded"
        status, data = self._send("POST", path, urlencode(fields).encode(), kind, self._bound_s, 2**20)
        if status != 200:
            raise GuestSaid(status, _words(data))
        return data

    def _send(
        self, method: Literal["GET", "POST"], path: str, body: bytes | None, kind: str, bound_s: float, most: int
    ) -> tuple[int, bytes]:
        """One request on a connection of its own, so that it is never unclear which of two was answered."""
        until = time.monotonic() + bound_s
        made = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        line = made(self._host, self._port, timeout=min(bound_s, self._bound_s))
        try:
            try:
                line.connect()
            except OSError as error:
                raise GuestGone(f"the guest at {self.address} cannot be reached: {_why(error)}", True) from None
            headers = {"Connection": "close", **({"Content-Type": kind} if kind else {})}
            if self._token:
                headers["Authorization"] = f"Bearer {self._token}"
            line.sock.settimeout(bound_s)
            line.request(method, path, body, headers)
            answer = line.getresponse()
            return answer.status, self._read(line, answer, until, most)
        except GuestGone:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise GuestGone(f"the guest at {self.address} broke off ({path}): {_why(error)}") from None
        finally:
            line.close()

    def _read(
        self, line: http.client.HTTPConnection, answer: http.client.HTTPResponse, until: float, most: int
    ) -> bytes:
        pieces, size = [], 0
        while piece := answer.read1(_PIECE):
            size += len(piece)
            if size > most:
                raise GuestSaid(answer.status, f"its answer is larger than {most} bytes")
            pieces.append(piece)
            left = until - time.monotonic()
            if left <= 0:
                raise GuestGone(f"the guest at {self.address} did not finish its answer in time")
            if line.sock is not None:
                line.sock.settimeout(left)
        if answer.length:
            raise GuestGone(f"the guest at {self.address} broke off in the middle of its answer")
        return b"".join(pieces)


def _as_json(told: Any) -> tuple[bytes, str]:
    return json.dumps(told).encode(), "application/json"


def _json(data: bytes, quiet: bool = False) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        if quiet:
            return None
        raise GuestSaid(200, "its answer is no JSON") from None


def _object(data: bytes) -> dict[str, Any]:
    told = _json(data)
    if not isinstance(told, dict):
        raise GuestSaid(200, "its answer is no JSON object")
    return told


def _size(told: dict[str, Any]) -> tuple[int, int]:
    width, height = told.get("width"), told.get("height")
    if not isinstance(width, int) or not isinstance(height, int) or min(width, height) <= 0:
        raise GuestSaid(200, "the size it told is none")
    return width, height


def _ran(told: dict[str, Any]) -> Ran:
    """`returncode` or `return_code`, as the endpoint calls it."""
    code = told.get("returncode", told.get("return_code"))
    said = [told.get(name) for name in ("output", "error")]
    output, error = ("" if one is None else str(one) for one in said)
    return Ran(code if isinstance(code, int) else None, output, error)


def _timed_out(said: Mapping[str, Any]) -> bool:
    return any(
        word in f"{said.get('error', '')} {said.get('message', '')}".lower() for word in ("timed out", "timeout")
    )


def _words(data: bytes) -> str:
    """The first line of an answer that says no, its own words where it has some."""
    told = _json(data, quiet=True)
    text = data.decode("utf-8", "replace")
    if isinstance(told, dict):
        text = next((str(told[name]) for name in ("message", "error", "status") if told.get(name)), text)
        if "verification" in told:
            text = f"verification {told['verification']}: {text}"
    return " ".join(text.split())[:200] or "nothing"


def _why(error: BaseException) -> str:
    with suppress(Exception):
        if isinstance(error, TimeoutError):
            return "no answer in time"
    return " ".join(f"{type(error).__name__}: {error}".split())[:160]
