"""The table of the task files that come along."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from osworld_eval import chores
from osworld_eval.chores import Chore, main, task_files

ROOT = Path(__file__).parents[2]


def test_every_task_that_needs_only_this_machine_is_in_it() -> None:
    found = {path.relative_to(ROOT / "tasks").as_posix() for path in task_files(ROOT / "tasks")}
    assert {
        "browser/order_paper.yaml",
        "desktop/add_a_total.yaml",
        "desktop/draw_a_corner.yaml",
        "book_flight.yaml",
    } <= found and len(found) >= 20
    assert [path.stem for path in task_files(ROOT / "tasks", ["add_up"])] == ["add_up"]


def test_what_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path, (), ("plan",), tmp_path, False) == 2
    assert main(ROOT / "tasks", ("add_down",), ("plan",), tmp_path, False) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"agent eval chores: no task files in {tmp_path}") and "no task `add_down`" in second


def test_the_plan_has_to_verify_all_and_a_model_need_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = {"plan": "verified", "pilot": "infeasible"}

    def played(task: Path, model: str, runs: Path) -> Chore:
        return Chore(task.stem, model, ends[model], "no way", 3, 1.0)

    monkeypatch.setattr(chores, "play", played)
    assert main(ROOT / "tasks", ("add_up",), ("plan", "pilot"), tmp_path, True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verified"] == {"plan": 1, "pilot": 0} and told["tasks"] == 1
    ends["plan"] = "halted"
    assert main(ROOT / "tasks", ("add_up",), ("plan",), tmp_path, False) == 1
    assert "verified of 1: plan 0" in capsys.readouterr().out


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_a_chore_is_played_to_its_end(tmp_path: Path) -> None:
    one = chores.play(ROOT / "tasks" / "browser" / "fill_cart.yaml", "plan", tmp_path)
    assert one.good and one.steps > 3, one
