"""An X server that is there and does nothing any more: each call ends within its bound, and says so."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from contract.actuator import Vault
from contract.mint import Mint

from actuators.action import Click
from actuators.bound import Bound
from actuators.camera import Camera
from actuators.desktop import DesktopActuator
from actuators.errors import SurfaceLost
from actuators.geometry import Point, Rect
from actuators.x11 import Server
from sandboxes.display import Display

pytestmark = pytest.mark.display
BOUND_S = 0.6


@contextmanager
def stopped(display: Display) -> Iterator[None]:
    os.kill(display.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(display.pid, signal.SIGCONT)


@contextmanager
def hurried(display: Display) -> Iterator[tuple[DesktopActuator, Mint]]:
    """An actuator that gives its server little time."""
    mint = Mint()
    with DesktopActuator(mint.verifier(), display.name, display.authority, secrets=Vault()) as actuator:
        for one in (actuator._server, actuator._camera):
            one._bound.close()
            one._bound = Bound(BOUND_S)
        yield actuator, mint


def watchers() -> int:
    return sum(one.name == "deskhand-bound" for one in threading.enumerate())


@pytest.mark.timeout(60)
def test_looking_at_a_stopped_server_ends_within_the_bound(display: Display) -> None:
    with hurried(display) as (actuator, _):
        actuator.observe()
        assert actuator._camera._at >= 0
        with stopped(display):
            for call in (actuator.observe, actuator.settle, lambda: actuator._camera.digest(Rect(0, 0, 9, 9))):
                with pytest.raises(SurfaceLost, match=r"the display does not answer: .* in 0\.6 s"):
                    call()
            actuator.close()


@pytest.mark.timeout(60)
def test_an_act_on_a_stopped_server_ends_within_the_bound_and_is_not_said_to_be_done(display: Display) -> None:
    with hurried(display) as (actuator, mint):
        action = Click(at=Point(30, 40))
        permit = mint.permit(action, actuator.target(action, actuator.observe()))
        with stopped(display):
            try:
                receipt = actuator.perform(permit)
            except SurfaceLost as lost:
                assert "does not answer" in str(lost)
            else:
                assert receipt.status in ("failed", "unknown", "refused") and "does not answer" in receipt.detail


@pytest.mark.timeout(60)
def test_a_picture_that_never_comes_is_given_up(display: Display) -> None:
    """Between a look around and the picture: the one moment in which only the camera waits."""
    camera = Camera(display.name, display.authority, BOUND_S)
    camera.digest(Rect(0, 0, 9, 9))
    assert camera._at >= 0, "its connection cannot be cut: it would wait for ever"
    with stopped(display), pytest.raises(SurfaceLost, match="no picture came from its X server"):
        camera.digest(Rect(0, 0, 9, 9))
    camera.close()


def test_waiting_for_something_to_happen_is_no_silence_of_the_server(display: Display) -> None:
    server = Server(display.name, display.authority, BOUND_S)
    server.wait(3 * BOUND_S)
    assert server.size == (640, 480)
    server.close()
    server.close()


def test_nobody_watches_a_connection_that_was_closed(display: Display) -> None:
    before = watchers()
    with hurried(display) as (actuator, _):
        actuator.observe()
        assert watchers() > before
    until = time.monotonic() + 10
    while watchers() > before:
        assert time.monotonic() < until, "its thread is still there"
        time.sleep(0.02)
