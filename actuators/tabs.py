"""The pages of one browser context: which is in front, and what happened on them that nobody asked for.

The default is no: confirms and prompts are dismissed, file choosers stay empty, and downloads are cancelled unless
there is a folder for them. Each becomes a notice in the runtime's words, so that the model, the policy and the record
know of it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actuators.cdp import Cdp, surface_error
from actuators.errors import SurfaceLost
from actuators.halt import Halt, go_on, never
from actuators.world import Worlds

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, CDPSession, Dialog, Download, FileChooser, Page, Request
    from playwright.sync_api import Frame as PageFrame

__all__ = ["Tab", "Tabs", "safe_name"]

_ENDLESS = frozenset({"websocket", "eventsource", "media", "ping", "texttrack", "manifest", "other", "cspreport"})
_BACKGROUND_S = 1.0
"""A script's request that takes longer than this counts as the page's own business (long polling, streams)..."""
_CAUSED_S = 0.5
"""...unless it began within this long after an act."""
_OPENS_S = 2.0
"""A new tab that a page asked for is waited for this long."""
_ANSWERS_S = 30.0
"""A server may take this long to answer when a page is left for another."""


@dataclass(eq=False)
class Tab:
    """One page, its debugging session, its isolated worlds, and the requests it waits for."""

    page: Page
    scale: float
    bound_s: float
    halt: Halt = never
    pending: dict[Request, float] = field(default_factory=dict)
    """When each began, seconds of `time.monotonic`."""
    leaving: set[Request] = field(default_factory=set)
    """Requests for the page that comes next. Until a server answers, the browser keeps calls into the page back."""
    arrivals: int = 0
    """How many documents have come to the front of it."""
    downloads: int = 0
    """How many downloads it has begun."""
    failed: str = ""
    """Why the last request for the page's own document failed; for whoever waits for it."""
    crashed: bool = False
    opening_at: float = float("-inf")
    """When the page last asked for a new tab that is not there yet."""
    _cdp: Cdp | None = None
    _worlds: Worlds | None = None

    @property
    def cdp(self) -> Cdp:
        if self._cdp is None:
            cdp = Cdp(self._session(), self.bound_s)
            if size := self.page.viewport_size:
                # Said again in this session: a screenshot ends with the page as its own session knows it.
                cdp.send("Emulation.setDeviceMetricsOverride", **size, deviceScaleFactor=self.scale, mobile=False)
            cdp.on("Page.windowOpen", self._opening)
            cdp.send("Page.enable")
            self._cdp = cdp
        return self._cdp

    def _session(self) -> CDPSession:
        from playwright.sync_api import Error

        try:
            return self.page.context.new_cdp_session(self.page)
        except Error as error:
            raise surface_error(error) from None

    def _opening(self, event: dict[str, Any]) -> None:
        self.opening_at = time.monotonic()

    @property
    def worlds(self) -> Worlds:
        if self._worlds is None:
            self._worlds = Worlds(self.page, self.cdp)
        return self._worlds

    def pump(self, seconds: float = 0.015) -> None:
        """Let the browser's events through for a moment. Raises `SurfaceLost`."""
        from playwright.sync_api import Error

        try:
            self.page.wait_for_timeout(seconds * 1000)
        except Error as error:
            raise surface_error(error) from None

    def arrive(self) -> None:
        """Wait, within a bound, while the page is being left for one whose server has not answered yet.

        Raises:
            Halted: a person stopped the run meanwhile.
        """
        until = time.monotonic() + _ANSWERS_S
        while self.leaving and time.monotonic() < until:
            go_on(self.halt)
            self.pump()

    def waits(self, acted: tuple[float, float]) -> bool:
        """Whether a request is on its way without which the page is not still.

        Args:
            acted: when the last act began and ended, seconds of `time.monotonic`.
        """
        now = time.monotonic()
        if now - self.opening_at < _OPENS_S:
            return True
        for request, began in list(self.pending.items()):
            caused = acted[0] <= began <= acted[1] + _CAUSED_S
            if caused or now - began < _BACKGROUND_S or request.is_navigation_request():
                return True
        return False


