"""Whole runs that ask at a console: a flight is booked after a person in a browser said yes, or is not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.audit.verify import verify
from agent.store.store import Store
from tasks.sites.flights.ledger import purchases

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
JUMP = ("--site", "mischief=price_jump", "--site", "seed=11")


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return {**kept, "PYTHONPATH": str(ROOT), "DEMO_CARD": "4242424242424242", "DEMO_CVC": "737"}


@dataclass
class Served:
    origin: str
    link: str
    process: subprocess.Popen[str]


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    """`agent console` as its owner starts it."""
    command = [sys.executable, "-m", "agent", "console", "--port", "0", "--runs", str(home / "runs")]
    process = subprocess.Popen(command, env=environment(), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        origin = process.stdout.readline().split()[-1]
        link = process.stdout.readline().split()[-1]
        yield Served(origin, link, process)
    finally:
        process.terminate()
        process.wait(30)


@dataclass
class Running:
    process: subprocess.Popen[str]
    out: list[str]
    reader: threading.Thread

    def last(self, within_s: float = 150) -> dict[str, Any]:
        self.process.wait(within_s)
        self.reader.join(10)
        told: dict[str, Any] = json.loads(self.out[-1])
        return told


@pytest.fixture
def start(home: Path) -> Iterator[Any]:
    """Starts runs of the airline task that ask at a console."""
    running: list[Running] = []

    def begin(*more: str, task: Path = ROOT / "tasks" / "book_flight.yaml") -> Running:
        fixed = ("run", str(task), "--model", "plan", "--runs", str(home / "runs"), "--approve", "console", "--json")
        command = [sys.executable, "-m", "agent", *fixed, *more]
        process = subprocess.Popen(command, env=environment(), cwd=ROOT, stdout=subprocess.PIPE, text=True)
        out: list[str] = []
        reader = threading.Thread(target=lambda: out.extend(process.stdout or ()), daemon=True)
        reader.start()
        running.append(Running(process, out, reader))
        return running[-1]

    yield begin
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


def come_in(chromium: Any, served: Served) -> Any:
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(100_000)
    page.goto(served.link)
    page.get_by_role("button", name="Come in").click()
    page.wait_for_url("**/waiting")
    return page


def bought(told: dict[str, Any]) -> int:
    return len(purchases(Path(told["folder"]) / "site" / "flights.log.jsonl"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_flight_is_paid_for_after_a_person_said_yes_in_a_browser(chromium: Any, served: Served, start: Any) -> None:
    page = come_in(chromium, served)
    run = start(*JUMP)
    shown = page.locator("article.card")
    shown.locator("svg.screen rect.mark").wait_for()
    text = shown.inner_text()
    assert "Pay" in text and "EUR" in text and "book" in text.lower()
    shown.locator("img.crop").evaluate("image => image.decode()")
    if folder := os.environ.get("DESKHAND_SHOTS"):
        page.set_viewport_size({"width": 1280, "height": 1010})
        page.screenshot(path=str(Path(folder) / "real-waiting.png"))
    shown.get_by_role("button", name=re.compile("^Approve")).click()
    page.get_by_text("Approved.").wait_for()
    told = run.last()
    assert (told["outcome"], bought(told)) == ("verified", 1), told
    assert verify(Path(told["folder"])).ok
    trail = (Path(told["folder"]) / "journal.jsonl").read_text()
    assert '"approved"' in trail
    page.goto(f"{served.origin}/runs/{told['run']}")
    page.get_by_role("heading", name="Timeline").wait_for()
    assert page.locator("li.step").count() == told["steps"]
    if folder := os.environ.get("DESKHAND_SHOTS"):
        page.screenshot(path=str(Path(folder) / "real-run.png"), full_page=True)
    page.context.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_that_is_stopped_at_the_question_buys_nothing(chromium: Any, served: Served, start: Any) -> None:
    page = come_in(chromium, served)
    run = start(*JUMP)
    page.locator("article.card").get_by_role("button", name=re.compile("^Stop the run")).click()
    told = run.last()
    assert (told["outcome"], bought(told)) == ("halted", 0), told
    page.context.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_console_that_is_killed_loses_no_answer_and_a_run_that_is_killed_none_either(
    served: Served, start: Any, store: Store
) -> None:
    """The answer is given by a console that is killed at once; the run hears of it and ends as it should."""
    from agent.console.deciding import Wish, decide
    from agent.store.keys import own_key
    from agent.store.people import Operator

    run = start(*JUMP)
    until = time.monotonic() + 100
    while not (waiting := store.requests.waiting()) and time.monotonic() < until:
        time.sleep(0.1)
    served.process.kill()
    served.process.wait()
    assert store.requests.state(waiting[0].id) == "open"
    decide(store, own_key(), Operator("ada", "approver"), waiting[0], Wish("approved", waiting[0].digest), "console")
    told = run.last()
    assert (told["outcome"], bought(told)) == ("verified", 1), told
    decided = store.requests.decided(waiting[0].id)
    assert decided is not None and decided.taken_at is not None
    found = store.runs.get(told["run"])
    assert found is not None and (found.state, found.outcome) == ("ended", "verified")


@pytest.mark.timeout(300)
def test_without_a_console_the_run_is_told_so_and_refused(home: Path, start: Any) -> None:
    told = start(*JUMP).last()
    assert (told["outcome"], bought(told)) == ("denied", 0) and "nobody was there to ask" in told["because"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_person_takes_over_and_the_agent_looks_again(chromium: Any, served: Served, start: Any, store: Store) -> None:
    page = come_in(chromium, served)
    run = start()
    until = time.monotonic() + 100
    while not (there := store.runs.listed()) and time.monotonic() < until:
        time.sleep(0.05)
    name = there[0].id
    page.goto(f"{served.origin}/runs/{name}")
    page.get_by_role("button", name="Take over").click()
    page.get_by_text("You drive this run").wait_for()
    page.locator("input.wheelpic").click(position={"x": 200, "y": 20})
    until = time.monotonic() + 60
    while not (done := [one for one in store.runs.hands(name) if one.came_of_it]) and time.monotonic() < until:
        time.sleep(0.1)
    assert done and "click" in str(done[0].came_of_it)
    page.get_by_role("button", name="Give back to the agent").click()
    told = run.last()
    assert told["outcome"] in ("verified", "done_unverified"), told
    trail = (Path(told["folder"]) / "journal.jsonl").read_text()
    assert "took the wheel" in trail and "gave the wheel back" in trail
    assert verify(Path(told["folder"])).ok
    page.context.close()
