"""Ctrl+C and SIGTERM, wherever the run is: soon over, `halted`, and the trail complete."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from procs import Shop, agent, command, environment, family, gone, running, shop

from agent.audit.verify import verify
from agent.report.page import is_brief
from agent.run_folder import list_runs

pytestmark = pytest.mark.browser

SOON_S = 20.0
"""Seconds after which the end of the process counts as never; how long it takes is printed (about 0.7 s alone)."""


@pytest.fixture(scope="module")
def store() -> Iterator[Shop]:
    with shop(restless=True) as one:
        yield one


def begun(task: Path, runs: Path, approve: str = "deny") -> list[str]:
    return ["run", str(task), "--model", "plan", "--runs", str(runs), "--approve", approve, "--json"]


def until_stage(child: subprocess.Popen[str], wanted: str) -> None:
    assert child.stdout
    for line in child.stdout:
        if json.loads(line).get("stage") == wanted:
            return
    raise AssertionError(f"the run never came to {wanted}")


def orderly(runs: Path) -> None:
    [one] = list_runs(runs)
    assert one.state == "ended" and one.record is not None
    assert (one.record.outcome, one.record.exit_code) == ("halted", 30)
    verdict = verify(one.folder.path)
    assert verdict.ok and verdict.closed and not verdict.unknown_effect, verdict.line()
    assert is_brief(one.folder), "nobody who stops a run waits for a film"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("stage", ["thinking", "acting", "settling"])
def test_a_signal_ends_the_run(store: Shop, tmp_path: Path, stage: str, number: signal.Signals) -> None:
    breakage = "stages,slow_model" if stage == "thinking" else "stages"
    steps = ("wait until Nothing is shown",) if stage == "acting" else ("press More", "press More")
    runs = tmp_path / "runs"
    with running(begun(store.task(tmp_path, *steps), runs), breakage) as child:
        until_stage(child, stage)
        time.sleep(0.15)
        mine = family(child.pid)
        began = time.monotonic()
        if number == signal.SIGINT:
            os.killpg(child.pid, number)  # as a terminal does
        else:
            os.kill(child.pid, number)
        out, err = child.communicate(timeout=60)
        took = time.monotonic() - began
        print(f"{stage} {number.name}: {took:.2f} s")
        assert (child.returncode, err) == (30, "")
        assert json.loads(out.splitlines()[-1])["outcome"] == "halted"
        assert took < SOON_S
        assert gone(mine, 3.0) == []
    orderly(runs)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["thinking", "acting", "settling"])
def test_a_service_manager_ends_the_browser_too(store: Shop, tmp_path: Path, stage: str) -> None:
    """SIGTERM to every process of the group: an act that was going on is lost with the browser, and said to be so."""
    breakage = "stages,slow_model" if stage == "thinking" else "stages"
    steps = ("wait until Nothing is shown",) if stage == "acting" else ("press More", "press More")
    with running(begun(store.task(tmp_path, *steps), tmp_path / "runs"), breakage) as child:
        until_stage(child, stage)
        time.sleep(0.15)
        mine = family(child.pid)
        os.killpg(child.pid, signal.SIGTERM)
        out, err = child.communicate(timeout=60)
        assert child.returncode in ((30, 40) if stage == "acting" else (30,)), err
        assert json.loads(out.splitlines()[-1])["outcome"] in ("halted", "unknown_effect")
        assert "Traceback" not in err and gone(mine, 3.0) == []
    [one] = list_runs(tmp_path / "runs")
    verdict = verify(one.folder.path)
    assert one.record and one.record.exit_code == child.returncode
    assert verdict.ok and verdict.closed, verdict.line()


def test_a_signal_while_the_browser_starts(store: Shop, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with running(begun(store.task(tmp_path), runs)) as child:
        while not (found := list_runs(runs)) or not found[0].folder.journal.exists():
            time.sleep(0.01)
        time.sleep(0.3)
        mine = family(child.pid)
        began = time.monotonic()
        os.kill(child.pid, signal.SIGTERM)
        child.communicate(timeout=60)
        print(f"starting: {time.monotonic() - began:.2f} s")
        assert child.returncode == 30
        assert gone(mine, 3.0) == []
    orderly(runs)


TTY = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """A run with a controlling terminal, and this test at its keyboard."""

    def __init__(self, arguments: list[str], breakage: str = "") -> None:
        self.keyboard, end = pty.openpty()
        self.child = subprocess.Popen(
            [sys.executable, "-c", TTY, *command(arguments, breakage)],
            env=environment(TERM="xterm"),
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
        os.close(end)
        self.shown = ""

    def until(self, mark: str, within_s: float = 20) -> None:
        end = time.monotonic() + within_s
        while mark not in self.shown:
            assert time.monotonic() < end, f"`{mark}` never came: {self.shown[-500:]}"
            if select.select([self.keyboard], [], [], 0.1)[0]:
                self.shown += os.read(self.keyboard, 65536).decode("utf-8", "replace")

    def press(self, keys: bytes) -> None:
        os.write(self.keyboard, keys)

    def end(self, within_s: float = 20) -> int:
        until = time.monotonic() + within_s
        while self.child.poll() is None and time.monotonic() < until:
            if select.select([self.keyboard], [], [], 0.02)[0]:
                try:
                    self.shown += os.read(self.keyboard, 65536).decode("utf-8", "replace")
                except OSError:  # the other side is closed
                    self.child.wait(within_s)
        return self.child.wait(1)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *given: Any) -> None:
        for pid in [*family(self.child.pid), self.child.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.child.wait(10)
        os.close(self.keyboard)


def asks(tmp_path: Path, store: Shop) -> list[str]:
    return [word for word in begun(store.task(tmp_path), tmp_path / "runs", "tty") if word != "--json"]


@pytest.fixture(scope="module")
def dear() -> Iterator[Shop]:
    with shop(price="300.00 EUR") as one:
        yield one


@pytest.mark.parametrize("way", ["ctrl-c", "SIGTERM"])
def test_a_stop_while_a_person_is_asked(dear: Shop, tmp_path: Path, way: str) -> None:
    with Terminal(asks(tmp_path, dear)) as terminal:
        terminal.until("Allow? [y/N")
        began = time.monotonic()
        if way == "ctrl-c":
            terminal.press(b"\x03")
        else:
            os.kill(terminal.child.pid, signal.SIGTERM)
        assert terminal.end() == 30, terminal.shown
        took = time.monotonic() - began
        print(f"question {way}: {took:.2f} s")
        assert took < SOON_S
    assert dear.posts == []
    orderly(tmp_path / "runs")


@pytest.mark.parametrize(("typed", "code", "posts"), [(b"y\n", 0, ["/buy"]), (b"n\n", 20, []), (b"\n", 20, [])])
def test_what_a_person_answers_counts(dear: Shop, tmp_path: Path, typed: bytes, code: int, posts: list[str]) -> None:
    dear.asked.clear()
    with Terminal(asks(tmp_path, dear)) as terminal:
        terminal.until("Allow? [y/N")
        assert "300.00 EUR" in terminal.shown and "Pay 300.00 EUR" in terminal.shown
        terminal.press(typed)
        assert (terminal.end(), dear.posts) == (code, posts), terminal.shown


def test_two_stops_in_a_row(store: Shop, tmp_path: Path) -> None:
    """The second is an ordinary interrupt: the run is over at once and the trail still tells."""
    runs = tmp_path / "runs"
    with running(begun(store.task(tmp_path, "press More", "press More"), runs), "stages") as child:
        until_stage(child, "settling")
        mine = family(child.pid)
        os.kill(child.pid, signal.SIGINT)
        time.sleep(0.02)
        os.kill(child.pid, signal.SIGINT)
        _, err = child.communicate(timeout=60)
        assert child.returncode == 30 and "Traceback" not in err
        assert gone(mine, 5.0) == []
    [one] = list_runs(runs)
    assert verify(one.folder.path).ok


def test_a_run_is_stopped_from_another_terminal(tmp_path: Path) -> None:
    """`agent stop`: no further act begins, and the record says how it ended."""
    with shop() as store:
        task, runs = store.task(tmp_path), tmp_path / "runs"
        with running(begun(task, runs), breakage="slow_model,stages") as child:
            until_stage(child, "thinking")
            found = agent("stop", "last", "--runs", runs)
            assert (found.code, "was stopped" in found.out) == (0, True), found.err
            assert child.wait(20) == 30
        assert store.posts == []
        again = agent("stop", "last", "--runs", runs)
        assert (again.code, "not running any more" in again.err) == (2, True)
