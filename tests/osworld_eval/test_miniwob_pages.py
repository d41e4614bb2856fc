"""The pages as they are shown to an agent, and the traps of the benchmark."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))
from mint import Mint

from actuators.action import Click, Drag, TypeText
from actuators.browser import BrowserActuator
from actuators.errors import SurfaceError
from actuators.geometry import Point
from osworld_eval.miniwob import tasks
from osworld_eval.miniwob.area import TaskArea
from osworld_eval.miniwob.bare_hand import node_at
from osworld_eval.miniwob.oracle import clicked, oracle_for, with_oracle
from osworld_eval.miniwob.page import AREA, SCALE, VIEWPORT, Look, how_it_ended, pixel, start
from osworld_eval.miniwob.record import Stage
from sandboxes.base import SandboxUnavailable

pytestmark = pytest.mark.browser
if not tasks.installed():
    pytest.skip("the pages of MiniWoB++ are not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    try:
        with Stage() as started:
            yield started
            assert not started.refused, "the pages asked for something outside themselves"
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))


class Area:
    """A task's area with permits from a throw-away key."""

    def __init__(self, stage: Stage, with_nodes: bool = True) -> None:
        self.mint = Mint()
        self.inner = BrowserActuator(stage.page.context, self.mint.verifier(), scale=SCALE)
        self.area = TaskArea(self.inner, stage.page, with_nodes)

    def do(self, action: Click | Drag | TypeText) -> str:
        target = self.area.target(action, self.area.observe())
        receipt = self.area.perform(self.mint.permit(action, target))
        self.area.settle()
        return receipt.status


@pytest.fixture
def area(stage: Stage) -> Iterator[Area]:
    made = Area(stage)
    yield made
    made.inner.close()


