"""How a run ended: one word, one exit code, one line for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["EXIT_CODES", "USAGE", "Ending", "Outcome"]

Outcome = Literal["verified", "error", "done_unverified", "denied", "infeasible", "halted", "unknown_effect"]

EXIT_CODES: dict[Outcome, int] = {
    "verified": 0,
    "error": 1,
    "done_unverified": 10,
    "denied": 20,
    "infeasible": 21,
    "halted": 30,
    "unknown_effect": 40,
}
USAGE = 2
"""Exit code for a command, task or policy that could not be understood; nothing was started."""


@dataclass(frozen=True, slots=True)
class Ending:
    """`verified` only when every check of the task held; a model's claim alone is `done_unverified`."""

    outcome: Outcome
    because: str
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What was read from the screen, as plain data; only after the checks."""

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]
