"""Two and three monitors on a real X server, some left of the first one and above it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from landed_clicks import land
from monitors_stage import MonitorsStage, monitors_stage

from actuators.action import Action, Click, Drag, Hover, Scroll
from actuators.geometry import Point, Rect
from sandboxes.base import SandboxUnavailable

pytestmark = pytest.mark.display

LAYOUTS = {
    "one left of the first and lower": (("800x600", 640, 0), ("640x480", 0, 77)),
    "one left of the first, one above it": (("1024x768", 640, 600), ("640x480", 0, 700), ("800x600", 741, 0)),
}
"""The first of each is the primary monitor."""
COLORS = (0xCC0000, 0x00AA55, 0x3344EE)


@pytest.fixture(params=list(LAYOUTS))
def layout(request: pytest.FixtureRequest) -> tuple[tuple[str, int, int], ...]:
    return LAYOUTS[request.param]


@pytest.fixture
def stage(layout: tuple[tuple[str, int, int], ...], tmp_path: Path) -> Iterator[MonitorsStage]:
    pytest.importorskip("Xlib")
    try:
        with monitors_stage(tmp_path, layout) as made:
            yield made
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))


def boxes(layout: tuple[tuple[str, int, int], ...]) -> list[Rect]:
    sizes = [tuple(map(int, size.split("x"))) for size, _, _ in layout]
    return [Rect(x, y, x + width, y + height) for (_, x, y), (width, height) in zip(layout, sizes, strict=True)]


def acted(stage: MonitorsStage, action: Action) -> tuple[str, str]:
    seen = stage.actuator.observe()
    receipt = stage.actuator.perform(stage.mint.permit(action, stage.actuator.target(action, seen)))
    return receipt.status, receipt.detail


def test_what_each_monitor_shows_is_in_the_picture_at_its_place(
    stage: MonitorsStage, layout: tuple[tuple[str, int, int], ...]
) -> None:
    from Xlib import X
    from Xlib.display import Display as Connection

    from sandboxes.display import opened_with

    with opened_with(stage.authority):
        painter = Connection(stage.name)
    monitors = boxes(layout)
    for box, color in zip(monitors, COLORS, strict=False):
        places = (box.left, box.top, box.width, box.height, 0, X.CopyFromParent)
        painter.screen().root.create_window(*places, override_redirect=1, background_pixel=color).map()
    painter.sync()
    stage.actuator.settle()
    seen = stage.actuator.observe()
    width, height = max(box.right for box in monitors), max(box.bottom for box in monitors)
    assert (seen.screen.width, seen.screen.height) == (width, height)
    for box, color in zip(monitors, COLORS, strict=False):
        wanted = (color >> 16, color >> 8 & 255, color & 255)
        corners = [(x, y) for x in (box.left, box.right - 1) for y in (box.top, box.bottom - 1)]
        assert [seen.frame.image.getpixel(corner) for corner in corners] == [wanted] * 4
    painter.close()


@pytest.mark.parametrize("count", [15, pytest.param(250, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_clicks_on_any_monitor_land_on_the_pixel(
    stage: MonitorsStage, layout: tuple[tuple[str, int, int], ...], count: int
) -> None:
    """250 on each of two layouts: 500 in all."""
    monitors = boxes(layout)

    def shown(at: Point) -> bool:
        return any(box.contains(at) for box in monitors)

    assert land(stage, count, stage.name, stage.authority, shown) == []


def test_what_no_monitor_shows_is_not_acted_on(stage: MonitorsStage, layout: tuple[tuple[str, int, int], ...]) -> None:
    """The server would put the pointer on the nearest monitor and press there."""
    nowhere = Point(5, 5)
    middle = boxes(layout)[0].centre
    assert acted(stage, Hover(at=middle))[0] == "done"
    for action in (
        Click(at=nowhere),
        Hover(at=nowhere),
        Drag(start=middle, end=nowhere),
        Scroll(at=nowhere, dy=40),
    ):
        status, detail = acted(stage, action)
        assert (status, detail[:27]) == ("failed", "no monitor shows (5, 5): th"), (action, detail)
    assert stage.actuator._mouse.at == middle
