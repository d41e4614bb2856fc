"""A shadow shows what would be sent and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from test_wire import Server

from sandboxes.base import SandboxUnavailable
from sandboxes.chromium import Chromium
from sandboxes.shadow import Shadowed, shadowed
from sandboxes.wire import Held

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

PAGE = """<!doctype html><title>Pay</title><p id=p>Total 89.00 EUR</p><form method=post action=/payment>
<input name=card><input type=checkbox name=agree value=1><select name=seat><option>1A<option>2B</select>
<input type=hidden name=amount value=89.00><button>Pay</button></form><script>document.cookie = 'id=7'</script>"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    try:
        with Chromium((640, 480)) as started:
            yield started
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()


def rehearsed(chromium: Chromium, page: Any) -> Shadowed:
    def reads(held: Held) -> bool:
        return held.url.startswith("http://127.0.0.1")

    return shadowed(page, chromium.like, reads, lambda shadow: shadow.click("button"))


def test_a_shadow_shows_the_exact_request_and_sends_nothing(chromium: Chromium, server: Server) -> None:
    server.pages, server.got = {"/": PAGE}, []
    page = chromium.new_page()
    page.goto(server.url)
    page.fill("[name=card]", "4242")
    page.check("[name=agree]")
    page.select_option("select", "2B")
    found = rehearsed(chromium, page)
    [one] = found.would_send
    assert (one.method, one.url) == ("POST", f"{server.url}/payment")
    assert one.body == b"card=4242&agree=1&seat=2B&amount=89.00"
    assert found.drift == () and {each.split()[0] for each in server.got} == {"GET"}
    assert page.input_value("[name=card]") == "4242", "the live page is as it was"
    page.click("button")
    page.wait_for_url("**/payment")
    assert [each for each in server.got if each.startswith("POST")] == [f"POST /payment {one.body.decode()}"]
    page.close()


def test_what_only_the_live_page_knows_is_told_as_drift(chromium: Chromium, server: Server) -> None:
    server.pages, server.got = {"/": PAGE}, []
    page = chromium.new_page()
    page.goto(server.url)
    page.evaluate("document.getElementById('p').textContent = 'Total 98.00 EUR'")
    page.evaluate("document.forms[0].insertAdjacentHTML('afterbegin', '<input name=more>')")
    found = rehearsed(chromium, page)
    assert len(found.drift) == 2 and "text differs" in found.drift[0]
    page.close()
