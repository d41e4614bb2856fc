"""The answer to a payment is lost: what happened is found out by looking, and nobody pays twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cut_line import Line, cut_line
from desk import desk
from procs import Airline, airline, run, running

from agent.audit.events import events
from tasks.sites.flights.ledger import posts, purchases

pytestmark = pytest.mark.browser


@contextmanager
def cut(folder: Path, **told: object) -> Iterator[tuple[Airline, Line]]:
    with airline(folder) as site, cut_line(site.url, **told) as line:
        yield replace(site, url=line.url), line


def begun(task: Path, runs: Path) -> list[str]:
    return ["run", str(task), "--model", "plan", "--runs", str(runs), "--approve", "deny", "--json"]


def told(folder: Path, name: str) -> list[str]:
    return [event.body for event in events(folder / "journal.jsonl") if event.name == name]


def test_ordered_and_the_answer_is_lost(tmp_path: Path) -> None:
    with desk() as place, cut_line(place.url, cuts={"POST /save": "answer"}) as line:
        found = run(place.task(tmp_path, line.url), tmp_path / "runs", timeout=110)
        assert (found.code, found.last["outcome"]) == (0, "verified"), found.last
        assert place.posts("/save") == 1 and len(place.orders) == 1
    said = told(found.folder, "gui.effect")
    assert said[0].startswith("unknown: POST") and said[1] == "happened: the text `Ordered: Ada` is shown"
    assert found.verdict.ok and not found.verdict.unknown_effect


def test_it_never_arrived_and_is_done_once_more(tmp_path: Path) -> None:
    """The form is empty after the look: the plan goes back to the step that filled in its first field."""
    with desk() as place, cut_line(place.url, cuts={"POST /save": "request"}, times=1) as line:
        found = run(place.task(tmp_path, line.url), tmp_path / "runs", timeout=110)
        assert (found.code, found.last["outcome"]) == (0, "verified"), found.last
        assert place.posts("/save") == 1 and place.orders[0]["wood"] == ["beech"]
    assert [line.partition(":")[0] for line in told(found.folder, "gui.effect")] == ["unknown", "not happened"]


@pytest.mark.slow
def test_a_run_that_was_killed_is_looked_back_at(tmp_path: Path) -> None:
    """It had been sent: the next run finds that out and repeats nothing. Then it had not: the next run does it."""
    with desk() as place, cut_line(place.url) as line:
        task, runs = place.task(tmp_path, line.url), tmp_path / "runs"
        line.cuts, line.times = {"POST /save": "request"}, 1
        with running(begun(task, runs), "dies_after_buying") as child:
            assert child.stdout and any('"pressed"' in one for one in child.stdout)
        assert place.posts("/save") == 0
        again = run(task, runs, timeout=110)
        assert (again.code, again.last["outcome"]) == (0, "verified"), again.last
        assert place.posts("/save") == 1
        [back] = told(again.folder, "gui.reconciled")
        assert back.endswith("not happened") and "was cut off" in back

        with running(begun(task, runs), "dies_after_buying") as child:
            assert child.stdout and any('"pressed"' in one for one in child.stdout)
        assert place.posts("/save") == 2
        found = run(task, runs, timeout=110)
        assert found.last["outcome"] == "verified" and "had done it" in found.last["because"]
        assert place.posts("/save") == 2 and told(found.folder, "gui.intent")[-1].endswith("/orders")


@pytest.mark.slow
def test_without_a_way_to_look_nothing_is_repeated(tmp_path: Path) -> None:
    with desk() as place, cut_line(place.url, cuts={"POST /save": "answer"}) as line:
        task, runs = place.task(tmp_path, line.url, reconcile=[]), tmp_path / "runs"
        found = run(task, runs, timeout=110)
        assert (found.code, found.last["outcome"]) == (40, "unknown_effect") and "EMPTY_RESPONSE" in found.last[
            "because"
        ]
        assert len(found.verdict.unknown_effect) == 1 and found.verdict.ok
        again = run(task, runs, timeout=110)
        assert (again.code, again.last["outcome"], place.posts("/save")) == (40, "unknown_effect", 1)
        edited = json.loads(task.read_text())
        edited["limits"]["steps"] = 41
        task.write_text(json.dumps(edited))
        once_more = run(task, runs, timeout=110)
        assert (once_more.code, place.posts("/save")) == (40, 1), "an edited file is the same undertaking"


def test_two_runs_of_the_same_thing_at_the_same_moment(tmp_path: Path) -> None:
    with desk() as place:
        task, runs = place.task(tmp_path), tmp_path / "runs"
        with running(begun(task, runs), "dies_after_buying") as child:
            assert child.stdout and child.stdout.readline()
            second = run(task, runs, timeout=110)
            assert (second.code, second.last["outcome"]) == (30, "halted") and "running already" in second.last[
                "because"
            ]
            assert not second.last["run"]


@pytest.mark.slow
def test_paid_and_the_answer_is_lost(tmp_path: Path) -> None:
    with cut(tmp_path / "site", cuts={"POST /payment": "answer"}) as (site, line):
        found = run(site.task(tmp_path), tmp_path / "runs", timeout=110)
        assert found.last["outcome"] == "verified", found.last
        assert len(purchases(site.log)) == 1
        assert found.last["outputs"]["reference"] == purchases(site.log)[0].reference
    said = told(found.folder, "gui.effect")
    assert said[0].startswith("unknown: POST") and said[1].startswith("happened: the text `Booking confirmed`")
    assert found.verdict.ok and not found.verdict.unknown_effect
    assert [one for one in line.seen if one.startswith("POST /payment")] == ["POST /payment HTTP/1.1"]


@pytest.mark.slow
def test_never_arrived_and_is_done_once_more(tmp_path: Path) -> None:
    with cut(tmp_path / "site", cuts={"POST /payment": "request"}, times=1) as (site, _):
        found = run(site.task(tmp_path), tmp_path / "runs", timeout=110)
        assert found.last["outcome"] == "verified", found.last
        assert len(purchases(site.log)) == 1
    said = told(found.folder, "gui.effect")
    assert said[0].startswith("unknown: POST") and said[1].startswith("not happened")
    assert found.verdict.ok


@pytest.mark.slow
def test_what_never_arrives_is_not_tried_for_ever(tmp_path: Path) -> None:
    with cut(tmp_path / "site", cuts={"POST /payment": "request"}) as (site, _):
        found = run(site.task(tmp_path), tmp_path / "runs", timeout=110)
        assert (found.code, found.last["outcome"]) == (30, "halted")
        assert purchases(site.log) == [] and "second time" in found.last["because"]


@pytest.mark.slow
def test_nobody_can_look(tmp_path: Path) -> None:
    cuts = {"POST /payment": "answer", "GET /payment": "request"}
    with airline(tmp_path / "site") as site, cut_line(site.url) as line:
        there = replace(site, url=line.url)
        task = there.task(tmp_path)
        line.cuts = {"POST /payment": "answer"}
        text = task.read_text().replace(f'open: "{line.url}payment"', f'open: "{line.url}nowhere"')
        task.write_text(text)
        found = run(task, tmp_path / "runs", timeout=110)
        assert (found.code, found.last["outcome"]) == (40, "unknown_effect")
        assert len(purchases(site.log)) == 1 and len(posts(site.log)) > 1 and cuts
        assert len(found.verdict.unknown_effect) == 1
        again = run(task, tmp_path / "runs", timeout=110)
        assert (again.code, again.last["outcome"]) == (40, "unknown_effect")
        assert len(purchases(site.log)) == 1
        assert json.loads((again.folder / "run.json").read_text())["outcome"] == "unknown_effect"
