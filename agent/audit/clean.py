"""What every text passes on its way into the trail: secrets taken out, length bounded.

What this does not protect against: a secret that the given `redact` does not know, or one spread over several texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from agent.audit.otlp import Value

__all__ = ["Cleaner", "Redact"]

Redact = Callable[[str], str]
"""Takes a text, returns it with every secret replaced."""

_TEXT = 4_000
_LONG = 16_000
_READ = 1_000_000
"""Characters of one text that are looked at all; a screen can claim any length."""
_ITEMS = 256
_DEPTH = 12
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Cleaner:
    """Redacts and bounds texts. Stateless."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact

    def text(self, text: str, limit: int = _TEXT) -> str:
        """Redacted first and cut after, so that a cut never leaves half a secret that is no longer recognised."""
        safe = self._redact(text[:_READ])
        if len(safe) <= limit:
            return safe
        return f"{safe[:limit]}… ({len(safe) - limit:,} more characters)"

    def long(self, text: str) -> str:
        """For prompts, replies and traces, where the end matters too."""
        return self.text(text, _LONG)

    def value(self, name: str, value: Value) -> Value:
        """One attribute's value. Digests that the runtime made itself pass as they are."""
        if isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return value if _is_digest(name, value) else self.text(value)
        return [self.text(each) if isinstance(each, str) else each for each in [*value][:_ITEMS]]

    def tree(self, data: object, depth: int = 0) -> object:
        """Plain data with every text inside cleaned, keys included; before encoding, so that escapes hide nothing."""
        if depth > _DEPTH:
            return "…"
        match data:
            case str():
                return self.text(data)
            case bool() | int() | float() | None:
                return data
            case Mapping():
                return {self.text(str(key)): self.tree(each, depth + 1) for key, each in [*data.items()][:_ITEMS]}
            case Iterable():
                return [self.tree(each, depth + 1) for each in [*data][:_ITEMS]]
            case _:
                return self.text(str(data))


def _is_digest(name: str, value: str) -> bool:
    return (name.endswith(".digest") or name.startswith("gui.frame")) and _DIGEST.fullmatch(value) is not None
