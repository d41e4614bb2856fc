"""The red stop on a phone: nothing more is sent once it is pressed, and every wait ends early."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from contract.actuator import Vault
from contract.mint import Mint

from actuators.action import Action, Click, Scroll, Wait
from actuators.android import AndroidActuator
from actuators.geometry import Point
from actuators.halt import RedStop
from actuators.permit import Permit
from actuators.receipt import Receipt
from tests.android.phone.running import Served
from tests.android.phone_stage import PACKAGES


class Stopped:
    """A phone, its actuator, and the stop that both know."""

    def __init__(self, served: Served) -> None:
        self.phone, self.stop, self.mint = served.phone, RedStop(), Mint()
        self.actuator = AndroidActuator(served.address, self.mint.verifier(), Vault(), apps=PACKAGES, halt=self.stop)
        self.actuator.open("org.deskhand.pages")

    def permit(self, action: Action) -> Permit:
        return self.mint.permit(action, self.actuator.target(action, self.actuator.observe()))

    def act(self, action: Action) -> Receipt:
        return self.actuator.perform(self.permit(action))

    def middle(self) -> Point:
        return self.actuator.observe().screen.rect.centre


@pytest.fixture
def stopped(serve: Callable[..., Served]) -> Iterator[Stopped]:
    one = Stopped(serve())
    with one.actuator:
        yield one


def test_nothing_is_sent_once_it_is_pressed(stopped: Stopped) -> None:
    at = stopped.middle()
    stopped.stop.press("in a test")
    receipt = stopped.act(Click(at=at))
    assert (receipt.status, receipt.performed) == ("refused", None)
    assert receipt.detail == "the run was stopped: in a test" and stopped.phone.touches == []


def test_a_scroll_ends_after_the_swipe_that_is_under_way(stopped: Stopped) -> None:
    at = stopped.middle()
    swipes = threading.Event()

    def press() -> None:
        while not stopped.phone.touches:
            time.sleep(0.005)
        swipes.set()
        stopped.stop.press("in a test")

    watcher = threading.Thread(target=press)
    watcher.start()
    receipt = stopped.act(Scroll(at=at, dy=20000))
    watcher.join()
    assert receipt.status == "done" and "in the middle of it" in receipt.detail and swipes.is_set()
    assert isinstance(receipt.performed, Scroll) and 0 <= receipt.performed.dy < 20000
    assert sum(kind == "down" for kind, _, _ in stopped.phone.touches) == 1


def test_a_wait_and_settling_end_early(stopped: Stopped) -> None:
    stopped.phone.restless = True
    permit = stopped.permit(Wait(seconds=60))
    threading.Timer(1.5, stopped.stop.press, ["in a test"]).start()
    receipt = stopped.actuator.perform(permit)
    assert receipt.status == "done" and "the run was stopped" in receipt.detail
    assert not stopped.actuator.settle(60).still
