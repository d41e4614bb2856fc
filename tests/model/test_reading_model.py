"""A checkpoint with reading heads on pixels alone: it lists what it reads, and nothing that the surface knows."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from test_local import SMALL, seen

from actuators.geometry import Rect, to_grid
from actuators.observation import Node
from model.base import Act, Done, Finish, Instruction, ModelError
from model.local import QwenModel
from model.qwen3vl.checkpoint import load
from model.reading.alphabet import Alphabet
from model.reading.heads import Heads

NAMED = SMALL.model_copy(update={"points": "named", "words": "instruction", "with_goal": False, "action_line": False})


@pytest.fixture
def reading(tiny_folder: Path, tmp_path: Path) -> Path:
    """The tiny checkpoint with random reading heads."""
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "reading"))
    config = load(folder).network.config.vision_config
    alphabet = Alphabet(icons=("", "search"))
    torch.manual_seed(1)
    save_file(Heads(config.hidden_size, config.depth, alphabet).state_dict(), folder / "reader.safetensors")
    alphabet.write(folder)
    return folder


def model_that_reads(folder: Path, monkeypatch: pytest.MonkeyPatch, nodes: tuple[Node, ...]) -> QwenModel:
    checkpoint = dataclasses.replace(load(folder), profile=NAMED)
    assert checkpoint.reader is not None
    monkeypatch.setattr(checkpoint.reader, "read", lambda pixels: nodes)
    return QwenModel(checkpoint)


SAVE = Node("read-0", "button", "Saue", Rect(100, 50, 140, 70))
TITLE = Node("read-1", "text", "My title", Rect(10, 80, 60, 90))


def test_heads_come_with_the_checkpoint_and_read_a_screen(reading: Path) -> None:
    checkpoint = load(reading)
    assert checkpoint.reader is not None and load(reading.parent / "reading").digest == checkpoint.digest
    nodes = checkpoint.reader.read(seen().frame.pixels)
    assert nodes == checkpoint.reader.read(seen().frame.pixels)


def test_only_what_was_read_and_is_meant_can_be_pressed(reading: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_that_reads(reading, monkeypatch, (SAVE, TITLE))
    assert model._recall is not None
    shown = model._recall.seen(seen())
    assert [node.name for node in shown.nodes] == ["Saue", "My title"]
    _, narrowing = model._offered(Instruction("Click the Save button"), [], shown, "both", True, None)
    assert narrowing.pressing and narrowing.points == (to_grid(SAVE.rect.centre, shown.screen),)


def test_what_is_not_read_is_not_pressed(reading: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_that_reads(reading, monkeypatch, (TITLE,))
    for number in range(25):
        move = model.propose(Instruction("Click the Search button"), [], seen(number), "pixels").move
        assert not (isinstance(move, Act) and move.action.kind in ("click", "hover", "drag")), move


def test_the_history_calls_things_what_the_reader_took_them_for(reading: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_that_reads(reading, monkeypatch, (SAVE, TITLE))
    before = seen(7)
    reply = '<tool_call>\n{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [600, 500]}}\n</tool_call>'
    model.propose(Instruction("Click Save"), [], before, "pixels")
    assert model._recall is not None
    told = model._recall.told([Done('left_click button "Secret name of the surface"', reply, before)], model._move_of)
    assert [step.summary for step in told] == ['left_click button "Saue"']


def test_a_wish_of_two_acts_goes_on_when_the_first_is_done(reading: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_that_reads(reading, monkeypatch, (SAVE, TITLE))
    asked: list[str] = []

    def scripted(part: Instruction, *rest: Any) -> Any:
        asked.append(part.goal)
        from model.base import Reply

        return Reply(Finish() if len(asked) in (2, 4) else Act(type("A", (), {})()), "")  # type: ignore[arg-type]

    monkeypatch.setattr(model, "_propose", scripted)
    wish = Instruction("Click Save and press Search")
    one = Done("left_click", "", seen())
    model.propose(wish, [], seen(), "pixels")
    assert isinstance(model.propose(wish, [one], seen(), "pixels").move, Act)
    assert isinstance(model.propose(wish, [one, one], seen(), "pixels").move, Finish)
    assert asked == ["Click Save", "Click Save", "press Search", "press Search"]


@pytest.mark.parametrize("broken", ["reader.safetensors", "reader.json"])
def test_damaged_heads_are_one_line(reading: Path, broken: str) -> None:
    (reading / broken).write_bytes(b"{}" if broken.endswith("json") else b"\x00" * 12)
    with pytest.raises(ModelError) as caught:
        load(reading)
    assert broken in str(caught.value) and "\n" not in str(caught.value)


def test_heads_of_another_version_are_one_line_that_says_what_to_do(reading: Path) -> None:
    save_file({"thing.weight": torch.zeros(2, 2)}, reading / "reader.safetensors")
    with pytest.raises(ModelError, match=r"do not fit: .*; take the whole folder") as caught:
        load(reading)
    assert "\n" not in str(caught.value)


def test_an_entry_is_begun_chosen_and_sent_off(reading: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    field, offer = (
        Node("f", "textbox", "Tags", Rect(10, 10, 90, 30)),
        Node("o", "option", "Canada", Rect(10, 32, 90, 50)),
    )
    send = Node("s", "button", "Submit", Rect(10, 60, 90, 80))
    model = model_that_reads(reading, monkeypatch, (field, offer, send))
    asked = Instruction('Enter an item that starts with "Cana" and ends with "da"', unfinished=True)
    model._course.look(asked, [])

    def step(*done: str) -> tuple[str, list[str]]:
        told, nodes = model._understood(asked, [Done(one) for one in done], [field, offer, send], seen(), True)
        return told.goal, [node.name for node in nodes]

    typed = ('left_click textbox "Tags"', 'type "Cana"')
    assert step() == ("type Cana into the field", ["Tags"])
    assert step(*typed) == ("press Canada", ["Canada"])
    assert step(*typed, 'left_click option "Canada"') == ("press Submit", ["Submit"])
    assert step(*typed, 'left_click option "Canada"', 'left_click button "Submit"')[1] == []


def test_a_sum_on_the_screen_is_typed_as_its_answer(reading: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    field, sum_ = Node("f", "textbox", "", Rect(90, 10, 150, 40)), Node("t", "text", "1 - 8 =", Rect(10, 10, 80, 40))
    model = model_that_reads(reading, monkeypatch, (field, sum_))
    asked = Instruction("type your answer into the textbox", unfinished=True)
    model._course.look(asked, [])
    told, nodes = model._understood(asked, [], [sum_, field], seen(), True)
    assert (told.goal, told.values, nodes) == ("type -7 into the field", ("-7",), [field])
