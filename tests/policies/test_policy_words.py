from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import vocabulary as say
from policies.words import Phrases, fold

PAY = Phrases(["pay", "buy now"])


@pytest.mark.parametrize(
    "text",
    [
        "Pay",
        "PAY 89.00 EUR",
        "pay-now",
        "pay_now",
        "Ｐａｙ",
        "𝐏𝐚𝐲",
        "Рау",  # Cyrillic
        "Ρay",  # Greek rho
        "P\u200bay",
        "P\u00aday",
        "Pa\u0301y",
        "P\u3164ay",
        "p4y",
        "P@y",
        "P A Y",
        "payNow pay",
        "Buy\tnow",
        "BuyNow",
        "buynow",
        "b u y n o w",
        "Buy\u00a0now",
    ],
)
def test_a_word_is_found_however_it_is_written(text: str) -> None:
    assert PAY.within(text)


@pytest.mark.parametrize("text", ["", "Payment", "repay", "Buy", "now buy", "display", "Pa", "spayed", "buy it now"])
def test_parts_of_words_and_other_orders_are_not_found(text: str) -> None:
    assert not PAY.within(text)


def test_struck_out_phrases_do_not_hide_what_stands_beside_them() -> None:
    assert not say.BUY.within("Order history", say.BENIGN)
    assert say.BUY.within("Order history - order now", say.BENIGN)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_folding_twice_changes_nothing_more_and_never_fails(text: str) -> None:
    PAY.within(text)
    assert fold(fold(text)) == fold(text)
