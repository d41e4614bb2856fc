"""Random clicks on a display, and where the server says that the pointer was when the button went down."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actuators.action import Click
from actuators.geometry import Point

__all__ = ["land"]


def land(
    stage: Any, count: int, name: str, authority: Path, among: Callable[[Point], bool] = lambda at: True
) -> list[tuple[Point, Point]]:
    """Random points at which the pointer was not, by the server's own word, when the button was pressed.

    Args:
        stage: see `contract.actuator.Stage`.
        count: of clicks.
        name: of the stage's display.
        authority: the file with its cookie.
        among: which points are clicked at all.
    """
    from Xlib import X
    from Xlib.display import Display as Connection

    from sandboxes.display import opened_with

    with opened_with(authority):
        watcher = Connection(name)
    size = stage.actuator.observe().screen
    window = watcher.screen().root.create_window(
        *(0, 0, size.width, size.height, 0, X.CopyFromParent),
        **{"override_redirect": 1, "event_mask": X.ButtonPressMask, "background_pixel": 0x336699},
    )
    window.map()
    watcher.sync()
    chance, wrong = random.Random(3), []
    try:
        for _ in range(count):
            seen = stage.actuator.observe()
            while not among(at := Point(chance.randrange(size.width), chance.randrange(size.height))):
                pass
            receipt = stage.actuator.perform(stage.mint.permit(Click(at=at), stage.actuator.target(Click(at=at), seen)))
            assert receipt.status == "done", receipt
            event = watcher.next_event()
            if (event.root_x, event.root_y) != (at.x, at.y):
                wrong.append((at, Point(event.root_x, event.root_y)))
    finally:
        window.destroy()
        watcher.close()
    return wrong
