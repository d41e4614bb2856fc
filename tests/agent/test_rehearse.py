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

from agent.audit.events import events
from agent.run_folder import list_runs
from tasks.sites.flights.ledger import posts, purchases

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1200)]


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


def airline(tmp_path: Path, payment: tuple[bytes, ...], breakage: str = "") -> tuple[int, str, Path]:
    """A booking whose acts are rehearsed first, with a person who says yes until the payment is asked about."""
    arguments = ["run", str(BOOK), "--model", "plan", "--runs", str(tmp_path / "runs"), "--tier", "rehearse"]
    left = list(payment)
    with Terminal(arguments, breakage) as terminal:
        for number in range(1, 40):
            try:
                asked(terminal, number, 500)
            except AssertionError:
                break
            question = terminal.shown.rpartition("needs a yes --")[2]
            terminal.press(left.pop(0) if "/payment" in question else b"y\n")
            if not left and payment[-1] != b"y\n":
                break
        code = terminal.end(300)
    [one] = list_runs(tmp_path / "runs")
    return code, terminal.shown, one.folder.path


def test_the_airlines_payment_is_shown_exactly_and_what_goes_is_that(tmp_path: Path) -> None:
    """The question names the POST with its fields and its amount; after a yes exactly that leaves, and nothing else."""
    code, shown, folder = airline(tmp_path, (b"y\n",))
    log = folder / "site" / "flights.log.jsonl"
    assert code == 0, shown[-2000:]
    [bought] = purchases(log)
    question = shown.rpartition("needs a yes --")[2]
    amount = f"{(bought.amount_cents or 0) / 100:.2f} EUR"
    would = next(line for line in question.splitlines() if "would send POST" in line)
    asked_for = question.partition("Allow?")[0]
    assert f"{bought.path}; " in would and f"costs   {amount}" in asked_for, question
    fields = would.partition("fields ")[2].partition(";")[0].split(", ")
    assert set(bought.form) <= set(fields), would  # the log of the site leaves out what only protects the form
    assert "4242" not in shown
    trail = [event for event in events(folder / "journal.jsonl") if event.name == "gui.wire"]
    paid = [one for one in trail if str(one.get("path")).endswith("/payment") and one.get("method") == "POST"]
    assert [(one.get("released"), one.get("covered")) for one in paid] == [(True, True)]
    assert all(f'"{name}"' in str(paid[0].get("fields")) for name in fields)
    assert f"; {paid[0].get('size')} bytes; " in would, "what went is as long as what was shown"
    rehearsed_at = [one for one in posts(log) if one.path.endswith("/payment")]
    assert len(rehearsed_at) == 1, "the rehearsal itself reached the server"


def test_a_payment_that_is_not_the_one_that_was_shown_is_asked_about_again(tmp_path: Path) -> None:
    """The live page adds a field that its shadow did not know: the request waits, and a no keeps it back."""
    code, shown, folder = airline(tmp_path, (b"y\n", b"n\n"), "live_page_adds")
    log = folder / "site" / "flights.log.jsonl"
    assert code == 20 and purchases(log) == [], shown[-2000:]
    assert "it is not what the rehearsal showed" in shown and "gift" in shown.rpartition("needs a yes --")[2]
    assert "/payment" not in {one.path for one in posts(log)}


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


def asked(terminal: Terminal, number: int, within_s: float = 150) -> None:
    """Until so many questions stand there."""
    until = time.monotonic() + within_s
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
