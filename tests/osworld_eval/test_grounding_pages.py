"""The hand-written pages and their renderer."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from osworld_eval.grounding.render import KINDS, PageFault, kinds_of, main, pages, render
from osworld_eval.grounding.suite import load

PAGE = """<!doctype html><meta charset=utf-8><title>P</title><style>body{margin:0}button{position:absolute}</style>
<button style="left:20px;top:10px;width:80px;height:30px" data-ask="Save | first button" data-kind="name | position">Save</button>
<button style="left:200px;top:40px;width:41px;height:21px" aria-label="Bell" data-ask="bell" data-kind="icon"></button>
<button style="left:20px;top:900px" data-ask="Below">Below</button>
<button style="left:200px;top:100px;width:50px;height:30px" data-ask="Covered">Covered</button>
<div style="position:absolute;left:150px;top:90px;width:200px;height:80px;background:#ccc"></div>
<input style="position:absolute;left:0;top:200px;width:120px;height:20px" placeholder="Search" data-ask="search box" data-kind="role">
<label style="position:absolute;left:10px;top:250px;width:300px;font:16px/20px monospace"><input type="checkbox" style="margin:0"
 data-ask="Remember me">Remember me</label><script type="application/json" id="absent">["Delete"]</script>"""


def test_the_pages_are_enough() -> None:
    written = pages()
    assert len(written) >= 24
    asks = [
        ask
        for text in written.values()
        for ask in re.findall(r'<script type="application/json" id="absent">(.*?)</s', text)
    ]
    assert sum(len(json.loads(one)) for one in asks) >= 60
    for name, text in written.items():
        assert "http://" not in text and "https://" not in text, name
        for kinds in re.findall(r'data-kind="([a-z |]+)"', text):
            assert {kind.strip() for kind in kinds.split("|")} <= set(KINDS), name
    with pytest.raises(PageFault, match="p: `Save` has the kinds `colour`, expected name"):
        kinds_of("p", "colour", ["Save"])
    with pytest.raises(PageFault, match="no page `bnk`, expected one of bank"):
        pages(["bnk"])


@pytest.mark.browser
def test_boxes_nodes_and_notes(tmp_path: Path) -> None:
    done = render(tmp_path, {"p": PAGE, "q": '<link href="/npm/bulma/css/bulma.css">'}, (400, 300))
    assert (done.pages, done.items, done.absent) == (1, 6, 1)
    assert any("q: left out, needs bulma: npm install bulma" in note for note in done.notes)
    assert any("covered or off the screen: Below; Covered" in note for note in done.notes)
    told = {one["instruction"]: one for one in json.loads((tmp_path / "annotations.json").read_text())}
    assert told["Save"]["bbox"] == told["first button"]["bbox"] == [20, 10, 80, 30]
    assert (told["first button"]["kind"], told["Save"]["role"], told["Save"]["data_type"]) == (
        "position",
        "button",
        "text",
    )
    assert (told["bell"]["bbox"], told["bell"]["data_type"]) == ([200, 40, 41, 21], "icon")
    assert (told["search box"]["role"], told["Delete"]["bbox"]) == ("textbox", None)
    left, top, width, height = told["Remember me"]["bbox"]
    assert (
        (left, told["Remember me"]["data_type"]) == (10, "icon")
        and 60 < width < 200
        and 250 <= top < 260
        and height <= 24
    )
    suite = load(tmp_path)
    nodes = suite.observation(suite.items[0], True).nodes
    assert {(node.role, node.name) for node in nodes} >= {("button", "Save"), ("button", "Bell"), ("textbox", "Search")}


@pytest.mark.browser
def test_packages_sizes_and_scale(tmp_path: Path) -> None:
    sheet = tmp_path / "npm" / "node_modules" / "some" / "some.css"
    sheet.parent.mkdir(parents=True)
    sheet.write_text("button{position:absolute;left:100px;top:50px;width:60px;height:20px}")
    text = '<!doctype html><meta name="size" content="300x200"><link rel="stylesheet" href="/npm/some/some.css">'
    done = render(tmp_path / "out", {"p": text + '<button data-ask="Go">Go</button>'}, scale=2.0, npm=tmp_path / "npm")
    suite = load(tmp_path / "out")
    assert done.notes == () and suite.observation(suite.items[0], False).screen.width == 600
    (told,) = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert told["bbox"] == [200, 100, 120, 40]


@pytest.mark.browser
def test_bundled_pages_show_everything_they_ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--only", "dialer", "--only", "crm", "--only", "webmail", "--only", "bank"]) == 0
    said = capsys.readouterr()
    notes = said.err.splitlines()
    assert all("left out, needs" in note for note in notes) and "2 pages" in said.out
    assert load(tmp_path).nodes is not None
    assert main([str(tmp_path), "--only", "nothing"]) == 2
    assert main([str(tmp_path), "--size", "large"]) == 2
    said = capsys.readouterr()
    assert "no page `nothing`" in said.err and "expected WIDTHxHEIGHT" in said.err
