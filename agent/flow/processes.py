"""Where the run of a row goes on: in a process of its own here, or somewhere on a Ray cluster.

Each gives back what the run's last line says; a process that dies says how it died. Neither repeats anything by itself:
whether a row is tried again is decided where it is known what its run may have done.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from agent.flow.warm import Process, Row, Settings, WarmRows
from agent.outcome import USAGE

__all__ = ["HereProcesses", "OnRay", "Processes", "RayMissing", "SharedProcesses"]

_ASK_S = 0.2
_LET_GO_S = 30.0
"""A cluster that ends with us may be gone before its rows are."""


class RayMissing(Exception):
    """Ray is not installed, or there is no cluster. One line."""


class Processes(Protocol):
    """Runs rows. Safe in several threads."""

    def run(self, words: Sequence[str], sets: Mapping[str, str]) -> dict[str, Any]:
        """`agent` with these arguments (`--json` among them) and inputs, to its end, however that is."""
        ...

    def stop(self) -> None:
        """Ask every run that goes on to end, as SIGTERM does; `run` still returns what they say."""
        ...

    def close(self) -> None:
        """Nothing more will be run."""
        ...


class HereProcesses:
    """A process for each row on this machine. What it says goes into files, so that it does not break with us."""

    def __init__(self) -> None:
        self._children: set[subprocess.Popen[bytes]] = set()

    def run(self, words: Sequence[str], sets: Mapping[str, str]) -> dict[str, Any]:
        """See `Processes.run`."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            command = [sys.executable, "-m", "agent", *words, *_given(sets)]
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            self._children.add(child)
            try:
                child.wait()
            finally:
                self._children.discard(child)
            out.seek(0)
            err.seek(0)
            return said_by(out.read(), err.read(), child.returncode)

    def stop(self) -> None:
        """See `Processes.stop`."""
        for child in list(self._children):
            child.terminate()  # a run that is told to stop ends by itself, which is waited for

    def close(self) -> None:
        """Every process has ended with its `run`."""


class SharedProcesses:
    """Rows of a flow in processes that stay, see `agent.flow.warm`."""

    def __init__(self, settings: Settings) -> None:
        self._warm = WarmRows(settings)
        self._busy: set[Process] = set()

    def run(self, words: Sequence[str], sets: Mapping[str, str]) -> dict[str, Any]:
        """See `Processes.run`; what `words` say stands in the settings."""
        return self._warm.run(Row(sets), self._busy)

    def stop(self) -> None:
        """See `Processes.stop`."""
        for process in list(self._busy):
            process.terminate()

    def close(self) -> None:
        """End every process that waits."""
        self._warm.close()


def _given(sets: Mapping[str, str]) -> list[str]:
    return [word for name, value in sets.items() for word in ("--set", f"{name}={value}")]


def said_by(out: bytes, err: bytes, code: int) -> dict[str, Any]:
    """The last line of a run as data; how it ended where that says nothing."""
    lines = out.decode("utf-8", "replace").strip().splitlines()
    with suppress(ValueError, IndexError):
        said = json.loads(lines[-1])
        if isinstance(said, dict) and "outcome" in said:
            return said
    told = err.decode("utf-8", "replace").strip().splitlines()
    problem = " ".join(told[-1].split())[:300] if told else ""
    if code == USAGE:
        return {"outcome": "invalid", "because": problem}
    how = f"killed by signal {-code}" if code < 0 else f"ended with {code}"
    return {"outcome": "error", "because": f"the run was {how}{f': {problem}' if problem else ''}"}


class OnRay:
    """A task of Ray for each row. Every node must see the folder of the runs under the same path, and have the secrets
    in its own environment: neither travels with a task.

    Args:
        root: folder of the runs.
        address: of a cluster; empty for `RAY_ADDRESS`, else one that is started here and ends with us.
        slots: rows at once, where a cluster is started here.

    Raises:
        RayMissing: see there.
    """

    def __init__(self, root: Path, address: str = "", slots: int = 1) -> None:
        try:
            import ray
        except ImportError:
            raise RayMissing("--ray needs Ray; try: pip install 'deskhand[cluster]'") from None
        self._ray: Any = ray
        self._mark = root / f".seen-{secrets.token_hex(4)}"
        there = address or os.environ.get("RAY_ADDRESS", "")
        own: dict[str, Any] = {} if there else {"num_cpus": slots, "include_dashboard": False}
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._mark.touch()
            ray.init(address=there or "local", log_to_driver=False, logging_level=40, **own)
        except (OSError, ValueError, RuntimeError, ConnectionError) as problem:
            self._mark.unlink(missing_ok=True)
            raise RayMissing(f"--ray: there is no cluster: {' '.join(str(problem).split())[:200]}") from None
        # INVARIANT (nothing repeats by itself): Ray's own retries would do a row twice after its effect
        self._task: Any = ray.remote(num_cpus=1, max_retries=0, retry_exceptions=False)(_row_on_a_node)
        self._stop = self._mark.with_suffix(".stop")
        self._stopped = 0.0

    def run(self, words: Sequence[str], sets: Mapping[str, str]) -> dict[str, Any]:
        """See `Processes.run`."""
        import_path = str(Path(__file__).resolve().parents[2])
        waiting = self._task.remote((*words, *_given(sets)), str(self._mark), str(self._stop), import_path)
        try:
            while not self._ray.wait([waiting], timeout=1)[0]:
                if self._stopped and time.monotonic() - self._stopped > _LET_GO_S:
                    return {"outcome": "error", "because": "Ray: the row was stopped and has not ended"}
            said: dict[str, Any] = self._ray.get(waiting)
            return said
        except self._ray.exceptions.RayError as error:
            return {"outcome": "error", "because": f"Ray: {' '.join(str(error).split())[:200]}"}

    def stop(self) -> None:
        """See `Processes.stop`. Nodes look for a file beside the runs."""
        self._stopped = time.monotonic()
        with suppress(OSError):
            self._stop.touch()

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._ray.shutdown()
        for file in (self._mark, self._stop):
            file.unlink(missing_ok=True)


def _row_on_a_node(words: tuple[str, ...], mark: str, stop: str, import_path: str) -> dict[str, Any]:
    """Runs on a node. `mark` lies beside the runs: a node that does not see it would keep its trails for itself."""
    if not Path(mark).exists():
        return {"outcome": "error", "because": f"this node does not see the runs in `{Path(mark).parent}`: share them"}
    environment: Mapping[str, str] = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (import_path, os.environ.get("PYTHONPATH", "")))),
    }
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        command = [sys.executable, "-m", "agent", *words]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=dict(environment))
        threading.Thread(target=_end_when, args=(child, stop), daemon=True).start()
        child.wait()
        out.seek(0)
        err.seek(0)
        return said_by(out.read(), err.read(), child.returncode)


def _end_when(child: subprocess.Popen[bytes], stop: str) -> None:
    while child.poll() is None:
        if Path(stop).exists():
            child.terminate()
            return
        time.sleep(_ASK_S)
