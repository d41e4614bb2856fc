"""`agent rollback`: what it says it can take back, what it puts back, and that nothing leaves meanwhile."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from procs import CARD, CVC, Airline, Finished, agent, airline, run

from agent.audit.events import events
from agent.audit.verify import verify
from agent.run_folder import RunFolder
from agent.take_back import Deed, TakeBack, deeds_of, take_back
from sandboxes.checkpoint import NotKept, State
from tasks.sites.flights.ledger import posts, purchases

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def booked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Airline, Finished]]:
    """One booking on an airline that outlives the run."""
    place = tmp_path_factory.mktemp("rollback")
    with airline(place / "site") as site:
        found = run(site.task(place), place / "runs", timeout=110)
        assert found.last["outcome"] == "verified", found.last
        yield site, found


def step_of(found: Finished, words: str) -> int:
    """The step, from 1, of the act whose words these are."""
    return next(deed.step for deed in deeds_of(RunFolder(found.folder))[0] if words in deed.what) + 1


def back(found: Finished, to: int, *more: str) -> Finished:
    return agent("rollback", found.folder, "--to", str(to), "--runs", found.runs, "--approve", "deny", "--json", *more,
                 timeout=110)  # fmt: skip


def test_checkpoints_are_kept_before_what_lasts_and_hold_no_secret(booked: tuple[Airline, Finished]) -> None:
    folder = RunFolder(booked[1].folder)
    deeds, _ = deeds_of(folder)
    kept = [deed for deed in deeds if deed.state]
    assert kept and all(deed.consequence.split()[0] not in ("look", "move", "edit") for deed in kept)
    assert any("Pay" in deed.what for deed in kept)
    for file in folder.states.iterdir():
        text = file.read_text()
        assert CARD not in text and f'"{CVC}"' not in text and stat.S_IMODE(file.stat().st_mode) == 0o600
        assert State.from_bytes(file.read_bytes()).digest == file.stem
    pay = State.from_bytes(folder.state(next(deed.state for deed in deeds if "Pay" in deed.what)) or b"")
    assert pay.data["url"].endswith("/payment") and pay.data["storage"]["cookies"]
    assert {field["words"] for field in pay.data["fields"]} == {"Expiry date", "Name on card", "I accept the terms"}
    assert sum("secret" in line for line in pay.left_out) == 2


def test_it_says_what_it_cannot_take_back_and_touches_nothing(booked: tuple[Airline, Finished]) -> None:
    site, found = booked
    before = len(posts(site.log))
    said = back(found, step_of(found, "Continue to payment"), "--dry-run")
    assert said.code == 0 and said.last["outcome"] is None
    assert any("Card number" in line and "taken back" in line for line in said.last["taken_back"])
    gone = said.last["not_taken_back"]
    assert any("Pay" in line and "POST to 127.0.0.1" in line and "/payment (buy" in line for line in gone)
    assert len(posts(site.log)) == before


def test_the_page_before_paying_is_put_back(booked: tuple[Airline, Finished]) -> None:
    """Before the passengers were sent: the form is there again, filled in, and the server heard of nothing."""
    site, found = booked
    before = len(posts(site.log)), len(purchases(site.log))
    done = back(found, step_of(found, "Search flights"))
    assert (done.code, done.last["outcome"]) == (0, "verified"), done.out + done.err
    assert (len(posts(site.log)), len(purchases(site.log))) == before
    folder = Path(done.last["folder"])
    verdict = verify(folder)
    assert verdict.ok and verdict.closed and verdict.permits == verdict.intents > 1
    names = [event.name for event in events(folder / "journal.jsonl")]
    assert "gui.rollback" in names and names.count("gui.rollback.deed") > 5
    assert (folder / "report.html").is_file()
    assert [
        event for event in events(folder / "journal.jsonl") if event.name == "gui.wire" and event.get("released")
    ] == []


def test_a_page_that_is_not_there_any_more_is_not_called_verified(booked: tuple[Airline, Finished]) -> None:
    """The booking is paid: its payment page leads to the confirmation now."""
    site, found = booked
    done = back(found, step_of(found, "Pay "))
    assert (done.code, done.last["outcome"]) == (10, "done_unverified")
    assert "the address is" in done.last["because"] and len(purchases(site.log)) == 1


def test_the_policy_is_asked_here_too(booked: tuple[Airline, Finished]) -> None:
    done = back(booked[1], step_of(booked[1], "Search flights"), "--policy", "observe")
    assert (done.code, done.last["outcome"]) == (20, "denied")


def test_what_a_user_can_get_wrong_is_one_line(booked: tuple[Airline, Finished], tmp_path: Path) -> None:
    found = booked[1]
    for wrong in (agent("rollback", "nothing", "--to", "1", "--runs", tmp_path), back(found, 1)):
        assert wrong.code == 2 and len(wrong.err.splitlines()) == 1 and "Traceback" not in wrong.err
    assert "steps with one" in back(found, 1).err


def test_a_trail_that_does_not_hold_is_not_followed(booked: tuple[Airline, Finished], tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / booked[1].folder.name
    shutil.copytree(booked[1].folder, copy)
    journal = copy / "journal.jsonl"
    journal.write_text(journal.read_text().replace("classic", "classix").replace("Zurich", "Berlin"))
    done = agent("rollback", copy, "--to", "9", "--runs", tmp_path)
    assert done.code == 2 and "does not hold" in done.err


def test_an_altered_checkpoint_is_not_put_back(booked: tuple[Airline, Finished], tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / booked[1].folder.name
    shutil.copytree(booked[1].folder, copy)
    for file in (copy / "states").iterdir():
        file.write_text(file.read_text().replace("payment", "elsewhere").replace("http", "https"))
    verdict = verify(copy)
    assert not verdict.ok and verdict.problem == "state"


def deed(step: int, consequence: str, state: str = "", **told: object) -> Deed:
    return Deed(step, f"click button {step}", consequence, state, **{"status": "done", **told})  # type: ignore[arg-type]


def test_what_becomes_of_a_deed() -> None:
    assert deed(0, "edit").fate == "undone"
    assert deed(0, "buy 9.00 EUR", sent=["POST to a/pay (buy)"]).fate == "gone"
    assert deed(0, "edit", sent=["POST to a/autosave (edit)"]).fate == "gone"
    assert deed(0, "buy 9.00 EUR", status="").fate == "unknown"
    assert deed(0, "buy 9.00 EUR").fate == "unknown", "a surface without a wire cannot tell that nothing left"
    assert deed(0, "buy 9.00 EUR", effect="not_happened", sent=["POST"]).fate == "undone"
    assert deed(0, "delete", status="stale").fate == "undone"
    plan = TakeBack(0, "", (deed(0, "edit"), deed(1, "buy", sent=["POST to a/pay (buy)"])), ("POST to a/ping (edit)",))
    assert [line.partition(": ")[2][:30] for line in plan.lines()][1].startswith("click button 1: cannot be take")
    assert len(list(plan.lines())) == 3 and len(plan.gone) == 1


def test_a_run_without_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("")
    assert "no checkpoint" in str(take_back(RunFolder(tmp_path), 3))
    with pytest.raises(NotKept):
        State.from_bytes(b"{}")


def test_a_state_moves_with_its_site() -> None:
    state = State("page", {"url": "http://a:1/x", "text": "see http://a:1/x", "list": ["http://a:1", "http://a:11/"]})
    moved = state.moved("http://a:1", "http://a:2").data
    assert moved == {"url": "http://a:2/x", "text": "see http://a:1/x", "list": ["http://a:2", "http://a:11/"]}
    assert json.loads(state.to_bytes())["v"] == 1
