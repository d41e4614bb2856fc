"""Our desktop sandbox under the OSWorld guest protocol, on loopback, with a token.

    python -m sandboxes.guest_server --port 0 --app mousepad

prints one line of JSON, `{"address": ..., "token": ...}`, and serves until it is ended. Whoever has the token can do
everything in the sandbox and nothing outside it: programs and files are those of the jail.

Where it differs from upstream's server: it wants the token; `/run_bash_script` tells how the script ended (with
`--quirks` it answers 500 as upstream's does); recordings are Motion JPEG; there is no wallpaper; waits for a window
that never comes end after two minutes and not after half an hour.
"""

from __future__ import annotations

import argparse
import hmac
import io
import json
import os
import secrets
import shlex
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sandboxes.base import SandboxUnavailable
from sandboxes.desktop import Desktop, programs_of
from sandboxes.display import opened_with
from sandboxes.guest_tree import GuestTree
from sandboxes.jail import DESK

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from sandboxes.recording import Recording

__all__ = ["GuestServer", "guest_desktop"]

START_S = 20.0
_INSIDE = "deskhand-guest"
_PYAUTOGUI = ("pyautogui", "pytweening", "pymsgbox", "pyscreeze")
"""By which OSWorld's tasks press keys."""
_AT = "/run/guest"
_MOST_UPLOAD = 512 * 2**20
_WINDOW_S = 120.0
_LOOKS_S = 0.1
_PYTHON_S = 30.0


def guest_desktop(
    apps: Sequence[str] = (),
    home: Path | None = None,
    size: tuple[int, int] = (1920, 1080),
    programs: Mapping[str, Sequence[str]] | None = None,
    share: Sequence[tuple[Path, str]] = (),
    folder: Path | None = None,
    user: str = "agent",
) -> Desktop:
    """A desktop, not started, that a `GuestServer` can serve.

    Args:
        apps: programs by their names.
        home: the folder below the home; None for an empty one.
        size: of the screen.
        programs: further ones, as for `Desktop`.
        share: as for `Desktop`.
        folder: as for `Desktop`.
        user: the name of the one user inside; `user` is what OSWorld's tasks expect.

    Raises:
        SandboxUnavailable: one of the programs is not installed.
    """
    inside = [(Path(__file__).with_name("guest_inside.py"), f"{_AT}/inside.py"), *_libraries()]
    all_ = {**programs_of(apps), **(programs or {}), _INSIDE: ("/usr/bin/python3", f"{_AT}/inside.py")}
    return Desktop(all_, home, folder, size, share=[*inside, *share], user=user)


def _libraries() -> list[tuple[Path, str]]:
    """What programs that act on the display import: python-xlib, and pyautogui where it is there to be handed in."""
    from importlib.util import find_spec

    found = []
    for name in ("Xlib", "six", *_PYAUTOGUI):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            if name in _PYAUTOGUI:
                continue
            raise SandboxUnavailable("python-xlib is not installed; try: pip install 'deskhand[desktop]'")
        place = Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
        found.append((place, f"{_AT}/lib/{place.name}"))
    return [*found, (Path("/usr/bin/python3"), f"{_AT}/bin/python")]


class _Refused(Exception):
    """An answer that says no."""

    def __init__(self, code: int, /, **told: Any) -> None:
        super().__init__(str(told))
        self.code = code
        self.told = told


