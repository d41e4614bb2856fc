"""Where a touch lands: every pixel of a screenshot, at every density, turned, and on a panel of another size."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actuators.action import Click, Swipe
from actuators.geometry import Digitizer, Point, Rect, Screen
from actuators.receipt import Receipt
from tests.android.phone.running import Served
from tests.android.phone_stage import PhoneStage

pytestmark = pytest.mark.android

sides = st.integers(1, 4000)


@given(sides, sides, sides, sides, st.data())
@settings(max_examples=300, deadline=None)
def test_a_pixel_goes_to_the_panel_and_back(
    width: int, height: int, across: int, down: int, data: st.DataObject
) -> None:
    panel = Digitizer(Screen(width, height), across, down)
    point = Point(data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1)))
    x, y = panel.to_panel(point)
    assert 0 <= x < across and 0 <= y < down
    assert panel.from_panel(x, y) == point


@given(sides, sides, sides, sides, st.data())
@settings(max_examples=200, deadline=None)
def test_a_box_of_the_panel_holds_the_pixels_whose_middles_lie_in_it(
    width: int, height: int, across: int, down: int, data: st.DataObject
) -> None:
    panel = Digitizer(Screen(width, height), across, down)
    left, right = sorted(data.draw(st.tuples(st.integers(0, across), st.integers(0, across))))
    box = panel.box(left, 0, right, down)
    assert box.intersect(Rect(0, 0, width, height)) == box
    x = data.draw(st.integers(0, width - 1))
    middle = panel.to_panel(Point(x, 0))[0]
    if left <= middle < right and right - left > 0:
        assert box.left <= x < box.right or not box.area


def tap(stage: PhoneStage, at: Point) -> Receipt:
    action = Click(at=at)
    return stage.actuator.perform(stage.mint.permit(action, stage.actuator.target(action, stage.actuator.observe())))


def lands(stage: PhoneStage, at: Point) -> bool:
    """Whether a tap on a pixel of the screenshot reached the place that this pixel shows."""
    seen = stage.actuator.observe()
    action = Click(at=at)
    before = len(stage.phone.touches)
    receipt = stage.actuator.perform(stage.mint.permit(action, stage.actuator.target(action, seen)))
    assert receipt.status == "done", receipt.detail
    [(_, x, y)] = stage.phone.touches[before:]
    width, height = stage.phone.display
    return (int(x * seen.screen.width / width), int(y * seen.screen.height / height)) == (at.x, at.y)


WAYS = [
    {},
    {"turned": 1},
    {"turned": 3, "density": 440},
    {"panel": (360, 720)},
    {"panel": (1080, 2160), "turned": 1},
    {"panel": (431, 953)},
    {"density": 160},
]


def arranged(staged: Callable[..., PhoneStage], way: dict[str, object]) -> PhoneStage:
    stage = staged()
    stage.phone.override_density = way.get("density")
    if size := way.get("panel"):
        stage.phone.captures_physical, stage.phone.override_size = True, size
    stage.served.do(lambda: stage.phone.turn(int(way.get("turned", 0))))  # type: ignore[call-overload]
    stage.actuator.observe()
    return stage


def points(stage: PhoneStage, count: int, seed: int) -> list[Point]:
    screen, dice = stage.actuator.observe().screen, random.Random(seed)
    edges = [
        Point(0, 0),
        Point(screen.width - 1, screen.height - 1),
        Point(screen.width - 1, 0),
        Point(0, screen.height - 1),
    ]
    return (edges + [Point(dice.randrange(screen.width), dice.randrange(screen.height)) for _ in range(count)])[:count]


@pytest.mark.parametrize("way", WAYS[4:5], ids=str)
def test_taps_land_on_the_pixel(staged: Callable[..., PhoneStage], way: dict[str, object]) -> None:
    stage = arranged(staged, way)
    stage.served.do(lambda: stage.phone.launch("com.android.launcher3"))
    stage.phone.tap = _only_noted(stage)
    assert [at for at in points(stage, 8, 3) if not lands(stage, at)] == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_500_taps_land_on_the_pixel(staged: Callable[..., PhoneStage], way: dict[str, object]) -> None:
    """500 in all, over densities, turns and panels."""
    stage = arranged(staged, way)
    stage.phone.tap = _only_noted(stage)
    assert [at for at in points(stage, -(-500 // len(WAYS)), 5) if not lands(stage, at)] == []


def _only_noted(stage: PhoneStage) -> Callable[[float, float], None]:
    """Taps that change nothing, so that each of them is judged on the same screen."""
    return lambda x, y: stage.phone.touches.append(("tap", x, y))


def test_a_node_is_where_its_picture_is_when_the_panel_is_smaller(staged: Callable[..., PhoneStage]) -> None:
    stage = arranged(staged, {"panel": (360, 720)})
    seen = stage.actuator.observe()
    agree = next(node for node in seen.nodes if node.name == "Agree")
    assert tap(stage, agree.rect.centre).status == "done"
    assert stage.pages.agreed


def test_a_screen_that_was_turned_after_it_was_judged_is_not_touched_elsewhere(stage: PhoneStage) -> None:
    seen = stage.actuator.observe()
    agree = next(node for node in seen.nodes if node.name == "Agree")
    action = Click(at=agree.rect.centre)
    permit = stage.mint.permit(action, stage.actuator.target(action, seen))
    stage.served.do(lambda: stage.phone.turn(1))
    receipt = stage.actuator.perform(permit)
    assert receipt.status in ("stale", "failed") or stage.pages.agreed
    assert not any(kind == "tap" for kind, *_ in stage.phone.touches) or stage.pages.agreed


def test_a_point_under_the_keyboard_is_the_keyboards(stage: PhoneStage) -> None:
    seen = stage.actuator.observe()
    stage.act(Click(at=next(node for node in seen.nodes if node.name == "Name").rect.centre))
    seen = stage.actuator.observe()
    keys = next(one for one in stage.phone.windows() if one.name == "InputMethod").frame
    target = stage.actuator.target(Click(at=Point((keys[0] + keys[2]) // 2, (keys[1] + keys[3]) // 2)), seen)
    assert target.node is None and target.window == "InputMethod" and target.app != stage.pages.package


def test_a_swipe_ends_where_it_was_to_end(stage: PhoneStage) -> None:
    stage.act(Swipe(start=Point(200, 700), end=Point(210, 500), seconds=0.1))
    assert stage.phone.touches[-2:] == [("down", 200.0, 700.0), ("up", 210.0, 500.0)]


def test_the_density_is_told(served: Served, staged: Callable[..., PhoneStage]) -> None:
    assert staged(density=440).actuator.observe().screen.scale == 2.75
