"""Runs of the real command as processes, and small shops for them to buy in."""

from __future__ import annotations

import html
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from agent.audit.verify import Verdict, verify
from osworld_eval.rows.faults import family

ROOT = Path(__file__).resolve().parents[2]
DRIVE = Path(__file__).parent / "drive.py"
BOOK = ROOT / "tasks" / "book_flight.yaml"
CARD, CVC = "4242424242424242", "737"


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return {**kept, "PYTHONPATH": str(ROOT), "DEMO_CARD": CARD, "DEMO_CVC": CVC, **more}


def command(arguments: Sequence[str], breakage: str = "") -> list[str]:
    start = [sys.executable, str(DRIVE), breakage] if breakage else [sys.executable, "-m", "agent"]
    return [*start, *map(str, arguments)]


@dataclass
class Finished:
    code: int
    out: str
    err: str
    seconds: float
    runs: Path

    @property
    def last(self) -> dict[str, Any]:
        """The last line of standard output, which `--json` promises to be an object."""
        told: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return told

    @property
    def steps(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()[:-1] if '"step"' in line]

    @property
    def folder(self) -> Path:
        return Path(self.last["folder"])

    @property
    def record(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return told

    @property
    def verdict(self) -> Verdict:
        return verify(self.folder)


def agent(*arguments: str | Path, breakage: str = "", timeout: float = 60, **env: str) -> Finished:
    """Any command to its end."""
    began = time.monotonic()
    done = subprocess.run(
        command([str(one) for one in arguments], breakage),
        env=environment(**env),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Finished(done.returncode, done.stdout, done.stderr, time.monotonic() - began, Path())


def run(task: Path, runs: Path, *more: str, breakage: str = "", timeout: float = 60, **env: str) -> Finished:
    """`agent run` with the oracle, nobody to ask, and JSON."""
    arguments = ["run", str(task), "--model", "plan", "--runs", str(runs), "--approve", "deny", "--json", *more]
    found = agent(*arguments, breakage=breakage, timeout=timeout, **env)
    found.runs = runs
    return found


@contextmanager
def running(arguments: Sequence[str], breakage: str = "", **env: str) -> Iterator[subprocess.Popen[str]]:
    """A command that a test ends itself; what it leaves behind is killed."""
    child = subprocess.Popen(
        command(arguments, breakage),
        env=environment(**env),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        mine = [*family(child.pid), child.pid]
        for pid in mine:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        child.communicate()


def alive(pids: Sequence[int]) -> list[str]:
    """Those of the processes that still do something: command lines."""
    found = []
    for pid in pids:
        with suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                found.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")[:120])
    return found


def gone(pids: Sequence[int], within_s: float) -> list[str]:
    """What is still there after a while."""
    until = time.monotonic() + within_s
    while (left := alive(pids)) and time.monotonic() < until:
        time.sleep(0.05)
    return left


@dataclass
class Shop:
    """One page with a form and a button that buys, in this process; it outlives every run."""

    price: str = "89.00 EUR"
    restless: bool = False
    """Something on it moves for ever."""
    card: bool = False
    more: str = "document.title=1"
    """What the script behind the harmless button does."""
    note: str = ""
    """A sentence on it."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def posts(self) -> list[str]:
        return [path for method, path in self.asked if method == "POST"]

    def page(self) -> str:
        moving = "<script>setInterval(() => {document.getElementById('m').textContent = Date.now()}, 20)</script>"
        card = '<label>Card number <input name="card" autocomplete="cc-number"></label>' if self.card else ""
        return (
            "<!doctype html><title>Shop</title><h1>One teapot</h1>"
            f"<p>Total {html.escape(self.price)}</p><p>{html.escape(self.note)}</p>{'<p id=m>0</p>' + moving if self.restless else ''}"
            f'<p><button type="button" onclick="{html.escape(self.more, quote=True)}">More</button></p>'
            f'<form method="post" action="/buy">{card}<button>Pay {html.escape(self.price)}</button></form>'
        )

    def task(self, folder: Path, *steps: str, name: str = "shop.yaml") -> Path:
        """A task that buys here."""
        origin = self.url.rstrip("/")
        wanted = steps or (f"press the Pay {self.price} button",)
        told: dict[str, Any] = {
            "version": 1,
            "name": "shop",
            "goal": "Buy the teapot.",
            "surface": {"browser": {"start": self.url}},
            "policy": {
                "preset": "booking",
                "narrow": {"origins": [origin], "ask_above": "250 EUR", "deny_above": "500 EUR", "max_buys": 1},
            },
            "steps": list(wanted),
            "success": [{"kind": "text", "contains": "Booked"}],
            "limits": {"steps": 20, "minutes": 2},
        }
        if self.card:
            told["secrets"] = {"card": {"env": "DEMO_CARD", "origins": [origin], "fields": ["cc-number"]}}
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(json.dumps(told))
        return path


@contextmanager
def shop(**told: Any) -> Iterator[Shop]:
    here = Shop(**told)

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            here.asked.append(("GET", self.path))
            self._send(here.page() if self.path == "/" else "<title>-</title>")

        def do_POST(self) -> None:
            here.bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))).decode())
            here.asked.append(("POST", self.path))
            self._send("<!doctype html><title>Done</title><h1>Booked</h1>")

        def _send(self, text: str) -> None:
            data = text.encode()
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *given: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    here.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Airline:
    """The demo airline, started by a test and outliving every run."""

    url: str
    log: Path

    def task(self, folder: Path) -> Path:
        """`book_flight` against this site instead of one of its own."""
        text = BOOK.read_text()
        lines = [line for line in text.splitlines() if not line.startswith("site:")]
        told = "\n".join(lines).replace("site://flights/", self.url).replace("site://flights", self.url.rstrip("/"))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "book.yaml"
        path.write_text(told)
        return path


@contextmanager
def airline(folder: Path, *more: str) -> Iterator[Airline]:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log.jsonl"
    script = ROOT / "tasks" / "sites" / "flights" / "serve.py"
    child = subprocess.Popen(
        [sys.executable, str(script), "--db", str(folder / "db"), "--log", str(log), "--with-parent", *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert child.stdin and child.stdout
    try:
        yield Airline(json.loads(child.stdout.readline())["url"], log)
    finally:
        child.stdin.close()
        child.terminate()
        child.wait(10)
        child.stdout.close()
