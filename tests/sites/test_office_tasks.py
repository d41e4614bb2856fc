"""The tasks of tasks/browser through the whole runtime: what it says is compared with what the sites wrote down."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.audit.verify import verify
from agent.run import Options, Ran, run_bound
from agent.task import load_task
from agent.watch import Silent

pytestmark = pytest.mark.browser

TASKS = Path(__file__).resolve().parents[2] / "tasks" / "browser"
Play = Callable[..., Ran]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """One task with the oracle of its plan and nobody to ask."""

    def run(name: str, steps: list[str] | None = None, **sets: str) -> Ran:
        task = load_task(TASKS / f"{name}.yaml", sets)
        if steps is not None:
            changed = tmp_path / f"{name}.yaml"
            kept = (TASKS / f"{name}.yaml").read_text("utf-8").split("\nsteps:\n")[0]
            lines = "\n".join(f"  - {step}" for step in steps)
            changed.write_text(f"{kept}\nsteps:\n{lines}\nsuccess:\n  - {{kind: text, contains: gone}}\n", "utf-8")
            task = load_task(changed, sets)
        options = Options(TASKS / f"{name}.yaml", approve="deny", model="plan", runs=tmp_path / "runs", again=True)
        return run_bound(task.bind(), options, Silent())

    return run


def effects(ran: Ran) -> list[dict[str, Any]]:
    """What the site did, by its own log."""
    assert ran.folder is not None
    [log] = (ran.folder.path / "site").glob("*.log.jsonl")
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    return [line for line in lines if line["kind"] == "answer" and line["effect"]]


def verified(ran: Ran) -> list[dict[str, Any]]:
    assert ran.ending.outcome == "verified", ran.ending.because
    assert ran.folder is not None
    told = verify(ran.folder.path)
    assert told.ok and told.closed and not told.unknown_effect
    return effects(ran)


def test_what_is_ordered_is_what_was_wanted(play: Play) -> None:
    ran = play("order_paper")
    _, bought = verified(ran)
    assert bought["effect"] == "purchase" and bought["amount_cents"] == 3 * 690
    assert bought["details"]["lines"] == [{"name": "Copy paper recycled", "count": 3}]
    assert ran.ending.outputs["total"]["text"] == "20.70 EUR"


def test_a_deleting_button_is_never_pressed(play: Play) -> None:
    ran = play("change_role", steps=["press the Delete Freya Holm button"])
    assert ran.ending.outcome == "denied" and effects(ran) == []


@pytest.mark.slow
def test_a_dear_order_is_not_made_while_nobody_says_yes(play: Play) -> None:
    ran = play("order_paper", number="9")
    assert ran.ending.outcome == "denied"
    assert [one["effect"] for one in effects(ran)] == ["cart"]


@pytest.mark.slow
def test_a_cart_is_filled_and_nothing_is_bought(play: Play) -> None:
    assert [one["details"]["thing"] for one in verified(play("fill_cart"))] == ["Stapler", "Ring binder"]


@pytest.mark.slow
def test_looking_something_up_changes_nothing(play: Play) -> None:
    ran = play("find_urgent_ticket")
    assert verified(ran) == [] and ran.ending.outputs["ticket"].isdigit()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "effect", "told"),
    [
        ("solve_ticket", "update", {"owner": "Ada", "state": "Solved"}),
        ("note_on_ticket", "note", {"text": "Zoë fand sie – im Büro 山田 (2. Stock)"}),
        ("register_invoice", "register", {"centre": "400 Software", "remark": "yearly licence"}),
        ("question_invoice", "question", {"reason": "Not ordered"}),
        ("change_role", "save", {"name": "Freya Holm", "role": "Editor", "active": True}),
        ("disable_account", "save", {"name": "Dov Katz", "active": False}),
    ],
)
def test_one_thing_changes_and_nothing_else(play: Play, name: str, effect: str, told: dict[str, Any]) -> None:
    [done] = verified(play(name))
    assert done["effect"] == effect and told.items() <= done["details"].items()
