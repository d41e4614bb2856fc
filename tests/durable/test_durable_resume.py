"""`agent resume`: a run that was killed goes on in one of its own, and what it did is not done twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "agent"))
from cut_line import cut_line
from desk import desk
from procs import agent, running

from agent.audit.events import events
from agent.run_folder import list_runs

pytestmark = [pytest.mark.browser, pytest.mark.timeout(480)]


def killed_after_buying(task: Path, runs: Path) -> None:
    begun = ["run", str(task), "--model", "plan", "--runs", str(runs), "--approve", "deny", "--json"]
    with running(begun, "dies_after_buying") as child:
        assert child.stdout and any('"pressed"' in line for line in child.stdout)


def test_bought_and_killed_it_is_found_and_not_bought_again(tmp_path: Path) -> None:
    with desk() as place:
        runs = tmp_path / "runs"
        killed_after_buying(place.task(tmp_path), runs)
        [crashed] = list_runs(runs)
        found = agent("resume", "last", "--runs", runs, "--json", timeout=400)
        assert (found.code, found.last["outcome"]) == (0, "verified"), found.out + found.err
        assert len(place.orders) == 1 and "nothing was repeated" in found.last["because"]
        newest = list_runs(runs)[0]
        assert newest.record is not None and newest.record.resumes == crashed.id
        told = {event.name: event for event in events(newest.folder.journal)}
        assert told["gui.reconciled"].get("effect") == "happened" and told["gui.resumes"].get("run") == crashed.id
        assert found.verdict.ok and found.verdict.closed
        for run in (crashed.id, newest.id):
            again = agent("resume", run, "--runs", runs, timeout=400)
            assert again.code == 2 and len(again.err.splitlines()) == 1, again.err


@pytest.mark.slow
def test_killed_before_it_arrived_it_is_done_from_where_it_stood(tmp_path: Path) -> None:
    with desk() as place, cut_line(place.url, cuts={"POST /save": "request"}, times=1) as line:
        runs = tmp_path / "runs"
        killed_after_buying(place.task(tmp_path, line.url), runs)
        assert not place.orders
        found = agent("resume", "last", "--runs", runs, "--json", timeout=400)
        assert (found.code, found.last["outcome"]) == (0, "verified"), found.out + found.err
        assert len(place.orders) == 1 and place.orders[0]["wood"] == ["beech"]
        record = list_runs(runs)[0].record
        assert record is not None and record.steps > list_runs(runs)[1].record.steps  # type: ignore[union-attr]


@pytest.mark.slow
def test_the_steps_that_were_used_count(tmp_path: Path) -> None:
    """The purchase is the last step that the run may take: what goes on with it has none left, and so buys nothing."""
    with desk() as place:
        runs = tmp_path / "runs"
        killed_after_buying(place.task(tmp_path, limits={"steps": 17, "minutes": 2}), runs)
        found = agent("resume", "last", "--runs", runs, "--json", timeout=400)
        assert (found.code, found.last["outcome"]) == (30, "halted"), found.out
        assert "limit of 17 steps" in found.last["because"] and len(place.orders) == 1
