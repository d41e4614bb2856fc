"""`agent eval osworld` from the command's words to rows on disk: a machine that is none, and the real ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import osworld_stage as stage
import pytest

from agent.audit.verify import verify
from osworld_eval.osworld import rerun
from osworld_eval.osworld.evaluate import Wanted, main
from osworld_eval.osworld.results import read_rows
from sandboxes.jail import what_is_missing


def wanted(tmp_path: Path, **more: Any) -> Wanted:
    told: dict[str, Any] = {
        "agent": "oracle", "out": tmp_path / "out", "scripts": stage.scripts, "machine": stage.FakeMachine,
        "hands": stage.FakeHands, "as_json": True,
    }  # fmt: skip
    return Wanted(**told | more)


@pytest.mark.timeout(300)
def test_a_worker_that_dies_is_replaced_and_its_task_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way, through the runtime: an act, a journal, a score; and its first worker dies at its first task."""
    monkeypatch.setenv("DESKHAND_TEST_DEATH", str(tmp_path / "died"))
    folder = stage.suite(tmp_path / "suite", press="Press the button.", broken="Press it.")
    asked = wanted(tmp_path, folder=folder, machine=stage.DyingMachine)
    assert main(asked) == 1, "one task has no score"
    told = json.loads(capsys.readouterr().out)
    assert (told["mean"], told["mean_finished"], told["scheduled"], told["finished"]) == (50.0, 100.0, 2, 1)
    assert [one["status"] for one in told["faults"]] == ["task"]
    out = tmp_path / "out"
    rows = read_rows(out)
    assert [(one.task, one.status, one.attempt) for one in rows] == [
        ("os/broken", "infrastructure", 1), ("os/press", "scored", 1), ("os/broken", "task", 2),
    ]  # fmt: skip
    assert "its worker died" in rows[0].reason
    press = rows[1]
    assert (press.said, press.acts, press.outcome) == ("DONE", 1, "done_unverified"), "no field took the text"
    lines = [json.loads(line) for line in (out / press.files / "traj.jsonl").read_text().splitlines()]
    assert [one["step_num"] for one in lines] == [1, 2, 3] and lines[-1]["action"] == "DONE"
    assert set(lines[0]) == {
        "step_num", "action_timestamp", "action", "response", "reward", "done", "info", "screenshot_file",
    }  # fmt: skip
    assert all((out / press.files / one["screenshot_file"]).read_bytes()[:4] == b"\x89PNG" for one in lines)
    verdict = verify(out / "runs" / press.run)
    assert verdict.ok and verdict.closed and verdict.permits == 2, verdict.line()
    assert json.loads((out / "runs" / press.run / "run.json").read_text())["policy"] == "benchmark"
    broken = (out / rows[2].files / "traj.jsonl").read_text()
    assert json.loads(broken) == {"Error": f"os/broken - {rows[2].reason}"}
    assert not (out / rows[2].files / "result.txt").exists()

    # Another agent's rows are never mixed in, and a manifest that is not met begins nothing.
    assert main(replace(asked, agent="random")) == 2
    assert "holds results of something else: the agent is `oracle`" in capsys.readouterr().err
    (folder / "examples" / "os" / "press.json").write_text(
        (folder / "examples" / "os" / "press.json").read_text().replace("Press the", "Push the")
    )
    assert rerun.main(out, replace(asked, out=tmp_path / "again")) == 2
    assert "1 task files are not the same, the first is os/press" in capsys.readouterr().err
    assert not (tmp_path / "again" / "rows.jsonl").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_repeats_are_the_same_and_a_rerun_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = stage.suite(
        tmp_path / "suite", press="Press the button.", fly="Impossible: fly.", idle="Later.", unscorable="Press."
    )
    asked = wanted(tmp_path, folder=folder, slots=2, repeat=2)
    assert main(asked) == 1
    first = {key: row.essence() for row in read_rows(tmp_path / "out") if (key := (row.task, row.repeat))}
    assert {task: essence for (task, repeat), essence in first.items() if repeat == 1} == {
        task: essence for (task, repeat), essence in first.items() if repeat == 2
    }
    capsys.readouterr()
    assert rerun.main(tmp_path / "out", replace(asked, agent="", folder=None, out=tmp_path / "again")) == 1
    told = json.loads(capsys.readouterr().out)
    assert {(row.task, row.repeat): row.essence() for row in read_rows(tmp_path / "again")} == first
    assert (told["scheduled"], told["finished"], told["passed"]) == (8, 6, 4)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_machine_that_fails_once_is_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESKHAND_TEST_FAULT", str(tmp_path / "failed"))
    folder = stage.suite(tmp_path / "suite", press="Press the button.")
    assert main(wanted(tmp_path, folder=folder, machine=stage.FlakyMachine)) == 0
    assert [one.status for one in read_rows(tmp_path / "out")] == ["infrastructure", "scored"]
    assert json.loads(capsys.readouterr().out)["mean"] == 100.0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_random_acts_on_pixels_alone_break_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = stage.suite(tmp_path / "suite", fly="Impossible: fly.", press="Press the button.")
    asked = wanted(tmp_path, folder=folder, agent="random", repeat=2, steps=8)
    assert main(asked) == 0
    rows = read_rows(tmp_path / "out")
    assert {row.status for row in rows} == {"scored"} and all(row.acts >= 4 for row in rows)
    assert [row.score for row in rows if row.task == "os/fly"] == [0.0, 0.0]
    by_task = {(row.task, row.repeat): row.acted for row in rows}
    assert by_task["os/fly", 1] != by_task["os/fly", 2], "another repeat has another seed"
    assert json.loads(capsys.readouterr().out)["settings"]["perception"] == "pixels"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"perception": "sound"}, "--perception takes `pixels` or `both`, got `sound`"),
        ({"agent": "no-such-model"}, "no model `no-such-model`"),
        ({"index": "test_small"}, "there is no index `test_small`"),
        ({"tasks": "vlc"}, "no task is called `vlc`"),
        ({"keep": "some"}, "--keep takes `all`, `failed`, `none`, got `some`"),
        ({"screen": "big"}, "--screen takes WIDTHxHEIGHT"),
        ({"guests": ("http://127.0.0.1:5000",), "repeat": 2}, "need a machine to be put back"),
        ({"guests": ("http://127.0.0.1:5000",), "docker": "x"}, "exclude each other"),
        ({"mended": ("nothing",)}, "no bug that can be mended is called `nothing`"),
    ],
)
def test_what_cannot_be_played_is_one_line_and_exit_2(
    more: dict[str, Any], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = stage.suite(tmp_path / "suite", press="Press the button.")
    assert main(wanted(tmp_path, folder=folder, **more)) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and said in lines[0], lines


@pytest.mark.slow
@pytest.mark.display
@pytest.mark.timeout(900)
def test_our_own_tasks_on_the_sandbox_by_upstreams_evaluators(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if why := what_is_missing():
        pytest.skip(why)
    from osworld_eval.osworld.scoring.install import EnvironmentMissing, environment

    try:
        environment()
    except EnvironmentMissing as missing:
        pytest.skip(str(missing))
    assert main(Wanted(agent="oracle", limit=2, out=tmp_path / "out", as_json=True)) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["mean"], told["scheduled"], told["places"]) == (100.0, 2, {"sandbox": 2}), told
    assert main(Wanted(agent="random", limit=2, out=tmp_path / "random", as_json=True)) == 0
    assert json.loads(capsys.readouterr().out)["mean"] == 0.0
