"""Every page of the console looks like its kept picture, wide and on a telephone, and whatever fonts there are."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from console_desk import Console, Desk, pay, picture, post, typing
from golden_pictures import GOLDEN, compared, differences

from agent.console.deciding import Wish, decide
from agent.store.keys import own_key
from agent.store.people import Operator

sys.path.insert(0, str(Path(__file__).parents[1] / "audit"))
from sample_run import booking, make_run

pytestmark = pytest.mark.browser

WIDTHS = pytest.mark.parametrize("width", [1280, 390])


@pytest.fixture
def shop(console: Console, desk: Desk, home: Path) -> dict[str, str]:
    """Three questions that wait, one that was answered, a run that is driven and one that lies in a folder."""
    ended = make_run(home / "runs", booking()[1:4])
    desk.run("run-1", png=picture())
    desk.run("run-2", task="pay_invoice", goal="Pay the invoice", png=picture("Transfer"))
    answered = desk.ask(pay(), png=picture())
    asked = console.store.requests.get(answered.id)
    assert asked is not None
    decide(console.store, own_key(), Operator("ada", "approver"), asked, Wish("denied", asked.digest), "console")
    answered.came()
    desk.ask(pay(told=("would send POST https://shop.example/payment",)), png=picture())
    desk.ask(typing())
    desk.ask(post("run-2"))
    console.store.runs.drive("run-2", "zoe", False)
    return {
        "waiting": "/waiting",
        "runs": "/runs",
        "run": "/runs/run-1",
        "driven": "/runs/run-2",
        "timeline": f"/runs/{ended.id}",
        "answered": f"/requests/{answered.id}",
        "refused": "/runs/nothing",
        "enter": "/enter",
    }


def shot(page: Any, address: str) -> bytes:
    """The whole page, once every picture on it is there."""
    page.goto(address)
    page.evaluate("document.querySelectorAll('img').forEach((i) => { i.loading = 'eager' })")
    page.evaluate("Promise.all([...document.images].map((i) => i.decode().catch(() => 0)))")
    page.evaluate("document.fonts.ready.then(() => 1)")
    return bytes(page.screenshot(full_page=True, animations="disabled", caret="hide"))


@WIDTHS
def test_every_page_looks_like_its_picture(page_of: Any, console: Console, shop: dict[str, str], width: int) -> None:
    page = page_of("zoe", width)
    for name, address in shop.items():
        compared(f"{name}-{width}", shot(page, console.origin + address))
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), f"{name} is wider than the screen"


def test_nothing_waiting_in_the_dark(page_of: Any, console: Console) -> None:
    for width in (1280, 390):
        page = page_of("zoe", width, dark=True)
        compared(f"nothing-dark-{width}", shot(page, console.origin + "/waiting"))


FAULTS = {
    "no answers": ".acts { visibility: hidden }",
    "no pictures": "svg.screen, img.crop { visibility: hidden }",
    "no colours of the answers": "button { background: transparent !important; border-color: transparent !important }",
    "another ground": ":root { --ground: #222 !important; --card: #333 !important }",
    "the amount is gone": ".facts { display: none }",
}


@pytest.mark.slow
@WIDTHS
def test_another_font_is_no_difference_and_what_is_missing_is_one(
    page_of: Any, console: Console, shop: dict[str, str], width: int
) -> None:
    page = page_of("zoe", width)
    before = (GOLDEN / f"waiting-{width}.png").read_bytes()
    style = console.client().get("/static/console.css").text

    def dressed(more: str, font: str = "") -> list[str]:
        sheet = re.sub(r"system-ui[^;}]*", font, style) if font else style
        page.unroute("**/static/console.css")
        page.route("**/static/console.css", lambda route: route.fulfill(body=sheet + more, content_type="text/css"))
        return differences(before, shot(page, console.origin + "/waiting"))

    for font in ("serif", "monospace"):
        assert dressed("", font) == [], font
    for name, fault in FAULTS.items():
        assert dressed(fault), f"nobody sees {name}"
