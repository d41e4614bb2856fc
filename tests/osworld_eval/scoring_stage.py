"""One task on a pretended guest, for the tests of scoring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from osworld_eval.osworld.scoring.cases import Case
from osworld_eval.osworld.scoring.parity import Stage
from osworld_eval.osworld.scoring.score import Score, Scorer


def score_of(scorer: Scorer, on: Stage, case: Case, **more: Any) -> Score:
    """The case's score; `more` is given to `Scorer.score`."""
    on.guest.state = on.state(case)
    told: dict[str, Any] = {"failed": False, "postconfig": lambda steps: None, "ports": {"vlc": on.guest.port}} | more
    return scorer.score(on.task(case), on.guest.address, on.guest.token, on.cache(case), on.assets, **told)


def write(on: Stage, name: str, text: str | bytes) -> Path:
    """A file that guests and downloads can have."""
    path = on.made / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
