"""The plan's cursor."""

from __future__ import annotations

from screens import node, seen

from agent.plan import Plan, PlanStep
from agent.task_file import NodeCheck


def test_a_task_without_steps_is_one_open_step() -> None:
    plan = Plan("goal")
    plan.skip(seen())
    assert (plan.instruction, plan.cursor, plan.finished, plan.goal) == ("", 0, False, "goal")
    for _ in range(100):
        plan.acted()
    assert not plan.spent
    plan.advance()
    assert plan.finished


def test_steps_come_in_order_and_then_the_plan_is_finished() -> None:
    plan = Plan("goal", [PlanStep("a"), PlanStep("b")])
    said = []
    while not plan.finished:
        plan.skip(seen("page"))
        said.append((plan.cursor, plan.instruction))
        plan.advance()
    assert said == [(0, "a"), (1, "b")]
    plan.advance()
    assert (plan.cursor, plan.instruction, plan.step) == (2, "", None)


def test_a_step_is_skipped_unless_what_it_waits_for_is_shown() -> None:
    steps = [PlanStep("accept", when_shown="Accept all"), PlanStep("close", when_shown="Close"), PlanStep("go")]
    shown, hidden = Plan("g", steps), Plan("g", steps)
    shown.skip(seen(node("ACCEPT  ALL", "button")))
    hidden.skip(seen(node("Notes", "textbox", value="Accept all", editable=True)))
    assert (shown.instruction, shown.skipped) == ("accept", ())
    assert (hidden.instruction, hidden.skipped) == ("go", (0, 1))


def test_a_step_that_has_begun_is_not_skipped() -> None:
    plan = Plan("g", [PlanStep("accept", when_shown="Accept all"), PlanStep("go")])
    plan.skip(seen("Accept all"))
    plan.acted()
    plan.skip(seen("gone"))
    assert plan.instruction == "accept"


def test_a_step_ends_as_soon_as_its_until_holds() -> None:
    heading = NodeCheck(kind="node", name="December 2026")
    plan = Plan("g", [PlanStep("turn", until=heading), PlanStep("wait", until="Ready"), PlanStep("go")])
    plan.skip(seen("4 December 2026"))
    assert plan.instruction == "turn"
    plan.skip(seen("December 2026"))
    assert plan.instruction == "wait"
    plan.skip(seen("all ready now"))
    assert (plan.instruction, plan.skipped) == ("go", ())


def test_a_plan_can_end_by_skipping() -> None:
    plan = Plan("g", [PlanStep("a", when_shown="x")])
    plan.skip(seen())
    assert plan.finished


def test_acts_are_bounded_for_each_step() -> None:
    plan = Plan("g", [PlanStep("a", acts=2), PlanStep("b", acts=1)])
    assert not plan.spent
    plan.acted()
    assert not plan.spent
    plan.acted()
    assert plan.spent
    plan.advance()
    assert (plan.acts, plan.spent) == (0, False)
