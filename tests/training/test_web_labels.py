"""What the reader says of a page against the page's own pixels."""

import io

import numpy as np
import pytest
from PIL import Image

from model.training.web.render import Camera, camera
from model.training.web.templates import Draft, View
from sandboxes.base import SandboxUnavailable


@pytest.fixture(scope="module")
def lens():
    try:
        with camera() as made:
            yield made
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))


def shoot(lens: Camera, body: str, scale: float = 1.0, css: str = "", scroll: int = 0):
    page = f"<!DOCTYPE html><style>*{{caret-color:transparent}}body{{margin:0;background:#fff;font:14px 'DejaVu Sans'}}{css}</style><body>{body}</body>"
    shot = lens.shoot(Draft(page, View(400, 300, scale), "test", scroll))
    return shot.labels, np.asarray(Image.open(io.BytesIO(shot.png)).convert("RGB")).astype(int)


def ink(pixels: np.ndarray, colour: tuple[int, int, int], slack: int = 120) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (exclusive) of what has about this colour."""
    rows, columns = np.nonzero(np.abs(pixels - np.array(colour)).sum(axis=2) < slack)
    assert len(rows), f"no pixel of {colour}"
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


FIELDS = {
    "input": '<input value="HHHoHHH" style="{}">',
    "input to the right": '<input value="HHHoHHH" style="text-align:right;{}">',
    "placeholder": '<style>::placeholder{{color:#f00;opacity:1}}</style><input placeholder="HHHoHHH" style="{}">',
    "wide padding": '<input value="HHHoHHH" style="padding:9px 31px;border:5px solid #000;{}">',
    "textarea": '<textarea style="width:200px;height:60px;{}">HHHoHHH</textarea>',
    "select": '<select style="{}"><option>HHHoHHH</option><option>longer than the first one</option></select>',
    "styled select": '<select style="padding:8px 12px;border:1px solid #000;border-radius:6px;width:250px;background:#fff;{}"><option>HHHoHHH</option></select>',
    "bare select": '<select style="appearance:none;padding:3px 10px;width:250px;{}"><option>HHHoHHH</option></select>',
    "input button": '<input type="button" value="HHHoHHH" style="width:170px;{}">',
    "button": '<button style="width:170px;{}">HHHoHHH</button>',
    "spaced": '<div style="letter-spacing:3px;{}">HHHoHHH</div>',
    "upper": '<button style="text-transform:uppercase;{}">hhhohhh</button>',
    "spinbutton": '<input type="number" value="1111111" style="{}">',
    "search": '<input type="search" value="HHHoHHH" style="{}">',
}


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("name", FIELDS)
def test_characters_stand_where_their_ink_is(lens: Camera, name: str, scale: float) -> None:
    labels, pixels = shoot(
        lens, f'<div style="padding:40px">{FIELDS[name].format("color:#f00;font:20px DejaVu Sans;")}</div>', scale
    )
    lines = [line for line in labels["lines"] if len(line["text"]) == 7]
    assert len(lines) == 1
    line = lines[0]
    x, y, w, h = line["box"]
    # a list's arrow has the colour of its words
    left, top, right, bottom = ink(pixels[:, : int(x + w + 8 * scale)], (255, 0, 0), 200)
    assert abs((left + right) / 2 - (x + w / 2)) <= 1.5 * scale
    assert y - 1 <= top and bottom <= y + h + 1
    assert abs((top + bottom) / 2 - (y + h / 2)) <= 0.2 * h
    assert left - 4 * scale <= line["chars"][0] - w / 14 and line["chars"][-1] + w / 14 <= right + 4 * scale


def test_characters_of_a_word_are_each_over_their_own_ink(lens: Camera) -> None:
    labels, pixels = shoot(lens, '<p style="padding:30px;font-size:26px;letter-spacing:2px">HIMWHOI</p>')
    line = labels["lines"][0]
    dark = (pixels.sum(axis=2) < 300).any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], dark.astype(int), [0]])))
    centres = [(a + b) / 2 for a, b in zip(edges[::2], edges[1::2], strict=True)]
    assert len(centres) == len(line["text"])
    assert np.abs(np.array(centres) - np.array(line["chars"])).max() <= 2


@pytest.mark.parametrize(
    "field",
    [
        '<input type="search" value="HHHHHHHHHHHHHHHHHH" style="width:130px;color:#f00;font-size:20px">',
        '<input type="number" value="888888888888888888" style="width:130px;color:#f00;font-size:20px">',
        '<input type="search" value="HHH" style="width:130px;text-align:right;color:#f00;font-size:20px">',
        '<input type="number" value="888" style="width:130px;text-align:right;color:#f00;font-size:20px">',
        '<input value="HHHHHHHHHHHHHHHHHH" style="width:130px;color:#f00;font-size:20px">',
        '<select style="width:130px;color:#f00;font-size:20px"><option>HHHHHHHHHHHHHHHHHH</option></select>',
        '<button style="width:90px;color:#f00;font-size:20px;white-space:nowrap">HHHHHHHHHHH</button>',
        '<input type="button" value="HHHHHHHHHHH" style="width:90px;color:#f00;font-size:20px">',
    ],
)
def test_words_too_long_for_their_field_end_where_their_ink_ends(lens: Camera, field: str) -> None:
    labels, pixels = shoot(lens, f'<div style="padding:40px 120px">{field}</div>')
    (line,) = labels["lines"]
    x, _, w, _ = line["box"]
    left, _, right, _ = ink(pixels[:, : int(x + w + 9)] if "select" in field else pixels, (255, 0, 0), 200)
    each = w / len(line["text"])
    assert abs(left - x) <= each * 0.7 and abs(right - (x + w)) <= each * 0.7


@pytest.mark.parametrize(
    "body",
    [
        '<button style="margin:33px 57px;width:80px;height:31px;background:#0f0;border:0"></button>',
        '<div style="overflow:hidden;width:90px;height:60px"><button style="margin-left:40px;width:80px;height:31px;background:#0f0;border:0"></button></div>',
        '<div role="checkbox" aria-checked="true" style="margin:40px;width:17px;height:17px;background:#0f0"></div>',
        '<a href="#" style="position:fixed;right:-20px;top:100px;width:80px;height:20px;background:#0f0"></a>',
        '<div style="height:900px;padding-top:200px"><input style="width:120px;height:40px;border:0;outline:0;background:#0f0"></div>',
    ],
)
@pytest.mark.parametrize("scale", [1.0, 1.25, 2.0])
def test_a_control_s_box_is_its_drawn_box(lens: Camera, body: str, scale: float) -> None:
    labels, pixels = shoot(lens, body, scale, scroll=60 if "900px" in body else 0)
    (node,) = labels["nodes"]
    left, top, right, bottom = ink(pixels, (0, 255, 0))
    x, y, w, h = node["box"]
    assert np.abs(np.array([x, y, x + w, y + h]) - np.array([left, top, right, bottom])).max() <= 1


def test_covered_and_clipped_things_are_not_labelled(lens: Camera) -> None:
    labels, _ = shoot(
        lens,
        '<button style="position:absolute;left:10px;top:10px">Under</button><div style="position:fixed;left:0;top:0;width:200px;height:80px;background:#ddd"></div>'
        '<button style="position:absolute;left:10px;top:120px;width:120px">Half</button><div style="position:fixed;left:60px;top:110px;width:90px;height:60px;background:#ddd"></div>'
        '<div style="position:absolute;top:200px;width:60px;height:20px;overflow:hidden;white-space:nowrap"><span>seen and unseen words of a line</span></div>'
        '<button style="position:absolute;top:900px">Far below</button><button style="position:absolute;left:220px;top:20px">Free</button><button style="opacity:0;position:absolute;left:300px">Nothing</button>',
    )
    assert [node["name"] for node in labels["nodes"] if node["role"] == "button"] == ["Free"]
    assert "Half" in labels["unsure"]
    drawn = [line["text"] for line in labels["lines"]]
    assert "Under" not in drawn and "Far below" not in drawn and "Nothing" not in drawn
    (cut,) = [text for text in drawn if text.startswith("seen")]
    assert len(cut) < 12


def test_words_behind_a_veil_are_drawn_but_cannot_be_operated(lens: Camera) -> None:
    labels, _ = shoot(
        lens,
        '<button>Behind</button><div class="veil"></div><div style="position:fixed;z-index:60;top:90px;left:9px"><button>Front</button></div>',
        css=".veil{position:fixed;inset:0;background:rgba(0,0,0,.4);z-index:50}",
    )
    assert [(line["text"], line.get("veiled", False)) for line in labels["lines"]] == [
        ("Behind", True),
        ("Front", False),
    ]
    assert [node["name"] for node in labels["nodes"]] == ["Front"] and labels["unsure"] == ["Behind"]


def test_names_roles_values_and_states(lens: Camera) -> None:
    labels, _ = shoot(
        lens,
        '<label for="a">E-mail:</label><input id="a" value="ada@example.org"><br><label><input type="checkbox" checked disabled> Direct only</label><br>'
        '<select aria-label="Cabin"><option>Economy</option><option selected>Business</option></select>'
        '<button aria-label="Close"><svg data-icon="close" width="16" height="16"></svg></button><button role="tab" aria-selected="true">One</button>'
        '<input type="password" value="abcd" aria-label="PIN"><h2>Heading</h2><p>Some words</p><div data-row="Ada"><span>Ada</span> <a href="#">Edit</a></div>',
    )
    by = {(node["role"], node["name"]): node for node in labels["nodes"]}
    assert by["textbox", "E-mail"]["value"] == "ada@example.org" and by["textbox", "E-mail"]["label_box"]
    assert (
        sorted(by["checkbox", "Direct only"]["states"]) == ["checked", "disabled"]
        and by["checkbox", "Direct only"]["label_box"]
    )
    assert by["combobox", "Cabin"]["value"] == "Business"
    assert by["button", "Close"]["icon"] == "close"
    assert by["tab", "One"]["states"] == ["selected"]
    assert by["textbox", "PIN"]["password"] and by["textbox", "PIN"]["value"] == ""
    assert "••••" in [line["text"] for line in labels["lines"]]
    assert ("heading", "Heading") in by and ("text", "Some words") in by
    assert by["link", "Edit"]["row"] == "Ada"
