"""Suites are found by what their folder holds, read exactly, and refused with one line for each fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from grounding_suites import entry, osworld_g, picture, plain, screenspot, screenspot_pro, write

from actuators.geometry import Point, Rect, Screen
from osworld_eval.grounding.item import Box, Outline
from osworld_eval.grounding.suite import SuiteUnusable, load


def test_plain(tmp_path: Path) -> None:
    suite = load(plain(tmp_path))
    assert suite.layout == "plain" and suite.nodes is None
    first, icon, other, absent = suite.items
    assert first.region == Box(20, 30, 60, 50) and first.kinds == ("name",) and first.role == "button"
    assert icon.data_type == "icon" and other.source == "bank" and absent.region is None
    assert [item.number for item in suite.items] == [1, 2, 3, 4]


def test_screenspot_and_its_second_version(tmp_path: Path) -> None:
    one, two = load(screenspot(tmp_path / "1")), load(screenspot(tmp_path / "2", 2))
    assert (one.layout, two.layout) == ("screenspot", "screenspot-v2")
    assert [item.source for item in two.items] == ["windows", "ios"]
    assert one.items[0].region == Box(20, 30, 60, 50)


def test_screenspot_pro_has_corners(tmp_path: Path) -> None:
    (item,) = load(screenspot_pro(tmp_path)).items
    assert item.region == Box(3800, 2100, 3840, 2160)
    assert (item.source, item.kinds, item.data_type) == ("gimp", ("Creative",), "icon")


def test_osworld_g_has_boxes_outlines_and_refusals(tmp_path: Path) -> None:
    suite = load(osworld_g(tmp_path))
    box, outline, refusal = (item.region for item in suite.items)
    assert box == Box(20.5, 30.2, 30.5, 40.6)
    assert outline == Outline(((100, 10), (180, 10), (140, 90))) and refusal is None
    assert suite.items[0].kinds == ("Icon", "Button")
    assert len(load(tmp_path / "OSWorld-G_refined.json").items) == 1


def test_one_file_of_a_suite(tmp_path: Path) -> None:
    assert len(load(screenspot(tmp_path / "2", 2) / "screenspot_mobile_v2.json").items) == 1
    assert len(load(screenspot_pro(tmp_path / "p") / "annotations" / "gimp_linux.json").items) == 1


def test_two_layouts_in_one_folder_are_a_question(tmp_path: Path) -> None:
    screenspot(plain(tmp_path))
    with pytest.raises(SuiteUnusable, match="holds files of plain and screenspot; choose with --layout"):
        load(tmp_path)
    assert load(tmp_path, "screenspot").layout == "screenspot"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"bbox": [1, 2, 3]}, "`bbox` must be four numbers: x, y, width, height, got [1, 2, 3]"),
        ({"bbox": [1, 2, 0, 4]}, "must have a width and a height above 0, got 0 x 4"),
        ({"bbox": [500, 2, 10, 4]}, "the box [500, 2, 10, 4] holds no pixel of its 200x120 picture"),
        ({"bbox": "none"}, "`bbox` must be four numbers"),
        ({"instruction": " "}, "`instruction` must be a text that is not empty"),
        ({"data_type": "picture"}, "`data_type` must be one of text, icon, got `picture`"),
        ({"img_filename": "gone.png"}, "no picture images/gone.png"),
        ({"img_filename": "broken.png"}, "images/broken.png is no picture that can be read"),
        ({"img_filename": "../a.png"}, "`img_filename` must lie in images/"),
    ],
)
def test_a_fault_is_one_line_with_file_and_entry(tmp_path: Path, changed: dict[str, object], told: str) -> None:
    plain(tmp_path, [entry(), entry(**changed)])
    (tmp_path / "images" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(SuiteUnusable) as refused:
        load(tmp_path)
    (line,) = refused.value.lines
    assert line.startswith("annotations.json: entry 2: ") and told in line


def test_every_fault_is_told(tmp_path: Path) -> None:
    missing = entry()
    del missing["bbox"]
    plain(tmp_path, [missing, entry(), "text", entry(data_source="")])
    with pytest.raises(SuiteUnusable) as refused:
        load(tmp_path)
    assert refused.value.lines == (
        "annotations.json: entry 1: `bbox` is missing",
        "annotations.json: entry 3: expected an object, got str",
        "annotations.json: entry 4: `data_source` must be a text that is not empty, got ''",
    )


def test_faults_of_the_other_layouts(tmp_path: Path) -> None:
    told = {"image_path": "w.png", "instruction": "x", "box_type": "circle", "box_coordinates": [1]}
    picture(tmp_path / "images" / "w.png")
    write(tmp_path / "OSWorld-G.json", [told, told | {"box_type": "polygon", "box_coordinates": [1, 2, 3, 4]}])
    with pytest.raises(SuiteUnusable) as refused:
        load(tmp_path)
    assert "must be one of bbox, polygon, refusal, got `circle`" in refused.value.lines[0]
    assert "x, y of at least three corners, got 4 numbers" in refused.value.lines[1]
    pro = screenspot_pro(tmp_path / "pro")
    told = {"img_filename": "gimp_linux/s.png", "bbox": [9, 9, 3, 12], "instruction": "x", "ui_type": "icon"}
    write(pro / "annotations" / "gimp_linux.json", [told])
    with pytest.raises(SuiteUnusable, match="x1 < x2 and y1 < y2, got 9, 9, 3, 12"):
        load(pro)


@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "not readable as JSON"), ("{}", "expected a list of entries"), ("[]", "expected a list of entries")],
)
def test_no_list(tmp_path: Path, text: str, told: str) -> None:
    plain(tmp_path)
    (tmp_path / "annotations.json").write_text(text)
    with pytest.raises(SuiteUnusable, match=told):
        load(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(SuiteUnusable, match="no such folder"):
        load(tmp_path / "gone")
    with pytest.raises(SuiteUnusable, match=r"no layout is recognised; expected annotations\.json"):
        load(tmp_path)
    with pytest.raises(SuiteUnusable, match="holds no files of the layout osworld-g"):
        load(plain(tmp_path), "osworld-g")


def test_first_and_limit(tmp_path: Path) -> None:
    plain(tmp_path)
    assert [item.number for item in load(tmp_path, first=2, limit=2).items] == [2, 3]
    with pytest.raises(SuiteUnusable, match="it has 4 and the first to keep is number 9"):
        load(tmp_path, first=9)


def test_nodes(tmp_path: Path) -> None:
    told = {"role": "checkbox", "name": "Direct", "value": "", "states": ["checked", "disabled"], "box": [1, 2, 3, 4]}
    suite = load(plain(tmp_path, nodes={"a.png": [told], "b.jpg": []}))
    (node,) = suite.observation(suite.items[0], True).nodes
    assert (node.role, node.name, node.checked, node.enabled) == ("checkbox", "Direct", True, False)
    assert node.rect == Rect(1, 2, 4, 6)
    assert suite.observation(suite.items[0], False).nodes == ()
    with pytest.raises(SuiteUnusable) as refused:
        load(plain(tmp_path, nodes={"a.png": [told | {"states": ["old"]}, {"role": "x"}], "b.jpg": 1}))
    assert "nodes.json: a.png: node 1: unknown state `old`" in refused.value.lines[0]
    assert "nodes.json: a.png: node 2: `box` is missing" in refused.value.lines[1]
    assert "nodes.json: b.jpg: expected a list of nodes, got int" in refused.value.lines[2]


def test_what_is_no_png_becomes_one(tmp_path: Path) -> None:
    suite = load(plain(tmp_path))
    seen = suite.observation(suite.items[2], False)
    assert seen.frame.png.startswith(b"\x89PNG") and seen.frame.image.size == (320, 200)


def test_the_digest_is_of_what_is_asked(tmp_path: Path) -> None:
    before = load(plain(tmp_path / "1")).digest
    assert load(plain(tmp_path / "2")).digest == before
    assert (
        load(plain(tmp_path / "3", [entry(instruction="Open it")])).digest
        != load(plain(tmp_path / "4", [entry()])).digest
    )


def test_a_box_is_half_open() -> None:
    box = Box(10, 20, 30, 40)
    assert box.holds(Point(10, 20)) and box.holds(Point(29, 39))
    assert not box.holds(Point(30, 20)) and not box.holds(Point(10, 40)) and not box.holds(Point(9, 20))


def test_an_outline_is_even_odd() -> None:
    ring = Outline(((0, 0), (90, 0), (90, 90), (0, 90), (0, 30), (60, 30), (60, 60), (0, 60)))
    assert ring.holds(Point(10, 10)) and ring.holds(Point(70, 45)) and ring.holds(Point(10, 80))
    assert not ring.holds(Point(30, 45)) and not ring.holds(Point(95, 10))
    star = Outline(((50, 0), (80, 95), (0, 35), (100, 35), (20, 95)))
    assert not star.holds(Point(50, 50)) and star.holds(Point(50, 20))
    middle = star.middle(Screen(100, 100))
    assert middle is not None and star.holds(middle)


def test_the_middle_is_on_the_screen() -> None:
    screen = Screen(100, 100)
    assert Box(-50, 0, 10, 10).middle(screen) == Point(5, 5)
    assert Box(10.6, 10, 11.4, 20).middle(screen) is None
    assert Outline(((-9, -9), (-2, -9), (-5, -2))).middle(screen) is None
