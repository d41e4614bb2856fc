"""One debugging session of a page: bounded calls, and the errors of this package instead of Playwright's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from actuators.errors import SurfaceError, SurfaceLost, SurfaceTimeout

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession

__all__ = ["BOUND_S", "Cdp", "DocumentGone", "first_line", "surface_error"]

BOUND_S = 8.0
"""A browser that takes longer than this for one call counts as hung."""

_GONE = (
    "Cannot find context",
    "Could not find object",
    "Execution context was destroyed",
    "Inspected target navigated",
    "Cannot find default execution context",
    "Frame with the given id was not found",
    "No frame for given id found",
    "Frame with the given frameId",
    "Object id doesn't reference",
    "Internal error",
    "Unable to capture screenshot",
)


class DocumentGone(Exception):
    """The document was replaced under the call; look again."""


class Cdp:
    """Sends commands, each answered within a bound."""

    def __init__(self, session: CDPSession, bound_s: float = BOUND_S) -> None:
        self._session = session
        self.bound_s = bound_s

    def send(self, method: str, /, bound_s: float | None = None, **arguments: Any) -> Any:
        """The answer of one command.

        Raises:
            DocumentGone: what the command names went away with its document.
            SurfaceTimeout: no answer within the bound.
            SurfaceLost: the page or the browser is gone.
        """
        from playwright.sync_api import Error

        bound = (self.bound_s if bound_s is None else bound_s) * 1000
        try:
            return self._session.send(method, arguments, timeout=bound)
        except Error as error:
            if any(words in error.message for words in _GONE):
                raise DocumentGone(first_line(error)) from None
            raise surface_error(error) from None

    def on(self, event: str, then: Callable[[dict[str, Any]], None]) -> None:
        """Call `then` with the parameters of each such event of this session."""
        self._session.on(event, then)


def surface_error(error: Exception) -> SurfaceError:
    """What a Playwright error means here."""
    from playwright.sync_api import TimeoutError as Late

    if isinstance(error, Late):
        return SurfaceTimeout(f"the browser does not answer: {first_line(error)}")
    return SurfaceLost(f"the browser or its page is gone: {first_line(error)}")


def first_line(error: Exception) -> str:
    """At most 200 characters of what an error says."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
