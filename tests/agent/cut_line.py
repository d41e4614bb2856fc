"""A wire with scissors between a browser and a site: some requests lose their answer, some never arrive."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Line:
    """`cut` is asked with each request's first line: `answer` (it arrives, its answer does not), `request` (it never
    arrives), or nothing."""

    site: tuple[str, int]
    cuts: dict[str, str] = field(default_factory=dict)
    """First words of a request, as `POST /payment`, to what is cut."""
    times: int = 1_000
    """How many requests are cut; those after it go through."""
    seen: list[str] = field(default_factory=list)
    url: str = ""

    def how(self, line: str) -> str:
        for words, cut in self.cuts.items():
            if line.startswith(words + " ") and self.times > 0:
                self.times -= 1
                return cut
        return ""


@contextmanager
def cut_line(url: str, **told: object) -> Iterator[Line]:
    """A proxy in front of the site at `url`; one request to a connection."""
    found = re.fullmatch(r"http://([^:/]+):(\d+)/?", url)
    assert found
    line = Line((found[1], int(found[2])), **told)  # type: ignore[arg-type]
    server = socket.create_server(("127.0.0.1", 0))
    line.url = f"http://127.0.0.1:{server.getsockname()[1]}/"
    threading.Thread(target=_accept, args=(server, line), daemon=True).start()
    try:
        yield line
    finally:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()


def _accept(server: socket.socket, line: Line) -> None:
    while True:
        try:
            browser, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_one, args=(browser, line), daemon=True).start()


def _one(browser: socket.socket, line: Line) -> None:
    with browser, suppress(OSError):
        request = _request(browser)
        if not request:
            return
        first = request.partition(b"\r\n")[0].decode("latin-1")
        line.seen.append(first)
        how = line.how(first)
        if how == "request":
            return
        answer = _asked(line.site, request)
        if how != "answer":
            browser.sendall(answer)


def _request(browser: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = browser.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        body += browser.recv(65536)
    return _closing(head) + b"\r\n\r\n" + body


def _closing(head: bytes) -> bytes:
    """One request to a connection: neither side keeps it open for another."""
    return re.sub(rb"(?i)\r\nconnection: [^\r]*", b"", head) + b"\r\nConnection: close"


def _asked(site: tuple[str, int], request: bytes) -> bytes:
    with socket.create_connection(site) as there:
        there.sendall(request)
        answer = b""
        while piece := there.recv(65536):
            answer += piece
    return answer
