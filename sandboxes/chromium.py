"""A throw-away Chromium: a fresh profile, no background traffic, every request through one gate.

Chromium's own sandbox is switched off when this process runs as root, because Chromium refuses to start otherwise;
run as an ordinary user to keep it. What this does not protect against: a page that exploits the browser itself, and
whatever the allowed hosts do with what they are sent.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from sandboxes.base import SandboxUnavailable

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Playwright, Request, Route, WebSocketRoute

__all__ = ["Chromium", "MayLoad", "find_chromium", "http_only"]

MayLoad = Callable[[str, str, str], bool]
"""Asked for every request with its URL, method and resource type (`document`, `script`, `websocket`...)."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
)
_MISSING = (
    "no Chromium: install one (Debian: `apt-get install chromium`; elsewhere: `playwright install chromium`) "
    "or set AGENT_CHROMIUM to its path"
)


def find_chromium() -> str | None:
    """Path of the Chromium to start: AGENT_CHROMIUM, else one on PATH; None leaves the choice to Playwright."""
    return os.environ.get("AGENT_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


def http_only(url: str, method: str, kind: str) -> bool:
    """The default gate: web addresses, and data inside a page; no files, no `data:` or `blob:` documents."""
    scheme = urlsplit(url).scheme
    if scheme in ("http", "https", "ws", "wss"):
        return True
    return scheme in ("data", "blob") and kind != "document"


class Chromium:
    """One browser with one context.

    Args:
        viewport: width and height in CSS pixels.
        scale: device pixels to one CSS pixel.
        may_load: the gate for requests, sub-resources and redirects included.
    """

    def __init__(
        self,
        viewport: tuple[int, int] = (1280, 800),
        scale: float = 1.0,
        locale: str = "en-US",
        headed: bool = False,
        may_load: MayLoad = http_only,
    ) -> None:
        self._viewport = viewport
        self._scale = scale
        self._locale = locale
        self._headed = headed
        self._may_load = may_load
        self._playwright: Playwright | None = None
        self._context: BrowserContext | None = None
        self._browser: Any = None
        self.refused: list[str] = []
        """What the gate stopped, as `METHOD URL`, oldest first."""

    @property
    def context(self) -> BrowserContext:
        """The started context. RuntimeError before the start."""
        if self._context is None:
            raise RuntimeError("the browser was not started")
        return self._context

    @property
    def viewport(self) -> tuple[int, int]:
        return self._viewport

    @property
    def scale(self) -> float:
        return self._scale

    def __enter__(self) -> Self:
        """Start the browser. Raises `SandboxUnavailable`."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def new_page(self) -> Page:
        """A new, empty page in the context."""
        return self.context.new_page()

    def close(self) -> None:
        """End the browser and forget its profile. May be called twice; never raises for a browser that has died."""
        browser, playwright = self._browser, self._playwright
        self._browser = self._context = self._playwright = None
        for end in (browser and browser.close, playwright and playwright.stop):
            if end:
                _quietly(end)

    def _start(self) -> None:
        from playwright.sync_api import Error, sync_playwright

        path = find_chromium()
        if path and not os.access(path, os.X_OK):
            raise SandboxUnavailable(f"AGENT_CHROMIUM names `{path}`, which cannot be started; {_MISSING}")
        self._playwright = sync_playwright().start()
        flags = [*_QUIET, *(["--no-sandbox"] if _is_root() else [])]
        try:
            self._browser = self._playwright.chromium.launch(
                executable_path=path, headless=not self._headed, args=flags, handle_sigint=False, handle_sigterm=False
            )
        except Error as error:
            first = str(error).strip().splitlines()[0][:200]
            raise SandboxUnavailable(_MISSING if path is None else f"Chromium did not start: {first}") from None
        self._context = self._browser.new_context(
            viewport={"width": self._viewport[0], "height": self._viewport[1]},
            device_scale_factor=self._scale,
            locale=self._locale,
            service_workers="block",
            accept_downloads=False,
        )
        self._context.route("**/*", self._judge)
        self._context.route_web_socket("**/*", self._judge_socket)

    def _judge(self, route: Route, request: Request) -> None:
        if self._may_load(request.url, request.method, request.resource_type):
            route.continue_()
            return
        self.refused.append(f"{request.method} {request.url[:500]}")
        if request.is_navigation_request():
            route.fulfill(status=204)  # an abort would replace the page by an error page
        else:
            route.abort("aborted")

    def _judge_socket(self, socket: WebSocketRoute) -> None:
        if self._may_load(socket.url, "GET", "websocket"):
            socket.connect_to_server()
        else:
            self.refused.append(f"WEBSOCKET {socket.url[:500]}")
            socket.close()


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _quietly(end: Callable[[], object]) -> None:
    from playwright.sync_api import Error

    try:
        end()
    except Error:
        pass
