from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from browser_stage import BrowserStage
from contract.actuator import cleared, do

from actuators.action import Click, Scroll
from actuators.geometry import Point

pytestmark = pytest.mark.browser
Begin = Callable[..., BrowserStage]

TRACE = """<body style="margin:0;height:3000px;width:3000px"><script>
window.hits = [];
addEventListener('mousedown', (e) => hits.push([e.clientX, e.clientY, e.button, e.detail, e.ctrlKey, e.shiftKey]));
addEventListener('contextmenu', (e) => e.preventDefault());
</script>"""


@pytest.mark.parametrize("scale", [1.0, 1.25, 1.5, 2.0, 3.0])
def test_clicks_land_on_the_pixel_that_was_seen(begin: Begin, scale: float) -> None:
    stage = begin(TRACE, scale=scale)
    screen = stage.actuator.observe().screen
    assert screen.scale == scale
    assert (screen.width, screen.height) == (round(640 * scale), round(480 * scale))
    far = Point(screen.width - 1, screen.height - 1)
    for at in (Point(0, 0), far, Point(100, 57), Point(333, 201)):
        do(stage, Click(at=at))
        x, y, *_ = stage.page.evaluate("hits.pop()")
        assert (at.x / scale - 1 < x <= (at.x + 1) / scale) and (at.y / scale - 1 < y <= (at.y + 1) / scale)


def test_sixty_clicks_anywhere_scrolled_or_not_land_exactly(begin: Begin) -> None:
    stage = begin(TRACE)
    seen, dice = stage.actuator.observe(), random.Random(7)
    for turn in range(60):
        at = Point(dice.randrange(640), dice.randrange(480))
        if turn == 30:
            do(stage, Scroll(at=at, dx=173, dy=391))
            assert stage.page.evaluate("[scrollX, scrollY]") == [173, 391]
            seen = stage.actuator.observe()
        assert stage.actuator.perform(cleared(stage, Click(at=at), seen)).status == "done"
        assert stage.page.evaluate("hits.pop()")[:2] == [at.x, at.y]


def test_buttons_counts_and_modifiers(begin: Begin) -> None:
    stage = begin(TRACE)
    do(stage, Click(at=Point(5, 5), count=3))
    do(stage, Click(at=Point(6, 6), button="right"))
    do(stage, Click(at=Point(7, 7), button="middle"))
    do(stage, Click(at=Point(8, 8), modifiers=("ctrl", "shift")))
    assert stage.page.evaluate("hits") == [
        [5, 5, 0, 1, False, False],
        [5, 5, 0, 2, False, False],
        [5, 5, 0, 3, False, False],
        [6, 6, 2, 1, False, False],
        [7, 7, 1, 1, False, False],
        [8, 8, 0, 1, True, True],
    ]


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_every_node_of_a_busy_page_is_hit_in_its_middle(begin: Begin, scale: float) -> None:
    rows = "".join(
        f"<tr><td>Row {n}<td><a href=/{n}>Link {n}</a><td><label><input type=checkbox> Tick {n}</label>"
        f"<td><button style='font-size:{8 + n % 9}px'>Do {n}</button><td><select><option>S{n}</select>"
        for n in range(40)
    )
    stage = begin(f"<div style='height:400px;overflow:auto'><table>{rows}</table></div>", scale=scale)
    seen = stage.actuator.observe()
    operable = [node for node in seen.nodes if node.role not in ("cell", "text")]
    assert len(operable) > 30
    for node in operable:
        hit = stage.actuator.target(Click(at=node.rect.centre), seen)
        assert hit.node is not None and hit.node.id == node.id, node


WORN = [
    ("<button style='cursor:pointer'><em>Sign in</em></button>", ("button", "Sign in")),
    ("<button aria-label=More style='cursor:pointer'><svg width=30 height=30><rect width=30 height=30 /></svg></button>", ("button", "More")),
    ("<a href=/x style='display:block'><div>Read on</div></a>", ("link", "Read on")),
    ("<div onclick='x()' style='cursor:pointer'><em>Row</em></div>", ("generic", "Row")),
    ("<div role=button style='cursor:pointer'><p>One</p><p>Two</p></div>", ("button", "One Two")),
    ("<button style='cursor:pointer'><em tabindex=0>Own stop</em></button>", ("generic", "Own stop")),
]  # fmt: skip


def test_what_only_wears_a_buttons_pointer_is_the_button(begin: Begin) -> None:
    stage = begin("<p>x")
    wrong = []
    for html, expected in WORN:
        stage.page.set_content(html)
        seen = stage.actuator.observe()
        spot = stage.page.locator("em, svg, p, a div").first.bounding_box()
        assert spot is not None
        at = Point(round(spot["x"] + spot["width"] / 2), round(spot["y"] + spot["height"] / 2))
        node = stage.actuator.target(Click(at=at), seen).node
        if node is None or (node.role, node.name) != expected:
            wrong.append((html, expected, node and (node.role, node.name)))
    assert not wrong
