"""Runs inside a jail and does there what `sandboxes.guest_server` is asked for: programs and files.

One request for each connection to a socket in the desk: a line of JSON, and after it as many bytes as its `size` says;
the answer is made alike. `port` is another: after its answer the connection is one to that port inside. It uses
nothing but the standard library and no other file of this repository, because a jail sees none. What it does not
protect against: it does what it is asked, as any program in its jail could.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_DEEP = 50
_OWN_PROGRAMS = "/tmp/guest-programs"
_MOST_SAID = 16 * 2**20
"""Characters of one program's output that are told."""
Body = tuple[dict[str, Any], bytes]


def expanded(path: str) -> str:
    """`~` and variables as the jail has them."""
    return os.path.expandvars(os.path.expanduser(path))  # noqa: PTH111 - variables too


def argv_of(command: Any, shell: bool) -> Any:
    """A command as upstream takes it: text without a shell is split as a shell would, `~/` stands for the home."""
    if isinstance(command, str) and not shell:
        command = shlex.split(command)
    if isinstance(command, list):
        return [os.path.expanduser(str(one)) if str(one).startswith("~/") else str(one) for one in command]  # noqa: PTH111
    return command


def execute(told: dict[str, Any]) -> Body:
    """Run a program to its end; `failed` says why there was none."""
    shell = bool(told.get("shell"))
    argv = argv_of(told["command"], shell)
    if shell and isinstance(argv, list):
        argv = " ".join(argv)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            child = subprocess.Popen(
                argv,
                shell=shell,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out if told.get("merged") else err,
                cwd=told.get("cwd") or None,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return {"failed": str(error)}, b""
        try:
            code = child.wait(float(told.get("timeout", 120)))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return {"failed": f"it did not end within {float(told.get('timeout', 120)):g} seconds", "late": True}, b""
        said = [_said(file) for file in (out, err)]
    return {"output": said[0], "error": said[1], "code": code}, b""


def _said(file: Any) -> str:
    file.seek(0)
    return str(file.read(_MOST_SAID).decode("utf-8", "replace"))


def launch(told: dict[str, Any]) -> Body:
    """Start a program and let it run."""
    shell = bool(told.get("shell"))
    argv = argv_of(told["command"], shell)
    if shell and isinstance(argv, list):
        argv = " ".join(argv)
    try:
        child = subprocess.Popen(
            argv,
            shell=shell,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError, IndexError) as error:
        return {"failed": str(error)}, b""
    threading.Thread(target=child.wait, daemon=True).start()
    return {"pid": child.pid}, b""


def read(told: dict[str, Any]) -> Body:
    """One file, whole."""
    path = Path(expanded(told["path"]))
    if not path.exists():
        return {"missing": True}, b""
    try:
        if not path.is_file():
            return {"failed": "it is no ordinary file"}, b""
        if path.stat().st_size > int(told["most"]):
            return {"failed": f"it is larger than {told['most']} bytes"}, b""
        return {}, path.read_bytes()
    except OSError as error:
        return {"failed": str(error)}, b""


def write(told: dict[str, Any], data: bytes) -> Body:
    """One file, with the folders above it."""
    path = Path(expanded(told["path"]))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        return {"failed": str(error)}, b""
    return {"wrote": len(data)}, b""


def listing(told: dict[str, Any]) -> Body:
    """A folder and all below it."""
    top = Path(expanded(told["path"]))
    if not top.is_dir():
        return {"missing": True}, b""

    def tree(path: Path, deep: int) -> dict[str, Any]:
        if path.is_symlink() or not path.is_dir():
            return {"type": "file", "name": path.name}
        inside = sorted(path.iterdir()) if deep < MOST_DEEP else []
        return {"type": "directory", "name": path.name, "children": [tree(one, deep + 1) for one in inside]}

    try:
        return {"tree": tree(top, 0)}, b""
    except OSError as error:
        return {"failed": str(error)}, b""


def fetch(told: dict[str, Any]) -> Body:
    """Download into a file; only where the jail lets it out."""
    if not str(told["url"]).startswith(("http://", "https://")):
        return {"failed": "only http and https addresses can be fetched"}, b""
    why = ""
    for _ in range(3):
        try:
            with urllib.request.urlopen(told["url"], timeout=60) as answer:
                return write(told, answer.read())
        except OSError as error:
            why = str(error)
    return {"failed": why}, b""


def look(told: dict[str, Any]) -> Body:
    """Whether a path is there, and whether a word is a program."""
    path = expanded(told["path"])
    return {"there": Path(path).exists(), "program": shutil.which(told["path"]) or "", "path": path}, b""


# Ports


def port(told: dict[str, Any], line: socket.socket) -> None:
    """Make of this connection one to a port of the jail's own loopback."""
    with socket.socket() as inner:
        try:
            inner.connect(("127.0.0.1", int(told["port"])))
        except OSError as error:
            line.sendall(json.dumps({"failed": str(error), "size": 0}).encode() + b"\n")
            return
        line.sendall(b'{"size": 0}\n')
        back = threading.Thread(target=_carry, args=(inner, line), daemon=True)
        back.start()
        _carry(line, inner)
        back.join()


def _carry(one: socket.socket, other: socket.socket) -> None:
    """Bytes from one connection to the other until it ends."""
    try:
        while piece := one.recv(65536):
            other.sendall(piece)
    except OSError:
        pass
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


# Serving


DOES: dict[str, Callable[[dict[str, Any]], Body]] = {
    "execute": execute, "launch": launch, "read": read, "list": listing, "fetch": fetch, "look": look,
}  # fmt: skip


def serve(line: socket.socket) -> None:
    """One request."""
    with line, line.makefile("rwb") as file:
        told = json.loads(file.readline())
        if told["do"] == "port":
            port(told, line)
            return
        data = file.read(int(told.get("size", 0)))
        try:
            answer, body = write(told, data) if told["do"] == "write" else DOES[told["do"]](told)
        except Exception as error:
            answer, body = {"failed": f"{type(error).__name__}: {error}"}, b""
        file.write(json.dumps({**answer, "size": len(body)}).encode() + b"\n" + body)


def authority(path: Path) -> None:
    """The display's cookie under this jail's own name, for libraries that look for nothing else."""
    told = Path(os.environ["XAUTHORITY"]).read_bytes()
    parts, at = [], 2
    for _ in range(4):
        size = int.from_bytes(told[at : at + 2], "big")
        parts.append(told[at + 2 : at + 2 + size])
        at += 2 + size
    parts[0] = socket.gethostname().encode()
    path.write_bytes((256).to_bytes(2, "big") + b"".join(len(part).to_bytes(2, "big") + part for part in parts))
    os.environ["XAUTHORITY"] = str(path)


def browser(folder: Path) -> None:
    """Upstream's machines have Chrome; where there is Chromium alone it answers to that name, with that profile.

    The jail is around it already, and leaves it no room to build one of its own.
    """
    if shutil.which("google-chrome") or not shutil.which("chromium"):
        return
    folder.mkdir(exist_ok=True)
    made = folder / "google-chrome"
    options = '--no-sandbox --test-type --no-first-run --user-data-dir="$HOME/.config/google-chrome"'
    made.write_text(f'#!/bin/sh\nexec chromium {options} "$@"\n')
    made.chmod(0o755)


def main() -> None:
    """Serve until the jail ends."""
    os.environ["PATH"] = f"/run/guest/bin:{_OWN_PROGRAMS}:{os.environ.get('PATH', '')}"
    browser(Path(_OWN_PROGRAMS))
    os.environ.setdefault("XDG_CURRENT_DESKTOP", "GNOME")  # so that xdg-open asks GLib which program opens what
    os.environ["PYTHONPATH"] = "/run/guest/lib"
    authority(Path("/tmp/guest-authority"))
    door = socket.socket(socket.AF_UNIX)
    door.bind(sys.argv[1])
    door.listen(64)
    while True:
        line, _ = door.accept()
        threading.Thread(target=serve, args=(line,), daemon=True).start()


if __name__ == "__main__":
    main()
