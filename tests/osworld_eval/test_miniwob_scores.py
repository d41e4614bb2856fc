"""Figures, rows on disk, names of tasks, and what may be recorded: everything that needs no browser."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from osworld_eval.miniwob import evaluate, tasks
from osworld_eval.miniwob.record import FIRST_TRAINING_SEED, NotRecorded, recordable
from osworld_eval.miniwob.record import main as record
from osworld_eval.miniwob.results import Rows, RowsUnusable
from osworld_eval.miniwob.scores import Row, interval, solved, summary

pytest.importorskip("numpy")
if not tasks.installed():
    pytest.skip("the pages of MiniWoB++ are not installed", allow_module_level=True)


def row(task: str, seed: int, raw: float) -> Row:
    return Row(task, seed, raw, done=True, acts=2, seconds=1.0, outcome="verified" if raw == 1 else "done_unverified")


def test_solved_is_the_full_reward_and_for_graded_tasks_a_high_one() -> None:
    told = {
        (task, raw): solved(task, raw)
        for task, raw in [
            ("click-test", 1.0), ("click-checkboxes", 0.8), ("click-test", -1.0),
            ("circle-center", 0.97), ("circle-center", 0.8), ("circle-center", 0.1),
        ]
    }  # fmt: skip
    assert list(told.values()) == [True, False, False, True, False, False]


def test_a_summary_weighs_tasks_alike_and_tells_held_out_ones_apart() -> None:
    rows = [row("click-test", seed, 1.0) for seed in range(8)]
    rows += [row("enter-date", 0, 1.0), row("enter-date", 1, -1.0)]
    rows += [row("click-checkboxes", seed, raw) for seed, raw in enumerate([0.5, 1.0, -0.2, 0.0])]
    told = summary(rows)
    assert told["mean"] == pytest.approx((100 + 50 + 25) / 3, abs=0.01)
    assert told["mean_positive"] == pytest.approx((100 + 50 + 50) / 3, abs=0.01)
    assert told["score"] == pytest.approx((100 + 50 + (75 + 100) / 4) / 3, abs=0.01)
    assert (told["held_out_mean"], told["held_out_tasks"], told["trained_mean"]) == (50.0, ["enter-date"], 62.5)
    assert told["per_task"]["click-checkboxes"]["mean"] == 25.0
    assert told["ci95"][0] < told["mean"] < told["ci95"][1]
    assert told["outcomes"] == {"done_unverified": 4, "verified": 10}


def test_an_interval_is_empty_for_certain_tasks_and_the_same_every_time() -> None:
    assert interval([[True] * 5, [False] * 5]) == [50.0, 50.0]
    doubtful = [[True, False] * 10, [True] * 20]
    assert interval(doubtful) == interval(doubtful)
    assert interval([]) is None


def test_rows_come_back_and_a_torn_last_one_is_dropped(tmp_path: Path) -> None:
    rows = Rows(tmp_path, "pilot", "pixels", "abc")
    for seed in range(3):
        rows.add(row("click-test", seed, 1.0))
    path = tmp_path / "pilot-pixels.jsonl"
    path.write_text(path.read_text() + json.dumps(asdict(row("click-test", 3, 1.0)))[:20])
    again = Rows(tmp_path, "pilot", "pixels", "abc")
    assert sorted(again.rows) == [("click-test", 0), ("click-test", 1), ("click-test", 2)]
    again.add(row("click-test", 3, -1.0))
    assert Rows(tmp_path, "pilot", "pixels", "abc").rows["click-test", 3].raw == -1.0


def test_rows_of_another_checkpoint_or_a_broken_file_are_not_gone_on_with(tmp_path: Path) -> None:
    Rows(tmp_path, "pilot", "pixels", "abc").add(row("click-test", 0, 1.0))
    with pytest.raises(RowsUnusable, match="something else"):
        Rows(tmp_path, "pilot", "pixels", "def")
    path = tmp_path / "pilot-pixels.jsonl"
    path.write_text(path.read_text() + "nonsense\n" + json.dumps(asdict(row("click-test", 3, 1.0))) + "\n")
    with pytest.raises(RowsUnusable, match="line 3"):
        Rows(tmp_path, "pilot", "pixels", "abc")


def test_every_named_task_has_a_page() -> None:
    known = set(tasks.all_tasks())
    for group in (tasks.PIX2ACT_59, tasks.HELD_OUT, tasks.HELD_OUT_KIN, tasks.GRADED, tasks.LEAVES_TRACES):
        assert set(group) <= known and len(set(group)) == len(group)
    assert len(tasks.PIX2ACT_59) == 59
    assert len(tasks.HELD_OUT) >= 8 and set(tasks.HELD_OUT) <= set(tasks.PIX2ACT_59)


def test_tasks_are_chosen_by_set_and_by_name() -> None:
    assert tasks.chosen("59") == tasks.PIX2ACT_59
    assert tasks.chosen("click-test, drag-box,click-test") == ("click-test", "drag-box")
    with pytest.raises(ValueError, match="did you mean `click-test"):
        tasks.chosen("click-tets")


@pytest.mark.parametrize("task", [*tasks.HELD_OUT, *tasks.HELD_OUT_KIN])
def test_held_out_tasks_are_never_recorded(task: str) -> None:
    with pytest.raises(NotRecorded, match="held out"):
        recordable(["click-test", task], range(FIRST_TRAINING_SEED, FIRST_TRAINING_SEED + 1))


def test_evaluation_seeds_are_never_recorded() -> None:
    for seeds in (range(0, 10), range(evaluate.FIRST_SEED, evaluate.FIRST_SEED + 1), range(10**8 - 1, 10**8 + 1)):
        with pytest.raises(NotRecorded, match="training seeds"):
            recordable(["click-test"], seeds)


def test_the_recorder_refuses_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record([str(tmp_path), "--tasks", "enter-date"]) == 2
    assert record([str(tmp_path), "--seeds", "1201539860:1201539870"]) == 2
    assert record([str(tmp_path), "--seeds", "many"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3 and all(line.startswith("record: ") for line in said)


@pytest.mark.parametrize(
    "wanted, said",
    [
        (evaluate.Wanted(tasks="click-tets"), "did you mean"),
        (evaluate.Wanted(perception="smell"), "`pixels` or `both`"),
        (evaluate.Wanted(agent=" , "), "names nobody"),
        (evaluate.Wanted(keep="some"), "--keep takes"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_2(
    wanted: evaluate.Wanted, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main(wanted) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and said in lines[0]
