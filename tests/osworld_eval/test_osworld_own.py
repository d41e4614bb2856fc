"""Our own suite: whole, light, with a script and a near miss for each task; and what plays the scripts."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from actuators.action import Click, PressKeys, TypeText, Wait
from actuators.geometry import Point, Rect, Screen
from actuators.observation import Frame, Node, Observation
from actuators.png import Packer
from model.base import Act, Blocked, Done, Finish, Instruction, ModelError, Move
from osworld_eval.osworld.assets import AssetError, Assets
from osworld_eval.osworld.machine import MachineFault, installed
from osworld_eval.osworld.own import files, scripts
from osworld_eval.osworld.own.scripts import Player, Script, ScriptError, near_misses, oracle, read_scripts
from osworld_eval.osworld.own.verify import FOLDER, Stage, own_tasks
from osworld_eval.osworld.suite import SuiteError, read_suite
from sandboxes.jail import what_is_missing

TASKS = own_tasks()
CHECKS = [check for task in TASKS for check in task.evaluator.checks]


def test_the_suite_is_upstreams_format_and_can_be_scored_by_the_light_set() -> None:
    suite = read_suite(FOLDER)
    assert suite.problems == () and len(suite.runnable) == len(TASKS) >= 40
    assert {task.scoring for task in TASKS} == {"light", "none"}
    assert sum(task.evaluator.infeasible for task in TASKS) >= 3
    assert set(suite.indexes) == {"test_all", "test_small", "test_infeasible"}
    assert Counter(task.domain for task in TASKS).keys() >= {"os", "libreoffice_calc", "libreoffice_writer"}


def test_it_asks_for_many_kinds_of_evaluator() -> None:
    kinds = {str(told["type"]) for check in CHECKS for told in (check.result, check.expected) if told}
    assert kinds >= {"vm_file", "cloud_file", "vm_command_line", "vm_terminal_output", "rule", "list_directory"}
    assert "content_from_vm_file" in kinds
    assert len({check.func for check in CHECKS}) >= 15
    assert (
        sum(task.evaluator.listed for task in TASKS) >= 5
        and sum(bool(task.evaluator.postconfig) for task in TASKS) >= 5
    )


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id[:8])
def test_each_task_has_its_oracle_its_near_misses_and_its_files(task: Any) -> None:
    assert oracle(task.id).said == ("fail" if task.evaluator.infeasible else "done")
    assert near_misses(task.id) and all(one.name for one in near_misses(task.id))
    assert all(files.made(url) for url in task.assets)
    with_names = [
        one for script in (oracle(task.id), *near_misses(task.id)) for one in script.acts if one[0] == "launch"
    ]
    assert all(name in task.apps for _, name in with_names)


def test_there_are_no_scripts_of_no_task() -> None:
    for folder in ("oracles", "near_misses"):
        assert {path.stem for path in (FOLDER / folder).iterdir()} == {task.id for task in TASKS}


def test_files_are_the_same_each_time_and_need_no_network(tmp_path: Path) -> None:
    for name in files.names():
        url = files.ADDRESS + name
        once = files.made(url)
        files.made.cache_clear()
        assert once == files.made(url)
        asset = Assets(tmp_path, offline=True).get(url)
        assert asset.path.read_bytes() == once and asset.size == len(once or b"")
        if name.endswith(("x",)) and zipfile.is_zipfile(io.BytesIO(once or b"")):
            with zipfile.ZipFile(io.BytesIO(once or b"")) as packed:
                for part in packed.namelist():
                    ElementTree.fromstring(packed.read(part))
    assert files.made("https://elsewhere.invalid/a") is None
    with pytest.raises(AssetError, match="nothing is fetched offline"):
        Assets(tmp_path, offline=True).get(files.ADDRESS + "none")


def test_a_file_of_the_cache_that_was_changed_is_refused(tmp_path: Path) -> None:
    url = files.ADDRESS + "shopping.txt"
    Assets(tmp_path).get(url).path.write_text("changed")
    with pytest.raises(AssetError, match="is not what was fetched"):
        Assets(tmp_path).get(url)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("acts: [{press: a}]", "is no act"),
        ("acts: [{keys: a, type: b}]", "is no act"),
        ("acts: [{keys: [1, 2]}]", "cannot be given"),
        ("acts: [{click: [1]}]", "cannot be given"),
        ("acts: [{drag: [[1, 2]]}]", "cannot be given"),
        ("acts: [{do: sing a song}]", "none of the forms"),
        ("said: perhaps", "expected done or fail"),
        ("commands: [ls]", "lists of texts"),
        ("act: []", "unknown key `act`"),
        ("[]", "expected a script"),
        ("a: [", "is no YAML"),
    ],
)
def test_a_script_that_is_none_is_refused_in_one_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ScriptError, match=said) as refused:
        read_scripts(path)
    assert "\n" not in str(refused.value) and str(path) in str(refused.value)


def test_names_that_are_no_task_are_refused() -> None:
    with pytest.raises(SuiteError, match="no task is called `nonsense`"):
        own_tasks("nonsense")
    with pytest.raises(ScriptError, match="there is no script"):
        oracle("nonsense")
    assert {task.domain for task in own_tasks("libreoffice_calc")} == {"libreoffice_calc"}


def seen(*names: str, title: str = "") -> Observation:
    nodes = tuple(
        Node(id=str(place), role="button", name=name, rect=Rect(10, 20 * place, 110, 20 * place + 20))
        for place, name in enumerate(names)
    )
    return Observation(
        seq=0, taken_at=0.0, surface="guest", screen=Screen(200, 200), frame=Frame(Packer().png(bytes(200 * 200 * 4), 200, 200)),
        nodes=nodes, title=title,
    )  # fmt: skip


def played(script: Script, *screens: Observation) -> list[Move]:
    player = Player(script)
    history: list[Done] = []
    moves: list[Move] = []
    for screen in screens:
        moves.append(player.propose(Instruction("goal"), history, screen, "both").move)
        history.append(Done("did it"))
    return moves


def test_acts_are_played_in_their_order_on_what_is_there() -> None:
    script = Script((("keys", "ctrl+s"), ("type", "a\nb"), ("double", "Save As"), ("click", [3, 4]), ("wait", "Over")))
    there = seen("Open", "Save As…")
    moves = played(script, there, there, there, there, there, seen(title="it is over"))
    assert moves == [
        Act(PressKeys(keys=("ctrl", "s"))),
        Act(TypeText(text="a\nb")),
        Act(Click(at=Point(60, 30), count=2)),
        Act(Click(at=Point(3, 4))),
        Act(Wait(seconds=5.0)),
        Finish(),
    ]


def test_what_is_not_there_is_waited_for_and_then_the_script_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "_MOST_WAITS", 2)
    script = Script((("click", "Save"),))
    assert played(script, seen("Open"), seen("Save")) == [Act(Wait(seconds=5.0)), Act(Click(at=Point(60, 10)))]
    with pytest.raises(ModelError, match="nothing is called `Save`, and there is only: Open"):
        played(script, *[seen("Open")] * 3)


def test_the_end_says_done_or_that_it_cannot_be_done() -> None:
    assert played(Script(()), seen()) == [Finish()]
    assert isinstance(played(Script((), "fail"), seen())[0], Blocked)
    assert not Script((("keys", "a"), ("click", [1, 2]))).names and Script((("wait", "A"),)).names


@pytest.mark.slow
@pytest.mark.display
@pytest.mark.timeout(600)
def test_an_oracle_scores_1_and_its_near_misses_0_through_the_whole_runtime(tmp_path: Path) -> None:
    from osworld_eval.osworld.scoring.install import EnvironmentMissing

    if why := what_is_missing():
        pytest.skip(why)
    if "lxterminal" not in installed():
        pytest.skip("lxterminal is not installed")
    (task,) = [one for one in TASKS if one.instruction.startswith("Make the folder projects/alpha/src")]
    try:
        with Stage(tmp_path) as stage:
            tried = stage.task(task)
    except (EnvironmentMissing, MachineFault) as missing:
        pytest.skip(str(missing))
    assert [one.score for one in tried] == [1.0, *[0.0] * (len(tried) - 1)], tried
