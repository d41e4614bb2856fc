"""The answer to a payment is lost: what happened is found out by looking, and nobody pays twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cut_line import Line, cut_line
from procs import Airline, airline, run

from agent.audit.events import events
from tasks.sites.flights.ledger import posts, purchases

pytestmark = pytest.mark.browser


@contextmanager
def cut(folder: Path, **told: object) -> Iterator[tuple[Airline, Line]]:
    with airline(folder) as site, cut_line(site.url, **told) as line:
        yield replace(site, url=line.url), line


def told(folder: Path, name: str) -> list[str]:
    return [event.body for event in events(folder / "journal.jsonl") if event.name == name]


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