class GuestServer:
    """Serves one started desktop from a thread of its own.

    Args:
        desktop: of `guest_desktop`, started.
        token: what a request must bring; a fresh one when empty.
        port: on loopback; 0 for any.
        quirks: whether `/run_bash_script` answers as upstream's.
        door: a listening socket to serve on in place of `port`; it stays its owner's, and open.
    """

    def __init__(
        self,
        desktop: Desktop,
        token: str = "",
        port: int = 0,
        quirks: bool = False,
        door: socket.socket | None = None,
    ) -> None:
        self.token = token or secrets.token_urlsafe(24)
        self.address = ""
        self._desktop = desktop
        self._port = port
        self._quirks = quirks
        self._door = door
        self._eyes = ThreadPoolExecutor(1, thread_name_prefix="guest-display")
        """The one thread that speaks to the display."""
        self._x: Any = None
        self._mss: Any = None
        self._reading = threading.Lock()
        desk = desktop.bus.parent
        self._tree = GuestTree(desktop.bus, desk, DESK)
        self._recording: tuple[Recording, Path] | None = None
        self._server: Any = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start. Raises `SandboxUnavailable`; nothing is left running then."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        """Stop serving; the desktop is its owner's. May be called twice."""
        server, self._server = self._server, None
        if server is not None:
            server.should_exit = server.force_exit = True
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None
        recording, self._recording = self._recording, None
        if recording is not None:
            recording[0].close()
            recording[1].unlink(missing_ok=True)
        if self._x is not None or self._mss is not None:
            with suppress(Exception):
                self._eyes.submit(self._shut).result(5)
        self._tree.close()
        self._eyes.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        try:
            import uvicorn
        except ImportError:
            raise SandboxUnavailable("uvicorn is not installed; try: pip install 'deskhand[sites]'") from None
        program = self._desktop.launch(_INSIDE, (f"{DESK}/guest.sock",))
        until = time.monotonic() + START_S
        while not self.line.exists():
            if program.failed or self._desktop.ended(program) or time.monotonic() > until:
                why = program.failed or self._desktop.ended(program) or "it did not begin in time"
                raise SandboxUnavailable(f"the guest's own program did not start: {why}")
            time.sleep(0.01)  # there is nothing to watch: the folder is shared with a jail
        door = self._door.dup() if self._door else socket.create_server(("127.0.0.1", self._port), backlog=128)
        self.address = f"http://127.0.0.1:{door.getsockname()[1]}"
        config = uvicorn.Config(self.application(), log_level="error", access_log=False, lifespan="off")
        self._server = server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=server.run, args=([door],), daemon=True)
        self._thread.start()
        while not server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise SandboxUnavailable("the guest's server did not start")
            time.sleep(0.01)

    def application(self) -> Starlette:
        """All endpoints, behind the token."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        routes = [
            Route(path, self._endpoint(does), methods=[method])
            for method, paths, does in self._table()
            for path in paths
        ]
        return Starlette(routes=routes)

    def _table(self) -> list[tuple[str, tuple[str, ...], Callable[[Any], Response]]]:
        return [
            ("POST", ("/execute", "/setup/execute"), self._execute),
            ("POST", ("/execute_with_verification", "/setup/execute_with_verification"), self._verified),
            ("POST", ("/setup/launch",), self._launch),
            ("GET", ("/screenshot",), lambda _: _bytes(self._seen(self._screenshot), "image/png")),
            (
                "GET",
                ("/terminal",),
                lambda _: _answer(output=self._trees(lambda tree: tree.terminal()), status="success"),
            ),
            ("GET", ("/accessibility",), lambda _: _answer(AT=self._trees(lambda tree: tree.xml()))),
            ("POST", ("/screen_size",), self._screen_size),
            ("POST", ("/window_size",), self._window_size),
            ("POST", ("/desktop_path",), self._desktop_path),
            ("POST", ("/wallpaper",), self._no_wallpaper),
            ("POST", ("/list_directory",), self._list),
            ("POST", ("/file",), self._file),
            ("POST", ("/setup/upload",), self._upload),
            ("POST", ("/setup/download_file",), self._fetch),
            ("GET", ("/platform",), lambda _: _text("Linux")),
            ("GET", ("/cursor_position",), lambda _: _json(self._seen(self._cursor))),
            ("POST", ("/setup/change_wallpaper",), self._no_wallpaper),
            ("POST", ("/setup/open_file",), self._open),
            ("POST", ("/setup/activate_window",), lambda told: self._to_window(told, "_NET_ACTIVE_WINDOW")),
            ("POST", ("/setup/close_window",), lambda told: self._to_window(told, "_NET_CLOSE_WINDOW")),
            ("POST", ("/start_recording",), self._record),
            ("POST", ("/end_recording",), self._recorded),
            ("POST", ("/run_python",), self._run_python),
            ("POST", ("/run_bash_script",), self._run_bash),
        ]

    def _endpoint(self, does: Callable[[Any], Response]) -> Callable[[Request], Any]:
        from starlette.concurrency import run_in_threadpool

        async def answer(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
                return _answer(401, error="this guest wants its token: Authorization: Bearer TOKEN")
            try:
                told = await _told(request)
                return await run_in_threadpool(does, told)
            except _Refused as refused:
                return _answer(refused.code, **refused.told)
            except Exception as error:
                return _answer(500, status="error", message=" ".join(f"{type(error).__name__}: {error}".split())[:300])

        return answer

    # The program inside

    @property
    def line(self) -> Path:
        """The socket of the program in the jail; see `sandboxes.guest_inside`."""
        return self._desktop.bus.parent / "guest.sock"

    def _in(self, do: str, data: bytes = b"", **told: Any) -> dict[str, Any]:
        """Ask the program in the jail; `failed` in its answer becomes a 500."""
        answer, _ = self._in_whole(do, data, **told)
        if "failed" in answer:
            raise _Refused(500, status="error", message=answer["failed"])
        return answer

    def _in_whole(self, do: str, data: bytes = b"", **told: Any) -> tuple[dict[str, Any], bytes]:
        if why := self._desktop.trouble():
            raise _Refused(500, status="error", message=why)
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(float(told.get("timeout", 120)) + 30)
            line.connect(str(self.line))
            with line.makefile("rwb") as file:
                file.write(json.dumps({"do": do, "size": len(data), **told}).encode() + b"\n" + data)
                file.flush()
                answer = json.loads(file.readline() or b'{"failed": "the guest\'s own program broke off"}')
                return answer, file.read(int(answer.get("size", 0)))

    # Programs

    def _execute(self, told: dict[str, Any]) -> Response:
        ran = self._in("execute", command=_command(told), shell=bool(told.get("shell")))
        return _answer(status="success", output=ran["output"], error=ran["error"], returncode=ran["code"])

    def _verified(self, told: dict[str, Any]) -> Response:
        ran = self._in("execute", command=_command(told), shell=bool(told.get("shell")))
        wanted = told.get("verification") or {}
        longest, every = float(told.get("max_wait_time", 10)), float(told.get("check_interval", 1))
        said = {"output": ran["output"], "error": ran["error"], "returncode": ran["code"]}
        began = time.monotonic()
        while True:
            waited = time.monotonic() - began
            if self._holds(wanted):
                return _answer(status="success", verification="passed", wait_time=waited, **said)
            if waited >= longest:
                told = {"status": "verification_failed", "verification": "failed", "wait_time": waited, **said}
                return _answer(500, **told)
            time.sleep(min(max(every, 0.05), max(0.0, longest - waited)))

    def _holds(self, wanted: Mapping[str, Any]) -> bool:
        if name := wanted.get("window_exists"):
            titles = [title for _, title, _ in self._seen(self._windows)]
            if not any(str(name).lower() in title.lower() for title in titles):
                return False
        if command := wanted.get("command_success"):
            answer, _ = self._in_whole("execute", command=command, shell=isinstance(command, str), timeout=5)
            return bool(answer.get("code") == 0)
        return True

    def _launch(self, told: dict[str, Any]) -> Response:
        command = _command(told)
        self._in("launch", command=command, shell=bool(told.get("shell")))
        shown = command if isinstance(command, str) else " ".join(map(str, command))
        return _text(f"{shown} launched successfully")

    def _run_python(self, told: dict[str, Any]) -> Response:
        code = told.get("code")
        if not isinstance(code, str) or not code:
            raise _Refused(400, status="error", message="Code not supplied")
        ran = self._in("execute", command=["/usr/bin/python3", "-c", code], timeout=_PYTHON_S)
        good = ran["code"] == 0
        return _answer(
            status="success" if good else "error",
            message=ran["output"] + ran["error"],
            need_more=False,
            output=ran["output"],
            error=ran["error"],
            return_code=ran["code"],
        )

    def _run_bash(self, told: dict[str, Any]) -> Response:
        script = told.get("script")
        if not isinstance(script, str) or not script:
            raise _Refused(400, status="error", output="Script not supplied", error="", returncode=-1)
        longest = float(told.get("timeout", 100))
        command = ["/bin/bash", "-c", script]
        ran, _ = self._in_whole("execute", command=command, timeout=longest, cwd=told.get("working_dir"), merged=True)
        if "failed" in ran:
            why = f"Script execution timed out after {longest:g} seconds" if ran.get("late") else ran["failed"]
            raise _Refused(500, status="error", output="", error=why, returncode=-1)
        if self._quirks:
            raise _Refused(500, status="error", output="", error="name 'append_event' is not defined", returncode=-1)
        status = "success" if ran["code"] == 0 else "error"
        return _answer(status=status, output=ran["output"], error="", returncode=ran["code"])

    # Files

    def _file(self, told: dict[str, Any]) -> Response:
        path = told.get("file_path")
        if not path:
            raise _Refused(400, error="file_path is required")
        answer, data = self._in_whole("read", path=str(path), most=_MOST_UPLOAD)
        if answer.get("missing"):
            raise _Refused(404, error="File not found")
        if "failed" in answer:
            raise _Refused(500, error=answer["failed"])
        return _bytes(data, "application/octet-stream", Path(str(path)).name)

    def _upload(self, told: dict[str, Any]) -> Response:
        path, data = told.get("file_path"), told.get("file_data")
        if not path or not isinstance(data, bytes):
            raise _Refused(400, error="file_path and file_data are required")
        wrote = self._in("write", data, path=str(path))["wrote"]
        return _text(f"File Uploaded: {wrote} bytes")

    def _fetch(self, told: dict[str, Any]) -> Response:
        if not told.get("url") or not told.get("path"):
            raise _Refused(400, error="Path or URL not supplied!")
        answer, _ = self._in_whole("fetch", url=str(told["url"]), path=str(told["path"]), timeout=200)
        if "failed" in answer:
            raise _Refused(500, error=f"Failed to download {told['url']}: {answer['failed']}")
        return _text("File downloaded successfully")

    def _list(self, told: dict[str, Any]) -> Response:
        answer, _ = self._in_whole("list", path=str(told.get("path") or ""))
        if answer.get("missing"):
            raise _Refused(400, error="no such directory")
        if "failed" in answer:
            raise _Refused(500, error=answer["failed"])
        return _answer(directory_tree=answer["tree"])

    def _desktop_path(self, told: dict[str, Any]) -> Response:
        found = self._in("look", path="~/Desktop")
        if not found["there"]:
            raise _Refused(404, error="Desktop path not found")
        return _answer(desktop_path=found["path"])

    def _no_wallpaper(self, told: dict[str, Any]) -> Response:
        raise _Refused(404, error="this desktop has no wallpaper")

    def _open(self, told: dict[str, Any]) -> Response:
        path = str(told.get("path") or "")
        if not path:
            raise _Refused(400, error="Path not supplied!")
        found = self._in("look", path=path)
        opener = self._in("look", path="xdg-open")["program"]
        if not found["there"] and not found["program"]:
            raise _Refused(404, error=f"File not found: {path}")
        if found["there"] and not opener:
            raise _Refused(500, error="there is no `xdg-open` here that knows which program opens which file")
        self._in("launch", command=[opener, found["path"]] if found["there"] else [found["program"]])
        name = Path(path).name
        until = time.monotonic() + _WINDOW_S
        while time.monotonic() < until:
            for window, title, kind in self._seen(self._windows):
                if any(one.lower() in f"{title} {kind}".lower() for one in (name, Path(name).stem)):
                    self._seen(partial(self._message, window, "_NET_ACTIVE_WINDOW"))
                    return _text("File opened successfully")
            time.sleep(_LOOKS_S)
        raise _Refused(500, error=f"no window showed `{name}` within {_WINDOW_S:g} seconds")

    # The display, always from the one thread

    def _seen(self, does: Callable[[], Any]) -> Any:
        if why := self._desktop.trouble():
            raise _Refused(500, status="error", message=why)
        return self._eyes.submit(does).result(30)

    def _trees(self, asks: Callable[[GuestTree], str | None]) -> str | None:
        """From another thread than the pictures: a tree takes longer, and is read by one request at a time."""
        if why := self._desktop.trouble():
            raise _Refused(500, status="error", message=why)
        with self._reading:
            return asks(self._tree)

    def _display(self) -> Any:
        if self._x is None:
            from Xlib.display import Display

            with opened_with(self._desktop.display.authority):
                self._x = Display(self._desktop.display.name)
                self._x.set_error_handler(lambda *_: None)
        return self._x

    def _shut(self) -> None:
        for one in (self._x, self._mss):
            if one is not None:
                with suppress(Exception):
                    one.close()
        self._x = self._mss = None

    def _screenshot(self) -> bytes:
        from PIL import Image

        if self._mss is None:
            import mss

            with opened_with(self._desktop.display.authority):
                made: Any = mss.MSS
                self._mss = made(display=self._desktop.display.name, with_cursor=True)
        root = self._display().screen().root.get_geometry()
        shot = self._mss.grab({"left": 0, "top": 0, "width": int(root.width), "height": int(root.height)})
        out = io.BytesIO()
        Image.frombytes("RGB", shot.size, bytes(shot.bgra), "raw", "BGRX").save(out, "PNG", compress_level=1)
        return out.getvalue()

    def _cursor(self) -> list[int]:
        told = self._display().screen().root.query_pointer()
        return [int(told.root_x), int(told.root_y)]

    def _screen_size(self, told: dict[str, Any]) -> Response:
        root = self._seen(lambda: self._display().screen().root.get_geometry())
        return _answer(width=int(root.width), height=int(root.height))

    def _windows(self) -> list[tuple[Any, str, str]]:
        """What the window manager lists: the window, its title, its class."""
        from Xlib import X

        x = self._display()
        atom = {name: x.intern_atom(name) for name in ("_NET_CLIENT_LIST", "_NET_WM_NAME", "UTF8_STRING")}
        listed = x.screen().root.get_full_property(atom["_NET_CLIENT_LIST"], X.AnyPropertyType)
        found = []
        for number in listed.value if listed is not None else ():
            window = x.create_resource_object("window", number)
            with suppress(Exception):
                named = window.get_full_property(atom["_NET_WM_NAME"], atom["UTF8_STRING"])
                title = named.value.decode("utf-8", "replace") if named is not None else str(window.get_wm_name() or "")
                found.append((window, title, ".".join(window.get_wm_class() or ())))
        return found

    def _window_size(self, told: dict[str, Any]) -> Response:
        name = told.get("app_class_name")
        if not name:
            raise _Refused(400, error="app_class_name is required")

        def find() -> tuple[int, int] | None:
            for window, _, kind in self._windows():
                if str(name).lower() in kind.lower():
                    box = window.get_geometry()
                    return int(box.width), int(box.height)
            return None

        size = self._seen(find)
        if size is None:
            raise _Refused(500, error=f"no window of class {name}")
        return _answer(width=size[0], height=size[1])

    def _to_window(self, told: dict[str, Any], message: str) -> Response:
        """Always a yes, as upstream's: whether a window matched is not told."""
        name = told.get("window_name")
        if not name:
            raise _Refused(400, error="window_name is required")
        strict, by_class = bool(told.get("strict")), bool(told.get("by_class"))

        def act() -> None:
            for window, title, kind in self._windows():
                has = kind if by_class else title
                if has == name if strict else str(name).lower() in has.lower():
                    self._message(window, message)
                    return

        self._seen(act)
        return _text("Window activated successfully" if "ACTIVE" in message else "Window closed successfully")

    def _message(self, window: Any, name: str) -> None:
        from Xlib import X
        from Xlib.protocol import event

        x = self._display()
        told = event.ClientMessage(
            window=window, client_type=x.intern_atom(name), data=(32, [2, X.CurrentTime, 0, 0, 0])
        )
        if name == "_NET_CLOSE_WINDOW":
            told = event.ClientMessage(
                window=window, client_type=x.intern_atom(name), data=(32, [X.CurrentTime, 2, 0, 0, 0])
            )
        x.screen().root.send_event(told, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        x.sync()

    # The film

    def _record(self, told: dict[str, Any]) -> Response:
        from sandboxes.recording import Recording

        if self._recording is not None:
            raise _Refused(400, status="error", message="Recording is already in progress.")
        handle, name = tempfile.mkstemp(prefix="deskhand-guest-", suffix=".avi")
        os.close(handle)
        recording = Recording(self._desktop.display, Path(name))
        self._seen(recording.start)
        self._recording = (recording, Path(name))
        return _answer(status="success", message="Recording started")

    def _recorded(self, told: dict[str, Any]) -> Response:
        recording, self._recording = self._recording, None
        if recording is None:
            raise _Refused(400, status="error", message="No recording in progress to stop.")
        recording[0].close()
        data = recording[1].read_bytes()
        recording[1].unlink()
        return _bytes(data, "video/x-msvideo", "recording.avi")


def _command(told: Mapping[str, Any]) -> Any:
    command = told.get("command", "" if told.get("shell") else [])
    if not isinstance(command, str | list):
        raise _Refused(500, status="error", message="a command is text or a list")
    return command


async def _told(request: Request) -> dict[str, Any]:
    """What a request says, however it says it: JSON, or fields of a form with files as bytes."""
    kind = request.headers.get("content-type", "")
    if int(request.headers.get("content-length") or 0) > _MOST_UPLOAD:
        raise _Refused(413, error=f"larger than {_MOST_UPLOAD} bytes")
    if kind.startswith(("multipart/", "application/x-www-form-urlencoded")):
        told: dict[str, Any] = {}
        async with request.form() as form:
            for name, value in form.multi_items():
                told[name] = value if isinstance(value, str) else await value.read()
        return told
    body = await request.body()
    if not body:
        return {}
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        raise _Refused(400, error="the request is no JSON") from None
    if not isinstance(read, dict):
        raise _Refused(400, error="the request is no JSON object")
    return read


def _json(told: Any, status: int = 200) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(told, status)


def _answer(status_code: int = 200, **told: Any) -> Response:
    return _json(told, status_code)


def _text(said: str) -> Response:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(said)


def _bytes(data: bytes, kind: str, name: str = "") -> Response:
    from urllib.parse import quote

    from starlette.responses import Response

    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"} if name else {}
    return Response(data, 200, headers, kind)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one desktop until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser("python -m sandboxes.guest_server", description=__doc__.split("\n\n")[0])
    parser.add_argument("--port", type=int, default=0, help="on loopback; 0 for any")
    parser.add_argument("--token-env", metavar="NAME", help="the variable with the token; left out, a fresh one")
    parser.add_argument("--app", action="append", default=[], help="a program that may be started by name; repeatable")
    parser.add_argument("--start", metavar="COMMAND", help="one of them to begin with, and what it is given")
    parser.add_argument("--home", type=Path, help="the folder below the home; left out, an empty one")
    parser.add_argument("--size", default="1920x1080", help="WIDTHxHEIGHT of the screen")
    parser.add_argument("--quirks", action="store_true", help="answer /run_bash_script as upstream's server does")
    given = parser.parse_args(arguments)
    try:
        width, height = (int(part) for part in given.size.split("x"))
    except ValueError:
        parser.error(f"--size: expected WIDTHxHEIGHT, got `{given.size}`")
    token = os.environ.get(given.token_env, "") if given.token_env else ""
    if given.token_env and not token:
        parser.error(f"--token-env: the variable {given.token_env} is not set")
    start = shlex.split(given.start) if given.start else []
    if start and start[0] not in given.app:
        parser.error(f"--start: `{start[0]}` is not among the programs of --app")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with (
            guest_desktop(given.app, given.home, (width, height)) as desktop,
            GuestServer(desktop, token, given.port, given.quirks) as server,
        ):
            if start and (why := desktop.start(start[0], start[1:])):
                raise SandboxUnavailable(f"`{start[0]}` does not start: {why}")
            print(json.dumps({"address": server.address, "token": server.token}), flush=True)
            while not ended.wait(0.5):
                if why := desktop.trouble():
                    raise SandboxUnavailable(why)
    except (SandboxUnavailable, OSError) as problem:
        print(f"the guest cannot be served: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
