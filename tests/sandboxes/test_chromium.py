from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandboxes.base import SandboxUnavailable
from sandboxes.chromium import Chromium, http_only

ROOT = Path(__file__).parents[2]


class Site:
    """Serves pages on 127.0.0.1 and writes down every request; under `/away/` it redirects to `localhost`."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.asked: list[str] = []
        site = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host = self.headers["Host"].split(":")[0]
                site.asked.append(f"{host}{self.path}")
                if self.path.startswith("/away/"):
                    self.send_response(302)
                    self.send_header("Location", f"{site.other}/{self.path[6:]}")
                    self.end_headers()
                    return
                body = site.pages.get(self.path, "").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/javascript" if self.path.endswith(".js") else "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *given: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.other = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def refused_host_was_asked(self) -> list[str]:
        return [one for one in self.asked if one.startswith("localhost")]


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    def gate(url: str, method: str, kind: str) -> bool:
        if "explode" in url:
            raise RuntimeError("a gate that fails")
        return http_only(url, method, kind) and urlsplit(url).hostname == "127.0.0.1"

    try:
        with Chromium(may_load=gate) as started:
            yield started
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))


def wait_for(chromium: Chromium, there: Callable[[], bool], bound_s: float = 5.0) -> bool:
    """Let the browser's events through until something is so."""
    page, end = chromium.context.pages[-1], time.monotonic() + bound_s
    while not there() and time.monotonic() < end:
        page.wait_for_timeout(20)
    return there()


@pytest.mark.parametrize(
    ("url", "kind", "allowed"),
    [
        ("https://example.com/", "document", True),
        ("ws://example.com/", "websocket", True),
        ("data:image/png;base64,AA==", "image", True),
        ("blob:http://example.com/1", "script", True),
        ("data:text/html,hi", "document", False),
        ("blob:http://example.com/1", "document", False),
        ("file:///etc/passwd", "document", False),
        ("file:///etc/passwd", "image", False),
        ("javascript:alert(1)", "document", False),
        ("chrome://settings", "document", False),
        ("", "document", False),
    ],
)
def test_the_default_gate_lets_only_the_web_through(url: str, kind: str, allowed: bool) -> None:
    assert http_only(url, "GET", kind) is allowed


REDIRECTED = """<img src="/away/img"><link rel=stylesheet href="/away/css"><script src="/away/script.js"></script>
<iframe src="/away/frame"></iframe><video src="/away/video"></video>
<script>fetch('/away/fetch').catch(() => 0); navigator.sendBeacon('/away/beacon'); new Worker('/worker.js');
const link = document.createElement('link'); link.rel = 'prefetch'; link.href = '/away/prefetch';
document.head.append(link);
</script>"""


@pytest.mark.browser
def test_a_refused_host_gets_no_request_by_any_redirect(chromium: Chromium, site: Site) -> None:
    site.pages = {
        "/": REDIRECTED,
        "/worker.js": "fetch('/away/worker').catch(() => 0); importScripts('/away/import.js')",
    }
    page = chromium.new_page()
    page.goto(site.url)
    wanted = {"img", "css", "script.js", "frame", "video", "fetch", "worker", "import.js"}
    refused = lambda: {one.rpartition("/")[2] for one in chromium.refused if site.other in one}  # noqa: E731
    assert wait_for(chromium, lambda: wanted <= refused()), refused()
    with contextlib.suppress(Exception):
        page.goto(f"{site.url}/away/page")
    assert page.url == f"{site.url}/", "a refused navigation leaves the page as it was"
    assert site.refused_host_was_asked() == []
    page.close()


@pytest.mark.browser
def test_forms_and_popups_meet_the_gate_too(chromium: Chromium, site: Site) -> None:
    site.pages = {"/": f'<form method=post action="{site.other}/form"><button>Go</button></form>'}
    page = chromium.new_page()
    page.goto(site.url)
    page.click("button")
    page.evaluate(f"void open('{site.other}/popup'), void open('/away/popup2')")
    done = lambda: {"form", "popup", "popup2"} <= {one.rpartition("/")[2] for one in chromium.refused}  # noqa: E731
    assert wait_for(chromium, done), chromium.refused
    assert site.refused_host_was_asked() == []
    for one in chromium.context.pages:
        one.close()


