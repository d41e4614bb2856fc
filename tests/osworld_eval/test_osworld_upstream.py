"""Our agent in upstream's loop, our machines under upstream's agents, and each with the other."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import osworld_stage as stage
import pytest

from actuators.action import Click, Drag, Hover, PressKeys, Scroll, TypeText, Wait, Zoom
from actuators.geometry import Point, Rect
from model.base import Act, Ask, Blocked, Finish
from model.scripted import ScriptedModel
from osworld_eval.osworld.pyautogui_words import code_of, words_of
from osworld_eval.osworld.suite import SuiteError
from osworld_eval.osworld.upstream import DeskhandAgent, DeskhandEnv, line_of

AT = Point(140, 120)


def run_single_example(agent: Any, env: Any, example: dict[str, Any], max_steps: int) -> tuple[float, list[Any]]:
    """Upstream's `lib_run_single.run_single_example`, as the facts describe it, without its sleeps."""
    env.reset(task_config=example)
    try:
        agent.reset(None, vm_ip=env.vm_ip)
    except Exception:
        agent.reset(vm_ip=env.vm_ip)
    obs, done, step, lines = env._get_obs(), False, 0, []
    env.controller.start_recording()
    while not done and step < max_steps:
        response, actions = agent.predict(example["instruction"], obs)
        for action in actions:
            obs, reward, done, _ = env.step(action, 0.0)
            lines.append({"step_num": step + 1, "action": action, "response": response, "reward": reward, "done": done})
            if done:
                break
        step += 1
    return env.evaluate(), lines


@pytest.fixture
def env(tmp_path: Path) -> Iterator[DeskhandEnv]:
    machine = stage.FakeMachine()
    made = DeskhandEnv(machine, cache_dir=tmp_path / "cache", hands=stage.FakeHands(), require_a11y_tree=False)
    yield made
    made.close()
    machine.close()


def example(tmp_path: Path, **tasks: str) -> dict[str, Any]:
    path = next(stage.suite(tmp_path / "suite", **tasks).rglob("*.json"))
    told: dict[str, Any] = json.loads(path.read_text())
    return told


def test_each_drives_the_other(env: DeskhandEnv, tmp_path: Path) -> None:
    model = ScriptedModel([Act(Hover(at=Point(5, 5))), Act(Zoom(region=Rect(0, 0, 9, 9))), Act(Click(at=AT)), Finish()])
    agent = DeskhandAgent(model)
    score, lines = run_single_example(agent, env, example(tmp_path, press="Press the button."), 10)
    assert score == 1.0
    assert [one["action"] for one in lines] == ["pyautogui.moveTo(5, 5)", "pyautogui.click(140, 120)", "DONE"]
    assert env.action_history[-1] == "DONE" and env.task_id == "press" and env.instruction == "Press the button."
    assert len(agent.history) == 4 and agent.history[1].note and not agent.history[2].note
    assert [len(call.history) for call in model.calls] == [0, 1, 2, 3], "the model is told what it has done"


def test_failure_is_fail_and_scores_where_that_is_right(env: DeskhandEnv, tmp_path: Path) -> None:
    agent = DeskhandAgent(ScriptedModel([Blocked("no such thing")]))
    score, lines = run_single_example(agent, env, example(tmp_path, fly="Impossible: fly."), 10)
    assert (score, [one["action"] for one in lines], lines[-1]["done"]) == (1.0, ["FAIL"], True)


def test_an_agent_of_somebody_elses(env: DeskhandEnv, tmp_path: Path) -> None:
    class Theirs:
        def reset(self, _logger: Any = None) -> None:
            self.turn = 0

        def predict(self, instruction: str, obs: dict[str, Any]) -> tuple[str, list[str]]:
            assert obs["screenshot"].startswith(b"\x89PNG") and obs["instruction"] == instruction
            self.turn += 1
            return "ok", [["pyautogui.click(140, 120)"], ["WAIT", "DONE"]][self.turn - 1]

    class Fallback(Theirs):
        def reset(self, vm_ip: str = "") -> None:  # type: ignore[override]
            assert vm_ip == "127.0.0.1"
            super().reset()

    for theirs in (Fallback(),):
        score, lines = run_single_example(theirs, env, example(tmp_path, press="Press the button."), 5)
        assert score == 1.0 and [one["action"] for one in lines][-2:] == ["WAIT", "DONE"]


