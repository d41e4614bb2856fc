"""A jail for one scoring: upstream's evaluators on their own Python, without network, with one folder to write to.

It sees `/usr`, the environment and the folder that is handed in, all read only, and writes to `/scratch` and `/tmp`,
which are memory of a given size and are forgotten at the end. Its program bounds itself before it reads anything
(memory, size of files, processor time); a guard out here counts processes and memory of the whole jail, and ends it.

What this does not protect against: a hole in the kernel (no system calls are filtered), and a file of the agent's
that upstream runs inside: it can decide the score of its own task.
"""

from __future__ import annotations

import json
import math
import os
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from osworld_eval.osworld.scoring.install import Environment
from sandboxes.base import SandboxUnavailable
from sandboxes.jail import bare_walls, what_is_missing

__all__ = ["Bounds", "Cell"]

READY_S = 60.0
_INSIDE = Path(__file__).with_name("inside")
_MOST_MESSAGE = 64 * 2**20
_LOOKS_S = 0.1
_PIECE = 65536
_TAIL = 40


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one scoring may use."""

    data: int = 3 * 2**30
    """Bytes of memory of one process."""
    whole: int = 4 * 2**30
    """Bytes of memory of all its processes."""
    file: int = 2**30
    """Bytes of one file."""
    scratch: int = 2 * 2**30
    """Bytes of all its files: they lie in memory."""
    cpu: int = 240
    """Seconds of processor time of one process."""
    files: int = 512
    processes: int = 96


class Cell:
    """One jail with its program. Starts at once; `ready` waits for it.

    Args:
        environment: whose Python runs in it.
        handed: a folder that it reads as `/run/handed`; what is put there later is seen.
        bounds: what it may use.
        warm: modules of upstream's evaluators to import early, such as `metrics.table`, beside those of most tasks.

    Raises:
        SandboxUnavailable: no jail can be built on this machine.
    """

    def __init__(
        self, environment: Environment, handed: Path, bounds: Bounds | None = None, warm: Sequence[str] = ()
    ) -> None:
        if why := what_is_missing():
            raise SandboxUnavailable(why)
        self._bounds = bounds or Bounds()
        self._heard: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self.until = math.inf
        """When the guard ends it, in monotonic seconds: also where nobody hears, as nothing that is said is taken."""
        self.broke = ""
        """Why the guard ended it; empty where it did not."""
        ours, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(
                _argv(environment, handed, self._bounds, theirs, warm),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs,),
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin")},
                start_new_session=True,
            )
        except OSError as error:
            os.close(ours)
            raise SandboxUnavailable(f"the scoring jail did not start: {error}") from None
        finally:
            os.close(theirs)
        for work, given in ((self._listen, (os.fdopen(ours, "rb"),)), (self._overhear, ()), (self._guard, ())):
            threading.Thread(target=work, args=given, daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def words(self) -> str:
        """The last line that was printed in there."""
        return next((line for line in reversed(self._tail) if line.strip()), "").strip()[-200:]

    def ready(self, bound_s: float = READY_S) -> str:
        """Wait until upstream is imported; why it is not, or nothing."""
        told = self.hear(time.monotonic() + bound_s)
        if told is not None and told.get("did") == "ready":
            return ""
        self.close()
        return self.broke or f"the evaluators did not start: {self.words or 'no word'}"

    def hear(self, until: float) -> dict[str, Any] | None:
        """The next message; None when it ended or `until`, in monotonic seconds, has passed."""
        try:
            return self._heard.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return None

    def say(self, told: dict[str, Any]) -> None:
        """Tell it something; lost when it has ended."""
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(told).encode() + b"\n")
            self._process.stdin.flush()

    def close(self) -> None:
        """End everything in it. May be called twice."""
        if self.alive:
            self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def _listen(self, line: IO[bytes]) -> None:
        with line, suppress(OSError, ValueError, RecursionError):
            while said := line.readline(_MOST_MESSAGE):
                told = json.loads(said)
                if isinstance(told, dict):
                    self._heard.put(told)
        self._heard.put(None)

    def _overhear(self) -> None:
        """Keep the last lines that are printed, so that nothing is ever held up by a full pipe."""
        assert self._process.stdout is not None
        rest = b""
        with self._process.stdout as said, suppress(OSError, ValueError):
            while piece := os.read(said.fileno(), _PIECE):
                *lines, rest = (rest + piece).split(b"\n")
                rest = rest[-1000:]
                self._tail.extend(line[:1000].decode("utf-8", "replace") for line in lines[-_TAIL:])
        if rest:
            self._tail.append(rest.decode("utf-8", "replace"))

    def _guard(self) -> None:
        """End the jail when all in it together are too many or too much."""
        page = os.sysconf("SC_PAGE_SIZE")
        while self.alive:
            members = _below(self._process.pid, self._bounds.processes)
            if len(members) > self._bounds.processes:
                self.broke = f"it started more than {self._bounds.processes} processes"
            elif sum(map(_resident, members)) * page > self._bounds.whole:
                self.broke = f"it used more than {self._bounds.whole >> 20} MiB of memory"
            elif time.monotonic() > self.until:
                self.broke = "it took no answers any more"
            if self.broke:
                self._process.kill()
                return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LOOKS_S)


def _argv(environment: Environment, handed: Path, bounds: Bounds, mouth: int, warm: Sequence[str] = ()) -> list[str]:
    python = (environment.folder / "bin" / "python").resolve()
    argv = [*bare_walls(), "--disable-userns"]
    if not str(python).startswith("/usr/"):
        argv += ["--ro-bind", str(python.parent.parent), str(python.parent.parent)]
    for outside, inside in ((environment.folder, "/run/env"), (_INSIDE, "/run/inside"), (handed, "/run/handed")):
        argv += ["--ro-bind", str(outside), inside]
    argv += ["--size", str(bounds.scratch), "--tmpfs", "/scratch", "--size", str(256 * 2**20), "--tmpfs", "/tmp"]
    argv += ["--size", str(64 * 2**20), "--tmpfs", "/dev/shm"]
    argv += ["--remount-ro", "/dev", "--remount-ro", "/run", "--remount-ro", "/", "--chdir", "/scratch"]
    for name, value in _ENV.items():
        argv += ["--setenv", name, value]
    kept = {name: value for name, value in asdict(bounds).items() if name not in ("whole", "scratch")}
    told = json.dumps({"limits": kept, "mouth": mouth, "warm": list(warm)})
    return [*argv, "--", "/run/env/bin/python", "-I", "-B", "/run/inside/worker.py", told]


_ENV = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/scratch/home",
    "TMPDIR": "/scratch/tmp",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMBA_CACHE_DIR": "/scratch/tmp",
    "MPLCONFIGDIR": "/scratch/tmp",
    "XDG_CACHE_HOME": "/scratch/tmp",
}


def _below(root: int, most: int) -> list[int]:
    """A process and all that came of it, at most `most` and one more."""
    found: list[int] = []
    left = [root]
    while left and len(found) <= most:
        one = left.pop()
        found.append(one)
        with suppress(OSError):
            for thread in Path(f"/proc/{one}/task").iterdir():
                with suppress(OSError):
                    left += [int(word) for word in (thread / "children").read_text().split()]
    return found


def _resident(process: int) -> int:
    """Its memory, in pages; 0 for one that has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
