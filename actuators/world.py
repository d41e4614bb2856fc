"""The isolated worlds in which the `page_*.js` files read documents: one for each process of a page.

A world may look into every frame of its own process; frames of other processes have a session and a world of their
own. A world is reached through an object, never through a context number: numbers come again in another process, and
there might mean the page's own scripts. Lengths are CSS pixels.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import count
from typing import TYPE_CHECKING, Any

from actuators.cdp import Cdp, DocumentGone
from actuators.errors import SurfaceLost, SurfaceTimeout

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

__all__ = ["Place", "World", "Worlds"]

_NAME = "deskhand"
_PARTS = ("page_words.js", "page_sight.js", "page_touch.js")
_TRIES = 20
_serial = count()


@cache
def _source() -> str:
    return "\n".join(resources.files("actuators").joinpath(part).read_text("utf-8") for part in _PARTS)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a world's viewport lies in the page's: `page = (x, y) + s * own`."""

    x: float = 0.0
    y: float = 0.0
    s: float = 1.0

    def within(self, inner: dict[str, float]) -> Place:
        """The place, in the page, of a frame that this world describes."""
        return Place(self.x + inner["x"] * self.s, self.y + inner["y"] * self.s, self.s * inner["s"])

    def inward(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.x) / self.s, (y - self.y) / self.s

    def outward(self, x: float, y: float) -> tuple[float, float]:
        return self.x + x * self.s, self.y + y * self.s


class World:
    """One isolated world; made again after each navigation, with new element ids."""

    def __init__(self, cdp: Cdp, frame_id: str) -> None:
        self._cdp = cdp
        self._frame_id = frame_id
        self._object = ""

    def call(self, name: str, *given: Any, bound_s: float | None = None) -> Any:
        """The value of a function of `page_touch.js`, awaited.

        Raises:
            DocumentGone: the document was replaced; the next call reads the new one.
            SurfaceLost, SurfaceTimeout: see `Cdp.send`.
        """
        text = self._invoke(name, list(given), True, bound_s)["result"].get("value")
        return _parsed(text) if isinstance(text, str) else None

    def closed_root(self, held: str) -> bool:
        """Find out whether a held element hides a closed shadow root, and if so make it readable."""
        host = self.grab(held)
        if host is None:
            return False
        node = self._cdp.send("DOM.describeNode", objectId=host, depth=0, pierce=False)["node"]
        roots = [root for root in node.get("shadowRoots", ()) if root.get("shadowRootType") == "closed"]
        if not roots:
            return False
        context = self._context_of(host)
        root = self._cdp.send("DOM.resolveNode", backendNodeId=roots[0]["backendNodeId"], executionContextId=context)
        self._invoke("found", [_Ref(host), _Ref(root["object"]["objectId"])], True, None)
        return True

    def frame_of(self, held: str) -> str:
        """The frame id of a held frame element; empty when it went away."""
        found = self.grab(held)
        if found is None:
            return ""
        return str(self._cdp.send("DOM.describeNode", objectId=found, depth=0)["node"].get("frameId", ""))

    def grab(self, held: str) -> str | None:
        """A handle on an element that the last call told of; None when it went away."""
        answer = self._invoke("grab", [held], False, None)["result"]
        found: str | None = answer.get("objectId")
        return found

    @staticmethod
    def _context_of(object_id: str) -> int:
        """Object ids read `isolate.context.number`."""
        return int(object_id.split(".")[1])

    def _invoke(self, name: str, given: list[Any], by_value: bool, bound_s: float | None) -> Any:
        called = f"this.{name}(...given)"
        # The protocol takes much longer over a tree of objects than over their text: several times, for a whole look.
        told = f"async function (...given) {{ return JSON.stringify(await {called}); }}"
        try:
            if not self._object:
                self._make()
            answer = self._cdp.send(
                "Runtime.callFunctionOn",
                bound_s,
                objectId=self._object,
                functionDeclaration=told if by_value else f"function (...given) {{ return {called}; }}",
                arguments=[{"objectId": one.id} if isinstance(one, _Ref) else {"value": one} for one in given],
                returnByValue=by_value,
                awaitPromise=True,
            )
        except DocumentGone:
            self._object = ""
            raise
        if "exceptionDetails" in answer:
            said = answer["exceptionDetails"].get("exception", {}).get("description", "an exception")
            raise SurfaceLost(f"the page could not be read: {' '.join(said.split())[:200]}")
        return answer

    def _make(self) -> None:
        """A world in the document that is there now.

        The number of a context means the page's own scripts if another process has taken over since it was told, so
        what was made is used only when the document is still the same one afterwards.
        """
        before = self._document()
        made = self._cdp.send(
            "Page.createIsolatedWorld", frameId=self._frame_id, worldName=_NAME, grantUniveralAccess=True
        )
        source = f"(() => {{ const PREFIX = 'd{next(_serial)}';\n{_source()}\n}})()"
        answer = self._cdp.send("Runtime.evaluate", expression=source, contextId=made["executionContextId"])
        if "objectId" not in answer["result"]:
            said = answer.get("exceptionDetails", {}).get("exception", {}).get("description", "no answer")
            raise SurfaceLost(f"the page could not be read: {' '.join(said.split())[:200]}")
        if self._document() != before:
            raise DocumentGone("the document was replaced while it was entered")
        self._object = answer["result"]["objectId"]

    def _document(self) -> str:
        """The id of the load that made the frame's document."""
        tree = self._cdp.send("Page.getFrameTree")["frameTree"]
        return str(tree["frame"]["loaderId"])


