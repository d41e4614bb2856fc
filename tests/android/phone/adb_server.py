"""adb's own server for tests: private, on a free port, ended with whoever started it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any


class AdbServer:
    """adb's own server on a port of its own, with a home of its own, that looks for nothing by itself."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ANDROID_ADB_SERVER_PORT": str(self.port),
            "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",
            "ADB_MDNS": "0",
            "HOME": str(self.home),
        }

    def start(self) -> None:
        program = shutil.which("adb")
        assert program is not None
        self._child = subprocess.Popen(
            [program, "-P", str(self.port), "nodaemon", "server"],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("the adb server does not listen")

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait(10)
            self._child = None

    def adb(self, *words: str, timeout: float = 20, **given: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["adb", "-P", str(self.port), *words],
            env={**os.environ, **self.environment},
            capture_output=True,
            timeout=timeout,
            **given,
        )

    def connect(self, address: str) -> None:
        """Connect where it is not connected yet, and wait until the device answers."""
        until = time.monotonic() + 15
        while b"ready" not in self.adb("-s", address, "shell", "echo", "ready").stdout:
            assert time.monotonic() < until, self.adb("devices").stdout
            self.adb("disconnect", address)
            self.adb("connect", address)
