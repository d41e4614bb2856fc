"""Episodes through the whole runtime: broker, policy, permits and journal in place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from actuators.action import Click, TypeText
from actuators.geometry import Point, Rect, Screen
from actuators.observation import Frame, Node, Observation
from agent.audit.verify import verify
from model.base import Act, Done, Finish, Instruction, Perception, Reply
from osworld_eval.chance import Chance
from osworld_eval.miniwob import evaluate, tasks
from osworld_eval.miniwob.agents import _ODDS
from osworld_eval.miniwob.evaluate import Wanted
from osworld_eval.pixels_only import PixelsOnly
from sandboxes.chromium import find_chromium

pytestmark = pytest.mark.browser
if not tasks.installed():
    pytest.skip("the pages of MiniWoB++ are not installed", allow_module_level=True)
if find_chromium() is None:
    pytest.skip("no Chromium", allow_module_level=True)

SOME = "grid-coordinate,enter-text-2,drag-box,click-checkboxes"
"""The points of the first change under the pointer, so that its press is held back once and asked for again."""


def told(wanted: Wanted, capsys: pytest.CaptureFixture[str]) -> dict:  # type: ignore[type-arg]
    assert evaluate.main(replace(wanted, as_json=True)) == 0
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def test_the_oracle_solves_tasks_through_the_whole_runtime(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = Wanted(tasks=SOME, seeds=1, first_seed=11, agent="oracle", out=tmp_path, keep="all")
    said = told(wanted, capsys)
    assert {"mean", "mean_positive", "per_task", "seeds", "agent", "ci95", "held_out_mean"} <= set(said)
    assert said["seeds"] == [11] and said["agent"] == "oracle" and said["held_out_mean"] is None
    assert said["mean"] == said["score"] == 100.0, said["per_task"]
    runs = sorted((tmp_path / "runs").iterdir())
    assert len(runs) == 4
    for run in runs:
        verdict = verify(run)
        assert verdict.ok and verdict.closed, verdict.line()
        assert verdict.permits == verdict.intents >= 1, "each act has its permit in the journal"
        record = json.loads((run / "run.json").read_text())
        assert (record["outcome"], record["policy"]) == ("verified", "sandbox")

    # Asked again, nothing is played: the rows are there. One seed more plays only that.
    again = told(wanted, capsys)
    assert len(list((tmp_path / "runs").iterdir())) == 4 and again["per_task"] == said["per_task"]
    more = told(replace(wanted, tasks="drag-box", seeds=2, keep="failed"), capsys)
    assert more["n"] == 2 and len(list((tmp_path / "runs").iterdir())) == 4, "solved runs are not kept"


def test_random_acts_break_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(Wanted(tasks="click-test-2,use-slider", seeds=1, first_seed=21, agent="random", out=tmp_path), capsys)
    assert said["n"] == 2 and set(said["outcomes"]) <= {"verified", "done_unverified", "halted", "denied"}


def test_several_agents_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(Wanted(tasks="click-dialog", seeds=1, first_seed=3, agent="oracle,random")) == 0
    out = capsys.readouterr().out
    assert "oracle" in out and "random" in out and "click-dialog" in out and "mean solved" in out


@pytest.mark.slow
def test_workers_share_the_episodes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(Wanted(tasks="click-test", seeds=4, first_seed=1, agent="oracle", out=tmp_path, workers=2), capsys)
    assert (said["n"], said["mean"]) == (4, 100.0)


def test_an_agent_that_is_not_there_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(Wanted(tasks="click-test", seeds=1, agent="no-such-model")) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "no model `no-such-model`" in said[0]


class Curious:
    """Keeps what it was told, and clicks."""

    name = "curious"

    def __init__(self) -> None:
        self.told: list[tuple[Observation, list[Done], Perception]] = []

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        self.told.append((seen, list(history), perception))
        return Reply(Act(Click(at=Point(5, 5)), reason='press "Submit"'), "")

    def close(self) -> None:
        raise AssertionError("the model is lent, not given away")


def observation(seq: int) -> Observation:
    node = Node("a", "button", "Secret name", Rect(0, 0, 10, 10))
    return Observation(seq, 0.0, "browser", Screen(320, 420, 2), Frame(b""), (node,))


def test_pixels_only_keeps_the_words_of_the_page_from_the_model() -> None:
    inner = Curious()
    blind = PixelsOnly(inner)
    first = blind.propose(Instruction("g"), [], observation(0), "pixels")
    assert isinstance(first.move, Act) and first.move.reason == ""
    done = Done('left_click button "Secret name"', seen=observation(0), note='it did not work: "Secret name" is off')
    blind.propose(Instruction("g"), [done], observation(1), "both")
    seen, history, perception = inner.told[-1]
    assert seen.nodes == () and perception == "pixels"
    assert (history[0].summary, history[0].note) == ("left_click", "it did not work")
    blind.close()


def test_the_random_player_is_the_same_for_the_same_seed_and_stays_inside() -> None:
    def acts(seed: str) -> list[object]:
        player = Chance(seed, _ODDS)
        moves = [player.propose(Instruction('type "abc"'), [], observation(0), "pixels").move for _ in range(60)]
        return [move.action for move in moves if isinstance(move, Act)]

    one, two = acts("click-test/1"), acts("click-test/1")
    assert one == two != acts("click-test/2")
    assert len({type(act) for act in one}) > 3
    for act in one:
        for point in (getattr(act, name, None) for name in ("at", "start", "end")):
            assert point is None or Screen(320, 420).contains(point)
    assert any(isinstance(act, TypeText) for act in one) and not any(isinstance(act, Finish) for act in one)
