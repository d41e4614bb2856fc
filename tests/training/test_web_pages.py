"""Pages of chance: the same for the same seed, split where they must be, and labelled within their bounds."""

import json
import random
import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from model.training.web import blocks, icons, styles, templates
from model.training.web.exam import SETS, main, questions, write_exam
from model.training.web.icons import MEANINGS, Icons
from model.training.web.render import camera, draft, make_shard
from model.training.web.sketch import Sketch
from model.training.web.templates import Splits
from model.training.words import Pools, Words
from sandboxes.base import SandboxUnavailable


@pytest.fixture(scope="module")
def lens():
    try:
        with camera() as made:
            yield made
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two icon families, one of each split, each icon a drawing of its own."""
    for place in ("lucide-static/icons", "ionicons/dist/svg"):
        home = tmp_path / "icons" / "node_modules" / place
        home.mkdir(parents=True)
        for number, name in enumerate(("search", "trash", "settings", "heart", "calendar")):
            (home / f"{name}.svg").write_text(
                f'<!-- x --><svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"><path d="M{number} 3h9v9z"/></svg>'
            )
    return tmp_path / "icons"


def sketch(pools: Pools, seed: int = 1, found: Icons | None = None, usual: float = 0.5) -> Sketch:
    dice = random.Random(seed)
    return Sketch(dice, Words(pools, dice), found or Icons(None, "train"), styles.draw_style(dice), usual)


def test_the_same_seed_drafts_the_same_page_and_another_one_another(folder: Path) -> None:
    found = Icons(folder, "train")
    for seed in range(10):
        assert draft(seed, Splits(), found) == draft(seed, Splits(), found)
    assert len({draft(seed, Splits(), found).html for seed in range(10)}) == 10


def test_nothing_held_is_trained_on(pools: Pools, folder: Path) -> None:
    for kind in vars(pools):
        assert not set(getattr(pools.of("train"), kind)) & set(getattr(pools.of("held"), kind))
    assert not set(styles.FONTS["train"]) & set(styles.FONTS["held"])
    assert not set(icons.FAMILIES["train"]) & set(icons.FAMILIES["held"])
    assert not set(templates.KINDS) & set(templates.HELD_KINDS)
    assert not {block for block, _ in blocks.BLOCKS} & {block for block, _ in blocks.HELD_BLOCKS}
    trained, held = Icons(folder, "train"), Icons(folder, "held")
    assert set(trained.families) == {"lucide"} and set(held.families) == {"ionicons"}


def test_held_palettes_keep_to_their_own_hues() -> None:
    dice = random.Random(3)
    held = [styles.accent_hue(dice, "held") for _ in range(300)]
    trained = [styles.accent_hue(dice, "train") for _ in range(300)]
    inside = lambda hue: 65 <= hue <= 100 or 268 <= hue <= 335  # noqa: E731
    assert all(map(inside, held)) and not any(map(inside, trained))


def test_pages_of_held_words_say_nothing_of_the_written_vocabulary(pools: Pools) -> None:
    from model.training import labels

    words = sketch(pools.of("held"), usual=0.0)
    said = (
        {words.button_text() for _ in range(400)}
        | {words.title() for _ in range(200)}
        | {words.field_text() for _ in range(200)}
    )
    usual = {text.casefold() for text in (*labels.BUTTONS, *labels.HEADINGS, *labels.FIELDS)}
    drawn = {word.casefold() for kind in vars(pools.of("held")).values() for word in kind}
    assert not {text.casefold() for text in said} & (usual - drawn)


def test_training_draws_neither_held_fonts_nor_held_templates(folder: Path) -> None:
    found = Icons(folder, "train")
    pages = [draft(seed, Splits(), found) for seed in range(120)]
    html = "\n".join(page.html for page in pages)
    fonts = set(re.findall(r'"([^"<>{}]+)",sans-serif', html))
    assert fonts and fonts <= {*styles.FONTS["train"], "sans-serif"}
    kinds = {kind for page in pages for kind in page.kind.split()}
    assert not kinds & {*templates.HELD_KINDS, *(block.__name__ for block, _ in blocks.HELD_BLOCKS)}
    assert kinds >= {"site", "app", "desktop", "phone", "mini", "form", "table", "menu", "dialog", "calendar"}


def test_pictures_keep_to_the_largest_size_and_many_are_small(folder: Path) -> None:
    sizes = [draft(seed, Splits(), Icons(None, "train")).view for seed in range(160)]
    for view in sizes:
        width, height = view.size
        assert width <= 1280 and height <= 1280
        assert (view.width * view.scale, view.height * view.scale) == (width, height)
    small = sum(view.size[0] <= 640 and view.size[1] <= 480 for view in sizes) / len(sizes)
    assert 0.12 < small < 0.3


@pytest.mark.parametrize(
    "block", [block for block, _ in (*blocks.BLOCKS, *blocks.HELD_BLOCKS)], ids=lambda block: block.__name__
)
def test_every_block_draws_balanced_html_with_and_without_icons(
    block: blocks.Block, pools: Pools, folder: Path
) -> None:
    for found in (Icons(None, "train"), Icons(folder, "train")):
        for seed in range(6):
            html = block(sketch(pools.of("train"), seed, found))
            for tag in ("div", "button", "span", "section", "table", "tr", "select", "label"):
                assert len(re.findall(rf"<{tag}[ >]", html)) == html.count(f"</{tag}>"), tag


def test_every_meaning_has_names_and_stems_are_told_apart(folder: Path) -> None:
    assert len(MEANINGS) > 100 and all(MEANINGS.values())
    found = Icons(folder, "train")
    assert {"search", "delete", "settings", "heart", "calendar"} == set(found.by_meaning)
    assert "M1 3h9v9z" in found.by_meaning["delete"][0].body


def test_rendered_labels_lie_inside_the_picture(lens, folder: Path) -> None:
    for seed in range(100, 108):
        shot = lens.shoot(draft(seed, Splits(), Icons(folder, "train")))
        width, height = shot.labels["size"]
        assert shot.labels["lines"] and shot.labels["nodes"]
        for thing in (*shot.labels["lines"], *shot.labels["nodes"]):
            x, y, w, h = thing["box"]
            assert x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= width + 0.2 and y + h <= height + 0.2
        for line in shot.labels["lines"]:
            x, _, w, _ = line["box"]
            assert len(line["chars"]) == len(line["text"]) and line["text"] == line["text"].strip()
            assert line["chars"] == sorted(line["chars"]) and x <= line["chars"][0] and line["chars"][-1] <= x + w + 0.2


def test_a_shard_is_the_same_again_and_is_not_made_twice(lens, folder: Path, tmp_path: Path) -> None:
    found = Icons(folder, "train")
    first = make_shard(tmp_path, 3, 1, Splits(), found, lens, pages=3)
    with zipfile.ZipFile(first) as store:
        assert store.namelist() == ["0000.png", "0000.json", "0001.png", "0001.json", "0002.png", "0002.json"]
        kept = {name: store.read(name) for name in store.namelist()}
        with store.open("0001.png") as file:
            assert list(Image.open(file).size) == json.loads(kept["0001.json"])["size"]
    stamp = first.stat().st_mtime_ns
    assert make_shard(tmp_path, 3, 1, Splits(), found, lens, pages=3) == first and first.stat().st_mtime_ns == stamp
    assert [path.name for path in tmp_path.glob("shard-*")] == ["shard-00003.zip"]
    first.unlink()
    with zipfile.ZipFile(make_shard(tmp_path, 3, 1, Splits(), found, lens, pages=3)) as store:
        assert {name: store.read(name) for name in store.namelist()} == kept


def test_an_exam_has_the_plain_layout_and_only_answerable_questions(lens, folder: Path, tmp_path: Path) -> None:
    assert write_exam(tmp_path, "all", 2, 5, Icons(folder, "held"), lens, nodes=True) == 16
    entries = json.loads((tmp_path / "annotations.json").read_text(encoding="utf-8"))
    nodes = json.loads((tmp_path / "nodes.json").read_text(encoding="utf-8"))
    assert len(entries) == 16 and {entry["img_filename"] for entry in entries} == set(nodes) == {
        "all-000.png",
        "all-001.png",
    }
    for entry in entries:
        assert set(entry) == {"img_filename", "bbox", "instruction", "data_type", "data_source", "kind", "role"}
        assert Image.open(tmp_path / "images" / entry["img_filename"]).size == (1280, 800)
        assert (entry["bbox"] is None) == (entry["kind"] == "absent") and entry["data_type"] in ("text", "icon")
        if entry["bbox"]:
            x, y, w, h = entry["bbox"]
            assert 0 <= x < x + w <= 1280.2 and 0 <= y < y + h <= 800.2
    assert sum(entry["bbox"] is None for entry in entries) in (2, 3, 4)


def page_of(*nodes: tuple[str, str, list[int], dict]) -> dict:
    made = [
        {
            "role": role,
            "name": name,
            "value": "",
            "box": box,
            "states": [],
            "icon": None,
            "label_box": None,
            "text": name,
            **more,
        }
        for role, name, box, more in nodes
    ]
    lines = [{"text": node["name"], "box": node["box"], "chars": []} for node in made]
    return {
        "lines": [
            *lines,
            {"text": "Ada", "box": [0, 0, 30, 10], "chars": []},
            {"text": "Bob", "box": [0, 40, 30, 10], "chars": []},
        ],
        "nodes": made,
        "unsure": ["Torn"],
    }


def test_questions_have_one_answer_each(pools: Pools) -> None:
    page = page_of(
        ("button", "Edit", [100, 0, 40, 10], {"row": "Ada"}), ("button", "Edit", [100, 40, 40, 10], {"row": "Bob"}), ("link", "Home", [200, 0, 40, 10], {}),
        ("button", "Home", [300, 0, 40, 10], {}), ("checkbox", "Direct", [400, 0, 14, 14], {"label_box": [420, 0, 50, 14], "label_works": True, "states": ["checked"]}),
        ("textbox", "Email", [500, 0, 90, 20], {"label_box": [500, -20, 40, 14]}), ("button", "Torn", [600, 0, 40, 10], {}),
        ("combobox", "Cabin", [700, 0, 90, 20], {"label_box": [700, 20, 40, 14]}),
    )  # fmt: skip
    seen = {}
    for seed in range(60):
        dice = random.Random(seed)
        for question in questions(page, dice, Words(pools, dice), count=5) or []:
            seen.setdefault(question.kind, set()).add(
                (question.instruction.replace('"', "").replace("'", ""), question.box)
            )
    assert set(seen) >= {"role", "relation", "position", "type", "select", "check", "absent"} and "name" not in seen
    assert all(box is None for _, box in seen["absent"]) and not any(
        "Torn" in said for kind in seen for said, _ in seen[kind] if said.split()[-1] == "Torn" and kind != "absent"
    )
    assert ("Untick Direct", (400, 0, 70, 14)) in seen["check"]
    assert {box for said, box in seen["relation"] if "Bob" in said} == {(100, 40, 40, 10)}
    assert {box for said, box in seen["position"] if "second Edit" in said} == {(100, 40, 40, 10)}
    assert {box for said, box in seen["role"] if "link" in said} == {(200, 0, 40, 10)}


def test_places_are_asked_for_only_where_lines_can_be_told(pools: Pools) -> None:
    spots = {"clear": [(0, 0), (100, 2), (0, 40), (100, 41)], "staggered": [(0, 0), (100, 8), (0, 40), (100, 52)]}
    for name, places in spots.items():
        page = page_of(*(("button", "Buy", [x, y, 40, 20], {"row": f"Row {n}"}) for n, (x, y) in enumerate(places)))
        found = {}
        for seed in range(40):
            dice = random.Random(seed)
            for question in questions(page, dice, Words(pools, dice), count=3) or []:
                if question.kind == "position":
                    found[re.sub("Click |the ", "", question.instruction)] = question.box
        assert ("third Buy button" in found) == (name == "clear")
        assert found.get("second Buy button", (100, 2, 40, 20)) == (100, 2, 40, 20)
        assert not any("from the" in said for said in found)


def test_too_plain_a_page_gives_no_questions(pools: Pools) -> None:
    dice = random.Random(1)
    assert questions(page_of(("link", "Home", [200, 0, 40, 10], {})), dice, Words(pools, dice)) is None


def test_misuse_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from model.training.web import render

    for run in (main, render.main):
        with pytest.raises(SystemExit) as stop:
            run([str(tmp_path), "--icons", str(tmp_path / "none")])
        assert stop.value.code == 2 and "npm install" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        render.main([str(tmp_path), "--pages", "0"])
    assert stop.value.code == 2
    assert set(SETS) == {"words", "fonts", "palettes", "templates", "icons", "all"}
