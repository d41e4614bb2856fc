"""A browser page as a surface: screenshots and input through CDP, nodes and hit tests through an isolated world.

Screen pixels are the screenshot's pixels; CSS pixels exist only in here and in `page.js`. Closed shadow roots are
opaque: what lies in them is judged as their host element.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, assert_never

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
from actuators.base import SecretRefused, SecretSource, Settled, no_secrets
from actuators.geometry import Point, Rect, Screen
from actuators.hand import Hand, NotPossible
from actuators.observation import Form, Frame, Node, Observation, Surface, Target
from actuators.permit import Permit, PermitRefused, Verifier
from actuators.receipt import Receipt, ReceiptStatus
from actuators.tabs import Tab, Tabs

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext
    from playwright.sync_api import Frame as PageFrame

__all__ = ["BrowserActuator"]

QUIET_MS = 50
"""A page is still when nothing has changed for this long and no request is on its way."""
_REGION_PX = 64
_SECRET = re.compile(r"<secret:([A-Za-z0-9_-]+)>")
_POINTED_KEYS = frozenset({"enter", "space"})


class BrowserActuator:
    """Implements `actuators.base.Actuator` on one Playwright context.

    Args:
        context: with at least one page; the newest page is in front.
        verifier: checks permits.
        secrets: gives values for `<secret:NAME>` while typing.
        scale: the context's device scale factor.
    """

    def __init__(
        self, context: BrowserContext, verifier: Verifier, secrets: SecretSource = no_secrets, scale: float = 1.0
    ) -> None:
        self._tabs = Tabs(context)
        self._verifier = verifier
        self._secrets = secrets
        self._scale = scale
        self._seq = 0
        self._closed = False

    @property
    def surface(self) -> Surface:
        return "browser"

    def open(self, url: str, bound_s: float = 15.0) -> None:
        """Go to the task's first page, before the run's first step; not an act of the agent.

        Raises:
            SurfaceUnavailable: it cannot be reached, or the gate for requests refuses it.
        """
        from playwright.sync_api import Error

        page = self._tabs.front.page
        try:
            page.goto(url, wait_until="load", timeout=bound_s * 1000)
        except Error as error:
            why = str(error).strip().splitlines()[0].removeprefix("Page.goto: ")
            raise errors.SurfaceUnavailable(f"cannot open {url}: {why}; is the site running?") from None
        self.settle()

    def observe(self) -> Observation:
        """See `Actuator.observe`. One screenshot and one reading of each visible frame."""
        tab = self._tabs.front
        frame = Frame(base64.b64decode(self._cdp(tab, "Page.captureScreenshot", format="png", optimizeForSpeed=True)["data"]))
        screen = Screen(*_png_size(frame.png), scale=self._scale)
        read = tab.worlds.call("nodes()")
        nodes = [self._node(one, screen, (0.0, 0.0)) for one in read["nodes"]]
        for child, offset in self._children(tab):
            nodes += self._child_nodes(tab, child, offset, screen)
        self._seq += 1
        return Observation(
            seq=self._seq - 1,
            taken_at=time.time(),
            surface="browser",
            screen=screen,
            frame=frame,
            nodes=tuple(nodes),
            origin=read["origin"],
            url=read["url"],
            title=read["title"],
            more=tuple(where for where in ("above", "below") if read[where]),  # type: ignore[misc]
            notices=self._tabs.notices(),
        )

    def target(self, action: Action, seen: Observation) -> Target:
        """See `Actuator.target`."""
        return self._target(action, seen.screen)

    def perform(self, permit: Permit) -> Receipt:
        """See `Actuator.perform`."""
        began = time.time()
        try:
            terms = self._verifier.accept(permit)
        except PermitRefused as refused:
            return Receipt("refused", None, began, time.time(), str(refused))
        status, detail = self._try(terms.action, terms.target_digest)
        performed = terms.action if status in ("done", "unknown") else None
        return Receipt(status, performed, began, time.time(), detail, self._tabs.notices())

    def settle(self, bound_s: float = 3.0) -> Settled:
        """See `Actuator.settle`: watches nodes, animations, loading and requests."""
        began = time.monotonic()
        while True:
            left = bound_s - (time.monotonic() - began)
            tab = self._tabs.front
            moving = tab.worlds.call(f"settle({QUIET_MS}, {max(1, int(left * 1000))})") if left > 0 else "frames"
            if not moving and tab.pending:
                moving = "requests"
            waited = time.monotonic() - began
            if not moving:
                return Settled(True, waited)
            if waited >= bound_s:
                return Settled(False, waited, moving)

    def close(self) -> None:
        """Nothing of its own to end: the sandbox owns the browser."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Acting

    def _try(self, action: Action, judged: str) -> tuple[ReceiptStatus, str]:
        """Pointer to the place, look again, press. What went wrong before the press is not an effect."""
        from playwright.sync_api import Error

        tab = self._tabs.front
        hand = Hand(tab, self._scale)
        try:
            hand.reach(action)
            target = self._target(action, self._screen(tab))
            if target.digest != judged:
                return "stale", f"{_words(target)} is there now, which is not what was judged"
            text = self._revealed(action, target)
            hand.ready(action)
        except SecretRefused as refused:
            return "refused", str(refused)
        except NotPossible as problem:
            return "failed", str(problem)
        except Error as error:
            raise errors.SurfaceLost(f"the browser is gone: {_first(error)}") from None
        try:
            return self._press(hand, action, text)
        except NotPossible as problem:
            return "failed", str(problem)
        except Error as error:
            return "unknown", f"the browser broke in the middle of it: {_first(error)}"

    def _press(self, hand: Hand, action: Action, text: str) -> tuple[ReceiptStatus, str]:
        match action:
            case Click():
                hand.click(action)
            case LongPress(seconds=seconds):
                hand.long_press(seconds)
            case Drag(start=start, end=end) | Swipe(start=start, end=end):
                hand.drag(start, end)
            case Scroll(dx=dx, dy=dy):
                hand.wheel(dx, dy)
            case TypeText():
                return "done", hand.type(text)
            case PressKeys(keys=keys):
                hand.keys(keys)
            case OpenUrl(url=url):
                hand.go(url)
            case SystemButton(button=button):
                hand.system(button)
            case Wait(seconds=seconds):
                self.settle(seconds)
            case Hover() | Zoom():
                pass
            case LaunchApp():
                raise NotPossible("a browser starts no applications")
            case _:
                assert_never(action)
        return "done", ""

    def _revealed(self, action: Action, target: Target) -> str:
        """The text to type, with each `<secret:NAME>` replaced; never part of an action, a message or a record."""
        if not isinstance(action, TypeText):
            return ""
        return _SECRET.sub(lambda found: self._secrets.reveal(found.group(1), target), action.text)

    # Looking

    def _target(self, action: Action, screen: Screen) -> Target:
        tab = self._tabs.front
        url = tab.page.url
        if isinstance(action, OpenUrl):
            return Target("browser", None, None, _origin(action.url), url, destination=action.url)
        point = pointed(action)
        if point is None:
            told, offset = self._focused(tab), (0.0, 0.0)
        elif not screen.contains(point):
            raise errors.SurfaceError(f"the point ({point.x}, {point.y}) lies outside the {screen.width}x{screen.height} screen")
        else:
            told, offset = self._hit(tab, *screen.to_logical(point))
        if told is None:
            return self._bare(tab, action, point, screen)
        node = self._node(told["node"], screen, offset)
        region, digest = self._region(tab, point, screen) if point and told["mute"] else (None, "")
        return Target(
            "browser",
            node,
            point,
            origin=node.origin,
            url=url,
            region=region,
            region_digest=digest,
            destination=_destination(action, node),
            secret_field=node.password or node.autocomplete.startswith("cc-") or node.autocomplete == "one-time-code",
        )

    def _bare(self, tab: Tab, action: Action, point: Point | None, screen: Screen) -> Target:
        """A target without a node: nothing has the focus, or nothing lies under the point."""
        origin = _origin(tab.page.url)
        region, digest = self._region(tab, point, screen) if point else (None, "")
        return Target("browser", None, point, origin, tab.page.url, region=region, region_digest=digest)

    def _hit(self, tab: Tab, x: float, y: float) -> tuple[Any, tuple[float, float]]:
        """What lies under a point (CSS pixels of the page), through frames; and the offset of its document."""
        frame, left, top = tab.page.main_frame, 0.0, 0.0
        while True:
            told = tab.worlds.call(f"hit({x - left}, {y - top})", frame)
            if not told or "frame" not in told:
                return told, (left, top)
            child = _child(frame, told["frame"]["index"])
            if child is None:
                return None, (left, top)
            left, top, frame = left + told["frame"]["left"], top + told["frame"]["top"], child

    def _focused(self, tab: Tab) -> Any:
        frame = tab.page.main_frame
        while True:
            told = tab.worlds.call("focused()", frame)
            if not told or "frame" not in told:
                return told
            child = _child(frame, told["frame"]["index"])
            if child is None:
                return None
            frame = child

    def _region(self, tab: Tab, point: Point, screen: Screen) -> tuple[Rect, str]:
        """The pixels around a point, for what has no words of its own."""
        half = _REGION_PX // 2
        box = Rect(point.x - half, point.y - half, point.x + half, point.y + half).intersect(screen.rect)
        scale = self._scale
        area = {"x": box.left / scale, "y": box.top / scale, "width": box.width / scale, "height": box.height / scale}
        shot = self._cdp(tab, "Page.captureScreenshot", format="png", clip={**area, "scale": 1})
        return box, hashlib.sha256(base64.b64decode(shot["data"])).hexdigest()

    def _children(self, tab: Tab) -> list[tuple[PageFrame, tuple[float, float]]]:
        """Every visible child frame with the place of its document in CSS pixels of the page."""
        found = []
        for frame in tab.page.frames[1:]:
            box = frame.frame_element().bounding_box() if not frame.is_detached() else None
            if box and box["width"] > 1 and box["height"] > 1:
                found.append((frame, (box["x"], box["y"])))
        return found

    def _child_nodes(self, tab: Tab, frame: PageFrame, offset: tuple[float, float], screen: Screen) -> list[Node]:
        try:
            read = tab.worlds.call("nodes()", frame)
        except errors.SurfaceError:  # a frame may go away while it is read; what is gone is not seen
            return []
        nodes = [self._node(one, screen, offset) for one in read["nodes"]]
        return [node for node in nodes if node.rect.area]

    def _node(self, told: dict[str, Any], screen: Screen, offset: tuple[float, float]) -> Node:
        form = told["form"]
        rect = told["rect"]
        left, top = screen.from_logical(rect["left"] + offset[0], rect["top"] + offset[1]).x, 0
        top = int((rect["top"] + offset[1]) * screen.scale)
        right = round((rect["right"] + offset[0]) * screen.scale)
        bottom = round((rect["bottom"] + offset[1]) * screen.scale)
        box = Rect(left, top, max(left, right), max(top, bottom)).intersect(screen.rect)
        return Node(**{**told, "rect": box, "form": Form(**form) if form else None})

    def _screen(self, tab: Tab) -> Screen:
        size = tab.page.viewport_size or {"width": 1280, "height": 800}
        return Screen(round(size["width"] * self._scale), round(size["height"] * self._scale), self._scale)

    def _cdp(self, tab: Tab, method: str, **arguments: Any) -> Any:
        from playwright.sync_api import Error

        try:
            return tab.session.send(method, arguments)
        except Error as error:
            raise errors.SurfaceLost(f"the browser is gone: {_first(error)}") from None


def _child(frame: PageFrame, index: int) -> PageFrame | None:
    children = frame.child_frames
    return children[index] if 0 <= index < len(children) else None


def _destination(action: Action, node: Node) -> str:
    """Where the act would send something or lead to."""
    activates = isinstance(action, Click) or (
        isinstance(action, PressKeys) and bool(_POINTED_KEYS & set(action.keys))
    )
    if not activates:
        return ""
    if node.submits or (isinstance(action, PressKeys) and node.form and node.editable):
        return node.form.action if node.form else ""
    return node.href


def _origin(url: str) -> str:
    """scheme://host:port as the address says; empty for anything but web addresses."""
    found = re.match(r"(https?://[^/?#\\]*)", url.strip(), re.IGNORECASE)
    return found.group(1).lower() if found else ""


def _words(target: Target) -> str:
    node = target.node
    return f'{node.role} "{node.name[:60]}"' if node else "something without words"


def _png_size(png: bytes) -> tuple[int, int]:
    """Width and height from the header, without decoding."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def _first(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
