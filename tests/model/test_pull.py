"""`agent model pull` against a hub that runs here: what it takes, and that a cut download goes on where it ended."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

NAME = "someone/tuned"
SHA = "0123456789abcdef0123456789abcdef01234567"
PROGRAM = (
    "import sys; from pathlib import Path; from model.hub import pull; from model.base import ModelError\n"
    "for _ in range(2):\n"
    "    try: print('whole', pull(sys.argv[1], Path(sys.argv[2])))\n"
    "    except ModelError as error: print('cut', error)"
)
CHUNK = 10 * 2**20
"""What huggingface_hub writes at a time: of less there is nothing to go on from."""


class Hub(BaseHTTPRequestHandler):
    """A repository of a few files. `cut` bytes into the weights the line goes dead, and stays so for a while."""

    files: dict[str, bytes]
    cut: int
    dead: int
    asked: list[tuple[str, str]]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/"):
            listed = [
                {"type": "file", "path": name, "size": len(data), "oid": SHA} for name, data in self.files.items()
            ]
            told: Any = listed if "/tree/" in path else {"id": NAME, "sha": SHA}
            self._send(200, json.dumps(told).encode(), body, {"Content-Type": "application/json"})
            return
        name = path.rpartition("/")[2]
        data = self.files.get(name, b"")
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if body:
            self.asked.append((name, self.headers.get("Range", "")))
        if body and name.endswith(".safetensors") and type(self).dead:
            type(self).dead -= 1
            self._send(503 if start else 200, data[start:], body, self._about(data), most=self.cut)
            self.close_connection = True
            return
        self._send(206 if start else 200, data[start:], body, self._about(data, start))

    def _about(self, data: bytes, start: int = 0) -> dict[str, str]:
        ranged = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        return {
            "ETag": f'"{hashlib.sha256(data).hexdigest()}"',
            "X-Repo-Commit": SHA,
            "Accept-Ranges": "bytes",
            **ranged,
        }

    def _send(self, code: int, data: bytes, body: bool, headers: dict[str, str], most: int = 2**40) -> None:
        self.send_response(code)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(data[:most])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[tuple[str, type[Hub]]]:
    files = {
        "config.json": b"{}",
        "model.safetensors": bytes(range(256)) * 96_000,
        "pytorch_model.bin": b"pickle",
        "modeling_own.py": b"raise SystemExit",
    }
    kind: Any = type("Mine", (Hub,), {"files": files, "cut": 12_000_000, "dead": 0, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", kind
    server.shutdown()
    server.server_close()


def pulled_twice(address: str, folder: Path) -> list[str]:
    env = {"PATH": "", "HF_ENDPOINT": address, "HF_HOME": str(folder / "home"), "PYTHONPATH": "."}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, NAME, str(folder / "to")], capture_output=True, text=True, check=True, env=env
    )
    return done.stdout.splitlines()


def test_a_cut_download_goes_on_where_it_ended(hub: tuple[str, type[Hub]], tmp_path: Path) -> None:
    address, kind = hub
    kind.dead = 6  # as often as the client tries within one call
    first, second = pulled_twice(address, tmp_path)
    assert first.startswith("cut cannot fetch someone/tuned: ") and "run it again to go on where it ended" in first
    assert second == f"whole {tmp_path / 'to'}"
    ranges = [given for name, given in kind.asked if name == "model.safetensors"]
    assert ranges[0] == "" and ranges[-1] == f"bytes={CHUNK}-" and "" not in ranges[1:]
    found = {path.name: path.read_bytes() for path in (tmp_path / "to").iterdir() if path.is_file()}
    assert found == {name: kind.files[name] for name in ("config.json", "model.safetensors")}


def test_what_was_pulled_is_not_fetched_again_and_what_was_damaged_is(
    hub: tuple[str, type[Hub]], tmp_path: Path
) -> None:
    address, kind = hub
    weights = kind.files["model.safetensors"]
    (tmp_path / "to").mkdir()
    (tmp_path / "to/model.safetensors").write_bytes(b"!" + weights[1:])
    assert pulled_twice(address, tmp_path) == [f"whole {tmp_path / 'to'}"] * 2
    assert (tmp_path / "to/model.safetensors").read_bytes() == weights
    assert [name for name, _ in kind.asked].count("model.safetensors") == 1
