"""The red stop in a browser: nothing more is sent once it is pressed, and every wait ends early."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser_stage import BrowserStage
from contract.actuator import named

from actuators.action import Action, Click, Drag, OpenUrl, PressKeys, TypeText, Wait
from actuators.halt import Halted, RedStop, go_on
from actuators.receipt import Receipt

pytestmark = pytest.mark.browser

KEYS = """<!doctype html><div id=pad tabindex=0 style="width:200px;height:60px">pad</div><script>
let got = ''; const pad = document.getElementById('pad');
pad.addEventListener('keydown', (e) => { got += e.key; e.preventDefault() }); pad.focus();
setInterval(() => { document.title = Date.now() }, 10)</script>"""


class Slow:
    """A server on loopback that takes a question and never answers."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/"
        self.asked = threading.Event()
        self._kept: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                one, _ = self._listening.accept()
            except OSError:
                return
            self._kept.append(one)
            self.asked.set()

    def close(self) -> None:
        for one in (self._listening, *self._kept):
            one.close()


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.close()


def done(stage: BrowserStage, action: Action, when: Callable[[], bool] = lambda: True, after_s: float = 0.3) -> Receipt:
    """Perform, and press the stop from another thread `after_s` after `when` holds."""
    seen = stage.actuator.observe()
    permit = stage.mint.permit(action, stage.actuator.target(action, seen))

    def press() -> None:
        while not when():
            time.sleep(0.01)
        time.sleep(after_s)
        stage.actuator._halt.press("in a test")  # type: ignore[attr-defined]

    thread = threading.Thread(target=press)
    thread.start()
    try:
        return stage.actuator.perform(permit)
    finally:
        thread.join()


def sent(stage: BrowserStage) -> int:
    """How much the hand has sent so far."""
    return sum(hand.sent for hand in stage.actuator._hands.values())


def test_the_first_reason_stands() -> None:
    stop = RedStop()
    go_on(stop)
    stop.press("the stop key")
    stop.press("the mouse")
    assert stop.why == "the stop key"
    with pytest.raises(Halted):
        go_on(stop)


def test_once_stopped_no_act_begins(begin: Any) -> None:
    stop = RedStop()
    stage = begin(halt=stop)
    seen = stage.actuator.observe()
    acts = [Click(at=named(seen, "Save").rect.centre), PressKeys(keys=("enter",)), TypeText(text="a")]
    permits = [stage.mint.permit(act, stage.actuator.target(act, seen)) for act in acts]
    stop.press("in a test")
    assert [stage.actuator.perform(one).status for one in permits] == ["refused"] * 3
    assert stage.inner("Name") == "" and stage.page.evaluate("count") == 0


def test_a_text_typed_key_by_key_ends_in_the_middle_and_says_what_was_typed(begin: Any) -> None:
    stage = begin(KEYS, halt=RedStop())
    text = "abcdefghij" * 900
    found = done(stage, TypeText(text=text), when=lambda: sent(stage) > 20, after_s=0.0)
    got = stage.page.evaluate("got")
    assert found.status == "done" and isinstance(found.performed, TypeText)
    assert 0 < len(got) < len(text) and found.performed.text == got, found.detail
    assert f"after {len(got)} of 9000" in found.detail


def test_a_long_wait_ends_early(begin: Any) -> None:
    stage = begin(KEYS, halt=RedStop())
    began = time.monotonic()
    assert done(stage, Wait(seconds=40)).status == "done"
    assert time.monotonic() - began < 20, "a bound for a machine under load; `agent bench stop` measures"


def test_settling_ends_early(begin: Any) -> None:
    stop = RedStop()
    stage = begin("<p>x", halt=stop)
    stage.page.evaluate("() => { p = document.querySelector('p'); p.animate([{opacity: 0}, {opacity: 1}], 19000) }")
    threading.Timer(0.2, stop.press, ("in a test",)).start()
    found = stage.actuator.settle(15)
    assert not found.still and found.waited_s < 15


def test_a_drag_that_is_stopped_is_let_go_where_it_began(begin: Any) -> None:
    stage = begin(halt=RedStop())
    stage.page.evaluate("addEventListener('mousemove', () => { const t = Date.now(); while (Date.now() < t + 60); })")
    seen = stage.actuator.observe()
    drag = Drag(start=named(seen, "Parcel").rect.centre, end=named(seen, "Bin").rect.centre)
    found = done(stage, drag, when=lambda: sent(stage) > 0, after_s=0.1)
    assert found.status == "unknown" and "let go where it began" in found.detail
    assert stage.page.evaluate("[dragged, by('dropped').value]") == [None, ""]


def test_a_navigation_whose_server_is_silent_can_be_stopped(begin: Any, slow: Slow) -> None:
    stage = begin(halt=RedStop())
    found = done(stage, OpenUrl(url=slow.url), when=slow.asked.is_set, after_s=0.0)
    assert (found.status, stage.page.url) == ("done", "http://stage.test/")
    assert found.ended_at - found.started_at < 10
    stage.actuator._tabs.front.leaving.add("a page whose server has not answered")
    with pytest.raises(Halted):
        stage.actuator.observe()


def test_a_server_that_is_slow_is_waited_for_and_one_that_is_not_there_is_told(begin: Any) -> None:
    stage = begin(halt=RedStop())
    seen = stage.actuator.observe()

    def opened(url: str) -> Receipt:
        act = OpenUrl(url=url)
        return stage.actuator.perform(stage.mint.permit(act, stage.actuator.target(act, seen)))

    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    gone = opened(f"http://127.0.0.1:{port}/")
    assert gone.status == "failed" and "ERR_CONNECTION_REFUSED" in gone.detail
    stage.context.route("**/late.test/**", lambda route: (time.sleep(0.4), route.fulfill(body="<p>late"))[1])
    assert opened("http://late.test/").status == "done" and stage.page.url == "http://late.test/"
