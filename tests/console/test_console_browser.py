"""The console as a person uses it, in a real Chromium, wide and on a telephone."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from console_desk import Console, Desk, pay, picture, post, typing

from agent.console.words import WORDS

pytestmark = pytest.mark.browser

WIDTHS = pytest.mark.parametrize("width", [1280, 390])


def card(page: Any, asking: Any) -> Any:
    found = page.locator(f"#card-{asking.id}")
    found.wait_for()
    return found


def kept(page: Any, name: str) -> None:
    """Leave a picture for a person, where one asks for them."""
    if folder := os.environ.get("DESKHAND_SHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@WIDTHS
def test_a_yes_is_given_on_what_is_shown(page_of: Any, desk: Desk, width: int) -> None:
    desk.run()
    asking = desk.ask(pay(), png=picture())
    page = page_of("ada", width)
    shown = card(page, asking)
    text = shown.inner_text()
    for expected in ('click button "Pay 89.00 EUR"', "89.00 EUR", "https://shop.example/payment", "above-ask-limit"):
        assert expected in text
    assert re.search(r"\d+ s\s+left, then the answer is no", text)
    shown.locator("svg.screen rect.mark").wait_for()
    assert shown.locator("img.crop").evaluate("i => i.complete && i.naturalWidth > 100")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), "the page is wider than the screen"
    focused = page.evaluate("document.activeElement.tagName")
    assert focused == "BODY", "something has the focus before anybody chose it"
    kept(page, f"waiting-{width}")
    shown.get_by_role("button", name="Approve").click()
    page.get_by_text(WORDS["done_approved"]).wait_for()
    said = asking.came()
    assert (said.answer, said.by, said.grant_s) == ("approved", "ada", 0)


@WIDTHS
def test_a_no_a_text_instead_and_a_stop(page_of: Any, console: Console, desk: Desk, width: int) -> None:
    desk.run("run-1")
    desk.run("run-2")
    no, instead, stop = desk.ask(post()), desk.ask(typing(text="250")), desk.ask(pay("run-2"))
    page = page_of("ada", width)
    text = card(page, no).inner_text()
    assert "POST https://shop.example/transfer" in text and "eve@example.org" in text and "250.00 EUR" in text
    rows = card(page, no).locator("tbody tr").all_inner_texts()
    assert [row.split() for row in rows][1:3] == [["amount", "250.00"], ["pin", "4", "characters,", "not", "shown"]]
    kept(page, f"three-{width}")
    card(page, no).get_by_role("button", name=re.compile("^Deny")).click()
    page.get_by_text(WORDS["done_denied"]).wait_for()
    card(page, instead).get_by_label(WORDS["instead_label"]).fill("100")
    card(page, instead).get_by_role("button", name=WORDS["instead_go"]).click()
    page.wait_for_url("**/waiting?done=approved")
    card(page, stop).get_by_role("button", name=re.compile("^Stop the run")).click()
    page.get_by_text(WORDS["done_stopped"]).wait_for()
    assert no.came().answer == "denied"
    assert (instead.came().answer, instead.came().value) == ("approved", "100")
    assert stop.came().answer == "stopped"
    found = console.store.runs.get("run-2")
    assert found is not None and found.stop_by == "ada"


@WIDTHS
def test_a_question_is_handed_to_somebody_else_who_then_decides(page_of: Any, desk: Desk, width: int) -> None:
    desk.run()
    asking = desk.ask(pay(), png=picture())
    page = page_of("ada", width)
    shown = card(page, asking)
    shown.get_by_text(WORDS["escalate"]).click()
    shown.get_by_label(WORDS["escalate_to"]).select_option("bob")
    shown.get_by_label(WORDS["escalate_why"]).fill("I do not know this shop")
    shown.get_by_role("button", name=WORDS["escalate_go"]).click()
    page.get_by_text(WORDS["done_escalated"]).wait_for()
    assert card(page, asking).get_by_role("button").count() == 0
    other = page_of("bob", width)
    assert "I do not know this shop" in card(other, asking).inner_text()
    card(other, asking).get_by_role("button", name="Approve").click()
    other.get_by_text(WORDS["done_approved"]).wait_for()
    assert (asking.came().answer, asking.came().by) == ("approved", "bob")


@WIDTHS
def test_a_yes_for_the_rest_of_the_run_says_what_it_covers(page_of: Any, desk: Desk, width: int) -> None:
    desk.run()
    asking = desk.ask(pay())
    page = page_of("ada", width)
    shown = card(page, asking)
    assert "for 89.00 EUR or less each time" in shown.inner_text()
    shown.get_by_label(WORDS["for_run"], exact=True).check()
    shown.get_by_label(re.compile("minutes")).fill("20")
    shown.get_by_role("button", name="Approve").click()
    page.get_by_text(WORDS["done_approved"]).wait_for()
    assert asking.came().grant_s == 20 * 60


def test_keys_reach_everything_and_press_nothing(page_of: Any, desk: Desk) -> None:
    desk.run()
    first, second = desk.ask(pay("run-1")), desk.ask(typing())
    page = page_of("ada")
    card(page, second)
    for key, name in (("j", ""), ("j", ""), ("i", "value"), ("Escape", ""), ("d", "verb")):
        page.keyboard.press(key)
        if name:
            assert page.evaluate("document.activeElement.name") == name
    page.keyboard.press("?")
    page.get_by_role("heading", name=WORDS["key_list"]).wait_for()
    kept(page, "keys")
    page.keyboard.press("Escape")
    assert {first.approval, second.approval} == {None}
    page.keyboard.press("k")
    page.keyboard.press("k")
    page.keyboard.press("d")
    page.keyboard.press("Enter")
    page.get_by_text(WORDS["done_denied"]).wait_for()
    assert first.came().answer == "denied" and second.approval is None


def test_cards_come_and_go_while_a_page_is_open_and_what_is_being_typed_stays(page_of: Any, desk: Desk) -> None:
    desk.run()
    first = desk.ask(typing())
    page, other = page_of("ada"), page_of("bob")
    field = card(page, first).get_by_label(WORDS["instead_label"])
    field.fill("half a thou")
    second = desk.ask(pay(), png=picture())
    card(page, second).locator("svg.screen").wait_for()
    assert field.input_value() == "half a thou"
    card(other, second).get_by_role("button", name=re.compile("^Deny")).click()
    page.locator(f"#card-{second.id}").wait_for(state="detached")
    assert field.input_value() == "half a thou" and page.locator("#count").inner_text() == "1"


@WIDTHS
def test_of_two_who_press_at_once_exactly_one_wins(page_of: Any, console: Console, desk: Desk, width: int) -> None:
    desk.run()
    asking = desk.ask(pay())
    ada, bob = page_of("ada", width), page_of("bob", width)
    moment = (time.time() + 2.5) * 1000  # one clock for both: a card that is answered goes from the other's page
    for page, verb in ((ada, "approve"), (bob, "deny")):
        button = card(page, asking).locator(f"button[value={verb}]")
        button.evaluate("(button, moment) => setTimeout(() => button.click(), moment - Date.now())", moment)
    ada.wait_for_load_state()
    won = asking.came()
    loser = bob if won.by == "ada" else ada
    loser.get_by_text(WORDS["refused"]).wait_for()
    assert f"{won.by} has decided it already" in loser.inner_text("main")
    assert (won.by, won.answer) in (("ada", "approved"), ("bob", "denied"))


@WIDTHS
def test_a_question_runs_out_while_somebody_looks_at_it(page_of: Any, desk: Desk, width: int) -> None:
    desk.run()
    asking = desk.ask(pay(), wait_s=6)
    page = page_of("ada", width)
    shown = card(page, asking)
    assert asking.came(60).answer == "timeout"
    shown.wait_for(state="detached")
    page.get_by_text(WORDS["nothing_waits"], exact=True).wait_for()


@WIDTHS
def test_a_browser_that_is_closed_in_the_middle_decides_nothing(page_of: Any, desk: Desk, width: int) -> None:
    """A text is half typed, a scope is chosen, the browser goes: the question stands, and the next one answers it."""
    desk.run()
    asking = desk.ask(typing())
    page = page_of("ada", width)
    card(page, asking).get_by_label(WORDS["instead_label"]).fill("99")
    card(page, asking).get_by_label(WORDS["for_run"], exact=True).check()
    page.context.close()
    again = page_of("ada", width)
    shown = card(again, asking)
    assert asking.approval is None and shown.get_by_label(WORDS["instead_label"]).input_value() == "250"
    assert not shown.get_by_label(WORDS["for_run"], exact=True).is_checked()
    shown.get_by_role("button", name=re.compile("^Deny")).click()
    again.get_by_text(WORDS["done_denied"]).wait_for()
    assert (asking.came().answer, asking.came().value) == ("denied", "")


@WIDTHS
def test_a_person_takes_the_wheel_by_mouse_or_keyboard_and_gives_it_back(
    page_of: Any, console: Console, desk: Desk, width: int
) -> None:
    """Every act goes to the run as an action on the picture that was looked at; nobody else has the wheel meanwhile."""
    desk.run("run-1", png=picture())
    page = page_of("ada", width)
    page.goto(f"{console.origin}/runs/run-1")
    page.get_by_role("button", name=WORDS["drive"]).click()
    page.get_by_text(WORDS["driving"]).wait_for()
    other = page_of("bob", 390)
    other.goto(f"{console.origin}/runs/run-1")
    other.get_by_text(WORDS["driven_by"]).wait_for()
    assert other.get_by_role("button", name=WORDS["drive"]).count() == 0
    wheel = page.locator("input.wheelpic")
    wheel.scroll_into_view_if_needed()
    wheel.click(position={"x": 310, "y": 45})
    page.get_by_text("…").first.wait_for()
    wheel.focus()
    page.keyboard.press("Enter")  # on the picture: no place was meant
    page.get_by_text(WORDS["refused"]).wait_for()
    page.goto(f"{console.origin}/runs/run-1")
    page.get_by_label(WORDS["across"]).fill("400")
    page.get_by_label(WORDS["down"]).fill("345")
    page.keyboard.press("Enter")
    page.locator("p.small", has_text="…").nth(1).wait_for()
    page.get_by_label(WORDS["type_here"]).fill("Ada")
    page.keyboard.press("Enter")
    page.locator("p.small", has_text="…").nth(2).wait_for()
    page.get_by_role("button", name="page up").click()
    page.locator("p.small", has_text="…").nth(3).wait_for()
    done = [json.loads(one.action) for one in console.store.runs.hands("run-1")][::-1]
    assert [one["kind"] for one in done] == ["click", "click", "type_text", "press_keys"]
    assert [done[0]["at"], done[1]["at"], done[2]["text"]] == [{"x": 310, "y": 45}, {"x": 400, "y": 345}, "Ada"]
    page.get_by_role("button", name=WORDS["release"]).click()
    page.get_by_text(WORDS["done_release"]).wait_for()
    found = console.store.runs.get("run-1")
    assert found is not None and found.driver == ""


def test_hostile_texts_are_only_texts(page_of: Any, desk: Desk) -> None:
    evil = '"><img src=x onerror=document.title="owned"><script>document.title="owned"</script>{{ 7*7 }}\u202e\u200b'
    desk.run(goal=evil, task=evil)
    from dataclasses import replace

    asked = pay(name=evil, told=(evil,))
    asking = desk.ask(
        replace(asked, decision=replace(asked.decision, reason=evil, rules=("a/" + evil,))), png=picture(evil[:20])
    )
    page = page_of("ada")
    text = card(page, asking).inner_text()
    assert "<script>" in text and "{{ 7*7 }}" in text and "49" not in text
    for address in ("/runs", "/runs/run-1", f"/requests/{asking.id}"):
        page.goto(
            address if address.startswith("http") else page.url.partition("/waiting")[0] + address
        ) if "/waiting" in page.url else page.evaluate(f"location.assign('{address}')")
        page.wait_for_load_state()
        assert "owned" not in page.title()
        assert page.locator("main script, main img[onerror]").count() == 0


@WIDTHS
def test_a_run_is_watched_searched_and_stopped(page_of: Any, console: Console, desk: Desk, width: int) -> None:
    desk.run("run-1", png=picture())
    desk.run("run-2", task="other_task")
    asking = desk.ask(pay())
    page = page_of("zoe", width)
    page.get_by_role("link", name="Runs").click()
    page.get_by_role("link", name="other_task").wait_for()
    kept(page, f"runs-{width}")
    page.get_by_label(WORDS["search"]).fill("book_flight")
    page.get_by_role("search").get_by_role("button").click()
    page.wait_for_url("**q=book_flight**")
    assert page.get_by_role("link", name="other_task").count() == 0
    page.get_by_role("link", name="book_flight").click()
    page.locator("img.live").wait_for()
    assert 'click button "Pay 89.00 EUR"' in page.inner_text("#timeline")
    kept(page, f"run-{width}")
    page.get_by_role("button", name=WORDS["stop"]).click()
    page.get_by_text(WORDS["done_stop"]).wait_for()
    found = console.store.runs.get("run-1")
    assert found is not None and found.stop_by == "zoe" and asking.approval is None


@pytest.mark.parametrize("dark", [False, True])
def test_no_page_has_a_serious_fault_of_access(page_of: Any, console: Console, desk: Desk, dark: bool) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    desk.run("run-1", png=picture())
    asking = desk.ask(post())
    desk.ask(typing())
    desk.ask(pay(), png=picture())
    page = page_of("zoe", 1280, dark)
    addresses = ("/waiting", "/runs", "/runs/run-1", f"/requests/{asking.id}", "/enter", "/runs/nothing")
    serious = []
    for address in addresses:
        page.goto(console.origin + address)
        page.context.add_init_script("")
        found = axe.run(page).response["violations"]
        serious += [
            (address, one["id"], one["nodes"][0]["html"][:120])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
    kept(page, f"refused-{'dark' if dark else 'light'}")
    page.goto(console.origin + "/waiting")
    kept(page, f"waiting-{'dark' if dark else 'light'}")
    assert serious == []


def test_what_a_page_shows_is_still_there_when_the_console_starts_again(serve: Any, desk: Desk) -> None:
    """Sessions and questions are in the store: a console that died takes nothing with it."""
    desk.run()
    asking = desk.ask(pay())
    before = serve()
    cookie = before.client("ada").http.cookies
    after = serve()
    client = after.client()
    client.http.cookies.update(cookie)
    assert client.answer(asking, "approve").status_code == 303
    assert asking.came().answer == "approved"


def test_racing_answers_from_many_threads_have_one_winner(console: Console, desk: Desk) -> None:
    desk.run()
    asking = desk.ask(pay())
    clients = [console.client(name) for name in ("ada", "bob", "zoe")]
    tokens = [client.csrf() for client in clients]
    digest = console.store.requests.get(asking.id).digest  # type: ignore[union-attr]
    ready, codes = threading.Barrier(3), []

    def press(n: int) -> None:
        ready.wait()
        verb = ("approve", "deny", "stop")[n]
        told = {"csrf": tokens[n], "digest": digest, "verb": verb}
        codes.append(clients[n].post(f"/requests/{asking.id}/answer", **told).status_code)

    threads = [threading.Thread(target=press, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [303, 409, 409]
    assert asking.came().by in ("ada", "bob", "zoe")