def _parsed(text: str) -> Any:
    """The value of what the page has told as JSON. Half a character, which only scripts can write, becomes `?`."""
    value = json.loads(text)
    if "\\ud" in text:  # what is whole is not written as an escape
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value


@dataclass(frozen=True, slots=True)
class _Ref:
    id: str


class Worlds:
    """All worlds of one page."""

    def __init__(self, page: Page, cdp: Cdp) -> None:
        self._page = page
        self._cdp = cdp
        self._top: World | None = None
        self._frames: dict[Frame, tuple[str, World]] = {}

    @property
    def top(self) -> World:
        if self._top is None:
            self._top = World(self._cdp, self._cdp.send("Page.getFrameTree")["frameTree"]["frame"]["id"])
        return self._top

    def steadily(self, name: str, *given: Any) -> Any:
        """`World.call` on the page, again while documents are being replaced under it."""
        for _ in range(_TRIES):
            try:
                return self.top.call(name, *given)
            except DocumentGone:
                self._top = None
        raise SurfaceTimeout("the page kept navigating while it was read; try again when it is still")

    def look(self) -> dict[str, Any]:
        """Everything visible, through all processes, in reading order; see `look` in `page_sight.js`."""
        for _ in range(_TRIES):
            try:
                return self._look(self.top, Place(), None)
            except DocumentGone:
                self._top = None
        raise SurfaceTimeout("the page kept navigating while it was read; try again when it is still")

    def _look(self, world: World, place: Place, clip: dict[str, float] | None) -> dict[str, Any]:
        seen: dict[str, Any] = world.call("look", clip)
        if any([world.closed_root(held) for held in seen["doubts"]]):
            seen = world.call("look", clip)
        nodes: list[dict[str, Any]] = []
        for one in seen["nodes"]:
            if "remote" in one:
                nodes += self._remote_nodes(world, seen["remote"][one["remote"]], place)
            else:
                one["form"] = seen["forms"][one["form"]] if one["form"] >= 0 else None
                one["rect"] = _moved(one["rect"], place)
                nodes.append(one)
        return {**seen, "nodes": nodes}

    def _remote_nodes(self, parent: World, frame: dict[str, Any], place: Place) -> list[dict[str, Any]]:
        """What a frame of another process shows, less what its parent covers; nothing when it goes away meanwhile."""
        child = self._child(parent, frame["id"])
        if child is None:
            return []
        there = Place(frame["x"], frame["y"], frame["s"])
        left, top = there.inward(frame["clip"]["left"], frame["clip"]["top"])
        right, bottom = there.inward(frame["clip"]["right"], frame["clip"]["bottom"])
        try:
            own = Place()
            nodes = self._look(child, own, {"left": left, "top": top, "right": right, "bottom": bottom})["nodes"]
            inside = [_moved(one["rect"], there) for one in nodes]
            middles = [((r["left"] + r["right"]) / 2, (r["top"] + r["bottom"]) / 2) for r in inside]
            free = parent.call("uncovered", frame["id"], middles)
        except (DocumentGone, SurfaceLost):
            self.forget()
            return []
        return [one | {"rect": _moved(r, place)} for one, r, ok in zip(nodes, inside, free, strict=True) if ok]

    def hit(self, x: float, y: float) -> tuple[dict[str, Any] | None, Place]:
        """What lies under a point of the page, through all processes, and the place of its world."""
        return self._through("hit", (x, y))

    def focused(self) -> tuple[dict[str, Any] | None, World]:
        """What has the focus, and its world."""
        for _ in range(_TRIES):
            try:
                world = self.top
                told = self._settled(world, "focused", ())
                while told and "remote" in told:
                    child = self._child(world, told["remote"]["id"])
                    if child is None:
                        return None, world
                    world, told = child, self._settled(child, "focused", ())
                return told, world
            except DocumentGone:
                self._top = None
        raise SurfaceTimeout("the page kept navigating while it was read; try again when it is still")

    def _through(self, name: str, point: tuple[float, float]) -> tuple[dict[str, Any] | None, Place]:
        for _ in range(_TRIES):
            try:
                world, place = self.top, Place()
                told = self._settled(world, name, point)
                while told and "remote" in told:
                    place = place.within(told["remote"])
                    child = self._child(world, told["remote"]["id"])
                    if child is None:
                        return None, place
                    world, told = child, self._settled(child, name, place.inward(*point))
                return told, place
            except DocumentGone:
                self._top = None
        raise SurfaceTimeout("the page kept navigating while it was read; try again when it is still")

    @staticmethod
    def _settled(world: World, name: str, given: tuple[float, ...]) -> dict[str, Any] | None:
        """A call that is made again once closed shadow roots on its way have been opened."""
        for _ in range(8):
            told: dict[str, Any] | None = world.call(name, *given)
            if not told or not told.get("doubt") or not world.closed_root(told["doubt"]):
                return told
        return told

    def _child(self, parent: World, held: str) -> World | None:
        """The world of a frame in another process."""
        wanted = parent.frame_of(held)
        alive = set(self._page.frames)
        self._frames = {frame: known for frame, known in self._frames.items() if frame in alive}
        for frame_id, world in self._frames.values():
            if frame_id == wanted:
                return world
        for frame in self._page.frames:
            if frame not in self._frames and frame != self._page.main_frame and (known := self._attach(frame)):
                self._frames[frame] = known
                if known[0] == wanted:
                    return known[1]
        return None

    def forget(self) -> None:
        """Frames may have moved to other processes: find them anew when they are asked for."""
        self._frames.clear()

    def _attach(self, frame: Frame) -> tuple[str, World] | None:
        from playwright.sync_api import Error

        try:
            cdp = Cdp(self._page.context.new_cdp_session(frame), self._cdp.bound_s)
            frame_id = str(cdp.send("Page.getFrameTree")["frameTree"]["frame"]["id"])
        except (Error, DocumentGone, SurfaceLost):  # it lives in its parent's process, or has just gone
            return None
        return frame_id, World(cdp, frame_id)


def _moved(rect: dict[str, float], place: Place) -> dict[str, float]:
    left, top = place.outward(rect["left"], rect["top"])
    right, bottom = place.outward(rect["right"], rect["bottom"])
    return {"left": left, "top": top, "right": right, "bottom": bottom}
