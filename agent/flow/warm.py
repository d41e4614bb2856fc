"""Rows of a table in one process: interpreter, driver and browser stay, whatever a run owns is new for each row.

A row has a broker, a signing key, a trail, a context of the browser (cookies, storage, cache), secrets and, where the
task names one, a demo site of its own. What stays holds nothing of a row: the browser between two contexts, with a wire
that lets nothing out. A process in which machinery broke, or in which something is of unknown effect, does no further
row; the next one gets a new process.

`python -m agent.flow.warm` reads its settings from the first line of stdin and a row from each further one, and answers
each row with the line that `agent replay --json` would print.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, MutableSet
from contextlib import ExitStack, redirect_stdout, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from agent.outcome import USAGE
from model.lent import Lent

if TYPE_CHECKING:
    from agent.flow.heal import Heal
    from agent.flow.replay import FlowTask
    from agent.run import Options, Ran, Warm
    from agent.task import BoundTask
    from model.base import Model
    from policies.broker import Ahead
    from sandboxes.chromium import Chromium

__all__ = ["Process", "Row", "Settings", "WarmRows", "main"]

_SPENT = frozenset({"error", "unknown_effect"})
"""Outcomes after which a process is not trusted with another row."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What all rows of a process have in common; plain data."""

    flow: str
    runs: str
    task: str = ""
    approve: str = "deny"
    policy: tuple[str, ...] = ()
    site: Mapping[str, str] = field(default_factory=dict)
    """Settings of the demo site; a row's own count before them."""
    headed: bool = False
    otlp: str = ""
    heal: str = "off"
    model: str = "pilot"
    report: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What is particular to one row."""

    sets: Mapping[str, str]
    site: Mapping[str, str] = field(default_factory=dict)
    again: bool = False


class Process:
    """One process that does rows, and what it says beside its answers."""

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None) -> None:
        pipe = subprocess.PIPE
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - until its end
        self._child = subprocess.Popen(
            [sys.executable, "-m", "agent.flow.warm"],
            stdin=pipe,
            stdout=pipe,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            env=dict(environment) if environment is not None else None,
        )
        self.pid = self._child.pid
        self._say({name: getattr(settings, name) for name in Settings.__slots__})

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def ask(self, row: Row) -> dict[str, Any]:
        """The answer to a row; of a process that dies in it, how it died."""
        assert self._child.stdout is not None
        self._say({"sets": dict(row.sets), "site": dict(row.site), "again": row.again})
        try:
            said = json.loads(self._child.stdout.readline())
        except (OSError, ValueError):
            said = None
        if isinstance(said, dict) and "outcome" in said:
            return said
        code = self._child.wait()
        how = f"killed by signal {-code}" if code < 0 else f"ended with {code}"
        self._errors.seek(0)
        last = " ".join(self._errors.read().strip().splitlines()[-1:])[:300]
        return {"outcome": "error", "because": f"the run was {how}{f': {last}' if last else ''}"}

    def terminate(self) -> None:
        """Tell the run that goes on in it to stop; it then answers, and ends."""
        self._child.terminate()

    def kill(self) -> None:
        self._child.kill()

    def end(self) -> None:
        """Its stdin closes, so it ends; it is killed when it does not. May be called twice."""
        if self._child.stdin is not None:
            with suppress(OSError):
                self._child.stdin.close()
        try:
            self._child.wait(15)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self._errors.close()

    def _say(self, message: Mapping[str, Any]) -> None:
        assert self._child.stdin is not None
        with suppress(OSError):  # a process that is gone is noticed when its answer is waited for
            self._child.stdin.write(json.dumps(message) + "\n")
            self._child.stdin.flush()


class WarmRows:
    """The processes of one table, from the side of whoever gives them rows. Safe in several threads."""

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._environment = dict(environment) if environment is not None else None
        self._idle: list[Process] = []
        self._lock = threading.Lock()

    def run(self, row: Row, busy: MutableSet[Any] | None = None) -> dict[str, Any]:
        """One row to its end: the run's last line as data. A process that dies in it gives the outcome `error`.

        Args:
            row: what to do.
            busy: holds the row's process while it goes on, for whoever may have to end it.
        """
        with self._lock:
            process = self._idle.pop() if self._idle else None
        if process is None or not process.alive:
            process = Process(self._settings, self._environment)
        if busy is not None:
            busy.add(process)
        try:
            said = process.ask(row)
        except BaseException:
            process.kill()
            raise
        finally:
            if busy is not None:
                busy.discard(process)
        if said.get("outcome") in _SPENT or not process.alive:
            process.end()
        else:
            with self._lock:
                self._idle.append(process)
        return said

    @property
    def waiting(self) -> tuple[int, ...]:
        """Process ids of those that wait for a row."""
        with self._lock:
            return tuple(process.pid for process in self._idle)

    def close(self) -> None:
        """End every process that waits. May be called twice."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


