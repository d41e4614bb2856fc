"""On a display that a person uses too: the agent's own motions are no stop, any other is."""

from __future__ import annotations

import queue
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from contract.actuator import Vault
from contract.mint import Mint

from actuators.action import Action, Click, Drag, Hover, Scroll
from actuators.desktop import DesktopActuator
from actuators.geometry import Point
from actuators.halt import RedStop
from sandboxes.person import Watch

pytestmark = pytest.mark.display


@pytest.fixture
def display() -> Iterator[str]:
    pytest.importorskip("Xlib")
    if shutil.which("Xvfb") is None:
        pytest.skip("needs Xvfb: apt-get install xvfb")
    words = ["Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield f":{server.stdout.readline().strip()}"
        finally:
            server.terminate()


ACTS: tuple[Action, ...] = (
    Hover(at=Point(30, 40)),
    Click(at=Point(200, 100)),
    Click(at=Point(210, 300), count=2),
    Drag(start=Point(50, 60), end=Point(400, 300)),
    Scroll(at=Point(320, 240), dy=200),
)


def test_its_own_motions_are_no_stop_and_a_persons_is(display: str) -> None:
    from Xlib import X
    from Xlib.display import Display
    from Xlib.ext import xtest

    stop, heard, mint = RedStop(), queue.SimpleQueue[str](), Mint()

    def stopped(why: str) -> None:
        stop.press(why)
        heard.put(why)

    with (
        Watch(stopped, display, mouse=True) as watch,
        DesktopActuator(mint.verifier(), display, secrets=Vault(), halt=stop, announce=watch.moves) as actuator,
    ):
        for action in ACTS:
            permit = mint.permit(action, actuator.target(action, actuator.observe()))
            assert actuator.perform(permit).status == "done"
        with pytest.raises(queue.Empty):
            heard.get(timeout=0.5)
        permit = mint.permit(ACTS[0], actuator.target(ACTS[0], actuator.observe()))
        person = Display(display)
        xtest.fake_input(person, X.MotionNotify, x=555, y=111)
        person.sync()
        assert heard.get(timeout=5) == "a person moved the mouse"
        person.close()
        receipt = actuator.perform(permit)
        assert (receipt.status, receipt.detail) == ("refused", "the run was stopped: a person moved the mouse")
