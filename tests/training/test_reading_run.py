"""Teaching a tower to read: the same by seed, stopped or not, and its result opens as a checkpoint that reads."""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from tiny_pilot import TINY
from tokenizers import Tokenizer

from model.qwen3vl.checkpoint import load
from model.reading import letters
from model.reading.alphabet import Alphabet
from model.reading.heads import TEXT, Dense
from model.training import architecture, checkpoint
from model.training.reading.drawn import draw_tile
from model.training.reading.losses import collate, judge
from model.training.reading.run import Options, Trainer, course
from model.training.reading.shards import PagePool
from model.training.words import Pools, Words

ALPHABET = Alphabet(icons=("", "search"))
pytestmark = pytest.mark.skipif(shutil.which("fc-match") is None, reason="needs fontconfig")


def page(number: int) -> tuple[bytes, dict[str, Any]]:
    picture = Image.new("RGB", (400, 200), (250, 250, 250))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((40, 40, 140, 70), outline=(20, 20, 20))
    pen.text((60, 48), f"Go {number}", fill=(0, 0, 0))
    buffer = io.BytesIO()
    picture.save(buffer, "png")
    line = {"text": f"Go {number}", "box": [60, 48, 26, 12], "chars": [63 + 6 * n for n in range(4)]}
    node = {"role": "button", "name": f"Go {number}", "box": [40, 40, 100, 30], "states": ["focused"], "icon": None}
    return buffer.getvalue(), {"lines": [line], "nodes": [node]}


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    with zipfile.ZipFile(folder / "shard-00000.zip", "w") as shard:
        for number in range(3):
            png, labels = page(number)
            shard.writestr(f"{number:04}.png", png)
            shard.writestr(f"{number:04}.json", json.dumps(labels))
    return folder


@pytest.fixture(scope="module")
def base(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "pilot"
    checkpoint.write(architecture.build(tokenizer, TINY, 0), tokenizer, folder)
    return folder


def options(shards: Path, base: Path, folder: Path) -> Options:
    return Options((shards,), folder / "out", folder / "work", base, steps=8, patches=400)


def test_stopped_and_resumed_ends_with_the_same_weights(shards: Path, base: Path, pools: Pools, tmp_path: Path) -> None:
    given = options(shards, base, tmp_path)
    straight = Trainer(given, ALPHABET, pools)
    for _ in range(4):
        straight.step()
    first = Trainer(given, ALPHABET, pools)
    for _ in range(2):
        first.step()
    first.save()
    second = Trainer(given, ALPHABET, pools)
    assert second.load()
    for _ in range(2):
        second.step()
    for mine, theirs in zip(straight.optimiser.master, second.optimiser.master, strict=True):
        assert torch.equal(mine, theirs)


def test_the_result_is_a_checkpoint_that_reads_and_can_be_gone_on_from(
    shards: Path, base: Path, pools: Pools, tmp_path: Path
) -> None:
    counted = tmp_path / "counted"
    shutil.copytree(base, counted)
    (counted / letters.FILE).write_bytes(gzip.compress(b'{"a": 1}'))
    given = options(shards, counted, tmp_path)
    trainer = Trainer(given, ALPHABET, pools)
    trainer.report([trainer.step()])
    trainer.keep()
    trainer.finish()
    assert (given.out / letters.FILE).read_bytes() == (counted / letters.FILE).read_bytes()
    opened = load(given.out)
    assert opened.reader is not None and opened.reader.alphabet == ALPHABET
    assert isinstance(opened.reader.read(np.zeros((160, 320, 3), dtype=np.uint8)), tuple)
    assert (given.work / "reading.png").stat().st_size > 1000
    assert "reader.safetensors" in (given.out / "SHA256SUMS").read_text()
    onward = Trainer(Options((shards,), tmp_path / "x", tmp_path / "y", given.out), ALPHABET, pools)
    kept = dict(zip(trainer.optimiser.names, trainer.optimiser.mean, strict=True))["heads.roles.weight"]
    assert torch.equal(onward.model.heads.roles.weight.cpu(), kept.to(torch.bfloat16))


def test_teaching_things_leaves_what_reads_text_as_it_is(
    shards: Path, base: Path, pools: Pools, tmp_path: Path
) -> None:
    trainer = Trainer(replace(options(shards, base, tmp_path), teach="things"), ALPHABET, pools)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.step()
    changed = {name for name, value in trainer.model.state_dict().items() if not torch.equal(value, before[name])}
    assert any(name.startswith("heads.things.") for name in changed)
    assert not [name for name in changed if name.startswith("visual.") or name.split(".")[1] in TEXT]


def test_a_tower_that_is_fixed_stays_as_it_is(shards: Path, base: Path, pools: Pools, tmp_path: Path) -> None:
    trainer = Trainer(replace(options(shards, base, tmp_path), teach="heads"), ALPHABET, pools)
    before = [value.clone() for value in trainer.model.visual.state_dict().values()]
    heads = trainer.model.heads.glyphs.weight.clone()
    trainer.step()
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.model.visual.state_dict().values(), strict=True))
    assert not torch.equal(heads, trainer.model.heads.glyphs.weight)


def test_tiles_of_pages_depend_on_the_dice_alone(shards: Path) -> None:
    one, other = (PagePool((shards,), ALPHABET).draw(5, (4, 12), random.Random(3)) for _ in range(2))
    assert all(
        (a.pixels == b.pixels).all() and (a.wanted.roles == b.wanted.roles).all()
        for a, b in zip(one, other, strict=True)
    )
    assert {tile.pixels.shape for tile in one} == {(64, 192, 3)}


@pytest.mark.parametrize("difficulty", [0.0, 1.0])
def test_a_drawn_tile_is_dense_with_text_that_its_targets_spell(pools: Pools, difficulty: float) -> None:
    tile = draw_tile(Words(pools.of("train"), random.Random(4)), (10, 20), ALPHABET, difficulty)
    spelt = tile.wanted.glyphs[tile.wanted.glyphs > 1]
    assert tile.pixels.shape == (160, 320, 3) and tile.pixels.std() > 10
    assert len(spelt) > 60 and spelt.max() < len(ALPHABET.characters) + 2
    assert (tile.wanted.roles == 0).all()


def test_heads_that_are_right_lose_next_to_nothing_and_wrong_ones_much(pools: Pools) -> None:
    tile = draw_tile(Words(pools.of("train"), random.Random(5)), (6, 12), ALPHABET, 0.0)
    wanted = collate([tile.wanted])

    def said(sure: float) -> Dense:
        right = wanted["glyphs"].clamp(min=0)
        glyphs = torch.zeros(*right.shape, len(ALPHABET.characters) + 2).scatter(-1, right[..., None], sure)
        shape = wanted["roles"].shape
        none = torch.zeros(*shape, len(ALPHABET.roles))
        none[..., 0] = sure
        icons = torch.zeros(*shape, 2)
        icons[..., 0] = sure
        begins = torch.where(wanted["begins"] > 0.5, sure, -sure)
        places = wanted["places"].nan_to_num()
        return Dense(
            glyphs, begins, places, none, torch.zeros(*shape, 4), torch.zeros(shape), torch.zeros(*shape, 5), icons
        )

    good, told = judge(said(20.0), wanted)
    bad, _ = judge(said(-20.0), wanted)
    assert told["read"] == 1.0 and good.item() < 0.01 < 1.0 < bad.item()


def test_the_course_begins_with_drawn_text_and_never_does_without() -> None:
    assert course(0.0) == (1.0, 0.0)
    shares = [course(n / 50)[0] for n in range(50)]
    assert shares == sorted(shares, reverse=True) and shares[-1] > 0
