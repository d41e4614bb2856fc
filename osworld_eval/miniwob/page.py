"""One task page: starting an episode, reading how it ended, and what an oracle may look at.

Frames: a viewport of 332x214 CSS pixels at device scale 2, of which the agent sees the task's area, 160x210 CSS pixels
at the top left corner: 320x420 screen pixels. Beside the area lie the page's own clock, score and marks of clicks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from actuators.geometry import Point, Screen

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["AREA", "SCALE", "VIEWPORT", "Box", "End", "Look", "NotStarted", "how_it_ended", "pixel", "start"]

VIEWPORT = (332, 214)
"""CSS pixels. At the bare size of the area `click-dialog` scrolls away and cannot be solved."""
SCALE = 2
AREA = Screen(160 * SCALE, 210 * SCALE, SCALE)
"""What the agent sees."""
_LIMIT_MS = 3_600_000
_READY_MS = 10_000


class NotStarted(Exception):
    """The page of a task did not come up. One line."""


@dataclass(frozen=True, slots=True)
class End:
    """How an episode stands."""

    done: bool
    raw: float
    """The page's reward without decay, -1..1; 0 while the episode goes on."""
    reason: str = ""


def start(page: Page, origin: str, task: str, seed: int, reload: bool = True) -> str:
    """Load the page anew, start an episode, and return its utterance. The page's clock stands.

    Without `reload` a page of the task that is there already goes on to its next episode, which is several times as
    fast; what some pages leave behind (`tasks.LEAVES_TRACES`) then shows in it.

    Raises:
        NotStarted: the page cannot be loaded or is not ready in time.
    """
    from playwright.sync_api import Error

    try:
        if reload or not page.url.endswith(f"/{task}.html"):
            page.goto(f"{origin}/miniwob/{task}.html", wait_until="load", timeout=_READY_MS)
        page.evaluate(_START, [seed, _LIMIT_MS])
        page.wait_for_function("WOB_TASK_READY === true", timeout=_READY_MS)
        said = page.evaluate("core.getUtterance()")
    except Error as error:
        raise NotStarted(f"`{task}` did not start: {str(error).splitlines()[0][:160]}") from None
    return str(said["utterance"] if isinstance(said, dict) else said)


_START = """([seed, limit]) => {
  Math.seedrandom(seed);
  core.EPISODE_MAX_TIME = limit;
  core.startEpisodeReal();
  clearInterval(core.CD_TIMER);
}"""


def how_it_ended(page: Page) -> End:
    """How the episode stands. To be read after every act: a press on the sheet that ends it starts a new one."""
    from playwright.sync_api import Error

    try:
        done, raw, reason = page.evaluate("[WOB_DONE_GLOBAL, WOB_RAW_REWARD_GLOBAL, WOB_REWARD_REASON]")
    except Error:
        return End(True, 0.0, "the task's page was left")
    return End(bool(done), float(raw) if done else 0.0, str(reason or ""))


@dataclass(frozen=True, slots=True)
class Box:
    """One element as an oracle sees it. CSS pixels of the viewport."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    spot: tuple[float, float] | None
    """A point in the area where a press reaches it; None where there is none: hidden, covered or scrolled away."""
    tag: str
    id: str
    cls: str
    checked: bool
    value: str
    focused: bool
    colour: str
    """Background, as `rgb(r, g, b)`."""
    data: dict[str, str]
    attrs: dict[str, str]

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


class Look:
    """A fresh look at the page with every call; touches nothing."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.utterance = str(page.evaluate(_UTTERANCE))

    def all(self, selector: str) -> list[Box]:
        """Every element of a selector, in document order, seen or not."""
        told = self._page.evaluate(_look(), [selector, *_area_css()])
        return [Box(**{**one, "spot": tuple(one["spot"]) if one["spot"] else None}) for one in told]

    def shown(self, selector: str) -> list[Box]:
        """Those that a press in the area would reach."""
        return [box for box in self.all(selector) if box.spot]

    def js(self, expression: str, given: Any = None) -> Any:
        """The value of an expression or function in the page's own world; for facts that are drawn and not in nodes."""
        return self._page.evaluate(expression, given)


_UTTERANCE = "(() => { const said = core.getUtterance(); return said.utterance || said; })()"


@cache
def _look() -> str:
    return resources.files("osworld_eval.miniwob").joinpath("look.js").read_text("utf-8")


def _area_css() -> tuple[int, int]:
    return AREA.width // SCALE, AREA.height // SCALE


def pixel(x: float, y: float) -> Point:
    """The screen pixel of a CSS point, kept inside the area."""
    return Point(min(max(int(x * SCALE), 0), AREA.width - 1), min(max(int(y * SCALE), 0), AREA.height - 1))
