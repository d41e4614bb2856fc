"""The task's area as a surface: an actuator that sees and reaches a page's corner and knows how the episode stands.

The area lies at the corner of the viewport at the same scale, so a point of it is the same point of the viewport; what
lies beside it (clock, score, marks of clicks) is never shown and cannot be pressed. How the episode stands is read
after every act; once it is over nothing is passed on to the page any more.
"""

from __future__ import annotations

import io
import time
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from actuators.action import Action, Drag
from actuators.base import Actuator, Settled
from actuators.errors import SurfaceError
from actuators.observation import Frame, Observation, Surface, Target
from actuators.permit import Permit
from actuators.receipt import Receipt
from osworld_eval.miniwob.bare_hand import within
from osworld_eval.miniwob.page import AREA, End, how_it_ended

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["TaskArea"]


class TaskArea:
    """Implements `Actuator` over the actuator of the whole page.

    Args:
        inner: the page's actuator; its lifetime is the caller's business.
        page: the same page, for its verdict.
        with_nodes: False gives observations without nodes: pixels only.
    """

    def __init__(self, inner: Actuator, page: Page, with_nodes: bool) -> None:
        self._inner = inner
        self._page = page
        self._with_nodes = with_nodes
        self.end = End(False, 0.0)
        """How the episode stood when it was last read."""
        self.acts = 0
        """Acts that were really performed."""

    @property
    def surface(self) -> Surface:
        return self._inner.surface

    def observe(self) -> Observation:
        """See `Actuator.observe`: the area's part of the picture, and its nodes unless they are switched off."""
        self._read()
        seen = self._inner.observe()
        nodes = within(seen.nodes) if self._with_nodes else ()
        return replace(seen, screen=AREA, frame=Frame(_cropped(seen.frame)), nodes=nodes, title="")

    def target(self, action: Action, seen: Observation) -> Target:
        """See `Actuator.target`. Raises `SurfaceError` for a drag that ends outside the area too."""
        if isinstance(action, Drag) and not AREA.contains(action.end):
            raise SurfaceError(f"the point ({action.end.x}, {action.end.y}) lies outside the area")
        return self._inner.target(action, seen)

    def perform(self, permit: Permit) -> Receipt:
        """See `Actuator.perform`. Refuses once the episode is over: a press would start another."""
        if self.end.done:
            now = time.time()
            return Receipt("refused", None, now, now, "the episode is over")
        receipt = self._inner.perform(permit)
        self.acts += receipt.performed is not None
        self._read()
        return receipt

    def settle(self, bound_s: float = 3.0) -> Settled:
        """See `Actuator.settle`."""
        return self._inner.settle(bound_s)

    def close(self) -> None:
        """See `Actuator.close`."""
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> None:
        if not self.end.done:
            self.end = how_it_ended(self._page)


def _cropped(frame: Frame) -> bytes:
    """PNG of the area's part of a picture of the viewport."""
    out = io.BytesIO()
    frame.image.crop((0, 0, AREA.width, AREA.height)).save(out, "PNG", compress_level=1)
    return out.getvalue()