@pytest.mark.browser
def test_a_gate_that_fails_refuses(chromium: Chromium, site: Site) -> None:
    site.pages = {"/": "<img src=/explode>"}
    page = chromium.new_page()
    page.goto(site.url)
    assert f"GET {site.url}/explode" in chromium.refused
    assert "127.0.0.1/explode" not in site.asked
    page.close()


@pytest.mark.browser
def test_websockets_meet_the_gate(chromium: Chromium, site: Site) -> None:
    page = chromium.new_page()
    page.goto(site.url)
    address = site.other.replace("http", "ws")
    closed = "a => new Promise(r => { const s = new WebSocket(a); s.onclose = () => r('closed'); })"
    assert page.evaluate(closed, f"{address}/socket") == "closed"
    assert f"GET {address}/socket" in chromium.refused
    assert site.refused_host_was_asked() == []
    page.close()


@pytest.mark.browser
def test_service_workers_are_not_installed(chromium: Chromium, site: Site) -> None:
    site.pages = {"/": "<p>hi", "/sw.js": "self.onfetch = () => {}"}
    page = chromium.new_page()
    page.goto(site.url)
    page.evaluate(
        """async () => { try { await Promise.race([
            ServiceWorkerContainer.prototype.register.call(navigator.serviceWorker, '/sw.js'),
            new Promise(r => setTimeout(r, 300))]); } catch {} }"""
    )
    assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0
    assert "127.0.0.1/sw.js" not in site.asked
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("address", ["file:///etc/hostname", "data:text/html,<p>hi", "chrome://version"])
def test_a_page_cannot_lead_out_of_the_web(chromium: Chromium, site: Site, address: str) -> None:
    site.pages = {"/": f'<a href="{address}">out</a>'}
    page = chromium.new_page()
    page.goto(site.url)
    page.click("a")
    page.evaluate("a => { try { location = a } catch {} }", address)
    page.wait_for_timeout(100)
    assert page.url == f"{site.url}/"
    page.close()


@pytest.mark.browser
def test_no_other_host_resolves_when_hosts_are_named(site: Site) -> None:
    worker = f"fetch('{site.other}/fetch').catch(() => 0); new WebSocket('{site.other.replace('http', 'ws')}/socket')"
    site.pages = {"/": "<script>const w = new Worker('/w.js'); w.onerror = () => 0</script>", "/w.js": worker}
    with Chromium(hosts=["127.0.0.1"]) as chromium:
        page = chromium.new_page()
        page.goto(site.url)
        assert wait_for(chromium, lambda: "127.0.0.1/w.js" in site.asked)
        page.wait_for_timeout(300)
    assert site.refused_host_was_asked() == []


@pytest.mark.browser
def test_closing_twice_is_fine_and_nothing_is_there_before_the_start() -> None:
    never = Chromium()
    never.close()
    with pytest.raises(RuntimeError, match="not started"):
        _ = never.context
    with pytest.raises(RuntimeError, match="not started"):
        never.new_context()


@pytest.mark.parametrize("path", ["/nowhere/chromium", "/bin/false"])
def test_a_missing_chromium_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("AGENT_CHROMIUM", path)
    with pytest.raises(SandboxUnavailable) as told, Chromium():
        pass
    assert len(str(told.value).splitlines()) == 1 and str(told.value)


CHILD = """
import sys, time
from sandboxes.chromium import Chromium
with Chromium() as chromium:
    chromium.new_page()
    print("up", flush=True)
    time.sleep(60)
"""


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found |= {int(stat.parent.name)} | descendants(int(stat.parent.name))
    return found


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.browser
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_the_browser_ends_with_a_process_that_is_killed() -> None:
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, env=surroundings) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == b"up\n"
        family = descendants(parent.pid)
        assert len(family) >= 3
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 10
    while any(map(alive, family)) and time.monotonic() < end:
        time.sleep(0.05)
    assert [pid for pid in family if alive(pid)] == []
