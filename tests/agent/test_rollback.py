"""`agent rollback`: what it says it can take back, what it puts back, and that nothing leaves meanwhile."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, desk
from procs import BOOK, CARD, Finished, agent, run

from agent.audit.events import events
from agent.audit.verify import verify
from agent.run_folder import RunFolder
from agent.take_back import Deed, TakeBack, deeds_of, take_back
from sandboxes.checkpoint import NotKept, State
from tasks.sites.flights.ledger import posts, purchases

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Finished]]:
    """One order at a desk that outlives the run."""
    place = tmp_path_factory.mktemp("rollback")
    with desk() as one:
        found = run(one.task(place), place / "runs", timeout=110)
        assert found.last["outcome"] == "verified", found.last
        yield one, found


def step_of(found: Finished, words: str) -> int:
    """The step, from 1, of the act whose words these are."""
    return next(deed.step for deed in deeds_of(RunFolder(found.folder))[0] if words in deed.what) + 1


def back(found: Finished, to: int, *more: str) -> Finished:
    words = ("rollback", found.folder, "--to", str(to), "--runs", found.runs, "--approve", "deny", "--json", *more)
    return agent(*words, timeout=110)


def test_a_checkpoint_is_kept_before_what_lasts_and_holds_no_secret(ordered: tuple[Desk, Finished]) -> None:
    folder = RunFolder(ordered[1].folder)
    deeds, _ = deeds_of(folder)
    [kept] = [deed for deed in deeds if deed.state]
    assert "Pay" in kept.what and kept.consequence == "buy 80.00 EUR"
    [file] = folder.states.iterdir()
    state = State.from_bytes(file.read_bytes())
    assert CARD not in file.read_text() and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.states.stat().st_mode) == 0o700 and state.digest == file.stem == kept.state
    assert {field["words"]: field["value"] for field in state.data["fields"]}["Wood"] == "beech"
    assert state.left_out == ("the field \u201cPassword\u201d: it is for secrets",)
    assert state.data["storage"]["origins"][0]["localStorage"] and state.data["session"] == [["tab", "first"]]


def test_it_says_what_it_cannot_take_back_and_touches_nothing(ordered: tuple[Desk, Finished]) -> None:
    place, found = ordered
    before = list(place.asked)
    said = back(found, step_of(found, "Pay"), "--dry-run")
    assert said.code == 0 and said.last["outcome"] is None and said.last["taken_back"] == []
    [gone] = said.last["not_taken_back"]
    assert "Pay" in gone and "(buy 80.00 EUR): cannot be taken back: it sent POST to http://127.0.0.1:" in gone
    assert place.asked == before


def test_the_page_is_put_back_by_the_hand_under_permits_and_nothing_is_sent(ordered: tuple[Desk, Finished]) -> None:
    place, found = ordered
    before = len(place.asked)
    done = back(found, step_of(found, "Pay"))
    assert (done.code, done.last["outcome"]) == (0, "verified"), done.out + done.err
    assert {method for method, _ in place.asked[before:]} == {"GET"}, "its own script wanted to save drafts"
    folder = Path(done.last["folder"])
    verdict = verify(folder)
    assert verdict.ok and verdict.closed and verdict.permits == verdict.intents == 6
    told = list(events(folder / "journal.jsonl"))
    assert next(event.body for event in told if event.name == "gui.rollback").startswith(found.last["run"])
    assert len([event for event in told if event.name == "gui.rollback.deed"]) == 1
    kept = [event for event in told if event.name == "gui.wire"]
    assert kept and not any(event.get("released") for event in kept)
    assert (folder / "report.html").is_file() and len(place.orders) == 1


def test_the_policy_is_asked_here_too(ordered: tuple[Desk, Finished]) -> None:
    done = back(ordered[1], step_of(ordered[1], "Pay"), "--policy", "observe")
    assert (done.code, done.last["outcome"]) == (20, "denied")


def test_what_a_user_can_get_wrong_is_one_line(ordered: tuple[Desk, Finished], tmp_path: Path) -> None:
    found = ordered[1]
    early = back(found, 1)
    for wrong in (agent("rollback", "nothing", "--to", "1", "--runs", tmp_path), early):
        assert wrong.code == 2 and len(wrong.err.splitlines()) == 1 and "Traceback" not in wrong.err
    assert f"steps with one: {step_of(found, 'Pay')}" in early.err


def test_a_trail_or_a_checkpoint_that_was_altered_is_not_followed(
    ordered: tuple[Desk, Finished], tmp_path: Path
) -> None:
    found = ordered[1]
    for name, change in (("trail", "journal.jsonl"), ("state", "states")):
        copy = tmp_path / name / found.folder.name
        shutil.copytree(found.folder, copy)
        file = copy / change if (copy / change).is_file() else next((copy / change).iterdir())
        file.write_text(file.read_text().replace("127.0.0.1", "127.0.0.9"))
        verdict = verify(copy)
        assert not verdict.ok and (name == "trail" or verdict.problem == "state")
        done = agent("rollback", copy, "--to", "99", "--runs", tmp_path)
        assert done.code == 2 and "does not hold" in done.err


def test_a_checkpoint_that_was_thrown_away_is_no_fault(ordered: tuple[Desk, Finished], tmp_path: Path) -> None:
    copy = tmp_path / ordered[1].folder.name
    shutil.copytree(ordered[1].folder, copy)
    shutil.rmtree(copy / "states")
    assert verify(copy).ok
    done = agent("rollback", copy, "--to", "99", "--runs", tmp_path)
    assert done.code == 2 and "its checkpoints are gone" in done.err


@pytest.mark.slow
def test_a_booking_on_the_airline(tmp_path: Path) -> None:
    """Its own demo site is started again for the rollback; what is paid stays paid, and is said to be."""
    found = run(BOOK, tmp_path, timeout=110)
    assert found.last["outcome"] == "verified"
    log = found.folder / "site" / "flights.log.jsonl"
    before = len(posts(log))
    pay = step_of(found, "Pay ")
    state = State.from_bytes(RunFolder(found.folder).state(deeds_of(RunFolder(found.folder))[0][-1].state) or b"")
    assert state.data["storage"]["cookies"] and CARD not in str(state.data)
    assert {field["words"] for field in state.data["fields"]} == {"I accept the terms"}
    found.runs = tmp_path
    done = back(found, pay)
    assert (done.code, done.last["outcome"]) == (10, "done_unverified"), (
        "its payment page leads to the confirmation now"
    )
    assert "the address is" in done.last["because"] and "/payment" in done.last["not_taken_back"][0]
    seats = back(found, step_of(found, "Skip seat"))
    assert (seats.code, seats.last["outcome"]) == (0, "verified"), seats.out
    assert len(posts(log)) == before and len(purchases(log)) == 1


def deed(step: int, consequence: str, state: str = "", **told: object) -> Deed:
    return Deed(step, f"click button {step}", consequence, state, **{"status": "done", **told})  # type: ignore[arg-type]


def test_what_becomes_of_a_deed() -> None:
    assert deed(0, "edit").fate == "undone"
    assert deed(0, "buy 9.00 EUR", sent=["POST to a/pay"]).fate == "gone"
    assert deed(0, "edit", sent=["POST to a/autosave"]).fate == "gone"
    assert deed(0, "buy 9.00 EUR", status="").fate == "unknown"
    assert deed(0, "buy 9.00 EUR").fate == "unknown", "a surface without a wire cannot tell that nothing left"
    assert deed(0, "buy 9.00 EUR", effect="not_happened", sent=["POST"]).fate == "undone"
    assert deed(0, "delete", status="stale").fate == "undone"
    plan = TakeBack(0, "", (deed(0, "edit"), deed(1, "buy", sent=["POST to a/pay"])), ("POST to a/ping",))
    assert [line.partition(": ")[2] for line in plan.lines()][1].startswith("click button 1 (buy): cannot be taken")
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
