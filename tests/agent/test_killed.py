"""A run that is killed at any moment leaves a whole trail and no process, and a second run does not pay again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from procs import agent, airline, family, gone, run, running, shop

from agent.run_folder import list_runs
from tasks.sites.flights.ledger import purchases

pytestmark = pytest.mark.browser

WHOLE_S = 11.0
"""About how long a booking takes."""


def begun(task: Path, runs: Path) -> list[str]:
    return ["run", str(task), "--model", "plan", "--runs", str(runs), "--approve", "deny", "--json"]


def killed(child: subprocess.Popen[str]) -> list[str]:
    """Kill it without a warning; what is left of its family a few seconds later."""
    mine = family(child.pid)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    return gone(mine, 8.0)


def paid_once_over_two_runs(tmp_path: Path, after_s: float) -> None:
    runs = tmp_path / "runs"
    with airline(tmp_path / "site") as site:
        task = site.task(tmp_path)
        with running(begun(task, runs)) as child:
            time.sleep(after_s)
            left = killed(child)
        assert left == []
        for one in list_runs(runs):
            if one.folder.journal.exists():
                assert one.state in ("crashed", "ended")
                verified = agent("audit", "verify", one.folder.path)
                assert verified.code == 0, verified.out + verified.err
        before = len(purchases(site.log))
        if any(one.state == "ended" and one.record and one.record.outcome == "verified" for one in list_runs(runs)):
            return  # the kill came too late: a whole booking, after which another one is nobody's mistake
        again = run(task, runs)
        assert len(purchases(site.log)) <= 1, f"paid twice, after a kill at {after_s:.2f} s"
        ended = {one.record.outcome for one in list_runs(runs) if one.record and one.state == "ended"}
        if before and "verified" not in ended - {again.last["outcome"]}:
            # looked back at with the session that its checkpoint kept: it tells, or it stays unknown
            assert (again.code, again.last["outcome"]) in ((0, "verified"), (40, "unknown_effect"))
        if not before and again.last["outcome"] != "unknown_effect":
            assert again.last["outcome"] == "verified" and len(purchases(site.log)) == 1


@pytest.mark.parametrize("part", range(3))
def test_killed_at_some_moment(tmp_path: Path, part: int) -> None:
    """One moment in each third of a run, so that each part of it is met."""
    paid_once_over_two_runs(tmp_path, (part + random.random()) * WHOLE_S / 3 * 0.95)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_killed_at_ten_moments(tmp_path: Path, part: int) -> None:
    paid_once_over_two_runs(tmp_path, (part + random.random()) * WHOLE_S / 10)


def test_killed_in_the_middle_of_an_act(tmp_path: Path) -> None:
    with shop() as store:
        task, runs = store.task(tmp_path), tmp_path / "runs"
        with running(begun(task, runs), "dies_after_pressing") as child:
            assert child.stdout and json.loads(child.stdout.readline()) == {"pressed": "click"}
            assert killed(child) == []
        [crashed] = list_runs(runs)
        assert crashed.state == "crashed" and store.posts == ["/buy"]
        verified = agent("audit", "verify", crashed.folder.path)
        assert verified.code == 0 and "unknown effect" in verified.out and "never closed" in verified.out

        again = run(task, runs)
        assert (again.code, again.last["outcome"]) == (40, "unknown_effect")
        assert crashed.id in again.last["because"] and "--again" in again.last["because"]
        assert store.posts == ["/buy"] and len(list_runs(runs)) == 1

        meant = run(task, runs, "--again")
        assert (meant.code, store.posts) == (0, ["/buy", "/buy"])
        after = run(task, runs)
        assert after.code == 0, "somebody looked and said --again: the crash is dealt with"


def test_a_browser_that_is_lost_after_paying_is_not_paid_again(tmp_path: Path) -> None:
    with shop() as store:
        task, runs = store.task(tmp_path), tmp_path / "runs"
        lost = run(task, runs, breakage="lost_after_buying")
        assert (lost.code, lost.last["outcome"], store.posts) == (1, "error", ["/buy"])
        assert lost.verdict.ok and lost.verdict.closed
        again = run(task, runs)
        assert (again.code, store.posts) == (40, ["/buy"])


@pytest.mark.slow
def test_another_task_is_not_held_up_by_a_crash(tmp_path: Path) -> None:
    with shop() as store:
        runs = tmp_path / "runs"
        run(store.task(tmp_path), runs, breakage="lost_after_buying")
        other = store.task(tmp_path, "press More", "press the Pay 89.00 EUR button", name="other.yaml")
        assert run(other, runs).code == 0
