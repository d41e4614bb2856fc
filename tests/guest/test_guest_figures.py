"""On a guest: three hundred strings are typed exactly, and five hundred clicks land on their pixel."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from guest_stage import GuestStage
from landed_clicks import land
from typed_strings import KINDS, strings, type_and_read

from actuators.geometry import Point
from sandboxes.jail import what_is_missing

pytestmark = [pytest.mark.display, pytest.mark.slow]


def landed(stage: GuestStage, count: int) -> list[tuple[Point, Point]]:
    display = stage.server._desktop.display
    return land(stage, count, display.name, display.authority)


@pytest.mark.timeout(600)
def test_strings_of_every_kind_are_typed_exactly_on_a_guest(begin_guest: Callable[[], GuestStage]) -> None:
    assert type_and_read(begin_guest(), strings()[: len(KINDS)]) == []


@pytest.mark.timeout(7200)
def test_three_hundred_strings_are_typed_exactly_on_a_guest(begin_guest: Callable[[], GuestStage]) -> None:
    stage, found, began = begin_guest(), strings(), time.monotonic()
    assert type_and_read(stage, found) == []
    print(f"{len(found)} strings in {time.monotonic() - began:.0f} s, none wrong")


@pytest.mark.timeout(600)
def test_clicks_by_the_tree_land_on_the_pixel_on_a_guest(begin_guest: Callable[[], GuestStage]) -> None:
    assert landed(begin_guest(), 20) == []


@pytest.mark.timeout(7200)
def test_five_hundred_clicks_land_on_the_pixel_on_a_guest(begin_guest: Callable[[], GuestStage]) -> None:
    """Without the tree, which costs the most and says nothing of the window that is clicked."""
    stage, began = begin_guest(), time.monotonic()
    stage.actuator._nodes = False
    assert landed(stage, 500) == []
    print(f"500 clicks in {time.monotonic() - began:.0f} s, all on their pixel")


@pytest.mark.timeout(600)
def test_a_step_on_a_guest_is_measured_beside_upstreams_way() -> None:
    if why := what_is_missing():
        pytest.skip(why)
    words = [sys.executable, "-m", "agent", "bench", "step", "--surface", "guest", "--n", "2", "--json"]
    root = Path(__file__).parents[2]
    done = subprocess.run(words, capture_output=True, text=True, cwd=root, timeout=580, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["surface"] == "guest" and all(told["phases"][one]["p50_ms"] > 0 for one in ("observe", "act", "settle"))
    assert {"screen, one picture", "tree, whole"} <= set(told["beside"])
