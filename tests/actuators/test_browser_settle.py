from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browser_stage import BrowserStage, serve
from contract.actuator import do, press
from playwright.sync_api import Route

from actuators.action import Wait
from actuators.cdp import Cdp, DocumentGone
from actuators.errors import SurfaceTimeout

pytestmark = pytest.mark.browser
Begin = Callable[..., BrowserStage]


def test_a_still_page_costs_little(begin: Begin) -> None:
    stage = begin("<p>still")
    stage.actuator.settle()
    waits = [stage.actuator.settle() for _ in range(10)]
    assert all(one.still for one in waits)
    assert statistics.median(one.waited_s for one in waits) < 0.25  # a loose bound: the machine may be busy


CHANGES = {
    "nodes": "let n = 0; const t = setInterval(() => { document.querySelector('p').textContent = n++;"
    "if (n > 12) { clearInterval(t); document.body.append('ready') } }, 15)",
    "frames": "document.querySelector('p').animate([{opacity:0},{opacity:1}], 300).onfinish = () =>"
    "document.body.append('ready')",
}


@pytest.mark.parametrize("what", list(CHANGES))
def test_it_waits_until_the_page_is_done(begin: Begin, what: str) -> None:
    stage = begin(f'<p>x</p><button onclick="{CHANGES[what]}">Go</button>')
    press(stage, "Go")
    assert "ready" in stage.actuator.observe().text()


def test_it_waits_for_what_an_act_asked_of_the_server(begin: Begin) -> None:
    stage = begin(
        "<button onclick=\"fetch('/slow').then((r) => r.text()).then((t) => document.body.append(t))\">Go</button>"
    )

    def slow(route: Route) -> None:
        stage.page.wait_for_timeout(1500)
        route.fulfill(body="arrived")

    stage.context.route("**/slow", slow)
    press(stage, "Go")
    assert "arrived" in stage.actuator.observe().text()


def test_it_waits_for_the_next_page(begin: Begin) -> None:
    stage = begin({"/": "<form action=/two><button>Go</button></form>", "/two": "<h1>Next</h1>"})
    press(stage, "Go")
    assert stage.actuator.observe().nodes[0].name == "Next"


def test_what_never_rests_is_bounded_and_then_no_longer_waited_for(begin: Begin) -> None:
    stage = begin("<p id=p>x</p>")
    stage.page.evaluate("() => { let n = 0; setInterval(() => { p.textContent = n++ }, 4) }")
    stage.page.wait_for_function("() => Number(p.textContent) > 3")
    first = stage.actuator.settle(0.4)
    assert not first.still and first.watching == "nodes" and first.waited_s < 2
    for _ in range(4):
        last = stage.actuator.settle(0.4)
    assert last.still


def test_a_waiting_request_of_the_page_itself_does_not_hold_for_long(begin: Begin) -> None:
    stage = begin("<p>x")
    stage.context.route("**/poll", lambda route: None)
    stage.page.evaluate("fetch('/poll').catch(() => 0); 0")
    held = stage.actuator.settle(3.0)
    assert held.still and held.waited_s < 2.5


def test_endless_animations_are_not_waited_for(begin: Begin) -> None:
    stage = begin("<style>@keyframes s{to{rotate:360deg}} p{animation:s 1s infinite}</style><p>x")
    assert stage.actuator.settle().still


def test_waiting_ends_when_the_page_is_still(begin: Begin) -> None:
    stage = begin("<p>x")
    receipt = do(stage, Wait(seconds=20))
    assert receipt.status == "done" and receipt.ended_at - receipt.started_at < 5


def test_waiting_on_a_still_page_is_waiting_for_what_comes(begin: Begin) -> None:
    stage = begin("<p>x")
    stage.page.evaluate("() => void setTimeout(() => document.body.append('There'), 1200)")
    do(stage, Wait(seconds=10))
    assert "There" in stage.actuator.observe().text()


def test_pages_can_be_served_again(begin: Begin) -> None:
    stage = begin("<p>one")
    serve(stage.context, "<p>two")
    stage.actuator.open("http://stage.test/")
    assert stage.actuator.observe().text() == "two"


@contextmanager
def slow_server() -> Iterator[tuple[str, threading.Event]]:
    """A page with a form that is answered when the event is set. Routes would not do: they hold up the browser's driver itself."""
    over = threading.Event()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(b"<form method=post><button>Go</button></form>")

        def do_POST(self) -> None:
            over.wait(60)
            self._say(b"<p>There at last")

        def _say(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", over
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_slow_server_is_no_hung_browser(begin: Begin) -> None:
    """While a page is left the browser answers no call into it, for longer than a call may take here."""
    stage = begin("<p>x", bound_s=2.5)
    with slow_server() as (url, answer):
        stage.actuator.open(url)
        press(stage, "Go")
        settled = stage.actuator.settle(0.3)
        assert (settled.still, settled.watching) == (False, "loading")
        threading.Timer(4.0, answer.set).start()
        assert "There at last" in stage.actuator.observe().text()


@pytest.mark.parametrize("blank_s", [0.4, 60.0])
def test_a_document_that_is_not_drawn_yet(begin: Begin, monkeypatch: pytest.MonkeyPatch, blank_s: float) -> None:
    """For a while after a document has come, longer on a busy machine, the browser has no picture of it."""
    stage = begin("<p>drawn", bound_s=2.5)
    began = time.monotonic()
    send = Cdp.send

    def blank(cdp: Cdp, method: str, /, bound_s: float | None = None, **arguments: object) -> object:
        if method == "Page.captureScreenshot" and time.monotonic() - began < blank_s:
            raise DocumentGone("Unable to capture screenshot")
        return send(cdp, method, bound_s, **arguments)

    monkeypatch.setattr(Cdp, "send", blank)
    if blank_s > 2.5:
        with pytest.raises(SurfaceTimeout, match=r"no picture of the page in 2\.5 s; try again"):
            stage.actuator.observe()
    else:
        assert "drawn" in stage.actuator.observe().text()