@given(st.builds(Point, st.integers(0, AREA.width - 1), st.integers(0, AREA.height - 1)))
def test_a_pixel_of_the_area_names_the_same_place_on_the_page(point: Point) -> None:
    x, y = AREA.to_logical(point)
    assert pixel(x, y) == point
    assert 0 <= x < 160 and 0 <= y < 210
    assert (int(x), int(y)) == (point.x // SCALE, point.y // SCALE)


@given(st.floats(-50, 400), st.floats(-50, 400))
def test_no_place_on_the_page_leads_out_of_the_area(x: float, y: float) -> None:
    assert AREA.contains(pixel(x, y))


def test_a_press_lands_on_the_page_where_it_was_seen(stage: Stage, area: Area) -> None:
    start(stage.page, stage.origin, "circle-center", 0)
    stage.page.evaluate(
        "window.hits = []; document.addEventListener('mousedown', (e) => window.hits.push([e.pageX, e.pageY]), true)"
    )
    points = [Point(*at) for at in itertools.product((0, 37, 160, 319), (0, 101, 250, 419))]
    for point in points:
        assert area.do(Click(at=point)) == "done"
    hits = stage.page.evaluate("window.hits")
    assert [[int(x), int(y)] for x, y in hits] == [[point.x // SCALE, point.y // SCALE] for point in points]


def test_only_the_area_is_seen(stage: Stage, area: Area) -> None:
    start(stage.page, stage.origin, "click-test", 0)
    seen = area.area.observe()
    assert seen.frame.image.size == (seen.screen.width, seen.screen.height) == (320, 420)
    assert not any("reward" in node.name.lower() or "time left" in node.name.lower() for node in seen.nodes)
    assert all(seen.screen.rect.intersect(node.rect) == node.rect for node in seen.nodes)
    whole = area.inner.observe()
    assert whole.frame.image.size == (VIEWPORT[0] * SCALE, VIEWPORT[1] * SCALE)
    assert any("reward" in node.name.lower() for node in whole.nodes), "the page has a score beside its area"
    assert whole.frame.image.crop((0, 0, 320, 420)).tobytes() == seen.frame.image.tobytes()


def test_pixels_only_has_no_nodes(stage: Stage) -> None:
    start(stage.page, stage.origin, "click-test", 0)
    made = Area(stage, with_nodes=False)
    assert made.area.observe().nodes == ()
    made.inner.close()


def test_what_lies_beside_the_area_cannot_be_pressed(stage: Stage, area: Area) -> None:
    start(stage.page, stage.origin, "click-test", 0)
    seen = area.area.observe()
    for action in (Click(at=Point(400, 100)), Drag(start=Point(10, 10), end=Point(330, 10))):
        with pytest.raises(SurfaceError, match="outside"):
            area.area.target(action, seen)


def test_after_the_end_nothing_is_pressed_any_more(stage: Stage, area: Area) -> None:
    start(stage.page, stage.origin, "click-test", 0)
    spot = Look(stage.page).shown("#subbtn")[0].spot
    assert spot and area.do(clicked(spot)) == "done"
    assert area.area.end.done and area.area.end.raw == 1.0
    assert area.do(clicked(spot)) == "refused"
    assert how_it_ended(stage.page).raw == 1.0, "a press on the black sheet would have begun another episode"
    assert area.area.acts == 1


def test_time_does_not_end_an_episode(stage: Stage) -> None:
    start(stage.page, stage.origin, "use-colorwheel", 0)
    left = stage.page.evaluate("[core.EPISODE_MAX_TIME, core.EP_TIMER !== null]")
    assert left == [3_600_000, True]


def test_the_same_seed_is_the_same_episode(stage: Stage) -> None:
    shots = []
    for seed in (3, 4, 3):
        said = start(stage.page, stage.origin, "click-checkboxes", seed)
        stage.hand.settle()
        shots.append((said, stage.hand.picture()))
    assert shots[0] == shots[2] != shots[1]


def test_a_page_that_is_left_ends_the_episode_unsolved(stage: Stage) -> None:
    start(stage.page, stage.origin, "click-test", 0)
    stage.page.goto("about:blank")
    end = how_it_ended(stage.page)
    assert (end.done, end.raw) == (True, 0.0)


def test_a_picture_of_the_recorder_is_the_picture_of_a_run(stage: Stage, area: Area) -> None:
    start(stage.page, stage.origin, "click-dialog", 1)
    stage.hand.settle()
    recorded = stage.hand.picture()
    assert area.area.observe().frame.pixels.tobytes() == _pixels(recorded)
    assert stage.hand.nodes() and [node.name for node in stage.hand.nodes()] == [
        node.name for node in area.area.observe().nodes
    ]


def _pixels(png: bytes) -> bytes:
    from actuators.observation import Frame

    return Frame(png).pixels.tobytes()


def test_the_smallest_node_under_a_point_is_named(stage: Stage) -> None:
    demo = stage.play("click-test-2", 5)
    (step,) = demo.steps
    assert step["nodes"][step["node"]]["name"] == "ONE"
    assert node_at((), Point(1, 1)) is None


SAMPLE = (
    "bisect-angle", "choose-date-nodelay", "click-checkboxes-soft", "click-collapsible-2-nodelay", "click-dialog",
    "click-shape", "click-tab-2-hard", "count-sides", "drag-box", "drag-items", "email-inbox-delete", "enter-date",
    "text-transform", "use-autocomplete-nodelay", "use-slider",
)  # fmt: skip


@pytest.mark.parametrize("task", SAMPLE)
def test_an_oracle_solves_its_task(stage: Stage, task: str) -> None:
    demo = stage.play(task, 1)
    assert demo.kept, f"{demo.end} after {[step['act'] for step in demo.steps]}"
    assert len(demo.steps) <= 30


def test_an_oracle_opens_what_is_closed_before_it_reads_there(stage: Stage) -> None:
    """Among twenty seeds some links lie in the second or third section; no play may know which."""
    start(stage.page, stage.origin, "click-collapsible-2-nodelay", 2)
    oracle = oracle_for("click-collapsible-2-nodelay", Look(stage.page))
    first = oracle.next()
    assert isinstance(first, Click)
    heads = Look(stage.page).all("#area h3")
    x, y = AREA.to_logical(first.at)
    assert heads[0].left <= x < heads[0].right and heads[0].top <= y < heads[0].bottom


def test_each_of_the_59_has_an_oracle() -> None:
    assert set(tasks.PIX2ACT_59) <= set(with_oracle()) <= set(tasks.all_tasks())


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("task", tasks.PIX2ACT_59)
def test_oracles_solve_nearly_everything(stage: Stage, task: str) -> None:
    """Two pages leave something to luck: the pie's foremost slice takes no press, and the opponent plays too."""
    solved = sum(stage.play(task, seed).kept for seed in range(20))
    assert solved >= {"click-pie-nodelay": 12, "tic-tac-toe": 12, "drag-items-grid": 15}.get(task, 19)
