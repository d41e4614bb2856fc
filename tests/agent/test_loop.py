"""The loop on a fake surface, with real rules and a real trail: every way in which a run can end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from world import EMPTY, Fake, Noted, booked, button, click, never, pay, play, text_field, typed

from actuators.action import Click, Wait, Zoom
from actuators.errors import SurfaceLost
from actuators.geometry import Rect
from agent.audit.journal import TrailBroken
from agent.limits import Limits
from agent.parts import Parts
from agent.plan import PlanStep
from model.base import Act, Ask, Blocked, Finish, ModelError, Move, Reply, Unreadable
from model.scripted import Asked, ScriptedModel
from policies.broker import BrokerLost
from policies.decision import Clearance, Decision
from policies.sent import Sent
from policies.wire_gate import Outgoing

SEARCH, DELETE, PAY, NAME = button("Search"), button("Delete booking"), pay(), text_field("Name", 1)
BOOKED = button("Booked")


def then_booked(world: Fake, action: Any) -> None:
    world.show(BOOKED)


def test_what_the_checks_confirm_is_verified(tmp_path: Path) -> None:
    found = play(tmp_path, [Act(click(PAY)), Finish()], [PAY], then=then_booked, outputs={"total": 1})
    assert found.ending.outcome == "verified" and found.ending.outputs == {"total": 1}
    assert found.watch.told() == ["allow done", "-"]
    assert found.surface.acts == [click(PAY)]
    assert [name for name, _ in found.events].count("gui.intent") == 1
    assert found.verdict.ok and found.verdict.closed and found.verdict.permits == 1
    assert (found.record.outcome, found.record.exit_code, found.record.steps) == ("verified", 0, 2)


def test_the_same_through_the_brokers_own_process(tmp_path: Path) -> None:
    found = play(tmp_path, [Act(click(PAY)), Finish()], [PAY], then=then_booked, process=True)
    assert found.ending.outcome == "verified" and found.verdict.ok and found.verdict.closed


def test_a_claim_without_proof_is_unverified(tmp_path: Path) -> None:
    found = play(tmp_path, [Finish("all done")], [SEARCH], holds=never)
    assert found.ending.outcome == "done_unverified"
    assert found.ending.because == "the model says done, but the text `Booked` is not shown"
    assert found.record.exit_code == 10


def test_a_task_without_checks_is_never_verified(tmp_path: Path) -> None:
    found = play(tmp_path, [Finish()], [SEARCH], holds=lambda seen: [])
    assert found.ending.outcome == "done_unverified" and "nothing to check it by" in found.ending.because


def test_a_plan_that_is_over_is_judged_without_the_model(tmp_path: Path) -> None:
    steps = [PlanStep("press Search", when_shown="Nowhere")]
    found = play(tmp_path, [], [BOOKED], steps=steps)
    assert (found.ending.outcome, found.model.calls) == ("verified", [])


@pytest.mark.parametrize(
    ("rules", "nodes", "because"),
    [
        (["observe"], [PAY], "no rule allows it"),
        (["browse"], [PAY], "no rule allows it"),
        (["booking"], [DELETE], "booking"),
        (["booking"], [pay("300.00 EUR")], "nobody was there to ask"),
        (["booking"], [pay("900.00 EUR")], "500"),
        (["booking"], [button("Pay", submits=True, form=pay().form)], ""),
    ],
)
def test_a_refusal_ends_the_run_and_nothing_is_touched(
    tmp_path: Path, rules: list[str], nodes: list[Any], because: str
) -> None:
    found = play(tmp_path, [Act(click(nodes[0])), Finish()], nodes, rules=rules)
    if nodes[0].name == "Pay":  # the total stands beside it: known
        assert found.ending.outcome in ("denied", "done_unverified")
        return
    assert (found.ending.outcome, found.surface.acts, found.surface.receipts) == ("denied", [], [])
    assert "gui.intent" not in [name for name, _ in found.events]
    assert found.verdict.ok and found.record.exit_code == 20
    assert found.watch.steps[-1].note == found.ending.because


def test_the_second_purchase_is_refused(tmp_path: Path) -> None:
    again = pay(row=1)
    found = play(tmp_path, [Act(click(PAY)), Act(click(again)), Finish()], [PAY, again])
    assert found.ending.outcome == "denied" and found.surface.acts == [click(PAY)]


def test_impossible_is_believed_the_second_time(tmp_path: Path) -> None:
    found = play(tmp_path, [Blocked("no such city"), Blocked("no such city")], [SEARCH])
    assert found.ending.outcome == "infeasible" and "no such city" in found.ending.because
    assert found.watch.told() == ["-", "-"] and found.record.exit_code == 21


def test_impossible_once_is_only_a_second_look(tmp_path: Path) -> None:
    found = play(tmp_path, [Blocked(), Act(click(PAY)), Blocked(), Finish()], [PAY], then=then_booked)
    assert found.ending.outcome == "verified"


def test_a_page_that_loads_in_parts_gets_time_before_impossible_is_believed(tmp_path: Path) -> None:
    """Still does not mean there: the next part comes on the fifth look."""

    def arrives(surface: Fake) -> None:
        if surface.looks == 4:
            surface.show(PAY)

    found = play(tmp_path, [Blocked(), Act(click(PAY)), Finish()], [SEARCH], then=then_booked, settling=arrives)
    assert found.ending.outcome == "verified" and found.surface.acts == [click(PAY)]
    assert found.surface.looks >= 5


@pytest.mark.parametrize(("kind", "noted"), [("document", True), ("image", False), ("xhr", False)])
def test_only_a_page_that_was_kept_back_means_that_the_act_came_to_nothing(
    tmp_path: Path, kind: str, noted: bool
) -> None:
    """A portrait from elsewhere that is not loaded says nothing about the sign-in that led to its page."""
    refused = Clearance(Decision("deny", (), (), "no rule permits it"), None, None, None)
    kept = [Outgoing(Sent("GET", "https://pictures.example/ada.png", kind), refused)]
    told = []

    def looks_back(asked: Asked) -> Move:
        told.append([done.note for done in asked.history])
        return Act(click(PAY)) if not asked.history else Finish()

    def at_the_wire(parts: Parts) -> None:
        parts.kept_back = lambda: kept

    play(tmp_path, ScriptedModel(looks_back), [PAY], then=then_booked, change=at_the_wire)
    assert told == [[], ["the page was kept from sending GET https://pictures.example/ada.png" if noted else ""]]


def test_a_model_that_asks_for_a_person_halts(tmp_path: Path) -> None:
    found = play(tmp_path, [Ask("which card?")], [SEARCH])
    assert (found.ending.outcome, found.record.exit_code) == ("halted", 30) and "which card?" in found.ending.because


def test_steps_are_bounded(tmp_path: Path) -> None:
    rows = [button(f"Row {n}", n) for n in range(4)]
    script = [Act(click(rows[n % 4])) for n in range(9)]
    found = play(tmp_path, script, rows, limits=Limits(steps=3))
    assert found.ending.because == "the limit of 3 steps was reached" and len(found.surface.acts) == 3


def test_minutes_are_bounded(tmp_path: Path) -> None:
    found = play(tmp_path, [Finish()], [SEARCH], limits=Limits(started=time.monotonic() - 700))
    assert found.ending.because == "the limit of 10 minutes was reached" and found.model.calls == []


def test_the_same_act_on_an_unchanged_screen_halts(tmp_path: Path) -> None:
    found = play(tmp_path, [Act(click(SEARCH))] * 9, [SEARCH])
    assert found.ending.outcome == "halted" and "again and again" in found.ending.because
    assert len(found.surface.acts) == Limits().same_act


def test_waiting_is_bounded_by_its_time_and_not_by_how_often(tmp_path: Path) -> None:
    script = [*[Act(Wait(seconds=0.01))] * 9, Finish()]
    assert play(tmp_path / "short", script, [SEARCH]).ending.outcome == "done_unverified"
    found = play(tmp_path / "long", script, [SEARCH], limits=Limits(idle_s=0.05))
    assert found.ending.because == "0.05 seconds of waiting did not change the screen"
    assert len(found.surface.acts) == 5


def test_waiting_begins_anew_on_another_screen() -> None:
    limits = Limits(idle_s=10)
    assert [limits.idled(6, "one"), limits.idled(6, "one"), limits.idled(1, "two"), limits.idled(1, "one")] == [
        False
    ] * 4
    assert limits.idled(9, "one") is False and limits.idled(1, "one") is True


def test_a_plan_step_takes_no_more_acts_than_it_may(tmp_path: Path) -> None:
    def moves(world: Fake, action: Any) -> None:
        world.show(SEARCH)

    found = play(tmp_path, [Act(click(SEARCH))] * 9, [SEARCH], steps=[PlanStep("press Search", acts=2)], then=moves)
    assert found.ending.outcome == "halted" and "`press Search` took all the acts" in found.ending.because
    assert len(found.surface.acts) == 2
    assert found.watch.told() == ["allow done", "allow done", "-"]


def test_unreadable_replies_are_told_to_the_model_and_bounded(tmp_path: Path) -> None:
    found = play(tmp_path, [Unreadable("blah", "no JSON")] * 9, [SEARCH])
    assert found.ending.because == "4 steps in a row led nowhere" and found.surface.acts == []
    assert [one.note for one in found.model.calls[1].history] == ["no JSON"]


def test_one_unreadable_reply_costs_a_step(tmp_path: Path) -> None:
    script = [Unreadable("", "empty"), Act(click(PAY)), Finish()]
    found = play(tmp_path, script, [PAY], then=then_booked)
    assert (found.ending.outcome, found.watch.told()) == ("verified", ["-", "allow done", "-"])


def test_a_mismatch_looks_closer_at_most_twice(tmp_path: Path) -> None:
    other = button("Newsletter", 1)
    wrong = [Act(click(other)), Act(Click(at=other.rect.centre, count=2)), Act(Click(at=other.rect.centre, count=3))]
    found = play(tmp_path, wrong, [SEARCH, other], steps=[PlanStep("press Search")])
    hints = [call.asked.hint for call in found.model.calls]
    assert hints[0] == "" and len(hints) == 3 and all("Newsletter" in hint for hint in hints[1:])
    assert [name for name, _ in found.events].count("gui.mismatch") == 2
    assert found.watch.steps[0].mismatch
    assert (found.ending.outcome, found.surface.acts) == ("denied", [])


def test_a_mismatch_that_is_mended_is_none(tmp_path: Path) -> None:
    other = button("Newsletter", 1)
    script = [Act(click(other)), Act(click(SEARCH)), Finish()]
    found = play(tmp_path, script, [SEARCH, other], steps=[PlanStep("press Search")], then=then_booked)
    assert found.ending.outcome == "verified" and found.surface.acts == [click(SEARCH)]
    assert not found.watch.steps[0].mismatch


def test_a_changed_target_is_planned_anew(tmp_path: Path) -> None:
    def jump(world: Fake) -> None:
        if world.nodes[0].name == "Search":
            world.show(button("Search flights"))

    after = button("Search flights")
    found = play(tmp_path, [Act(click(SEARCH)), Act(click(after)), Finish()], [SEARCH], before=jump, then=then_booked)
    assert (found.ending.outcome, found.watch.told()) == ("verified", ["allow stale", "allow done", "-"])
    assert "the target changed" in found.model.calls[1].history[-1].note
    assert found.surface.acts == [click(after)]


def test_a_target_that_never_stands_still_halts(tmp_path: Path) -> None:
    def jump(world: Fake) -> None:
        world.show(button(f"Search {world.colour}"))

    found = play(tmp_path, lambda asked: Act(click(SEARCH)), [SEARCH], before=jump)
    assert (found.ending.outcome, found.surface.acts) == ("halted", [])
    assert found.watch.told() == ["allow stale"] * 4


def test_a_stale_purchase_does_not_use_up_the_one_that_is_allowed(tmp_path: Path) -> None:
    def jump(world: Fake) -> None:
        if world.colour == 0:
            world.show(pay("90.00 EUR"))

    found = play(tmp_path, [Act(click(PAY)), Act(click(PAY)), Finish()], [PAY], before=jump, then=then_booked)
    assert (found.ending.outcome, found.watch.told()) == ("verified", ["allow stale", "allow done", "-"])


def test_an_act_that_failed_is_told_to_the_model(tmp_path: Path) -> None:
    found = play(tmp_path, lambda asked: Act(click(SEARCH)), [SEARCH], receipt=lambda world, action: "failed")
    assert found.ending.outcome == "halted" and found.surface.acts == []
    assert found.model.calls[1].history[-1].note == "it did not work: as told"


def test_an_act_that_broke_in_the_middle_is_of_unknown_effect(tmp_path: Path) -> None:
    found = play(tmp_path, [Act(click(PAY)), Finish()], [PAY], receipt=lambda world, action: "unknown")
    assert (found.ending.outcome, found.record.exit_code) == ("unknown_effect", 40)
    assert len(found.surface.acts) == 1 and found.verdict.ok and len(found.verdict.unknown_effect) == 1


@pytest.mark.parametrize("stage", ["thinking", "deciding", "acting", "settling", "checking"])
def test_a_stop_ends_the_run_wherever_it_is(tmp_path: Path, stage: str) -> None:
    stop = threading.Event()

    def press(step: Any, name: str) -> None:
        if name == stage:
            stop.set()

    script = [Act(click(SEARCH)), Finish()]
    found = play(tmp_path, script, [SEARCH], watch=Noted(press), limits=Limits(stop=stop))
    assert found.ending.outcome == ("done_unverified" if stage == "checking" else "halted")
    assert len(found.surface.acts) == (0 if stage in ("thinking", "deciding") else 1)
    assert found.verdict.ok and found.verdict.closed and not found.verdict.unknown_effect


def test_a_reply_that_was_cancelled_by_the_stop_is_halted(tmp_path: Path) -> None:
    stop = threading.Event()

    def cancelled(asked: Asked) -> Reply:
        stop.set()
        raise ModelError("the reply was cancelled")

    found = play(tmp_path, ScriptedModel(cancelled), [SEARCH], limits=Limits(stop=stop))
    assert (found.ending.outcome, found.ending.because) == ("halted", "a person stopped the run")
    assert found.verdict.ok and found.verdict.closed


def _model(asked: Asked) -> Reply:
    raise ModelError("out of memory")


ACT = Act(click(SEARCH))


@pytest.mark.parametrize(
    ("script", "surface", "outcome", "said"),
    [
        (_model, {}, "error", "out of memory"),
        ([ACT], {"broken": "observe", "error": SurfaceLost("the browser is gone")}, "error", "the browser is gone"),
        ([ACT], {"broken": "target", "error": SurfaceLost("the browser is gone")}, "error", "the browser is gone"),
        ([ACT], {"broken": "settle", "error": SurfaceLost("gone")}, "error", "gone"),
        ([ACT], {"broken": "perform", "error": SurfaceLost("gone")}, "unknown_effect", "gone"),
        ([ACT], {"broken": "target", "error": ZeroDivisionError("oh")}, "error", "ZeroDivisionError: oh"),
    ],
)
def test_machinery_that_breaks_is_on_the_trail(
    tmp_path: Path, script: Any, surface: dict[str, Any], outcome: str, said: str
) -> None:
    found = play(tmp_path, script, [SEARCH], **surface)
    assert found.ending.outcome == outcome and found.ending.because.endswith(said)
    assert found.record.outcome == outcome and said in found.record.detail
    assert found.verdict.ok and found.verdict.closed
    assert len(found.surface.acts) == (1 if surface.get("broken") == "settle" else 0)
    assert said.encode() in found.folder.journal.read_bytes()
    assert len(found.verdict.unknown_effect) == (1 if outcome == "unknown_effect" else 0)


def _lost_gate(parts: Any) -> None:
    def clear(*given: Any, **told: Any) -> Any:
        raise BrokerLost("the broker is lost: no answer in time")

    parts.gate.clear = clear


def _lost_journal(parts: Any) -> None:
    def intent(*given: Any) -> int:
        raise TrailBroken("the trail cannot be written: no space left on device")

    parts.trail.intent = intent


def _lost_frames(parts: Any) -> None:
    def keep(seen: Any) -> str:
        raise ValueError("the redactor broke")

    parts.keep_frame = keep


@pytest.mark.parametrize("breaks", [_lost_gate, _lost_journal, _lost_frames])
def test_no_act_without_gate_journal_or_redactor(tmp_path: Path, breaks: Callable[[Any], None]) -> None:
    found = play(tmp_path, [ACT, Finish()], [SEARCH], change=breaks)
    assert (found.ending.outcome, found.surface.acts, found.surface.receipts) == ("error", [], [])


def test_a_wait_and_a_closer_look_are_judged_as_looking(tmp_path: Path) -> None:
    script = [Act(Wait(seconds=0)), Act(Zoom(region=Rect(0, 0, 50, 50))), Finish()]
    found = play(tmp_path, script, [BOOKED], rules=["observe"], holds=booked)
    assert (found.ending.outcome, found.watch.told()) == ("verified", ["allow done", "allow done", "-"])


def test_a_click_on_nothing_is_asked_about(tmp_path: Path) -> None:
    found = play(tmp_path, [Act(Click(at=EMPTY)), Finish()], [SEARCH])
    assert (found.ending.outcome, found.surface.acts) == ("denied", [])


def test_history_is_what_was_done_and_starts_anew_with_each_step(tmp_path: Path) -> None:
    focused = text_field("Name", 1, focused=True)
    steps = [PlanStep("press Search"), PlanStep("type Ada into the Name field")]
    script = [Act(click(SEARCH)), Finish(), Act(typed("Ada")), Finish()]
    found = play(tmp_path, script, [SEARCH, focused], steps=steps, holds=lambda seen: [])
    assert [call.asked.step for call in found.model.calls] == [steps[0].do, steps[0].do, steps[1].do, steps[1].do]
    assert [call.asked.since for call in found.model.calls] == [0, 0, 1, 1]
    assert [one.summary.split(" ")[0] for one in found.model.calls[-1].history] == ["left_click", "type"]
