"""A throw-away Chromium: a fresh profile, no background traffic, every request through one gate.

The gate sits under the whole browser: it sees every request of every page, frame, worker and pop-up, and each hop of
a redirect by itself, before it is sent. While this process computes and does not talk to the browser, requests wait.
`hosts` is a second wall below it, in the browser's name resolution, which also holds for what no gate sees.

What would go past the gate is switched off: pages are not loaded ahead (speculation rules, prerendering) by the
profile's own preferences; WebRTC, WebTransport and WebSockets in workers by `page_wall.js`, and for workers with an
address of their own by `worker_wall.js`, which is put before their script, and by a header that is added to it.

Chromium's own sandbox is switched off when this process runs as root, because Chromium refuses to start otherwise;
run as an ordinary user to keep it. Chromium ends with this process, however that ends.

What this does not protect against: a page that exploits the browser itself; whatever the allowed hosts do with what
they are sent; and, without `hosts`, WebSockets opened inside workers and peer-to-peer connections (WebRTC).
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from sandboxes.base import SandboxUnavailable
from sandboxes.wire import Held, WireJudge, answer, held_from, message_from

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
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
)
_PREFERENCES = {"net": {"network_prediction_options": 2}, "webrtc": {"ip_handling_policy": "disable_non_proxied_udp"}}
"""No page is loaded ahead: what is loaded ahead passes no gate."""
_NO_SOCKETS = {"name": "Content-Security-Policy", "value": "connect-src http: https: data: blob:"}
"""For the scripts of workers: everything but WebSockets, which no gate sees there."""
_OF_THE_BODY = frozenset({"content-length", "content-encoding", "transfer-encoding"})
_STRICT = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|//[^\n]*\n|/\*.*?\*/)*(['\"])use strict\1", re.DOTALL)
_READS = frozenset({"GET", "HEAD"})
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
        wire: asked, after `may_load`, for every request as it is about to be sent, its body included, and for every
            message on a WebSocket. One that raises refuses.
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
        wire: WireJudge | None = None,
    ) -> None:
        self._viewport = viewport
        self._scale = scale
        self._locale = locale
        self._headed = headed
        self._may_load = may_load
        self._downloads = downloads
        self._hosts = hosts
        self.wire = wire
        """May be exchanged between two runs; never while a page is at work."""
        self._profile: tempfile.TemporaryDirectory[str] | None = None
        self._playwright: Playwright | None = None
        self._context: BrowserContext | None = None
        self._browser: Any = None
        self._root: Any = None
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
    def alive(self) -> bool:
        """Whether the browser was started and has not gone."""
        return self._browser is not None and bool(self._browser.is_connected())

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
        browser, root, playwright, profile = self._browser, self._root, self._playwright, self._profile
        self._browser = self._root = self._context = self._playwright = self._profile = None
        for open_ in (browser, root):
            if open_ is not None:
                _quietly(open_.close)
        if playwright is not None:
            driver.release()
        if profile is not None:
            profile.cleanup()

    def _start(self) -> None:
        from playwright.sync_api import Error

        path = find_chromium()
        if path and not os.access(path, os.X_OK):
            raise SandboxUnavailable(f"AGENT_CHROMIUM names `{path}`, which cannot be started; {_MISSING}")
        try:
            self._playwright = driver.hold()
            self._root = self._playwright.chromium.launch_persistent_context(
                self._new_profile(),
                executable_path=path,
                headless=not self._headed,
                args=self._flags(),
                handle_sigint=False,
                handle_sigterm=False,
            )
            self._browser = self._root.browser
        except Error as error:
            first = next((one for one in str(error).splitlines() if one.strip()), "")[:200]
            raise SandboxUnavailable(_MISSING if path is None else f"Chromium did not start: {first}") from None
        self._gate = self._browser.new_browser_cdp_session()
        self._gate.on("Fetch.requestPaused", self._judge)
        scripts_of_workers = {"urlPattern": "*", "resourceType": "Other", "requestStage": "Response"}
        self._gate.send("Fetch.enable", {"patterns": [{"urlPattern": "*"}, scripts_of_workers]})
        self._context = self.new_context()

    def _new_profile(self) -> str:
        """A folder for the browser's profile, with the preferences that no command line can set."""
        self._profile = tempfile.TemporaryDirectory(prefix="deskhand-chromium-", ignore_cleanup_errors=True)
        folder = Path(self._profile.name) / "Default"
        folder.mkdir()
        (folder / "Preferences").write_text(json.dumps(_PREFERENCES))
        return self._profile.name

    def _flags(self) -> list[str]:
        flags = [*_QUIET, *(["--no-sandbox"] if _is_root() else [])]
        if self._hosts is not None:
            kept = "".join(f", EXCLUDE {host}" for host in self._hosts)
            flags.append(f"--host-resolver-rules=MAP * ~NOTFOUND{kept}")
        return flags

    def like(self, wire: WireJudge) -> Chromium:
        """Another browser, not started, with the same settings and another judge at its wire; it has no window."""
        return Chromium(self._viewport, self._scale, self._locale, False, self._may_load, False, self._hosts, wire)

    def new_context(
        self, scale: float | None = None, viewport: tuple[int, int] | None = None, storage: Any = None
    ) -> BrowserContext:
        """Another context behind the same gate, with cookies and storage of its own, or with those of `storage`."""
        if self._browser is None:
            raise RuntimeError("the browser was not started")
        width, height = viewport or self._viewport
        context: BrowserContext = self._browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=scale or self._scale,
            locale=self._locale,
            service_workers="block",
            accept_downloads=self._downloads,
            storage_state=storage,
        )
        context.add_init_script(path=Path(__file__).parent / "page_wall.js")
        context.route_web_socket("**/*", self._judge_socket)
        return context

    def _allows(self, held: Held) -> bool:
        """Ask the gate, then the wire; whatever goes wrong in them refuses."""
        try:
            allowed = self._may_load(held.url, held.method, held.kind) is True
            allowed = allowed and (self.wire is None or self.wire(held) is True)
        except Exception:
            allowed = False
        if not allowed:
            self.refused.append(f"{held.method} {held.url[:500]}")
        return allowed

    def _judge(self, event: dict[str, Any]) -> None:
        if "responseStatusCode" in event or "responseErrorReason" in event:
            verb, given = self._walled(event)
        else:
            verb, given = answer(self._allows(held_from(event)), event)
            if verb == "Fetch.continueRequest" and event["request"]["method"] in _READS:
                given = {**given, "headers": _unshared(event["request"].get("headers", {}))}
        _quietly(lambda: self._gate.send(verb, given))

    def _walled(self, event: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """An answer on its way to what may become a worker: its script gets what stands before it, and a header.

        INVARIANT (no way past the wire): a script in which nothing can be put does not arrive.
        """
        verb, given = _without_sockets(event)
        status = event.get("responseStatusCode", 0)
        if verb != "Fetch.continueResponse" or not 200 <= status < 300 or _no_script(event):
            return verb, given
        try:
            told = self._gate.send("Fetch.getResponseBody", {"requestId": event["requestId"]})
            body = base64.b64decode(told["body"]) if told["base64Encoded"] else told["body"].encode()
        except Exception:
            return "Fetch.failRequest", {"requestId": event["requestId"], "errorReason": "BlockedByClient"}
        headers = [one for one in given["responseHeaders"] if one["name"].lower() not in _OF_THE_BODY]
        walled = base64.b64encode(_before_scripts(body) + body).decode()
        return "Fetch.fulfillRequest", {**given, "responseHeaders": headers, "body": walled}

    def _judge_socket(self, socket: WebSocketRoute) -> None:
        if not self._allows(Held(socket.url, "GET", "websocket")):
            socket.close()
            return
        server = socket.connect_to_server()
        if self.wire is None:
            return

        def said(message: str | bytes) -> None:
            if self._allows(message_from(socket.url, message)):
                server.send(message)

        socket.on_message(said)


def _unshared(headers: dict[str, str]) -> list[dict[str, str]]:
    """The headers of a read, which also asks for its connection to be closed afterwards.

    Chromium sends a request again by itself, a purchase too, when a connection that was used before is closed under it
    without an answer. Where reads leave no used connection behind, it does not: what is lost then stays lost, and is
    looked for. Ways of HTTP that share one connection for everything (HTTP/2) take no notice of this header.
    """
    kept = [{"name": name, "value": value} for name, value in headers.items() if name.lower() != "connection"]
    return [*kept, {"name": "Connection", "value": "close"}]


def _without_sockets(event: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """An answer on its way to what may become a worker, with the header that forbids it WebSockets."""
    given: dict[str, Any] = {"requestId": event["requestId"]}
    if "responseErrorReason" in event:
        return "Fetch.continueResponse", given
    headers = [*event.get("responseHeaders", []), _NO_SOCKETS]
    return "Fetch.continueResponse", {**given, "responseCode": event["responseStatusCode"], "responseHeaders": headers}


def _no_script(event: dict[str, Any]) -> bool:
    """Whether it calls itself something that Chromium runs as no worker. Its word for anything else counts nothing."""
    kinds = (one["value"] for one in event.get("responseHeaders", []) if one["name"].lower() == "content-type")
    return next(kinds, "").strip().lower().startswith(("image/", "audio/", "video/", "font/"))


@cache
def _wall() -> bytes:
    lines = (Path(__file__).parent / "worker_wall.js").read_text(encoding="utf-8").splitlines()
    return " ".join(line.strip() for line in lines if not line.startswith("//")).encode()


def _before_scripts(body: bytes) -> bytes:
    """What stands before a worker's script, in one line, so that lines keep their numbers; a strict one stays so."""
    return (b"'use strict';" if _STRICT.match(body) else b"") + _wall()


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
