"""What was sent and never answered is known, and the browser does not send it again by itself."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandboxes.chromium import Chromium
from sandboxes.unanswered import Unanswered

pytestmark = pytest.mark.browser

PAGE = (
    b"<title>x</title><form method=post action=/pay><input name=a value=1><button>Pay</button></form>"
    b"<button onclick=\"fetch('/ping', { method: 'POST', body: 'x' })\">Ping</button>"
)


@contextmanager
def rude(reset: bool) -> Iterator[tuple[str, list[str]]]:
    """A server that keeps connections open for more, and closes them on every POST without a word."""
    got: list[str] = []

    def one(connection: socket.socket) -> None:
        data = b""
        with connection:
            while True:
                while b"\r\n\r\n" not in data:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    data += piece
                head, _, rest = data.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                while length and len(rest) < int(length[1]):
                    rest += connection.recv(65536)
                data = rest[int(length[1]) if length else 0 :]
                first = head.split(b"\r\n")[0].decode()
                got.append(first.removesuffix(" HTTP/1.1"))
                if first.startswith("POST"):
                    if reset:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                kept = b"close" if b"Connection: close" in head else b"keep-alive"
                told = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: %s\r\ncontent-length: %d\r\n\r\n"
                connection.sendall(told % (kept, len(PAGE)) + PAGE)
                if kept == b"close":
                    return

    server = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", got
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_lost_answer_is_known_and_nothing_is_sent_again(reset: bool) -> None:
    with rude(reset) as (origin, got), Chromium(wire=lambda held: True) as chromium:
        unanswered = Unanswered(chromium.context)
        page = chromium.new_page()
        page.goto(f"{origin}/")
        with page.expect_event("requestfailed"):
            page.get_by_role("button", name="Ping").click()
        assert unanswered.lost({f"POST {origin}/other"}) == (), "what the page sends beside is its own business"
        with page.expect_event("requestfailed"):
            page.get_by_role("button", name="Pay").click(no_wait_after=True)
        [line] = unanswered.lost({f"POST {origin}/pay"})
        assert line.startswith(f"POST {origin}/pay: ERR_") and unanswered.lost({f"POST {origin}/pay"}) == ()
        page.wait_for_timeout(300)
    assert got.count("POST /pay") == 1 and got.count("POST /ping") == 1
