"""Money as a task file writes it: `500 EUR`, `19.90 CHF`. Reading amounts off a screen is `policies.money`."""

from __future__ import annotations

import re

from policies.money import Money
from policies.money import parse_money as read_one

__all__ = ["WRITTEN", "Money", "written_money"]

WRITTEN = r"^[0-9]{1,12}(\.[0-9]{1,2})? ?[A-Z]{3}$"
"""No grouping and no signs, so that nobody can mistake 1.500 for one and a half."""


def written_money(text: str) -> Money:
    """The amount in `text`.

    Raises:
        ValueError: anything else than digits, at most two decimal places and a known currency code.
    """
    try:
        if re.search(WRITTEN, text):
            return read_one(text)
    except ValueError:
        pass
    raise ValueError(f"`{text}` is not an amount of money, expected one like `500 EUR` or `19.90 CHF`") from None
