"""Acts on a task page without a run around it: for making demonstrations, never for an agent's own acts.

The same hand, the same reading of nodes and the same waiting as `actuators.browser`, less permits, policy and record.
"""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

from actuators.action import Action, Click, Drag, PressKeys, Scroll, TypeText
from actuators.base import Settled
from actuators.cdp import BOUND_S, DocumentGone
from actuators.geometry import Point
from actuators.hand import Focus, Hand
from actuators.nodes import node_of
from actuators.observation import Node
from actuators.permitted import NotPossible
from actuators.tabs import Tab
from actuators.world import Place
from osworld_eval.miniwob.page import AREA, SCALE, VIEWPORT

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["BareHand", "node_at", "within"]

_QUIET_MS = 50


class BareHand:
    """One page's hand and eyes. Points and rectangles are screen pixels of the area."""

    def __init__(self, page: Page) -> None:
        self._tab = Tab(page, SCALE, BOUND_S)
        self._hand = Hand(self._tab)
        self._acted = float("-inf")

    def nodes(self) -> tuple[Node, ...]:
        """What is visible in the area, in reading order, as an observation lists it."""
        from actuators.geometry import Screen

        told = self._tab.worlds.look()
        screen = Screen(VIEWPORT[0] * SCALE, VIEWPORT[1] * SCALE, SCALE)
        return within(tuple(node_of(one, screen, Place()) for one in told["nodes"]))

    def picture(self) -> bytes:
        """PNG of the area."""
        clip = {"x": 0, "y": 0, "width": AREA.width / SCALE, "height": AREA.height / SCALE, "scale": 1}
        shot = self._tab.cdp.send("Page.captureScreenshot", format="png", optimizeForSpeed=True, clip=clip)
        return base64.b64decode(shot["data"])

    def do(self, action: Action) -> None:
        """Perform one act. Raises `NotPossible` for what cannot be done here."""
        match action:
            case Click(at=at, button=button, count=count, modifiers=modifiers):
                self._hand.move(*AREA.to_logical(at))
                self._hand.click(button, count, modifiers)
            case Drag(start=start, end=end):
                self._hand.move(*AREA.to_logical(start))
                self._hand.drag(AREA.to_logical(end))
            case Scroll(at=at, dx=dx, dy=dy):
                self._hand.move(*AREA.to_logical(at))
                self._hand.wheel(dx / SCALE, dy / SCALE)
            case TypeText(text=text):
                told, world = self._tab.worlds.focused()
                focus = Focus(told["held"], told["takes"], world) if told else None
                self._hand.type(text, focus, (), secret=False)
            case PressKeys(keys=keys):
                self._hand.keys(keys)
            case _:
                raise NotPossible(f"demonstrations have no `{action.kind}`")
        self._acted = time.monotonic()

    def settle(self, bound_s: float = 2.0) -> Settled:
        """Wait until nothing moves; see `Actuator.settle`."""
        began = time.monotonic()
        while (left := bound_s - (time.monotonic() - began)) > 0:
            ago_ms = min(1000.0, max(0.0, time.monotonic() - self._acted) * 1000)
            try:
                moving: Any = self._tab.worlds.top.call("settle", _QUIET_MS, int(left * 1000), ago_ms)
            except DocumentGone:
                continue
            if not moving:
                return Settled(True, time.monotonic() - began)
        return Settled(False, bound_s)


def within(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """The nodes that reach into the area, cut to it."""
    from dataclasses import replace

    cut = (replace(node, rect=node.rect.intersect(AREA.rect)) for node in nodes)
    return tuple(node for node in cut if node.rect.area)


def node_at(nodes: tuple[Node, ...], point: Point | None) -> int | None:
    """The index of the smallest node that holds a point; None where there is none, or no point."""
    if point is None:
        return None
    hits = [number for number, node in enumerate(nodes) if node.rect.contains(point)]
    return min(hits, key=lambda number: nodes[number].rect.area, default=None)
