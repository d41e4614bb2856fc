"""What a scoring jail asks for is fetched here: requests to the guest, and files that the task names by address.

Only the guest's own host is spoken to, at its own port and, where they are given, at those of its browser and its
player. Any other address is served from the cache of assets when the task names it, and else refused. The guest's token
is put on here; the jail never sees it.
"""

from __future__ import annotations

import base64
import http.client
import os
import re
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from osworld_eval.osworld.assets import AssetError, Assets

__all__ = ["Errands"]

MOST_ANSWER = 512 * 2**20
"""Bytes of one answer of the guest's."""
MOST_ALL = 2**31
"""Bytes of all answers for one scoring."""
MOST_ASKED = 4000
_MOST_INLINE = 65536
_PIECE = 2**18
_BOUND_S = 120.0
_HOST = "127.0.0.1"
"""What the jail takes for the guest's host."""
_METHODS = frozenset({"GET", "POST", "HEAD"})


class Errands:
    """Carries out what one scoring asks for.

    Args:
        guest: `http://HOST:PORT`.
        token: for the guest's own port alone.
        ports: see `Scorer.score`.
        assets: where files by address come from.
        urls: addresses that the task names; no other is fetched.
        handed: the folder that the jail reads.

    Raises:
        ValueError: the address is none.
    """

    def __init__(
        self,
        guest: str,
        token: str | None,
        ports: Mapping[str, int],
        assets: Assets,
        urls: tuple[str, ...],
        handed: Path,
    ) -> None:
        shape = urlsplit(guest)
        if shape.scheme != "http" or not shape.hostname or shape.path not in ("", "/") or shape.query:
            raise ValueError(f"`{guest[:120]}` is no guest, expected an address like `http://127.0.0.1:5000`")
        if token is not None and re.search(r"[\s\x00-\x1f]", token):
            raise ValueError("the guest's token must be a single word")
        self._host, self._server = shape.hostname, shape.port or 5000
        self._token = token
        self._ports = dict(ports)
        self._assets = assets
        self._urls = frozenset(urls)
        self._handed = handed
        self._taken = self._asked = 0
        self._door: socket.socket | None = None
        self.notes: list[str] = []
        """What could not be had, one line each."""

    @property
    def inside(self) -> dict[str, int]:
        """Ports as the jail knows them."""
        return {"server": self._server, **self._ports}

    def answer(self, told: Mapping[str, Any], until: float) -> dict[str, Any]:
        """Carry out one request. What comes back is the message to send; it is never an exception of the guest's."""
        self._asked += 1
        if self._asked > MOST_ASKED:
            return self._gone(f"more than {MOST_ASKED} requests were made")
        try:
            method, url = str(told["method"]), str(told["url"])
            headers = {str(name): str(value) for name, value in dict(told.get("headers") or {}).items()}
            body = None if told.get("body") is None else base64.b64decode(told["body"], validate=True)
            bound = min(float(told.get("bound_s") or _BOUND_S), until - time.monotonic())
            shape = urlsplit(url)
            port = shape.port or 80
        except (KeyError, TypeError, ValueError):
            return self._gone("this is no request")
        if bound <= 0:
            return self._gone("no time is left", late=True)
        if url in self._urls and method == "GET":
            return self._asset(url)
        if shape.scheme == "http" and shape.hostname == _HOST and method in _METHODS:
            if port in (self._server, self._ports.get("vlc"), self._ports.get("chromium")):
                path = (shape.path or "/") + (f"?{shape.query}" if shape.query else "")
                return self._guest(method, port, path, headers, body, bound)
            return self._gone(f"port {port} of the guest is none that was given", refused=True)
        words = f"{shape.scheme}://{shape.hostname} is not let through"
        if "publicsuffix" in url:  # a list of domains, of which upstream's library has a copy of its own
            return {"gone": words, "late": False, "refused": True}
        return self._gone(words, refused=True)

    def open_browser(self) -> None:
        """Let the jail connect to the guest's browser: a socket in the folder that is handed in."""
        port = self._ports.get("chromium")
        if port is None:
            return
        self._door = socket.socket(socket.AF_UNIX)
        at = os.open(self._handed, os.O_PATH)
        try:
            self._door.bind(f"/proc/self/fd/{at}/browser")  # the folder's own name may be too long for a socket
        finally:
            os.close(at)
        self._door.listen(16)
        threading.Thread(target=self._serve, args=(self._door, port), daemon=True).start()

    def close(self) -> None:
        """Let nobody through any more. May be called twice."""
        door, self._door = self._door, None
        if door is not None:
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)
            door.close()

    def _serve(self, door: socket.socket, port: int) -> None:
        while True:
            try:
                inner, _ = door.accept()
            except OSError:
                return
            try:
                outer = socket.create_connection((self._host, port), 10)
            except OSError:
                inner.close()
                continue
            outer.settimeout(None)
            for pair in ((inner, outer), (outer, inner)):
                threading.Thread(target=_carry, args=pair, daemon=True).start()

    def _guest(
        self, method: str, port: int, path: str, headers: dict[str, str], body: bytes | None, bound: float
    ) -> dict[str, Any]:
        until = time.monotonic() + bound
        sent = {name: value for name, value in headers.items() if name.lower() not in _OURS}
        if self._token is not None and port == self._server:
            sent = {name: value for name, value in sent.items() if name.lower() != "authorization"}
            sent["Authorization"] = f"Bearer {self._token}"
        line = http.client.HTTPConnection(self._host, port, timeout=min(bound, 20))
        try:
            line.connect()
            line.sock.settimeout(bound)
            line.request(method, path, body, {**sent, "Connection": "close", "Accept-Encoding": "identity"})
            answer = line.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() in _KEPT}
            told = self._body(line, answer, until)
            return {"status": answer.status, "headers": kept, **told}
        except TimeoutError:
            return self._gone(f"the guest did not answer within {bound:.0f} s ({path[:80]})", late=True)
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = " ".join(str(error).split())[:120] or type(error).__name__
            return self._gone(f"the guest broke off ({path[:80]}): {why}")
        finally:
            line.close()

    def _body(self, line: http.client.HTTPConnection, answer: http.client.HTTPResponse, until: float) -> dict[str, str]:
        """An answer's body: told as it is when small, else as a file that is handed in. Raises `ValueError`."""
        most = min(MOST_ANSWER, MOST_ALL - self._taken)
        if (answer.length or 0) > most:
            raise ValueError(f"its answer is larger than {most >> 20} MiB")
        piece = answer.read(_MOST_INLINE)
        self._taken += len(piece)
        if len(piece) < _MOST_INLINE:
            return {"body": base64.b64encode(piece).decode()}
        path = self._handed / f"answer-{secrets.token_hex(8)}"
        size = len(piece)
        with path.open("xb") as file:
            while piece:
                file.write(piece)
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                if line.sock is not None:
                    line.sock.settimeout(left)
                piece = answer.read1(_PIECE)
                size += len(piece)
                if size > most:
                    path.unlink()
                    raise ValueError(f"its answer is larger than {most >> 20} MiB")
        self._taken += size - _MOST_INLINE
        if answer.length:
            raise http.client.IncompleteRead(b"")
        return {"file": path.name}

    def _asset(self, url: str) -> dict[str, Any]:
        try:
            asset = self._assets.get(url)
        except AssetError as problem:
            self._gone(str(problem))
            return {"status": 404, "headers": {}, "body": ""}
        path = self._handed / f"answer-{secrets.token_hex(8)}"
        give(asset.path, path)
        return {"status": 200, "headers": {"Content-Length": str(asset.size)}, "file": path.name}

    def _gone(self, words: str, late: bool = False, refused: bool = False) -> dict[str, Any]:
        """Note that something could not be had; what is answered where there is no answer."""
        if words not in self.notes and len(self.notes) < 20:
            self.notes.append(words)
        return {"gone": words, "late": late, "refused": refused}


_OURS = frozenset({"host", "connection", "accept-encoding", "content-length", "transfer-encoding"})
"""Headers that are this side's to say."""
_KEPT = frozenset({"content-type", "content-disposition", "location", "content-length"})


def give(path: Path, to: Path) -> None:
    """Put a file where the jail can read it: the same one where the file system allows, else a copy."""
    try:
        to.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, to, follow_symlinks=False)


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while piece := one.recv(65536):
            other.sendall(piece)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
