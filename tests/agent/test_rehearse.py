"""`agent rehearse`: the airline's payment is shown, exactly, and not made."""

from __future__ import annotations

import json
import os
import select
import time
from pathlib import Path

import pytest
from procs import BOOK, agent, shop
from test_stopped import Terminal

from tasks.sites.flights.ledger import posts, purchases

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_rehearsed_booking_shows_the_payment_and_buys_nothing(tmp_path: Path) -> None:
    found = agent("rehearse", BOOK, "--model", "plan", "--runs", tmp_path, "--json", timeout=500)
    log = Path(found.last["folder"]) / "site" / "flights.log.jsonl"
    assert (found.code, purchases(log)) == (20, [])
    assert "/payment" not in {one.path for one in posts(log)}
    step = json.loads(found.out.splitlines()[-2])
    request, *_, price = step["rehearsed"]
    assert "POST http://127.0.0.1:" in request and "/payment" in request and "card_number" in request
    assert price.startswith("would cost ") and "4242" not in found.out
    assert step["wanted"].endswith(f'Pay {price.removeprefix("would cost ").partition(",")[0]}"')


GIFT = (
    "document.forms[0].onsubmit = () => { const i = document.createElement('input'); i.name = 'gift'; i.value = '1'; "
    "document.forms[0].append(i) }"
)
"""Kept in the page's memory alone: the shadow of the page knows nothing of it."""


def rehearsed_live(
    tmp_path: Path, steps: tuple[str, ...], answers: tuple[bytes, ...], more: str = "document.title=1"
) -> tuple[int, str, list[str]]:
    """A run whose acts are rehearsed first, with a person who answers one question after the other."""
    with shop(more=more) as store:
        task = store.task(tmp_path, *steps)
        arguments = ["run", str(task), "--model", "plan", "--runs", str(tmp_path / "runs"), "--tier", "rehearse"]
        with Terminal(arguments) as terminal:
            for number, said in enumerate(answers, 1):
                asked(terminal, number)
                terminal.press(said)
            code = terminal.end(150)
        return code, terminal.shown, list(store.posts)


def asked(terminal: Terminal, number: int) -> None:
    """Until so many questions stand there."""
    until = time.monotonic() + 150
    while terminal.shown.count("Allow? [y/N") < number:
        assert time.monotonic() < until, terminal.shown[-500:]
        if select.select([terminal.keyboard], [], [], 0.1)[0]:
            try:
                terminal.shown += os.read(terminal.keyboard, 65536).decode("utf-8", "replace")
            except OSError:
                raise AssertionError(f"it ended after {number - 1} questions: {terminal.shown}") from None


def test_what_was_rehearsed_is_what_goes(tmp_path: Path) -> None:
    code, shown, posts = rehearsed_live(tmp_path, ("press the Pay 89.00 EUR button",), (b"y\n",))
    assert (code, posts) == (0, ["/buy"]), shown
    assert "rehearsed: it would send POST" in shown and "/buy" in shown and "89.00 EUR" in shown


def test_what_was_not_rehearsed_is_asked_about_again(tmp_path: Path) -> None:
    """The live page sends a field more than its shadow did: the request waits, and a no keeps it back."""
    code, shown, posts = rehearsed_live(
        tmp_path, ("press the More button", "press the Pay 89.00 EUR button"), (b"y\n", b"n\n"), GIFT
    )
    assert (code, posts) == (20, []), shown
    assert "it is not what the rehearsal showed" in shown and "gift" in shown
