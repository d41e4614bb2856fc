"""A throw-away Chromium: a fresh profile, no background traffic, every request through one gate.

The gate sits under the whole browser: it sees every request of every page, frame, worker and pop-up, and each hop of
a redirect by itself, before it is sent. While this process computes and does not talk to the browser, requests wait.
`hosts` is a second wall below it, in the browser's name resolution, which also holds for what no gate sees.

Chromium's own sandbox is switched off when this process runs as root, because Chromium refuses to start otherwise;
run as an ordinary user to keep it. Chromium ends with this process, however that ends.

What this does not protect against: a page that exploits the browser itself; whatever the allowed hosts do with what
they are sent; and, without `hosts`, WebSockets opened inside workers and peer-to-peer connections (WebRTC).
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from sandboxes.base import SandboxUnavailable

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Playwright, WebSocketRoute

__all__ = ["Chromium", "MayLoad", "driver", "find_chromium", "http_only"]

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
    "--dns-prefetch-disable",
    "--no-pings",
    "--disable-smooth-scrolling",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
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
        may_load: the gate for requests, sub-resources and redirects included. One that raises refuses.
        downloads: whether files may be downloaded; where they go is the actuator's business.
        hosts: the only hosts whose names resolve; None for all.
    """

    def __init__(
        self,
        viewport: tuple[int, int] = (1280, 800),
        scale: float = 1.0,
        locale: str = "en-US",
        headed: bool = False,
        may_load: MayLoad = http_only,
        downloads: bool = False,
        hosts: Sequence[str] | None = None,
    ) -> None:
        self._viewport = viewport
        self._scale = scale
        self._locale = locale
        self._headed = headed
        self._may_load = may_load
        self._downloads = downloads
        self._hosts = hosts
        self._playwright: Playwright | None = None
        self._context: BrowserContext | None = None
        self._browser: Any = None
        self._gate: Any = None
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
        if browser is not None:
            _quietly(browser.close)
        if playwright is not None:
            driver.release()

    def _start(self) -> None:
        from playwright.sync_api import Error

        path = find_chromium()
        if path and not os.access(path, os.X_OK):
            raise SandboxUnavailable(f"AGENT_CHROMIUM names `{path}`, which cannot be started; {_MISSING}")
        try:
            self._playwright = driver.hold()
            self._browser = self._playwright.chromium.launch(
                executable_path=path,
                headless=not self._headed,
                args=self._flags(),
                handle_sigint=False,
                handle_sigterm=False,
            )
        except Error as error:
            first = next((one for one in str(error).splitlines() if one.strip()), "")[:200]
            raise SandboxUnavailable(_MISSING if path is None else f"Chromium did not start: {first}") from None
        self._gate = self._browser.new_browser_cdp_session()
        self._gate.on("Fetch.requestPaused", self._judge)
        self._gate.send("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})
        self._context = self.new_context()

    def _flags(self) -> list[str]:
        flags = [*_QUIET, *(["--no-sandbox"] if _is_root() else [])]
        if self._hosts is not None:
            kept = "".join(f", EXCLUDE {host}" for host in self._hosts)
            flags.append(f"--host-resolver-rules=MAP * ~NOTFOUND{kept}")
        return flags

    def new_context(self, scale: float | None = None, viewport: tuple[int, int] | None = None) -> BrowserContext:
        """Another context with cookies and storage of its own, behind the same gate."""
        if self._browser is None:
            raise RuntimeError("the browser was not started")
        width, height = viewport or self._viewport
        context: BrowserContext = self._browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=scale or self._scale,
            locale=self._locale,
            service_workers="block",
            accept_downloads=self._downloads,
        )
        context.route_web_socket("**/*", self._judge_socket)
        return context

    def _allows(self, url: str, method: str, kind: str) -> bool:
        """Ask the gate; whatever goes wrong in it refuses."""
        try:
            allowed = self._may_load(url, method, kind) is True
        except Exception:
            allowed = False
        if not allowed:
            self.refused.append(f"{method} {url[:500]}")
        return allowed

    def _judge(self, event: dict[str, Any]) -> None:
        request, kind = event["request"], event["resourceType"].lower()
        given: dict[str, Any] = {"requestId": event["requestId"]}
        if self._allows(request["url"], request["method"], kind):
            verb = "Fetch.continueRequest"
        elif kind == "document":  # an abort would replace the page by an error page
            verb, given = "Fetch.fulfillRequest", {**given, "responseCode": 204}
        else:
            verb, given = "Fetch.failRequest", {**given, "errorReason": "Aborted"}
        _quietly(lambda: self._gate.send(verb, given))

    def _judge_socket(self, socket: WebSocketRoute) -> None:
        if self._allows(socket.url, "GET", "websocket"):
            socket.connect_to_server()
        else:
            socket.close()


class Driver(threading.local):
    """Playwright's driver, shared by the browsers of one thread: a thread can have only one."""

    running: Playwright | None = None
    users = 0

    def hold(self) -> Playwright:
        from playwright.sync_api import sync_playwright

        if self.running is None:
            self.running = sync_playwright().start()
        self.users += 1
        return self.running

    def release(self) -> None:
        self.users -= 1
        if not self.users and self.running is not None:
            running, self.running = self.running, None
            _quietly(running.stop)


driver = Driver()
"""Hold it to use Playwright beside a `Chromium` in the same thread; release it afterwards."""


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _quietly(end: Callable[[], object]) -> None:
    from playwright.sync_api import Error

    with suppress(Error):
        end()
