"""The driver for Windows and macOS, as far as pyautogui on an X display shows it: no such machine was at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest
from contract.actuator import ActuatorContract, looks, middle, press
from desktop_stage import DesktopStage
from other_stage import OtherStage, other_stage

from actuators.action import Click, PressKeys, TypeText
from actuators.fronts import in_front, under, windows_name
from actuators.geometry import Point
from actuators.halt import RedStop
from actuators.screens import Screens

pytestmark = [
    pytest.mark.display,
    pytest.mark.skipif(find_spec("pyautogui") is None, reason="pyautogui is not installed; `.ci/setup` does it"),
]


@pytest.fixture
def stage(begin_desktop: Callable[[], DesktopStage]) -> Iterator[OtherStage]:
    made = other_stage(begin_desktop())
    yield made
    made.actuator.close()
    made.clipboard.close()


class TestOtherDesktop(ActuatorContract):
    forms = False
    nodes = False


@pytest.mark.parametrize("name", ["Dodge", "Fickle"])
def test_what_changes_under_the_pointer_is_not_pressed(stage: OtherStage, name: str) -> None:
    receipt = stage.perform(Click(at=middle(stage.actuator.observe(), name)))
    assert (receipt.status, receipt.performed) == ("stale", None)
    assert stage.inner("Saved") == ""


def test_keys_are_stale_when_another_window_has_come_to_the_front(stage: OtherStage) -> None:
    press(stage, "Name")
    action = TypeText(text="plans")
    seen = stage.actuator.observe()
    permit = stage.mint.permit(action, stage.actuator.target(action, seen))
    fronts = stage.actuator.driver._fronts
    fronts.front = type(fronts.front)("chat", "Public")
    assert stage.actuator.perform(permit).status == "stale"
    assert stage.inner("Name") == ""


def test_what_is_typed_and_what_is_pasted_says_so_and_the_clipboard_is_put_back(stage: OtherStage) -> None:
    press(stage, "Name")
    stage.clipboard.copy("mine")
    typed = stage.perform(TypeText(text="plain 1"))
    assert typed.status == "done" and "pasted" not in typed.detail and "not read back" in typed.detail
    pasted = stage.perform(TypeText(text=" Zürich^"))
    assert pasted.status == "done" and "pasted through the clipboard, whose text was put back" in pasted.detail
    assert stage.inner("Name") == "plain 1 Zürich^" and stage.clipboard.paste() == "mine"


def test_line_breaks_are_no_enter_key(stage: OtherStage) -> None:
    press(stage, "Name")
    assert stage.perform(TypeText(text="one\ntwo\n")).status == "done"
    assert looks(stage)["Saved"].value == ""


def test_the_corners_are_left_to_whoever_wants_to_stop(stage: OtherStage) -> None:
    receipt = stage.perform(Click(at=Point(0, 0)))
    assert (receipt.status, receipt.performed) == ("failed", None) and "corners" in receipt.detail


def test_a_mouse_in_a_corner_stops_the_run(begin_desktop: Callable[[], DesktopStage]) -> None:
    halt = RedStop()
    stage = other_stage(begin_desktop(), halt)
    try:
        stage.under.actuator._mouse.move(Point(0, 0))
        receipt = stage.perform(PressKeys(keys=("a",)))
        assert receipt.status in ("refused", "unknown") and halt.is_set() and "corner" in halt.why
    finally:
        stage.actuator.close()
        stage.clipboard.close()


class _Retina:
    """A picture of two pixels to one unit, of a monitor left of the main one."""

    monitors = (
        dict(left=-100, top=0, width=300, height=200),
        dict(left=-100, top=0, width=100, height=200),
        dict(left=0, top=0, width=200, height=200),
    )

    class Shot:
        width, height, bgra = 600, 400, bytes(600 * 400 * 4)

    def grab(self, box: object) -> object:
        return self.Shot

    def close(self) -> None:
        pass


def test_a_picture_of_several_pixels_to_a_unit_is_pointed_at_in_units() -> None:
    shot = Screens(_Retina).look()
    assert (shot.desk.screen.width, shot.desk.screen.height, shot.desk.screen.scale) == (600, 400, 2.0)
    assert shot.desk.to_input(Point(0, 0)) == (-99.75, 0.25) and shot.desk.to_input(Point(200, 0)) == (0.25, 0.25)


def test_windows_are_told_by_what_lies_on_top() -> None:
    def window(layer: int, x: int, pid: int, alpha: float = 1.0) -> dict[str, object]:
        bounds = {"X": x, "Y": 0, "Width": 100, "Height": 100}
        return dict(kCGWindowLayer=layer, kCGWindowBounds=bounds, kCGWindowOwnerPID=pid, kCGWindowAlpha=alpha)

    windows = [window(25, 0, 1, alpha=0.0), window(25, 50, 2), window(0, 0, 3), window(0, 0, 4)]
    front = in_front(windows)
    assert front is not None and front["kCGWindowOwnerPID"] == 3
    assert [(under(windows, x, 5) or {}).get("kCGWindowOwnerPID") for x in (10, 60, 149, 150)] == [3, 2, 2, None]
    assert windows_name("C:\\Program Files\\Paint Net\\Paint Net.EXE") == "paint-net"
