"""The contract of a place to act that can be thrown away."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

__all__ = ["Sandbox", "SandboxUnavailable"]


class SandboxUnavailable(Exception):
    """The place cannot be made on this machine. One line: what is missing, and the command that mends it."""


class Sandbox(Protocol):
    """Use as a context manager: entering starts it, leaving throws it away. `close` may be called twice."""

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        """Start. Raises `SandboxUnavailable`; nothing is left running then."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
