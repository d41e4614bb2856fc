"""Scores one task and ends. The first program of a scoring jail; speaks the line that `line.py` describes.

Its standard input is the line in, a descriptor that it is told of the line out; what upstream prints goes to standard
output and is nobody's answer. A task scored `alone` is the only one: whatever its files did here ends with it.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import socket
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import absent
import limits
import mending
import upstream
from line import Line

SCRATCH = Path("/scratch")
HANDED = Path("/run/handed")
BROWSER = HANDED / "browser"


class Overheard(logging.Handler):
    """Keeps the last warnings that upstream logs: they often say why a score is 0."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: deque[str] = deque(maxlen=4)

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("tldextract"):  # its list of domains, which it has a copy of
            return
        with suppress(Exception):
            self.lines.append(" ".join(record.getMessage().split())[:200])


def main() -> int:
    """Get ready, say so, and score what is asked for."""
    given = json.loads(sys.argv[1])
    limits.keep_to(given["limits"])
    line = Line(os.dup(0), given["mouth"])
    os.set_inheritable(given["mouth"], False)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for name in ("cwd", "home", "tmp"):
        (SCRATCH / name).mkdir()
    os.chdir(SCRATCH / "cwd")
    lacking = absent.stand_in()
    refused: list[str] = []
    upstream.through(line, HANDED, refused)
    desktop_env = upstream.prepare()
    line.say(did="ready", lacking=lacking)
    upstream.warm(given["warm"])
    while (told := line.hear()) is not None:
        if told["alone"]:
            serve(desktop_env, told, line, refused)
            break
        child = os.fork()  # only where whoever asks vouches for the files
        if child == 0:
            serve(desktop_env, told, line, refused)
            os._exit(0)
        os.waitpid(child, 0)
        shutil.rmtree(SCRATCH / "cache", ignore_errors=True)
    return 0


def serve(desktop_env: type[Any], told: dict[str, Any], line: Line, refused: list[str]) -> None:
    """Score one task and tell it."""
    if "chromium" in told["ports"]:
        open_door(told["ports"]["chromium"])
    logged = Overheard()
    logging.getLogger().addHandler(logged)
    line.say(**answer(desktop_env, told, line), refused=refused, logged=list(logged.lines))


def answer(desktop_env: type[Any], told: dict[str, Any], line: Line) -> dict[str, Any]:
    """What upstream's evaluation came to."""
    cache = SCRATCH / "cache"
    try:
        upstream.take_in(cache / told["id"], HANDED / told["cache"])
        env = upstream.environment(desktop_env, told, cache, line)
        mending.mend(env, frozenset(told["mended"]))
        value = env.evaluate()
    except absent.Wanting:
        return wanting()
    except BaseException as error:  # an exit or an interrupt of what was run is its failure, not ours
        if absent.touched:
            return wanting()
        return {"did": "error", "kind": type(error).__name__, "words": " ".join(str(error).split())[:300]}
    if absent.touched:
        return wanting()
    try:
        number = float(value)
    except (TypeError, ValueError):
        return {"did": "error", "kind": "NoNumber", "words": f"the metric gave `{str(value)[:80]}`, which is no number"}
    if not math.isfinite(number):
        return {"did": "error", "kind": "NoNumber", "words": f"the metric gave {number}"}
    return {"did": "score", "value": number}


def wanting() -> dict[str, Any]:
    """A package was called on that is not here, whatever upstream made of that."""
    return {"did": "error", "kind": "Wanting", "words": ", ".join(absent.touched)}


def open_door(port: int) -> None:
    """Whoever connects to the jail's own loopback at `port` talks to the guest's browser."""
    door = socket.create_server((upstream.HOST, port))

    def serve() -> None:
        while True:
            inner, _ = door.accept()
            outer = socket.socket(socket.AF_UNIX)
            try:
                outer.connect(str(BROWSER))
            except OSError:
                inner.close()
                continue
            for pair in ((inner, outer), (outer, inner)):
                threading.Thread(target=carry, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()


def carry(one: socket.socket, other: socket.socket) -> None:
    """Bytes from one connection to the other until one of them ends."""
    with suppress(OSError):
        while piece := one.recv(65536):
            other.sendall(piece)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # threads that upstream or a file of the agent's left running do not hold it up
