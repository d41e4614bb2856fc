"""What a run that was cut off has done, read from a real trail; and what cannot be gone on with, in one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from agent.past import NothingToResume, Past, past_of
from agent.plan import PlanStep
from model.base import Act, Finish

sys.path.append(str(Path(__file__).parents[1] / "agent"))
from world import Fake, Played, button, click, pay, play

SEARCH, BUY = button("Search"), pay()
STEPS = (PlanStep("press Search"), PlanStep("press the Pay button"))
SCRIPT = [Act(click(SEARCH)), Finish(), Act(click(BUY)), Finish()]


def to_pay(world: Fake, action: Any) -> None:
    world.show(*([BUY] if SEARCH in world.nodes else [button("Booked")]))


def lost_at_pay(world: Fake, action: Any) -> Any:
    if action == click(BUY) and BUY in world.nodes:
        raise RuntimeError("the browser is gone")
    return "done"


def broken(tmp_path: Path) -> Played:
    found = play(tmp_path, SCRIPT, [SEARCH], steps=STEPS, then=to_pay, receipt=lost_at_pay)
    assert found.ending.outcome == "unknown_effect", found.ending
    return found


def read(found: Played) -> Past:
    return past_of(found.folder, found.folder.path.parent)


def test_what_was_in_flight_is_in_doubt_and_what_is_counted_goes_on(tmp_path: Path) -> None:
    found = broken(tmp_path)
    past = read(found)
    assert [(act.kind, act.plan, act.happened) for act in past.acts][-1] == ("buy", 1, None)
    assert [act.what for act in past.doubts] == ['click button "Pay 89.00 EUR"']
    assert list(past.doubted.values()) == ["buy"] and all(past.doubted)
    assert past.counted["buys"] == 1 and past.counted["acts"] == 2 and past.steps == 3
    assert past.point is None and past.plan == 0 and not past.lasted
    assert past.acts[0].words == 'left_click button "Search"' and past.seconds > 0
    assert past.head == (found.verdict.records, found.verdict.root)


def test_a_run_that_has_ended_for_good_is_not_gone_on_with(tmp_path: Path) -> None:
    verified = play(tmp_path / "a", SCRIPT, [SEARCH], steps=STEPS, then=to_pay)
    with pytest.raises(NothingToResume, match="ended verified: there is nothing left to do"):
        read(verified)
    denied = play(tmp_path / "b", [Act(click(pay("900.00 EUR")))], [pay("900.00 EUR")])
    with pytest.raises(NothingToResume, match=r"ended denied: .*start it anew"):
        read(denied)


def test_a_trail_that_was_altered_is_not_believed(tmp_path: Path) -> None:
    found = broken(tmp_path)
    journal = found.folder.journal
    journal.write_bytes(journal.read_bytes().replace(b"Search", b"Sear\xc3\xa7h", 1))
    with pytest.raises(NothingToResume, match=r"does not hold .*nothing is taken from it"):
        read(found)


def test_a_run_is_gone_on_with_once_and_not_while_it_lives(tmp_path: Path) -> None:
    import fcntl

    first, second = broken(tmp_path), broken(tmp_path)
    with first.folder.journal.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(NothingToResume, match="is going on"):
            read(first)
    second.folder.write_run(second.record.model_copy(update={"resumes": first.folder.id}))
    with pytest.raises(NothingToResume, match=f"gone on with already by {second.folder.id}.*resume that one"):
        read(first)
    chain = read(second)
    assert [one.id for one in chain.folders] == [first.folder.id, second.folder.id] and chain.counted["buys"] == 2


def test_a_run_that_never_began_is_started_anew(tmp_path: Path) -> None:
    found = broken(tmp_path)
    found.folder.journal.unlink()
    with pytest.raises(NothingToResume, match="start it anew"):
        read(found)
