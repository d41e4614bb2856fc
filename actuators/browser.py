"""A browser page as a surface: pixels and input through CDP, nodes and hit tests through isolated worlds.

Screen pixels are the screenshot's pixels; CSS pixels exist only in here, in `actuators.hand` and in the page's files.
What this does not protect against: a page whose script does something else than its words say (the gate for requests
sees what is really sent), and code in the page that reacts to the pointer coming near.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, assert_never

from actuators import errors
from actuators.action import (
    Action,
    Click,
    Drag,
    Hover,
    LaunchApp,
    LongPress,
    OpenUrl,
    PressKeys,
    Scroll,
    Swipe,
    SystemButton,
    TypeText,
    Wait,
    Zoom,
    pointed,
)
from actuators.base import SecretSource, Settled, no_secrets
from actuators.cdp import BOUND_S, DocumentGone, first_line
from actuators.geometry import Point, Rect, Screen
from actuators.halt import SLICE_S, Halt, Halted, go_on, never
from actuators.hand import Focus, Hand, ready
from actuators.lists import OpenList, found_in, under
from actuators.nodes import destination, is_secret, more_of, node_of, origin_of, png_size, words
from actuators.observation import Frame, Observation, Surface, Target
from actuators.permit import Verifier
from actuators.permitted import Attempt, NotPossible, Permitted, not_judged, points_of, seen_point
from actuators.receipt import ReceiptStatus
from actuators.tabs import Tab, Tabs
from actuators.world import Place

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

__all__ = ["BrowserActuator"]

_T = TypeVar("_T")
QUIET_MS = 50
"""A page is still when nothing has changed for this long and no request is on its way."""
_COMES_S = 2.0
"""A wait on a page that is still ends when nothing has come within this long."""
_TELLS_S = 0.2
"""A page that is left after an act is known to be left within this long."""
_WATCHES_S = 0.1
"""The page watches itself for this long at a time, so that a stop is noticed between."""
_REGION_PX = 64


class BrowserActuator(Permitted["_Attempt"]):
    """Implements `actuators.base.Actuator` on one Playwright context.

    Args:
        context: with at least one page; the newest page is in front.
        verifier: checks permits.
        secrets: gives values for `<secret:NAME>` while typing.
        scale: the context's device scale factor.
        downloads: folder for downloads; None cancels them.
        uploads: the only files that may be given to a page.
        bound_s: a browser that takes longer than this for one call counts as hung.
        halt: the red stop; once it is set nothing more is sent to the browser, and waits end.
    """

    thing = "browser"
    breaks = (errors.SurfaceError, DocumentGone)

    def __init__(
        self,
        context: BrowserContext,
        verifier: Verifier,
        secrets: SecretSource = no_secrets,
        scale: float = 1.0,
        downloads: Path | None = None,
        uploads: Sequence[Path] = (),
        bound_s: float = BOUND_S,
        halt: Halt = never,
    ) -> None:
        super().__init__(verifier, secrets, halt)
        self._tabs = Tabs(context, scale, downloads, tuple(uploads), bound_s, halt)
        self._bound_s = bound_s
        self._seq = 0
        self._acted = (float("-inf"), float("-inf"))
        self._list: OpenList | None = None
        self._hands: dict[Tab, Hand] = {}
        self._closed = False

    @property
    def surface(self) -> Surface:
        return "browser"

    def open(self, url: str, bound_s: float = 15.0) -> None:
        """Go to the task's first page, before the run's first step; not an act of the agent.

        Raises:
            SurfaceUnavailable: it cannot be reached, or the gate for requests refuses it.
        """
        from playwright.sync_api import Error, TimeoutError

        page = self._tabs.front.page
        try:
            page.goto(url, wait_until="commit", timeout=bound_s * 1000)
            with suppress(TimeoutError):  # a page that never has done loading is there all the same
                page.wait_for_load_state("load", timeout=bound_s * 500)
        except Error as error:
            why = first_line(error).removeprefix("Page.goto: ")
            raise errors.SurfaceUnavailable(f"cannot open {url}: {why}; is the site running?") from None
        self.settle()

    def observe(self) -> Observation:
        """See `Actuator.observe`. One screenshot and one reading of each process of the page."""
        frame, seen = self._on_front(lambda tab: (Frame(self._shot(tab)), tab.worlds.look()))
        screen = Screen(*png_size(frame.png), scale=float(seen["scale"]))
        nodes = tuple(node_of(one, screen, _HERE) for one in seen["nodes"])
        self._list = found_in(frame, screen, seen)
        if self._list is not None:
            nodes = self._list.within(nodes)
        self._seq += 1
        return Observation(
            seq=self._seq - 1,
            taken_at=time.time(),
            surface="browser",
            screen=screen,
            frame=frame,
            nodes=tuple(node for node in nodes if node.rect.area),
            origin=seen["origin"],
            url=seen["url"],
            title=seen["title"],
            more=more_of(seen),
            notices=self._tabs.notices(),
        )

    def glance(self, before: Observation) -> Observation | None:
        """The nodes as they are now, under the picture of `before`; no picture is taken.

        None where only a whole look will do: a list is drawn over the page, the page has another size or address, or
        something has happened that is still to be told.
        """
        if self._tabs.told or self._list is not None:
            return None
        seen = self._on_front(lambda tab: tab.worlds.look())
        size = round(seen["width"] * seen["scale"]), round(seen["height"] * seen["scale"])
        if seen["list"] or seen["url"] != before.url or size != (before.screen.width, before.screen.height):
            return None
        nodes = tuple(node_of(one, before.screen, _HERE) for one in seen["nodes"])
        self._seq += 1
        return replace(
            before,
            seq=self._seq - 1,
            taken_at=time.time(),
            nodes=tuple(node for node in nodes if node.rect.area),
            title=seen["title"],
            more=more_of(seen),
            notices=(),
            pictured=False,
        )

    def target(self, action: Action, seen: Observation) -> Target:
        """See `Actuator.target`. Raises `SurfaceError` for a point outside the screen."""
        seen_point(action, seen)
        return self._on_front(lambda tab: self._target(tab, action, seen.screen)[0])

    def settle(self, bound_s: float = 3.0) -> Settled:
        """See `Actuator.settle`: watches nodes, scrolling, animations, loading and requests."""
        began = time.monotonic()
        while True:
            moving = self._moving(min(_WATCHES_S, bound_s - (time.monotonic() - began)))
            waited = time.monotonic() - began
            if not moving:
                return Settled(True, waited)
            if waited >= bound_s or self._halt.is_set():
                return Settled(False, waited, moving)

    def close(self) -> None:
        """Let go of the browser, which the sandbox owns."""
        self._closed = True
        self._tabs.close()

    # Acting

    def _attempt(self, action: Action) -> _Attempt:
        tab = self._front()
        return _Attempt(action, tab=tab, hand=self._hand(tab))

    def _prepare(self, attempt: _Attempt, judged: str) -> str:
        """Pointer to the place, look again."""
        action, tab = attempt.action, attempt.tab
        ready(action)
        tab.arrive()
        attempt.screen = screen = self._screen(tab)
        if points_of(action, screen) and not isinstance(action, Hover):  # hovering is itself the act
            attempt.hand.move(*screen.to_logical(points_of(action, screen)[0]))
        target, attempt.focus = self._target(tab, action, screen)
        if not isinstance(action, Wait | Zoom) and target.digest != judged:
            return not_judged(words(target.node))
        attempt.text, attempt.before = self._revealed(action, target), attempt.hand.sent
        if isinstance(action, Click) and self._list and target.node and self._list.holds(target.node.id):
            attempt.listed = target.node.id
        return ""

    def _broke(self, attempt: _Attempt, error: Exception) -> tuple[ReceiptStatus, str]:
        if not isinstance(error, errors.SurfaceTimeout) and self._tabs.went(attempt.tab):
            return "done", "the tab was closed by it"
        return super()._broke(attempt, error)

    def _over(self, attempt: _Attempt) -> None:
        self._acted = (attempt.since, time.monotonic())

    def _mark(self) -> int:
        return self._tabs.told

    def _since(self, mark: int) -> tuple[str, ...]:
        return self._tabs.since(mark)

    def _broken_off(self, attempt: _Attempt, halted: Halted) -> tuple[ReceiptStatus, str]:
        """A person stopped the hand in the middle: what it had sent by then is what was performed."""
        hand, text = attempt.hand, attempt.text
        match attempt.action:
            case Wait() | OpenUrl():
                return "done", str(halted)
            case _ if hand.sent == attempt.before:
                return "refused", str(halted)
            case TypeText(text=asked) if asked == text:
                attempt.performed = TypeText(text=hand.typed)
                return "done", f"{halted} after {len(hand.typed)} of {len(text)} characters"
            case Drag():
                return "unknown", f"{halted} while it dragged; it was let go where it began"
            case _:
                return "unknown", f"{halted} in the middle of it"

    def _act(self, attempt: _Attempt) -> str:
        if attempt.listed:
            return attempt.hand.pick(attempt.tab.worlds.top, attempt.listed)
        return self._press(attempt)

    def _press(self, attempt: _Attempt) -> str:
        hand, screen, text = attempt.hand, attempt.screen, attempt.text
        match attempt.action:
            case Click(button=button, count=count, modifiers=modifiers):
                hand.click(button, count, modifiers)
            case LongPress(seconds=seconds):
                hand.long_press(seconds)
            case Drag(end=end):
                hand.drag(screen.to_logical(end))
            case Scroll(dx=dx, dy=dy):
                hand.wheel(dx / screen.scale, dy / screen.scale)
            case TypeText(text=asked):
                typed, remark = hand.type(text, attempt.focus, self._tabs.uploads, secret=text != asked)
                if text == asked:
                    attempt.performed = TypeText(text=typed)
                return remark
            case PressKeys(keys=keys):
                hand.keys(keys)
            case OpenUrl(url=url):
                hand.go(url)
            case SystemButton(button="back"):
                hand.back()
            case SystemButton(button="enter"):
                hand.keys(("enter",))
            case Wait(seconds=seconds):
                self._wait(seconds)
            case Hover(at=at):
                hand.move(*screen.to_logical(at))
            case Zoom():
                pass
            case LaunchApp() | Swipe() | SystemButton():
                raise NotPossible("unreachable: refused by ready")
            case _:
                assert_never(attempt.action)
        return ""

    def _wait(self, seconds: float) -> None:
        """Until the page is still; whoever waits on a still page waits for something to come, so give it a while."""
        until = time.monotonic() + seconds
        comes = time.monotonic() + min(seconds, _COMES_S)
        was = self._on_front(_listed)
        while self.settle(until - time.monotonic()).still and time.monotonic() < comes:
            if self._on_front(_listed) != was:
                return
            go_on(self._halt)
            self._front().pump(SLICE_S)
        go_on(self._halt)

    def _hand(self, tab: Tab) -> Hand:
        self._hands = {known: hand for known, hand in self._hands.items() if not known.page.is_closed()}
        return self._hands.setdefault(tab, Hand(tab, self._halt))

    # Looking

    def _front(self) -> Tab:
        if self._closed:
            raise errors.SurfaceLost("the browser was closed by this run")
        return self._tabs.front

    def _target(self, tab: Tab, action: Action, screen: Screen) -> tuple[Target, Focus | None]:
        """What an action would touch now, and what has the focus where it is about keys."""
        url = tab.page.url
        match action:
            case OpenUrl(url=address):
                return Target("browser", None, None, origin_of(address), url, destination=address), None
            case Wait() | Zoom() | LaunchApp():
                return Target("browser", None, None, origin_of(url), url), None
            case SystemButton(button=button) if button != "enter":
                return Target("browser", None, None, origin_of(url), url), None
        point = pointed(action)
        if point is None:
            told, world = tab.worlds.focused()
            focus = Focus(told["held"], told["takes"], world) if told else None
            return self._told(tab, action, None, told, _HERE, screen), focus
        told, place = tab.worlds.hit(*screen.to_logical(point))
        if told and told["list"]:
            told = under(self._list, point, told, tab.worlds)
        target = self._told(tab, action, point, told, place, screen)
        return self._with_drop(tab, action, target, screen), None

    def _with_drop(self, tab: Tab, action: Action, target: Target, screen: Screen) -> Target:
        """The same target with what lies where a drag would let go."""
        if not isinstance(action, Drag) or not screen.contains(action.end):
            return target
        told, place = tab.worlds.hit(*screen.to_logical(action.end))
        there = self._told(tab, action, action.end, told, place, screen)
        return replace(target, drop=there.node, drop_digest=there.region_digest)

    def _told(
        self, tab: Tab, action: Action, point: Point | None, told: dict[str, Any] | None, place: Place, screen: Screen
    ) -> Target:
        url = tab.page.url
        region: Rect | None = None
        digest = ""
        if point is not None and (told is None or told["pixels"]):
            region, digest = self._region(tab, point, screen)
        if told is None:
            return Target("browser", None, point, origin_of(url), url, region=region, region_digest=digest)
        one = told["node"]
        one["form"] = told["forms"][one["form"]] if one["form"] >= 0 else None
        node = node_of(one, screen, place)
        return Target(
            "browser",
            node,
            point,
            origin=node.origin,
            url=url,
            region=region,
            region_digest=digest,
            destination=destination(action, node, told.get("sends", "")),
            secret_field=is_secret(node),
        )

    def _region(self, tab: Tab, point: Point, screen: Screen) -> tuple[Rect, str]:
        """The pixels around a point, for what has no words of its own."""
        half = _REGION_PX // 2
        box = Rect(point.x - half, point.y - half, point.x + half, point.y + half).intersect(screen.rect)
        return box, hashlib.sha256(self._shot(tab, box)).hexdigest()

    def _shot(self, tab: Tab, box: Rect | None = None) -> bytes:
        """PNG of the viewport, or of a part of it (screen pixels)."""
        view: dict[str, Any] = {}
        if box is not None:
            now = tab.worlds.steadily("view")
            scale = now["scale"]
            left, top = now["x"] + box.left / scale, now["y"] + box.top / scale
            view["clip"] = {
                "x": left,
                "y": top,
                "width": box.width / scale,
                "height": box.height / scale,
                "scale": 1,
            }
        until = time.monotonic() + tab.bound_s
        while time.monotonic() < until:
            go_on(tab.halt)
            try:
                shot = tab.cdp.send("Page.captureScreenshot", format="png", optimizeForSpeed=True, **view)
                return base64.b64decode(shot["data"])
            except DocumentGone:  # and for a while after a document has come nothing of it has been drawn
                tab.pump()
        raise errors.SurfaceTimeout(f"no picture of the page in {tab.bound_s:g} s; try again when it is still")

    def _screen(self, tab: Tab) -> Screen:
        now = tab.worlds.steadily("view")
        scale = float(now["scale"])
        return Screen(round(now["width"] * scale), round(now["height"] * scale), scale)

    def _moving(self, left_s: float) -> str:
        """What moves still after at most `left_s` seconds; empty for nothing."""
        if left_s <= 0:
            self._front()
            return "frames"
        return self._on_front(lambda tab: self._stirs(tab, left_s), arrive=False)

    def _stirs(self, tab: Tab, left_s: float) -> str:
        if time.monotonic() - self._acted[1] < _TELLS_S:
            tab.pump()  # the news that the page is being left may still be on its way
        if tab.leaving:
            tab.pump(min(left_s, 0.05))
            return "loading"
        try:
            ago_ms = min(1000.0, max(0.0, time.monotonic() - self._acted[1]) * 1000)
            moving = tab.worlds.top.call("settle", QUIET_MS, int(left_s * 1000), ago_ms, bound_s=left_s + self._bound_s)
        except DocumentGone:
            moving = "loading"
        if not moving and (tab.waits(self._acted) or self._tabs.saving):
            tab.pump()
            moving = "requests"
        return str(moving)

    def _on_front(self, look: Callable[[Tab], _T], arrive: bool = True) -> _T:
        """Look at the page in front, once it is there; at the next one when it closes meanwhile."""
        late = False
        while True:
            tab = self._front()
            try:
                if arrive:
                    tab.arrive()
                return look(tab)
            except errors.SurfaceTimeout:
                if late or not tab.leaving:
                    raise
                late = True  # the call came just too late to be let into the page
            except errors.SurfaceLost:
                if not self._tabs.went(tab):
                    raise


_HERE = Place()


def _listed(tab: Tab) -> list[tuple[str, str]]:
    """Role and name of everything on a page."""
    return [(one["role"], one["name"]) for one in tab.worlds.look()["nodes"]]


@dataclass(slots=True, kw_only=True)
class _Attempt(Attempt):
    tab: Tab
    hand: Hand
    screen: Screen = field(default_factory=lambda: Screen(1, 1))
    focus: Focus | None = None
    listed: str = ""
    """The entry of an open list that is picked in place of a press."""
    before: int = 0
    """What the hand had sent before it."""
