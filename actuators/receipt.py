"""What really happened: the answer of a hand to a permit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from actuators.action import Action

__all__ = ["Receipt", "ReceiptStatus"]

ReceiptStatus = Literal["done", "refused", "stale", "failed", "unknown"]
"""done: the act was carried out. refused: the permit or a secret's rule said no; nothing was touched.
stale: what lies under the point is not what was judged; nothing was pressed. failed: the surface said no
before anything happened. unknown: it broke in the middle, the effect cannot be told from here."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Times are seconds since the epoch; `performed` is None unless something was sent to the surface."""

    status: ReceiptStatus
    performed: Action | None
    started_at: float
    ended_at: float
    detail: str = ""
    """One short line in the runtime's own words; never contains a secret."""
    notices: tuple[str, ...] = ()
