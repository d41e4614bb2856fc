"""`agent rehearse`: the airline's payment is shown, exactly, and not made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from procs import BOOK, agent

from tasks.sites.flights.ledger import posts, purchases

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_rehearsed_booking_shows_the_payment_and_buys_nothing(tmp_path: Path) -> None:
    found = agent("rehearse", BOOK, "--model", "plan", "--runs", tmp_path, "--json", timeout=500)
    log = Path(found.last["folder"]) / "site" / "flights.log.jsonl"
    assert (found.code, purchases(log)) == (20, [])
    assert "/payment" not in {one.path for one in posts(log)}
    step = json.loads(found.out.splitlines()[-2])
    request, price = step["rehearsed"]
    assert "POST http://127.0.0.1:" in request and "/payment" in request and "card_number" in request
    assert price.startswith("would cost ") and "4242" not in found.out
    assert step["wanted"].endswith(f'Pay {price.removeprefix("would cost ").partition(",")[0]}"')
