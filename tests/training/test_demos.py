"""Recorded demonstrations become samples that read like the runtime's own prompts; misread pages keep their shape."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path

import pytest

from actuators.action import Click, TypeText
from actuators.geometry import Point, to_grid
from actuators.observation import Target
from model.base import Done, Instruction
from model.protocols import computer_use
from model.training.demos import Demos
from model.training.episodes import observation, prefix_text
from model.training.misread import misread
from model.training.packing import Packer
from model.training.pages import make_page
from model.training.words import Pools, Words

FIELD = {"role": "textbox", "name": "Name", "value": "", "tag": "input", "rect": [10, 60, 200, 90], "focused": True}
SEND = {"role": "button", "name": "Submit", "value": "", "tag": "button", "rect": [10, 100, 90, 130]}
GOAL = 'Enter "Lina" and press Submit'


def step(act: dict[str, object], node: int | None) -> dict[str, object]:
    return {"nodes": [FIELD, SEND], "frame": None, "act": act, "node": node, "end_node": None}


def click(x: int, y: int) -> dict[str, object]:
    return {"kind": "click", "at": {"x": x, "y": y}, "button": "left", "count": 1, "modifiers": []}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    steps = [step(click(20, 70), 0), step({"kind": "type_text", "text": "Lina"}, None), step(click(30, 110), 1)]
    lost = [step(click(300, 300), None)]
    for name, these in (("form", steps), ("canvas", lost)):
        line = {"task": name, "seed": 5000000, "utterance": GOAL, "screen": [320, 420], "raw": 1.0, "steps": these}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(line) + "\n{broken", encoding="utf-8")
    return tmp_path


def test_a_sample_is_the_prompt_that_the_runtime_would_build(folder: Path) -> None:
    demos = Demos(folder)
    assert len(demos) == 1, "a press that no node explains teaches nothing"
    seen = {}
    for seed in range(30):
        episode = demos.draw(random.Random(seed))
        (sample,) = episode.samples
        seen[sample.reply] = episode
    submit = next(e for reply, e in seen.items() if json.dumps(list(to_grid(Point(50, 115), e.page.screen))) in reply)
    assert len(seen) == 3
    field, page = submit.page.nodes[0], submit.page
    history = [
        Done(computer_use.summary(Click(at=Point(0, 0)), Target("browser", field, None))),
        Done(computer_use.summary(TypeText(text="Lina"), None)),
    ]
    built = computer_use.prompt(Instruction(GOAL), history, observation(page), "both", turns=0)
    assert prefix_text(page) + submit.samples[0].text == built.messages[1]["content"][1]["text"]


def test_what_is_typed_and_pressed_is_found_in_the_instruction(folder: Path) -> None:
    spans = {}
    for seed in range(30):
        (sample,) = Demos(folder).draw(random.Random(seed)).samples
        spans.update({letter: GOAL[a:b] for letter, (a, b) in sample.wording.spans.items()})
    assert spans == {"n": "Submit", "v": "Lina"}


def test_a_demonstration_packs_like_any_other_page(folder: Path, tokenizer: object) -> None:
    packed = Packer(tokenizer).pack(Demos(folder).draw(random.Random(2)), random.Random(2))  # type: ignore[arg-type]
    assert len(packed.samples) == 1 and (packed.labels >= 0).any()


def test_a_file_that_grows_is_read_again(folder: Path) -> None:
    demos = Demos(folder)
    path = folder / "form.jsonl"
    first = path.read_text(encoding="utf-8").splitlines()[0]
    path.write_text(f"{first}\n{first}\n", encoding="utf-8")
    demos.refresh()
    assert len(demos) == 2


def test_a_misread_page_has_the_same_nodes_in_the_same_order(pools: Pools) -> None:
    page = make_page(Words(pools.of("train"), random.Random(1)), 40)
    same = misread(page, random.Random(1), 0.0)
    assert [node.name for node in same.nodes] == [node.name for node in page.nodes]
    worse = misread(page, random.Random(1), 0.1)
    pairs = list(zip(page.nodes, worse.nodes, strict=True))
    assert sum(a.name != b.name for a, b in pairs) > len(pairs) / 4
    assert all(
        dataclasses.replace(
            b, name=a.name, value=a.value, role=a.role, rect=a.rect, focused=a.focused, checked=a.checked
        )
        == a
        for a, b in pairs
    )
    assert all(abs(a.rect.left - b.rect.left) <= 3 for a, b in pairs)