def test_a_task_that_is_none_is_refused(env: DeskhandEnv) -> None:
    with pytest.raises(SuiteError, match="evaluator"):
        env.reset({"id": "x", "instruction": "Do.", "snapshot": "os", "config": []})
    with pytest.raises(SuiteError, match="no id"):
        env.reset({"id": "../x"})
    with pytest.raises(RuntimeError, match="call reset"):
        env.evaluate()


def test_what_cannot_be_scored_raises_as_upstreams_evaluators_do(env: DeskhandEnv, tmp_path: Path) -> None:
    env.reset(example(tmp_path, unscorable="Press."))
    with pytest.raises(RuntimeError, match="KeyError"):
        env.evaluate()


def test_acts_as_lines() -> None:
    lines = {
        code_of(Click(at=AT, button="right")): "pyautogui.rightClick(140, 120)",
        code_of(Click(at=AT, count=2)): "pyautogui.doubleClick(140, 120)",
        code_of(Click(at=AT, count=3)): "pyautogui.click(140, 120, clicks=3, interval=0.05, button='left')",
        code_of(Scroll(at=AT, dy=200)): "pyautogui.moveTo(140, 120); pyautogui.scroll(-5)",
        code_of(PressKeys(keys=("ctrl", "page_down"))): "pyautogui.hotkey('ctrl', 'pagedown')",
        code_of(PressKeys(keys=("meta",))): "pyautogui.press('win')",
        code_of(Drag(start=Point(1, 2), end=AT)):
            "pyautogui.moveTo(1, 2); pyautogui.dragTo(140, 120, duration=0.5)",
    }  # fmt: skip
    assert all(made == wanted for made, wanted in lines.items())
    assert words_of(Act(Wait())) == "WAIT" and words_of(Ask("who?")) == ""


@pytest.mark.parametrize("text", ["plain", 'it\'s "quoted"\\', "a<b>c", "two\nlines", "Zoë 漢字 😀", "');import os;('"])
def test_text_is_data_in_every_line(text: str) -> None:
    """Whatever is typed: the line is statements that only call pyautogui, or the fixed words for what it cannot type."""
    made = ast.parse(code_of(TypeText(text=text)))
    typed = ""
    for node in ast.walk(made):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "typewrite":
            typed += ast.literal_eval(node.args[0])
        assert not isinstance(node, ast.Import) or {one.name for one in node.names} == {"time"}
    assert typed == "".join(char for char in text if " " <= char <= "~" and char != "<")


def test_computer_13_becomes_lines_and_nothing_else_does() -> None:
    say = lambda told: line_of(told, "computer_13")  # noqa: E731
    assert say({"action_type": "CLICK", "parameters": {"x": 5, "y": 7, "num_clicks": 2}}) == (
        "", "pyautogui.click(5, 7, clicks=2, button='left')",
    )  # fmt: skip
    assert say({"action_type": "HOTKEY", "keys": ["ctrl", "c"]}) == ("", "pyautogui.hotkey('ctrl', 'c')")
    assert say({"action_type": "DONE"}) == ("DONE", "") and say("FAIL") == ("FAIL", "")
    assert line_of({"command": "pyautogui.click(1, 2)"}) == ("", "pyautogui.click(1, 2)")
    for wrong in (
        {"action_type": "CLICK", "x": "1); import os", "y": 2},
        {"action_type": "MOUSE_DOWN", "button": "'); x('"},
        {"action_type": "HOTKEY", "keys": "ctrl"},
        {"action_type": "RUN"},
        "pyautogui.click()",
        7,
    ):
        with pytest.raises(ValueError, match=r"is no|are a list"):
            say(wrong)
