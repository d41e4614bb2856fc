"""What a started site was told: its seed, its look, its mischief and its files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .redesign import REDESIGNS

__all__ = ["LAYOUTS", "MISCHIEF", "THEMES", "Settings"]

LAYOUTS = ("classic", "cards", "compact")
THEMES = ("light", "dark")
MISCHIEF = ("price_jump", "injection", "moving_button", "slow_submit", *REDESIGNS)


@dataclass(frozen=True)
class Settings:
    """One site; two sites with equal settings show the same pages and the same fares."""

    seed: int
    db: Path
    log: Path
    today: date
    layout: str = "classic"
    theme: str = "light"
    mischief: frozenset[str] = frozenset()
