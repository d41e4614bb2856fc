"""The isolated world in which `page.js` reads a document: one for each frame, made anew after each navigation."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from actuators.errors import SurfaceLost, SurfaceTimeout

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Frame, Page

__all__ = ["Worlds"]

_NAME = "deskhand"
_GONE = ("Cannot find context", "Execution context was destroyed", "uniqueContextId not found", "Inspected target navigated")


@cache
def _source() -> str:
    return resources.files("actuators").joinpath("page.js").read_text()


class Worlds:
    """Calls functions of `page.js` in the frames of one page."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self._page = page
        self._session = session
        self._main: str | None = None
        self._contexts: dict[str, int] = {}
        self._children: dict[Frame, tuple[CDPSession, str]] = {}

    def call(self, expression: str, frame: Frame | None = None) -> Any:
        """The value of `deskhand.EXPRESSION` in a frame (the main one when None), awaited; JSON-able.

        Raises:
            SurfaceLost: the page or its process is gone.
            SurfaceTimeout: the document kept changing under the call.
        """
        from playwright.sync_api import Error

        for _ in range(20):
            session, frame_id = self._place(frame)
            try:
                return self._evaluate(session, frame_id, expression)
            except Error as error:
                self._contexts.pop(frame_id, None)
                self._children.clear()
                if not any(words in error.message for words in _GONE):
                    raise _surface_error(error) from None
        raise SurfaceTimeout("the page kept navigating while it was read; try again when it is still")

    def _evaluate(self, session: CDPSession, frame_id: str, expression: str) -> Any:
        if frame_id not in self._contexts:
            made = session.send("Page.createIsolatedWorld", {"frameId": frame_id, "worldName": _NAME})
            self._contexts[frame_id] = made["executionContextId"]
            self._run(session, frame_id, _source())
        return self._run(session, frame_id, f"deskhand.{expression}")

    def _run(self, session: CDPSession, frame_id: str, expression: str) -> Any:
        answer = session.send(
            "Runtime.evaluate",
            {
                "expression": expression,
                "contextId": self._contexts[frame_id],
                "returnByValue": True,
                "awaitPromise": True,
            },
        )
        if "exceptionDetails" in answer:
            said = answer["exceptionDetails"].get("exception", {}).get("description", "an exception")
            raise SurfaceLost(f"the page could not be read: {said.splitlines()[0][:200]}")
        return answer["result"].get("value")

    def _place(self, frame: Frame | None) -> tuple[CDPSession, str]:
        """The session and the frame id through which a frame is reached."""
        from playwright.sync_api import Error

        if frame is None or frame == self._page.main_frame:
            if self._main is None:
                self._main = str(self._tree(self._session)["frame"]["id"])
            return self._session, self._main
        if frame not in self._children:
            try:
                session = self._page.context.new_cdp_session(frame)
                self._children[frame] = (session, str(self._tree(session)["frame"]["id"]))
            except Error:  # it lives in its parent's process and is reached through the parent's session
                self._children[frame] = (self._session, self._find(frame))
        return self._children[frame]

    def _tree(self, session: CDPSession) -> Any:
        from playwright.sync_api import Error

        try:
            return session.send("Page.getFrameTree")["frameTree"]
        except Error as error:
            raise _surface_error(error) from None

    def _find(self, frame: Frame) -> str:
        """A frame's id by its place in the tree: Playwright and CDP list siblings in the same order."""
        path: list[int] = []
        one: Frame | None = frame
        while one is not None and one.parent_frame is not None:
            path.append(one.parent_frame.child_frames.index(one))
            one = one.parent_frame
        tree = self._tree(self._session)
        for index in reversed(path):
            children = tree.get("childFrames", [])
            if index >= len(children):
                raise SurfaceTimeout("a frame went away while it was read; try again when the page is still")
            tree = children[index]
        return str(tree["frame"]["id"])


def _surface_error(error: Exception) -> SurfaceLost | SurfaceTimeout:
    first = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    if type(error).__name__ == "TimeoutError":
        return SurfaceTimeout(f"the browser does not answer: {first}")
    return SurfaceLost(f"the browser or its page is gone: {first}")
