"""Clicks land on their pixel, windows settle when they have, and what breaks is told."""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Callable

import pytest
from contract.actuator import do, named
from desktop_stage import DesktopStage
from landed_clicks import land

from actuators.action import Click, LaunchApp
from actuators.errors import SurfaceLost
from actuators.geometry import Point
from actuators.halt import RedStop

pytestmark = pytest.mark.display


def landed(stage: DesktopStage, count: int) -> list[tuple[Point, Point]]:
    return land(stage, count, stage.desktop.display.name, stage.desktop.display.authority)


def test_clicks_land_on_the_pixel_they_were_meant_for(begin_desktop: Callable[[], DesktopStage]) -> None:
    assert landed(begin_desktop(), 20) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_five_hundred_clicks_land_on_the_pixel_they_were_meant_for(begin_desktop: Callable[[], DesktopStage]) -> None:
    assert landed(begin_desktop(), 500) == []


def late(stage: DesktopStage, for_ms: int, every_ms: int, after_ms: int = 0) -> float:
    """Seconds from the last picture of an animation to the moment it was said to be still; negative is too early."""
    stage.ask("animate", for_ms, every_ms, after_ms)
    stage.actuator._still.act()
    settled = stage.actuator.settle(8.0)
    now = time.clock_gettime(time.CLOCK_MONOTONIC)
    assert settled.still
    time.sleep(0.2)
    return now - float(stage.ask("animated"))


def test_a_window_is_still_after_the_last_picture_of_its_animation(begin_desktop: Callable[[], DesktopStage]) -> None:
    stage = begin_desktop()
    assert all(late(stage, for_ms, every_ms) > 0 for for_ms, every_ms in ((200, 16), (300, 33)))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_fifty_animations_are_never_left_early(begin_desktop: Callable[[], DesktopStage]) -> None:
    stage = begin_desktop()
    found = [late(stage, 100 + 20 * n, (16, 25, 33)[n % 3]) for n in range(50)]
    print(f"late by {statistics.median(found) * 1000:.0f} ms at the median, {min(found) * 1000:.0f} at the least")
    assert min(found) > 0


def test_what_never_rests_is_told_at_the_bound(begin_desktop: Callable[[], DesktopStage]) -> None:
    stage = begin_desktop()
    stage.ask("animate", 2500, 20)
    settled = stage.actuator.settle(0.5)
    assert not settled.still and settled.watching == "frames"


def test_a_program_that_reads_nothing_has_not_come_round(begin_desktop: Callable[[], DesktopStage]) -> None:
    stage = begin_desktop()
    pid = next(one.pid for one in stage.actuator._windows.all() if one.app == "stage")
    os.kill(pid, signal.SIGSTOP)
    try:
        settled = stage.actuator.settle(0.5)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert not settled.still
    assert stage.actuator.settle(5.0).still


def test_the_red_stop_ends_a_wait_and_nothing_more_is_sent(begin_desktop: Callable[[], DesktopStage]) -> None:
    stage = begin_desktop()
    seen = stage.actuator.observe()
    action = Click(at=named(seen, "Agree").rect.centre)
    permit = stage.mint.permit(action, stage.actuator.target(action, seen))
    halt = RedStop()
    stage.actuator._halt = stage.actuator._still._halt = halt
    halt.press("a person pressed the key")
    assert not stage.actuator.settle(5.0).still
    receipt = stage.actuator.perform(permit)
    assert (receipt.status, receipt.performed) == ("refused", None) and "pressed the key" in receipt.detail


def test_a_menu_is_seen_where_it_pops_up_and_covers_what_lies_below(begin_desktop: Callable[[], DesktopStage]) -> None:
    stage = begin_desktop()
    stage.ask("menu")
    stage.actuator.settle()
    seen = stage.actuator.observe()
    item = named(seen, "Delete all")
    target = stage.actuator.target(Click(at=item.rect.centre), seen)
    assert item.role == "menuitem" and target.node is not None and target.node.name == "Delete all"
    assert target.app == "stage"
    do(stage, Click(at=Point(seen.screen.width - 3, seen.screen.height - 3)))


def test_a_program_that_may_start_is_started_and_its_window_awaited(begin_desktop: Callable[[], DesktopStage]) -> None:
    stage = begin_desktop()
    receipt = do(stage, LaunchApp(name="mousepad"))
    assert receipt.status == "done" and receipt.detail == "its window is there"
    seen = stage.actuator.observe()
    assert seen.app == "mousepad" and any(node.name == "File" for node in seen.nodes)
    pid = next(w.pid for w in stage.actuator._windows.all() if w.app == "mousepad")
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 10
    notices: tuple[str, ...] = ()
    while not notices and time.monotonic() < until:
        notices = stage.actuator.observe().notices
    assert notices and notices[0].startswith("the program mousepad is not running any more: it ended with code")
    assert stage.actuator.observe().app in ("stage", "")


def test_a_display_that_goes_is_lost(begin_desktop: Callable[[], DesktopStage]) -> None:
    stage = begin_desktop()
    stage.die()
    with pytest.raises(SurfaceLost, match=r"gone|ended"):
        for _ in range(50):
            stage.actuator.observe()
    stage.actuator.close()
    stage.actuator.close()