# ---------------------------------------------------------------- the process


class _Bench:
    """What stays from row to row."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = ExitStack()
        self._chromium: tuple[object, Chromium] | None = None
        self._broker: Ahead | None = None
        self._flow: FlowTask | None = None
        self._model: Model | None = None

    def run(self, row: Row) -> dict[str, Any]:
        """One row. The same line as a process of its own would print."""
        from agent.breakage import MACHINERY, MISUSE
        from agent.flow.replay import flow_task
        from agent.run import run_bound
        from agent.task import TaskError
        from agent.watch import Silent
        from agent.wire_up import terminable

        options = self._options(row)
        mistakes: tuple[type[Exception], ...] = (TaskError, *MISUSE)
        try:
            self._flow = self._flow or flow_task(Path(self._settings.flow), self._task)
            task, options = self._flow.bound(options, cast("Heal", self._settings.heal), self._lent)
            warm = self._warm(task, options)
            with ExitStack() as stack, terminable():
                if warm.broker is not None:
                    stack.callback(warm.broker.close)  # of a run that did not begin, and did not take it
                ran = run_bound(task, replace(options, warm=warm), Silent())
        except mistakes as error:
            return {"outcome": "invalid", "because": " ".join(str(error).split()), "exit_code": USAGE}
        except MACHINERY as error:
            return {"outcome": "error", "because": " ".join(str(error).split())}
        except KeyboardInterrupt:
            return {"outcome": "halted", "because": "a person stopped the run"}
        return _plain(ran)

    def _lent(self) -> Model:
        """The model that heals: loaded for the first row that needs it, and kept for the next."""
        from model.load import load_model

        if self._model is None:
            self._model = load_model(self._settings.model)
        return Lent(self._model)

    @property
    def _task(self) -> Path | None:
        return Path(self._settings.task) if self._settings.task else None

    def _options(self, row: Row) -> Options:
        from agent.run import Options

        given = self._settings
        return Options(
            task=Path(given.flow),
            sets=dict(row.sets),
            policy=tuple(given.policy),
            approve=given.approve,
            site={**given.site, **row.site},
            model=given.model,
            runs=Path(given.runs),
            headed=given.headed,
            as_json=True,
            again=row.again,
            otlp=given.otlp,
            report=given.report,
        )

    def _warm(self, task: BoundTask, options: Options) -> Warm:
        """What the row may use. The broker of the row after it comes up while it goes on."""
        from agent.attended import asked_where, broker_process
        from agent.run import Warm
        from policies.broker import Ahead

        where = asked_where(options.approve)
        mine = self._broker or Ahead(where, broker_process(where))
        self._broker = Ahead(where, broker_process(where))
        return Warm(self._browser(task, options), mine)

    def _browser(self, task: BoundTask, options: Options) -> Chromium | None:
        """The browser, started once; another where a row may go to other hosts or needs another window."""
        from agent.wire_up import BrowserKind

        kind = BrowserKind.for_task(task, options.headed)
        if kind is None:
            return None
        if self._chromium is not None and self._chromium[0] == kind and self._chromium[1].alive:
            return self._chromium[1]
        self._stack.close()
        self._chromium = None
        chromium = self._stack.enter_context(kind.made())
        self._chromium = (kind, chromium)
        return chromium

    def close(self) -> None:
        if self._broker is not None:
            self._broker.close()
        if self._model is not None:
            self._model.close()
        self._stack.close()


def _plain(ran: Ran) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(ran.line())
    return said


def main() -> int:
    """Answer rows until stdin closes."""
    out = sys.stdout
    with redirect_stdout(sys.stderr):
        first = json.loads(sys.stdin.readline())
        bench = _Bench(Settings(**{**first, "policy": tuple(first["policy"])}))
        try:
            for line in sys.stdin:
                said = bench.run(Row(**json.loads(line)))
                print(json.dumps(said, ensure_ascii=False), file=out, flush=True)
                if said["outcome"] in _SPENT:
                    break
        finally:
            bench.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
