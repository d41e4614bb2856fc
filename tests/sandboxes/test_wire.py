"""What leaves a browser meets the wire, by whatever way it tries to leave; what cannot meet it cannot leave."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandboxes.base import SandboxUnavailable
from sandboxes.chromium import Chromium
from sandboxes.wire import Held

pytestmark = pytest.mark.browser


class Server:
    """Pages on 127.0.0.1, a WebSocket at `/ws...`, and everything that was asked or said."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.got: list[str] = []
        self.said: list[str] = []
        server = self

        class Answer(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("latin-1")
                if self.path != "/favicon.ico":
                    server.got.append(f"{self.command} {self.path} {body}".strip())
                if self.headers.get("Upgrade", "").lower() == "websocket":
                    return self.socket()
                if self.path.startswith("/hop"):
                    self.send_response(307)
                    self.send_header("Location", "/landed")
                    self.end_headers()
                    return None
                page = server.pages.get(urlsplit(self.path).path, "<p>there").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/javascript" if self.path.endswith(".js") else "text/html")
                if self.path.startswith("/file"):
                    self.send_header("Content-Disposition", "attachment; filename=a.txt")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)
                return None

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

            def socket(self) -> None:
                key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
                self.send_response(101)
                self.send_header("Upgrade", "websocket")
                self.send_header("Connection", "Upgrade")
                accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
                self.send_header("Sec-WebSocket-Accept", accept)
                self.end_headers()
                while head := self.rfile.read(2):
                    if len(head) < 2 or head[0] & 15 == 8:
                        break
                    mask = self.rfile.read(4)
                    text = bytes(b ^ mask[i % 4] for i, b in enumerate(self.rfile.read(head[1] & 127)))
                    server.said.append(text.decode())
                self.close_connection = True

            def log_message(self, format: str, *given: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.ws = self.url.replace("http", "ws")
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Wire:
    """Lets GET go and keeps the rest back, unless told otherwise."""

    def __init__(self) -> None:
        self.seen: list[Held] = []
        self.may: Callable[[Held], bool] = lambda held: held.method == "GET"

    def __call__(self, held: Held) -> bool:
        self.seen.append(held)
        return self.may(held)

    def paths(self) -> set[str]:
        return {f"{held.method} {urlsplit(held.url).path}" for held in self.seen}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    try:
        with Chromium() as started:
            yield started
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture
def wire(chromium: Chromium, server: Server) -> Iterator[Wire]:
    chromium.wire = made = Wire()
    server.pages, server.got, server.said = {}, [], []
    yield made
    left = chromium.context.new_page()  # a browser whose last page goes may go with it
    for page in chromium.context.pages:
        if page is not left:
            page.close()


def until(page: Any, there: Callable[[], bool], bound_ms: int = 4000) -> bool:
    for _ in range(bound_ms // 20):
        if there():
            break
        page.wait_for_timeout(20)
    return there()


def opened(chromium: Chromium, server: Server, html: str) -> Any:
    server.pages["/"] = html
    page = chromium.new_page()
    page.goto(server.url)
    return page


SENDERS = {
    "PUT /put": "fetch('/put', {method: 'PUT', body: 'n=2'})",
    "POST /alive": "fetch('/alive', {method: 'POST', body: 'n=2', keepalive: true})",
    "DELETE /xhr": "const x = new XMLHttpRequest(); x.open('DELETE', '/xhr'); x.send()",
    "POST /beacon": "navigator.sendBeacon('/beacon', 'n=2')",
    "POST /worker": "new Worker('/w.js')",
    "POST /shared": "new SharedWorker('/s.js')",
    "POST /blob": "new Worker(URL.createObjectURL(new Blob([`fetch('${location.origin}/blob', {method: 'POST'})`])))",
    "POST /frame": "const f = document.createElement('iframe'); f.srcdoc = \"<script>fetch('/frame', {method: 'POST'})</script>\"; document.body.append(f)",
    "POST /form": "const f = document.createElement('form'); f.method = 'post'; f.action = '/form'; document.body.append(f); f.submit()",
    "POST /popup": "const f = document.createElement('form'); f.method = 'post'; f.action = '/popup'; f.target = '_blank'; document.body.append(f); f.submit()",
    "POST /ping": "const a = document.createElement('a'); a.href = 'javascript:;'; a.ping = '/ping'; document.body.append(a); a.click()",
    "POST /landed": "fetch('/hop', {method: 'POST', body: 'n=2'})",
}


def test_every_way_of_sending_is_held(chromium: Chromium, server: Server, wire: Wire) -> None:
    wire.may = lambda held: held.method == "GET" or urlsplit(held.url).path == "/hop"
    page = opened(chromium, server, "<body><p id=here>still here</p>")
    server.pages |= {"/w.js": "fetch('/worker', {method: 'POST'})", "/s.js": "fetch('/shared', {method: 'POST'})"}
    for code in SENDERS.values():
        page.evaluate(f"() => {{ {code} }}")
    wanted = set(SENDERS) - {"POST /ping"}  # switched off altogether: `--no-pings`
    assert until(page, lambda: wanted <= wire.paths()), wanted - wire.paths()
    page.wait_for_timeout(150)
    sent = [one for one in server.got if not one.startswith("GET ")]
    assert sent == ["POST /hop n=2"]
    assert page.inner_text("#here") == "still here" and page.url == f"{server.url}/"
    bodies = {urlsplit(one.url).path: one for one in wire.seen}
    assert bodies["/put"].body == b"n=2" and bodies["/put"].sender == server.url
    assert bodies["/landed"].redirected


def test_a_form_that_was_kept_back_can_be_sent_later(chromium: Chromium, server: Server, wire: Wire) -> None:
    form = "<form method=post action=/form><input name=a value=1><button>Go</button></form><script>n = 41</script>"
    page = opened(chromium, server, form)
    page.fill("input", "typed")
    page.click("button", no_wait_after=True)
    assert until(page, lambda: "POST /form" in wire.paths())
    page.wait_for_timeout(100)
    assert (page.input_value("input"), page.evaluate("n + 1"), server.got) == ("typed", 42, ["GET /"])
    wire.may = lambda held: True
    page.click("button")
    assert until(page, lambda: "POST /form a=typed" in server.got)


def test_each_message_on_a_socket_is_held(chromium: Chromium, server: Server, wire: Wire) -> None:
    wire.may = lambda held: held.kind != "message" or held.body == b"hello"
    page = opened(chromium, server, "<p>hi")
    page.evaluate(
        "a => { s = new WebSocket(a + '/ws'); s.onopen = () => { s.send('pay'); s.send('hello') } }", server.ws
    )
    assert until(page, lambda: server.said == ["hello"]), (server.said, wire.paths())
    assert [one.body for one in wire.seen if one.kind == "message"] == [b"pay", b"hello"]


def test_a_socket_may_be_refused(chromium: Chromium, server: Server, wire: Wire) -> None:
    wire.may = lambda held: held.kind != "websocket"
    page = opened(chromium, server, "<p>hi")
    page.evaluate("a => { s = new WebSocket(a + '/ws'); s.onclose = () => { shut = 1 } }", server.ws)
    assert until(page, lambda: page.evaluate("typeof shut") == "number")
    assert "GET /ws" not in server.got


WORKERS = """<body><script>
const code = `try { new WebSocket('WS/ws-blob') } catch {} try { new Worker('data:text/javascript,new WebSocket("WS/ws-nested")') } catch {}
fetch('HTTP/blob')`;
const blob = URL.createObjectURL(new Blob([code]));
new Worker(blob); URL.revokeObjectURL(blob);
new Worker('data:text/javascript,try{new WebSocket("WS/ws-data")}catch{};fetch("HTTP/data",{mode:"no-cors"})');
new Worker(URL.createObjectURL(new Blob([code.replaceAll('blob', 'module')])), {type: 'module'});
new SharedWorker(URL.createObjectURL(new Blob([code.replaceAll('blob', 'sharedblob')])));
new Worker('/w.js'); new SharedWorker('/s.js');
const f = document.createElement('iframe'); document.body.append(f);
new f.contentWindow.Worker(URL.createObjectURL(new Blob([code.replaceAll('blob', 'frame')])));
try { new (Worker.prototype.constructor)(URL.createObjectURL(new Blob([code.replaceAll('blob', 'proto')]))) } catch {}
</script>"""


def test_workers_work_and_open_no_sockets(chromium: Chromium, server: Server, wire: Wire) -> None:
    for name, code in (("w", "worker"), ("s", "shared")):
        server.pages[f"/{name}.js"] = f"try {{ new WebSocket('{server.ws}/ws-{code}') }} catch {{}} fetch('/{code}')"
    page = opened(chromium, server, WORKERS.replace("WS", server.ws).replace("HTTP", server.url))
    ran = {f"GET /{one}" for one in ("blob", "data", "module", "sharedblob", "frame", "proto", "worker", "shared")}
    assert until(page, lambda: ran <= wire.paths()), ran - wire.paths()
    page.wait_for_timeout(200)
    assert [one for one in server.got if "/ws" in one] == []


AHEAD = """<script type=speculationrules>{"prefetch": [{"source": "list", "urls": ["/ahead-prefetch"]}],
"prerender": [{"source": "list", "urls": ["/ahead-prerender"]}]}</script>
<link rel=prefetch href=/ahead-link><link rel=preload as=image href=/ahead-preload>"""


def test_nothing_is_loaded_ahead_past_the_wire(chromium: Chromium, server: Server, wire: Wire) -> None:
    wire.may = lambda held: "ahead" not in held.url
    page = opened(chromium, server, AHEAD)
    page.wait_for_timeout(700)
    assert [one for one in server.got if "ahead" in one] == []


def test_no_datagram_leaves(chromium: Chromium, server: Server, wire: Wire) -> None:
    got: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(1.0)
        port = listening.getsockname()[1]
        opened(
            chromium,
            server,
            f"""<script>
            try {{ const c = new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.1:{port}'}}]}});
              c.createDataChannel('x'); c.createOffer().then((o) => c.setLocalDescription(o)) }} catch {{}}
            try {{ new WebTransport('https://127.0.0.1:{port}/') }} catch {{}}
            const f = document.createElement('iframe'); document.documentElement.append(f);
            try {{ new f.contentWindow.WebTransport('https://127.0.0.1:{port}/') }} catch {{}}
            </script>""",
        ).wait_for_timeout(300)
        with contextlib.suppress(TimeoutError):
            got.append(listening.recv(2000))
    assert got == []


UNDER = """<body><script>
for (const [name, more] of [['classic', {}], ['module', {type: 'module'}], ['plain', {}], ['nested', {}]])
  new Worker(`/${name}.js`, more);
new SharedWorker('/shared.js'); new SharedWorker('/sharedmodule.js', {type: 'module'});
</script>"""
LEAKS = """'use strict';
const told = [(function () { return this })() === undefined, typeof WebTransport];
try { new WebTransport('https://127.0.0.1:PORT/') } catch {} try { new WebSocket('WS/ws') } catch {}
const inner = `try { new WebTransport('https://127.0.0.1:PORT/') } catch {} fetch('HTTP/inner')`;
try { new Worker(URL.createObjectURL(new Blob([inner]))) } catch { told.push('no inner') }
try { new Worker('data:text/javascript,' + encodeURIComponent(inner)) } catch { told.push('no data') }
fetch('/NAME-' + told.join('-').replaceAll(' ', ''))"""


def test_workers_with_an_address_of_their_own_send_no_datagram_and_run_as_they_should(
    chromium: Chromium, server: Server, wire: Wire
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.7)
        names = ("classic", "module", "shared", "sharedmodule", "plain")
        leaks = LEAKS.replace("PORT", str(listening.getsockname()[1])).replace("WS", server.ws)
        for name in names:
            server.pages[f"/{name}.js"] = leaks.replace("HTTP", server.url).replace("NAME", name)
        server.pages["/nested.js"] = "new Worker('/below.js')"
        server.pages["/below.js"] = leaks.replace("HTTP", server.url).replace("NAME", "below")
        page = opened(chromium, server, UNDER)

        def told(name: str) -> list[str]:
            return [one for one in server.got if one.startswith(f"GET /{name}-")]

        assert until(page, lambda: all(map(told, (*names, "below")))), server.got
        for name in (*names, "below"):
            inner = "" if "shared" in name else "-noinner-nodata"
            assert told(name)[0].startswith(f"GET /{name}-true-undefined{inner}"), server.got
        with pytest.raises(TimeoutError):
            listening.recv(2000)
    assert [one for one in server.got if "/ws" in one or one == "GET /inner"] == []


def test_a_download_meets_the_wire(chromium: Chromium, server: Server, wire: Wire) -> None:
    wire.may = lambda held: "file" not in held.url
    page = opened(chromium, server, "<a href=/file download>get</a>")
    page.click("a")
    assert until(page, lambda: "GET /file" in wire.paths())
    assert "GET /file" not in server.got and page.url == f"{server.url}/"


def test_an_uploaded_file_is_not_readable_and_says_so(
    chromium: Chromium, server: Server, wire: Wire, tmp_path: Any
) -> None:
    (tmp_path / "a.txt").write_text("inside the file")
    form = "<form method=post action=/up enctype=multipart/form-data><input type=file name=f><button>Go</button></form>"
    page = opened(chromium, server, form)
    page.set_input_files("input", tmp_path / "a.txt")
    page.click("button", no_wait_after=True)
    assert until(page, lambda: "POST /up" in wire.paths())
    [one] = [held for held in wire.seen if held.method == "POST"]
    assert not one.readable or b"inside the file" in one.body


def test_a_wire_that_raises_keeps_everything_back(chromium: Chromium, server: Server, wire: Wire) -> None:
    page = opened(chromium, server, "<p>hi")
    wire.may = lambda held: 1 / 0 > 0
    page.evaluate("() => { fetch('/x').catch(() => failed = 1) }")
    assert until(page, lambda: page.evaluate("typeof failed") == "number")
    assert "GET /x" not in server.got
