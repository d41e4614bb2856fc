"""What the calls of a model cost: written down with each, shown by step and for the run, where a price is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_run import Signer, about, booking, make_run, one_pass, plain

from agent.audit.spans import Trail
from agent.audit.verify import verify
from agent.prices import PricesUnusable, price_of, prices
from agent.report.page import report_html
from agent.report.story import read_story
from agent.run_folder import RunFolder
from agent.timeline import shown

PRICES = "qwen3-vl-2b=1/0.1/10 EUR; other=3/9 USD"


def dear_run(root: Path) -> RunFolder:
    """Two calls of 2150 tokens in, of which 1980 from the cache, and 24 out: 0.000608 EUR each."""
    folder, signer = RunFolder.create(root, "dear"), Signer()
    known = prices({"AGENT_PRICES": PRICES})
    with Trail.start(folder, about(), signer.sign, signer.public, plain, prices=known) as trail:
        for index, one in enumerate(booking()[:2]):
            one_pass(trail, folder, signer, index, one)
        trail.end("done_unverified", 10, steps=2)
    return folder


@pytest.mark.parametrize(
    ("model", "read", "cached", "written", "cost"),
    [
        ("qwen3-vl-2b", 1_000_000, 0, 0, 1.0),
        ("qwen3-vl-2b", 1_000_000, 1_000_000, 1_000_000, 10.1),
        ("qwen3-vl-2b", 10, 20, 0, 0.000001),
        ("there/other", 1_000_000, 500_000, 1_000_000, 12.0),
        ("unknown", 1, 1, 1, None),
    ],
)
def test_a_call_costs_what_its_tokens_do(model: str, read: int, cached: int, written: int, cost: float | None) -> None:
    price = price_of(model, prices({"AGENT_PRICES": PRICES}))
    assert (None if price is None else price.of(read, cached, written)) == (
        None if cost is None else pytest.approx(cost)
    )


@pytest.mark.parametrize("given", ["m", "m=1 EUR", "m=1/2", "m=1/2 euro", "m=-1/2 EUR", "m=1/2/3/4 EUR", "=1/2 EUR"])
def test_what_is_no_price_is_one_line(given: str) -> None:
    with pytest.raises(PricesUnusable) as told:
        prices({"AGENT_PRICES": given})
    assert "\n" not in str(told.value) and given in str(told.value)


def test_every_step_and_the_run_say_what_they_cost(tmp_path: Path) -> None:
    folder = dear_run(tmp_path)
    story = read_story(folder)
    assert [step.cost for step in story.steps] == ["0.000608 EUR"] * 2 and story.cost == "0.001216 EUR"
    assert story.tokens == (4300, 3960, 48)
    page = report_html(folder)
    assert page.count("0.000608 EUR") == 2 and "0.001216 EUR" in page and "4300 in (3960 cached), 48 out" in page
    assert sum("24 out, 0.000608 EUR" in line for line in shown(folder)) == 2
    assert verify(folder.path).ok


def test_without_a_price_there_are_tokens_and_no_cost(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    story = read_story(folder)
    assert story.cost == "" and story.tokens[0] > 0
    assert "Cost of the model" not in report_html(folder) and "Tokens" in report_html(folder)