class Tabs:
    """Follows the context: a new page comes to the front; when it closes, the one before it does.

    Args:
        scale: device pixels to one CSS pixel.
        downloads: folder for what the page downloads; None cancels downloads.
        uploads: the only files that may be given to a page. A file chooser gets the file when there is exactly one.
        bound_s: a browser that takes longer than this for one call counts as hung.
        halt: the red stop.
    """

    def __init__(
        self,
        context: BrowserContext,
        scale: float,
        downloads: Path | None,
        uploads: tuple[Path, ...],
        bound_s: float,
        halt: Halt = never,
    ) -> None:
        self._halt = halt
        self._scale = scale
        self._bound_s = bound_s
        self._downloads = downloads
        self.uploads = uploads
        self._tabs: list[Tab] = []
        self._notices: list[str] = []
        self._saving = 0
        self._context = context
        self._listening: list[tuple[Any, str, Any]] = []
        self._listen(context, "page", self._opened)
        self._listen(context, "dialog", self._dialog)
        for page in context.pages:
            self._add(page)

    @property
    def front(self) -> Tab:
        """The page in front. Raises `SurfaceLost` when there is none or it has crashed."""
        self._tabs = [tab for tab in self._tabs if not tab.page.is_closed()]
        if not self._tabs:
            raise SurfaceLost("the browser has no page any more: it was closed or has died")
        tab = self._tabs[-1]
        if tab.crashed:
            raise SurfaceLost("the page has crashed")
        return tab

    def went(self, tab: Tab) -> bool:
        """Whether a page that does not answer was only closed, and another is in front now."""
        others = [one for one in self._tabs if one is not tab and not one.page.is_closed()]
        for _ in range(20):
            if tab.page.is_closed() or not others or others[-1].crashed:
                break
            others[-1].pump()  # the news of its end may still be on its way
        return tab.page.is_closed() and bool(others)

    @property
    def saving(self) -> bool:
        """Whether a download is being saved."""
        return self._saving > 0

    def notices(self) -> tuple[str, ...]:
        """What happened since the last call, oldest first."""
        told, self._notices = tuple(self._notices), []
        return told

    @property
    def told(self) -> int:
        """How many notices wait to be told."""
        return len(self._notices)

    def since(self, told: int) -> tuple[str, ...]:
        """The notices after the first `told`; they stay to be told by `notices`."""
        return tuple(self._notices[told:])

    def _opened(self, page: Page) -> None:
        for tab in self._tabs:
            tab.opening_at = float("-inf")
        if all(tab.page != page for tab in self._tabs):
            self._notices.append("a new tab was opened and is in front now")
            self._add(page)

    def _add(self, page: Page) -> None:
        tab = Tab(page, self._scale, self._bound_s, self._halt)
        self._tabs.append(tab)
        self._listen(page, "download", self._download)
        self._listen(page, "filechooser", self._choose)
        self._listen(page, "crash", partial(_crash, tab))
        self._listen(page, "close", self._left)
        self._listen(page, "request", partial(_begin, tab))
        self._listen(page, "framenavigated", partial(_arrived, tab))
        self._listen(page, "requestfinished", partial(_end, tab))
        self._listen(page, "requestfailed", partial(_end, tab))

    def _listen(self, to: Any, event: str, then: Callable[[Any], None]) -> None:
        to.on(event, then)
        self._listening.append((to, event, then))

    def close(self) -> None:
        """Stop listening. May be called twice, and after the browser has died."""
        from playwright.sync_api import Error

        listening, self._listening = self._listening, []
        for to, event, then in listening:
            with suppress(Error, KeyError):
                to.remove_listener(event, then)
        self._tabs = []  # their sessions end with the pages: ending one by hand hangs on a page that hangs

    def _left(self, page: Page) -> None:
        self._notices.append("a tab was closed")

    def _dialog(self, dialog: Dialog) -> None:
        from playwright.sync_api import Error

        text = " ".join(dialog.message.split())[:200]
        try:
            if dialog.type == "alert":
                self._notices.append(f'an alert said "{text}" and was closed')
                dialog.accept()
            elif dialog.type == "beforeunload":
                self._notices.append("the page asked whether to leave it, and was not left")
                dialog.dismiss()
            else:
                self._notices.append(f'a {dialog.type} dialog asked "{text}" and was answered with no')
                dialog.dismiss()
        except Error:  # the page that asked has gone
            pass

    def _choose(self, chooser: FileChooser) -> None:
        from playwright.sync_api import Error

        if len(self.uploads) != 1:
            names = ", ".join(path.name for path in self.uploads)
            hint = f"; type the name of one of these into it: {names}" if names else ""
            self._notices.append(f"a file chooser was opened and left empty{hint}")
            return
        try:
            chooser.set_files(self.uploads[0])
            self._notices.append(f"a file chooser was opened and given {self.uploads[0].name}")
        except Error:
            self._notices.append("a file chooser was opened and did not take the file")

    def _download(self, download: Download) -> None:
        from playwright.sync_api import Error

        for tab in self._tabs:
            tab.downloads += tab.page == download.page
        name = safe_name(download.suggested_filename)
        if self._downloads is None:
            self._notices.append(f'a download of "{name}" was cancelled')
            return
        self._saving += 1
        try:
            self._downloads.mkdir(parents=True, exist_ok=True)
            path = _unused(self._downloads, name)
            download.save_as(path)
            self._notices.append(f'a download was saved as "{path.name}"')
        except (Error, OSError):
            self._notices.append(f'a download of "{name}" failed')
        finally:
            self._saving -= 1


def _crash(tab: Tab, page: Page) -> None:
    tab.crashed = True


def _begin(tab: Tab, request: Request) -> None:
    if request.resource_type not in _ENDLESS:
        tab.pending[request] = time.monotonic()
    if request.is_navigation_request() and _of_the_page(request):
        tab.leaving.add(request)


def _of_the_page(request: Request) -> bool:
    """Whether a navigation is the page's own and not that of a frame in it."""
    from playwright.sync_api import Error

    try:
        return request.frame.parent_frame is None
    except Error:  # the page is too new to have a frame
        return True


def _arrived(tab: Tab, frame: PageFrame) -> None:
    if frame.parent_frame is None:
        tab.arrivals += 1
        tab.leaving.clear()


def _end(tab: Tab, request: Request) -> None:
    tab.pending.pop(request, None)
    if request in tab.leaving:
        tab.failed = request.failure or ""
        tab.leaving.discard(request)


def safe_name(suggested: str) -> str:
    """A file name of at most 100 plain characters: no folders, no leading dot, no device names."""
    name = re.sub(r"[^\w .()+,=@-]+", "_", suggested.replace("\\", "/").rsplit("/", 1)[-1]).strip(" ._")
    if not name or re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name):
        name = f"download_{name}".rstrip("_")
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:80]}.{ending[:19]}" if dot else name[:100]


def _unused(folder: Path, name: str) -> Path:
    """A path in the folder that nothing has yet: `a.pdf`, `a (2).pdf`..."""
    path, number = folder / name, 1
    while path.exists() or path.is_symlink():
        number += 1
        path = folder / f"{Path(name).stem} ({number}){Path(name).suffix}"
    return path
