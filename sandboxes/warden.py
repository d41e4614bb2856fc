"""Runs inside a jail as its first program: starts programs, tells when they end, and forwards to the doorman.

Commands come as JSON lines on standard input, answers go to standard output. It uses nothing but the standard
library and no other file of this repository, because a jail sees none. When its standard input ends, it ends, and the
jail with it.

    {"do": "start", "id": 1, "argv": ["/usr/bin/xterm"], "env": {"A": "b"}, "log": "/run/desk/xterm.log"}
    {"did": "start", "id": 1, "pid": 7}                {"did": "fail", "id": 1, "why": "no such file"}
    {"did": "end", "id": 1, "code": 0}
    {"do": "stop", "id": 1}
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Any

DOORMAN = "/run/desk/doorman"
PORT = 3128
_PIECE = 65536
_saying = threading.Lock()


def say(**told: Any) -> None:
    """One line to whoever started the jail."""
    with _saying:
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def start(told: dict[str, Any], running: dict[int, subprocess.Popen[bytes]]) -> None:
    """Start one program, and tell when it ends."""
    number = told["id"]
    try:
        with open(told.get("log") or os.devnull, "ab") as log:  # noqa: PTH123 - kept free of imports
            child = subprocess.Popen(
                told["argv"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **told.get("env", {})},
                cwd=told.get("cwd") or None,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        say(did="fail", id=number, why=str(error))
        return
    running[number] = child
    say(did="start", id=number, pid=child.pid)
    threading.Thread(target=lambda: say(did="end", id=number, code=child.wait()), daemon=True).start()


def carry(one: socket.socket, other: socket.socket) -> None:
    """Bytes from one connection to the other until one of them ends."""
    try:
        while piece := one.recv(_PIECE):
            other.sendall(piece)
    except OSError:
        pass
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def forward() -> None:
    """Whoever connects to the jail's own loopback talks to the doorman outside."""
    door = socket.create_server(("127.0.0.1", PORT))

    def serve() -> None:
        while True:
            inner, _ = door.accept()
            outer = socket.socket(socket.AF_UNIX)
            try:
                outer.connect(DOORMAN)
            except OSError:
                inner.close()
                continue
            for pair in ((inner, outer), (outer, inner)):
                threading.Thread(target=carry, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()


def main() -> None:
    """Obey until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.path.exists(DOORMAN):  # noqa: PTH110 - kept free of imports
        forward()
    running: dict[int, subprocess.Popen[bytes]] = {}
    say(did="begin", pid=os.getpid())
    for line in sys.stdin:
        told = json.loads(line)
        if told["do"] == "start":
            start(told, running)
        elif told["do"] == "stop" and told["id"] in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running[told["id"]].pid, signal.SIGTERM)


if __name__ == "__main__":
    main()
