from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from browser_stage import BrowserStage
from contract.actuator import cleared, do, middle, press

from actuators.action import Click, LaunchApp, OpenUrl, Swipe, SystemButton, TypeText
from actuators.errors import SurfaceLost, SurfaceTimeout, SurfaceUnavailable
from actuators.geometry import Point
from actuators.tabs import safe_name

pytestmark = pytest.mark.browser
Begin = Callable[..., BrowserStage]


def test_dialogs_are_answered_with_no_and_told(begin: Begin) -> None:
    stage = begin(
        """<button onclick="r = [alert('Hello there'), confirm('Delete all?'), prompt('Name?')]">Ask</button>"""
    )
    receipt = press(stage, "Ask")
    assert receipt.status == "done"
    assert receipt.notices == (
        'an alert said "Hello there" and was closed',
        'a confirm dialog asked "Delete all?" and was answered with no',
        'a prompt dialog asked "Name?" and was answered with no',
    )
    assert stage.page.evaluate("r") == [None, False, None]
    assert stage.actuator.observe().notices == receipt.notices
    assert stage.actuator.observe().notices == ()


def test_a_page_that_asks_before_it_is_left_is_not_left(begin: Begin) -> None:
    stage = begin("<input aria-label=I><script>onbeforeunload = (e) => e.preventDefault()</script>")
    press(stage, "I")
    do(stage, TypeText(text="draft"))
    receipt = do(stage, OpenUrl(url="http://stage.test/other"))
    assert (receipt.status, receipt.performed) == ("failed", None)
    assert any("was not left" in notice for notice in receipt.notices)
    assert stage.page.input_value("input") == "draft"
    stage.page.evaluate("onbeforeunload = null")


def test_new_tabs_come_to_the_front_and_go_again(begin: Begin) -> None:
    stage = begin(
        {
            "/": "<a href=/two target=_blank>Two</a>",
            "/two": "<h1>Two here</h1><button onclick=window.close()>Close</button>",
        }
    )
    press(stage, "Two")
    seen = stage.actuator.observe()
    assert (seen.url, seen.nodes[0].name) == ("http://stage.test/two", "Two here")
    assert "a new tab was opened and is in front now" in seen.notices
    receipt = press(stage, "Close")
    assert receipt.status == "done"
    seen = stage.actuator.observe()
    assert seen.url == "http://stage.test/" and "a tab was closed" in receipt.notices + seen.notices


def test_a_permit_for_one_tab_does_not_act_on_another(begin: Begin) -> None:
    stage = begin({"/": "<button>Same</button>", "/two": "<button>Same</button>"})
    seen = stage.actuator.observe()
    permit = cleared(stage, Click(at=middle(seen, "Same")), seen)
    stage.page.evaluate("window.open('/two')")
    stage.actuator.settle()
    assert stage.actuator.perform(permit).status == "stale"


def test_addresses_are_opened_or_refused(begin: Begin) -> None:
    stage = begin({"/": "<h1>One</h1>", "/two": "<h1>Two</h1>"})
    assert do(stage, OpenUrl(url="http://stage.test/two")).status == "done"
    assert stage.actuator.observe().nodes[0].name == "Two"
    for url in (
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "about:blank",
        "chrome://version",
        "x",
    ):
        receipt = do(stage, OpenUrl(url=url))
        assert (receipt.status, receipt.performed) == ("failed", None), url
    assert do(stage, OpenUrl(url="http://127.0.0.1:9/")).status == "failed"
    assert (
        stage.actuator.target(OpenUrl(url="https://A.example:8443/x"), stage.actuator.observe()).origin
        == "https://a.example:8443"
    )


def test_back_goes_back_and_stops_at_the_first_page(begin: Begin) -> None:
    stage = begin({"/": "<h1>One</h1>", "/two": "<h1>Two</h1>"})
    do(stage, OpenUrl(url="http://stage.test/two"))
    assert do(stage, SystemButton(button="back")).status == "done"
    assert stage.actuator.observe().url == "http://stage.test/"
    assert do(stage, SystemButton(button="back")).status == "failed"
    assert stage.actuator.observe().url == "http://stage.test/"


def test_what_a_browser_does_not_have(begin: Begin) -> None:
    stage = begin("<p>x")
    for action in (LaunchApp(name="x"), SystemButton(button="home"), Swipe(start=Point(1, 1), end=Point(9, 9))):
        assert do(stage, action).status == "failed"


DOWNLOAD = "<a href='data:application/octet-stream,hello' download='../../.evil name.txt'>Get</a>"


def test_downloads_are_kept_in_the_folder_under_a_safe_name(begin: Begin, tmp_path: Path) -> None:
    stage = begin(DOWNLOAD, downloads=tmp_path / "down")
    for _ in range(2):
        press(stage, "Get")
    until = time.monotonic() + 5
    while len(list((tmp_path / "down").glob("*"))) < 2 and time.monotonic() < until:
        stage.actuator.settle()
    names = sorted(path.name for path in (tmp_path / "down").iterdir())
    assert len(names) == 2 and all("evil" in name and "/" not in name and not name.startswith(".") for name in names)
    assert all((tmp_path / "down" / name).read_text() == "hello" for name in names)
    assert any("a download was saved as" in notice for notice in stage.actuator.observe().notices)


@pytest.mark.parametrize(
    ("suggested", "name"),
    [
        ("a.pdf", "a.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\x.exe", "x.exe"),
        (".bashrc", "bashrc"),
        ("", "download"),
        ("con.txt", "download_con.txt"),
        ("a\x00b\n.txt", "a_b_.txt"),
        ("x" * 300 + ".txt", "x" * 80 + ".txt"),
        ("日本.pdf", "日本.pdf"),
    ],
)
def test_safe_names(suggested: str, name: str) -> None:
    assert safe_name(suggested) == name


def test_a_page_that_hangs_times_out_within_the_bound(begin: Begin) -> None:
    stage = begin("<button>B</button>", bound_s=0.5)
    stage.dead = True
    stage.page.evaluate("setTimeout(() => { for (;;); }, 30)")
    stage.page.wait_for_timeout(100)
    began = time.monotonic()
    with pytest.raises(SurfaceTimeout):
        stage.actuator.observe()
    assert time.monotonic() - began < 3


def test_the_last_tab_gone_is_a_surface_lost(begin: Begin) -> None:
    stage = begin("<p>x")
    stage.page.close()
    with pytest.raises(SurfaceLost, match="no page"):
        stage.actuator.observe()


def test_a_first_page_that_cannot_be_opened_is_unavailable(begin: Begin) -> None:
    stage = begin("<p>x")
    with pytest.raises(SurfaceUnavailable, match=r"cannot open http://127\.0\.0\.1:9/"):
        stage.actuator.open("http://127.0.0.1:9/")


def test_two_links_side_by_side_lead_where_they_say(begin: Begin) -> None:
    stage = begin("<a href=/a>A</a> <a href='https://else.example/b?c'>B</a> <a href='javascript:void(0)'>C</a>")
    seen = stage.actuator.observe()
    led = [stage.actuator.target(Click(at=middle(seen, name)), seen).destination for name in "ABC"]
    assert led == ["http://stage.test/a", "https://else.example/b?c", "javascript:void(0)"]
