"""What is made of replies: boxes become pixels, documents are checked, and what is not in form is said in a few words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from PIL import Image

from actuators.geometry import Rect
from model.asking.changes import regions
from model.asking.form import Asked, Misread, Prompt, Read, body_of, data_of
from model.asking.forms import NAMES, form
from model.asking.markup import POLICY, guarded, parsed
from model.asking.media import Media, Recording, Shown, Unusable
from model.asking.moments import clock, seconds_of
from model.protocols.grid import Grid


def blank(width: int = 500, height: int = 250, image: Image.Image | None = None, name: str = "a.png") -> Shown:
    image = image or Image.new("RGB", (width, height), "white")
    return Shown(name, image.size, f"{name}-{id(image)}", lambda: image)


def asked(*shown: Shown, **more: Any) -> Asked:
    pictures = shown or (blank(),)
    return Asked(pictures, Media(pictures), **more)


def read(name: str, reply: str, about: Asked | None = None) -> Read:
    about = about or asked()
    found = form(name).read(reply, about)
    Draft202012Validator(form(name).schema(about)).validate(found.answer)
    return found


def misread(name: str, reply: str, about: Asked | None = None) -> str:
    with pytest.raises(Misread) as caught:
        form(name).read(reply, about or asked())
    assert "\n" not in str(caught.value)
    return str(caught.value)


# replies -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        '{"a": 1}',
        '```json\n{"a": 1}\n```',
        'Here it is:\n```json\n{"a": 1}\n```\nIs there more?',
        '```\n{"a": 1}\n```\nDone.',
        '```json\n{"a": 1}',
    ],
)
def test_json_is_found_in_a_reply(reply: str) -> None:
    assert data_of(reply) == {"a": 1}


def test_fence_marks_inside_of_a_fence_are_its_own() -> None:
    assert body_of('```json\n["x ``` y"]\n```') == '["x ``` y"]'


def test_half_a_character_pair_is_no_text() -> None:
    assert data_of('{"\\ud800": ["a\\udfffb", "\\ud83d\\ude00"]}') == {"\ufffd": ["a\ufffdb", "😀"]}


@given(st.text(max_size=120) | st.text('{}[]":,<>/-!0129 \n\\`abcdatboxhtmlmxCell=', max_size=200))
@settings(max_examples=60, deadline=None)
def test_no_reply_breaks_a_reader(reply: str) -> None:
    film = Recording("a.mp4", (100, 100), 5.0, (), 2.0)
    for name in NAMES:
        if name in ("extract", "diff"):
            continue  # these read through `answer`; see below
        about = Asked(media=Media(recording=film)) if name == "when" else asked()
        for text in (reply, f"```json\n{reply}\n```", f"```html\n<p>{reply}</p>\n```"):
            try:
                read(name, text, about)
            except Misread as problem:
                assert str(problem)


# places --------------------------------------------------------------------------------------------------------------


def test_lines_come_in_pixels_with_their_languages() -> None:
    reply = json.dumps(
        [
            {"bbox_2d": [100, 200, 300, 240], "text_content": "Guten Tag", "language": "de"},
            {"bbox_2d": [300, 440, 100, 400], "text_content": "Hello", "language": "en"},  # corners the other way
            {"bbox_2d": [0, 0, 1000, 1000], "text_content": "Hallo", "language": "de"},
        ]
    )
    answer = read("ocr", reply).answer
    assert [line["box"] for line in answer["lines"]] == [[50, 50, 151, 61], [50, 100, 151, 111], [0, 0, 500, 250]]
    assert answer["languages"] == ["de", "en"]
    assert form("ocr").told(answer).splitlines()[0] == "[50, 50, 151, 61]  Guten Tag"


def test_a_line_said_twice_counts_once() -> None:
    line = {"bbox_2d": [1, 2, 3, 4], "text_content": "again and again"}
    assert len(read("ocr", json.dumps([line] * 9)).answer["lines"]) == 1


@pytest.mark.parametrize(
    "reply",
    [
        "nothing",
        "[1, 2]",
        '[{"bbox_2d": [1, 2, 3, 4]}]',
        '[{"bbox_2d": [1, 2, 3], "text_content": "x"}]',
        '[{"bbox_2d": [1, 2, 3, 1001], "text_content": "x"}]',
        '[{"bbox_2d": [-1, 2, 3, 4], "text_content": "x"}]',
        '[{"bbox_2d": ["1", 2, 3, 4], "text_content": "x"}]',
        '[{"bbox_2d": [1, 2, 3, 4], "text_content": 5}]',
        '[{"bbox_2d": [NaN, 2, 3, 4], "text_content": "x"}]',
        "[" * 3000,
    ],
)
def test_lines_that_are_none(reply: str) -> None:
    assert misread("ocr", reply)


def test_an_empty_list_says_that_it_is_not_there() -> None:
    assert not read("ground", "[]").found
    found = read("ground", '[{"bbox_2d": [0, 0, 100, 100], "label": "Save"}]')
    assert found.found and found.answer["found"] == [
        {"label": "Save", "box": [0, 0, 51, 26], "point": [25, 13], "sure": None}
    ]


def test_the_grid_of_the_checkpoint_counts() -> None:
    about = asked(grid=Grid(999, 999))
    assert read("ground", '[{"bbox_2d": [0, 0, 999, 999]}]', about).answer["found"][0]["box"] == [0, 0, 500, 250]
    assert "from 0 to 999" in misread("ground", '[{"bbox_2d": [0, 0, 1000, 999]}]', about)


def test_boxes_in_space() -> None:
    def box(*numbers: float) -> str:
        return json.dumps([{"bbox_3d": numbers, "label": "chair"}])

    ahead = read("ground3d", box(0, 0, 4, 1, 1, 1, 0, 0, 0.5))
    assert ahead.problems == () and ahead.answer["found"][0]["point"] == [250, 125]
    right = read("ground3d", box(1, 0, 4, 1, 1, 1, 0, 0, 0))
    assert right.answer["found"][0]["point"][0] > 250
    behind = read("ground3d", box(0, 0, -4, 1, 0, 1, 0, 0, 0))
    assert behind.answer["found"][0]["point"] is None
    assert [problem.partition(": ")[2] for problem in behind.problems] == [
        "a side of its box is not longer than nothing",
        "its centre is not in view",
    ]
    assert "nine numbers" in misread("ground3d", box(1, 2, 3))


# markup --------------------------------------------------------------------------------------------------------------

_DANGERS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '<a href="javascript:alert(1)">x</a>',
    '<a href=" java\tscript:alert(1)">x</a>', '<a href="data:text/html,x">x</a>', "<iframe src=//x></iframe>",
    "<object data=x></object>", "<embed src=x>", '<link rel=stylesheet href="https://x/y.css">', "<base href=//x>",
    '<meta http-equiv="refresh" content="0;url=//x">', '<img src="https://x/y.png">', '<img src="y.png">',
    '<img srcset="//x 2x">', '<video poster="//x"></video>', '<form action="https://x"><input></form>',
    '<button formaction="//x">x</button>', '<p style="background:url(//x)">x</p>',
    "<style>@import '//x';</style>", "<style>p{background:u\\72l(//x)}</style>", "<style>p{background:url(/**///x)}</style>",
    '<svg><use href="//x#y"></use></svg>', '<svg><image xlink:href="//x"></image></svg>',
    '<svg><animate attributeName="href" to="javascript:alert(1)"></animate></svg>', '<div srcdoc="x">x</div>',
    '<img src="data:image/svg+xml,<svg onload=alert(1)>">', "<BODY ONLOAD=alert(1)>", "<p/onclick=alert(1)>x</p>",
]  # fmt: skip


@pytest.mark.parametrize("html", _DANGERS)
def test_a_page_that_could_run_or_load_something_is_refused(html: str) -> None:
    assert "a page without scripts that loads nothing is wanted" in misread("code", f"<html><body>{html}</body></html>")


def test_a_plain_page_is_handed_on_behind_a_policy() -> None:
    html = (
        "<!DOCTYPE html>\n<html><head><title>Shop</title><style>p > b { color: rgb(1, 2, 3) } "
        "i{background:url('data:image/png;base64,AA')}</style></head><body><h1 style='width:calc(1px + 2px)'>Tea</h1>"
        "<ul><li>Green<li>Black</ul><img src='data:image/png;base64,AA' alt=x><a href='#top'>Up</a>"
        "<a href='https://example.org'>Out</a></body></html>"
    )
    found = read("code", f"```html\n{html}\n```")
    assert found.problems == () and found.answer["text"] == ["Shop", "Tea", "Green", "Black", "Up", "Out"]
    assert found.answer["html"].replace(f"\n{POLICY}", "") == html
    assert found.answer["html"].index(POLICY) < found.answer["html"].index("<title>")


def test_the_policy_comes_first_without_a_head() -> None:
    assert guarded("<!doctype html><p>x").startswith("<!doctype html>\n" + POLICY)
    assert guarded("<p>x").startswith("\n" + POLICY)


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ("<div><p>x</div>", None),
        ("<div>x", "<div> is not closed"),
        ("<b><i>x</b></i>", "<i> is not closed"),
        ("x</div>", None),
    ],
)
def test_tags_that_do_not_match(html: str, problem: str | None) -> None:
    problems = parsed(html).problems
    assert (problem in problems) if problem else (problems == ([] if "<p>" in html else ["</div> closes nothing"]))


def test_a_page_nested_without_end_is_refused() -> None:
    assert "deep" in misread("code", "<div>" * 5000)


def test_a_document_is_built_again_with_boxes_in_pixels() -> None:
    reply = (
        '```html\n<html><body>\n<h1 data-bbox="100 40 900 120" onclick="x()">Invoice &amp; more</h1>'
        '<script>alert(1)</script><p data-bbox="10 20 30 40">A &lt; B<br>C</p>'
        '<table data-bbox="0 500 1000 1000"><tr><td colspan="2">x</td></tr></table></body></html>\n```'
    )
    found = read("document", reply)
    assert found.answer["html"] == (
        '<h1 data-bbox="50 10 451 31">Invoice &amp; more</h1><p data-bbox="5 5 16 11">A &lt; B<br>C</p>'
        '<table data-bbox="0 125 500 250"><tr><td colspan="2">x</td></tr></table>'
    )
    assert [part["kind"] for part in found.answer["parts"]] == ["h1", "p", "table"]
    assert found.problems == ("left out <script>",)


@pytest.mark.parametrize("reply", ["just words", '<p data-bbox="1 2 3">x</p>', '<p data-bbox="1 2 3 4000">x</p>'])
def test_a_document_that_is_none(reply: str) -> None:
    assert misread("document", reply)


def test_a_document_as_markdown() -> None:
    about = asked(style="markdown")
    reply = "# Title\n\n<!-- Image (0, 0, 500, 1000) -->\n\n<!-- Table (0,500,1000,1000) -->\n\\begin{tabular}{l}\nx \\\\\n\\end{tabular}"
    found = read("document", reply, about)
    assert "<!-- Image (0, 0, 251, 250) -->" in found.answer["markdown"] and found.problems == ()
    assert found.answer["parts"] == [
        {"kind": "image", "box": [0, 0, 251, 250]},
        {"kind": "table", "box": [0, 125, 500, 250]},
    ]
    assert read("document", reply.replace("\\end{tabular}", ""), about).problems == ("a table does not end",)


# diagrams ------------------------------------------------------------------------------------------------------------


def drawing(*cells: str) -> str:
    return f'<mxGraphModel><root><mxCell id="0"/><mxCell id="1" parent="0"/>{"".join(cells)}</root></mxGraphModel>'


def shape(name: str, value: str = "Start", **more: str) -> str:
    given = {"id": name, "value": value, "vertex": "1", "parent": "1", **more}
    attributes = " ".join(f'{key}="{text}"' for key, text in given.items())
    return f'<mxCell {attributes}><mxGeometry x="10" y="20" width="80" height="40" as="geometry"/></mxCell>'


def test_a_diagram_with_its_shapes_and_connections() -> None:
    edge = '<mxCell id="4" value="go" edge="1" parent="1" source="2" target="3"><mxGeometry relative="1" as="geometry"/></mxCell>'
    found = read("diagram", f"```xml\n{drawing(shape('2'), shape('3', 'End &lt;b&gt;now&lt;/b&gt;'), edge)}\n```")
    assert found.problems == ()
    assert found.answer["shapes"][1] == {"id": "3", "text": "End now", "box": [10, 20, 90, 60]}
    assert found.answer["connections"] == [{"id": "4", "text": "go", "source": "2", "target": "3"}]


def test_a_diagram_that_does_not_hang_together() -> None:
    loose = '<mxCell id="2" edge="1" parent="9" source="2" target="7"/>'
    found = read("diagram", drawing(shape("2"), loose))
    assert found.problems == (
        "id `2` is given twice",
        "cell `2` lies in `9`, which is not there",
        "connection `2` has its target at `7`, which is not there",
    )


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><mxGraphModel><root><mxCell id="0"/></root></mxGraphModel>', "document type"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><mxGraphModel/>', "document type"),
        ("<mxGraphModel><root></mxGraphModel>", "no XML"),
        ("<mxGraphModel/>", "0 cells"),
        ("<svg><script/><mxCell/></svg>", "no element of draw.io"),
        (drawing(shape("2", "&lt;img src=x onerror=alert(1)&gt;")), "only plain text"),
        (drawing(shape("2", "&lt;b onclick=alert(1)&gt;x&lt;/b&gt;")), "only plain text"),
        (drawing(shape("2", style="shape=image;image=https://x/y.png")), "loads something"),
        (drawing(shape("2", link="javascript:alert(1)")), "link is not wanted"),
    ],
)
def test_a_diagram_that_is_refused(xml: str, said: str) -> None:
    assert said in misread("diagram", xml)


# changes -------------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 150), st.integers(0, 90), st.integers(1, 40), st.integers(1, 30)), max_size=4),
    st.integers(30, 255),
)
@settings(max_examples=60, deadline=None)
def test_every_changed_pixel_lies_in_one_region(boxes: list[tuple[int, int, int, int]], by: int) -> None:
    before = np.zeros((120, 190, 3), dtype=np.uint8)
    after = before.copy()
    for left, top, width, height in boxes:
        after[top : top + height, left : left + width, 1] = by
    found = regions(Image.fromarray(before), Image.fromarray(after))
    covered = np.zeros(before.shape[:2], dtype=int)
    for box in found:
        covered[box.top : box.bottom, box.left : box.right] += 1
        edge = (after != before).any(-1)[box.top : box.bottom, box.left : box.right]
        assert edge[0].any() and edge[-1].any() and edge[:, 0].any() and edge[:, -1].any()  # no larger than it must be
    assert ((after != before).any(-1) <= (covered > 0)).all()
    assert bool(found) == bool(boxes)


def test_changes_far_apart_are_two_and_noise_is_none() -> None:
    before = Image.new("RGB", (300, 200), (100, 100, 100))
    after = before.copy()
    after.paste((255, 0, 0), (10, 20, 40, 30))
    after.paste((0, 0, 255), (200, 150, 260, 190))
    after.putpixel((150, 100), (110, 110, 110))
    assert regions(before, after) == [Rect(10, 20, 40, 30), Rect(200, 150, 260, 190)]


def differ(before: Image.Image, after: Image.Image, reply: Any) -> tuple[Read, list[Prompt]]:
    about = asked(blank(image=before), blank(image=after, name="b.png"))
    said: list[Prompt] = []

    def say(prompt: Prompt) -> Any:
        said.append(prompt)
        return prompt.check(json.dumps(reply))

    found = form("diff").answer(about, say)
    Draft202012Validator(form("diff").schema(about)).validate(found.answer)
    return found, said


def test_the_regions_are_shown_to_the_model_and_stand_beside_its_words() -> None:
    before = Image.new("RGB", (500, 250), "white")
    after = before.copy()
    after.paste("red", (100, 50, 200, 100))
    found, [prompt] = differ(before, after, {"summary": "A box came.", "changes": ["a red box"]})
    assert "1. [201, 202, 399, 398]" in prompt.parts[-1]
    assert found.answer == {"summary": "A box came.", "changes": [{"box": [100, 50, 200, 100], "change": "a red box"}]}


def test_where_nothing_changed_no_model_is_asked() -> None:
    same = Image.new("RGB", (500, 250), "white")
    found, said = differ(same, same.copy(), None)
    assert found.answer == {"summary": "nothing changed", "changes": []} and said == []


def test_words_for_another_number_of_changes_are_misread() -> None:
    before, after = Image.new("RGB", (50, 50), "white"), Image.new("RGB", (50, 50), "black")
    with pytest.raises(Misread):
        differ(before, after, {"summary": "x", "changes": []})


def test_very_many_changes_are_all_in_the_answer() -> None:
    before = Image.new("RGB", (1000, 1000), "white")
    after = before.copy()
    for n in range(64):
        side = 4 + n % 8
        left, top = 60 + 120 * (n % 8), 60 + 120 * (n // 8)
        after.paste("black", (left, top, left + side, top + side))
    found, _ = differ(before, after, {"summary": "dots", "changes": ["dot"] * 40})
    assert len(found.answer["changes"]) == 64
    assert sum(one["change"] is None for one in found.answer["changes"]) == 24


def test_screenshots_of_two_sizes_are_not_compared() -> None:
    with pytest.raises(Unusable, match="measure differently"):
        form("diff").refuse(asked(blank(), blank(501)))


# fields --------------------------------------------------------------------------------------------------------------

FIELDS = {
    "type": "object",
    "properties": {"number": {"type": "string", "pattern": "^R[0-9]{3}$"}, "total": {"type": "number"}},
    "required": ["number"],
}


def look(number: Any, total: Any = 5, box: list[int] | None = None, picture: int = 1) -> dict[str, Any]:
    return {
        "number": {"value": number, "bbox_2d": box or [100, 100, 200, 140], "picture": picture},
        "total": {"value": total, "bbox_2d": None, "picture": 1},
    }


def extracted(*replies: Any) -> tuple[Read, list[Prompt]]:
    about = asked(blank(), blank(name="b.png"), schema=FIELDS)
    said, left = [], list(replies)

    def say(prompt: Prompt) -> Any:
        said.append(prompt)
        return prompt.check(json.dumps(left.pop(0)))

    found = form("extract").answer(about, say)
    Draft202012Validator(form("extract").schema(about)).validate(found.answer)
    assert left == []
    return found, said


def test_two_readings_that_agree_are_enough() -> None:
    found, said = extracted(look("R123"), look(" R123 "))
    assert found.problems == () and len(said) == 2
    assert found.answer["fields"]["number"] == {
        "value": "R123", "box": [50, 25, 101, 36], "picture": 1, "readings": ["R123", " R123 "],
    }  # fmt: skip
    assert found.answer["fields"]["total"]["value"] == 5 and found.answer["fields"]["total"]["box"] is None


def test_where_they_disagree_an_enlarged_crop_decides() -> None:
    found, said = extracted(
        look("R128", box=[100, 100, 200, 140]), look("R123", box=[180, 120, 300, 160]), {"value": "R123"}
    )
    assert found.answer["fields"]["number"]["value"] == "R123" and found.problems == ()
    crop = said[2].parts[0]
    assert isinstance(crop, Shown) and crop.image().size == crop.size and crop.size[0] < 200
    assert said[2].pixels[0] >= 256 * 1024  # enlarged: the crop itself has far fewer pixels


def test_what_does_not_fit_its_pattern_is_looked_at_again() -> None:
    found, said = extracted(look("123"), look("123"), {"value": "R123"})
    assert len(said) == 3 and found.answer["fields"]["number"]["value"] is None
    assert found.problems[0].startswith("`number`: read `123`, `R123`, which does not fit: ")
    again, _ = extracted(look("123"), look("R123"), {"value": "R123"})
    assert again.answer["fields"]["number"]["value"] == "R123" and again.problems == ()


def test_three_looks_with_three_readings_take_the_closest() -> None:
    assert extracted(look("R121"), look("R122"), {"value": "R123"})[0].answer["fields"]["number"]["value"] == "R123"


def test_a_required_field_that_is_not_there() -> None:
    found, said = extracted(look(None), look(None))
    assert found.problems == ("`number`: required, and not found",) and len(said) == 2


def test_a_reading_of_another_type_is_misread() -> None:
    with pytest.raises(Misread):
        extracted(look("R123", total="five"))


def test_the_second_reading_asks_in_another_order() -> None:
    _, said = extracted(look("R123"), look("R123"))
    first, second = (str(prompt.parts[-1]) for prompt in said)
    assert first.index("- number") < first.index("- total") and second.index("- total") < second.index("- number")


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"type": "object", "properties": {"a": {"type": "array"}}}])
def test_a_schema_without_plain_fields_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(Unusable):
        form("extract").refuse(asked(schema=schema))


# moments -------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 35_999_99))
def test_a_clock_comes_back(hundredths: int) -> None:
    assert seconds_of(clock(hundredths / 100)) == pytest.approx(hundredths / 100, abs=1e-6)


@pytest.mark.parametrize("text", ["1:02:03.5", "62:03.5", 3723.5])
def test_other_ways_of_writing_a_time(text: Any) -> None:
    assert seconds_of(text) == 3723.5


def test_moments_outside_of_the_recording_do_not_hold() -> None:
    about = replace(asked(question="x"), media=Media(recording=Recording("a.mp4", (10, 10), 12.0, (), 2.0)))
    good = read("when", '[{"start": "00:03.20", "end": "00:05.00", "event": "the menu opens"}]', about)
    assert good.answer["moments"] == [{"start": 3.2, "end": 5.0, "event": "the menu opens"}] and good.problems == ()
    assert form("when").told(good.answer) == "00:03.20 - 00:05.00  the menu opens"
    late = read("when", '[{"start": "00:13.20", "end": "00:05.00", "event": "x"}]', about)
    assert len(late.problems) == 2 and not read("when", "[]", about).found
    assert misread("when", '[{"start": "soon", "end": "00:05.00"}]', about)


def test_every_form_says_what_it_is(tmp_path: Path) -> None:
    for name in NAMES:
        one = form(name)
        assert one.name == name and one.about and "\n" not in one.about and one.words > 0
